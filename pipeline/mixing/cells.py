"""What the planner knows of a corpus: documents and tokens of each group, and of each value of a score within it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Group = tuple[str, ...]
"""The values of the columns of `by`, in their order."""
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

UNKNOWN: Final = "(unknown)"
"""Stands for a null in a group's key."""
_DROPPED_BITS: Final = 12
"""Bits of a float32 that `coarse` puts aside: of 24 significant ones, 12 stay."""


@dataclass(frozen=True, eq=False)
class Cells:
    """Counts of documents and tokens, one entry for each group and coarse value that occur.

    groups: keys in ascending order. group: index into them. value: as `coarse` leaves it, NaN where a
    document has none. All arrays have the same length and are sorted by group, then value (NaN last).
    """

    by: tuple[str, ...]
    groups: tuple[Group, ...]
    group: Ints
    value: Floats
    documents: Ints
    tokens: Ints

    def totals(self) -> tuple[Ints, Ints]:
        """Documents and tokens of each group."""
        documents, tokens = np.zeros(len(self.groups), np.int64), np.zeros(len(self.groups), np.int64)
        np.add.at(documents, self.group, self.documents)
        np.add.at(tokens, self.group, self.tokens)
        return documents, tokens

    def of(self, number: int) -> tuple[Floats, Ints, Ints]:
        """Values, documents and tokens of the cells of one group."""
        start, stop = np.searchsorted(self.group, [number, number + 1])
        return self.value[start:stop], self.documents[start:stop], self.tokens[start:stop]


def label_of(group: Group) -> str:
    """The group as recipes write it: ``web``, or ``web/en`` for two columns."""
    return "/".join(group)


def coarse(values: npt.ArrayLike) -> Floats:
    """Values rounded towards zero to 12 significant bits, which keeps their order and merges what hardly differs.

    Whole numbers up to 4,096 stay as they are; others lose less than one part in 2,048. NaN stays NaN.
    Counts by coarse value are few, and add up over shards.
    """
    single = np.asarray(values, np.float64).astype(np.float32)
    bits = single.view(np.uint32) & np.uint32(-1 << _DROPPED_BITS & 0xFFFFFFFF)
    rounded = np.where(np.isnan(single), np.nan, bits.view(np.float32).astype(np.float64))
    return np.asarray(rounded + 0.0)  # no negative zero


def count_cells(
    by: Sequence[str],
    groups: Sequence[Group],
    codes: npt.ArrayLike,
    tokens: npt.ArrayLike,
    values: npt.ArrayLike | None = None,
) -> Cells:
    """Add up documents. Order does not matter: neither that of documents nor that of `groups`.

    groups: distinct keys. codes: for each document the number of its key. tokens: its tokens, at least 0.
    values: the score that rules its repetition within the group, NaN where it has none; None: no score.
    Groups without a document are left out.
    """
    code = np.asarray(codes, np.int64)
    count = np.asarray(tokens, np.int64)
    value = np.full(len(code), np.nan) if values is None else coarse(values)
    ones = np.ones(len(code), np.int64)
    return _add_up(tuple(by), tuple(groups), code, value, ones, count)


def merge_cells(parts: Iterable[Cells]) -> Cells:
    """The sum of counts of shards, in whatever order. Raises ValueError when there is none, or of several groupings."""
    found = list(parts)
    if len({part.by for part in found}) != 1:
        raise ValueError("counts to be added must be of the same grouping, and of one shard at least")
    keys = sorted({key for part in found for key in part.groups})
    number = {key: code for code, key in enumerate(keys)}
    moved = [np.array([number[key] for key in part.groups], np.int64)[part.group] for part in found]
    return _add_up(
        found[0].by,
        tuple(keys),
        np.concatenate(moved),
        np.concatenate([part.value for part in found]),
        np.concatenate([part.documents for part in found]),
        np.concatenate([part.tokens for part in found]),
    )


def _add_up(by: tuple[str, ...], groups: tuple[Group, ...], code: Ints, value: Floats, docs: Ints, toks: Ints) -> Cells:
    """Sum what falls into one cell; groups are put into order, and those without a cell left out."""
    present = np.bincount(code, minlength=len(groups)) > 0
    order = sorted((number for number in range(len(groups)) if present[number]), key=lambda number: groups[number])
    rank = np.zeros(len(groups), np.int64)
    rank[order] = np.arange(len(order))
    cell = rank[code] << 32 | _sortable(value)
    unique, place = np.unique(cell, return_inverse=True)
    first = np.zeros(len(unique), np.int64)
    first[place] = np.arange(len(cell))
    documents, tokens = np.zeros(len(unique), np.int64), np.zeros(len(unique), np.int64)
    np.add.at(documents, place, docs)
    np.add.at(tokens, place, toks)
    return Cells(by, tuple(groups[number] for number in order), unique >> 32, value[first], documents, tokens)


def _sortable(value: Floats) -> Ints:
    """Whole numbers in [0, 2**32) in the order of the values, NaN last."""
    bits = value.astype(np.float32).view(np.uint32).astype(np.int64)
    ordered = np.where(bits >> 31, 0xFFFFFFFF - bits, bits | 1 << 31)
    return np.where(np.isnan(value), 0xFFFFFFFF, ordered)
