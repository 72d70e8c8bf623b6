"""Semantic deduplication of synthetic embeddings, beside the same procedure in plain numpy.

``python tests/bench/bench_semantic.py [documents] [dimensions]`` prints documents a second of processor time by step,
and the ratio to SemDeDup as its authors do it (k-means, then all products within a cluster, 32-bit floats in memory)
with as many clusters and iterations, in one run; both with one thread.
"""

import os
import sys
import tempfile
from math import isqrt
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from bench_minhash import Clock
from timing import peak, processor_seconds

from textmill.dedup.semantic import Semantic
from textmill.pipeline.executor import Inline

SHARDS = 10
ITERATIONS = 10
EPSILON = 0.05

Vectors = npt.NDArray[np.float32]


def main(documents: int = 50_000, dimensions: int = 384) -> None:
    """Measure the sketch, the resolution, and the plain procedure on the same embeddings."""
    pa.set_cpu_count(1)
    vectors = embeddings(documents, dimensions)
    clusters = isqrt(documents)
    barrier = Semantic(epsilon=EPSILON, clusters=clusters, iterations=ITERATIONS, sample=max(100, documents))
    print(f"{documents} embeddings of {dimensions} dimensions, {clusters} clusters, {ITERATIONS} iterations")
    with tempfile.TemporaryDirectory() as folder:  # the kernels, too, take a moment to load
        few = Semantic(clusters=2, iterations=1)
        few.resolve(write_sketches(Path(folder), few, vectors[:100]), f"{folder}/work", Inline())
    with tempfile.TemporaryDirectory() as folder:
        paths: list[str] = []
        sketching = processor_seconds(lambda: paths.extend(write_sketches(Path(folder), barrier, vectors)), times=1)
        clock = Clock()
        rulings = barrier.resolve(paths, f"{folder}/work", clock)
        gone = sum(pq.read_metadata(path).num_rows for path in rulings)
    span = sum(clock.spans.values())
    print("  " + "; ".join(f"{name} {part:.2f} s" for name, part in clock.spans.items()))
    print(f"  sketch {documents / sketching:,.0f}/s; resolve {documents / span:,.0f}/s; {gone} leave", end="; ")
    print(f"peak memory {peak()} MiB")
    found: list[int] = []
    theirs = processor_seconds(lambda: found.append(plainly(vectors, clusters)), times=1)
    print(f"  in plain numpy: {documents / theirs:,.0f}/s, {found[0]} leave; ratio {theirs / (sketching + span):.2f}")


def embeddings(documents: int, dimensions: int) -> Vectors:
    """Unit vectors about a thousand topics; one in five is an earlier one, moved a little."""
    random = np.random.default_rng(0)
    topics = random.standard_normal((1000, dimensions), np.float32)
    found = topics[random.integers(0, 1000, documents)] + random.standard_normal((documents, dimensions), np.float32)
    copies = np.flatnonzero(random.random(documents) < 0.2)[1:]
    noise = 0.2 * random.standard_normal((len(copies), dimensions), np.float32)
    found[copies] = found[random.integers(0, copies)] + noise
    return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True), np.float32)


def write_sketches(folder: Path, barrier: Semantic, vectors: Vectors) -> list[str]:
    """The sketch files of embeddings in shards."""
    paths = []
    for number, some in enumerate(np.array_split(vectors, SHARDS)):
        column = pa.FixedSizeListArray.from_arrays(pa.array(some.ravel()), vectors.shape[1])
        sketch = barrier.sketch(pa.RecordBatch.from_arrays([column], ["embedding"]))
        ids = pa.array([f"{number}-{row}" for row in range(len(some))])
        source = pa.array(["web"] * len(some))
        table = pa.table({"id": ids, "source": source, **{n: sketch[n] for n in sketch.schema.names}})
        paths.append(str(folder / f"{number:05d}.parquet"))
        pq.write_table(table, paths[-1], compression="zstd", compression_level=1)
    return paths


def plainly(vectors: Vectors, clusters: int) -> int:
    """How many leave: spherical k-means, then of each cluster's rows, hard ones first, those like an earlier one."""
    random = np.random.default_rng(1)
    centroids = vectors[random.choice(len(vectors), clusters, replace=False)]
    for _ in range(ITERATIONS):
        cluster, _ = assigned(vectors, centroids)
        order = np.argsort(cluster, kind="stable")
        first = np.searchsorted(cluster[order], np.arange(clusters))
        led = np.flatnonzero(np.bincount(cluster, minlength=clusters))
        sums = np.add.reduceat(vectors[order], first[led])
        centroids[led] = sums / np.linalg.norm(sums, axis=1, keepdims=True)
    cluster, similarity = assigned(vectors, centroids)
    gone = 0
    for number in range(clusters):
        members = np.flatnonzero(cluster == number)
        some = vectors[members[np.argsort(similarity[members], kind="stable")]]
        gone += int((np.triu(some @ some.T, 1).max(axis=0, initial=-1) > 1 - EPSILON).sum())
    return gone


def assigned(vectors: Vectors, centroids: Vectors) -> tuple[npt.NDArray[np.int64], Vectors]:
    """The nearest centroid of each vector, and the cosine with it."""
    blocks = [vectors[start : start + 4096] @ centroids.T for start in range(0, len(vectors), 4096)]
    return np.concatenate([b.argmax(axis=1) for b in blocks]), np.concatenate([b.max(axis=1) for b in blocks])


if __name__ == "__main__":
    one_thread = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    if os.environ != one_thread:  # numpy's library reads it when it is loaded
        os.execve(sys.executable, [sys.executable, *sys.argv], one_thread)
    main(*map(int, sys.argv[1:3]))
