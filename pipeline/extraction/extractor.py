"""The extractor: a page's bytes in, its main content as text out, and how sure of it the model is."""

import threading
from typing import Final, NamedTuple

import numpy as np

from textmill.pipeline.extraction.analysis import Room, Weights, describe, judge, new_room, tables
from textmill.pipeline.extraction.assembly import LINKS, MARKDOWN, TABLES, Source, assemble
from textmill.pipeline.extraction.choice import COMMENTS, TITLE, choose
from textmill.pipeline.extraction.tokenizer import Tokens, count_opening

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


def options(
    *,
    markdown: bool = False,
    comments: bool = False,
    tables: bool = True,
    links: bool = False,
    title: bool = False,
) -> int:
    """What `extract` is to write, as one number."""
    return MARKDOWN * markdown | LINKS * links | TABLES * tables | COMMENTS * comments | TITLE * title


def extract(page: bytes, weights: Weights, wanted: int = TABLES) -> Extracted:
    """Extract the main content of a page in UTF-8; `wanted`: see `options`. The same for the same page, always."""
    data, room = np.frombuffer(page, np.uint8), _room(len(page), count_opening(page))
    tokens, layout, measures = describe(data, tables(), weights.hints, room)
    likely, limit, expected_f1 = judge(layout, measures, weights.first, weights.second, room.scratch)
    kept = choose(layout, measures, likely, limit, wanted)
    text = assemble(Source(data, tokens, layout, room.scratch.sums, kept), wanted)
    return Extracted(text.tobytes().decode(), float(expected_f1), tokens)


def _room(page_bytes: int, opening: int) -> Room:
    """This thread's room, larger than before if it must be."""
    size = getattr(_rooms, "size", (-1, -1))
    if page_bytes > size[0] or opening > size[1]:
        _rooms.size = (max(page_bytes, 2 * size[0], _LEAST_BYTES), max(opening, 2 * size[1], _LEAST_TAGS))
        _rooms.room = new_room(*_rooms.size)
    room: Room = _rooms.room
    return room
