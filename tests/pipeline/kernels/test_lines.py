"""Lines end at newlines, are trimmed, and are never blank; blank ones part paragraphs."""

import re
from itertools import pairwise

import naive
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import hard_columns

from textmill.pipeline.arrow import text_buffers
from textmill.pipeline.kernels.lines import (
    all_lines,
    join_paragraphs,
    read_lines,
    split_at_newlines,
    split_lines,
    untrimmed,
)


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


@given(hard_columns, st.integers(0, 8))
def test_equal_lines_and_paragraphs_have_equal_keys(texts: list[str | None], start: int) -> None:
    data, offsets, _ = text_buffers(pa.array(texts, pa.string()).slice(start))
    lines = split_lines(data, offsets)
    line_texts = read_lines(data, lines)
    paragraphs = join_paragraphs(data, lines, line_texts)
    for found, split in ((line_texts, naive.lines), (paragraphs, naive.paragraphs)):
        documents = [split(text or "") for text in texts[start:]]
        flat = [item for document in documents for item in document]
        assert np.diff(found.first).tolist() == list(map(len, documents))
        assert found.chars.tolist() == list(map(len, flat))
        assert [flat.index(item) for item in flat] == [found.keys.tolist().index(key) for key in found.keys]


@pytest.mark.parametrize("gap", ["\n\n", "\n \n", "\r\n\r\n", "\n\u3000\n\n"])
def test_a_blank_line_parts_paragraphs(gap: str) -> None:
    assert naive.paragraphs(f"a\nb{gap}c") == ["a\nb", "c"]
    data, offsets, _ = text_buffers(pa.array([f"a\nb{gap}c"]))
    lines = split_lines(data, offsets)
    assert join_paragraphs(data, lines, read_lines(data, lines)).chars.tolist() == [3, 1]


@given(hard_columns | st.lists(st.text("a \n", max_size=9), max_size=4), st.integers(1, 3), st.booleans())
def test_runs_of_newlines_split_as_a_regular_expression_does(
    texts: list[str | None], at_least: int, strip: bool
) -> None:
    data, offsets, _ = text_buffers(pa.array(texts, pa.string()))
    first, start, stop = split_at_newlines(data, offsets, at_least, strip=strip)
    spans = [data[a:b].tobytes().decode() for a, b in zip(start, stop, strict=True)]
    whole = [(text or "").strip() if strip else text or "" for text in texts]
    assert [spans[a:b] for a, b in pairwise(first)] == [re.split(rf"\n{{{at_least},}}", text) for text in whole]


@given(hard_columns, st.integers(0, 8))
def test_untrimmed_lines_reach_from_newline_to_newline(texts: list[str | None], start: int) -> None:
    data, offsets, _ = text_buffers(pa.array(texts, pa.string()).slice(start))
    first, begin, end = untrimmed(data, offsets, split_lines(data, offsets))
    spans = [data[a:b].tobytes().decode() for a, b in zip(begin, end, strict=True)]
    expected = [[line for line in (text or "").split("\n") if line.strip()] for text in texts[start:]]
    assert [spans[a:b] for a, b in pairwise(first)] == expected


@given(hard_columns, st.integers(0, 8))
def test_all_lines_are_those_of_splitlines(texts: list[str | None], start: int) -> None:
    data, offsets, _ = text_buffers(pa.array(texts, pa.string()).slice(start))
    first, begin, stop = all_lines(data, offsets)
    spans = [data[a:b].tobytes().decode() for a, b in zip(begin, stop, strict=True)]
    assert [spans[a:b] for a, b in pairwise(first)] == [(text or "").splitlines() for text in texts[start:]]
