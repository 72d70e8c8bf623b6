"""A page laid out: its block elements as a tree, its text in blocks, and where each block stands."""

from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from textmill.pipeline.extraction.hints import Hints, find_href, read_hints
from textmill.pipeline.extraction.nodes import (
    FLAG,
    H1,
    HINT,
    HINT_END,
    MAX_DEPTH,
    MAX_NODES,
    NODE_COLUMNS,
    PRE,
    SIGNATURE,
    add_node,
    depth_after,
    depth_before,
)
from textmill.pipeline.extraction.pen import (
    ANCHORS,
    AT,
    BLOCKS,
    BOLD,
    BREAKS,
    HEADINGS,
    LINKS,
    NODE,
    Pen,
    end_block,
    end_link,
    finish,
    new_pen,
)
from textmill.pipeline.extraction.pen import LINK as OPEN_LINK
from textmill.pipeline.extraction.tags import BLOCK, BREAK, CUSTOM, KINDS, LINK, ROOT, RULE, number_of
from textmill.pipeline.extraction.tokenizer import END, RAW_TEXT, START, TEXT, Tokens, borrowed_tokens
from textmill.pipeline.extraction.writing import Characters, borrowed_characters, write_text, write_verbatim
from textmill.pipeline.kernels import kernel, part, wide
from textmill.pipeline.kernels.borrowed import borrowed

Bytes: TypeAlias = npt.NDArray[np.uint8]
Int32s: TypeAlias = npt.NDArray[np.int32]
Int64s: TypeAlias = npt.NDArray[np.int64]

_TITLE: Final = number_of("title")
_BODY: Final = number_of("body")
_B: Final = number_of("b")
_STRONG: Final = number_of("strong")

# What the walk remembers, by index.
_DEPTH: Final = 0  # of the stack of open elements
_NODES: Final = 1
_EXCESS: Final = 2  # open elements that are too deep or too many to be nodes
_LINK_DEPTH: Final = 3  # depth at which the open link began
_SEEN_BODY: Final = 4


class Layout(NamedTuple):
    """A page laid out. nodes: int64, columns named in `nodes`. blocks: int32, columns named in `pen`.

    text: uint8, UTF-8 with marks, see `pen`. links: int32, the token of the start tag of each stretch of link text.
    hints: int32, numbers of words of class, id and role; see `hints`. title: int64, length 2, the span in the
    page of what its first title element holds.
    """

    nodes: Int64s
    blocks: Int32s
    text: Bytes
    links: Int32s
    hints: Int32s
    title: Int64s


class Walk(NamedTuple):
    """A walk through a page's tokens, and room for what it finds. stack: int32, open nodes. place: int64, see above."""

    nodes: Int64s
    stack: Int32s
    place: Int64s
    hints: Hints
    pen: Pen


