"""Text as kenlm models want it: examples, agreement with the slow twin, every code point."""

from itertools import chain, pairwise

import naive_perplexity
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import hard_columns

from textmill.scorers.kenlm_text import Normalization, Unit, read_sentences

FORMS: list[Normalization] = ["cc_net", "words", "none"]


def sentences(texts: list[str | None], normalize: Normalization, unit: Unit = "document") -> list[list[str]]:
    found = read_sentences(pa.array(texts, pa.string()), normalize, unit)
    assert found.words.tolist() == [len(text.split()) for text in found.texts]  # bytes split where kenlm does
    return [[text.decode() for text in found.texts[a:b]] for a, b in pairwise(found.first.tolist())]


@pytest.mark.parametrize(
    ("text", "cc_net", "words"),
    [
        ("  Café №7, on 12 May…\n", "cafe №0, on 00 may...", "cafe № 0 , on 00 may ..."),
        ("one\ntwo\r\n three", "onetwo three", "one two three"),
        ("“Ja” — nein", '"ja"  -  nein', '" ja " - nein'),
        ("日本語は2つ", "日本語は0つ", "日 本 語 は 0 つ"),
        ("ΟΔΟΣ ΣΑΣ", "οδος σας", "οδος σας"),
        ("İX\x00\u0085Y", "ixy", "ix y"),
        ("한국", "\u1112\u1161\u11ab\u1100\u116e\u11a8", "\u1112\u1161\u11ab\u1100\u116e\u11a8"),
    ],
)
def test_by_hand(text: str, cc_net: str, words: str) -> None:
    assert sentences([text], "cc_net") == [[cc_net]]
    assert sentences([text], "words") == [[words]]


def test_none_leaves_tokens_as_they_are() -> None:
    assert sentences(["▁Ab ▁c\u00a0d\n\te\0f "], "none") == [["▁Ab ▁c\u00a0d e f"]]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("unit", ["document", "line"])
def test_what_has_no_word_is_no_sentence(form: Normalization, unit: Unit) -> None:
    assert sentences([None, "", " \n\t ", "\0", "x"], form, unit) == [[], [], [], [], ["x"]]


def test_lines() -> None:
    assert sentences(["A b\n\n c\x07\n \n", "d"], "cc_net", "line") == [["a b", "c"], ["d"]]


def test_what_is_not_utf8_becomes_a_replacement_character() -> None:
    raw = pa.array([b"a\xffb \xed\xa0\x80", b"\xe2\x82"], pa.binary())
    column = pa.Array.from_buffers(pa.string(), 2, raw.buffers())
    bad = [text.decode("utf-8", "replace") for text in (b"a\xffb \xed\xa0\x80", b"\xe2\x82")]
    for form in FORMS:
        found = read_sentences(column, form)
        assert [text.decode() for text in found.texts] == list(chain.from_iterable(sentences(bad, form)))


@given(hard_columns, st.sampled_from(FORMS), st.sampled_from(["document", "line"]), st.integers(0, 3))
def test_sentences_are_those_of_the_slow_twin(
    texts: list[str | None], form: Normalization, unit: Unit, start: int
) -> None:
    expected = [naive_perplexity.sentences(text or "", form, unit) for text in texts[start:]]
    assert sentences(texts[start:], form, unit) == expected
    found = read_sentences(pa.array(texts, pa.large_string()).slice(start), form, unit)
    assert [text.decode() for text in found.texts] == list(chain.from_iterable(expected))


@given(
    st.lists(st.sampled_from(["Σ", "σ", "Α", "a", "'", ".", " ", "\n", "\u0301", "\u00ad", "א", "\u1b44"]), max_size=9)
)
def test_a_capital_sigma_is_written_as_its_place_in_the_word_asks(pieces: list[str]) -> None:
    text = "".join(pieces)
    assert sentences([text], "cc_net") == [naive_perplexity.sentences(text, "cc_net", "document")]


@pytest.mark.parametrize("form", FORMS)
def test_every_code_point(form: Normalization) -> None:
    blocks = (range(0xD800), range(0xE000, 0x20000), range(0x20000, 0x110000, 257), range(0xE0000, 0xE0200))
    texts = [f"a{chr(code)}b {chr(code)}" for block in blocks for code in block]
    if form != "cc_net":
        texts = texts[::7]  # the twin is slow
    assert sentences(texts, form) == [naive_perplexity.sentences(text, form, "document") for text in texts]  # type: ignore[comparison-overlap]
