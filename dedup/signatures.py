"""MinHash signatures: short rows of numbers that agree in as many places as two texts share shingles.

The share of equal values estimates the Jaccard similarity J of the sets of shingles, with a standard
deviation of √(J(1 − J) / K) for K values. (Broder 1997, On the resemblance and containment of documents.)
"""

from functools import cache
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from textmill.pipeline.kernels import kernel
from textmill.pipeline.kernels.hashing import fmix32, fmix64
from textmill.pipeline.kernels.shingles import Shingles

_HIGHEST: Final = np.uint32(0xFFFFFFFF)
_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)


class ShingleSets(NamedTuple):
    """The distinct shingles of documents; those of document i stand at ``first[i]:first[i + 1]``, ascending.

    first: int64, length n + 1. values: uint32. Two shingles of one pair of documents share a value by
    chance once in 2³² pairs of shingles.
    """

    first: npt.NDArray[np.int64]
    values: npt.NDArray[np.uint32]


class Permutations(NamedTuple):
    """K permutations ``h -> factors * h + summands`` of the 32-bit numbers; uint32, length K, factors odd."""

    factors: npt.NDArray[np.uint32]
    summands: npt.NDArray[np.uint32]


@cache
def permutations(count: int, seed: int) -> Permutations:
    """Those that datasketch's scheme ``affine32`` draws from `seed`."""
    random = np.random.RandomState(seed)
    factors = random.randint(0, 1 << 31, count, dtype=np.uint32) * np.uint32(2) + np.uint32(1)
    return Permutations(factors, random.randint(0, 1 << 32, count, dtype=np.uint32))


def signatures(shingles: Shingles, permuted: Permutations) -> npt.NDArray[np.uint32]:
    """The signature of each document: uint32, shape (n, K); without meaning for a document without shingles.

    They are those of datasketch's scheme ``affine32`` for the high 32 bits of each shingle's hash.
    """
    return _signatures(shingles.first, shingles.hashes, permuted.factors, permuted.summands)


@kernel
def _signatures(
    first: npt.NDArray[np.int64],
    hashes: npt.NDArray[np.uint64],
    factors: npt.NDArray[np.uint32],
    summands: npt.NDArray[np.uint32],
) -> npt.NDArray[np.uint32]:
    """The least value that each permutation has among a document's shingles.

    Four shingles at a time, so that a minimum is fetched and stored once for four; the last of a
    document stands in for those that are missing, which changes no minimum.
    """
    lowest = np.full((len(first) - 1, len(factors)), _HIGHEST, np.uint32)
    for document in range(len(lowest)):
        row, last = lowest[document], first[document + 1] - 1
        for i in range(first[document], last + 1, 4):
            a = _mix(hashes[i])
            b = _mix(hashes[min(i + 1, last)])
            c = _mix(hashes[min(i + 2, last)])
            d = _mix(hashes[min(i + 3, last)])
            for k in range(len(factors)):
                factor, summand = factors[k], summands[k]
                one = min(np.uint32(factor * a + summand), np.uint32(factor * b + summand))
                two = min(np.uint32(factor * c + summand), np.uint32(factor * d + summand))
                row[k] = min(row[k], one, two)
    return lowest


@kernel
def _mix(shingle: np.uint64) -> np.uint32:
    return fmix32(np.uint32(shingle >> np.uint64(32)))


@kernel
def band_keys(signature: npt.NDArray[np.uint32], bands: int, seeds: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Hash each band, a run of K // bands values, as a whole: uint64, shape (n, bands).

    Equal only for the same values in the same band with the same seed (length n), but for chance:
    among N documents (bands · N)² / 2⁶⁵ pairs.
    """
    rows = signature.shape[1] // bands
    keys = np.empty((len(signature), bands), np.uint64)
    for document in range(len(signature)):
        for band in range(bands):
            key = fmix64(seeds[document] + np.uint64(band + 1) * _GOLDEN)
            for k in range(band * rows, (band + 1) * rows):
                key = fmix64(key ^ np.uint64(signature[document, k]))
            keys[document, band] = key
    return keys


@kernel
def agreements(
    some: npt.NDArray[np.unsignedinteger],
    others: npt.NDArray[np.unsignedinteger],
    which_some: npt.NDArray[np.int64],
    which_other: npt.NDArray[np.int64],
) -> npt.NDArray[np.int64]:
    """In how many places row ``which_some[i]`` of `some` equals row ``which_other[i]`` of `others`, for each i."""
    equal = np.zeros(len(which_some), np.int64)
    for i in range(len(equal)):
        one, other = some[which_some[i]], others[which_other[i]]
        for k in range(len(one)):
            equal[i] += one[k] == other[k]
    return equal


@kernel
def shingle_sets(first: npt.NDArray[np.int64], hashes: npt.NDArray[np.uint64]) -> ShingleSets:
    """The high 32 bits of each document's shingles, sorted, each once."""
    documents = len(first) - 1
    found = np.zeros(documents + 1, np.int64)
    values = np.empty(first[documents] - first[0], np.uint32)
    at = 0
    for document in range(documents):
        start = at
        for value in np.sort((hashes[first[document] : first[document + 1]] >> np.uint64(32)).astype(np.uint32)):
            if at == start or values[at - 1] != value:
                values[at] = value
                at += 1
        found[document + 1] = at
    return ShingleSets(found, values[:at])


@kernel
def jaccard(
    some: ShingleSets, others: ShingleSets, which_some: npt.NDArray[np.int64], which_other: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """The similarity of set ``which_some[i]`` of `some` and ``which_other[i]`` of `others`; NaN for two empty ones."""
    similarity = np.full(len(which_some), np.nan)
    for i in range(len(similarity)):
        a, end_a = some.first[which_some[i]], some.first[which_some[i] + 1]
        b, end_b = others.first[which_other[i]], others.first[which_other[i] + 1]
        every, both = (end_a - a) + (end_b - b), 0
        while a < end_a and b < end_b:
            one, other = some.values[a], others.values[b]
            both += one == other
            a += one <= other
            b += other <= one
        if every:
            similarity[i] = both / (every - both)
    return similarity
