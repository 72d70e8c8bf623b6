"""Repetitions are counted as the slow twin counts them."""

from itertools import accumulate

import naive
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from textmill.pipeline.arrow import text_buffers
from textmill.pipeline.kernels.repeats import DUPLICATE_SIZES, TOP_SIZES, repeated_items, repeated_ngrams
from textmill.pipeline.kernels.words import Words, split_words

# Few different words, so that n-grams of every size repeat, overlap and tie.
documents = st.lists(st.lists(st.sampled_from(["a", "b", "cc", "Ddd"]), max_size=30), max_size=4)


def split(texts: list[list[str]]) -> Words:
    data, offsets, _ = text_buffers(pa.array([" ".join(words) for words in texts], pa.string()))
    return split_words(data, offsets)


@given(documents)
def test_repeated_items(texts: list[list[str]]) -> None:
    words = split(texts)
    found = repeated_items(words.first, words.cased_keys, words.chars.astype(np.int64))
    assert list(zip(*found, strict=True)) == [naive.repeats(document) for document in texts]


@pytest.mark.parametrize("after_first", [False, True])
@given(texts=documents)
@example(texts=[["a"] * 30, [], ["a", "b"] * 15, list("ab")])
def test_repeated_ngrams(after_first: bool, texts: list[list[str]]) -> None:
    words = split(texts)
    found = repeated_ngrams(words.first, words.cased_keys, words.chars, after_first)
    for row, document in enumerate(texts):
        expected = [naive.top_ngram(document, n, after_first) for n in TOP_SIZES]
        assert found.top[row].tolist() == [chars for chars, _ in expected]
        assert found.top_count[row].tolist() == [count for _, count in expected]
        expected_chars = [naive.duplicate_ngram_chars(document, n, after_first) for n in DUPLICATE_SIZES]
        assert found.duplicate[row].tolist() == expected_chars


def test_many_different_words_and_one_repetition() -> None:
    """100,000 words of 5 characters, then the first 10 of them again."""
    numbers = np.arange(100_000, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    keys = np.concatenate([numbers, numbers[:10]])
    first = np.array([0, len(keys)])
    found = repeated_ngrams(first, keys, np.full(len(keys), 5, np.int32), False)
    assert found.duplicate.tolist() == [[100] * 6]
    assert found.top.tolist() == [[20, 30, 40]]


def test_documents_do_not_mix() -> None:
    first = np.array(list(accumulate([0, 3, 3])))
    keys, chars = np.array([1, 2, 3] * 2, np.uint64), np.ones(6, np.int64)
    assert np.sum(repeated_items(first, keys, chars)) == 0
    assert np.sum(repeated_ngrams(first, keys, chars.astype(np.int32), False).duplicate) == 0
