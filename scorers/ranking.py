"""Exact cuts through a ranking that no machine holds, in a few passes over the sketches.

A document's place is a key of 128 bits: its score, then a draw from its id for those with equal scores. A cut is
the key of the last document that belongs to the best so much of a group. It is found by radix: a pass counts what
each value of the next 16 bits weighs, among the keys that begin as the cut does, and tells these bits of the cut. A
pass is enough once no two documents share the bits that are known: three or four for most scores. Weights are
whole numbers, so the sums, and with them the cuts, do not depend on how documents are spread over shards.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from textmill.pipeline.executor import Executor, gather
from textmill.pipeline.io.files import open_binary

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Keys: TypeAlias = npt.NDArray[np.uint64]

GROUP: Final = "group"
SCORE: Final = "score"
WEIGHT: Final = "weight"
DRAW: Final = "draw"

DIGITS: Final = 8
_BITS: Final = 16
_SIGN: Final = np.uint64(1 << 63)


class Rows(NamedTuple):
    """The documents of a sketch that are ranked.

    place: their row. group: index into `groups`. high, low: their key, the highest is the best.
    """

    place: Ints
    groups: list[str]
    group: Ints
    score: Floats
    weight: Ints
    high: Keys
    low: Keys


@dataclass(frozen=True)
class Cut:
    """The last document of the best so much of a group; those whose key is at least (high, low) belong to it."""

    high: int
    low: int
    score: float


EVERYTHING: Final = Cut(0, 0, -np.inf)
NOTHING: Final = Cut(2**64, 0, np.inf)
"""No key is as high."""

Name: TypeAlias = tuple[str, int]
"""A group, and which of its cuts."""
Rank: TypeAlias = Callable[[Floats, Keys, list[str], Ints], Floats]
"""From score, draw, names of groups and index of group to what documents are ranked by."""


def read_rows(path: str, rank: Rank | None) -> Rows:
    """The ranked documents of a sketch; those whose score is null or NaN are none."""
    with open_binary(path) as stream:
        table = pq.read_table(stream, columns=[GROUP, SCORE, WEIGHT, DRAW])
    score = table.column(SCORE).to_numpy().astype(np.float64)
    place = np.flatnonzero(~np.isnan(score))
    encoded = table.column(GROUP).combine_chunks().dictionary_encode()
    groups, group = encoded.dictionary.to_pylist(), encoded.indices.to_numpy().astype(np.int64)[place]
    score, low = score[place], table.column(DRAW).to_numpy()[place]
    ranked = score if rank is None else rank(score, low, groups, group)
    weight = table.column(WEIGHT).to_numpy().astype(np.int64)[place]
    return Rows(place, groups, group, ranked, weight, ordered(ranked), low)


def ordered(scores: Floats) -> Keys:
    """Whole numbers in the order of the scores."""
    bits = (scores + 0.0).view(np.uint64)  # so that -0 is 0
    return np.where(bits & _SIGN, ~bits, bits | _SIGN)


def at_least(rows: Rows, cuts: Mapping[Name, Cut], number: int) -> npt.NDArray[np.bool_]:
    """Which documents are on the good side of their group's cut of that number."""
    chosen = [cuts[group, number] for group in rows.groups]
    never = np.array([cut == NOTHING for cut in chosen], np.bool_)
    high = np.array([0 if out else cut.high for cut, out in zip(chosen, never, strict=True)], np.uint64)
    low = np.array([cut.low for cut in chosen], np.uint64)
    mine = rows.group
    above = (rows.high > high[mine]) | ((rows.high == high[mine]) & (rows.low >= low[mine]))
    return np.asarray(above & ~never[mine])


def total_weights(sketches: Sequence[str], executor: Executor, rank: Rank | None = None) -> Counter[str]:
    """What the ranked documents of each group weigh together."""
    totals: Counter[str] = Counter()
    for part in gather(executor, _weights, sketches, rank):
        totals.update(part)  # a group that weighs nothing is in it too
    return totals


def _weights(rank: Rank | None, path: str) -> dict[str, int]:
    rows = read_rows(path, rank)
    sums = np.zeros(len(rows.groups), np.int64)
    np.add.at(sums, rows.group, rows.weight)
    return dict(zip(rows.groups, sums.tolist(), strict=True))


