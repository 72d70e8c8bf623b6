"""What near-duplicates have in common: shingles, the runs of n consecutive words or characters of a text."""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from textmill.pipeline.kernels import kernel
from textmill.pipeline.kernels.hashing import fmix64
from textmill.pipeline.kernels.unicode import decode
from textmill.pipeline.kernels.words import split_words

_BASE: Final = np.uint64(0x9E3779B97F4A7C15)


class Shingles(NamedTuple):
    """The shingles of a column; those of document i stand at ``first[i]:first[i + 1]`` of `hashes`, in order.

    first: int64, length n + 1; a document of fewer than n words (characters) has none.
    hashes: uint64, a stable hash of the shingle.
    """

    first: npt.NDArray[np.int64]
    hashes: npt.NDArray[np.uint64]


def word_shingles(data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64], size: int) -> Shingles:
    """The shingles of `size` words, in lower case, of documents given as UTF-8 bytes and n + 1 offsets into them."""
    words = split_words(data, offsets)
    return _roll(words.first, words.keys, size)


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
