"""The rules by which thresholds follow from measurements: their laws, and the guards on what they give."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textmill.pipeline.errors import UsageError
from textmill.pipeline.languages.parameters import Threshold, thresholds
from textmill.pipeline.languages.rules import english, mean_std, median_ratio, quantile, ten_tail
from textmill.pipeline.languages.thresholds import guarded

NOTHING = np.empty(0)
numbers = st.lists(st.floats(0, 100), min_size=1, max_size=60).map(np.array)
directions = st.sampled_from(["min", "max"])
BY_NAME = {threshold.name: threshold for threshold in thresholds()}


@given(numbers, st.floats(0, 1), st.floats(0, 1), directions)
def test_a_larger_tail_is_never_milder(values: np.ndarray, a: float, b: float, direction: str) -> None:
    small, large = (quantile(tail)(values, NOTHING, 0.0, direction) for tail in sorted((a, b)))
    assert small <= large if direction == "min" else small >= large


@given(numbers, st.floats(0, 0.5), directions)
def test_a_tail_removes_no_more_than_it_says(values: np.ndarray, tail: float, direction: str) -> None:
    limit = quantile(tail)(values, NOTHING, 0.0, direction)
    removed = values < limit if direction == "min" else values > limit
    assert removed.sum() <= tail * len(values) + 1e-9


def test_ten_tail_removes_a_tenth() -> None:
    values = np.arange(101.0)
    assert ten_tail()(values, NOTHING, 0.0, "max") == 90
    assert ten_tail()(values, NOTHING, 0.0, "min") == 10


@given(numbers, st.floats(0, 3), directions)
def test_more_deviations_are_milder(values: np.ndarray, deviations: float, direction: str) -> None:
    one, more = (mean_std(d)(values, NOTHING, 0.0, direction) for d in (deviations, deviations + 1))
    assert more <= one if direction == "min" else more >= one


def test_mean_and_deviation_by_hand() -> None:
    values = np.array([2.0, 4, 4, 4, 5, 5, 7, 9])  # mean 5, deviation 2
    assert mean_std(1)(values, NOTHING, 0.0, "max") == 7
    assert mean_std(3)(values, NOTHING, 0.0, "min") == -1


@given(numbers, st.floats(0, 10), directions)
def test_english_statistics_give_the_english_threshold(values: np.ndarray, published: float, direction: str) -> None:
    assert median_ratio()(values, values, published, direction) == published
    assert english()(values, NOTHING, published, direction) == published


@pytest.mark.parametrize("name", BY_NAME)
def test_english_statistics_give_every_published_threshold(name: str) -> None:
    threshold, values = BY_NAME[name], np.array([0.1, 0.2, 0.3])
    found = median_ratio()(values, values, threshold.english_value, threshold.direction)
    assert guarded(threshold, found, {}) == threshold.english_value


def test_median_ratio_scales_and_says_what_it_lacks() -> None:
    ours, theirs = np.array([1.0, 2, 3]), np.array([4.0])
    assert median_ratio()(ours, theirs, 10.0, "max") == 5
    with pytest.raises(UsageError, match="--english"):
        median_ratio()(ours, NOTHING, 10.0, "max")
    with pytest.raises(ZeroDivisionError):
        median_ratio()(ours, np.zeros(3), 10.0, "max")


@given(st.sampled_from(sorted(BY_NAME)), st.floats(-10, 10_000))
def test_whatever_is_derived_is_made_fit_for_use(name: str, value: float) -> None:
    threshold: Threshold = BY_NAME[name]
    notes: dict[str, list[str]] = NoteBook()
    found = guarded(threshold, value, notes)
    if found is None:
        assert any(name in names for names in notes.values())  # no rule is off without a note
        return
    assert found > 0
    assert not threshold.share or found <= 1
    if found != pytest.approx(value, abs=0.001):
        assert any(name in names for names in notes.values())
    elif threshold.direction == "max":
        assert found >= value - 1e-8  # rounded to the mild side
    else:
        assert found <= value + 1e-8


class NoteBook(dict[str, list[str]]):
    def __missing__(self, key: str) -> list[str]:
        self[key] = []
        return self[key]
