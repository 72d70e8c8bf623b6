"""Shingles are the runs of n words or characters; equal runs have equal hashes, others do not."""

from itertools import pairwise

import naive
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import hard_columns

from textmill.pipeline.arrow import text_buffers
from textmill.pipeline.kernels.shingles import character_shingles, word_shingles


def hashes_of(shingles, column, size):
    """The hashes of each document's shingles."""
    data, offsets, _ = text_buffers(column)
    found = shingles(data, offsets, size)
    return [found.hashes[a:b].tolist() for a, b in pairwise(found.first)]


@given(hard_columns, st.integers(1, 5), st.integers(0, 8))
def test_word_shingles_are_those_of_the_slow_twin_in_slices_too(texts, size, start):
    column = pa.array(texts, pa.string()).slice(start)
    words = [[naive.word_key(word) for word in naive.words(text or "")] for text in texts[start:]]
    expected = [[naive.shingle_hash(run) for run in naive.shingles(keys, size)] for keys in words]
    assert hashes_of(word_shingles, column, size) == expected


@given(hard_columns, st.integers(1, 30), st.integers(0, 8))
def test_character_shingles_are_those_of_the_slow_twin_in_slices_too(texts, size, start):
    column = pa.array(texts, pa.string()).slice(start)
    codes = [list(map(ord, text or "")) for text in texts[start:]]
    expected = [[naive.shingle_hash(run) for run in naive.shingles(keys, size)] for keys in codes]
    assert hashes_of(character_shingles, column, size) == expected


@pytest.mark.parametrize(("words", "shingles"), [(0, 0), (1, 0), (4, 0), (5, 1), (6, 2), (12, 8)])
def test_a_text_shorter_than_a_shingle_has_none(words, shingles):
    (found,) = hashes_of(word_shingles, pa.array([" ".join("abcdefghijkl"[:words])]), 5)
    assert len(set(found)) == len(found) == shingles


def test_the_order_of_words_matters_and_their_case_does_not():
    one, two, three = hashes_of(word_shingles, pa.array(["to be or", "or be to", "To BE or"]), 3)
    assert one == three != two


def test_hashes_never_change():
    """As tests/naive.py had it when they were defined: an index of an earlier run must stay valid."""
    assert hashes_of(word_shingles, pa.array(["one two"]), 2) == [[14599836492153536786]]
    assert hashes_of(character_shingles, pa.array(["ab"]), 2) == [[12211672132942590775]]
