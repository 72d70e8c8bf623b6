"""How much of the best data to keep for a budget: less data of more use soon repeats itself, and wears out.

Source: Goyal et al., Scaling Laws for Data Filtering (arXiv 2404.07177), and its code (objective.py). Its numbers are
those of image and text pairs: utilities must be fitted to models of one's own.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from textmill.pipeline.errors import UsageError
from textmill.pipeline.mixing.repetition import WARN_EPOCHS

UNIT: Final = 1e5
"""The law counts in so many samples."""


class Pools(NamedTuple):
    """Parameters of the law: scale a, utilities b of the pools (below 0), half-life τ in passes, offset d."""

    scale: float
    utilities: tuple[float, ...]
    half_life: float
    offset: float


class KeepShare(NamedTuple):
    """What keeping the best `buckets` of all leads to: share of the data, passes over it, predicted error."""

    buckets: int
    share: float
    epochs: float
    error: float


def predicted_error(pools: Pools, pool_size: float, budget: float) -> float:
    """The error after `budget` samples of pools of `pool_size` samples each, passed over together.

    In the first pass it falls as the mean utility says; in pass k the exponent of each pool has been halved every
    half_life · M repetitions, for M pools share the budget.
    """
    utilities = np.array(pools.utilities)
    whole = pool_size * len(utilities)
    error = (pools.scale * min(budget, whole) / UNIT) ** float(utilities.mean()) + pools.offset
    passes = int(np.ceil(budget / whole - 1e-12))
    k = np.arange(1, max(passes, 1))
    ends = np.minimum((k + 1) * whole, budget)
    decay = 0.5 ** (k / (pools.half_life * len(utilities)))
    return float(error * np.prod((ends / (k * whole)) ** (utilities.mean() * decay)))


def recommend_keep_share(pools: Pools, pool_size: float, budget: float) -> list[KeepShare]:
    """What each choice of the best buckets leads to, the one of least error first.

    The utilities of `pools` are those of buckets of equal size, the best first. Raises UsageError unless they are
    below 0 and ordered, and for a budget so small that the law, a power of scale · samples / `UNIT`, turns round.
    """
    utilities = pools.utilities
    if not utilities or max(utilities) >= 0 or list(utilities) != sorted(utilities):
        raise UsageError(f"utilities must be below 0, the best (lowest) first, not {', '.join(map(str, utilities))}")
    if pools.scale * min(budget, pool_size) <= UNIT:
        least = UNIT / pools.scale
        raise UsageError(f"the law of filtering says nothing below {least:,.0f} samples or tokens of one bucket")
    found = []
    for count in range(1, len(utilities) + 1):
        error = predicted_error(pools._replace(utilities=utilities[:count]), pool_size, budget)
        found.append(KeepShare(count, count / len(utilities), budget / (pool_size * count), error))
    return sorted(found, key=lambda choice: (choice.error, -choice.buckets))


def keep_share_lines(choices: Sequence[KeepShare]) -> list[str]:
    """The choices for a person, and a warning where the best means more than four epochs."""
    best = choices[0]
    lines = [
        f"keep {choice.share:.0%}: {choice.epochs:.3g} epochs, predicted error {choice.error:.4f}"
        f"{'  <- least' if choice is best else ''}"
        for choice in sorted(choices)
    ]
    if best.epochs > WARN_EPOCHS:
        lines.append(
            f"the best choice uses the data {best.epochs:.3g} times, more than {WARN_EPOCHS}: more data would help"
        )
    return lines
