"""Which clusters of duplicates to repeat, and how often: those that quality filters like best (FineWeb2).

Source: Penedo et al., FineWeb2 (arXiv 2506.20920), and the rehydration notes of its repository.
"""

import json
from collections.abc import Mapping
from functools import cache
from typing import Final

import numpy as np

from textmill.pipeline.errors import InputError, UsageError
from textmill.pipeline.io.files import filesystem

MAX_FACTOR: Final = 10
WINDOW: Final = 5
"""Cluster sizes over which factors are averaged; the two at either end of the table are left as they are."""


def rehydration_factors(
    kept: Mapping[int, int], removed: Mapping[int, int], *, max_factor: float = MAX_FACTOR, tail: int | None = None
) -> dict[int, int]:
    """Factors by cluster size, each from that size on; those of neighbours differ.

    kept, removed: how many survivors of clusters of a size the quality filters kept and removed. Let q be the share
    removed, g the global one, q_min the lowest. A size with q ≥ g counts once, others
    1 + (max_factor − 1)·(q − g)/(q_min − g), smoothed over the sorted sizes and rounded. From the size `tail` on,
    where too few clusters are left to tell, all count once. Raises UsageError without a single cluster.
    """
    sizes = np.array(sorted(size for size in kept.keys() | removed.keys() if kept.get(size, 0) + removed.get(size, 0)))
    if not len(sizes):
        raise UsageError("rehydration needs the cluster sizes of one document at least; there is none")
    gone = np.array([removed.get(size, 0) for size in sizes.tolist()], np.float64)
    whole = gone + [kept.get(size, 0) for size in sizes.tolist()]
    overall = gone.sum() / whole.sum()
    usable = sizes < (np.inf if tail is None else tail)
    rate = gone / whole
    lowest = rate[usable].min() if usable.any() else overall
    if lowest >= overall:
        return {1: 1}
    raw = np.where(rate >= overall, 1.0, 1 + (max_factor - 1) * (rate - overall) / (lowest - overall))[usable]
    factors = np.rint(_smooth(raw)).astype(int).tolist()
    table = {1: 1}
    for size, factor in [*zip(sizes[usable].tolist(), factors, strict=True), *([(tail, 1)] if tail else [])]:
        if factor != table[max(table)] or size == 1:
            table[size] = factor
    return table


def _smooth(values: np.ndarray) -> np.ndarray:
    """A moving average; the ends, where the window is not whole, stay."""
    half = WINDOW // 2
    if len(values) < WINDOW:
        return values
    mean = np.convolve(values, np.ones(WINDOW) / WINDOW, mode="valid")
    return np.concatenate([values[:half], mean, values[-half:]])


@cache
def load_factors(path: str) -> dict[int, float]:
    """Factors by cluster size from the file that `textmill fit-rehydration` wrote. Raises InputError."""
    try:
        fs, name = filesystem(path)
        content = json.loads(fs.cat_file(name))
        return {int(size): float(factor) for size, factor in content["factors"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: not factors by cluster size as textmill fit-rehydration writes: {error}") from error
