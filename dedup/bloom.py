"""Bloom filters, one a band: sets of keys in few bits, which never forget a key and now and then know a wrong one.

(LSHBloom: Memory-efficient, Extreme-scale Document Deduplication.)
"""

from math import ceil, expm1, log, log1p, log2
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from textmill.pipeline.kernels import kernel
from textmill.pipeline.kernels.hashing import fmix64

Filters = npt.NDArray[np.uint64]
"""Shape (bands, words): 64 bits a word."""

_WORD: Final = 64
_HIGH: Final = np.uint64(32)
_LOW_BITS: Final = np.uint64(63)
_ONE: Final = np.uint64(1)
_SECOND: Final = np.uint64(0x9E3779B97F4A7C15)

MOST_WORDS: Final = 1 << 32
"""Words of a filter: so many a position can tell apart (32 GiB a band)."""


class Sizing(NamedTuple):
    """How large filters are: one a band, of `words` words of 64 bits, with `hashes` bits set for each key."""

    bands: int
    words: int
    hashes: int

    @property
    def bytes(self) -> int:
        """Of all filters together."""
        return self.bands * self.words * _WORD // 8


def band_rate(false_positives: float, bands: int) -> float:
    """The share p of strange keys that one filter may know, if all together may know 1 − (1 − p)ᵇ documents."""
    return -expm1(log1p(-false_positives) / bands)


def bits_a_document(false_positives: float, bands: int) -> float:
    """What a document takes in all filters together: b · −ln p / (ln 2)²."""
    return bands * -log(band_rate(false_positives, bands)) / log(2) ** 2


def sizing(documents: int, false_positives: float, bands: int) -> Sizing:
    """The smallest filters in which so many documents keep the promise. Raises ValueError for more than 32 GiB a band.

    documents: the most that will ever be in them. false_positives: share of strange documents that they may know.
    """
    words = ceil(documents * bits_a_document(false_positives, bands) / bands / _WORD)
    if words > MOST_WORDS:
        raise ValueError(f"{documents} documents need {words * 8 / 2**30:.0f} GiB a band; 32 GiB is the most")
    return Sizing(bands, max(1, words), max(1, round(-log2(band_rate(false_positives, bands)))))


@kernel
def sift(
    filters: Filters, hashes: int, keys: npt.NDArray[np.uint64], added: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """In how many bands each document, one after another, is known; those known in none are put in.

    keys: shape (n, bands). added: length bands, raised by the bits that a band gains.
    """
    known = np.zeros(len(keys), np.int64)
    for document in range(len(keys)):
        for band in range(len(filters)):
            known[document] += holds(filters[band], hashes, keys[document, band])
        if known[document] == 0:
            for band in range(len(filters)):
                added[band] += put(filters[band], hashes, keys[document, band])
    return known


@kernel
def insert(filters: Filters, hashes: int, keys: npt.NDArray[np.uint64], added: npt.NDArray[np.int64]) -> None:
    """Put documents in, known or not; as `sift` otherwise."""
    for document in range(len(keys)):
        for band in range(len(filters)):
            added[band] += put(filters[band], hashes, keys[document, band])


@kernel
def holds(bits: npt.NDArray[np.uint64], hashes: int, key: np.uint64) -> bool:
    """Whether one filter knows a key."""
    place, step = _places(key)
    for _ in range(hashes):
        word = np.int64(((place >> _HIGH) * np.uint64(len(bits))) >> _HIGH)
        if not (bits[word] >> (place & _LOW_BITS)) & _ONE:
            return False
        place += step
    return True


@kernel
def put(bits: npt.NDArray[np.uint64], hashes: int, key: np.uint64) -> int:
    """Put a key into one filter; the bits that it gains."""
    fresh = 0
    place, step = _places(key)
    for _ in range(hashes):
        word = np.int64(((place >> _HIGH) * np.uint64(len(bits))) >> _HIGH)
        bit = _ONE << (place & _LOW_BITS)
        fresh += (bits[word] & bit) == 0
        bits[word] |= bit
        place += step
    return fresh


@kernel
def _places(key: np.uint64) -> tuple[np.uint64, np.uint64]:
    """The first place of a key and the way to the next: its high 32 bits choose a word, its low 6 a bit."""
    place = fmix64(key)
    return place, fmix64(place ^ _SECOND) | _ONE
