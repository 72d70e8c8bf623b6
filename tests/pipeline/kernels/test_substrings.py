"""Substrings are found as `str` finds them."""

import naive
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import hard_texts

from textmill.pipeline.arrow import text_buffers
from textmill.pipeline.kernels.documents import ratio, sum_by_document
from textmill.pipeline.kernels.substrings import count_substring, ends_in, ends_with, find_phrases, starts_with

near_misses = st.lists(st.text("...…#. a\u2025", max_size=12), max_size=6)
patterns = st.sampled_from(["...", ". . .", "…", "#", ".a", "\u2025"])


@given(near_misses, patterns, st.integers(0, 6))
def test_occurrences_are_counted_without_overlap_and_within_a_document(
    texts: list[str], pattern: str, start: int
) -> None:
    data, offsets, _ = text_buffers(pa.array(texts, pa.string()).slice(start))
    assert count_substring(data, offsets, pattern).tolist() == [text.count(pattern) for text in texts[start:]]


@given(near_misses, patterns)
def test_both_ends_of_spans(texts: list[str], pattern: str) -> None:
    data, offsets, _ = text_buffers(pa.array(texts, pa.string()))
    spans = (data, offsets[:-1], offsets[1:])
    assert starts_with(*spans, pattern).tolist() == [text.startswith(pattern) for text in texts]
    assert ends_with(*spans, pattern).tolist() == [text.endswith(pattern) for text in texts]


@given(st.lists(near_misses.map("".join) | hard_texts, max_size=6), st.text(".…a日\u0301", max_size=3))
def test_the_last_character_of_spans(texts: list[str], characters: str) -> None:
    data, offsets, _ = text_buffers(pa.array(texts, pa.string()))
    found = ends_in(data, offsets[:-1], offsets[1:], characters)
    assert found.tolist() == [text != "" and text[-1] in characters for text in texts]


phrases = st.text("aAbé{ 日", min_size=1, max_size=4)


@given(st.lists(st.text("aAbBéÉ{ 日本", max_size=12), max_size=5), st.lists(phrases, max_size=64))
def test_phrases_are_found_in_any_ascii_case(texts: list[str], wanted: list[str]) -> None:
    data, offsets, _ = text_buffers(pa.array(texts, pa.string()))
    found = find_phrases(data, offsets[:-1], offsets[1:], wanted)
    lower = [naive.ascii_lower(phrase) for phrase in wanted]
    assert found.tolist() == [
        sum((phrase in naive.ascii_lower(text)) << i for i, phrase in enumerate(lower)) for text in texts
    ]


@pytest.mark.parametrize("phrases", [["a", ""], ["a"] * 65])
def test_phrases_are_few_and_not_empty(phrases: list[str]) -> None:
    with pytest.raises(ValueError, match="at most 64 phrases, none of them empty"):
        find_phrases(np.empty(0, np.uint8), np.empty(0, np.int64), np.empty(0, np.int64), phrases)


def test_sums_and_ratios_by_document() -> None:
    first = np.array([0, 2, 2, 3])
    assert sum_by_document(np.array([1, 2, 4]), first).tolist() == [3, 0, 4]
    assert sum_by_document(np.array([True, True, False]), first).tolist() == [2, 0, 0]
    assert ratio(np.array([1, 0]), np.array([4, 0])).tolist() == [0.25, 0.0]
