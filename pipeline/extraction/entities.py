"""Character references (``&amp;``, ``&#233;``) decoded where they stand, as WHATWG HTML has it for text."""

import html
from functools import cache
from html.entities import html5
from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from textmill.pipeline.extraction.tags import KEY_PRIME, KEY_SEED
from textmill.pipeline.kernels import kernel, part
from textmill.pipeline.kernels.unicode import CODE_POINTS

Bytes: TypeAlias = npt.NDArray[np.uint8]

_SLOTS: Final = 8192
_LONGEST: Final = 32
_CONTROLS: Final = 0xA0


class EntityTable(NamedTuple):
    """What kernels know of character references.

    keys: uint64, length 8,192, FNV-1a of a name with its ";" where it needs one, by open addressing; 0 where empty.
    values: int32, shape (8192, 2), the one or two code points; 0 for no second one.
    low: int32, length 160: what a number below stands for (windows-1252 for the C1 controls), 0 for nothing.
    """

    keys: npt.NDArray[np.uint64]
    values: npt.NDArray[np.int32]
    low: npt.NDArray[np.int32]


@cache
def entity_table() -> EntityTable:
    """The table of all 2,231 names of HTML5."""
    keys, values = np.zeros(_SLOTS, np.uint64), np.zeros((_SLOTS, 2), np.int32)
    for name, characters in html5.items():
        key = _key(name)
        slot = key % _SLOTS
        while keys[slot]:
            slot = (slot + 1) % _SLOTS
        keys[slot] = key
        values[slot, : len(characters)] = [ord(character) for character in characters]
    low = [ord(html.unescape(f"&#{number};") or "\0") for number in range(_CONTROLS)]
    return EntityTable(keys, values, np.array(low, np.int32))


def _key(name: str) -> int:
    key = int(KEY_SEED)
    for byte in name.encode():
        key = ((key ^ byte) * int(KEY_PRIME)) & 0xFFFFFFFFFFFFFFFF
    return key


Reference: TypeAlias = tuple[int, int, int]
"""One or two code points, and where the text goes on."""


@kernel
def decode_reference(data: Bytes, at: int, end: int, table: EntityTable) -> Reference:
    """What the "&" at `at` stands for; "&" itself and the next byte where it begins no reference.

    No byte at or after `end` is read. A first code point of 0 means nothing at all.
    """
    if at + 1 < end and data[at + 1] == 35:
        return _number(data, at, end, table)
    key = KEY_SEED
    found = (38, 0, at + 1)
    for here in range(at + 1, min(end, at + 1 + _LONGEST)):
        byte = data[here]
        is_last = byte == 59
        if not (is_last or 97 <= byte <= 122 or 65 <= byte <= 90 or 48 <= byte <= 57):
            break
        key = (key ^ np.uint64(byte)) * KEY_PRIME
        if is_last or here - at <= 6:  # names that need no ";" have at most six letters
            slot = np.int64(key & np.uint64(_SLOTS - 1))
            while table.keys[slot] != 0 and table.keys[slot] != key:
                slot = (slot + 1) & (_SLOTS - 1)
            if table.keys[slot] == key:
                found = (int(table.values[slot, 0]), int(table.values[slot, 1]), here + 1)
        if is_last:
            break
    return found


@part
def _number(data: Bytes, at: int, end: int, table: EntityTable) -> Reference:
    """The reference "&#…" at `at`, decimal or hexadecimal, with or without ";"."""
    here = at + 2
    is_hex = here < end and data[here] in (120, 88)
    here += is_hex
    first, value = here, 0
    while here < end:
        digit = _digit(int(data[here]))
        if digit < 0 or (digit > 9 and not is_hex):
            break
        value = min(value * (16 if is_hex else 10) + digit, CODE_POINTS)
        here += 1
    if here == first:
        return 38, 0, at + 1
    if here < end and data[here] == 59:
        here += 1
    if value < len(table.low):
        return int(table.low[value]), 0, here
    if value >= CODE_POINTS or 0xD800 <= value <= 0xDFFF:
        return 0xFFFD, 0, here
    if value & 0xFFFE == 0xFFFE or 0xFDD0 <= value <= 0xFDEF:
        return 0, 0, here
    return value, 0, here


@part
def _digit(byte: int) -> int:
    """The value of a hexadecimal digit, -1 of anything else."""
    if 48 <= byte <= 57:
        return byte - 48
    if 97 <= byte <= 102:
        return byte - 87
    return byte - 55 if 65 <= byte <= 70 else -1
