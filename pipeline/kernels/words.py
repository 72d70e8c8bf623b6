"""What a word is, for every filter, shingle and threshold.

A word is a longest run of code points that are not whitespace; except that in scripts written without
spaces (Han, Kana, Thai, Lao, Khmer, Myanmar, Tibetan) every letter, mark and number is a word of its own,
and ends the run before it. Punctuation belongs to the run it stands in::

    "Don't panic, 世界!"  ->  "Don't" "panic," "世" "界" "!"
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from textmill.pipeline.kernels import kernel
from textmill.pipeline.kernels.unicode import SPACE, UNSPACED, UnicodeTables, decode, unicode_tables

SEED: Final = np.uint64(0x243F6A8885A308D3)
MULTIPLIER: Final = np.uint64(0x9E3779B97F4A7C15)
SHIFT: Final = np.uint64(32)
_END: Final = np.int64(ord("\n"))  # what a document ends with, so that its last word ends like the others


class Words(NamedTuple):
    """The words of a column; those of document i stand at ``first[i]:first[i + 1]`` of the other arrays.

    first: int64, length n + 1. keys: uint64, a stable hash of the word in lower case; that two
    different words share one is as unlikely as for any 64-bit hash. cased_keys: uint64, likewise of the word
    as it is. chars: int32, code points in the word. classes: uint8, the flags (`unicode.ALPHABETIC`, …) of
    all its code points, or-ed.
    """

    first: npt.NDArray[np.int64]
    keys: npt.NDArray[np.uint64]
    cased_keys: npt.NDArray[np.uint64]
    chars: npt.NDArray[np.int32]
    classes: npt.NDArray[np.uint8]


def split_words(data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64], *, by_spaces_only: bool = False) -> Words:
    """The words of documents given as UTF-8 bytes and n + 1 offsets into them.

    `by_spaces_only` treats all scripts as ``str.split`` does.
    """
    alone = np.uint8(0) if by_spaces_only else UNSPACED
    return _split_words(data, offsets, unicode_tables(), alone)


def word_keys(words: Sequence[str], *, cased: bool = False) -> npt.NDArray[np.uint64]:
    """The keys of given words, or their cased keys. Raises ValueError for a string that is not exactly one word."""
    encoded = [word.encode() for word in words]
    offsets = np.cumsum([0, *map(len, encoded)], dtype=np.int64)
    found = split_words(np.frombuffer(b"".join(encoded), np.uint8), offsets)
    for word, count in zip(words, np.diff(found.first), strict=True):
        if count != 1:
            raise ValueError(f"{word!r} is {count} words, not one")
    return found.cased_keys if cased else found.keys


@kernel
def _split_words(
    data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64], tables: UnicodeTables, alone: np.uint8
) -> Words:
    documents = len(offsets) - 1
    # A word takes at least two bytes, the space after it included; a document's last can do without.
    most = (offsets[documents] - offsets[0] + documents) // 2 + 1
    first = np.zeros(documents + 1, np.int64)
    keys = np.empty(most, np.uint64)
    cased_keys = np.empty(most, np.uint64)
    chars = np.empty(most, np.int32)
    classes = np.empty(most, np.uint8)
    count = 0
    for document in range(documents):
        at, end = offsets[document], offsets[document + 1]
        key, cased_key, length, flags = SEED, SEED, 0, np.uint8(0)
        while at <= end:
            code_point = np.int64(data[at]) if at < end else _END
            if code_point < 0x80:  # a short cut: most text is ASCII
                at += 1
            else:
                code_point, at = decode(data, at, end)
            kind = tables.classes[code_point]
            if length and (kind | flags) & (SPACE | alone):
                keys[count], cased_keys[count] = key ^ (key >> SHIFT), cased_key ^ (cased_key >> SHIFT)
                chars[count], classes[count] = length, flags
                count += 1
                key, cased_key, length, flags = SEED, SEED, 0, np.uint8(0)
            if not kind & SPACE:
                lower = tables.lower[code_point] if code_point < len(tables.lower) else code_point
                key = (key ^ np.uint64(lower)) * MULTIPLIER
                cased_key = (cased_key ^ np.uint64(code_point)) * MULTIPLIER
                length, flags = length + 1, flags | kind
        first[document + 1] = count
    return Words(first, keys[:count], cased_keys[:count], chars[:count], classes[:count])


class Occurrences(NamedTuple):
    """How many of the wanted words are in each document asked about, and how often in all. int64, one entry each."""

    distinct: npt.NDArray[np.int64]
    total: npt.NDArray[np.int64]


@kernel
def count_words(
    first: npt.NDArray[np.int64],
    keys: npt.NDArray[np.uint64],
    wanted: npt.NDArray[np.uint64],
    documents: npt.NDArray[np.int64],
) -> Occurrences:
    """Look for `wanted` keys, each given once, in some `documents` of `Words.first` and `Words.keys`."""
    few = np.uint64(4095)
    possible = np.zeros(4096, np.bool_)
    for key in wanted:
        possible[key & few] = True
    distinct, total = np.zeros(len(documents), np.int64), np.zeros(len(documents), np.int64)
    seen_in = np.full(len(wanted), -1)
    for place in range(len(documents)):
        for word in range(first[documents[place]], first[documents[place] + 1]):
            if not possible[keys[word] & few]:
                continue
            for which in range(len(wanted)):
                if wanted[which] == keys[word]:
                    total[place] += 1
                    distinct[place] += seen_in[which] != place
                    seen_in[which] = place
    return Occurrences(distinct, total)


class SpanWords(NamedTuple):
    """How many words are in each span, and the code points in the longest of them. int64, length n each."""

    words: npt.NDArray[np.int64]
    longest: npt.NDArray[np.int64]


def words_in_spans(data: npt.NDArray[np.uint8], start: npt.NDArray[np.int64], stop: npt.NDArray[np.int64]) -> SpanWords:
    """Measure the words in each of the spans ``data[start:stop]``, such as lines: what ``str.split`` gives."""
    return _words_in_spans(data, start, stop, unicode_tables())


@kernel
def _words_in_spans(
    data: npt.NDArray[np.uint8], start: npt.NDArray[np.int64], stop: npt.NDArray[np.int64], tables: UnicodeTables
) -> SpanWords:
    count, longest = np.zeros(len(start), np.int64), np.zeros(len(start), np.int64)
    for span in range(len(start)):
        at, length = start[span], 0
        while at < stop[span]:
            code_point, at = decode(data, at, stop[span])
            if tables.classes[code_point] & SPACE:
                length = 0
            else:
                count[span] += length == 0
                length += 1
                longest[span] = max(longest[span], length)
    return SpanWords(count, longest)
