"""The blocks that are kept, written as plain text or Markdown.

Paragraphs and headings are divided by an empty line; items of a list, rows of a table, and lines that a ``<br>``
divides, by a line end. An item begins with "- ", the cells of a row are divided by " | ".
"""

from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from textmill.pipeline.extraction.hints import find_href
from textmill.pipeline.extraction.layout import Layout
from textmill.pipeline.extraction.nodes import LI, PARENT, TAG
from textmill.pipeline.extraction.pen import FIRST_LINK, FROM, IN_NODE, JOINED, LINE, LINK_END, LINK_START, TO
from textmill.pipeline.extraction.places import (
    CELL,
    DATA_TABLE,
    ITEM,
    LEVEL,
    LIST_DEPTH,
    LISTING,
    ORDERED,
    OUTER_LIST,
    PLACE,
    QUOTES,
    ROW,
    data_tables,
    find_place,
    whole_tables,
)
from textmill.pipeline.extraction.tokenizer import Tokens
from textmill.pipeline.kernels import kernel, part, wide
from textmill.pipeline.kernels.borrowed import borrowed

Bytes: TypeAlias = npt.NDArray[np.uint8]
Int32s: TypeAlias = npt.NDArray[np.int32]
Int64s: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float32]
Flags: TypeAlias = npt.NDArray[np.bool_]

MARKDOWN: Final = 1
LINKS: Final = 2
TABLES: Final = 4

_NEWLINE: Final = np.uint8(10)
_SPACE: Final = np.uint8(32)
_BAR: Final = np.uint8(ord("|"))
_ANGLE: Final = np.uint8(ord(">"))
_HASH: Final = np.uint8(ord("#"))
_DOT: Final = np.uint8(ord("."))
_DASH: Final = np.uint8(ord("-"))
_BRACKET: Final = np.uint8(ord("["))
_BRACKET_END: Final = np.uint8(ord("]"))
_PARENTHESIS: Final = np.uint8(ord("("))
_AMPERSAND: Final = np.uint8(ord("&"))
_PERCENT: Final = np.uint8(ord("%"))
_PARENTHESIS_END: Final = np.uint8(ord(")"))
_HEX: Final = np.frombuffer(b"0123456789ABCDEF", np.uint8)
_TICK: Final = np.uint8(ord("`"))


_AT: Final = 0  # where the next byte goes
_QUOTES: Final = 1  # how many quotations the lines are in


class _Sheet(NamedTuple):
    """What is written on. text: uint8; what goes beyond its end is only counted. state: int64, see `_AT`, `_QUOTES`."""

    text: Bytes
    state: Int64s


class Source(NamedTuple):
    """What is written: the page, its tokens, its layout, sums of its nodes, and which blocks are kept."""

    data: Bytes
    tokens: Tokens
    layout: Layout
    sums: Floats
    kept: Flags


@kernel
def assemble(source: Source, options: int) -> Bytes:
    """The text of the kept blocks; tables of data are kept whole. options: MARKDOWN, LINKS and TABLES, or-ed."""
    nodes = source.layout.nodes
    of_data = data_tables(nodes, source.sums)
    kept = source.kept.copy()
    whole_tables(nodes, source.layout.blocks, of_data, kept)
    shown = Source(source.data, source.tokens, source.layout, source.sums, kept)
    ordinals = _ordinals(nodes)
    text, state = np.empty(0, np.uint8), np.zeros(2, np.int64)
    for _ in range(2):  # the first time, what is written is only counted
        text = np.empty(state[_AT], np.uint8)
        state[:] = 0
        sheet = _Sheet(borrowed(text), borrowed(state))
        _write_all(sheet, shown, of_data, ordinals, options)
    return text


@part
def _ordinals(nodes: Int64s) -> Int32s:
    """The number of each list item among those of its list."""
    ordinals, items = np.zeros(len(nodes), np.int32), np.zeros(len(nodes), np.int32)
    for node in range(1, len(nodes)):
        if nodes[node, TAG] == LI:
            items[nodes[node, PARENT]] += 1
            ordinals[node] = items[nodes[node, PARENT]]
    return ordinals


@part
def _write_all(sheet: _Sheet, source: Source, of_data: Flags, ordinals: Int32s, options: int) -> None:
    blocks = source.layout.blocks
    place, before = np.zeros(PLACE, np.int64), np.zeros(PLACE, np.int64)
    last = -1
    for number in range(len(blocks)):
        if not source.kept[number]:
            continue
        find_place(source.layout.nodes, source.sums, of_data, blocks[number, IN_NODE], place)
        if place[DATA_TABLE] and not options & TABLES:
            continue
        is_next_line = last == number - 1 and last >= 0 and blocks[number, JOINED] == LINE
        _divide(sheet, before if last >= 0 else place, place, options, (last >= 0, is_next_line))
        ordinal = ordinals[place[ITEM]]
        if last < 0 or not is_next_line:
            _introduce(sheet, before, place, ordinal, options)
        _write_block(sheet, source, number, place, options)
        before, place = place, before
        last = number
    if last >= 0:
        _conclude(sheet, before, options)


