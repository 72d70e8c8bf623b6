"""Kernels of `quality_signals`: words as WordPunct cuts them, sentences, lines, and how varied the words are.

Every function takes documents as UTF-8 bytes and n + 1 offsets into them.
"""

import math
from collections.abc import Sequence
from functools import cache
from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from textmill.pipeline.kernels import kernel
from textmill.pipeline.kernels.hashing import fmix64
from textmill.pipeline.kernels.unicode import (
    ALPHABETIC,
    CODE_POINTS,
    NUMERIC,
    SPACE,
    UPPERCASE,
    decode,
    unicode_tables,
)

Bytes: TypeAlias = npt.NDArray[np.uint8]
Numbers: TypeAlias = npt.NDArray[np.int64]

_NEWLINE: Final = np.uint8(ord("\n"))
_UNDERSCORE: Final = np.int64(ord("_"))
_WORD: Final = np.uint8(1)
_PUNCTUATION: Final = np.uint8(2)
_NO_CAPITAL: Final = np.uint8(64)
"""Lower and title case: a word with such a letter is not in capitals."""


class RawCounts(NamedTuple):
    """Of each document: its words, those with a Latin letter, those in capitals, those sought; its sentences.

    int64, length n.
    """

    words: Numbers
    latin: Numbers
    capitals: Numbers
    sought: Numbers
    sentences: Numbers


@cache
def _classes() -> Bytes:
    """The shared classes of code points, with `_NO_CAPITAL` beside them."""
    characters = np.arange(CODE_POINTS, dtype=np.uint32).view("<U1")
    small = (np.strings.islower(characters) | np.strings.istitle(characters)) & ~np.strings.isupper(characters)
    return np.asarray(unicode_tables().classes | small * _NO_CAPITAL, np.uint8)


def count_raw(data: Bytes, offsets: Numbers, sought: Sequence[str] = ()) -> RawCounts:
    """Words as ``re.findall(r"\\w+|[^\\w\\s]+", text)`` (WordPunct), sentences as ``\\b[^.!?]+[.!?]*``.

    A word is sought when it is one of `sought`, in the same case.
    """
    keys = np.sort(np.array([_key(np.array([ord(c) for c in word], np.int64)) for word in sought], np.uint64))
    return _count_raw(data, offsets, _classes(), keys)


@kernel
def add_to_key(key: np.uint64, code_point: np.int64) -> np.uint64:
    """The key of a word with one code point more; 0 is that of no word."""
    return fmix64(key ^ np.uint64(code_point)) | np.uint64(1)


@kernel
def wordpunct_kind(flags: np.uint8, code_point: np.int64) -> np.uint8:
    """Of which of WordPunct's words a code point of these classes is part: 1 of letters, 2 of others, 0 of none."""
    if flags & (ALPHABETIC | NUMERIC) != 0 or code_point == _UNDERSCORE:
        return _WORD
    return np.uint8(0) if flags & SPACE else _PUNCTUATION


@kernel
def _key(code_points: Numbers) -> np.uint64:
    key = np.uint64(0)
    for code_point in code_points:
        key = add_to_key(key, code_point)
    return key


