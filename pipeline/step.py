"""What a chain is made of: filters judge, scorers measure, mappers rewrite; only the chain drops rows.

A step holds no state: models are loaded by a module-level ``functools.cache`` keyed by path.
"""

import inspect
from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, get_type_hints

import pyarrow as pa

from textmill.pipeline import schema
from textmill.pipeline.arrow import drop_columns, set_column
from textmill.pipeline.parameters import Parameters
from textmill.pipeline.verdict import Verdict


class Step(Parameters):
    """One step of a chain. Derive from Filter, Scorer or Mapper instead."""

    @abstractmethod
    def apply(self, batch: pa.RecordBatch) -> tuple[pa.RecordBatch, Verdict | None]:
        """The rows as they go on, and which of them leave; every row is still in the batch."""

    def tally(self, batch: pa.RecordBatch) -> Mapping[str, int]:  # noqa: ARG002
        """What there is to count, by name, for the report, in the rows that it has worked on and that go on."""
        return {}


class Filter(Step):
    """A step that judges."""

    @abstractmethod
    def judge(self, batch: pa.RecordBatch) -> Verdict:
        """One reason to drop, or none, for each row."""

    def apply(self, batch: pa.RecordBatch) -> tuple[pa.RecordBatch, Verdict | None]:
        """Judge, and leave the rows as they are. Raises TypeError for anything but a verdict on every row."""
        verdict = self.judge(batch)
        if not isinstance(verdict, Verdict) or len(verdict.codes) != batch.num_rows:
            raise TypeError(f"judge must return a verdict on {batch.num_rows} rows, not {verdict!r:.80}")
        return batch, verdict


class Scorer(Step):
    """A step that measures."""

    @abstractmethod
    def score(self, batch: pa.RecordBatch) -> dict[str, pa.Array]:
        """New columns by name, one value a row; null where a row cannot be measured."""

    def apply(self, batch: pa.RecordBatch) -> tuple[pa.RecordBatch, Verdict | None]:
        """Add the columns; drop nothing."""
        for name, column in self.score(batch).items():
            batch = set_column(batch, name, column)
        return batch, None


class Mapper(Step):
    """A step that rewrites."""

    @abstractmethod
    def rewrite(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The same rows in the same order, rewritten.

        A row that cannot be rewritten says why in the column `drop_reason` (and, if it likes, a
        number in `drop_value`); the chain drops it.
        """

    def removes(self) -> frozenset[str]:
        """Names of the columns that it takes away."""
        return frozenset()

    def apply(self, batch: pa.RecordBatch) -> tuple[pa.RecordBatch, Verdict | None]:
        """Rewrite, and take the refusals out as a verdict. Raises ValueError when rows are missing or moved."""
        rewritten = self.rewrite(batch)
        if not rewritten.column(schema.ID).equals(batch.column(schema.ID)):
            raise ValueError(f"a mapper returned other rows ({rewritten.num_rows}) than it got ({batch.num_rows})")
        return take_refusals(rewritten)


def take_refusals(batch: pa.RecordBatch) -> tuple[pa.RecordBatch, Verdict | None]:
    """Split the columns `drop_reason` and `drop_value` off as a verdict; None where there are none."""
    names = batch.schema.names
    if schema.DROP_REASON not in names:
        return batch, None
    value = batch.column(schema.DROP_VALUE) if schema.DROP_VALUE in names else None
    verdict = Verdict.of(batch).drop_each(batch.column(schema.DROP_REASON), value)
    return drop_columns(batch, schema.DROP_REASON, schema.DROP_VALUE), verdict


def doc_filter(function: Callable[..., str | None]) -> type[Filter]:
    """Make a filter of a function on one document that returns a reason to drop it, or None.

    Positional arguments are columns, keyword-only arguments are parameters, and the result is a
    Filter class under the function's name::

        @doc_filter
        def no_lorem(text: str, *, limit: int = 2) -> str | None:
            return "lorem_ipsum" if text.lower().count("lorem ipsum") > limit else None
    """

    def judge(self: Filter, batch: pa.RecordBatch) -> Verdict:
        found = _call_each(function, self, batch)
        for given in found:
            if given is not None and not isinstance(given, str):
                raise TypeError(f"{function.__name__} must return a reason, a text, or None, not {given!r:.80}")
        return Verdict.of(batch).drop_each(found)

    return _step_of(function, Filter, {"judge": judge})  # type: ignore[type-abstract]


def doc_scorer(function: Callable[..., float | None]) -> type[Scorer]:
    """Make a scorer of a function on one document that returns a number, or None.

    As `doc_filter`; the new column carries the function's name.
    """
    name = function.__name__

    def score(self: Scorer, batch: pa.RecordBatch) -> dict[str, pa.Array]:
        return {name: pa.array(_call_each(function, self, batch), pa.float64())}

    def adds(_: Scorer) -> frozenset[str]:
        return frozenset({name})

    return _step_of(function, Scorer, {"score": score, "adds": adds})  # type: ignore[type-abstract]


S = TypeVar("S", bound=Step)


def _step_of(function: Callable[..., object], base: type[S], methods: dict[str, object]) -> type[S]:
    """A step class whose fields are the keyword-only arguments of `function`."""
    hints = get_type_hints(function)
    fields = [p for p in inspect.signature(function).parameters.values() if p.kind is p.KEYWORD_ONLY]
    columns = frozenset(_columns_of(function))
    if not columns:
        raise TypeError(f"{function.__name__} takes no column: name those it reads as positional arguments")
    namespace: dict[str, object] = {
        "__module__": function.__module__,
        "__qualname__": function.__qualname__,
        "__doc__": function.__doc__,
        "__annotations__": {p.name: hints.get(p.name, Any) for p in fields},
        "reads": lambda _: columns,
        **{p.name: p.default for p in fields if p.default is not p.empty},
        **methods,
    }
    metaclass: Any = type(base)
    step: type[S] = metaclass(function.__name__, (base,), namespace)
    return step


def _columns_of(function: Callable[..., object]) -> list[str]:
    parameters = inspect.signature(function).parameters.values()
    return [p.name for p in parameters if p.kind is not p.KEYWORD_ONLY]


def _call_each(function: Callable[..., Any], step: Step, batch: pa.RecordBatch) -> list[Any]:
    columns = [batch.column(name).to_pylist() for name in _columns_of(function)]
    options = {name: getattr(step, name) for name in type(step).model_fields}
    return [function(*row, **options) for row in zip(*columns, strict=True)]