def new_walk(page_bytes: int, opening: int) -> Walk:
    """A walk with room for a page of as many bytes and "<"."""
    return Walk(
        np.zeros((min(opening + 1, MAX_NODES), NODE_COLUMNS), np.int64),
        np.zeros(MAX_DEPTH + 1, np.int32),
        np.zeros(5, np.int64),
        Hints(np.empty(page_bytes // 2 + 1, np.int32), np.zeros(1, np.int64)),
        new_pen(page_bytes, opening),
    )


@kernel
def lay_out(data: Bytes, tokens: Tokens, characters: Characters, walk: Walk) -> Layout:
    """Lay out the page `data` of these tokens; the result stands in the room of `walk`; see `new_walk`."""
    title = np.zeros(2, np.int64)
    page, all_, known, way = (
        borrowed(data),
        borrowed_tokens(tokens),
        borrowed_characters(characters),
        _borrowed_walk(walk),
    )
    pen, nodes = way.pen, way.nodes
    nodes[0] = way.stack[0] = way.hints.total[0] = 0  # what another page left
    way.place[:] = pen.state[:] = 0
    way.place[_NODES] = 1
    for token in range(len(all_.kind)):
        kind, tag = all_.kind[token], wide(all_.tag[token])
        start, end = wide(all_.start[token]), wide(all_.end[token])
        if kind == TEXT:
            if nodes[pen.state[NODE], FLAG] & PRE:
                write_verbatim(pen, page, start, end, known)
            else:
                write_text(pen, page, start, end, known)
        elif kind == START:
            _open(way, page, (tag, token), start, end)
        elif kind == END:
            _close(way, tag)
        elif kind == RAW_TEXT and tag == _TITLE and title[1] == 0:
            title[0], title[1] = start, end
    finish(pen)
    state = walk.pen.state
    return Layout(
        walk.nodes[: walk.place[_NODES]],
        walk.pen.blocks[: state[BLOCKS]],
        walk.pen.text[: state[AT]],
        walk.pen.links[: state[LINKS]],
        walk.hints.words[: walk.hints.total[0]],
        title,
    )


@part
def _borrowed_walk(walk: Walk) -> Walk:
    pen = Pen(borrowed(walk.pen.text), borrowed(walk.pen.state), borrowed(walk.pen.blocks), borrowed(walk.pen.links))
    hints = Hints(borrowed(walk.hints.words), borrowed(walk.hints.total))
    return Walk(borrowed(walk.nodes), borrowed(walk.stack), borrowed(walk.place), hints, pen)


@part
def _open(walk: Walk, data: Bytes, what: tuple[int, int], start: int, end: int) -> None:
    """Act on a start tag. what: its element and its token."""
    tag, token = what
    kind, state = KINDS[tag], walk.pen.state
    if kind == BLOCK:
        end_block(walk.pen)
        state[BOLD] = 0
        state[HEADINGS] += tag == H1
        if tag != CUSTOM or data[end - 1] != 47:
            _push(walk, data, what, start, end)
    elif kind == LINK:
        state[ANCHORS] += 1
        end_link(walk.pen)
        href, href_end = find_href(data, start, end)
        if href < href_end:
            state[OPEN_LINK] = token + 1
            walk.place[_LINK_DEPTH] = walk.place[_DEPTH]
    elif kind == BREAK:
        state[BREAKS] += 1
    elif kind == RULE:
        end_block(walk.pen)
    elif kind == ROOT:
        end_block(walk.pen)
        if tag == _BODY and not walk.place[_SEEN_BODY] and walk.place[_NODES] == 1:
            walk.place[_SEEN_BODY] = 1
            read_hints(data, start, end, walk.hints)
            walk.nodes[0, HINT_END] = walk.hints.total[0]
    elif tag in (_B, _STRONG):
        state[BOLD] += 1


@part
def _push(walk: Walk, data: Bytes, what: tuple[int, int], start: int, end: int) -> None:
    """Open a block element."""
    nodes, place = walk.nodes, walk.place
    tag, token = what
    depth = depth_before(nodes, walk.stack, place[_DEPTH], tag)
    number = place[_NODES]
    if depth == MAX_DEPTH or number == len(nodes):
        place[_EXCESS] += 1
        return
    add_node(nodes, number, walk.stack[depth], tag, token)
    nodes[number, HINT] = walk.hints.total[0]
    signature, flags = read_hints(data, start, end, walk.hints)
    nodes[number, HINT_END] = walk.hints.total[0]
    nodes[number, SIGNATURE] = np.int64(signature)
    nodes[number, FLAG] |= flags
    walk.stack[depth + 1] = number
    place[_NODES] = number + 1
    _settle(walk, depth + 1)


@part
def _close(walk: Walk, tag: int) -> None:
    """Act on an end tag."""
    kind, state, place = KINDS[tag], walk.pen.state, walk.place
    if kind == LINK:
        end_link(walk.pen)
    elif kind == BLOCK:
        end_block(walk.pen)
        state[BOLD] = 0
        if place[_EXCESS]:
            place[_EXCESS] -= 1
        else:
            _settle(walk, depth_after(walk.nodes, walk.stack, place[_DEPTH], tag))
    elif kind == ROOT:
        end_block(walk.pen)
    elif kind == BREAK:
        state[BREAKS] += 1
    elif tag in (_B, _STRONG) and state[BOLD] > 0:
        state[BOLD] -= 1


@kernel
def _settle(walk: Walk, depth: int) -> None:
    """Go on at this depth; a link does not outlive the element that it began in."""
    walk.place[_DEPTH] = depth
    walk.pen.state[NODE] = walk.stack[depth]
    if depth < walk.place[_LINK_DEPTH]:
        walk.place[_LINK_DEPTH] = 0
        end_link(walk.pen)
