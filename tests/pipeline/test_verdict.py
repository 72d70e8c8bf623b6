"""A verdict: the first reason wins, nulls are not kept, and what was judged is remembered."""

import math

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textmill import Verdict, batch_of

ROWS = 6
masks = st.lists(st.sampled_from([True, False, None]), min_size=ROWS, max_size=ROWS)


def of(rows: int) -> Verdict:
    return Verdict.of(batch_of(["x"] * rows))


def same(found: np.ndarray, expected: list[float | None]) -> bool:
    return [None if math.isnan(value) else value for value in found] == expected


def test_of_two_reasons_the_first_wins() -> None:
    verdict = of(3).drop("short", [True, True, False]).drop("long", [False, True, True])
    assert verdict.reasons == ["short", "short", "long"]
    assert verdict.counts() == {"short": 2, "long": 1}
    assert verdict.kept.tolist() == [False, False, False]


@given(st.lists(st.tuples(st.sampled_from("abc"), masks), max_size=5))
def test_any_chain_of_drops_gives_what_row_by_row_reading_gives(drops: list[tuple[str, list[bool | None]]]) -> None:
    verdict = of(ROWS)
    expected: list[str | None] = [None] * ROWS
    for reason, mask in drops:
        verdict = verdict.drop(reason, mask)
        for row, holds in enumerate(mask):
            if expected[row] is None and holds is not False:
                expected[row] = "not_judged" if holds is None else reason
    assert verdict.reasons == expected
    assert verdict.kept.tolist() == [reason is None for reason in expected]
    assert sum(verdict.counts().values()) == ROWS - sum(verdict.kept)


def test_a_null_condition_drops_the_row_as_not_judged_unless_it_has_left_already() -> None:
    words = pa.array([10, None, None])
    verdict = of(3).drop("bad", [False, False, True]).drop("few", pc.less(words, 5), value=words, threshold=5)
    assert verdict.reasons == [None, "not_judged", "bad"]
    assert same(verdict.thresholds, [None, 5, None])
    assert same(verdict.values, [None, None, None])


def test_values_and_thresholds_are_one_a_row_or_one_for_all_and_belong_to_the_reason_that_won() -> None:
    verdict = of(3).drop("few", [True, False, False], value=[1, 2, 3], threshold=5)
    verdict = verdict.drop("many", [True, True, False], value=7, threshold=np.array([8, 9, 10]))
    assert same(verdict.values, [1, 7, None])
    assert same(verdict.thresholds, [5, 9, None])


@pytest.mark.parametrize(
    "where",
    [
        [True, False],
        np.array([True, False]),
        pa.array([True, False]),
        pa.chunked_array([[True], [False]]),
        pa.array([None, True, False, None]).slice(1, 2),
    ],
)
def test_a_condition_may_come_as_list_numpy_or_arrow(where: object) -> None:
    assert of(2).drop("yes", where).reasons == ["yes", None]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "value", [[1.5, None], np.array([1.5, 2.5]), pa.array([1.5, None]), pa.chunked_array([[1.5], [2]])]
)
def test_values_may_come_as_list_numpy_or_arrow(value: object) -> None:
    assert same(of(2).drop("yes", [True, False], value=value).values, [1.5, None])  # type: ignore[arg-type]


@pytest.mark.parametrize("where", [[True], [True] * 3, np.array([], bool), pa.array([True] * 4)])
def test_a_condition_of_another_length_than_the_batch_is_refused(where: object) -> None:
    with pytest.raises(ValueError, match=r"reason 'odd': \d entries for 2 rows"):
        of(2).drop("odd", where)  # type: ignore[arg-type]


@pytest.mark.parametrize("reasons", [[None], [None, None, None], ["x", "y", "z"]])
def test_reasons_of_another_length_than_the_batch_are_refused(reasons: list[str | None]) -> None:
    with pytest.raises(ValueError, match=r"[13] .*2 rows"):
        of(2).drop_each(reasons)


def test_drop_each_drops_every_row_for_its_own_reason() -> None:
    verdict = of(4).drop("first", [True, False, False, False]).drop_each(["b", "a", None, "b"], value=[1, 2, 3, 4])
    assert verdict.reasons == ["first", "a", None, "b"]
    assert same(verdict.values, [None, 2, None, 4])


def test_an_empty_batch_has_an_empty_verdict() -> None:
    verdict = of(0).drop("any", []).drop_each([])
    assert (verdict.reasons, verdict.counts(), verdict.kept.tolist()) == ([], {}, [])


def test_a_verdict_is_not_changed_by_what_is_chained_to_it() -> None:
    before = of(2).drop("a", [True, False])
    before.drop("b", [True, True], value=1)
    assert before.reasons == ["a", None]
