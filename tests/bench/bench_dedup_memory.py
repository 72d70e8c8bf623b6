"""Memory of near-duplicate removal: the driver's, and the most that any task takes, by documents and budget.

``python tests/bench/bench_dedup_memory.py [documents] [MB]``: tasks run one after another in a child process, on the
synthetic keys of bench_minhash.py. MB is what ``textmill run --memory`` declares; without it nothing is.
"""

import sys
import tempfile
from pathlib import Path

import pyarrow as pa
from bench_minhash import write_sketches
from timing import peak

from textmill.dedup.minhash import MinHash
from textmill.dedup.sketches import shares_of
from textmill.pipeline.executor import Serial, gather
from textmill.pipeline.memory import Memory, declare


def main(documents: int = 1_000_000, megabytes: int = 0) -> None:
    """Resolve `documents` sketches, and tell the peaks."""
    pa.set_cpu_count(1)
    memory = declare(megabytes * 1_000_000) if megabytes else Memory()
    with tempfile.TemporaryDirectory() as folder:
        _, bare = resolve(Path(folder, "few"), 1000, memory)
        tasks, took = resolve(Path(folder, "all"), documents, memory)
    print(f"{documents} documents, {megabytes or 'no'} MB declared: {tasks} tasks a step", end="; ")
    print(f"peak of the driver {peak()} MiB, of a task {took} MiB (with nothing to do {bare} MiB)")


def resolve(folder: Path, documents: int, memory: Memory) -> tuple[int, int]:
    """How many tasks a step has, and the most memory that one takes, MiB."""
    folder.mkdir()
    writing, executor = Serial(), Serial(memory)  # in a process of its own, which counts for nothing
    try:
        (paths,) = gather(writing, write_sketches, [documents], folder)
        writing.close()
        MinHash().resolve(paths, str(folder / "work"), executor)
        (took,) = gather(executor, peak, [0], 0)
        return len(shares_of(paths, executor, None)), took
    finally:
        executor.close()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
