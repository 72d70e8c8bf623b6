"""Length: both bounds, both units, in every script."""

import naive
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from strategies import hard_columns

from textmill.filters.length import Length
from textmill.pipeline.testing import batch_of, judge


def test_bounds_are_included() -> None:
    texts = ["ab", "abc", "abcd", "ábcde", None]
    expected = ["too_few_chars", None, None, "too_many_chars", "too_few_chars"]
    assert judge(Length(min_chars=3, max_chars=4), texts) == expected
    texts = ["one", "one two", "一二三", "一 b c d"]
    assert judge(Length(min_words=2, max_words=3), texts) == ["too_few_words", None, None, "too_many_words"]


def test_a_drop_says_what_was_judged_and_what_it_was_compared_with() -> None:
    verdict = Length(min_chars=4, max_words=2).judge(batch_of(["abc", "a b c"]))
    assert verdict.values.tolist() == [3, 3]
    assert verdict.thresholds.tolist() == [4, 2]


def test_some_bounds_and_sensible_ones() -> None:
    with pytest.raises(ValidationError, match="give at least one bound"):
        Length()
    with pytest.raises(ValidationError, match="a minimum of 3 is above the maximum of 2"):
        Length(min_words=3, max_words=2)


@given(hard_columns, st.integers(0, 9), st.integers(0, 9), st.integers(0, 3))
def test_characters_and_words_of_any_text(texts: list[str | None], chars: int, words: int, start: int) -> None:
    column = pa.array(texts, pa.string()).slice(start)
    expected = [
        "too_few_chars" if len(text) < chars else "too_many_words" if len(naive.words(text)) > words else None
        for text in (text or "" for text in texts[start:])
    ]
    assert judge(Length(min_chars=chars, max_words=words), {"text": column}) == expected
