"""Which blocks of a page are kept: those that the model thinks likely, and what is asked for besides."""

from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from textmill.pipeline.extraction.layout import Layout
from textmill.pipeline.extraction.measures import SENTENCES, TITLE_WORDS, WORDS
from textmill.pipeline.extraction.nodes import COMMENT, FLAG, H1, PRE, TABLE, TAG
from textmill.pipeline.extraction.pen import CHARS, IN_NODE, LINK_CHARS
from textmill.pipeline.kernels import kernel, part

Floats: TypeAlias = npt.NDArray[np.float32]
Flags: TypeAlias = npt.NDArray[np.bool_]

# Options beside those of `assembly`.
COMMENTS: Final = 8
"""Readers' comments too."""
TITLE: Final = 16
"""The page's title too, where it stands above the text."""


@kernel
def choose(layout: Layout, measures: Floats, likely: Floats, limit: float, options: int) -> Flags:
    """Which blocks are kept: likelier ones than `limit`, unless they hold no word; options: COMMENTS and TITLE, or-ed.

    The title that stands above the text is left out, or kept if that is asked for, whatever the model thinks: the
    known texts of pages do without it four times in five, so that else it would be left to chance.
    """
    kept = likely > limit
    for number in range(len(kept)):
        flags = layout.nodes[layout.blocks[number, IN_NODE], FLAG]
        if measures[number, WORDS] == 0 and not flags & (PRE | TABLE):
            kept[number] = False  # a lone "." or "<": nothing to learn from, and so not to be judged
        elif options & COMMENTS and flags & COMMENT:
            kept[number] |= _is_said(layout, measures, number)
    _settle_title(layout, measures, kept, options)
    return kept


@part
def _is_said(layout: Layout, measures: Floats, number: int) -> bool:
    """Whether a block among comments is what somebody says, and no name, date or button."""
    block = layout.blocks[number]
    return bool(block[CHARS] - block[LINK_CHARS] >= 20 and measures[number, SENTENCES] > 0)


@part
def _is_title(layout: Layout, measures: Floats, number: int) -> bool:
    """Whether a block is a first-level heading, half of whose words are in the page's title."""
    words = measures[number, WORDS]
    return bool(
        layout.nodes[layout.blocks[number, IN_NODE], TAG] == H1
        and words > 0
        and 2 * measures[number, TITLE_WORDS] >= words
    )


@part
def _settle_title(layout: Layout, measures: Floats, kept: Flags, options: int) -> None:
    """Leave out all titles above the first other block that is kept; or keep the last of them."""
    first = 0
    while first < len(kept) and (not kept[first] or _is_title(layout, measures, first)):
        first += 1
    if first == len(kept):
        return
    last = -1
    for number in range(first):
        if _is_title(layout, measures, number):
            kept[number], last = False, number
    if options & TITLE and last >= 0:
        kept[last] = True
