"""Cuts clusters that are too large for one task into groups, and gives groups to tasks, by counts alone."""

from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

BINS: Final = 1024
"""Ranges of similarity to the centroid in which the documents of a large cluster are counted."""

_SPARE: Final = 1.25
"""Pieces drawn by chance are not all of one size."""


class Groups(NamedTuple):
    """Where a document goes: the first group of its cluster; in a large cluster, by bin, and by chance within one.

    first: length clusters. starts, pieces: for each large cluster, by bin, its first group and how many it has.
    task: of each group.
    """

    first: npt.NDArray[np.int64]
    starts: Mapping[int, npt.NDArray[np.int64]]
    pieces: Mapping[int, npt.NDArray[np.int64]]
    task: npt.NDArray[np.int64]

    @property
    def tasks(self) -> int:
        """How many there are."""
        return int(self.task.max(initial=-1)) + 1

    def of(
        self, cluster: npt.NDArray[np.int64], similarity: npt.NDArray[np.float64], number: npt.NDArray[np.uint64]
    ) -> npt.NDArray[np.int64]:
        """The group of each document, by cluster, similarity to the centroid, and a number drawn from its id."""
        group, bins = self.first[cluster], bins_of(similarity)
        for large, starts in self.starts.items():
            inside = np.flatnonzero(cluster == large)
            pieces = self.pieces[large][bins[inside]]
            group[inside] = starts[bins[inside]] + (number[inside] % pieces.astype(np.uint64)).astype(np.int64)
        return group


def bins_of(similarity: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """The range that each similarity is in."""
    return np.clip((similarity + 1) / 2 * BINS, 0, BINS - 1).astype(np.int64)


def grouped(sizes: npt.NDArray[np.int64], bins: Mapping[int, npt.NDArray[np.int64]], most: int) -> Groups:
    """Groups of about `most` documents at most, and tasks that take on as many.

    sizes: documents of each cluster. bins: for each with more than `most`, how many are in each range of similarity.
    Neighbouring ranges stay together as long as they fit, for what is alike is about equally like the centroid.
    """
    first, held = np.zeros(len(sizes), np.int64), list[int]()
    starts, pieces = {}, {}
    for cluster, size in enumerate(sizes.tolist()):
        first[cluster] = len(held)
        if cluster not in bins:
            held.append(size)
            continue
        starts[cluster], pieces[cluster], sums = _runs(bins[cluster], len(held), most)
        held += sums
    task, load, number = np.zeros(len(held), np.int64), 0, 0
    for group, size in enumerate(held):
        if load and load + size > most:
            load, number = 0, number + 1
        load += size
        task[group] = number
    return Groups(first, starts, pieces, task)


def _runs(
    counts: npt.NDArray[np.int64], start: int, most: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], list[int]]:
    """The first group of each bin, how many it is cut into, and the documents of each group."""
    starts, pieces, sums = np.zeros(len(counts), np.int64), np.ones(len(counts), np.int64), [0]
    for number, count in enumerate(counts.tolist()):
        if sums[-1] and sums[-1] + count > most:
            sums.append(0)
        starts[number] = start + len(sums) - 1
        if count <= most:
            sums[-1] += count
        else:
            parts = int(-(-count * _SPARE // most))
            pieces[number] = parts
            sums[-1:] = [-(-count // parts)] * parts
            sums.append(0)
    return starts, pieces, sums
