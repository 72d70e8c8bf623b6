"""The draw: floor or ceil of what is asked for, the right sum, the same for every order; repetitions far apart."""

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from textmill.pipeline.mixing.draw import copies, id_hashes, places

RATES = st.lists(st.floats(0, 8), min_size=1, max_size=4)


def hashes(count: int) -> np.ndarray:
    return id_hashes(pa.array([f"document {number}" for number in range(count)], pa.string()))


def drawn(names: np.ndarray, rates: list[float], seed: int) -> np.ndarray:
    """Copies in each of several phases of one rate each, shape (phases, n)."""
    ends = np.cumsum([0, *rates])
    full = [np.full(len(names), end) for end in ends]
    return np.array([copies(names, full[p], np.full(len(names), rate), seed) for p, rate in enumerate(rates)])


@given(RATES, st.integers(0, 9))
def test_each_phase_and_all_together_have_floor_or_ceil_of_what_is_asked_for(rates: list[float], seed: int) -> None:
    times = drawn(hashes(50), rates, seed)
    for p, rate in enumerate(rates):
        assert set(times[p]) <= {int(np.floor(rate)), int(np.ceil(rate))}
    whole = sum(rates)
    near = {round(whole) if abs(whole - round(whole)) < 1e-6 else None, int(np.floor(whole)), int(np.ceil(whole))}
    assert set(times.sum(axis=0)) <= near


@given(st.lists(st.integers(0, 160).map(lambda twentieths: twentieths / 20), min_size=1, max_size=4))
def test_the_sum_is_as_near_to_what_is_asked_for_as_independent_draws(rates: list[float]) -> None:
    n = 4000
    times = drawn(hashes(n), rates, 0)
    for p, rate in enumerate(rates):
        part = rate - np.floor(rate)
        assert abs(times[p].sum() - n * rate) <= 5 * np.sqrt(n * part * (1 - part)) + 1e-6


def test_two_halves_of_a_group_share_no_document() -> None:
    times = drawn(hashes(1000), [0.5, 0.5], 3)
    assert (times.sum(axis=0) == 1).all()
    assert 400 < times[0].sum() < 600


def test_whole_rates_are_met_by_every_document() -> None:
    assert (drawn(hashes(1000), [1.0, 3.0], 1) == [[1], [3]]).all()


def test_a_document_is_drawn_by_its_id_alone() -> None:
    names, order = hashes(300), np.random.default_rng(0).permutation(300)
    assert (drawn(names[order], [0.3, 1.7], 5) == drawn(names, [0.3, 1.7], 5)[:, order]).all()
    assert (drawn(names, [0.5], 5) != drawn(names, [0.5], 6)).any()


@given(st.lists(st.integers(0, 5), max_size=40), st.integers(0, 3))
def test_the_kth_of_c_copies_stands_in_the_kth_of_c_stretches(times: list[int], phase: int) -> None:
    names = hashes(len(times))
    found = places(names, np.array(times, np.int64), 7, phase)
    expected = [(row, number) for row, count in enumerate(times) for number in range(count)]
    assert list(zip(found.rows.tolist(), found.number.tolist(), strict=True)) == expected
    for row, number, key in zip(found.rows.tolist(), found.number.tolist(), found.keys.tolist(), strict=True):
        share = key / 2**64
        assert number / times[row] - 1e-9 <= share <= (number + 1) / times[row] + 1e-9


def test_keys_are_uniform_and_differ_between_phases_and_seeds() -> None:
    names, ones = hashes(20_000), np.ones(20_000, np.int64)
    keys = places(names, ones, 0, 0).keys
    counts = np.bincount((keys >> np.uint64(60)).astype(np.int64), minlength=16)
    assert abs(counts - 1250).max() < 150  # 4 standard deviations of 34
    for other in (places(names, ones, 0, 1).keys, places(names, ones, 1, 0).keys):
        assert abs(np.corrcoef(keys.astype(float), other.astype(float))[0, 1]) < 0.03


def test_ids_that_are_null_are_one_id() -> None:
    assert id_hashes(pa.array([None, ""])).tolist() == [id_hashes(pa.array([""]))[0]] * 2
