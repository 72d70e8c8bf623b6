"""Decoding agrees with Python's, also where the bytes are not UTF-8; the tables with `unicodedata`."""

import naive
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from textmill.pipeline.kernels.unicode import (
    ALPHABETIC,
    NUMERIC,
    SPACE,
    UNSPACED,
    UPPERCASE,
    count_in_class,
    decode,
    decode_last,
    unicode_tables,
)

TRICKY = [
    0x00,
    0x41,
    0x7F,
    0x80,
    0x8F,
    0x90,
    0x9F,
    0xA0,
    0xBF,
    0xC0,
    0xC2,
    0xE0,
    0xE2,
    0xED,
    0xEF,
    0xF0,
    0xF4,
    0xF5,
    0xFF,
]
damaged = st.one_of(st.binary(max_size=12), st.lists(st.sampled_from(TRICKY), max_size=12).map(bytes))


@given(damaged | st.text(max_size=8).map(lambda text: text.encode("utf-8", "replace")), st.binary(max_size=3))
def test_bytes_are_decoded_as_python_replaces_them(content: bytes, beyond: bytes) -> None:
    data = np.frombuffer(content + beyond, np.uint8)
    decoded, at = "", 0
    while at < len(content):
        code_point, at = decode(data, at, len(content))
        decoded += chr(code_point)
    assert decoded == content.decode("utf-8", "replace")
    assert at == len(content)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=4))
def test_the_last_code_point_is_the_first_seen_from_behind(text: str) -> None:
    data = np.frombuffer(text.encode(), np.uint8)
    assert decode_last(data, 0, len(data)) == (ord(text[-1]), len(text[:-1].encode()))


@given(damaged.filter(len), st.integers(0, 3))
def test_from_behind_nothing_before_the_beginning_is_read_and_whitespace_is_whitespace(
    content: bytes, begin: int
) -> None:
    begin = min(begin, len(content) - 1)
    data = np.frombuffer(content, np.uint8)
    code_point, start = decode_last(data, begin, len(data))
    assert begin <= start < len(data)
    last = content[begin:].decode("utf-8", "replace")[-1]
    assert chr(code_point).isspace() == last.isspace()


def test_the_tables_know_every_code_point() -> None:
    classes, lower = unicode_tables()
    assert len(classes) == 0x110000
    for code_point in range(0x110000):
        char = chr(code_point)
        kind = classes[code_point]
        assert bool(kind & SPACE) == char.isspace(), hex(code_point)
        assert bool(kind & ALPHABETIC) == char.isalpha(), hex(code_point)
        folded = lower[code_point] if code_point < len(lower) else code_point
        assert chr(folded) == naive.fold_case(char), hex(code_point)


def test_unspaced_scripts_are_told_by_the_names_of_their_characters() -> None:
    classes, _ = unicode_tables()
    han = range(0x4E01, 0x9FF0)  # alike, and many: two of them will do
    for code_point in (*range(0x4E02), *range(0x9FEF, 0xAC01), *range(0xD7A3, 0x20001), *range(0x2A6DE, 0x2A6E1)):
        assert bool(classes[code_point] & UNSPACED) == naive.stands_alone(chr(code_point)), hex(code_point)
    assert np.all(classes[han] & UNSPACED)


@given(st.lists(st.text(max_size=6).map(lambda text: text + "Aǅ½٣ ²") | st.just(""), max_size=4))
def test_code_points_of_a_class_are_counted(texts: list[str]) -> None:
    encoded = [text.encode("utf-8", "replace") for text in texts]
    offsets = np.cumsum([0, *map(len, encoded)])
    data = np.frombuffer(b"".join(encoded), np.uint8)
    for flag, holds in ((UPPERCASE, str.isupper), (NUMERIC, str.isnumeric), (SPACE, str.isspace)):
        found = count_in_class(data, offsets[:-1], offsets[1:], flag)
        assert found.tolist() == [naive.count(content.decode(), holds) for content in encoded]
