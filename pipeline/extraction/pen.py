"""What is written of a page: its text, the blocks that it is in, and where link text begins and ends.

In the text, byte 1 stands before and byte 2 behind what a link covers, and a line feed stands for a line break; no
other control characters are there, but for tabs in preformatted text.
"""

from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from textmill.pipeline.kernels import part

Bytes: TypeAlias = npt.NDArray[np.uint8]
Int32s: TypeAlias = npt.NDArray[np.int32]
Int64s: TypeAlias = npt.NDArray[np.int64]

LINK_START: Final = 1
LINK_END: Final = 2
MAX_BLOCKS: Final = 1 << 16
"""Blocks of a page; what comes behind them goes into the last one."""
_LONG: Final = 300  # size from which a single line break ends a block, as it does in pages made of breaks alone

PARAGRAPH: Final = 0
"""A block that stands on its own."""
LINE: Final = 1
"""A block that a single line break divides from the one before it."""

# What the pen remembers, by index into its state.
AT: Final = 0  # where the next byte goes
BEGIN: Final = 1  # where the block begins
PENDING: Final = 2  # white space since the last character
BREAKS: Final = 3  # line breaks since the last character
SIZE: Final = 4  # of the block so far; see CHARS
LINKED: Final = 5
BOLD_SIZE: Final = 6
BROKEN: Final = 7  # line breaks in the block
ANCHORS: Final = 8  # start tags of links in the block
JOINT: Final = 9  # PARAGRAPH or LINE
BLOCKS: Final = 10  # how many are complete
LINKS: Final = 11  # how many stretches of link text there are
LINK: Final = 12  # token of the open link + 1, 0 for none
MARKED: Final = 13  # whether LINK_START was written for it in this block
BOLD: Final = 14  # how many <b> and <strong> are open
HEADINGS: Final = 15  # <h1> so far
NODE: Final = 16  # the innermost open element
FIRST: Final = 17  # stretches of link text before this block
_STATE: Final = 18

# Columns of a table of blocks: int32, a row a paragraph, heading, item, cell … in order.
IN_NODE: Final = 0
"""The element that it stands in directly."""
FROM: Final = 1
"""Where it begins in the text."""
TO: Final = 2
"""Where it ends."""
JOINED: Final = 3
"""PARAGRAPH or LINE."""
CHARS: Final = 4
"""Characters without white space; a letter of a script that is written without spaces counts as two."""
LINK_CHARS: Final = 5
"""Those of them in links."""
BOLD_CHARS: Final = 6
"""Those of them in bold."""
LINE_BREAKS: Final = 7
ANCHOR_COUNT: Final = 8
"""Links that start in it, those of images too."""
H1_COUNT: Final = 9
"""``<h1>`` up to it."""
FIRST_LINK: Final = 10
"""How many stretches of link text are before it."""
BLOCK_COLUMNS: Final = 11


class Pen(NamedTuple):
    """What is being written. text: uint8. state: int64, see above. blocks: int32, room for them.

    links: int32, by stretch of link text the token of the link's start tag.
    """

    text: Bytes
    state: Int64s
    blocks: Int32s
    links: Int32s


def new_pen(page_bytes: int, opening: int) -> Pen:
    """A pen for a page with as many bytes and "<".

    No reference is decoded into more than 6 bytes for 5, every mark replaces a tag, and a block holds a text token.
    """
    return Pen(
        np.empty(page_bytes + page_bytes // 4 + 64, np.uint8),
        np.empty(_STATE, np.int64),
        np.empty((min(2 * opening + 2, MAX_BLOCKS), BLOCK_COLUMNS), np.int32),
        np.empty(2 * opening + 2, np.int32),
    )


@part
def end_block(pen: Pen) -> None:
    """Complete the block, if there is anything in it."""
    state = pen.state
    if state[SIZE] > 0:
        _end_mark(pen)
        if state[BLOCKS] + 1 == MAX_BLOCKS:
            put(pen, 10)
            state[PENDING] = state[BREAKS] = 0
            return
        _write_block(pen, state[BLOCKS], state[NODE])
        state[BLOCKS] += 1
    state[BEGIN] = state[AT]
    state[PENDING] = state[BREAKS] = state[SIZE] = state[LINKED] = state[BOLD_SIZE] = 0
    state[BROKEN] = state[ANCHORS] = state[JOINT] = 0


@part
def finish(pen: Pen) -> None:
    """Complete the last block."""
    state = pen.state
    if state[SIZE] > 0 and state[BLOCKS] < len(pen.blocks):
        _end_mark(pen)
        _write_block(pen, state[BLOCKS], state[NODE])
        state[BLOCKS] += 1


@part
def _write_block(pen: Pen, number: int, node: int) -> None:
    state, block = pen.state, pen.blocks[number]
    block[IN_NODE] = node
    block[FROM], block[TO] = state[BEGIN], state[AT]
    block[JOINED] = state[JOINT]
    block[CHARS], block[LINK_CHARS], block[BOLD_CHARS] = state[SIZE], state[LINKED], state[BOLD_SIZE]
    block[LINE_BREAKS], block[ANCHOR_COUNT] = state[BROKEN], state[ANCHORS]
    block[H1_COUNT] = state[HEADINGS]
    block[FIRST_LINK] = state[FIRST]
    state[FIRST] = state[LINKS]


@part
def end_link(pen: Pen) -> None:
    """Close the link that is open, if one is."""
    _end_mark(pen)
    pen.state[LINK] = 0


@part
def _end_mark(pen: Pen) -> None:
    if pen.state[MARKED]:
        put(pen, LINK_END)
        pen.state[MARKED] = 0


@part
def put(pen: Pen, byte: int) -> None:
    """Write a byte, where there is room."""
    at = pen.state[AT]
    if at < len(pen.text):
        pen.text[at] = byte
        pen.state[AT] = at + 1


@part
def break_line(pen: Pen) -> None:
    """Turn line breaks into what they are: a new line, or a new block when there are two, or much before it."""
    state = pen.state
    several = state[BREAKS] > 1
    state[BREAKS] = 0
    if state[SIZE] == 0:
        return
    if several or state[SIZE] > _LONG:
        end_block(pen)
        state[JOINT] = PARAGRAPH if several else LINE
    else:
        put(pen, 10)
        state[PENDING] = 0
        state[BROKEN] += 1


@part
def begin_mark(pen: Pen) -> None:
    """Mark the beginning of link text, behind the space that divides it from what is before."""
    state = pen.state
    if state[LINKS] == len(pen.links):
        return
    if state[PENDING]:
        put(pen, 32)
    put(pen, LINK_START)
    pen.links[state[LINKS]] = state[LINK] - 1
    state[LINKS] += 1
    state[MARKED] = 1
