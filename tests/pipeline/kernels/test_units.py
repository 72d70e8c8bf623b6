"""Units of a text: together they are the text, and each is what the slow twin says."""

from itertools import pairwise

import naive
import naive_passages
import numpy as np
import pyarrow as pa
import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st
from strategies import hard_columns, hard_texts

from textmill.pipeline.arrow import text_buffers
from textmill.pipeline.kernels.hashing import hash_texts
from textmill.pipeline.kernels.unicode import unicode_tables
from textmill.pipeline.kernels.units import (
    count_trailing_spaces,
    split_lines_whole,
    split_sentences,
    split_words_whole,
)

SPLITS = {
    "lines": (split_lines_whole, naive_passages.whole_lines),
    "paragraphs": (
        lambda data, offsets: split_lines_whole(data, offsets, newlines=2),
        lambda text: naive_passages.whole_lines(text, 2),
    ),
    "sentences": (split_sentences, naive_passages.whole_sentences),
    "words": (split_words_whole, naive_passages.whole_words),
}
spoken = st.lists(
    st.sampled_from(["Hi", "a", " ", "  ", ".", "!", "。", "」", '"', ")", "…", "\n", "\r\n", "日", "3.5"]), max_size=12
).map("".join)
columns = hard_columns | st.lists(st.none() | spoken, max_size=6)


def units_of(split, texts, start=0):
    data, offsets, _ = text_buffers(pa.array(texts, pa.string()).slice(start))
    units = split(data, offsets)
    found = [data[a:b].tobytes().decode() for a, b in pairwise(units.offsets)]
    return [found[a:b] for a, b in pairwise(units.first)]


@pytest.mark.parametrize("kind", SPLITS)
@given(texts=columns, start=st.integers(0, 3))
def test_units_are_those_of_the_slow_twin_and_the_whole_text(kind, texts, start):
    split, twin = SPLITS[kind]
    found = units_of(split, texts, start)
    assert found == [twin(text or "") for text in texts[start:]]
    assert ["".join(units) for units in found] == [text or "" for text in texts[start:]]


@pytest.mark.parametrize(
    ("kind", "text", "units"),
    [
        ("lines", "\n a\r\n\n  b\nc\n", ["\n a\r\n\n", "  b\n", "c\n"]),
        ("paragraphs", "a\nb\n \n c\n\n", ["a\nb\n \n", " c\n\n"]),
        (
            "sentences",
            'He said "No." Then 3.5 left!\nA line\nmore',
            ['He said "No." ', "Then 3.5 left!\n", "A line\n", "more"],
        ),
        ("sentences", "好。很好！", ["好。", "很好！"]),
        ("words", " Don't panic, 世界! ", [" Don't ", "panic, ", "世", "界", "! "]),
        ("lines", " \n ", [" \n "]),
    ],
)
def test_examples(kind, text, units):
    assert units_of(SPLITS[kind][0], [text]) == [units]


@given(columns)
def test_sentences_are_as_many_as_the_filters_count(texts):
    for text, units in zip(texts, units_of(split_sentences, texts), strict=True):
        count = sum(len(naive.sentences(line)) for line in naive.lines(text or ""))
        assert len(units) == max(count, 1 if text else 0)


@given(st.lists(st.binary(max_size=80), max_size=8))
def test_hashes_of_texts_are_the_published_ones(texts):
    data, offsets, _ = text_buffers(pa.array(texts, pa.binary()))
    assert hash_texts(data, offsets).tolist() == [xxhash.xxh64_intdigest(text) for text in texts]


@given(st.lists(hard_texts, max_size=6))
def test_trailing_spaces(texts):
    data, offsets, _ = text_buffers(pa.array(texts, pa.string()))
    counts = count_trailing_spaces(data, offsets, unicode_tables())
    assert counts.tolist() == [len(text) - len(text.rstrip()) for text in texts]
    assert counts.dtype == np.int32
