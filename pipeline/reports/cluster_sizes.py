"""How the steps after a deduplication judged the survivors of its clusters, by the size of the cluster.

Rehydration repeats documents of the sizes that quality filters like best: see FineWeb2, and `mixing.rehydrate`.
"""

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from rich.console import Console
from rich.table import Table

from textmill.pipeline.console import count
from textmill.pipeline.errors import UsageError, did_you_mean
from textmill.pipeline.rulings import read_batches
from textmill.pipeline.run_folder import RunFolder, RunStage, open_run

FEW = 20
"""Rows of the table that are shown: powers of two beyond the first sizes."""


@dataclass(frozen=True)
class Judged:
    """Survivors of clusters by their size: those that all later steps of the run kept, and those that one removed."""

    kept: Counter[int]
    removed: Counter[int]


def judged_by_cluster_size(out: str, stage: str = "") -> Judged:
    """What became of the survivors of a run's near-duplicate removal, that named `stage` or else the last one.

    Reads its rulings and one column of the last chain's documents. Raises UsageError for a run that has none, or that
    is not complete.
    """
    run = open_run(out)
    barrier, column = _barrier(run, stage)
    last = [found for found in run.stages if found.kind == "chain"][-1]
    came = _counts(barrier, "rulings", column)
    kept = _counts(last, "data", column)
    return Judged(kept, came - kept)


def render_cluster_sizes(judged: Judged, console: Console) -> None:
    """Print how many survivors there are of each size, and which share of them later steps removed."""
    table = Table("cluster size", "survivors", "removed later", "share")
    for low, high in _ranges(max(judged.kept | judged.removed, default=0)):
        kept, removed = (
            sum(n for size, n in some.items() if low <= size < high) for some in (judged.kept, judged.removed)
        )
        if kept + removed:
            name = str(low) if high == low + 1 else f"{low} to {high - 1}"
            table.add_row(name, count(kept + removed), count(removed), f"{removed / (kept + removed):.4f}")
    console.print(table)


def _barrier(run: RunFolder, name: str) -> tuple[RunStage, str]:
    """The stage of the removal, and the column that holds the size of a document's cluster."""
    sized: dict[str, tuple[RunStage, str]] = {}
    for stage in run.stages:
        found: dict[str, Any] = (stage.folder.findings() or {}) if stage.kind == "barrier" else {}
        if found.get("size_column"):
            sized[stage.name] = stage, found["size_column"]
    if any(stage.kind == "chain" and stage.summary() is None for stage in run.stages):
        raise UsageError(f"{run.out}: the run is not complete; run the recipe to its end first")
    if not sized:
        raise UsageError(f"{run.out}: no barrier of the run has a size_column, as minhash and simhash have")
    if name and name not in sized:
        hint = did_you_mean(name, sized)
        raise UsageError(f"{run.out}: no barrier {name!r} with a size_column{hint} (there are: {', '.join(sized)})")
    return sized[name or list(sized)[-1]]


def _counts(stage: RunStage, kind: str, column: str) -> Counter[int]:
    """Documents by cluster size; of rulings those on documents that stay."""
    sizes: Counter[int] = Counter()
    for part, manifest in stage.folder.manifests().items():
        if kind not in manifest.files:
            continue
        for batch in read_batches(stage.file(kind, part)):
            values = batch.column(column)
            if kind == "rulings":
                values = values.filter(pc.is_null(batch.column("reason")))
            counted = pc.value_counts(values.cast(pa.int64()))
            sizes.update(dict(zip(counted.field(0).to_pylist(), counted.field(1).to_pylist(), strict=True)))
    return sizes


def _ranges(largest: int) -> list[tuple[int, int]]:
    """Sizes one by one, then by powers of two."""
    edges = [*range(1, 9), *(1 << np.arange(3, 62)).tolist()[1:]]
    return [(low, high) for low, high in pairwise(edges) if low <= largest][:FEW]
