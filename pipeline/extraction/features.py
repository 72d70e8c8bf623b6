"""What the first stage of trees is told of each block: itself, where it stands, what is around it."""

from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from textmill.pipeline.extraction.layout import Layout
from textmill.pipeline.extraction.measures import (
    CAPITALIZED,
    COMMAS,
    DIGITS,
    FIRST,
    LAST,
    SENTENCES,
    STOPS,
    TITLE_WORDS,
    UNSPACED_LETTERS,
    WORDS,
)
from textmill.pipeline.extraction.nodes import CHILDREN, COMMENT, DEPTH, FLAG, FLAGS, H1, H6, PARENT, TAG
from textmill.pipeline.extraction.pen import (
    ANCHOR_COUNT,
    BOLD_CHARS,
    CHARS,
    H1_COUNT,
    IN_NODE,
    JOINED,
    LINE_BREAKS,
    LINK_CHARS,
)
from textmill.pipeline.extraction.sums import (
    ON_PATH,
    OWN,
    PATH,
    PATH_BEST,
    PATH_WORST,
    SUM_BLOCKS,
    SUM_CHARS,
    SUM_LINKED,
    SUM_PARAGRAPHS,
    SUM_STOPS,
    SUM_WORDS,
    Scratch,
    Whole,
    group_of,
    is_paragraph,
)
from textmill.pipeline.kernels import kernel, part

Int32s: TypeAlias = npt.NDArray[np.int32]
Floats: TypeAlias = npt.NDArray[np.float32]

_OWN: Final = [
    "chars",
    "words",
    "linked",
    "anchors",
    "stops",
    "commas",
    "sentences",
    "digits",
    "capitalized",
    "word_chars",
    "unspaced",
    "title_share",
    "title_words",
    "last",
    "first",
    "breaks",
    "bold",
    "headings",
    "joined",
]
_PLACE: Final = [
    *["tag", "parent_tag", "grandparent_tag", "depth"],
    *(f"flag_{bit}" for bit in range(FLAGS)),
    *["hints", "parent_hints", "grandparent_hints", "great_hints", "hints_worst", "hints_best", "hints_path"],
    *["index", "index_share", "chars_before", "prose_before"],
    *["page_blocks", "page_chars", "page_linked", "page_prose", "page_prose_share", "page_paragraphs", "page_stops"],
]
_LEVELS: Final = 4
_ABOVE: Final = [
    f"above_{level}_{what}"
    for level in range(_LEVELS)
    for what in ["chars", "linked", "prose_share", "blocks", "children", "stops"]
]
_GROUPS: Final = [f"group_{level}_{what}" for level in range(3) for what in ["size", "chars", "prose_share"]]
_TOP: Final = ["below_top", "above_top", "top_prose", "top_share"]
_NEAR: Final = [
    *["since_heading", "to_heading"],
    *(
        f"near_{way}_{what}"
        for way in ("2_before", "1_before", "1_after", "2_after")
        for what in ("chars", "linked", "stops")
    ),
    *["tag_after", "tag_before", "same_before", "same_after", "window_chars", "window_linked"],
]
_COMMENTS: Final = [
    "comment",
    "page_comments",
    "outside_comments",
    "comments_before",
    "prose_outside",
    "top_in_comments",
]

NAMES: Final = (*_OWN, *_PLACE, *_ABOVE, *_GROUPS, *_TOP, *_NEAR, *_COMMENTS)
"""The features by column."""
FEATURES: Final = len(NAMES)

_CHARS: Final = NAMES.index("chars")
_LINKED: Final = NAMES.index("linked")
_STOPS: Final = NAMES.index("stops")
_TAG: Final = NAMES.index("tag")
_INDEX: Final = NAMES.index("index")
_AT_PLACE: Final = NAMES.index("tag")
_AT_ABOVE: Final = NAMES.index("above_0_chars")
_AT_GROUPS: Final = NAMES.index("group_0_size")
_AT_TOP: Final = NAMES.index("below_top")
_AT_NEAR: Final = NAMES.index("since_heading")
_AT_COMMENTS: Final = NAMES.index("comment")
_AT_WHOLE: Final = NAMES.index("page_blocks")
_FAR: Final = 999


