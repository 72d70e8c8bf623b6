"""Filters on columns: what is allowed, what is missing, and values of the wrong type."""

import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from textmill.filters.columns import Between, OneOf
from textmill.pipeline.errors import RecipeError
from textmill.pipeline.testing import batch_of, judge


def test_one_of_keeps_the_given_values() -> None:
    languages = {"language": ["en", "de", None, "EN", ""]}
    refused = "language_not_allowed"
    kept = OneOf(column="language", values=("en", "de"))
    assert judge(kept, languages) == [None, None, "missing_language", refused, refused]
    assert judge(OneOf(column="language", values=("en", None)), languages) == [None, refused, None, refused, refused]
    assert kept.reads() == {"language"}


@pytest.mark.parametrize(
    ("column", "values"),
    [
        (pa.array([3, 4, None]), (3, 5)),
        (pa.array([3.0, 4.0, None]), (3,)),
        (pa.array([True, False, None]), (True,)),
        (pa.array(["a", "b", None]).dictionary_encode(), ("a",)),
        (pa.array(["x", "a", "b", None], pa.large_string()).slice(1), ("a",)),
    ],
)
def test_one_of_reads_columns_of_any_type(column: pa.Array, values: tuple[str | int | bool, ...]) -> None:
    assert judge(OneOf(column="c", values=values), {"c": column}) == [None, "c_not_allowed", "missing_c"]


def test_norwegian_is_not_false() -> None:
    with pytest.raises(ValidationError, match=r"several types .*quote .*'no'"):
        OneOf(column="language", values=("en", False))
    with pytest.raises(RecipeError, match="column 'language' is string and cannot hold False; quote"):
        judge(OneOf(column="language", values=(False,)), {"language": ["no"]})


def test_between_keeps_its_ends_and_says_which_it_missed() -> None:
    scores = {"score": [0.65, 0.9, 0.64, 0.91, None, math.nan, -math.inf, math.inf]}
    verdict = Between(column="score", min=0.65, max=0.9).judge(batch_of(scores))
    low, high, missing = "score_too_low", "score_too_high", "missing_score"
    assert verdict.reasons == [None, None, low, high, missing, missing, low, high]
    assert verdict.values[2:4].tolist() == [0.64, 0.91]
    assert verdict.thresholds[2:4].tolist() == [0.65, 0.9]
    assert np.isnan(verdict.values[4:6]).all()


def test_between_may_keep_what_has_no_number() -> None:
    scores = {"score": [None, math.nan, 0.1, 0.9]}
    assert judge(Between(column="score", min=0.5, missing="keep"), scores) == [None, None, "score_too_low", None]
    assert judge(Between(column="score", max=0.5), {"score": [None, 0.1]}) == ["missing_score", None]


@given(st.lists(st.none() | st.integers(-(2**63), 2**63 - 1), max_size=5), st.integers(-9, 9), st.integers(0, 9))
def test_between_compares_whole_numbers_too(numbers: list[int | None], low: int, width: int) -> None:
    reasons = judge(Between(column="n", min=low, max=low + width), {"n": pa.array(numbers, pa.int64())})
    assert [reason is None for reason in reasons] == [n is not None and low <= n <= low + width for n in numbers]


def test_a_float32_score_is_judged_by_what_it_is() -> None:
    """0.9 as float32 is 0.89999998: below a minimum of 0.9."""
    assert judge(Between(column="s", min=0.9), {"s": pa.array([0.9, 0.95], pa.float32())}) == ["s_too_low", None]


def test_between_needs_a_range_and_a_number() -> None:
    with pytest.raises(ValidationError, match="give min, max or both"):
        Between(column="score")
    with pytest.raises(ValidationError, match="min 2 is above max 1"):
        Between(column="score", min=2, max=1)
    with pytest.raises(RecipeError, match="column 'date' is string, not a number"):
        judge(Between(column="date", min=2020), {"date": ["2024"]})
