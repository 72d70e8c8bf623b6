"""What near-duplicates have in common: shingles, the runs of n consecutive words or characters of a text."""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from textmill.pipeline.kernels import kernel
from textmill.pipeline.kernels.hashing import fmix64
from textmill.pipeline.kernels.unicode import SPACE, UNSPACED, UnicodeTables, decode, unicode_tables
from textmill.pipeline.kernels.words import MULTIPLIER, SEED, SHIFT

_BASE: Final = np.uint64(0x9E3779B97F4A7C15)
_BLANK: Final = np.uint64(0xFFFFFFFFFFFFFFFF)  # stands for white space
_OTHER: Final = np.uint64(0xFFFFFFFFFFFFFFFE)  # stands for what is not ASCII


class Shingles(NamedTuple):
    """The shingles of a column; those of document i stand at ``first[i]:first[i + 1]`` of `hashes`, in order.

    first: int64, length n + 1; a document of fewer than n words (characters) has none.
    hashes: uint64, a stable hash of the shingle.
    """

    first: npt.NDArray[np.int64]
    hashes: npt.NDArray[np.uint64]


def word_shingles(data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64], size: int) -> Shingles:
    """The shingles of `size` words, in lower case, of documents given as UTF-8 bytes and n + 1 offsets into them."""
    return _roll(*_words(data, offsets, unicode_tables()), size)


def character_shingles(data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64], size: int) -> Shingles:
    """The shingles of `size` code points of documents given as UTF-8 bytes and n + 1 offsets into them."""
    return _roll(*_code_points(data, offsets), size)


@kernel
def _roll(first: npt.NDArray[np.int64], keys: npt.NDArray[np.uint64], size: int) -> Shingles:
    """Hash each run of `size` keys: a polynomial that gains a key and loses one at each step, well mixed."""
    documents = len(first) - 1
    found = np.zeros(documents + 1, np.int64)
    for document in range(documents):
        found[document + 1] = found[document] + max(0, first[document + 1] - first[document] - size + 1)
    hashes = np.empty(found[documents], np.uint64)
    leaving = np.uint64(1)
    for _ in range(size):
        leaving *= _BASE
    for document in range(documents):
        polynomial, at = np.uint64(0), found[document]
        full = first[document] + size
        for i in range(first[document], first[document + 1]):
            polynomial = polynomial * _BASE + keys[i]
            if i >= full:
                polynomial -= keys[i - size] * leaving
            if i >= full - 1:
                hashes[at] = fmix64(polynomial)
                at += 1
    return Shingles(found, hashes)


@kernel
def _words(
    data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64], tables: UnicodeTables
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint64]]:
    """`first` and `keys` of `split_words`, and nothing else: that takes a third of the time."""
    documents = len(offsets) - 1
    codes = np.full(0x100, _OTHER, np.uint64)  # of ASCII letters in lower case; a shorter way than through `decode`
    for code in range(0x80):
        codes[code] = _BLANK if tables.classes[code] & SPACE else np.uint64(tables.lower[code])
    most = (offsets[documents] - offsets[0] + documents) // 2 + 1
    first, keys = np.zeros(documents + 1, np.int64), np.empty(most, np.uint64)
    count = 0
    for document in range(documents):
        at, end, key = offsets[document], offsets[document + 1], SEED
        while at < end:
            lower, alone = codes[data[at]], False
            at += 1
            while lower < _OTHER and at < end:
                key = (key ^ lower) * MULTIPLIER
                lower = codes[data[at]]
                at += 1
            if lower == _OTHER:
                code_point, at = decode(data, at - 1, end)
                kind = tables.classes[code_point]
                alone = (kind & UNSPACED) > 0
                lower = np.uint64(tables.lower[code_point] if code_point < len(tables.lower) else code_point)
                lower = _BLANK if kind & SPACE else lower
            if (lower == _BLANK or alone) and key != SEED:  # no word's key is the seed again, but once in 2⁶⁴
                keys[count] = key ^ (key >> SHIFT)
                count, key = count + 1, SEED
            if lower != _BLANK:
                key = (key ^ lower) * MULTIPLIER
            if alone:
                keys[count] = key ^ (key >> SHIFT)
                count, key = count + 1, SEED
        if key != SEED:
            keys[count] = key ^ (key >> SHIFT)
            count += 1
        first[document + 1] = count
    return first, keys[:count]


@kernel
def _code_points(
    data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint64]]:
    """The code points of document i at ``first[i]:first[i + 1]``."""
    documents = len(offsets) - 1
    first = np.zeros(documents + 1, np.int64)
    codes = np.empty(offsets[documents] - offsets[0], np.uint64)
    count = 0
    for document in range(documents):
        at, end = offsets[document], offsets[document + 1]
        while at < end:
            code, at = decode(data, at, end)
            codes[count] = np.uint64(code)
            count += 1
        first[document + 1] = count
    return first, codes[:count]
