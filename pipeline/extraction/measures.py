"""What a block's text is like: words, stop words, sentences, digits, capitals, scripts. For any language."""

from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from textmill.pipeline.extraction.pen import FROM, TO
from textmill.pipeline.extraction.tags import KEY_PRIME, KEY_SEED
from textmill.pipeline.extraction.writing import Characters, borrowed_characters
from textmill.pipeline.kernels import kernel, part, wide
from textmill.pipeline.kernels.borrowed import borrowed
from textmill.pipeline.kernels.unicode import ALPHABETIC, UNSPACED, UPPERCASE, decode

Bytes: TypeAlias = npt.NDArray[np.uint8]
Int32s: TypeAlias = npt.NDArray[np.int32]
Floats: TypeAlias = npt.NDArray[np.float32]

# Columns: float32, a row a block.
WORDS: Final = 0
"""Runs of letters and digits; of scripts without spaces, half the letters."""
STOPS: Final = 1
"""Words that are stop words of some language."""
COMMAS: Final = 2
SENTENCES: Final = 3
"""Marks that end a sentence."""
DIGITS: Final = 4
CAPITALIZED: Final = 5
"""Words that begin with a capital."""
UNSPACED_LETTERS: Final = 6
TITLE_WORDS: Final = 7
"""Words that are in the page's title too."""
FIRST: Final = 8
"""Kind of the first character: 0 other, 1 small letter, 2 capital, 3 digit, 4 letter of a script without case."""
LAST: Final = 9
"""Kind of the last: 0 other, 1 comma or bar, 2 colon, 3 end of a sentence."""
MEASURES: Final = 10

_TITLE_SLOTS: Final = 4096

_LETTER: Final = 1
_DIGIT: Final = 2
_COMMA: Final = 3
_END: Final = 4
_COLON: Final = 5
_ALONE: Final = 6
_APOSTROPHE: Final = 7

_COMMAS: Final = (0x2C, 0x3B, 0x7C, 0x060C, 0x061B, 0x3001, 0xFF0C, 0xFF1B)
_ENDS: Final = (0x2E, 0x21, 0x3F, 0x3002, 0xFF01, 0xFF1F, 0xFF0E, 0x061F, 0x06D4, 0x0964, 0x0965, 0x2026, 0x0589)


def _kinds_of_ascii() -> npt.NDArray[np.int64]:
    kinds = np.zeros(128, np.int64)
    for of_kind, points in (
        (_COMMA, _COMMAS),
        (_END, _ENDS),
        (_COLON, (0x3A,)),
        (_APOSTROPHE, (39,)),
        (_DIGIT, range(48, 58)),
        (_LETTER, (*range(65, 91), *range(97, 123))),
    ):
        kinds[[point for point in points if point < len(kinds)]] = of_kind
    return kinds


_KINDS_OF_ASCII: Final = _kinds_of_ascii()


@part
def _kind(code_point: int, characters: Characters) -> int:
    """What a character is to a word or a sentence."""
    if code_point < 0x80:
        return int(_KINDS_OF_ASCII[code_point])
    kind = 0
    if code_point in _COMMAS:
        kind = _COMMA
    elif code_point in _ENDS:
        kind = _END
    elif code_point == 0xFF1A:
        kind = _COLON
    elif characters.classes[code_point] & UNSPACED:
        kind = _ALONE
    elif _is_of_word(code_point):
        kind = _LETTER
    return kind


@part
def _is_of_word(code_point: int) -> bool:
    """Whether a character beyond ASCII is a letter or a mark of a script."""
    is_mark = code_point in (0xAB, 0xBB) or 0x2010 <= code_point <= 0x205F
    return not is_mark and not 0x3000 <= code_point <= 0x303F and not 0xFF00 <= code_point <= 0xFF0F


@part
def _title_words(data: Bytes, characters: Characters) -> Bytes:
    """1 for the keys of words of three letters and more, of the last bits of a key."""
    words = np.zeros(_TITLE_SLOTS, np.uint8)
    at, end, key, length = wide(0), len(data), KEY_SEED, 0
    while at <= end:
        code_point = 32
        if at < end:
            point, at = decode(data, at, end)
            code_point = int(point)
        else:
            at += 1
        kind = _kind(code_point, characters)
        if kind in (_LETTER, _DIGIT, _APOSTROPHE):
            key, length = _extend(key, code_point, characters), length + 1
        elif length:
            if length >= 3:
                words[key & np.uint64(_TITLE_SLOTS - 1)] = 1
            key, length = KEY_SEED, 0
    return words


