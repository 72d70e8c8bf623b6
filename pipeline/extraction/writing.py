"""The text of a page as it is laid down, block by block: white space collapsed, references decoded.

In it, byte 1 stands before and byte 2 behind what a link covers, and a line feed stands for a line break; no other
control characters are there, but for tabs in preformatted text.
"""

from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from textmill.pipeline.extraction.entities import EntityTable, decode_reference
from textmill.pipeline.kernels import kernel, part
from textmill.pipeline.kernels.borrowed import borrowed
from textmill.pipeline.kernels.unicode import REPLACEMENT, SPACE, UNSPACED, decode

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

_IS_PLAIN: Final = np.array([32 < byte < 0x7F and byte != ord("&") for byte in range(256)])
"""Bytes that are a character each, and stand for themselves."""


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


class Characters(NamedTuple):
    """Tables that tell characters: of `kernels.unicode` and of `entities`."""

    classes: Bytes
    lower: Int32s
    entities: EntityTable


@part
def borrowed_characters(characters: Characters) -> Characters:
    """The same tables, uncounted; see `kernels.borrowed`."""
    keys, values, low = characters.entities
    table = EntityTable(borrowed(keys), borrowed(values), borrowed(low))
    return Characters(borrowed(characters.classes), borrowed(characters.lower), table)


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


@kernel
def end_block(pen: Pen) -> None:
    """Complete the block, if there is anything in it."""
    state = pen.state
    if state[SIZE] > 0:
        _end_mark(pen)
        if state[BLOCKS] + 1 == MAX_BLOCKS:
            _put(pen, 10)
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


@kernel
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
        _put(pen, LINK_END)
        pen.state[MARKED] = 0


@part
def _put(pen: Pen, byte: int) -> None:
    at = pen.state[AT]
    if at < len(pen.text):
        pen.text[at] = byte
        pen.state[AT] = at + 1


@part
def write_text(  # noqa: C901, PLR0912 (one loop over characters)
    pen: Pen, data: Bytes, start: int, end: int, characters: Characters
) -> None:
    """Add a text token with this span, where white space is only what divides words."""
    state = pen.state
    while start < end and data[start] <= 32:
        state[PENDING] = 1
        start += 1
    if start == end:
        return
    if state[BREAKS]:
        _break_line(pen)
    at, pending, size = state[AT], state[PENDING], 0
    has_mark = state[LINK] == 0 or state[MARKED] == 1
    while start < end:
        lead = int(data[start])
        if lead <= 32:
            pending, start = 1, start + 1
            continue
        code_point, second = lead, 0
        if lead < 0x7F and lead != 38:
            start += 1
        else:
            code_point, second, start = _next(data, start, end, characters)
            if code_point <= 32 or characters.classes[code_point] & SPACE:
                pending |= code_point != 0
                continue
            if code_point in (0xAD, 0xFEFF) or 0x7F <= code_point < 0xA0:
                continue
        if not has_mark:
            state[AT], state[PENDING] = at, pending and state[SIZE] > 0
            _begin_mark(pen)
            at, pending, has_mark = state[AT], 0, True
        if pending:
            at = _write(pen.text, at, 32) if state[SIZE] + size > 0 else at
            pending = 0
        at = _write(pen.text, at, code_point)
        if second:
            at = _write(pen.text, at, second)
        size += 2 if code_point >= 0x80 and characters.classes[code_point] & UNSPACED else 1
        stop = min(end, start + len(pen.text) - at)
        while start < stop:  # what stays as it is: the most by far
            byte = data[start]
            if not _IS_PLAIN[byte] and (byte != 32 or start + 1 == stop or not _IS_PLAIN[data[start + 1]]):
                break
            pen.text[at] = byte
            at, start, size = at + 1, start + 1, size + (byte != 32)
    state[AT], state[PENDING] = at, pending
    _count(state, size)


@part
def write_verbatim(pen: Pen, data: Bytes, start: int, end: int, characters: Characters) -> None:
    """Add a text token of preformatted text: white space stays as it is, line ends become line feeds."""
    state = pen.state
    for _ in range(state[BREAKS] if state[SIZE] else 0):
        _put(pen, 10)
    state[BREAKS] = state[PENDING] = 0
    at, size = state[AT], 0
    while start < end:
        code_point, second, start = _next(data, start, end, characters)
        if code_point == 13:
            code_point = 0 if start < end and data[start] == 10 else 10
        if (
            code_point in (0, 0xAD, 0xFEFF)
            or (code_point < 32 and code_point not in (9, 10))
            or 0x7F <= code_point < 0xA0
        ):
            continue
        is_space = characters.classes[code_point] & SPACE
        if is_space and code_point > 32:
            code_point = 32
        if code_point == 10 and state[SIZE] + size == 0:
            at = state[BEGIN]  # lines before the first that holds anything
            continue
        at = _write(pen.text, at, code_point)
        if second:
            at = _write(pen.text, at, second)
        size += not is_space
    state[AT] = at
    _count(state, size)


@kernel
def _next(data: Bytes, at: int, end: int, characters: Characters) -> tuple[int, int, int]:
    """One or two code points that stand at `at`, and where the text goes on; 0 for what stands for nothing."""
    lead = int(data[at])
    if lead == 38:
        return decode_reference(data, at, end, characters.entities)
    if lead < 0x80:
        return lead, 0, at + 1
    code_point, after = decode(data, at, end)
    if code_point == REPLACEMENT and after - at < 3:
        return 0, 0, after  # no UTF-8; a replacement would take more room than there is
    return int(code_point), 0, after


@kernel
def _count(state: Int64s, size: int) -> None:
    state[SIZE] += size
    if state[LINK]:
        state[LINKED] += size
    if state[BOLD] > 0:
        state[BOLD_SIZE] += size


@part
def _break_line(pen: Pen) -> None:
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
        _put(pen, 10)
        state[PENDING] = 0
        state[BROKEN] += 1


@part
def _begin_mark(pen: Pen) -> None:
    """Mark the beginning of link text, behind the space that divides it from what is before."""
    state = pen.state
    if state[LINKS] == len(pen.links):
        return
    if state[PENDING]:
        _put(pen, 32)
    _put(pen, LINK_START)
    pen.links[state[LINKS]] = state[LINK] - 1
    state[LINKS] += 1
    state[MARKED] = 1


@kernel
def _write(text: Bytes, at: int, code_point: int) -> int:
    """Write a code point in UTF-8 and tell where the next one goes."""
    if at + 4 > len(text):
        return at
    if code_point < 0x80:
        text[at] = code_point
        return at + 1
    if code_point < 0x800:
        text[at] = 0xC0 | (code_point >> 6)
        text[at + 1] = 0x80 | (code_point & 0x3F)
        return at + 2
    if code_point < 0x10000:
        text[at] = 0xE0 | (code_point >> 12)
        text[at + 1] = 0x80 | ((code_point >> 6) & 0x3F)
        text[at + 2] = 0x80 | (code_point & 0x3F)
        return at + 3
    text[at] = 0xF0 | (code_point >> 18)
    text[at + 1] = 0x80 | ((code_point >> 12) & 0x3F)
    text[at + 2] = 0x80 | ((code_point >> 6) & 0x3F)
    text[at + 3] = 0x80 | (code_point & 0x3F)
    return at + 4
