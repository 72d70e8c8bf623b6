"""A page taken apart: tokens, layout, measures, and the probability that each block is main content."""

from functools import cache
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from textmill.pipeline.extraction.entities import entity_table
from textmill.pipeline.extraction.features import fill
from textmill.pipeline.extraction.layout import Layout, Walk, lay_out, new_walk
from textmill.pipeline.extraction.measures import WORDS, measure
from textmill.pipeline.extraction.second import ALL_FEATURES, fill_second, threshold
from textmill.pipeline.extraction.stopwords import stop_words
from textmill.pipeline.extraction.sums import Scratch, new_scratch, sum_up
from textmill.pipeline.extraction.tags import TagTable, tag_table
from textmill.pipeline.extraction.tokenizer import Tokens, token_room, tokenize_bytes
from textmill.pipeline.extraction.trees import Trees, predict
from textmill.pipeline.extraction.writing import Characters
from textmill.pipeline.kernels.unicode import unicode_tables

Bytes: TypeAlias = npt.NDArray[np.uint8]
Floats: TypeAlias = npt.NDArray[np.float32]


class Tables(NamedTuple):
    """What kernels know of tags, characters and words."""

    tags: TagTable
    characters: Characters
    stops: Bytes


class Room(NamedTuple):
    """Where a page is taken apart. The next page in the same room overwrites it."""

    tokens: Tokens
    walk: Walk
    scratch: Scratch


class Weights(NamedTuple):
    """A trained model. hints: float32, what each hint is worth; see `hints`. first, second: the two stages."""

    hints: Floats
    first: Trees
    second: Trees


class Judgement(NamedTuple):
    """What the model thinks of a page. likely: float32, by block. limit: the threshold above which a block is kept.

    expected_f1: word-F1 of what is kept, if the probabilities are right.
    """

    likely: Floats
    limit: float
    expected_f1: float


@cache
def tables() -> Tables:
    """All tables, built once a process."""
    unicode = unicode_tables()
    return Tables(tag_table(), Characters(unicode.classes, unicode.lower, entity_table()), stop_words())


def new_room(page_bytes: int, opening: int) -> Room:
    """Room for a page of as many bytes and "<"."""
    return Room(token_room(opening), new_walk(page_bytes, opening), new_scratch(opening, ALL_FEATURES))


def describe(data: Bytes, known: Tables, hints: Floats, room: Room) -> tuple[Tokens, Layout, Floats]:
    """Take a page apart and fill the features of the first stage; hints: see `Weights`."""
    tokens = tokenize_bytes(data, known.tags, room.tokens)
    layout = lay_out(data, tokens, known.characters, room.walk)
    title = data[layout.title[0] : layout.title[1]]
    measures = measure(layout.text, layout.blocks, title, known.characters, known.stops)
    fill(layout, measures, sum_up(layout, measures, hints, room.scratch), room.scratch)
    return tokens, layout, measures


def judge(layout: Layout, measures: Floats, first: Trees, second: Trees, scratch: Scratch) -> Judgement:
    """Judge the blocks of a page by both stages; `scratch` as `describe` left it."""
    count = len(layout.blocks)
    predict(first, scratch.table, count, scratch.first)
    fill_second(layout, scratch)
    predict(second, scratch.table, count, scratch.second)
    limit, expected = threshold(scratch.second[:count], measures[:, WORDS])
    return Judgement(scratch.second[:count], limit, expected)