@part
def _extend(key: np.uint64, code_point: int, characters: Characters) -> np.uint64:
    """The key of a word that is one character longer: FNV-1a of its UTF-8 in lower case."""
    if code_point < len(characters.lower):
        code_point = characters.lower[code_point]
    if code_point < 0x80:
        return (key ^ np.uint64(code_point)) * KEY_PRIME
    if code_point < 0x800:
        key = (key ^ np.uint64(0xC0 | (code_point >> 6))) * KEY_PRIME
        return (key ^ np.uint64(0x80 | (code_point & 0x3F))) * KEY_PRIME
    if code_point < 0x10000:
        key = (key ^ np.uint64(0xE0 | (code_point >> 12))) * KEY_PRIME
    else:
        key = (key ^ np.uint64(0xF0 | (code_point >> 18))) * KEY_PRIME
        key = (key ^ np.uint64(0x80 | ((code_point >> 12) & 0x3F))) * KEY_PRIME
    key = (key ^ np.uint64(0x80 | ((code_point >> 6) & 0x3F))) * KEY_PRIME
    return (key ^ np.uint64(0x80 | (code_point & 0x3F))) * KEY_PRIME


@kernel
def measure(text: Bytes, blocks: Int32s, title: Bytes, characters: Characters, stops: Bytes) -> Floats:
    """The measures of each block. title: UTF-8, the page's; stops: see `stopwords`."""
    measures = np.zeros((len(blocks), MEASURES), np.float32)
    known, page, rows, ends = borrowed_characters(characters), borrowed(text), borrowed(measures), borrowed(stops)
    words = _title_words(borrowed(title), known)
    for number in range(len(blocks)):
        _measure_block(page, blocks[number], known, rows[number], borrowed(words), ends)
    return measures


@part
def _measure_block(  # noqa: C901, PLR0912 (one loop over characters)
    text: Bytes, block: Int32s, characters: Characters, found: Floats, words: Bytes, stops: Bytes
) -> None:
    at, end = wide(block[FROM]), wide(block[TO])
    key, length, is_capital = KEY_SEED, 0, False
    last = digits = 0
    while at <= end:
        code_point = 32
        if at < end:
            code_point = int(text[at])
            if code_point < 0x80:
                at += 1
            else:
                point, at = decode(text, at, end)
                code_point = int(point)
            if (
                length and code_point < 0x80 and _KINDS_OF_ASCII[code_point] == _LETTER
            ):  # within a word: the most by far
                key, length, last = (key ^ np.uint64(code_point | 32)) * KEY_PRIME, length + 1, code_point
                continue
            if code_point in (1, 2):
                continue
        else:
            at += 1
        kind = _kind(code_point, characters)
        if kind in (_LETTER, _DIGIT, _APOSTROPHE):
            digits += kind == _DIGIT
            if length == 0:
                is_capital = characters.classes[code_point] & UPPERCASE != 0
            key, length = _extend(key, code_point, characters), length + 1
        elif length:
            found[WORDS] += 1
            found[CAPITALIZED] += is_capital
            found[STOPS] += stops[key & np.uint64(len(stops) - 1)]
            found[TITLE_WORDS] += words[key & np.uint64(_TITLE_SLOTS - 1)]
            key, length = KEY_SEED, 0
        if kind == _ALONE:
            found[UNSPACED_LETTERS] += 1
            found[WORDS] += 0.5
        elif kind == _COMMA:
            found[COMMAS] += 1
        elif kind == _END:
            found[SENTENCES] += 1
        if code_point > 32:
            if last == 0:
                found[FIRST] = _first_kind(code_point, kind, characters)
            last = code_point
    found[DIGITS] = digits
    kind = _kind(last, characters)
    found[LAST] = 3 if kind == _END else 2 if kind == _COLON else 1 if kind == _COMMA else 0


@part
def _first_kind(code_point: int, kind: int, characters: Characters) -> int:
    if kind == _DIGIT:
        return 3
    if characters.classes[code_point] & UPPERCASE:
        return 2
    if characters.classes[code_point] & ALPHABETIC:
        is_small = code_point < 0x590 or 0x1C80 <= code_point < 0x2000
        return 1 if is_small else 4
    return 0
