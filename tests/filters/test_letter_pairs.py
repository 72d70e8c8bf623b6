"""Pairs of letters: which are counted, which text they tell from which, agreement with a slow twin."""

import random
from itertools import pairwise

import naive
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from strategies import hard_columns

from textmill.filters.letter_pairs import LetterPairs, count_pairs, keys_of_pairs, pair_keys, pair_of
from textmill.pipeline.arrow import text_buffers
from textmill.pipeline.kernels.unicode import ALPHABETIC, UNSPACED, unicode_tables
from textmill.pipeline.testing import batch_of, judge

PAIRS = ("th", "he", "an", "日本", "ีย", "éa")
ENGLISH = "It was the best of times, it was the worst of times, it was the age of wisdom, the age of foolishness. " * 3


def letter(character: str) -> bool:
    return bool(unicode_tables().classes[ord(character)] & (ALPHABETIC | UNSPACED))


def pairs_of(text: str) -> list[str]:
    """Neighbouring letters in lower case, the obvious way."""
    return [naive.simple_lower(a + b) for a, b in pairwise(text) if letter(a) and letter(b)]


@given(hard_columns | st.lists(st.text("tThHeE én日本 ีย,"), max_size=5), st.integers(0, 2), st.integers(1, 2))
def test_pairs_are_those_of_the_slow_twin(texts: list[str | None], start: int, step: int) -> None:
    data, offsets, _ = text_buffers(pa.array(texts, pa.string()).slice(start))
    documents = [pairs_of(text or "") for text in texts[start:]]
    keys = keys_of_pairs(data, offsets, unicode_tables())
    assert [pair_of(int(key)) for key in keys] == [pair for document in documents for pair in document]
    some = np.arange(len(documents))[::step]
    common, total = count_pairs(data, offsets, unicode_tables(), pair_keys(PAIRS), some)
    assert total.tolist() == [len(documents[i]) for i in some]
    assert common.tolist() == [sum(pair in PAIRS for pair in documents[i]) for i in some]


def test_the_share_and_its_edge() -> None:
    step = LetterPairs(per_language=False, pairs=("th", "he"), min_common_pair_ratio=0.5)
    verdict = step.judge(batch_of(["The tea", "The teas", "THE", "12 34", "", None]))
    assert verdict.reasons == [None, "too_few_common_letter_pairs", None, *["too_few_common_letter_pairs"] * 3]
    assert verdict.rules[0].values.tolist() == [0.5, 0.4, 1, 0, 0, 0]


def test_without_pairs_nothing_is_judged() -> None:
    assert judge(LetterPairs(per_language=False), ["xqzvk", ""]) == [None, None]


def test_shuffled_letters_are_no_english() -> None:
    shuffled = "".join(random.Random(7).sample(ENGLISH, len(ENGLISH)))
    rows = {"text": [ENGLISH, shuffled, shuffled], "language": ["en", "en", "xx"]}
    assert judge(LetterPairs(), rows) == [None, "too_few_common_letter_pairs", None]


@pytest.mark.parametrize("pair", ["", "a", "abc", "a1", "a b"])
def test_a_pair_is_two_letters(pair: str) -> None:
    with pytest.raises(ValidationError, match="is not a pair of letters"):
        LetterPairs(pairs=(pair,))
