"""Which document of a group of duplicates stays: one policy for all deduplication."""

from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, model_serializer, model_validator

from textmill.pipeline import schema
from textmill.pipeline.errors import InputError

RANK = "rank"
"""The column of a sketch that holds what a policy compares."""

Policy: TypeAlias = Literal["first", "longest", "highest", "lowest", "newest", "prefer"]

_FORMS = (
    "expected first, longest, newest, {highest: COLUMN}, {lowest: COLUMN}, {newest: COLUMN} or {prefer: [SOURCE, …]}"
)
_MONTH, _DAY = r"(0[1-9]|1[0-2])", r"(0[1-9]|[12]\d|3[01])"
_DATE = rf"^\d{{4}}(-{_MONTH}(-{_DAY}([T ].*)?)?|{_MONTH}{_DAY}(T.*)?)?$"
"""A year, a month or a day, and perhaps a time, by ISO 8601."""


class Keep(BaseModel):
    """The keep policy, in a recipe ``keep: longest`` or ``keep: {highest: language_score}``.

    first: the earliest in shard order, which also breaks the ties of every other policy.
    longest: the most code points. highest, lowest: by a column.
    newest: the latest by a column of dates, or of ISO 8601 strings (`date` where none is named), which are compared
    as they are written.
    prefer: by source, the first of the list before the second and so on, unlisted sources last.
    A document without the value (null, or for newest a string that is no such date) comes after all that have one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    policy: Policy = "first"
    of: str | tuple[str, ...] | None = None

    @model_validator(mode="before")
    @classmethod
    def _read(cls, given: Any) -> Any:
        """From the form that a recipe uses."""
        match given:
            case Keep() | {} if not isinstance(given, dict) or not given:
                return given
            case "first" | "longest":
                return {"policy": given}
            case "newest":
                return {"policy": given, "of": schema.DATE}
            case {"highest": str()} | {"lowest": str()} | {"newest": str()} | {"prefer": list() | tuple()}:
                if len(given) == 1:
                    ((policy, of),) = given.items()
                    return {"policy": policy, "of": of}
        raise ValueError(f"{_FORMS}; got {given!r}")

    @model_serializer
    def _write(self) -> Any:
        return self.policy if self.of is None else {self.policy: self.of}

    def __str__(self) -> str:
        return str(self._write())

    def reads(self) -> frozenset[str]:
        """Names of the columns it needs."""
        if self.policy == "longest":
            return frozenset({schema.TEXT})
        if self.policy == "prefer":
            return frozenset({schema.SOURCE})
        return frozenset({self.of}) if isinstance(self.of, str) else frozenset()

    def sketch(self, batch: pa.RecordBatch) -> dict[str, pa.Array]:
        """What to remember of each row, as columns of a sketch: `rank`, or nothing.

        Raises InputError for highest and lowest of a column of text.
        """
        match self.policy:
            case "first":
                return {}
            case "longest":
                return {RANK: pc.utf8_length(batch.column(schema.TEXT))}
            case "prefer":
                order = pa.array(self.of, pa.string())
                return {RANK: pc.index_in(batch.column(schema.SOURCE), value_set=order)}
        column = batch.column(self.of)
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            if self.policy != "newest":
                raise InputError(f"keep: {self}: the column holds text, which is neither high nor low")
            column = pc.if_else(pc.match_substring_regex(column, _DATE), column, pa.scalar(None, column.type))
        return {RANK: column}

    def best_first(self, sketch: pa.Table) -> npt.NDArray[np.int64]:
        """Row numbers of `sketch`, the one to keep before the others; of equals the earlier row."""
        if self.policy == "first":
            return np.arange(sketch.num_rows)
        order = "ascending" if self.policy in ("lowest", "prefer") else "descending"
        indices = pc.sort_indices(sketch, sort_keys=[(RANK, order)])
        return np.asarray(indices.to_numpy(), np.int64)

    def best_of_each(self, sketch: pa.Table, group: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """For each row of `sketch` the number of the row to keep of its group; groups are numbered from 0."""
        best = np.empty(group.max(initial=-1) + 1, np.int64)
        worst_first = self.best_first(sketch)[::-1]
        best[group[worst_first]] = worst_first  # the best of a group is written last, and stays
        return best.take(group)
