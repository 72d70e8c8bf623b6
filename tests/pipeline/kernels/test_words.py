"""Words are what the definition says, in every script, and wherever their column stands in memory."""

import naive
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import hard_columns

from textmill.pipeline.arrow import text_buffers
from textmill.pipeline.kernels.unicode import ALPHABETIC
from textmill.pipeline.kernels.words import Words, count_words, split_words, word_keys, words_in_spans


def split(column: pa.Array, *, by_spaces_only: bool = False) -> Words:
    data, offsets, _ = text_buffers(column)
    return split_words(data, offsets, by_spaces_only=by_spaces_only)


def expected(texts: list[str | None], *, by_spaces_only: bool = False) -> list[list[str]]:
    return [naive.words(text or "", by_spaces_only) for text in texts]


@pytest.mark.parametrize(
    ("text", "lengths"),
    [
        ("", []),
        (" \u00a0\u2028\u3000\n", []),
        ("one", [3]),
        ("Don't panic, 世界!", [5, 6, 1, 1, 1]),
        ("a\u0085b\x1cc", [1, 1, 1]),
        ("zero\u200bwidth", [10]),
        ("日本語テキスト", [1] * 7),
        ("abc你def", [3, 1, 3]),
        ("ไทย๑", [1, 1, 1, 1]),
        ("e\u0301tude \U0001f600\U0001f600", [6, 2]),
        ("a\x00b", [3]),
    ],
)
def test_lengths_of_words(text: str, lengths: list[int]) -> None:
    assert split(pa.array([text])).chars.tolist() == lengths
    assert [len(word) for word in naive.words(text)] == lengths


@given(hard_columns, st.booleans())
def test_words_are_those_of_the_slow_twin(texts: list[str | None], by_spaces_only: bool) -> None:
    found = split(pa.array(texts, pa.string()), by_spaces_only=by_spaces_only)
    words = expected(texts, by_spaces_only=by_spaces_only)
    flat = [word for document in words for word in document]
    assert np.diff(found.first).tolist() == [len(document) for document in words]
    assert found.chars.tolist() == [len(word) for word in flat]
    assert [bool(c & ALPHABETIC) for c in found.classes] == [naive.has_letter(word) for word in flat]
    assert found.keys.tolist() == [naive.word_key(word) for word in flat]
    assert found.cased_keys.tolist() == [naive.cased_key(word) for word in flat]


@given(hard_columns, st.integers(0, 8), st.sampled_from([pa.string(), pa.large_string(), pa.binary()]))
def test_a_slice_has_the_words_of_its_documents(texts: list[str | None], start: int, kind: pa.DataType) -> None:
    column = pa.array([text and text.encode() for text in texts], pa.binary()).cast(kind)
    whole, part = split(column), split(column.slice(start, 3))
    first = whole.first[min(start, len(texts)) : min(start + 3, len(texts)) + 1]
    assert part.keys.tolist() == whole.keys[first[0] : first[-1]].tolist()
    assert np.diff(part.first).tolist() == np.diff(first).tolist()


@given(st.lists(st.binary(max_size=9), max_size=5))
def test_what_is_not_utf8_is_read_as_python_replaces_it(contents: list[bytes]) -> None:
    repaired = [content.decode("utf-8", "replace") for content in contents]
    damaged, plain = split(pa.array(contents, pa.binary())), split(pa.array(repaired, pa.string()))
    assert all(np.array_equal(a, b) for a, b in zip(damaged, plain, strict=True))


def test_one_huge_word() -> None:
    assert split(pa.array(["x" * 3_000_000])).chars.tolist() == [3_000_000]


def test_keys_never_change_and_case_does_not_matter() -> None:
    the, shouted, world = word_keys(["the", "THE", "世"])
    assert the == shouted == 0x20C3C305EC049EFF
    assert world == naive.word_key("世")


def test_a_key_is_of_one_word() -> None:
    assert word_keys([]).tolist() == []
    with pytest.raises(ValueError, match="'of the' is 2 words"):
        word_keys(["of the"])
    with pytest.raises(ValueError, match="'' is 0 words"):
        word_keys([""])


@given(hard_columns, st.sets(st.sampled_from(["a", "word", "i", "σ", "日", "-", "never"])), st.integers(1, 3))
def test_wanted_words_are_counted(texts: list[str | None], wanted: set[str], step: int) -> None:
    found = split(pa.array(texts, pa.string()))
    some = np.arange(len(texts))[::-step]
    counted = count_words(found.first, found.keys, word_keys(sorted(wanted)), some)
    documents = [expected(texts)[i] for i in some]
    hits = [[w for w in map(naive.simple_lower, document) if w in wanted] for document in documents]
    assert counted.total.tolist() == [len(document) for document in hits]
    assert counted.distinct.tolist() == [len(set(document)) for document in hits]


@given(hard_columns, st.integers(0, 8))
def test_words_of_spans_are_what_python_splits(texts: list[str | None], start: int) -> None:
    data, offsets, _ = text_buffers(pa.array(texts, pa.string()).slice(start))
    found = words_in_spans(data, offsets[:-1], offsets[1:])
    split = [(text or "").split() for text in texts[start:]]
    assert found.words.tolist() == list(map(len, split))
    assert found.longest.tolist() == [max(map(len, words), default=0) for words in split]
