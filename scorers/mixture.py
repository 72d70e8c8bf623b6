"""Two normal distributions fitted to numbers, and the valley between them: a threshold that the data suggest."""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_STEPS: Final = 2000
_FLOOR: Final = 1e-6
"""Least variance of a component, in units of the variance of all: it may not shrink onto one value."""


class TwoNormals(NamedTuple):
    """A mixture of two normal distributions; arrays of two, the lower mean first, shares sum to one.

    gain: by how much Schwarz's criterion (BIC) prefers it to one normal distribution.
    """

    means: Floats
    deviations: Floats
    shares: Floats
    gain: float = np.inf

    @property
    def separation(self) -> float:
        """Ashman's D: distance of the means in units of the deviations (Ashman et al. 1994, AJ 108, 2348)."""
        spread = np.sqrt((self.deviations**2).sum() / 2)
        return float((self.means[1] - self.means[0]) / spread)


def fit_two_normals(values: Floats) -> TwoNormals | None:
    """Expectation maximisation from the best split of the sorted values in two; None below two different values."""
    values = np.sort(values)
    if len(values) < 2 or values[0] == values[-1]:
        return None
    low = np.arange(len(values)) < _best_split(values)
    floor = _FLOOR * values.var()
    fitted = _maximize(values, np.stack([low, ~low]).astype(np.float64), floor)
    for _ in range(_STEPS):
        better = _maximize(values, _posteriors(values, fitted), floor)
        done = np.allclose(np.concatenate(better[:3]), np.concatenate(fitted[:3]), rtol=0, atol=1e-10)
        fitted = better
        if done:
            break
    order = np.argsort(fitted.means, kind="stable")
    one = -len(values) / 2 * (np.log(2 * np.pi * values.var()) + 1)
    two = np.logaddexp(*_log_densities(values, fitted)).sum()
    gain = 2 * (two - one) - 3 * np.log(len(values))  # three parameters more
    return TwoNormals(fitted.means[order], fitted.deviations[order], fitted.shares[order], float(gain))


def valley(fitted: TwoNormals) -> float | None:
    """Where between the means either component is equally likely; None where there is no dip between two heaps."""
    if fitted.gain <= 0:
        return None
    precision = 1 / fitted.deviations**2
    square = (precision[1] - precision[0]) / 2
    linear = fitted.means[0] * precision[0] - fitted.means[1] * precision[1]
    heights = fitted.shares / fitted.deviations
    rest = (fitted.means[1] ** 2 * precision[1] - fitted.means[0] ** 2 * precision[0]) / 2 + np.log(
        heights[0] / heights[1]
    )
    roots = np.roots([square, linear, rest])
    between = [root.real for root in roots if fitted.means[0] < root.real < fitted.means[1] and root.imag == 0]
    if len(between) != 1:
        return None
    heights = np.logaddexp(*_log_densities(np.array([fitted.means[0], between[0], fitted.means[1]]), fitted))
    return float(between[0]) if heights[1] < min(heights[0], heights[2]) else None


def _best_split(values: Floats) -> int:
    """How many of the sorted values make the lower part, that the variance within both is least (Otsu)."""
    size = np.arange(1, len(values))
    total, part = values.sum(), np.cumsum(values)[:-1]
    between = (part - size * total / len(values)) ** 2 / (size * (len(values) - size))
    between[values[1:] == values[:-1]] = -1.0
    return int(np.argmax(between)) + 1


def _log_densities(values: Floats, fitted: TwoNormals) -> Floats:
    """The logarithm of each component's density at each value, shares included; shape (2, n)."""
    scaled = (values - fitted.means[:, None]) / fitted.deviations[:, None]
    return np.asarray(np.log(fitted.shares / fitted.deviations / np.sqrt(2 * np.pi))[:, None] - scaled**2 / 2)


def _posteriors(values: Floats, fitted: TwoNormals) -> Floats:
    """How likely each value comes from either component, shape (2, n)."""
    logs = _log_densities(values, fitted)
    return np.asarray(np.exp(logs - np.logaddexp(*logs)))


def _maximize(values: Floats, weights: Floats, floor: float) -> TwoNormals:
    sizes = np.maximum(weights.sum(axis=1), 1e-12)
    means = weights @ values / sizes
    variances = (weights * (values - means[:, None]) ** 2).sum(axis=1) / sizes
    return TwoNormals(means, np.sqrt(np.maximum(variances, floor)), sizes / sizes.sum())
