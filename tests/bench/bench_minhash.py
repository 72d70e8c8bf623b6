"""Near-duplicate removal, step by step: signatures beside datasketch's, then keys to components and to rulings.

Run ``python tests/bench/bench_minhash.py [documents] [part]``, where `part` is ``signatures``, ``resolve`` or
nothing for both, or ``links`` for components alone; it prints documents a second of processor time, ratios
measured in the same run, and peak memory.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from datasketch import MinHash as Datasketch
from timing import peak

from textmill.dedup.components import Links, components
from textmill.dedup.links import link_keys, send_keys, send_labels
from textmill.dedup.minhash import MinHash
from textmill.dedup.signatures import permutations, signatures
from textmill.pipeline.arrow import text_buffers
from textmill.pipeline.executor import Inline
from textmill.pipeline.kernels.shingles import word_shingles

SHARDS = 20
MOST_A_SHARD = 50_000
BANDS = 14


def main(documents: int = 1_000_000, part: str = "") -> None:
    """Measure signatures on text, then the resolution of `documents` sketches."""
    pa.set_cpu_count(1)
    if part in ("", "signatures"):
        bench_signatures(synthetic_texts(2000))
    if part in ("", "resolve"):
        bench_resolve(documents)
    if part == "links":
        bench_components(documents)


def bench_signatures(texts: list[str]) -> None:
    """Signatures of 112 values from shingles of five words, and from texts; datasketch's words by ``str.split``."""
    column = pa.array(texts)
    print(f"signatures of {len(texts)} texts, {column.nbytes / 1e6:.0f} MB; texts a second")
    data, offsets, _ = text_buffers(column)
    found, permuted = word_shingles(data, offsets, 5), permutations(112, 1)
    few, batch = texts[:60], pa.RecordBatch.from_pydict({"text": column})
    cut = [shingles_of(text) for text in few]
    theirs = len(few) / seconds(lambda: [by_datasketch(shingles) for shingles in cut])
    ours = len(texts) / seconds(lambda: signatures(found, permuted))
    print(f"  from shingles: datasketch {theirs:,.0f}, textmill {ours:,.0f}, ratio {ours / theirs:.0f}")
    theirs = len(few) / seconds(lambda: [by_datasketch(shingles_of(text)) for text in few])
    ours = len(texts) / seconds(lambda: signatures(word_shingles(data, offsets, 5), permuted))
    print(f"  from text: datasketch {theirs:,.0f}, textmill {ours:,.0f}, ratio {ours / theirs:.0f}")
    ours = len(texts) / seconds(lambda: MinHash().sketch(batch))
    print(f"  normalised, and with band keys: textmill {ours:,.0f}, {ours * column.nbytes / len(texts) / 1e6:.0f} MB/s")


def shingles_of(text: str) -> list[bytes]:
    """The runs of five words."""
    words = text.split()
    return [" ".join(words[i : i + 5]).encode() for i in range(len(words) - 4)]


def by_datasketch(shingles: list[bytes]) -> None:
    """One signature, with datasketch's defaults but for the number of values."""
    Datasketch(num_perm=112).update_batch(shingles)


def bench_resolve(documents: int) -> None:
    """Band keys in sketch files to components, and to rulings."""
    with tempfile.TemporaryDirectory() as folder:  # the kernels, too, take a moment to load
        MinHash().resolve(write_sketches(Path(folder), 1000), f"{folder}/work", Inline())
    with tempfile.TemporaryDirectory() as folder:
        paths = write_sketches(Path(folder), documents)
        size = sum(Path(path).stat().st_size for path in paths)
        print(f"resolving {documents} sketches, {size / documents:.0f} bytes a document")
        clock = Clock()
        MinHash().resolve(paths, f"{folder}/work", clock)
        files = [path for path in Path(folder, "work").rglob("*") if path.is_file()]
        print("  " + "; ".join(f"{name} {span:.2f} s" for name, span in clock.spans.items()))
        linked = sum(clock.spans[task.__name__] for task in (send_keys, link_keys, send_labels))
        print(
            f"  keys to components: {documents / linked:,.0f}/s; whole: {documents / sum(clock.spans.values()):,.0f}/s"
        )
        print(f"  {sum(path.stat().st_size for path in files) / documents:.0f} bytes a document in between", end="; ")
        print(f"peak memory {peak()} MiB")


def bench_components(links: int) -> None:
    """Memory that components take in one task, a link."""
    random = np.random.default_rng(0)
    given = Links(*random.integers(0, 1 << 62, (2, links)))
    before = peak()
    start = time.process_time()
    components(given)
    span, size = time.process_time() - start, (peak() - before) * 2**20 / links
    print(f"components of {links} links: {span:.1f} s, {size:.0f} bytes a link")


class Clock(Inline):
    """Runs tasks here and adds up the seconds of processor time of each kind."""

    def __init__(self) -> None:
        self.spans: dict[str, float] = {}

    def map(self, task: Any, items: Any, context: Any) -> Any:
        """As `Inline`."""
        start = time.process_time()
        yield from super().map(task, items, context)
        name = context[0].__name__
        self.spans[name] = self.spans.get(name, 0) + time.process_time() - start


def seconds(run: Callable[[], Any], times: int = 3) -> float:
    """The best of several runs, after one to warm up."""
    run()
    spans = []
    for _ in range(times):
        start = time.process_time()
        run()
        spans.append(time.process_time() - start)
    return min(spans)


def synthetic_texts(count: int) -> list[str]:
    """Texts of 200 to 1500 words that are as long as English ones."""
    random = np.random.default_rng(0)
    letters = np.array(list("etaoinshrdlu"))
    words = ["".join(random.choice(letters, size)) for size in random.poisson(3.7, 20_000) + 1]
    return [" ".join(random.choice(words, random.integers(200, 1500))) for _ in range(count)]


def write_sketches(folder: Path, documents: int) -> list[str]:
    """Sketch files in which three documents of ten are near-duplicates of an earlier one, with half its keys."""
    random = np.random.default_rng(0)
    paths = []
    shards = max(SHARDS, documents // MOST_A_SHARD)
    for number in range(shards):
        count = documents // shards
        owner = np.arange(number * count, (number + 1) * count, dtype=np.uint64)
        copies = random.random(count) < 0.3
        original = np.where(copies, random.integers(0, documents, count, dtype=np.uint64), owner)
        keys = mixed(original[:, None] * np.uint64(BANDS) + np.arange(BANDS, dtype=np.uint64))
        own = (random.random((count, BANDS)) < 0.5) & copies[:, None]
        keys[own] = random.integers(0, 1 << 63, own.sum(), dtype=np.uint64)
        ids = [f"<urn:uuid:{random.bytes(16).hex()}>" for _ in range(count)]
        values = pa.FixedSizeBinaryArray.from_buffers(pa.binary(8 * BANDS), count, [None, pa.py_buffer(keys)])
        sketch = pa.table({"id": ids, "source": ["web"] * count, "keys": values})
        paths.append(str(folder / f"{number:05d}.parquet"))
        pq.write_table(sketch, paths[-1], compression="zstd", compression_level=1)
    return paths


def mixed(numbers: np.ndarray) -> np.ndarray:
    """Numbers that look random, the same for the same."""
    numbers = (numbers ^ (numbers >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    numbers = (numbers ^ (numbers >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    return numbers ^ (numbers >> np.uint64(33))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]), *sys.argv[2:])
