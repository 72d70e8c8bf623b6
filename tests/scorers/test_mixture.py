"""Two normal distributions in numbers, and the valley between them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textmill.scorers.mixture import TwoNormals, fit_two_normals, valley


def draw(low: float, high: float, shares: tuple[int, int], deviations: tuple[float, float] = (1, 1)) -> np.ndarray:
    generator = np.random.default_rng(0)
    parts = (generator.normal(m, d, n) for m, d, n in zip((low, high), deviations, shares, strict=True))
    return generator.permutation(np.concatenate(list(parts)))


@pytest.mark.parametrize(("low", "high", "deviations"), [(0, 6, (1, 1)), (2, 4, (0.2, 0.6)), (-3, 1, (0.9, 0.3))])
@pytest.mark.parametrize("shares", [(2000, 2000), (300, 6000)])
def test_what_was_drawn_is_found_again(
    low: float, high: float, deviations: tuple[float, float], shares: tuple[int, int]
) -> None:
    fitted = fit_two_normals(draw(low, high, shares, deviations))
    assert fitted is not None
    assert fitted.means == pytest.approx([low, high], abs=0.15)
    assert fitted.deviations == pytest.approx(deviations, rel=0.15)
    assert fitted.shares == pytest.approx(np.array(shares) / sum(shares), abs=0.02)


def test_the_order_of_the_numbers_does_not_matter() -> None:
    values = draw(0, 5, (50, 90))
    one, other = fit_two_normals(values), fit_two_normals(values[::-1])
    assert one is not None
    assert other is not None
    assert np.array_equal(np.concatenate(one[:3]), np.concatenate(other[:3]))


deviations = st.floats(0.1, 2)


@given(st.floats(0.1, 20), deviations, deviations, st.floats(0.02, 0.98))
def test_at_the_valley_both_are_equally_likely(gap: float, first: float, second: float, share: float) -> None:
    fitted = TwoNormals(np.array([1.0, 1.0 + gap]), np.array([first, second]), np.array([share, 1 - share]))
    found = valley(fitted)
    grid = np.exp(np.logaddexp(*log_density(fitted, np.linspace(1, 1 + gap, 500))))
    if found is None:  # one of the two is but a shoulder of the other
        apart = np.subtract(*log_density(fitted, np.linspace(1, 1 + gap, 500)))
        crossings = np.flatnonzero(np.diff(np.sign(apart)))
        assert len(crossings) != 1 or grid[crossings[0]] > 0.98 * min(grid[0], grid[-1])
    else:
        assert 1 < found < 1 + gap
        assert np.subtract(*log_density(fitted, np.array([found]))) == pytest.approx(0, abs=1e-6)
        assert grid.min() < min(grid[0], grid[-1])


def log_density(fitted: TwoNormals, at: np.ndarray) -> np.ndarray:
    scaled = (at - fitted.means[:, None]) / fitted.deviations[:, None]
    return np.log(fitted.shares / fitted.deviations)[:, None] - scaled**2 / 2


@pytest.mark.parametrize("seed", range(20))
def test_one_heap_has_no_valley(seed: int) -> None:
    fitted = fit_two_normals(np.random.default_rng(seed).normal(3, 1, 300))
    assert fitted is not None
    assert valley(fitted) is None


@pytest.mark.parametrize("values", [[], [3.0], [3.0, 3.0, 3.0]])
def test_nothing_to_tell_apart(values: list[float]) -> None:
    assert fit_two_normals(np.array(values)) is None


def test_a_component_may_be_one_value_many_times() -> None:
    fitted = fit_two_normals(np.array([1.0] * 50 + [5.0, 5.1, 4.9, 5.2] * 10))
    assert fitted is not None
    found = valley(fitted)
    assert found is not None
    assert 1 < found < 4.9
