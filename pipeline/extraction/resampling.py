"""How sure an average over pages is, when pages of one site are alike: bootstrap over sites."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_TAILS: Final = (2.5, 97.5)


class Interval(NamedTuple):
    """A measured value and its 95 % interval; NaN where nothing was measured."""

    value: float
    low: float
    high: float

    @property
    def sure(self) -> bool:
        """Whether zero lies outside."""
        return self.low > 0 or self.high < 0


class Resamples(NamedTuple):
    """How often each site is drawn; row 0 is the data as they are, each site once.

    site: int64, length pages, the number of each page's site. draws: float64, shape (1 + resamples, sites).
    """

    site: npt.NDArray[np.int64]
    draws: Floats


def resample(sites: Sequence[str], count: int, seed: int) -> Resamples:
    """Draw as many sites as there are, with replacement, `count` times. `sites` names that of each page."""
    names, site = np.unique(np.asarray(sites, dtype=object).astype(str), return_inverse=True)
    drawn = np.random.default_rng(seed).multinomial(len(names), np.full(len(names), 1 / len(names)), size=count)
    return Resamples(site, np.vstack([np.ones(len(names)), drawn]))


def ratios(resamples: Resamples, value: Floats, weight: Floats) -> Floats:
    """Sum of `value` over sum of `weight` in each resample, both of shape (pages,) with 0 where a page is left out.

    Returns shape (1 + resamples,); NaN where a resample has no weight.
    """
    sites = resamples.draws.shape[1]
    above = resamples.draws @ np.bincount(resamples.site, value, sites)
    below = resamples.draws @ np.bincount(resamples.site, weight, sites)
    return np.asarray(np.divide(above, below, out=np.full(len(below), np.nan), where=below > 0))


def interval(statistic: Floats) -> Interval:
    """The value of row 0, and the percentiles of the others; resamples without a value are left out."""
    drawn = statistic[1:][np.isfinite(statistic[1:])]
    low, high = np.percentile(drawn, _TAILS) if len(drawn) else (np.nan, np.nan)
    return Interval(float(statistic[0]), float(low), float(high))
