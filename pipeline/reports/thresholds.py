"""The thresholds that a change of a recipe's parameters moves, found by asking the filters themselves.

A rule is known by what its filter says of a row made up for the purpose: the limit that the parameter sets.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from textmill.pipeline import schema
from textmill.pipeline.errors import UsageError
from textmill.pipeline.recipe import Named
from textmill.pipeline.step import Filter


class Change(NamedTuple):
    """A rule whose threshold moves; `after` is None where the rule is no longer applied."""

    step: str
    reason: str
    before: float
    after: float | None

    @property
    def column(self) -> str:
        """The rule's column in the measures."""
        return f"{self.step}.{self.reason}"


def changes_of(old: Named, new: Named) -> Iterator[Change]:
    """The thresholds that differ between two versions of a step.

    Raises UsageError for a parameter that sets no threshold, or that was not applied and so not measured.
    """
    before, after = old.part.model_dump(), new.part.model_dump()
    for name in (name for name in before if before[name] != after[name]):
        home = f"{old.label}.{name}"
        if not isinstance(old.part, Filter):
            raise UsageError(f"{home}: {old.label} is no filter: what else it would give is not stored; run it again")
        if before[name] is None:
            raise UsageError(f"{home}: was not applied in that run, so nothing was measured for it; run it again")
        alone = old.part.model_copy(update={name: getattr(new.part, name)})
        limits, moved = thresholds_of(old.part), thresholds_of(alone)
        differing = [reason for reason in limits if limits[reason] != moved.get(reason)]
        if not differing or moved.keys() - limits.keys():
            raise UsageError(f"{home} is no threshold: it changes what is measured; run it again")
        for reason in differing:
            yield Change(old.label, reason, limits[reason], moved.get(reason))


def thresholds_of(step: Filter) -> dict[str, float]:
    """The limit of each rule of a filter that states one. Raises UsageError for a filter that does not show them."""
    for number in (pa.float64(), pa.string(), pa.int64(), pa.bool_()):
        try:
            rules = step.judge(_made_up(step, number)).rules
        except Exception as error:
            problem = error
        else:
            return {rule.reason: float(rule.thresholds[0]) for rule in rules if not np.isnan(rule.thresholds[0])}
    raise UsageError(f"{type(step).__name__} cannot be asked for its thresholds: {problem!r}")


def _made_up(step: Filter, other: pa.DataType) -> pa.RecordBatch:
    """One row with the columns that a filter reads; those that textmill does not know have type `other`."""
    examples: dict[str, object] = {schema.TEXT: "a b c", schema.URL: "https://example.org/", schema.LANGUAGE: "en"}
    columns = {}
    for name in (schema.ID, schema.SOURCE, *sorted(step.reads() - {schema.ID, schema.SOURCE})):
        kind = schema.TYPES.get(name, other)
        text = pa.types.is_string(kind) or pa.types.is_binary(kind)
        columns[name] = pa.array([examples.get(name, "a")]).cast(kind) if text else pa.array([0]).cast(kind)
    return pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))
