"""The probability that bands find a pair, and the best bands for a threshold, as published."""

import numpy as np
import pytest
from datasketch.lsh import _optimal_param

from textmill.dedup.lsh import estimated_similarity, match_probability, optimal_bands


@pytest.mark.parametrize(
    ("bands", "rows", "probabilities"),
    [
        (14, 8, [0.0533, 0.2111, 0.5645, 0.7716, 0.9235, 0.9884, 0.9996]),  # FineWeb
        (450, 20, [0.0004, 0.0163, 0.3018, 0.7605, 0.9946, 1, 1]),  # RefinedWeb: "76 %, 99.4 %"
        (93, 15, [0.0028, 0.0428, 0.3576, 0.7138, 0.9642, 0.9998, 1]),  # DCLM
        (25, 10, [0.0241, 0.1407, 0.5115, 0.7652, 0.9416, 0.9958, 1]),  # The Stack
        (9, 13, [0.0011, 0.0117, 0.0839, 0.1946, 0.3988, 0.6864, 0.9286]),  # SlimPajama
    ],
)
def test_match_probabilities_of_published_settings(bands, rows, probabilities):
    found = match_probability([0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9], bands, rows)
    assert found == pytest.approx(probabilities, abs=5e-5)


def test_optimal_bands_of_published_settings():
    assert optimal_bands(0.8, 128) == (9, 13)  # SlimPajama
    assert optimal_bands(0.7, 250) == (25, 10)  # The Stack
    assert [optimal_bands(t, 512) for t in (0.5, 0.75, 0.9)] == [(73, 7), (36, 14), (16, 32)]


@pytest.mark.parametrize("permutations", [1, 16, 64])
@pytest.mark.parametrize("threshold", [0.05, 0.333, 0.5, 0.8, 0.95])
def test_optimal_bands_are_those_of_datasketch(threshold, permutations):
    assert optimal_bands(threshold, permutations) == _optimal_param(threshold, permutations, 0.5, 0.5)


def test_the_estimate_undoes_the_expected_share_of_equal_bands():
    assert estimated_similarity(np.array([0, 7, 14]), 14, 8) == pytest.approx([0, 0.5**0.125, 1])
