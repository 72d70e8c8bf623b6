"""Indexes of earlier documents: adding to one, looking new documents up, and sifting through Bloom filters.

``python tests/bench/bench_index.py [documents]`` prints documents a second of processor time, bytes a document, and
peak memory, on the synthetic keys of bench_minhash.py.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from bench_minhash import BANDS, Clock, write_sketches
from timing import peak, processor_seconds

from textmill.dedup import index_files
from textmill.dedup.bloom import sift, sizing
from textmill.dedup.index import Index, changing, commit, open_index
from textmill.dedup.minhash import MinHash
from textmill.pipeline.executor import Inline

LATER = 100_000


def main(documents: int = 1_000_000) -> None:
    """Measure an index of `documents`, then filters for as many."""
    pa.set_cpu_count(1)
    with tempfile.TemporaryDirectory() as folder:
        bench_index(Path(folder), documents)
    bench_filters(documents)


def bench_index(folder: Path, documents: int) -> None:
    """Add sketches, merge them, and resolve LATER documents against them, a third of which are known."""
    (folder / "earlier").mkdir()
    paths = write_sketches(folder / "earlier", documents)
    path = str(folder / "index")
    start = peak()
    with changing(path, Index(path, "minhash", MinHash().key_settings())) as index:
        spans = []

        def add() -> None:
            spans.append(index_files.add(index, map(pq.read_table, paths), "bench"))

        seconds = processor_seconds(add, times=1)
        commit(spans[-1])
    index = open_index(path)
    size = sum(file.bytes for file in index.files)
    print(
        f"index of {documents}: {documents / seconds:,.0f} added/s, {size / documents:.0f} bytes a document", end=", "
    )
    print(f"{len(index.keys)} files of keys; peak memory {peak()} MiB ({start} before)")
    with changing(path) as index:
        merged = []
        seconds = processor_seconds(lambda: merged.append(index_files.compact(index, Inline())), times=1)
        commit(merged[-1])
    print(f"  merged at {documents / seconds:,.0f}/s; peak memory {peak()} MiB")
    (folder / "later").mkdir()
    some = pa.concat_tables([pq.read_table(paths[0])] * 2).slice(0, LATER)
    fresh = np.random.default_rng(1).integers(0, 1 << 63, (some.num_rows, BANDS)).astype(np.uint64)
    known = np.arange(some.num_rows) % 3 == 0
    own = np.frombuffer(some["keys"].combine_chunks().buffers()[1], np.uint64).reshape(-1, BANDS)
    keys = np.where(known[:, None], own[: some.num_rows], fresh)
    column = pa.FixedSizeBinaryArray.from_buffers(pa.binary(8 * BANDS), len(keys), [None, pa.py_buffer(keys)])
    later = str(folder / "later/0.parquet")
    pq.write_table(some.set_column(some.schema.get_field_index("keys"), "keys", column), later)
    clock = Clock()
    MinHash(against=path).resolve([later], str(folder / "work"), clock)
    print(f"  {some.num_rows} documents resolved against it in {sum(clock.spans.values()):.2f} s", end="; ")
    print(f"of that the look-up {clock.spans['look_up']:.2f} s; peak memory {peak()} MiB")


def bench_filters(documents: int) -> None:
    """Sift strange documents, which all stay, until the filters are full; then known ones."""
    size = sizing(documents, 1e-5, 9)
    filters, added = np.zeros((size.bands, size.words), np.uint64), np.zeros(size.bands, np.int64)
    keys = np.random.default_rng(0).integers(0, 1 << 63, (documents, 9)).astype(np.uint64)
    sift(filters, size.hashes, keys[:1], added)
    seconds = processor_seconds(lambda: sift(filters, size.hashes, keys, added), times=1)
    again = processor_seconds(lambda: sift(filters, size.hashes, keys, added), times=1)
    print(f"filters for {documents}: {size.bytes / 1e6:.0f} MB, {size.hashes} bits a key", end="; ")
    print(f"{documents / seconds:,.0f} strange documents/s, {documents / again:,.0f} known ones")
    print(f"  bits set: {added.max() / (64 * size.words):.3f} of the fullest")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
