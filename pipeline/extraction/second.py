"""What the second stage of trees is told besides: what the first thinks of the surroundings; and the threshold."""

from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from textmill.pipeline.extraction.features import FEATURES
from textmill.pipeline.extraction.layout import Layout
from textmill.pipeline.extraction.nodes import PARENT
from textmill.pipeline.extraction.pen import CHARS, IN_NODE
from textmill.pipeline.extraction.sums import SUM_CHARS, SUM_LIKELY, Scratch, group_of
from textmill.pipeline.kernels import kernel, part

Floats: TypeAlias = npt.NDArray[np.float32]
Int32s: TypeAlias = npt.NDArray[np.int32]

_LEVELS: Final = 5
NAMES: Final = (
    *[
        "likely",
        "likely_1_before",
        "likely_2_before",
        "likely_1_after",
        "likely_2_after",
        "likely_before",
        "likely_after",
    ],
    *(f"likely_above_{level}" for level in range(_LEVELS)),
    *[
        "likely_group",
        "best_of_page",
        "likely_chars",
        "likely_blocks",
        "since_first",
        "to_last",
        "share_before",
        "share",
    ],
)
"""The features by column, behind those of the first stage."""
ALL_FEATURES: Final = FEATURES + len(NAMES)
_WINDOW: Final = 6


@kernel
def fill_second(layout: Layout, scratch: Scratch) -> None:
    """Fill the columns behind `FEATURES` from ``scratch.first``, the first stage's probabilities."""
    blocks, likely, table = layout.blocks, scratch.first, scratch.table
    count = len(blocks)
    _sum_likely(layout, scratch)
    best, chars, several, first, last = _whole(blocks, likely)
    before = np.float32(0)
    for number in range(count):
        row, own = table[number, FEATURES:], likely[number] * blocks[number, CHARS]
        before += own
        row[0] = likely[number]
        row[1] = likely[number - 1] if number > 0 else -1
        row[2] = likely[number - 2] if number > 1 else -1
        row[3] = likely[number + 1] if number + 1 < count else -1
        row[4] = likely[number + 2] if number + 2 < count else -1
        row[5] = _mean(blocks, likely, max(0, number - _WINDOW), number)
        row[6] = _mean(blocks, likely, number + 1, min(count, number + 1 + _WINDOW))
        _fill_kin(row, layout, scratch, number)
        at = 8 + _LEVELS
        row[at], row[at + 1], row[at + 2] = best, chars, several
        row[at + 3], row[at + 4] = number - first, last - number
        row[at + 5] = (before - own / 2) / max(np.float32(1), chars)
        row[at + 6] = own / max(np.float32(1), chars)


@part
def _sum_likely(layout: Layout, scratch: Scratch) -> None:
    nodes, blocks, sums, groups = layout.nodes, layout.blocks, scratch.sums, scratch.groups
    sums[: len(nodes), SUM_LIKELY] = 0
    for node in range(len(nodes)):
        groups[group_of(nodes, node)] = 0
    for number in range(len(blocks)):
        node, chars = blocks[number, IN_NODE], blocks[number, CHARS]
        sums[node, SUM_LIKELY] += scratch.first[number] * chars
        group = groups[group_of(nodes, node)]
        group[0] += chars
        group[1] += chars * scratch.first[number]
    for node in range(len(nodes) - 1, 0, -1):
        sums[nodes[node, PARENT], SUM_LIKELY] += sums[node, SUM_LIKELY]


@part
def _whole(blocks: Int32s, likely: Floats) -> tuple[np.float32, np.float32, int, int, int]:
    """Of the page: best probability, likely characters, likely blocks, the first and the last of them."""
    best = chars = np.float32(0)
    several, first, last = 0, len(blocks), -1
    for number in range(len(blocks)):
        best = max(best, likely[number])
        chars += likely[number] * blocks[number, CHARS]
        if likely[number] > 0.5:
            several, first, last = several + 1, min(first, number), number
    return best, chars, several, first, last


@part
def _mean(blocks: Int32s, likely: Floats, start: int, end: int) -> np.float32:
    """Mean probability of a character."""
    total, chars = np.float32(0), np.float32(1)
    for number in range(start, end):
        total += likely[number] * blocks[number, CHARS]
        chars += blocks[number, CHARS]
    return total / chars


@part
def _fill_kin(row: Floats, layout: Layout, scratch: Scratch, number: int) -> None:
    """Mean probability of a character elsewhere in the elements that it is in, and in those like its own."""
    nodes, node, chars = layout.nodes, layout.blocks[number, IN_NODE], np.float32(layout.blocks[number, CHARS])
    own = scratch.first[number] * chars
    above = node
    for level in range(_LEVELS):
        others = scratch.sums[above, SUM_CHARS] - chars
        row[7 + level] = (scratch.sums[above, SUM_LIKELY] - own) / others if others > 0.5 else -1
        above = nodes[above, PARENT]
    group = scratch.groups[group_of(nodes, node)]
    others = group[0] - chars
    row[7 + _LEVELS] = (group[1] - own) / others if others > 0.5 else -1


@kernel
def threshold(likely: Floats, words: Floats) -> tuple[float, float]:
    """The probability above which blocks are kept so that the page's expected word-F1 is best, and this F1.

    words: float32, of each block. The best threshold is half of the F1 that it gives (Lipton et al. 2014, "Optimal
    thresholding of classifiers to maximize F1 measure"), so it is found by going to and fro a few times.
    """
    expected = 0.0
    for number in range(len(words)):
        expected += likely[number] * words[number]
    limit, best = 0.5, 0.0
    for _ in range(12):
        found = kept = 0.0
        for number in range(len(words)):
            if likely[number] > limit:
                found += likely[number] * words[number]
                kept += words[number]
        best = 2 * found / max(1e-9, kept + expected)
        if abs(best / 2 - limit) < 1e-3:
            break
        limit = best / 2
    return limit, best
