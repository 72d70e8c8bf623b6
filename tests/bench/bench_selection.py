"""Selection by rank: exact cuts through scores that are never together in memory, beside numpy and Arrow that hold all.

Run ``python tests/bench/bench_selection.py [documents]``; it prints documents a second (processor time), ratios and
peak memory. The others read the same sketches and only find out who stays; ours also writes a ruling on every document.
"""

import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from textmill.pipeline.executor import Inline
from textmill.scorers.keep_top import KeepBand, KeepTop
from textmill.scorers.sample_by import ParetoKeep, SampleBy
from textmill.scorers.selection import Selection

SHARDS = 40
SHARE = 0.1
SCORES = {
    "scores of 53 bits": lambda random, n: random.normal(size=n),
    "scores of 4 decimals": lambda random, n: np.round(random.beta(2, 5, n), 4),
}


def main(documents: int = 10_000_000) -> None:
    """Measure each selection, ours before the others, for peak memory only rises."""
    with tempfile.TemporaryDirectory() as folder:
        written = {
            name: write_sketches(Path(folder) / str(i), documents, make)
            for i, (name, make) in enumerate(SCORES.items())
        }
        print(f"{documents:,} documents in {SHARDS} sketches; peak memory before {peak()} MiB")
        spent: dict[str, float] = {}
        for name, paths in written.items():
            print(name)
            for selection in (
                KeepTop(column="x", share=SHARE),
                KeepBand(column="x", low=0.25, high=0.75),
                SampleBy(column="x", share=SHARE),
            ):
                label = type(selection).__name__
                took, kept = timed(lambda s=selection, p=paths: kept_by(s, p, f"{folder}/work"))
                spent[name] = took if label == "KeepTop" else spent[name]
                print(f"  {label}: {documents / took / 1e6:.2f} million/s, kept {kept:,}; peak memory {peak()} MiB")
        for name, paths in written.items():
            for other in (by_argpartition, by_sorting):
                took, kept = timed(lambda p=paths, o=other: o(p))
                assert kept == -(-documents // 10), kept
                print(f"{name}: {other.__name__} {documents / took / 1e6:.2f} million/s", end="; ")
                print(f"KeepTop takes {spent[name] / took:.2f} times as long; peak memory {peak()} MiB")
        pareto(documents)


def pareto(documents: int) -> None:
    """The filter that draws by score, on batches of ids and scores."""
    random = np.random.default_rng(0)
    rows = min(documents, 1_000_000)
    ids = pa.array([f"<urn:uuid:{number:032x}>" for number in range(rows)])
    table = pa.table(
        {"id": ids, "source": pa.repeat("web", rows), "text": pa.repeat("", rows), "x": random.beta(2, 5, rows)}
    )
    batches = table.to_batches(10_000)
    step = ParetoKeep(column="x")
    took, kept = timed(lambda: sum(int(step.judge(batch).kept.sum()) for batch in batches))
    print(f"ParetoKeep: {rows / took / 1e6:.2f} million/s, kept {kept:,} of {rows:,}")


def timed(run: Callable[[], int]) -> tuple[float, int]:
    """Processor seconds, and what it returned."""
    start = time.process_time()
    result = run()
    return time.process_time() - start, result


def kept_by(selection: Selection, paths: list[str], work: str) -> int:
    """How many documents a selection keeps, by its rulings."""
    rulings = selection.resolve(paths, work, Inline())
    dropped = sum(pq.read_metadata(ruling).num_rows for ruling in rulings)
    return sum(pq.read_metadata(path).num_rows for path in paths) - dropped


def by_argpartition(paths: list[str]) -> int:
    """The best tenth by numpy, equal scores as they come."""
    scores = np.concatenate([pq.read_table(path, columns=["score"])["score"].to_numpy() for path in paths])
    count = -(-len(scores) // 10)
    stays = np.zeros(len(scores), np.bool_)
    stays[np.argpartition(scores, len(scores) - count)[len(scores) - count :]] = True
    return int(stays.sum())


def by_sorting(paths: list[str]) -> int:
    """The best tenth by Arrow's sort, equal scores by their draw, as ours."""
    table = pa.concat_tables([pq.read_table(path, columns=["score", "draw"]) for path in paths])
    order = pc.sort_indices(table, sort_keys=[("score", "descending"), ("draw", "descending")])
    stays = np.zeros(len(table), np.bool_)
    stays[order.slice(0, -(-len(table) // 10)).to_numpy()] = True
    return int(stays.sum())


def write_sketches(folder: Path, documents: int, make: Callable[[Any, int], Any]) -> list[str]:
    """Sketches as `KeepTop` writes them, with id, source and characters beside as the engine adds them."""
    folder.mkdir()
    random = np.random.default_rng(0)
    paths = []
    for number in range(SHARDS):
        count = documents // SHARDS
        columns = {
            "id": pa.array([f"<urn:uuid:{number:08x}{row:024x}>" for row in range(count)]),
            "source": pa.repeat("web", count),
            "chars": pa.array(random.integers(200, 20_000, count)),
            "group": pa.repeat("[]", count),
            "score": pa.array(make(random, count)),
            "weight": pa.repeat(1, count).cast(pa.int64()),
            "draw": pa.array(random.integers(0, 2**64, count, np.uint64)),
        }
        paths.append(str(folder / f"{number:05d}.parquet"))
        pq.write_table(pa.table(columns), paths[-1], compression="zstd")
    return paths


def peak() -> int:
    """Peak memory of this process in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
