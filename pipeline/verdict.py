"""A filter's judgement of a batch: for each row one reason to drop it, or none."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from textmill.pipeline.arrow import Bools, bools

NOT_JUDGED = "not_judged"
"""Reason for a row for which a filter's condition came out null: it could not tell, so it may not keep."""

Values: TypeAlias = pa.Array | pa.ChunkedArray | npt.NDArray[np.generic] | Sequence[float | None] | float
Mask: TypeAlias = pa.Array | pa.ChunkedArray | npt.NDArray[np.bool_] | Sequence[bool | None]


class Rule(NamedTuple):
    """One comparison that a filter made, for every row: whether the row broke it, and what was judged.

    A row that could not be judged counts as broken. NaN stands for a value or threshold that was not stated.
    """

    reason: str
    broken: Bools
    values: npt.NDArray[np.float64]
    thresholds: npt.NDArray[np.float64]


ANY_REASON = "any"
"""Name of the rule of a filter that gives each row a reason of its own, as a `doc_filter` does."""


@dataclass(frozen=True, eq=False)
class Verdict:
    """One reason a row, or none. Build it by chaining; of several reasons for a row the first wins.

    >>> Verdict.of(batch).drop("too_short", pc.less(words, 50), value=words, threshold=50)
    """

    names: tuple[str, ...]
    codes: npt.NDArray[np.int16]  # index into names, -1 where the row is kept
    values: npt.NDArray[np.float64]  # what was judged, NaN where not stated
    thresholds: npt.NDArray[np.float64]  # what it was compared with, NaN where not stated
    rules: tuple[Rule, ...] = ()  # every comparison made, whether it dropped a row or not

    @classmethod
    def of(cls, batch: pa.RecordBatch) -> "Verdict":
        """Keep every row of `batch`."""
        n = batch.num_rows
        return cls((), np.full(n, -1, np.int16), np.full(n, np.nan), np.full(n, np.nan))

    def drop(self, reason: str, where: Mask, value: Values | None = None, threshold: Values | None = None) -> "Verdict":
        """Drop the rows where `where` holds and no earlier reason does.

        `value` is what was judged and `threshold` what it was compared with (a number, or one a
        row); both go into the decisions. A null in `where` drops the row as `not_judged`.
        Raises ValueError when `where` has not one entry a row.
        """
        mask, unknown = _split_nulls(where)
        if len(mask) != len(self.codes):
            raise ValueError(f"reason {reason!r}: {len(mask)} entries for {len(self.codes)} rows")
        verdict = self._noted(reason, mask | unknown, value, threshold)._mark(reason, mask, value, threshold)
        return verdict._mark(NOT_JUDGED, unknown, None, threshold) if unknown.any() else verdict

    def drop_each(self, reasons: Sequence[str | None] | pa.Array, value: Values | None = None) -> "Verdict":
        """Drop each row whose entry in `reasons` is not null, for that reason. Raises ValueError as `drop`."""
        column = reasons if isinstance(reasons, pa.Array) else pa.array(reasons, pa.string())
        if len(column) != len(self.codes):
            raise ValueError(f"{len(column)} reasons for {len(self.codes)} rows")
        verdict = self._noted(ANY_REASON, bools(pc.is_valid(column)), value, None)
        for reason in pc.unique(column.drop_null()).to_pylist():
            verdict = verdict._mark(reason, bools(pc.fill_null(pc.equal(column, reason), False)), value, None)
        return verdict

    def _noted(self, reason: str, broken: Bools, value: Values | None, threshold: Values | None) -> "Verdict":
        everywhere, unstated = np.ones(len(broken), np.bool_), np.full(len(broken), np.nan)
        rule = Rule(reason, broken, _fill(unstated, everywhere, value), _fill(unstated, everywhere, threshold))
        return replace(self, rules=(*self.rules, rule))

    def _mark(self, reason: str, mask: Bools, value: Values | None, threshold: Values | None) -> "Verdict":
        fresh = mask & (self.codes < 0)
        if not fresh.any():
            return self
        names = self.names if reason in self.names else (*self.names, reason)
        codes = self.codes.copy()
        codes[fresh] = names.index(reason)
        return replace(
            self,
            names=names,
            codes=codes,
            values=_fill(self.values, fresh, value),
            thresholds=_fill(self.thresholds, fresh, threshold),
        )

    @property
    def kept(self) -> Bools:
        """Bool array, one a row: True where no reason was given."""
        return self.codes < 0

    @property
    def reasons(self) -> list[str | None]:
        """The reason of each row, None where it is kept."""
        return [self.names[code] if code >= 0 else None for code in self.codes]

    def counts(self) -> Counter[str]:
        """How many rows each reason drops."""
        dropped = self.codes[self.codes >= 0]
        return Counter(dict(zip(self.names, np.bincount(dropped).tolist(), strict=True)) if self.names else {})


def _split_nulls(where: Mask) -> tuple[Bools, Bools]:
    """Where the condition holds, and where it is null."""
    if not isinstance(where, (pa.Array, pa.ChunkedArray, np.ndarray)):
        where = pa.array(where, pa.bool_())
    if isinstance(where, np.ndarray):
        return bools(where), np.zeros(len(where), np.bool_)
    return bools(pc.fill_null(where, False)), bools(pc.is_null(where))


def _fill(old: npt.NDArray[np.float64], where: Bools, new: Values | None) -> npt.NDArray[np.float64]:
    """`old` with `new` in the rows `where`; None leaves it."""
    if new is None:
        return old
    if isinstance(new, pa.ChunkedArray):
        new = new.combine_chunks()
    if isinstance(new, pa.Array):
        new = pc.cast(new, pa.float64()).to_numpy(zero_copy_only=False)
    filled = old.copy()
    filled[where] = np.broadcast_to(np.asarray(new, np.float64), old.shape)[where]
    return filled
