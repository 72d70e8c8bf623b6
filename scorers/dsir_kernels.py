r"""Kernels of `dsir`: the words of a document and their pairs, hashed into buckets, counted or weighed.

Every function takes documents as UTF-8 bytes and n + 1 offsets into them. A word is what WordPunct cuts,
``\w+|[^\w\s]+``, in lower case letter by letter. Its key is that of `signal_kernels`: MurmurHash3's finalizer over
its code points. The bucket of a word is in the high 32 bits of fmix64(key), scaled to the number of buckets; that of
a pair in those of fmix64(fmix64(first) + second).
"""

from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from textmill.pipeline.kernels import kernel
from textmill.pipeline.kernels.hashing import fmix64
from textmill.pipeline.kernels.unicode import decode, unicode_tables
from textmill.scorers.signal_kernels import Bytes, Numbers, add_to_key, wordpunct_kind

Floats: TypeAlias = npt.NDArray[np.float64]

_HALF = np.uint64(32)


class Weighed(NamedTuple):
    """Of each document: the sum over its words and pairs (float64), and how many words it has (int64). Length n."""

    sums: Floats
    words: Numbers


def count_features(data: Bytes, offsets: Numbers, buckets: int) -> tuple[Numbers, int]:
    """Words and pairs of all documents together by bucket, int64 of length `buckets`; and how many words."""
    tables = unicode_tables()
    counts = np.zeros(buckets, np.int64)
    return counts, int(_count(data, offsets, tables.classes, tables.lower, counts))


def weigh_features(data: Bytes, offsets: Numbers, worth: Floats) -> Weighed:
    """Add up what the words and pairs of each document are worth, given for each bucket."""
    tables = unicode_tables()
    return _weigh(data, offsets, tables.classes, tables.lower, worth)


@kernel
def _next_word(data: Bytes, at: int, end: int, classes: Bytes, lower: npt.NDArray[np.int32]) -> tuple[np.uint64, int]:
    """The key of the first word from byte `at` on, never 0, and the byte after it; 0 when there is none."""
    key, kind_so_far = np.uint64(0), np.uint8(0)
    while at < end:
        code_point, after = decode(data, at, end)
        if code_point < len(lower):
            code_point = np.int64(lower[code_point])
        kind = wordpunct_kind(classes[code_point], code_point)
        if kind != kind_so_far:
            if kind_so_far:
                break
            kind_so_far = kind
        if kind:
            key = add_to_key(key, code_point)
        at = after
    return key, at


@kernel
def _bucket(mixed: np.uint64, buckets: int) -> np.int64:
    return np.int64(((mixed >> _HALF) * np.uint64(buckets)) >> _HALF)


@kernel
def _count(data: Bytes, offsets: Numbers, classes: Bytes, lower: npt.NDArray[np.int32], counts: Numbers) -> int:
    words = 0
    for document in range(len(offsets) - 1):
        end, before = offsets[document + 1], np.uint64(0)
        key, at = _next_word(data, offsets[document], end, classes, lower)
        first = words
        while key:
            mixed = fmix64(key)
            counts[_bucket(mixed, len(counts))] += 1
            if words > first:
                counts[_bucket(fmix64(before + key), len(counts))] += 1
            words += 1
            before = mixed
            key, at = _next_word(data, at, end, classes, lower)
    return words


@kernel
def _weigh(data: Bytes, offsets: Numbers, classes: Bytes, lower: npt.NDArray[np.int32], worth: Floats) -> Weighed:
    documents = len(offsets) - 1
    sums, words = np.zeros(documents, np.float64), np.zeros(documents, np.int64)
    for document in range(documents):
        end, before, total, met = offsets[document + 1], np.uint64(0), 0.0, 0
        key, at = _next_word(data, offsets[document], end, classes, lower)
        while key:
            mixed = fmix64(key)
            total += worth[_bucket(mixed, len(worth))]
            if met:
                total += worth[_bucket(fmix64(before + key), len(worth))]
            met += 1
            before = mixed
            key, at = _next_word(data, at, end, classes, lower)
        sums[document], words[document] = total, met
    return Weighed(sums, words)