@kernel
def fill(layout: Layout, measures: Floats, whole: Whole, scratch: Scratch) -> None:
    """Fill the first `FEATURES` columns of the table, a row a block."""
    table, blocks = scratch.table, layout.blocks
    chars = prose = np.float32(0)
    for number in range(len(blocks)):
        row, block = table[number], blocks[number]
        _fill_own(row, block, measures[number])
        _fill_place(row, layout, scratch, block[IN_NODE])
        _fill_above(row, layout, scratch, whole, block[IN_NODE])
        _fill_groups(row, layout, scratch, whole, block[IN_NODE])
        row[_INDEX] = number
        row[_INDEX + 1] = number / len(blocks)
        row[_INDEX + 2] = chars / max(1.0, whole.chars)
        row[_INDEX + 3] = prose / max(1.0, whole.prose)
        _fill_whole(row, whole, len(blocks))
        chars += block[CHARS]
        if is_paragraph(block, measures[number]):
            prose += block[CHARS] - block[LINK_CHARS]
    _fill_near(layout, table)
    _fill_comments(layout, measures, whole, table)


@part
def _fill_own(row: Floats, block: Int32s, own: Floats) -> None:
    chars, words = max(np.float32(1), np.float32(block[CHARS])), max(np.float32(1), own[WORDS])
    row[0] = block[CHARS]
    row[1] = own[WORDS]
    row[2] = block[LINK_CHARS] / chars
    row[3] = block[ANCHOR_COUNT]
    row[4] = own[STOPS] / words
    row[5] = own[COMMAS]
    row[6] = own[SENTENCES]
    row[7] = own[DIGITS] / chars
    row[8] = own[CAPITALIZED] / words
    row[9] = chars / words
    row[10] = own[UNSPACED_LETTERS] / chars
    row[11] = own[TITLE_WORDS] / words
    row[12] = own[TITLE_WORDS]
    row[13] = own[LAST]
    row[14] = own[FIRST]
    row[15] = block[LINE_BREAKS]
    row[16] = block[BOLD_CHARS] / chars
    row[17] = block[H1_COUNT]
    row[18] = block[JOINED]


@part
def _fill_place(row: Floats, layout: Layout, scratch: Scratch, node: int) -> None:
    nodes, worths = layout.nodes, scratch.worths
    parent = nodes[node, PARENT]
    grand = nodes[parent, PARENT]
    at = _AT_PLACE
    row[at], row[at + 1], row[at + 2] = nodes[node, TAG], nodes[parent, TAG], nodes[grand, TAG]
    row[at + 3] = nodes[node, DEPTH]
    for bit in range(FLAGS):
        row[at + 4 + bit] = (nodes[node, FLAG] >> bit) & 1
    at += 4 + FLAGS
    row[at], row[at + 1], row[at + 2] = worths[node, OWN], worths[parent, OWN], worths[grand, OWN]
    row[at + 3] = worths[nodes[grand, PARENT], OWN]
    row[at + 4], row[at + 5], row[at + 6] = worths[node, PATH_WORST], worths[node, PATH_BEST], worths[node, PATH]


@part
def _fill_whole(row: Floats, whole: Whole, blocks: int) -> None:
    at = _AT_WHOLE
    row[at] = blocks
    row[at + 1] = whole.chars
    row[at + 2] = whole.linked / max(1.0, whole.chars)
    row[at + 3] = whole.prose
    row[at + 4] = whole.prose / max(1.0, whole.chars)
    row[at + 5] = whole.paragraphs
    row[at + 6] = whole.stops / max(1.0, whole.words)


