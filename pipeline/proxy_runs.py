"""A table of proxy runs: what each small model was trained on, and the losses that it reached; what is fitted to it.

What it was trained on is a vector of numbers: the shares of a mixture, or the weights of scores it was selected by.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet as pq

from textmill.pipeline.errors import InputError, UsageError
from textmill.pipeline.io.files import open_binary

Floats: TypeAlias = npt.NDArray[np.float64]

FOLDS: Final = 5
"""Parts of the runs, each held out once while the others are fitted."""
CONTRADICTION: Final = 0.5
"""Runs of one mixture contradict each other when their losses differ by more than this share of all variation."""


@dataclass(frozen=True, eq=False)
class ProxyRuns:
    """Runs: inputs, shape (runs, names), each row 1 in all, signs aside; losses, shape (runs, targets)."""

    names: tuple[str, ...]
    targets: tuple[str, ...]
    inputs: Floats
    losses: Floats

    def rows(self, chosen: np.ndarray) -> "ProxyRuns":
        """Some of the runs."""
        return ProxyRuns(self.names, self.targets, self.inputs[chosen], self.losses[chosen])


def read_runs(path: str, what: Literal["mixture", "weight"] = "mixture") -> ProxyRuns:
    """Read CSV, JSON lines or Parquet with columns `mixture.NAME` and `loss.TARGET` (or nested: `mixture`, `loss`).

    They may be of any scale. Columns `weight.NAME` may be below 0. Raises InputError for anything else in place of a
    number.
    """
    try:
        with open_binary(path) as stream:
            table = _read(path, stream).flatten()
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path}: not a table of runs: {error}") from error
    names = sorted(name for name in table.column_names if name.startswith(f"{what}."))
    targets = sorted(name for name in table.column_names if name.startswith("loss."))
    if len(names) < 2 or not targets:
        raise InputError(
            f"{path}: needs two columns {what}.NAME and one loss.TARGET at least: {', '.join(table.column_names)}"
        )
    inputs, losses = _numbers(table, names, path), _numbers(table, targets, path)
    if what == "mixture" and (inputs < 0).any():
        raise InputError(f"{path}: shares of a mixture must be 0 or more")
    scale = np.abs(inputs).sum(axis=1, keepdims=True)
    if not (scale > 0).all():
        raise InputError(f"{path}: columns {what}.NAME of a run must be numbers, and not all 0")
    bare = [tuple(name.partition(".")[2] for name in columns) for columns in (names, targets)]
    return ProxyRuns(bare[0], bare[1], inputs / scale, losses)


def combine(runs: ProxyRuns, weights: Mapping[str, float]) -> Floats:
    """What a fit is to make small: weights of targets, in their order, 1 in all; none given: all alike."""
    if strange := sorted(weights.keys() - set(runs.targets)):
        raise UsageError(f"no loss of {', '.join(strange)} among the targets {', '.join(runs.targets)}")
    found = np.array([weights.get(target, 0.0) if weights else 1.0 for target in runs.targets])
    if (found < 0).any() or not found.sum() > 0:
        raise UsageError("weights of targets must be 0 or more, and not all 0")
    return np.asarray(found / found.sum())


def check_consistent(runs: ProxyRuns, weights: Floats) -> None:
    """Raise UsageError when runs of the same inputs differ in loss as much as others."""
    total = runs.losses @ weights
    spread = float(total.max() - total.min()) if len(total) else 0.0
    if not spread > 0:
        raise UsageError(f"{len(total)} runs have the same loss: nothing tells them apart")
    keys = [tuple(row) for row in runs.inputs.round(6).tolist()]
    for key in sorted({key for key in keys if keys.count(key) > 1}):
        alike = total[[other == key for other in keys]]
        if np.ptp(alike) > CONTRADICTION * spread:
            named = ", ".join(f"{name} {share:g}" for name, share in zip(runs.names, key, strict=True))
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


def held_out_correlation(
    runs: ProxyRuns, weights: Floats, predict: Callable[[ProxyRuns, Floats], Floats], *, seed: int = 0
) -> float:
    """Rank correlation of predicted and true weighted loss, each predicted from the other runs.

    predict: from runs to learn from, and inputs, to their weighted losses. Raises UsageError as `check_consistent`.
    """
    check_consistent(runs, weights)
    predicted = np.zeros(len(runs.inputs))
    for out in folds(len(runs.inputs), seed):
        kept = np.setdiff1d(np.arange(len(runs.inputs)), out)
        predicted[out] = predict(runs.rows(kept), runs.inputs[out])
    return spearman(predicted, runs.losses @ weights)


def refuse_below(correlation: float, least: float, runs: int) -> None:
    """Raise UsageError when held-out runs are not ranked well enough to choose by."""
    if not correlation >= least:
        raise UsageError(
            f"held-out runs are ranked with Spearman {correlation:.3f} only, {least:g} is asked for: {runs} runs are "
            "too few or too noisy for so many numbers; add runs, or lower --min-correlation knowing what that means"
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
        raise InputError(f"{path}: something is no number: {error}") from error
    found = np.column_stack(columns).astype(np.float64)
    if not np.isfinite(found).all():
        raise InputError(f"{path}: something is missing or not finite in {', '.join(names)}")
    return found
