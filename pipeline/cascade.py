"""`cascade`: a cheap scorer decides the clear cases, so that a dear one sees only the rest."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, ValidationError, model_validator
from pydantic_core import CoreSchema, core_schema

from textmill.pipeline import catalog, schema
from textmill.pipeline.arrow import Bools, bools
from textmill.pipeline.chance import chosen
from textmill.pipeline.errors import RecipeError
from textmill.pipeline.parameters import Parameters, problems_in
from textmill.pipeline.step import Scorer


@dataclass(frozen=True)
class NamedScorer:
    """A scorer with the name that the recipe gives it; in YAML ``quality`` or ``{quality: {model: m.bin}}``."""

    name: str
    step: Scorer

    @classmethod
    def __get_pydantic_core_schema__(cls, _: object, handler: object) -> CoreSchema:
        dump = core_schema.plain_serializer_function_ser_schema(cls.to_yaml)
        own = core_schema.no_info_plain_validator_function(cls.of, serialization=dump)
        return core_schema.chain_schema([own])  # the serializer of all fields takes the place of the outer one's

    @classmethod
    def of(cls, given: object) -> "NamedScorer":
        """The scorer that an entry of a recipe names. Raises ValueError with all that is wrong with it."""
        if isinstance(given, cls):
            return given
        name, parameters = _name_and_parameters(given)
        try:
            kind = catalog.step(name)
        except RecipeError as error:
            raise ValueError(str(error)) from error
        if not issubclass(kind, Scorer):
            raise ValueError(f"{name!r} is no scorer")
        try:
            return cls(name, kind.model_validate(parameters))
        except ValidationError as error:
            raise ValueError("; ".join(f"{name}: {problem}" for problem in problems_in(error, kind))) from error

    def to_yaml(self) -> dict[str, Any]:
        """Its entry in a resolved recipe."""
        return {self.name: self.step.model_dump(mode="json")}


def _name_and_parameters(given: object) -> tuple[str, Mapping[str, object]]:
    """Raises ValueError for what is neither a name nor a name with parameters."""
    if isinstance(given, str):
        return given, {}
    if isinstance(given, Mapping) and len(given) == 1:
        ((name, parameters),) = given.items()
        if isinstance(parameters or {}, Mapping):
            return str(name), parameters or {}
    raise ValueError(f"write a scorer as name or name: {{parameters}}, not {given!r}")


class Cascade(Scorer):
    """Add the score of a cheap scorer where it is clear, below `low` or above `high`, and else that of a dear one.

    Both scores must be on one scale. Cut the column at `threshold` afterwards. Of the clear documents a sample,
    chosen by id, goes through both scorers; the report tells on how many of them they disagree about `threshold`.
    """

    first: NamedScorer = Field(description="the cheap scorer, with its parameters; it sees every document")
    then: NamedScorer = Field(description="the dear scorer, with its parameters; it sees the rest and the sample")
    low: float = Field(description="a first score below this is clear")
    high: float = Field(description="a first score above this is clear")
    threshold: float = Field(0.5, description="where a later step cuts the column, from low to high")
    column: str = Field("cascade", min_length=1, description="name of the new column")
    first_column: str | None = Field(None, description="the score among the columns of `first`; null: its only one")
    then_column: str | None = Field(None, description="the score among the columns of `then`; null: its only one")
    audit: float = Field(0.01, ge=0, le=1, description="share of the clear documents that both scorers see")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if not self.low <= self.threshold <= self.high:
            raise ValueError(f"low {self.low:g}, threshold {self.threshold:g}, high {self.high:g} must rise")
        added = [self.first.step.adds(), self.then.step.adds(), {self.column}]
        for some, others in ((0, 1), (0, 2), (1, 2)):
            if twice := sorted(added[some] & added[others]):
                raise ValueError(f"column {twice[0]!r} is added twice; give one of them another name")
        for field, columns, name in (
            ("first_column", added[0], self.first_column),
            ("then_column", added[1], self.then_column),
        ):
            if name is None and len(columns) != 1:
                raise ValueError(f"say with {field} which column is the score: {', '.join(sorted(columns)) or 'none'}")
            if name is not None and name not in columns:
                raise ValueError(f"{field}: there is no {name!r} among {', '.join(sorted(columns)) or 'no columns'}")
        return self

    @classmethod
    def inner_names(cls, given: Mapping[str, object]) -> tuple[str, ...]:
        """The names of the two scorers."""
        names = []
        for entry in (given.get("first"), given.get("then")):
            try:
                names.append(_name_and_parameters(entry)[0])
            except ValueError:  # the validator will say so
                continue
        return tuple(names)

    def inner_parts(self) -> tuple[Parameters, ...]:
        """The two scorers."""
        return (self.first.step, self.then.step)

    def reads(self) -> frozenset[str]:
        """What the scorers read; the second may read what the first adds."""
        return self.first.step.reads() | (self.then.step.reads() - self.first.step.adds()) | {schema.ID}

    def adds(self) -> frozenset[str]:
        """The columns of both scorers, and the score."""
        return self.first.step.adds() | self.then.step.adds() | {self.column}

    def depends_on(self) -> tuple[str, ...]:
        """The files of both."""
        return (*self.first.step.depends_on(), *self.then.step.depends_on())

    def libraries(self) -> tuple[str, ...]:
        """The libraries of both."""
        return tuple(dict.fromkeys((*self.first.step.libraries(), *self.then.step.libraries())))

    def prepare(self) -> None:
        """Load what both need. Raises what they raise."""
        self.first.step.prepare()
        self.then.step.prepare()

    def score(self, batch: pa.RecordBatch) -> dict[str, pa.Array]:
        """The columns of `first`; those of `then`, null where it was not asked; and `column`, float64."""
        batch, _ = self.first.step.apply(batch)
        clear = self._clear(batch)
        asked = ~clear | self._audited(batch)
        found = _score_some(self.then.step, batch, asked)
        cheap, dear = batch.column(self._first).cast(pa.float64()), found[self._then].cast(pa.float64())
        names = batch.schema.names
        return {
            **{name: batch.column(name) for name in names if name in self.first.step.adds()},
            **found,
            self.column: pc.if_else(pa.array(clear), cheap, dear),
        }

    def tally(self, batch: pa.RecordBatch) -> dict[str, int]:
        """How many documents were clear or sent on; of how many in the sample the scorers disagree."""
        clear = self._clear(batch)
        cheap, dear = batch.column(self._first), batch.column(self._then)
        audited = clear & bools(pc.is_valid(dear)) & self._audited(batch)
        above = [
            bools(pc.fill_null(pc.greater_equal(c.cast(pa.float64()), self.threshold), False)) for c in (cheap, dear)
        ]
        return {
            "clear": int(clear.sum()),
            "sent_on": int((~clear).sum()),
            "audited": int(audited.sum()),
            "disagreed": int((audited & (above[0] != above[1])).sum()),
        }

    @property
    def _first(self) -> str:
        return self.first_column or min(self.first.step.adds())

    @property
    def _then(self) -> str:
        return self.then_column or min(self.then.step.adds())

    def _clear(self, batch: pa.RecordBatch) -> Bools:
        """Whether the first score settles the matter; one that is null does not."""
        score = batch.column(self._first).cast(pa.float64())
        return bools(pc.fill_null(pc.or_(pc.less(score, self.low), pc.greater(score, self.high)), False))

    def _above(self, score: pa.Array) -> Bools:
        return bools(pc.fill_null(pc.greater_equal(score.cast(pa.float64()), self.threshold), False))

    def _audited(self, batch: pa.RecordBatch) -> Bools:
        """Which documents are in the sample; the same in every run."""
        return chosen(batch.column(schema.ID), self.audit, "cascade")


def _score_some(scorer: Scorer, batch: pa.RecordBatch, which: Bools) -> dict[str, pa.Array]:
    """The columns of a scorer for some rows, null for the others.

    Where no row is wanted it is asked about the first, for the types of its columns.
    """
    rows = np.flatnonzero(which)
    columns = scorer.score(batch.take(pa.array(rows if len(rows) else [0])))
    places = np.full(batch.num_rows, -1)
    places[rows] = np.arange(len(rows))
    return {name: column.take(pa.array(places, mask=places < 0)) for name, column in columns.items()}
