"""Code points for kernels: decoding UTF-8 where it lies, and one table of what each code point is."""

import unicodedata
from functools import cache
from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from textmill.pipeline.kernels import kernel
from textmill.pipeline.kernels.punctuation import PUNCTUATION

SPACE: Final = np.uint8(1)
"""Whitespace, as ``str.isspace`` has it."""
ALPHABETIC: Final = np.uint8(2)
"""Letters, as ``str.isalpha`` has it."""
UNSPACED: Final = np.uint8(4)
"""Letters, marks and numbers of the scripts that are written without spaces between words."""
UPPERCASE: Final = np.uint8(8)
"""Capital letters, as ``str.isupper`` has it of one character."""
NUMERIC: Final = np.uint8(16)
"""Digits and other numbers, as ``str.isnumeric`` has it."""
SAID: Final = np.uint8(32)
"""All but the punctuation and the control characters of `punctuation.PUNCTUATION`."""

CODE_POINTS: Final = 0x110000
REPLACEMENT: Final = np.int64(0xFFFD)

_UNSPACED_BLOCKS: Final = (
    (0x0E00, 0x0FFF),  # Thai, Lao, Tibetan
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x19E0, 0x19FF),  # Khmer symbols
    (0x2E80, 0x2FDF),  # Han radicals
    (0x3005, 0x3007),  # Han iteration mark and zero
    (0x3021, 0x302D),  # Hangzhou numerals, Han tone marks
    (0x3031, 0x3035),  # Kana repeat marks
    (0x3038, 0x303C),  # Hangzhou numerals, Masu mark
    (0x3041, 0x30FF),  # Hiragana, Katakana
    (0x3192, 0x319F),  # Han annotations
    (0x31F0, 0x31FF),  # Katakana extensions
    (0x3400, 0x4DBF),  # Han
    (0x4E00, 0x9FFF),  # Han
    (0xA9E0, 0xA9FF),  # Myanmar
    (0xAA60, 0xAA7F),  # Myanmar
    (0xF900, 0xFAFF),  # Han compatibility
    (0xFF66, 0xFF9F),  # Katakana, half width
    (0x1AFF0, 0x1B16F),  # Kana
    (0x20000, 0x323AF),  # Han
)
_CASED: Final = 0x1E944  # Adlam, the last script with case, ends below


class UnicodeTables(NamedTuple):
    """What kernels know of code points.

    classes: uint8, an entry a code point, flags SPACE, ALPHABETIC, UNSPACED, UPPERCASE, NUMERIC, SAID.
    lower: int32, a code point's lower case; a code point beyond its end is its own.
    """

    classes: npt.NDArray[np.uint8]
    lower: npt.NDArray[np.int32]


@cache
def unicode_tables() -> UnicodeTables:
    """The tables of this Python's Unicode version, built once a process."""
    characters = np.arange(CODE_POINTS, dtype=np.uint32).view("<U1")
    alphabetic = np.strings.isalpha(characters)
    classes = alphabetic * ALPHABETIC
    classes[np.strings.isspace(characters)] |= SPACE
    classes[np.strings.isupper(characters)] |= UPPERCASE
    classes[np.strings.isnumeric(characters)] |= NUMERIC
    classes |= SAID
    classes[[ord(character) for character in PUNCTUATION]] &= ~SAID
    for first, last in _UNSPACED_BLOCKS:
        block = slice(first, last + 1)
        others = [c for c in np.flatnonzero(~alphabetic[block]) + first if _is_mark_or_number(c)]
        classes[block][alphabetic[block]] |= UNSPACED
        classes[others] |= UNSPACED
    return UnicodeTables(classes, _lower_cases(characters[:_CASED]))


def _is_mark_or_number(code_point: np.int64) -> bool:
    return unicodedata.category(chr(code_point))[0] in "MN"


def _lower_cases(characters: npt.NDArray[np.str_]) -> npt.NDArray[np.int32]:
    """One code point for one, so that lengths stay: İ becomes i, and a final sigma a sigma."""
    lower = np.arange(len(characters), dtype=np.int32)
    for c in np.flatnonzero(np.strings.isupper(characters) | np.strings.istitle(characters)):
        lower[c] = ord(chr(c).lower()[0])
    lower[ord("ς")] = ord("σ")
    return lower


CodePoint: TypeAlias = tuple[np.int64, int]
"""A code point, and the byte at which its neighbour begins."""


@kernel
def decode(data: npt.NDArray[np.uint8], at: int, end: int) -> CodePoint:
    """The code point at byte `at` < `end`.

    What is not UTF-8 gives U+FFFD and is passed over as by ``bytes.decode("utf-8", "replace")``;
    no byte at or after `end` is read.
    """
    lead = np.int64(data[at])
    at += 1
    if lead < 0x80:
        return lead, at
    if lead < 0xC2 or lead > 0xF4:
        return REPLACEMENT, at
    following = 1 if lead < 0xE0 else 2 if lead < 0xF0 else 3
    code_point = lead & (0x3F >> following)
    # The first following byte rules out overlong forms, surrogates and what is above U+10FFFF.
    low = 0xA0 if lead == 0xE0 else 0x90 if lead == 0xF0 else 0x80
    high = 0x9F if lead == 0xED else 0x8F if lead == 0xF4 else 0xBF
    for _ in range(following):
        if at >= end or data[at] < low or data[at] > high:
            return REPLACEMENT, at
        code_point = (code_point << 6) | (np.int64(data[at]) & 0x3F)
        at += 1
        low, high = 0x80, 0xBF
    return code_point, at


@kernel
def decode_last(data: npt.NDArray[np.uint8], begin: int, at: int) -> CodePoint:
    """The code point that ends before byte `at` > `begin`, and where it begins."""
    for start in range(at - 1, max(begin, at - 4) - 1, -1):
        if data[start] & 0xC0 != 0x80:
            code_point, after = decode(data, start, at)
            if after == at:
                return code_point, start
            break
    return REPLACEMENT, at - 1


def count_in_class(
    data: npt.NDArray[np.uint8], start: npt.NDArray[np.int64], stop: npt.NDArray[np.int64], flag: np.uint8
) -> npt.NDArray[np.int64]:
    """How many code points of each of the spans ``data[start:stop]`` have the flag."""
    return _count_in_class(data, start, stop, unicode_tables().classes, flag)


@kernel
def _count_in_class(
    data: npt.NDArray[np.uint8],
    start: npt.NDArray[np.int64],
    stop: npt.NDArray[np.int64],
    classes: npt.NDArray[np.uint8],
    flag: np.uint8,
) -> npt.NDArray[np.int64]:
    counts = np.zeros(len(start), np.int64)
    for span in range(len(start)):
        at = start[span]
        while at < stop[span]:
            code_point, at = decode(data, at, stop[span])
            counts[span] += classes[code_point] & flag != 0
    return counts
