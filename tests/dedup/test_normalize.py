"""Normalisation brings texts together that differ in trifles, and no others."""

import sys

import naive
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import hard_columns

from textmill.dedup.normalize import normalize

VARIANTS = ["none", "whitespace", "lowercase", "letters"]


def normalized(text, variant):
    return normalize(pa.array([text]), variant)[0].as_py()


@pytest.mark.parametrize(
    ("variant", "text", "expected"),
    [
        ("none", " Two\n words ", " Two\n words "),
        ("whitespace", " Two\r\n\t words\u00a0here ", "Two words here"),
        ("whitespace", "\n \u3000", ""),
        ("lowercase", "Two\nWORDS", "two words"),
        ("lowercase", "ΟΔΟΣ οδος", "οδοσ οδοσ"),  # both small sigmas are one
        ("lowercase", "İstanbul Straße STRAẞE", "istanbul straße straße"),
        ("letters", "On 7 May 2024, 99.5% said: «Café!»", "on 0 may 0000 00 0 said cafe"),
        ("letters", "cafe\u0301 co\u00adop zero\u200bwidth", "cafe coop zerowidth"),
        ("letters", "٣ एक 한국어 日本語。", "0 एक 한국어 日本語"),
        ("letters", "¡!… 😀", ""),
    ],
)
def test_examples(variant, text, expected):
    assert normalized(text, variant) == expected


@given(hard_columns)
def test_equals_its_slow_twin(texts):
    for variant in VARIANTS:
        expected = [None if text is None else naive.normalize(text, variant) for text in texts]
        assert normalize(pa.array(texts, pa.string()), variant).to_pylist() == expected


@given(hard_columns)
def test_a_slice_is_as_good_as_a_column(texts):
    padded = pa.array(["before", *texts, "after"], pa.string())
    sliced = padded.slice(1, len(texts))
    assert normalize(sliced, "letters").to_pylist() == normalize(pa.array(texts, pa.string()), "letters").to_pylist()


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_code_point_is_treated_as_its_slow_twin_says(variant):
    planes = [*range(0xD800), *range(0xE000, 0x20000), *range(0xE0000, 0xE1000), sys.maxunicode]
    chars = [chr(code) for code in planes]
    column = pa.array([f"x{char}x" for char in chars])
    folded = normalize(column, variant)
    assert folded.to_pylist() == [naive.normalize(f"x{char}x", variant) for char in chars]
    again = normalize(folded, variant)
    assert again.equals(folded)  # what is normal stays as it is


@pytest.mark.parametrize("variant", VARIANTS[1:])
@given(st.binary(max_size=8))
def test_bytes_that_are_no_text_cost_no_other_document(variant, damaged):
    data = b"good" + damaged + b"text"
    offsets = np.array([0, 4, 4 + len(damaged), len(data)], np.int32)
    column = pa.Array.from_buffers(pa.string(), 3, [None, pa.py_buffer(offsets), pa.py_buffer(data)])
    expected = naive.normalize(damaged.decode("utf-8", "replace"), variant)
    assert normalize(column, variant).to_pylist() == ["good", expected, "text"]
