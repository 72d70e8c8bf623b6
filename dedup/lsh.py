"""How likely two documents are to share a band, and how many bands of how many rows suit a threshold."""

from functools import cache

import numpy as np
import numpy.typing as npt

_NODES = 256
"""Points of the integration: exact to a polynomial's degree 511, that is for all b · r ≤ 511."""


def match_probability(similarity: npt.ArrayLike, bands: int, rows: int) -> npt.NDArray[np.float64]:
    """1 − (1 − sʳ)ᵇ: that documents of Jaccard similarity s agree in at least one of b bands of r values."""
    return 1 - (1 - np.asarray(similarity, np.float64) ** rows) ** bands


def estimated_similarity(shared: npt.NDArray[np.int64], bands: int, rows: int) -> npt.NDArray[np.float64]:
    """The similarity at which the expected share of equal bands, sʳ, is the one found."""
    return np.asarray((shared / bands) ** (1 / rows))


@cache
def optimal_bands(threshold: float, permutations: int) -> tuple[int, int]:
    """Bands and rows, at most `permutations` values in all, that find pairs above a threshold best.

    They minimise ½ ∫₀ᵗ P(s) ds + ½ ∫ₜ¹ (1 − P(s)) ds, the pairs found in vain and those missed;
    of equals the one of fewest bands, then rows, as in datasketch.
    """
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    below, above = threshold * (nodes + 1) / 2, threshold + (1 - threshold) * (nodes + 1) / 2

    def error(bands: int, rows: int) -> float:
        vain = threshold * weights @ match_probability(below, bands, rows)
        missed = (1 - threshold) * weights @ (1 - match_probability(above, bands, rows))
        return float(vain + missed)

    pairs = [(bands, rows) for bands in range(1, permutations + 1) for rows in range(1, permutations // bands + 1)]
    return min(pairs, key=lambda pair: error(*pair))
