"""Exact deduplication, step by step, beside the plainest Python that does the same in memory.

Run ``python tests/bench/bench_exact.py [documents]``; it prints documents a second, MB a second and ratios.
"""

import resource
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from timing import seconds
from xxhash import xxh3_128_digest

from textmill.dedup.equal_keys import keys_of
from textmill.dedup.exact import Exact
from textmill.dedup.normalize import normalize
from textmill.pipeline.executor import Inline

SHARDS = 20
WORDS = "the of and to in a is that for it as was with be by on not he I this are or his from At Which But"


def main(documents: int = 1_000_000) -> None:
    """Measure keys on text, then the resolution of `documents` sketches."""
    texts = pa.array(synthetic_texts(2000))
    megabytes = texts.nbytes / 1e6
    print(f"keys of {len(texts)} texts, {megabytes:.0f} MB")
    plain = seconds(lambda: [xxh3_128_digest(" ".join(t.lower().split()).encode()) for t in texts.to_pylist()])
    ours = seconds(lambda: keys_of(normalize(texts, "lowercase")))
    print(f"  Python: {megabytes / plain:.0f} MB/s; textmill: {megabytes / ours:.0f} MB/s; ratio {plain / ours:.1f}")

    with tempfile.TemporaryDirectory() as folder:
        paths = write_sketches(Path(folder), documents)
        size = sum(Path(path).stat().st_size for path in paths)
        print(f"resolving {documents} sketches, {size / documents:.0f} bytes a document")
        plain = seconds(lambda: dictionary(paths), times=1)
        ours = seconds(lambda: Exact().resolve(paths, f"{folder}/work", Inline()), times=1)
        print(f"  Python dict: {documents / plain:,.0f}/s; textmill: {documents / ours:,.0f}/s", end="; ")
        print(f"ratio {plain / ours:.1f}; peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MiB")


def synthetic_texts(count: int) -> list[str]:
    """Texts of 500 to 2500 words, a line break after every tenth."""
    random = np.random.default_rng(0)
    texts = []
    for _ in range(count):
        words = random.choice(WORDS.split(), random.integers(500, 2500))
        texts.append("\n".join(" ".join(words[i : i + 10]) for i in range(0, len(words), 10)))
    return texts


def write_sketches(folder: Path, documents: int) -> list[str]:
    """Sketch files whose keys come from a pool of 1.4 times as many: 28.5 % of the documents are duplicates."""
    random = np.random.default_rng(0)
    pool = random.bytes(16 * (documents * 14 // 10))
    paths = []
    for number in range(SHARDS):
        count = documents // SHARDS
        keys = [pool[16 * i : 16 * i + 16] for i in random.integers(0, documents * 14 // 10, count)]
        ids = [f"<urn:uuid:{random.bytes(16).hex()}>" for _ in range(count)]
        sketch = pa.table({"id": ids, "source": ["web"] * count, "key": pa.array(keys, pa.binary(16))})
        paths.append(str(folder / f"{number:05d}.parquet"))
        pq.write_table(sketch, paths[-1], compression="zstd")
    return paths


def dictionary(paths: list[str]) -> list[list[str | None]]:
    """For each document of each file the id of the one that stays, or None."""
    first: dict[bytes, str] = {}
    kept = []
    for path in paths:
        sketch = pq.read_table(path, columns=["id", "key"])
        pairs = zip(sketch["id"].to_pylist(), sketch["key"].to_pylist(), strict=True)
        owners = [(name, first.setdefault(key, name)) for name, key in pairs]
        kept.append([None if owner == name else owner for name, owner in owners])
    return kept


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
