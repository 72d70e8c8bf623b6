"""The elements of HTML that extraction tells apart, by number, and what kind each is."""

from functools import cache
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

INLINE: Final = 0
"""Text goes on through it: ``<em>``, and every element that is not known."""
BLOCK: Final = 1
"""Ends a paragraph, and is a node of the page's tree."""
VOID: Final = 2
"""Holds nothing and shows no text: ``<img>``, ``<meta>``."""
RAW: Final = 3
"""Passed over up to its end tag, without looking for markup in it: ``<script>``, ``<svg>``."""
BREAK: Final = 4
"""``<br>``: a new line in the same paragraph."""
RULE: Final = 5
"""``<hr>``: ends a paragraph and holds nothing."""
LINK: Final = 6
"""``<a>``."""
ROOT: Final = 7
"""``<html>``, ``<head>``, ``<body>``: one of each, whatever the page says."""

_KINDS: Final = {
    # "?" stands for every name that is not here, "-" for such a name with a hyphen: a custom element.
    INLINE: "? abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd label mark nobr picture q rb rp rt "
    "rtc ruby s samp small span strike strong sub summary sup time tt u var blink map",
    BLOCK: "- div p section article main aside nav header footer h1 h2 h3 h4 h5 h6 ul ol li dl dt dd table thead tbody "
    "tfoot tr td th caption blockquote pre listing figure figcaption form fieldset button address details dialog "
    "center hgroup menu legend search",
    VOID: "area base col embed img input link meta param source track basefont bgsound frame keygen wbr",
    RAW: "script style title noscript template svg math iframe object select textarea audio video canvas noembed "
    "noframes xmp",
    BREAK: "br",
    RULE: "hr",
    LINK: "a",
    ROOT: "html head body",
}

NAMES: Final = tuple(name for names in _KINDS.values() for name in names.split())
"""Name by number."""

KINDS: Final = np.array([kind for kind, names in _KINDS.items() for _ in names.split()], np.uint8)
"""Kind by number."""

_NUMBERS: Final = {name: number for number, name in enumerate(NAMES)}

UNKNOWN: Final = 0
CUSTOM: Final = _NUMBERS["-"]


def number_of(name: str) -> int:
    """The number of a known element. Raises KeyError."""
    return _NUMBERS[name]


class TagTable(NamedTuple):
    """Where a name's number is found: open addressing on `name_key`, 0 where empty.

    keys: uint64, length `SLOTS`. numbers: int16, likewise. kinds: uint8, by number.
    """

    keys: npt.NDArray[np.uint64]
    numbers: npt.NDArray[np.int16]
    kinds: npt.NDArray[np.uint8]


SLOTS: Final = 512
KEY_SEED: Final = np.uint64(0xCBF29CE484222325)  # FNV-1a, 64 bits
KEY_PRIME: Final = np.uint64(0x100000001B3)


def name_key(name: str) -> int:
    """FNV-1a of the lowercase UTF-8 bytes, as kernels compute it."""
    key = int(KEY_SEED)
    for byte in name.lower().encode():
        key = ((key ^ byte) * int(KEY_PRIME)) & 0xFFFFFFFFFFFFFFFF
    return key


@cache
def tag_table() -> TagTable:
    """The table of all names."""
    keys, numbers = np.zeros(SLOTS, np.uint64), np.zeros(SLOTS, np.int16)
    for number, name in enumerate(NAMES):
        if number in (UNKNOWN, CUSTOM):
            continue
        slot = name_key(name) % SLOTS
        while keys[slot]:
            slot = (slot + 1) % SLOTS
        keys[slot], numbers[slot] = name_key(name), number
    return TagTable(keys, numbers, KINDS)
