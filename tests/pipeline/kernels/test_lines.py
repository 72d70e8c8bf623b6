"""Lines end at newlines, are trimmed, and are never blank."""

from itertools import pairwise

import naive
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import hard_columns

from textmill.pipeline.arrow import text_buffers
from textmill.pipeline.kernels.lines import split_lines


def split(column: pa.Array) -> list[list[bytes]]:
    """The lines of each document."""
    data, offsets, _ = text_buffers(column)
    first, start, stop = split_lines(data, offsets)
    spans = [data[a:b].tobytes() for a, b in zip(start, stop, strict=True)]
    return [spans[a:b] for a, b in pairwise(first)]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", []),
        ("\n \n\u3000\n", []),
        ("one", ["one"]),
        (" one \r\n\r\n\ttwo\u00a0\n", ["one", "two"]),
        ("a\rb\u2028c\x85d", ["a\rb\u2028c\x85d"]),
    ],
)
def test_examples(text: str, lines: list[str]) -> None:
    assert split(pa.array([text])) == [[line.encode() for line in lines]]


@given(hard_columns, st.integers(0, 8))
def test_lines_are_those_of_the_slow_twin_in_slices_too(texts: list[str | None], start: int) -> None:
    column = pa.array(texts, pa.string()).slice(start)
    assert split(column) == [[line.encode() for line in naive.lines(text or "")] for text in texts[start:]]


@given(st.lists(st.binary(max_size=9), max_size=4))
def test_what_is_not_utf8_is_trimmed_of_its_whitespace_all_the_same(contents: list[bytes]) -> None:
    lines = split(pa.array(contents, pa.binary()))
    repaired = [[line.decode("utf-8", "replace") for line in document] for document in lines]
    assert repaired == [naive.lines(content.decode("utf-8", "replace")) for content in contents]


def test_a_column_without_text() -> None:
    assert split(pa.array([], pa.string())) == []
    assert split(pa.array([None, None], pa.string())) == [[], []]
    assert np.array_equal(split_lines(np.empty(0, np.uint8), np.zeros(1, np.int64)).first, [0])
