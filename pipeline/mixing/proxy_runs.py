"""A table of proxy runs: the mixture that each small model was trained on, and the losses that it reached."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet as pq

from textmill.pipeline.errors import InputError, UsageError
from textmill.pipeline.io.files import open_binary
from textmill.pipeline.mixing.cells import Floats

FOLDS: Final = 5
"""Parts of the runs, each held out once while the others are fitted."""
CONTRADICTION: Final = 0.5
"""Runs of one mixture contradict each other when their losses differ by more than this share of all variation."""


@dataclass(frozen=True, eq=False)
class ProxyRuns:
    """Runs: shares, shape (runs, groups), each row 1 in all; losses, shape (runs, targets)."""

    groups: tuple[str, ...]
    targets: tuple[str, ...]
    shares: Floats
    losses: Floats

    def rows(self, chosen: np.ndarray) -> "ProxyRuns":
        """Some of the runs."""
        return ProxyRuns(self.groups, self.targets, self.shares[chosen], self.losses[chosen])


def read_runs(path: str) -> ProxyRuns:
    """Read CSV, JSON lines or Parquet with columns `mixture.GROUP` and `loss.TARGET` (or nested: `mixture`, `loss`).

    Shares may be of any scale. Raises InputError for anything else in place of a number.
    """
    try:
        with open_binary(path) as stream:
            table = _read(path, stream).flatten()
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path}: not a table of runs: {error}") from error
    groups = sorted(name for name in table.column_names if name.startswith("mixture."))
    targets = sorted(name for name in table.column_names if name.startswith("loss."))
    if len(groups) < 2 or not targets:
        raise InputError(f"{path}: needs two columns mixture.GROUP and one loss.TARGET at least: {table.column_names}")
    shares, losses = _numbers(table, groups, path), _numbers(table, targets, path)
    if (shares < 0).any() or not (shares.sum(axis=1) > 0).all():
        raise InputError(f"{path}: shares of a mixture must be 0 or more, and not all 0")
    names = [tuple(name.partition(".")[2] for name in columns) for columns in (groups, targets)]
    return ProxyRuns(names[0], names[1], shares / shares.sum(axis=1, keepdims=True), losses)


def combine(runs: ProxyRuns, weights: Mapping[str, float]) -> Floats:
    """What a fit is to make small: weights of targets, in their order, 1 in all; none given: all alike."""
    if strange := sorted(weights.keys() - set(runs.targets)):
        raise UsageError(f"no loss of {', '.join(strange)} among the targets {', '.join(runs.targets)}")
    found = np.array([weights.get(target, 0.0) if weights else 1.0 for target in runs.targets])
    if (found < 0).any() or not found.sum() > 0:
        raise UsageError("weights of targets must be 0 or more, and not all 0")
    return np.asarray(found / found.sum())


def check_consistent(runs: ProxyRuns, weights: Floats) -> None:
    """Raise UsageError when runs of one mixture differ in loss as much as those of different ones."""
    total = runs.losses @ weights
    spread = float(total.max() - total.min()) if len(total) else 0.0
    if not spread > 0:
        raise UsageError(f"{len(total)} runs have the same loss: nothing tells their mixtures apart")
    keys = [tuple(row) for row in runs.shares.round(6).tolist()]
    for key in sorted({key for key in keys if keys.count(key) > 1}):
        alike = total[[other == key for other in keys]]
        if np.ptp(alike) > CONTRADICTION * spread:
            named = ", ".join(f"{name} {share:g}" for name, share in zip(runs.groups, key, strict=True))
            raise UsageError(
                f"runs contradict each other: {len(alike)} runs of {named} have losses from {alike.min():.4g} to "
                f"{alike.max():.4g}, where all runs lie within {spread:.4g}"
            )


def spearman(a: Floats, b: Floats) -> float:
    """Rank correlation; equal values share their mean rank. 0 when either is constant."""
    x, y = _ranks(a), _ranks(b)
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return 0.0
    return float(np.corrcoef(x, y)[0, 1])


def folds(count: int, seed: int) -> list[np.ndarray]:
    """Numbers of the runs to hold out together."""
    order = np.random.default_rng(seed).permutation(count)
    return [np.sort(order[part::FOLDS]) for part in range(min(FOLDS, count))]


def refuse_below(correlation: float, least: float, runs: int) -> None:
    """Raise UsageError when held-out runs are not ranked well enough to choose a mixture by."""
    if not correlation >= least:
        raise UsageError(
            f"held-out runs are ranked with Spearman {correlation:.3f} only, {least:g} is asked for: {runs} runs are "
            "too few or too noisy for this many groups; add runs, or lower --min-correlation knowing what that means"
        )


def _ranks(values: Floats) -> Floats:
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[place])


def _read(path: str, stream: object) -> pa.Table:
    if path.endswith(".csv"):
        return pyarrow.csv.read_csv(stream)
    if path.endswith((".jsonl", ".json", ".ndjson")):
        return pyarrow.json.read_json(stream)
    if path.endswith(".parquet"):
        return pq.read_table(stream)
    raise InputError(f"{path}: runs are read from *.csv, *.jsonl or *.parquet")


def _numbers(table: pa.Table, names: Sequence[str], path: str) -> Floats:
    try:
        columns = [table[name].cast(pa.float64()).to_numpy(zero_copy_only=False) for name in names]
    except (pa.ArrowException, ValueError) as error:
        raise InputError(f"{path}: a share or loss is no number: {error}") from error
    found = np.column_stack(columns).astype(np.float64)
    if not np.isfinite(found).all():
        raise InputError(f"{path}: a share or loss is missing or not finite in {names}")
    return found
