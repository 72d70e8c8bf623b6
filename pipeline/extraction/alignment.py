"""Which blocks of a page are in its known main text.

Long blocks are found by their 4-grams of words, wherever they stand. Short ones (headings, items, cells) say too
little for that: they count when they stand, in order, between the places of the long ones around them.
"""

import re
from collections.abc import Sequence
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

Labels: TypeAlias = npt.NDArray[np.float32]

_WORD: Final = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0eff]|[^\W\u3040-\u30ff\u3400-\u9fff\u0e00-\u0eff]+")
_GRAM: Final = 4
_LONG: Final = 8
_ANCHOR: Final = 0.6
"""Share of a long block's words that must be known for it to be a landmark."""
_MARGIN: Final = 3
"""Blocks beyond the first and last landmark where short blocks may still belong."""

Anchor: TypeAlias = tuple[int, int] | None
"""Where in the known text a block begins, and its words."""


def words_of(text: str) -> list[str]:
    """Words in lower case; each letter of a script without spaces is one."""
    return _WORD.findall(text.lower())


def align(blocks: Sequence[str], known: str) -> Labels:
    """For each block the share of its words that are in the known text; -1 for blocks without words."""
    gold = words_of(known)
    words = [words_of(block) for block in blocks]
    labels = np.zeros(len(blocks), np.float32)
    labels[[not found for found in words]] = -1
    anchors = _find_long(words, gold, labels)
    _find_short(words, gold, anchors, labels, {" ".join(words_of(line)) for line in known.split("\n")})
    return labels


def _find_long(words: Sequence[Sequence[str]], gold: Sequence[str], labels: Labels) -> list[Anchor]:
    """Label the long blocks; tell where they are."""
    places: dict[tuple[str, ...], list[int]] = {}
    for at in range(len(gold) - _GRAM + 1):
        places.setdefault(tuple(gold[at : at + _GRAM]), []).append(at)
    anchors: list[Anchor] = [None] * len(words)
    for number, block in enumerate(words):
        if len(block) < _LONG:
            continue
        covered = np.zeros(len(block), np.bool_)
        starts = []
        for at in range(len(block) - _GRAM + 1):
            found = places.get(tuple(block[at : at + _GRAM]), ())
            if found:
                covered[at : at + _GRAM] = True
            if len(found) == 1:
                starts.append(found[0] - at)
        labels[number] = covered.mean()
        if labels[number] > _ANCHOR and starts:
            anchors[number] = (sorted(starts)[len(starts) // 2], len(block))
    return anchors


def _find_short(
    words: Sequence[Sequence[str]],
    gold: Sequence[str],
    anchors: Sequence[Anchor],
    labels: Labels,
    lines: set[str],
) -> None:
    """Label the short blocks: 1 for those that are found in the window between the landmarks around them."""
    text = f" {' '.join(gold)} "
    offsets = np.cumsum([0, *(len(word) + 1 for word in gold)]).tolist()
    known = [number for number, anchor in enumerate(anchors) if anchor]
    first, last = (known[0], known[-1]) if known else (0, len(words))
    windows = _windows(anchors, len(gold))
    window, reached = -1, 0
    for number, block in enumerate(words):
        low, high = windows[number]
        if not 0 < len(block) < _LONG or high - low < len(block):
            continue
        phrase = f" {' '.join(block)} "
        begin = max(offsets[low], reached) if window == low else offsets[low]
        found = text.find(phrase, begin, offsets[high] + 1)
        outside = not first - _MARGIN <= number <= last + _MARGIN
        if found >= 0 and not (outside and len(block) < 3 and phrase.strip() not in lines):
            labels[number] = 1
            window, reached = low, found + len(phrase) - 1


def _windows(anchors: Sequence[Anchor], words: int) -> list[tuple[int, int]]:
    """For each block the span of known words between the landmark before it and the one behind it."""
    lows, highs = [], []
    low, high = 0, words
    for anchor in anchors:
        lows.append(low)
        low = max(0, anchor[0]) + anchor[1] if anchor else low
    for anchor in reversed(anchors):
        highs.append(high)
        high = max(0, anchor[0]) if anchor else high
    windows = []
    for low, high in zip(lows, reversed(highs), strict=True):
        if high < low:
            low, high = high - 5, low + 5  # noqa: PLW2901 (landmarks out of order: look around both)
        windows.append((max(0, low - 2), min(words, high + 2)))
    return windows
