"""Memory of near-duplicate removal: the driver's, and the most that any task takes, by documents and budget.

``python tests/bench/bench_dedup_memory.py [documents] [part MiB] [links MiB]``: tasks run one after another in a child
process, on the synthetic keys of bench_minhash.py. The budgets are those of `MinHash.resolve`: sketch files that a task
takes on, and memory for links in one task.
"""

import sys
import tempfile
from pathlib import Path

import pyarrow as pa
from bench_minhash import write_sketches
from timing import peak

from textmill.dedup.linked import LINK_BYTES
from textmill.dedup.minhash import MinHash
from textmill.dedup.sketches import PART_BYTES
from textmill.pipeline.exchange import portions
from textmill.pipeline.executor import Serial, gather


def main(documents: int = 1_000_000, part: int = PART_BYTES >> 20, links: int = LINK_BYTES >> 20) -> None:
    """Resolve `documents` sketches, and tell the peaks."""
    pa.set_cpu_count(1)
    with tempfile.TemporaryDirectory() as folder:
        _, bare = resolve(Path(folder, "few"), 1000, part, links)
        tasks, took = resolve(Path(folder, "all"), documents, part, links)
    print(f"{documents} documents, {part} MiB of sketches a task, {links} MiB of links: {tasks} tasks a step", end="; ")
    print(f"peak of the driver {peak()} MiB, of a task {took} MiB (with nothing to do {bare} MiB)")


def resolve(folder: Path, documents: int, part: int, links: int) -> tuple[int, int]:
    """How many tasks a step has, and the most memory that one takes, MiB."""
    folder.mkdir()
    writing, executor = Serial(), Serial()  # in a process of its own, which counts for nothing
    try:
        (paths,) = gather(writing, write_sketches, [documents], folder)
        writing.close()
        MinHash().resolve(paths, str(folder / "work"), executor, part_bytes=part << 20, link_bytes=links << 20)
        (took,) = gather(executor, peak, [0], 0)
    finally:
        executor.close()
    return len(portions(paths, part << 20)), took


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]))