@dataclass
class _Search:
    """A cut that is looked for: the digits that are known, and what the documents from there down must weigh."""

    wanted: int
    digits: tuple[int, ...] = ()
    score: float = 0.0
    alone: bool = False


@dataclass(frozen=True)
class _Pass:
    """What a task counts: the next digit of keys that begin with the known digits of some cut."""

    rank: Rank | None
    prefixes: dict[Name, tuple[int, ...]] = field(default_factory=dict)


class Tally(NamedTuple):
    """Keys with one value of the digit: what they weigh, how many they are, the best score among them."""

    weight: int
    rows: int
    score: float


def find_cuts(
    sketches: Sequence[str],
    executor: Executor,
    wanted: Mapping[Name, int],
    totals: Mapping[str, int],
    rank: Rank | None,
) -> dict[Name, Cut]:
    """For each name the cut above which the documents of the group weigh at least so much, and one less would not.

    What is wanted of a group beyond its total is everything, and so is a group whose documents weigh nothing above
    its first cut.
    """
    cuts = {
        name: NOTHING if weight <= 0 and (totals[name[0]] or name[1]) else EVERYTHING for name, weight in wanted.items()
    }
    searches = {name: _Search(weight) for name, weight in wanted.items() if 0 < weight < totals[name[0]]}
    for _ in range(DIGITS):
        going = {name: search.digits for name, search in searches.items() if not search.alone}
        if not going:
            break
        tallies: dict[Name, dict[int, Tally]] = {name: {} for name in going}
        for part in gather(executor, _count, sketches, _Pass(rank, going)):
            for name, found in part.items():
                _merge(tallies[name], found)
        for name, tally in tallies.items():
            _descend(searches[name], tally)
    return cuts | {name: _cut(search) for name, search in searches.items()}


def _count(job: _Pass, path: str) -> dict[Name, dict[int, Tally]]:
    rows = read_rows(path, job.rank)
    index = {group: number for number, group in enumerate(rows.groups)}
    found = {}
    for name, prefix in job.prefixes.items():
        if name[0] not in index:
            continue
        here = rows.group == index[name[0]]
        for level, digit in enumerate(prefix):
            here &= _digit(rows, level) == digit
        mine = np.flatnonzero(here)
        if len(mine):
            found[name] = _tally(_digit(rows, len(prefix))[mine], rows.weight[mine], rows.score[mine])
    return found


def _tally(digits: Ints, weights: Ints, scores: Floats) -> dict[int, Tally]:
    values, inverse, counts = np.unique(digits, return_inverse=True, return_counts=True)
    sums, best = np.zeros(len(values), np.int64), np.full(len(values), -np.inf)
    np.add.at(sums, inverse, weights)
    np.maximum.at(best, inverse, scores)
    columns = (values.tolist(), sums.tolist(), counts.tolist(), best.tolist())
    return {value: Tally(weight, rows, score) for value, weight, rows, score in zip(*columns, strict=True)}


def _digit(rows: Rows, level: int) -> Ints:
    half, place = divmod(level, DIGITS // 2)
    shift = np.uint64(64 - _BITS * (place + 1))
    return (((rows.low if half else rows.high) >> shift) & np.uint64((1 << _BITS) - 1)).astype(np.int64)


def _merge(total: dict[int, Tally], part: Mapping[int, Tally]) -> None:
    for digit, tally in part.items():
        so_far = total.get(digit, Tally(0, 0, -np.inf))
        total[digit] = Tally(so_far.weight + tally.weight, so_far.rows + tally.rows, max(so_far.score, tally.score))


def _descend(search: _Search, tally: Mapping[int, Tally]) -> None:
    """Go down the digits until enough is together; there lies the cut."""
    for digit in sorted(tally, reverse=True):
        if tally[digit].weight >= search.wanted:
            search.digits, search.score = (*search.digits, digit), tally[digit].score
            search.alone = tally[digit].rows == 1
            return
        search.wanted -= tally[digit].weight
    raise AssertionError("a group weighs less than it did")


def _cut(search: _Search) -> Cut:
    """The lowest key that begins with the digits: either they are all, or only one document has them."""
    digits = (*search.digits, *[0] * (DIGITS - len(search.digits)))
    halves = [0, 0]
    for level, digit in enumerate(digits):
        halves[level // (DIGITS // 2)] = halves[level // (DIGITS // 2)] << _BITS | digit
    return Cut(halves[0], halves[1], search.score)