@part
def _fill_above(row: Floats, layout: Layout, scratch: Scratch, whole: Whole, node: int) -> None:
    """What the elements hold that it is in, and how it stands to the best of them."""
    nodes, sums = layout.nodes, scratch.sums
    one, prose = np.float32(1), max(np.float32(1), np.float32(whole.prose))
    above, at = nodes[node, PARENT], _AT_ABOVE
    for _ in range(_LEVELS):
        row[at] = sums[above, SUM_CHARS]
        row[at + 1] = sums[above, SUM_LINKED] / max(one, sums[above, SUM_CHARS])
        row[at + 2] = sums[above, SUM_PARAGRAPHS] / prose
        row[at + 3] = sums[above, SUM_BLOCKS]
        row[at + 4] = nodes[above, CHILDREN]
        row[at + 5] = sums[above, SUM_STOPS] / max(one, sums[above, SUM_WORDS])
        above, at = nodes[above, PARENT], at + 6
    common, steps = node, 0
    while sums[common, ON_PATH] == 0:
        common, steps = nodes[common, PARENT], steps + 1
    row[_AT_TOP] = nodes[whole.top, DEPTH] - nodes[common, DEPTH]
    row[_AT_TOP + 1] = steps
    row[_AT_TOP + 2] = sums[whole.top, SUM_PARAGRAPHS] / prose
    row[_AT_TOP + 3] = row[_CHARS] / max(one, sums[whole.top, SUM_CHARS])


@part
def _fill_groups(row: Floats, layout: Layout, scratch: Scratch, whole: Whole, node: int) -> None:
    prose, at = max(np.float32(1), np.float32(whole.prose)), _AT_GROUPS
    for _ in range(3):
        group = scratch.groups[group_of(layout.nodes, node)]
        row[at] = group[0]
        row[at + 1] = group[1] / max(np.float32(1), group[0])
        row[at + 2] = group[2] / prose
        node, at = layout.nodes[node, PARENT], at + 3


@part
def _fill_near(layout: Layout, table: Floats) -> None:
    count = len(layout.blocks)
    since = to = _FAR
    for number in range(count):
        since = 0 if H1 <= table[number, _TAG] <= H6 else since
        table[number, _AT_NEAR] = since
        since += 1
        back = count - 1 - number
        table[back, _AT_NEAR + 1] = to
        to = 1 if H1 <= table[back, _TAG] <= H6 else to + 1
    for number in range(count):
        row, at = table[number], _AT_NEAR + 2
        for other in (number - 2, number - 1, number + 1, number + 2):
            there = 0 <= other < count
            row[at] = table[other, _CHARS] if there else -1
            row[at + 1] = table[other, _LINKED] if there else -1
            row[at + 2] = table[other, _STOPS] if there else -1
            at += 3
        row[at] = table[number + 1, _TAG] if number + 1 < count else -1
        row[at + 1] = table[number - 1, _TAG] if number > 0 else -1
        row[at + 2] = _kinship(layout, number, number - 1)
        row[at + 3] = _kinship(layout, number, number + 1)
        chars = linked = np.float32(0)
        for other in range(max(0, number - 5), min(count, number + 6)):
            chars += table[other, _CHARS]
            linked += table[other, _CHARS] * table[other, _LINKED]
        row[at + 4] = chars
        row[at + 5] = linked / max(np.float32(1), chars)


@part
def _kinship(layout: Layout, number: int, other: int) -> int:
    """1 for blocks in the same element, 2 for those in children of the same, 0 for others."""
    if not 0 <= other < len(layout.blocks):
        return 0
    node, sibling = layout.blocks[number, IN_NODE], layout.blocks[other, IN_NODE]
    if node == sibling:
        return 1
    return 2 if layout.nodes[node, PARENT] == layout.nodes[sibling, PARENT] else 0


@part
def _fill_comments(layout: Layout, measures: Floats, whole: Whole, table: Floats) -> None:
    nodes, blocks = layout.nodes, layout.blocks
    comments = outside = np.float32(0)
    first = len(blocks)
    for number in range(len(blocks)):
        if nodes[blocks[number, IN_NODE], FLAG] & COMMENT:
            comments += blocks[number, CHARS]
            first = min(first, number)
        elif is_paragraph(blocks[number], measures[number]):
            outside += blocks[number, CHARS]
    before, at = 0, _AT_COMMENTS
    for number in range(len(blocks)):
        row = table[number]
        inside = nodes[blocks[number, IN_NODE], FLAG] & COMMENT != 0
        row[at] = inside
        row[at + 1] = comments / max(np.float32(1), np.float32(whole.chars))
        row[at + 2] = outside
        row[at + 3] = number - first
        row[at + 4] = before
        row[at + 5] = nodes[whole.top, FLAG] & COMMENT != 0
        before += not inside and is_paragraph(blocks[number], measures[number])