@kernel
def _count_raw(data: Bytes, offsets: Numbers, classes: Bytes, sought: npt.NDArray[np.uint64]) -> RawCounts:
    documents = len(offsets) - 1
    words, latin, capitals = np.zeros(documents, np.int64), np.zeros(documents, np.int64), np.zeros(documents, np.int64)
    found, sentences = np.zeros(documents, np.int64), np.zeros(documents, np.int64)
    for document in range(documents):
        at, end = offsets[document], offsets[document + 1]
        before, has_latin, seen, key, said = np.uint8(0), False, np.uint8(0), np.uint64(0), False
        while at <= end:  # a space after the end, so that the last word ends like the others
            code_point = np.int64(0x20)
            if at < end:
                code_point, at = decode(data, at, end)
            else:
                at += 1
            flags = classes[code_point]
            kind = wordpunct_kind(flags, code_point)
            wordy = kind == _WORD
            if kind != before:
                words[document] += before != 0
                latin[document] += has_latin
                capitals[document] += before == _WORD and seen & (UPPERCASE | _NO_CAPITAL) == UPPERCASE
                if before and len(sought):
                    place = np.searchsorted(sought, key)
                    found[document] += place < len(sought) and sought[place] == key
                before, has_latin, seen, key = kind, False, np.uint8(0), np.uint64(0)
            seen |= flags
            if len(sought):
                key = add_to_key(key, code_point)
            has_latin = has_latin or bool(0x61 <= code_point | 0x20 <= 0x7A)
            sentences[document] += wordy and not said
            said = (said or wordy) and code_point not in (0x2E, 0x21, 0x3F)
    return RawCounts(words, latin, capitals, found, sentences)


class LineCounts(NamedTuple):
    """Of each line: its words, those that are the word sought, its code points, the numeric ones. int64.

    chars: with one space between words, and none around them.
    """

    words: Numbers
    sought: Numbers
    chars: Numbers
    numeric: Numbers


def measure_lines(data: Bytes, offsets: Numbers, first: Numbers, sought: str) -> LineCounts:
    """Measure the first ``first[i + 1] - first[i]`` lines of each document i; those that are missing are empty."""
    return _measure_lines(data, offsets, first, _classes(), _key(np.array([ord(c) for c in sought], np.int64)))


@kernel
def _measure_lines(data: Bytes, offsets: Numbers, first: Numbers, classes: Bytes, sought: np.uint64) -> LineCounts:
    lines = first[len(first) - 1]
    words, found = np.zeros(lines, np.int64), np.zeros(lines, np.int64)
    chars, numeric = np.zeros(lines, np.int64), np.zeros(lines, np.int64)
    for document in range(len(offsets) - 1):
        at, end = offsets[document], offsets[document + 1]
        for line in range(first[document], first[document + 1]):
            key = np.uint64(0)  # of the word so far; no word has it
            while at < end:
                code_point, at = decode(data, at, end)
                if classes[code_point] & SPACE:
                    found[line] += key == sought
                    key = np.uint64(0)
                    if code_point == _NEWLINE:
                        break
                    continue
                words[line] += key == 0
                chars[line] += 1 + (key == 0 and words[line] > 1)
                numeric[line] += classes[code_point] & NUMERIC != 0
                key = add_to_key(key, code_point)
            found[line] += key == sought
    return LineCounts(words, found, chars, numeric)


class Variety(NamedTuple):
    """Of each document: its different words (int64), and the entropy of its words in nats (float64)."""

    distinct: Numbers
    entropy: npt.NDArray[np.float64]


@kernel
def variety(first: Numbers, keys: npt.NDArray[np.uint64]) -> Variety:
    """Compare the words ``first[i]:first[i + 1]`` of each document i by their keys."""
    documents = len(first) - 1
    distinct, entropy = np.zeros(documents, np.int64), np.zeros(documents, np.float64)
    for document in range(documents):
        words = first[document + 1] - first[document]
        ordered = np.sort(keys[first[document] : first[document + 1]])
        run = 0
        for word in range(words):
            run += 1
            if word + 1 == words or ordered[word + 1] != ordered[word]:
                share = run / words
                entropy[document] -= share * math.log(share)
                distinct[document] += 1
                run = 0
    return Variety(distinct, entropy)


@kernel
def count_pair(first: Numbers, keys: npt.NDArray[np.uint64], pair: npt.NDArray[np.uint64]) -> Numbers:
    """How often the two words of `pair` stand one after the other in each document."""
    counts = np.zeros(len(first) - 1, np.int64)
    for document in range(len(first) - 1):
        for word in range(first[document] + 1, first[document + 1]):
            counts[document] += keys[word - 1] == pair[0] and keys[word] == pair[1]
    return counts