@part
def _divide(sheet: _Sheet, before: Int64s, place: Int64s, options: int, kind: tuple[bool, bool]) -> None:
    """Write what stands between two blocks. kind: whether there is one before, whether this is only its next line."""
    is_second, is_next_line = kind
    if not is_second:
        sheet.state[_QUOTES] = place[QUOTES] if options & MARKDOWN else 0
        return
    if place[DATA_TABLE] and before[ROW] == place[ROW] and before[DATA_TABLE] == place[DATA_TABLE]:
        if before[CELL] != place[CELL]:
            _put(sheet, _SPACE)
            _put(sheet, _BAR)
        _put(sheet, _SPACE)
        return
    is_close = is_next_line
    for column in (LISTING, OUTER_LIST, DATA_TABLE):
        is_close |= place[column] != 0 and place[column] == before[column]
    if not is_close or before[LISTING] != place[LISTING]:
        _conclude(sheet, before, options)
    elif before[DATA_TABLE] and options & MARKDOWN and before[ROW] != place[ROW]:
        _put(sheet, _SPACE)
        _put(sheet, _BAR)
    sheet.state[_QUOTES] = min(sheet.state[_QUOTES], place[QUOTES])
    _end_line(sheet)
    if not is_close:
        _end_line(sheet)
    _raise_quotes(sheet, place, options)


@part
def _raise_quotes(sheet: _Sheet, place: Int64s, options: int) -> None:
    """Begin the quotations that begin here."""
    if options & MARKDOWN:
        for _ in range(place[QUOTES] - sheet.state[_QUOTES]):
            _put(sheet, _ANGLE)
            _put(sheet, _SPACE)
        sheet.state[_QUOTES] = place[QUOTES]


@part
def _introduce(sheet: _Sheet, before: Int64s, place: Int64s, ordinal: int, options: int) -> None:
    """Write the mark of an item, a heading, a listing or a row, if one begins."""
    is_markdown = options & MARKDOWN != 0
    if sheet.state[_AT] == 0 and is_markdown:
        sheet.state[_QUOTES] = 0
        _raise_quotes(sheet, place, options)
    if place[DATA_TABLE]:
        if is_markdown and (before[ROW] != place[ROW] or before[DATA_TABLE] != place[DATA_TABLE]):
            _put(sheet, _BAR)
            _put(sheet, _SPACE)
        return
    if place[ITEM]:
        _introduce_item(sheet, before, place, ordinal if is_markdown else 0)
    if is_markdown and place[LEVEL]:
        for _ in range(place[LEVEL]):
            _put(sheet, _HASH)
        _put(sheet, _SPACE)
    if is_markdown and place[LISTING] and place[LISTING] != before[LISTING]:
        _put_fence(sheet)
        _end_line(sheet)


@part
def _introduce_item(sheet: _Sheet, before: Int64s, place: Int64s, ordinal: int) -> None:
    for _ in range(2 * (place[LIST_DEPTH] - 1)):
        _put(sheet, _SPACE)
    if place[ITEM] == before[ITEM]:
        _put(sheet, _SPACE)
    elif place[ORDERED] and ordinal:
        _put_number(sheet, ordinal)
        _put(sheet, _DOT)
    else:
        _put(sheet, _DASH)
    _put(sheet, _SPACE)


@part
def _conclude(sheet: _Sheet, before: Int64s, options: int) -> None:
    """Write what ends a listing or a row."""
    if options & MARKDOWN:
        if before[LISTING]:
            _end_line(sheet)
            _put_fence(sheet)
        elif before[DATA_TABLE]:
            _put(sheet, _SPACE)
            _put(sheet, _BAR)


@part
def _write_block(sheet: _Sheet, source: Source, number: int, place: Int64s, options: int) -> None:
    block, text = source.layout.blocks[number], source.layout.text
    start, end = int(block[FROM]), int(block[TO])
    while end > start and text[end - 1] in (9, 10, 32):
        end -= 1
    link = int(block[FIRST_LINK])
    for at in range(start, end):
        byte = text[at]
        if byte == LINK_START:
            link += 1
            if options & LINKS:
                _put(sheet, _BRACKET)
        elif byte == LINK_END:
            if options & LINKS:
                _put_target(sheet, source, link - 1)
        elif byte != _NEWLINE:
            _put(sheet, byte)
        elif place[DATA_TABLE]:
            _put(sheet, _SPACE)
        else:
            _end_line(sheet)


@part
def _put_target(sheet: _Sheet, source: Source, link: int) -> None:
    _put(sheet, _BRACKET_END)
    _put(sheet, _PARENTHESIS)
    if link < len(source.layout.links):
        token, data = source.layout.links[link], source.data
        start, end = find_href(data, wide(source.tokens.start[token]), wide(source.tokens.end[token]))
        while start < end:
            if data[start] == _AMPERSAND and start + 4 < end and data[start + 1] == 97 and data[start + 4] == 59:
                _put(sheet, _AMPERSAND)  # "&amp;", the only reference that addresses are full of
                start += 5
                continue
            if data[start] >= 0x80:  # as browsers ask for it; and half a letter must not get into the text
                _put(sheet, _PERCENT)
                _put(sheet, _HEX[data[start] >> 4])
                _put(sheet, _HEX[data[start] & 15])
            elif data[start] > _SPACE:
                _put(sheet, data[start])
            start += 1
    _put(sheet, _PARENTHESIS_END)


@part
def _put(sheet: _Sheet, byte: np.uint8) -> None:
    at = sheet.state[_AT]
    if at < len(sheet.text):
        sheet.text[at] = byte
    sheet.state[_AT] = at + 1


@part
def _put_fence(sheet: _Sheet) -> None:
    for _ in range(3):
        _put(sheet, _TICK)


@part
def _put_number(sheet: _Sheet, number: int) -> None:
    scale = 1
    while scale * 10 <= number:
        scale *= 10
    while scale:
        _put(sheet, _HEX[number // scale % 10])
        scale //= 10


@part
def _end_line(sheet: _Sheet) -> None:
    _put(sheet, _NEWLINE)
    for _ in range(sheet.state[_QUOTES]):
        _put(sheet, _ANGLE)
        _put(sheet, _SPACE)
