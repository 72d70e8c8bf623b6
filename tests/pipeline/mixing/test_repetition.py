"""Golden values of the law of repeated data, from its authors' code."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textmill.pipeline.mixing.repetition import best_allocation, effective_tokens, predicted_loss


def test_what_epochs_are_worth() -> None:
    worth = effective_tokens(1.0, np.array([1, 2, 4, 8, 16, 40, 100]))
    assert worth.round(4).tolist() == [1.0, 1.9682, 3.7257, 6.6241, 10.5825, 15.1675, 16.363]
    assert effective_tokens(10.0, 1e9) == pytest.approx(10 * 16.387756)


def test_predicted_losses() -> None:
    assert predicted_loss(6.34e9, 242e9, 25e9) == pytest.approx(2.2256440889984477, rel=1e-14)
    assert predicted_loss(8.67e9, 178e9, 25e9) == pytest.approx(2.2269634075087867, rel=1e-14)


def test_best_allocation() -> None:
    parameters, tokens = best_allocation(1e22, 25e9)
    assert parameters == pytest.approx(7.022e9, rel=1e-3)
    assert tokens == pytest.approx(237.34e9, rel=1e-3)
    assert tokens / 25e9 == pytest.approx(9.49, abs=0.01)
    assert predicted_loss(parameters, tokens, 25e9) <= predicted_loss(7.022e9, 1e22 / 6 / 7.022e9, 25e9)


@given(st.floats(1, 1e12), st.floats(0, 50), st.floats(0, 50))
def test_more_passes_are_worth_more_but_never_more_than_new_tokens(unique: float, some: float, more: float) -> None:
    first, second = sorted([some, some + more])
    assert effective_tokens(unique, first) <= effective_tokens(unique, second)
    assert effective_tokens(unique, second) <= unique * second * (1 + 1e-12)
    if second <= 1:
        assert effective_tokens(unique, second) == pytest.approx(unique * second)
