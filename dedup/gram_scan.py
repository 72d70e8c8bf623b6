"""Kernels of `decontaminate`: runs of words looked up in an index, and what these cover."""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from textmill.pipeline.kernels import kernel
from textmill.pipeline.kernels.hashing import fmix64
from textmill.pipeline.kernels.placed_words import Hashes, Numbers, PlacedWords

_BASE: Final = np.uint64(0x9E3779B97F4A7C15)


@kernel
def gram_hashes(keys: Hashes, size: int) -> Hashes:
    """A hash of each run of `size` words; none where there are fewer. Runs of different sizes differ."""
    runs = max(0, len(keys) - size + 1)
    hashes = np.empty(runs, np.uint64)
    highest, rolling = np.uint64(1), np.uint64(0)
    for _ in range(size - 1):
        highest *= _BASE
    for i in range(len(keys)):
        if i >= size:
            rolling -= keys[i - size] * highest
        rolling = rolling * _BASE + keys[i]
        if i >= size - 1:
            hashes[i - size + 1] = fmix64(rolling ^ np.uint64(size))
    return hashes


class Hits(NamedTuple):
    """Runs of words that the index has; those of document i stand at ``first[i]:first[i + 1]`` of the others.

    gram: int64, its number in the index. start, stop: int64, code points.
    """

    first: Numbers
    gram: Numbers
    start: Numbers
    stop: Numbers


@kernel
def find_grams(words: PlacedWords, grams: Hashes, sizes: Numbers, possible: npt.NDArray[np.bool_]) -> Hits:
    """Look every run of each of `sizes` words up among `grams`, sorted.

    possible: of a length that is a power of two; false where no gram's lowest bits are such.
    """
    documents = len(words.first) - 1
    mask = np.uint64(len(possible) - 1)
    first = np.zeros(documents + 1, np.int64)
    room = 1024
    gram, start, stop = np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room, np.int64)
    count = 0
    for document in range(documents):
        begin, end = words.first[document], words.first[document + 1]
        for size in sizes:
            hashes = gram_hashes(words.keys[begin:end], size)
            for run in range(len(hashes)):
                if not possible[hashes[run] & mask]:
                    continue
                place = np.searchsorted(grams, hashes[run])
                if place == len(grams) or grams[place] != hashes[run]:
                    continue
                if count == room:
                    gram, start = np.append(gram, gram), np.append(start, start)
                    stop = np.append(stop, stop)
                    room *= 2
                gram[count] = place
                start[count], stop[count] = words.start[begin + run], words.stop[begin + run + size - 1]
                count += 1
        first[document + 1] = count
    return Hits(first, gram[:count].copy(), start[:count].copy(), stop[:count].copy())


@kernel
def covered_words(item: Numbers, at: Numbers, size: Numbers) -> tuple[Numbers, Numbers]:
    """Of runs of `size` words beginning at word `at` of an item: each item once, and how many of its words they cover.

    Sorted by item, then by `at`; what overlaps counts once.
    """
    items, covered = np.empty(len(item), np.int64), np.zeros(len(item), np.int64)
    count, reached = 0, 0
    for run in range(len(item)):
        if count == 0 or items[count - 1] != item[run]:
            items[count], count, reached = item[run], count + 1, 0
        end = at[run] + size[run]
        covered[count - 1] += max(0, end - max(at[run], reached))
        reached = max(reached, end)
    return items[:count].copy(), covered[:count].copy()
