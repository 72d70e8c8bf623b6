"""What is taken out of texts is what the slow twin takes out, and nothing else."""

from itertools import pairwise

import naive
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import hard_columns, hard_texts

from textmill.pipeline.arrow import text_buffers
from textmill.pipeline.kernels.lines import split_lines
from textmill.pipeline.kernels.rewriting import Texts, cut_spans, join_lines, strip_citations

marks = st.lists(st.sampled_from(["[", "]", "12", "edit", "citation needed", "[edit]", "[1]", "a", "日"]), max_size=12)


def as_strings(texts: Texts) -> list[str]:
    return [texts.data[a:b].tobytes().decode() for a, b in pairwise(texts.offsets)]


@pytest.mark.parametrize(
    ("text", "left"),
    [("a[1] b[] c[edit]", "a b c"), ("[citation needed]", ""), ("[[1]edit]", ""), ("[a] 1] [1", "[a] 1] [1")],
)
def test_citations(text: str, left: str) -> None:
    data, offsets, _ = text_buffers(pa.array([text]))
    assert as_strings(strip_citations(data, offsets)) == [left]


@given(hard_columns | st.lists(marks.map("".join), max_size=4), st.integers(0, 4))
def test_citations_go_as_with_the_slow_twin(texts: list[str | None], start: int) -> None:
    data, offsets, _ = text_buffers(pa.array(texts, pa.string()).slice(start))
    left = as_strings(strip_citations(data, offsets))
    assert left == [naive.strip_citations(text or "") for text in texts[start:]]


@given(hard_columns, st.integers(0, 4), st.randoms())
def test_lines_that_are_kept_are_joined(texts: list[str | None], start: int, random: np.random.Generator) -> None:
    data, offsets, _ = text_buffers(pa.array(texts, pa.string()).slice(start))
    lines = split_lines(data, offsets)
    kept = [random.random() < 0.5 for _ in lines.start]
    stay = iter(kept)
    expected = ["\n".join(line for line in naive.lines(text or "") if next(stay)) for text in texts[start:]]
    assert as_strings(join_lines(data, lines, np.array(kept, np.bool_))) == expected


spans = st.lists(st.integers(0, 24), max_size=6).map(sorted)
"""Ends of spans, two and two; of texts that are shorter, they are brought to the end."""


@given(st.lists(st.tuples(st.none() | hard_texts, spans), max_size=6), st.integers(0, 4))
def test_spans_that_are_cut_leave_the_rest_as_it_was(column: list[tuple[str | None, list[int]]], start: int) -> None:
    texts = [text for text, _ in column]
    data, offsets, _ = text_buffers(pa.array(texts, pa.string()).slice(start))
    first, cuts, expected = [0], [], []
    for text, ends in column[start:]:
        pairs = list(zip(ends[::2], ends[1::2], strict=False))
        cuts += pairs
        first.append(len(cuts))
        gone = {place for a, b in pairs for place in range(a, b)}
        expected.append("".join(char for place, char in enumerate(text or "") if place not in gone))
    starts, stops = (np.array([cut[i] for cut in cuts], np.int64) for i in (0, 1))
    assert as_strings(cut_spans(data, offsets, np.array(first), starts, stops)) == expected
