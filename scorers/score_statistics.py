"""Statistics of score columns, from scored text: what `combine` needs to put scores on one scale.

They are taken on a sample of the documents, drawn by id, so that they depend neither on shards nor on order.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from textmill.pipeline import schema
from textmill.pipeline.chance import draw
from textmill.pipeline.errors import ModelError, UsageError, did_you_mean
from textmill.pipeline.models import local_model
from textmill.pipeline.proxy_runs import Floats

PERCENTS: Final = np.arange(1, 100)
_LEAST: Final = 3
"""Documents with both scores without which a correlation says nothing."""


class Statistics(NamedTuple):
    """Of one column, over the documents that have it. percentiles: the 1st to the 99th, float64."""

    mean: float
    deviation: float
    percentiles: Floats


class Fitted(NamedTuple):
    """What a file of `textmill fit-weights` says: statistics by column, the columns to use, weights if any."""

    columns: Mapping[str, Statistics]
    kept: tuple[str, ...]
    weights: Mapping[str, float]


@cache
def load_fitted(path: str) -> Fitted:
    """Read such a file, once a process. Raises ModelError for a missing or another one."""
    try:
        content = json.loads(local_model(path).read_bytes())
        columns = {
            name: Statistics(float(one["mean"]), float(one["deviation"]), np.array(one["percentiles"], np.float64))
            for name, one in content["columns"].items()
        }
        found = Fitted(columns, tuple(content["kept"]), dict(content["weights"] or {}))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{path}: not what textmill fit-weights writes: {error!r}") from error
    if any(one.percentiles.shape != PERCENTS.shape or not one.deviation > 0 for one in columns.values()):
        raise ModelError(f"{path}: not what textmill fit-weights writes: a column without deviation or percentiles")
    return found


def measure_scores(
    batches: Iterable[pa.RecordBatch], columns: Sequence[str], *, documents: int, most_alike: float, seed: int = 0
) -> dict[str, Any]:
    """The content of the file but for `weights`: statistics, correlations, and which columns repeat others.

    At most `documents` are looked at. A column whose correlation with an earlier one is beyond `most_alike`, in
    either direction, is not among `kept`. Raises UsageError for a column that is missing, no number, empty or constant.
    """
    sample = _sample(batches, columns, documents, seed)
    found, values = {}, sample[:, 1:]
    for name, column in zip(columns, values.T, strict=True):
        present = column[~np.isnan(column)]
        if not len(present):
            raise UsageError(f"no document has a {name}")
        if not np.ptp(present) > 0:
            raise UsageError(f"{name} is {present[0]:g} for every document, which tells nothing: leave it out")
        found[name] = {
            "documents": len(present),
            "mean": float(present.mean()),
            "deviation": float(present.std()),
            "percentiles": np.percentile(present, PERCENTS).tolist(),
        }
    matrix = _correlations(values)
    kept, dropped = _without_twins(columns, matrix, most_alike)
    return {
        "kind": "weights",
        "documents": len(values),
        "columns": found,
        "correlations": [[None if np.isnan(rho) else round(rho, 6) for rho in row] for row in matrix.tolist()],
        "kept": kept,
        "dropped": dropped,
    }


def _sample(batches: Iterable[pa.RecordBatch], columns: Sequence[str], documents: int, seed: int) -> Floats:
    """The documents of lowest draws, in their order: a row of the draw and the scores each, NaN where there is none."""
    held = np.empty((0, 1 + len(columns)))
    for batch in batches:
        rows = [draw(batch.column(schema.ID), "statistics", seed).astype(np.float64)]
        rows += [_numbers(batch, name) for name in columns]
        held = np.concatenate([held, np.column_stack(rows)])
        if len(held) > 2 * documents:
            held = _lowest(held, documents)
    return _lowest(held, documents)


def _lowest(rows: Floats, count: int) -> Floats:
    return np.asarray(rows[np.lexsort(rows.T[::-1])[:count]])


def _numbers(batch: pa.RecordBatch, name: str) -> Floats:
    names = batch.schema.names
    if name not in names:
        hint = did_you_mean(name, names)
        raise UsageError(f"the scores have no column {name!r}{hint} (there are: {', '.join(names)})")
    return finite(batch.column(name), name)


def finite(column: pa.Array, name: str) -> Floats:
    """A column of numbers as float64, NaN where it is null or not finite. Raises UsageError for other types."""
    try:
        values = pc.cast(column, pa.float64()).to_numpy(zero_copy_only=False)
    except pa.ArrowException as error:
        raise UsageError(f"{name} is no score: it holds {column.type}") from error
    return np.where(np.isfinite(values), values, np.nan)


def _correlations(values: Floats) -> Floats:
    """Pearson's, of each two columns over the documents that have both; NaN where too few do."""
    count = values.shape[1]
    matrix = np.eye(count)
    for i in range(count):
        for j in range(i):
            both = values[~np.isnan(values[:, [i, j]]).any(axis=1)][:, [i, j]]
            told = len(both) >= _LEAST and (both.min(axis=0) < both.max(axis=0)).all()
            matrix[i, j] = matrix[j, i] = float(np.corrcoef(both[:, 0], both[:, 1])[0, 1]) if told else np.nan
    return matrix


def _without_twins(columns: Sequence[str], matrix: Floats, most: float) -> tuple[list[str], dict[str, dict[str, Any]]]:
    """The columns that no earlier one says already, and of the others which one does."""
    kept: list[int] = []
    dropped: dict[str, dict[str, Any]] = {}
    for i, name in enumerate(columns):
        twin = next((j for j in kept if abs(matrix[i, j]) > most), None)
        if twin is None:
            kept.append(i)
        else:
            dropped[name] = {"like": columns[twin], "correlation": round(float(matrix[i, twin]), 6)}
    return [columns[i] for i in kept], dropped
