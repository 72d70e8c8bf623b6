"""The extractor: a page's bytes in, its main content as text out, and how sure of it the model is."""

import threading
from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from textmill.pipeline.extraction.analysis import Room, Tables, Weights, analyse, new_room, tables
from textmill.pipeline.extraction.assembly import LINKS, MARKDOWN, TABLES, Source, assemble
from textmill.pipeline.extraction.measures import SENTENCES
from textmill.pipeline.extraction.nodes import COMMENT, FLAG
from textmill.pipeline.extraction.tokenizer import Tokens, count_opening
from textmill.pipeline.extraction.writing import CHARS, IN_NODE, LINK_CHARS
from textmill.pipeline.kernels import kernel

Bytes: TypeAlias = npt.NDArray[np.uint8]

COMMENTS: Final = 8
"""Readers' comments too; an option beside those of `assembly`."""

_LEAST_BYTES: Final = 1 << 18
_LEAST_TAGS: Final = 1 << 13
_rooms = threading.local()


class Extracted(NamedTuple):
    """What was found. text: empty where nothing was. confidence: the word-F1 that the model expects, 0 to 1.

    tokens: those of the page; they last until the next page of this thread.
    """

    text: str
    confidence: float
    tokens: Tokens


def options(*, markdown: bool = False, comments: bool = False, tables: bool = True, links: bool = False) -> int:
    """What `extract` is to write, as one number."""
    return MARKDOWN * markdown | COMMENTS * comments | TABLES * tables | LINKS * links


def extract(page: bytes, weights: Weights, wanted: int = TABLES) -> Extracted:
    """Extract the main content of a page in UTF-8; `wanted`: see `options`. The same for the same page, always."""
    data = np.frombuffer(page, np.uint8)
    text, confidence, tokens = extract_page(data, tables(), weights, _room(len(page), count_opening(page)), wanted)
    return Extracted(text.tobytes().decode(), float(confidence), tokens)


def _room(page_bytes: int, opening: int) -> Room:
    """This thread's room, larger than before if it must be."""
    size = getattr(_rooms, "size", (-1, -1))
    if page_bytes > size[0] or opening > size[1]:
        _rooms.size = (max(page_bytes, 2 * size[0], _LEAST_BYTES), max(opening, 2 * size[1], _LEAST_TAGS))
        _rooms.room = new_room(*_rooms.size)
    room: Room = _rooms.room
    return room


@kernel
def _is_said(block: npt.NDArray[np.int32], measures: npt.NDArray[np.float32]) -> bool:
    """Whether a block among comments is what somebody says, and no name, date or button."""
    return bool(block[CHARS] - block[LINK_CHARS] >= 20 and measures[SENTENCES] > 0)


@kernel
def extract_page(data: Bytes, known: Tables, weights: Weights, room: Room, wanted: int) -> tuple[Bytes, float, Tokens]:
    """`extract` for kernels: the text in UTF-8, the confidence, the tokens."""
    found = analyse(data, known, weights, room)
    layout, count = found.layout, len(found.likely)
    kept = found.likely > found.limit
    if wanted & COMMENTS:
        for number in range(count):
            block = layout.blocks[number]
            if layout.nodes[block[IN_NODE], FLAG] & COMMENT and _is_said(block, found.measures[number]):
                kept[number] = True
    source = Source(data, found.tokens, layout, room.scratch.sums, kept)
    return assemble(source, wanted), found.expected_f1, found.tokens
