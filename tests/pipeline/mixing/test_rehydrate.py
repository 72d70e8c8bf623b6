"""Factors by cluster size: FineWeb2's published ones for Italian, and the laws that hold for any table."""

import bisect
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textmill.pipeline.errors import InputError, UsageError
from textmill.pipeline.mixing.rehydrate import load_factors, rehydration_factors

STARTS = [1, 2, 3, 4, 5, 7, 8, 11, 17, 26, 31, 46, 52, 63, 76, 96, 118, 122, 125, 145]
ITALIAN = dict(zip(STARTS, [1, 3, 4, 5, 6, 7, 8, 9, 10, 9, 8, 7, 6, 5, 4, 3, 2, 3, 2, 1], strict=True))
DOCUMENTS = {
    3: 392_256_722,
    4: 495_807_676,
    5: 555_583_875,
    6: 643_619_367,
    7: 714_016_290,
    8: 776_767_792,
    9: 821_577_558,
    10: 965_462_863,
}

counts = st.dictionaries(st.integers(1, 40), st.integers(0, 10**6), max_size=30)


@pytest.fixture(scope="module")
def italian() -> tuple[dict[int, int], dict[int, int]]:
    path = Path(__file__).parents[2] / "golden" / "rehydration_ita_Latn.json"
    table = json.loads(path.read_text())
    return dict(enumerate(table["kept"], 1)), dict(enumerate(table["removed"], 1))


def test_the_published_factors(italian: tuple[dict[int, int], dict[int, int]]) -> None:
    assert rehydration_factors(*italian, tail=173) == ITALIAN


@pytest.mark.parametrize("most", DOCUMENTS)
def test_the_published_sizes(italian: tuple[dict[int, int], dict[int, int]], most: int) -> None:
    kept, removed = italian
    factors = rehydration_factors(kept, removed, max_factor=most, tail=173)
    sizes = sorted(factors)
    total = sum(count * factors[sizes[bisect.bisect_right(sizes, size) - 1]] for size, count in kept.items())
    assert sum(kept.values()) == 238_984_437
    assert total == DOCUMENTS[most]


def test_a_tail_is_taken_together(italian: tuple[dict[int, int], dict[int, int]]) -> None:
    kept, removed = ({**table, 173: table[173] - 1000, 500: 400, 9000: 600} for table in italian)
    assert rehydration_factors(kept, removed, tail=173) == ITALIAN


@given(counts, counts)
def test_factors_stay_within_bounds(kept: dict[int, int], removed: dict[int, int]) -> None:
    if not sum(kept.values()) + sum(removed.values()):
        with pytest.raises(UsageError, match="there is none"):
            rehydration_factors(kept, removed)
        return
    factors = rehydration_factors(kept, removed, max_factor=7)
    assert all(1 <= factor <= 7 for factor in factors.values())
    assert list(factors) == sorted(factors)


@given(st.dictionaries(st.integers(1, 40), st.integers(1, 10**6), min_size=1))
def test_equal_rates_mean_no_repetition(kept: dict[int, int]) -> None:
    assert rehydration_factors(kept, {size: 3 * count for size, count in kept.items()}) == {1: 1}


def test_a_size_that_filters_like_better_counts_more_before_smoothing() -> None:
    kept, removed = {1: 5000, 2: 8000, 3: 9000}, {1: 5000, 2: 2000, 3: 1000}  # three sizes are not smoothed
    assert rehydration_factors(kept, removed, max_factor=10) == {1: 1, 2: 5, 3: 10}  # q: 0.5, 0.2, 0.1; g: 8 / 30


def test_a_file_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "factors.json"
    path.write_text('{"factors": {"1": 1, "2": 3.5}}')
    assert load_factors(str(path)) == {1: 1.0, 2: 3.5}
    (tmp_path / "other.json").write_text("[]")
    with pytest.raises(InputError, match="fit-rehydration"):
        load_factors(str(tmp_path / "other.json"))
