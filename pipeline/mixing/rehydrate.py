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
from textmill.pipeline.mixing.cells import Floats

MAX_FACTOR: Final = 10
MIN_DOCUMENTS: Final = 1000
"""Survivors of a cluster size from which on its removal rate says something."""
WINDOW: Final = 5
"""Cluster sizes over which factors are averaged; the two at either end of the table are left as they are."""


def rehydration_factors(
    kept: Mapping[int, int], removed: Mapping[int, int], *, max_factor: int = MAX_FACTOR, tail: int | None = None
) -> dict[int, int]:
    """Factors by cluster size, each from that size on up to the next.

    kept, removed: how many survivors of clusters of a size the quality filters kept and removed. Let q be the share
    removed, g that of all, q_min the lowest. A size with q ≥ g counts once, another 1 + (max_factor − 1)·(q − g) /
    (q_min − g) times, averaged over neighbours and rounded. Sizes from `tail` on are taken together; by default it is
    the first size with fewer than `MIN_DOCUMENTS` survivors. Raises UsageError without a single document.
    """
    sizes = np.array(sorted(size for size in kept.keys() | removed.keys() if kept.get(size, 0) + removed.get(size, 0)))
    if not len(sizes):
        raise UsageError("rehydration needs the cluster sizes of one document at least; there is none")
    gone = np.array([removed.get(size, 0) for size in sizes.tolist()], np.float64)
    whole = gone + [kept.get(size, 0) for size in sizes.tolist()]
    if tail is None:
        few = sizes[whole < MIN_DOCUMENTS]
        tail = int(few[0]) if len(few) else None
    if tail is not None and (last := int(np.searchsorted(sizes, tail))) < len(sizes):
        sizes = np.append(sizes[:last], tail)
        gone, whole = (np.append(column[:last], column[last:].sum()) for column in (gone, whole))
    rate, overall = gone / whole, gone.sum() / whole.sum()
    lowest = rate.min()
    if lowest >= overall:
        return {1: 1}
    raw = np.where(rate >= overall, 1.0, 1 + (max_factor - 1) * (rate - overall) / (lowest - overall))
    table: dict[int, int] = {}
    for size, factor in zip(sizes.tolist(), np.rint(_smooth(raw)).astype(int).tolist(), strict=True):
        if not table or factor != table[max(table)]:
            table[size] = factor
    return table


def _smooth(values: Floats) -> Floats:
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
