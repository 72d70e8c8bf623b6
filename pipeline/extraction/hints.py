"""What authors say of an element in its attributes: words of its class, id and role, whether it is hidden.

A word is a run of letters, a new one at every capital after a small letter: ``entryContent`` is "entry" and "content".
Each word, and each two neighbours of one value, is known by a number below `HINTS` alone, its hash.
"""

from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from textmill.pipeline.extraction.nodes import COMMENT, HIDDEN
from textmill.pipeline.extraction.tags import KEY_PRIME, KEY_SEED, name_key
from textmill.pipeline.extraction.tokenizer import lower
from textmill.pipeline.kernels import kernel, part

Bytes: TypeAlias = npt.NDArray[np.uint8]
Int32s: TypeAlias = npt.NDArray[np.int32]

HINTS: Final = 1 << 15
_LONGEST: Final = 400  # of an attribute's value; longer ones hold data
_MIX: Final = np.uint64(0x9E3779B97F4A7C15)
_SHIFT: Final = np.uint64(64 - 15)

CLASS: Final = 1
ID: Final = 2
ROLE: Final = 3
ITEMPROP: Final = 4
DATA: Final = 5
HIDDEN_NAME: Final = 6
ARIA_HIDDEN: Final = 7
STYLE: Final = 8
HREF: Final = 9
_ATTRIBUTES: Final = {
    "class": CLASS,
    "id": ID,
    "role": ROLE,
    "itemprop": ITEMPROP,
    "data-testid": DATA,
    "data-type": DATA,
    "data-role": DATA,
    "hidden": HIDDEN_NAME,
    "aria-hidden": ARIA_HIDDEN,
    "style": STYLE,
    "href": HREF,
}
_KEYS: Final = np.array([name_key(name) for name in _ATTRIBUTES], np.uint64)
_MEANINGS: Final = np.array(list(_ATTRIBUTES.values()), np.int64)
_COMMENT_WORDS: Final = np.array(
    list(map(name_key, ("comment", "comments", "commentlist", "respond", "disqus", "replies", "commenter"))), np.uint64
)
_NONE: Final = np.uint64(0)


class Hints(NamedTuple):
    """Where hints are gathered. words: int32, room for all of them. total: int64, length 1, how many there are."""

    words: Int32s
    total: npt.NDArray[np.int64]


Said: TypeAlias = tuple[np.uint64, int]
"""The signature of name and class, and flags."""


@part
def read_hints(data: Bytes, start: int, end: int, hints: Hints) -> Said:
    """Add the hints of a start tag with this span to the others."""
    at = start
    signature = KEY_SEED
    while at < end and data[at] > 32 and data[at] != 47:
        signature = (signature ^ np.uint64(lower(int(data[at])))) * KEY_PRIME
        at += 1
    flags = 0
    while at < end:
        if data[at] <= 32 or data[at] == 47:
            at += 1
            continue
        meaning, value, value_end, at = next_attribute(data, at, end)
        if (
            meaning == HIDDEN_NAME
            or (meaning == ARIA_HIDDEN and value < value_end and lower(int(data[value])) == 116)
            or (meaning == STYLE and _is_not_displayed(data, value, value_end))
        ):
            flags |= HIDDEN
        elif 0 < meaning <= DATA and value_end - value < _LONGEST:
            if meaning == CLASS:
                for byte in data[value:value_end]:
                    signature = (signature ^ np.uint64(byte)) * KEY_PRIME
            flags |= _read_words(data, value, value_end, meaning, hints)
    return signature, flags


Attribute: TypeAlias = tuple[int, int, int, int]
"""What it means (0: nothing here), the span of its value, and where the tag goes on."""


@kernel
def next_attribute(data: Bytes, at: int, end: int) -> Attribute:
    """The attribute whose name begins at `at` < `end`."""
    key = KEY_SEED
    first = at
    while at < end and data[at] > 32 and data[at] != 61 and (data[at] != 47 or at == first):
        key = (key ^ np.uint64(lower(int(data[at])))) * KEY_PRIME
        at += 1
    behind = at
    while at < end and data[at] <= 32:
        at += 1
    value = value_end = behind
    if at >= end or data[at] != 61:
        at = max(behind, first + 1)
    else:
        at += 1
        while at < end and data[at] <= 32:
            at += 1
        quote = data[at] if at < end and (data[at] == 34 or data[at] == 39) else np.uint8(0)
        at += quote != 0
        value = at
        while at < end and (data[at] != quote if quote else data[at] > 32):
            at += 1
        value_end = at
        at = min(at + (quote != 0), end)
    for which in range(len(_KEYS)):
        if key == _KEYS[which]:
            return int(_MEANINGS[which]), value, value_end, at
    return 0, value, value_end, at


@part
def find_href(data: Bytes, start: int, end: int) -> tuple[int, int]:
    """The span of the target of the ``<a>`` with this span; empty where it has none."""
    at = start + 1
    while at < end:
        if data[at] <= 32 or data[at] == 47:
            at += 1
            continue
        meaning, value, value_end, at = next_attribute(data, at, end)
        if meaning == HREF:
            return value, value_end
    return end, end


@part
def _read_words(data: Bytes, value: int, end: int, meaning: int, hints: Hints) -> int:
    """Add the words of a value; tell the flags that they give."""
    flags = 0
    seed = KEY_SEED + np.uint64(meaning if meaning > ID else 0)
    key, length, before, was_small = seed, 0, _NONE, False
    for at in range(value, end + 1):
        byte = int(data[at]) if at < end else 32
        is_capital = 65 <= byte <= 90
        is_letter = is_capital or 97 <= byte <= 122
        if not is_letter or (is_capital and was_small):
            if length >= 2:
                _add(hints, key)
                if before != _NONE:
                    _add(hints, before * np.uint64(31) + key)
                before = key
                if meaning <= ID:
                    flags |= _comment_flag(key)
            key, length = seed, 0
            if byte <= 32:
                before = _NONE
        if is_letter:
            key = (key ^ np.uint64(lower(byte))) * KEY_PRIME
            length += 1
        was_small = is_letter and not is_capital
    return flags


@part
def _comment_flag(key: np.uint64) -> int:
    for word in _COMMENT_WORDS:
        if word == key:
            return COMMENT
    return 0


@part
def _add(hints: Hints, key: np.uint64) -> None:
    count = hints.total[0]
    if count < len(hints.words):
        hints.words[count] = np.int32((key * _MIX) >> _SHIFT)
        hints.total[0] = count + 1


@part
def _is_not_displayed(data: Bytes, value: int, end: int) -> bool:
    """Whether a style holds "display:none"."""
    for at in range(value, end - 11):
        if lower(int(data[at])) == 100 and lower(int(data[at + 1])) == 105 and lower(int(data[at + 6])) == 121:
            none = at + 7
            while none < end and (data[none] == 58 or data[none] <= 32):
                none += 1
            if none + 1 < end and lower(int(data[none])) == 110 and lower(int(data[none + 1])) == 111:
                return True
    return False
