"""Cut points between head, middle and tail: which perplexities they are, by language, and how they are found.

CCNet cuts at the 30th and 60th percentile of each language (`percentile_head` and `percentile_tail` in its code).
"""

import csv
import json
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from textmill.pipeline.errors import InputError
from textmill.pipeline.io.files import read_text

Cutoffs: TypeAlias = dict[str, tuple[float, float]]
"""For each language the perplexities below which a document is head, and below which it is middle."""
ANY: Final = "any"
"""The language whose cut points hold for those that have none."""

BINS: Final = 6000
DECADES: Final = 6
"""The histogram's range is 1 to 10^6; a bin is 0.23 % wide. What lies beyond counts into the bins at its ends."""


def buckets(perplexity: npt.NDArray[np.float64], languages: Sequence[str | None], cutoffs: Cutoffs) -> pa.Array:
    """head, middle or tail; all where the perplexity is NaN or the language has no cut points."""
    none = (np.nan, np.nan)
    limits = np.array([cutoffs.get(name or "", cutoffs.get(ANY, none)) for name in languages]).reshape(-1, 2)
    told = ~np.isnan(perplexity) & ~np.isnan(limits[:, 0])
    rank = np.where(perplexity < limits[:, 0], 1, np.where(perplexity < limits[:, 1], 2, 3))
    names = np.array(["all", "head", "middle", "tail"], object)
    return pa.array(names[np.where(told, rank, 0)], pa.string())


@cache
def read_cutoffs(path: str) -> Cutoffs:
    """Cut points from a file: JSON as `{"en": [340, 520]}`, or CCNet's table of percentiles, CSV.

    Raises InputError for anything else.
    """
    content = read_text(path)
    try:
        found = _from_json(content) if content.lstrip().startswith("{") else _from_table(content)
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise InputError(
            f"{path}: no cut points ({error!r}): as in " + '{"en": [340, 520]}, or a table of CCNet'
        ) from error
    for language, (head, middle) in found.items():
        if not 0 < head <= middle:
            raise InputError(f"{path}: cut points of {language!r} must rise: {head}, {middle}")
    return found


def _from_json(content: str) -> Cutoffs:
    entries = json.loads(content).items()
    return {str(language): (float(points[0]), float(points[1])) for language, points in entries}


def _from_table(content: str) -> Cutoffs:
    rows = {row[0]: row[1:] for row in csv.reader(content.splitlines()) if row}
    languages = next(iter(rows.values()), [])
    points = [zip(languages, map(float, rows[percentile]), strict=True) for percentile in ("30", "60")]
    return {language: (head, tail) for (language, head), (_, tail) in zip(*points, strict=True)}


class Histogram:
    """How many documents of each language have which perplexity; adding is all it needs, in any order."""

    def __init__(self) -> None:
        self.counts: dict[str, npt.NDArray[np.int64]] = {}

    def add(self, perplexity: npt.NDArray[np.float64], languages: Iterable[str | None]) -> None:
        """Count documents; those whose perplexity is NaN are left out."""
        names = np.array([name or ANY for name in languages], object)
        for name in np.unique(names.astype(str)):
            values = perplexity[names == name]
            places = np.log10(values[~np.isnan(values)]) * (BINS / DECADES)
            bins = np.clip(places, 0, BINS - 1).astype(np.int64)
            self.counts[name] = self.counts.get(name, np.zeros(BINS, np.int64)) + np.bincount(bins, minlength=BINS)

    def cutoffs(self, head: float = 30, middle: float = 60) -> Cutoffs:
        """The perplexities at two percentiles of each language that was counted, and of all as `any`."""
        found = {}
        for name, counts in sorted({**self.counts, ANY: sum(self.counts.values(), np.zeros(BINS, np.int64))}.items()):
            if counts.sum():
                found[name] = (_percentile(counts, head), _percentile(counts, middle))
        return found


def _percentile(counts: npt.NDArray[np.int64], percentile: float) -> float:
    """The upper end of the bin in which the percentile lies."""
    reached = np.searchsorted(np.cumsum(counts), percentile / 100 * counts.sum())
    return round(float(10 ** ((reached + 1) * DECADES / BINS)), 2)
