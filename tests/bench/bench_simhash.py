"""Near-duplicates by fingerprints: from text to fingerprints, from fingerprints to rulings, and beside text-dedup.

``python tests/bench/bench_simhash.py [documents] [PYTHON]`` prints texts and documents a second of processor time and
peak memory; with the interpreter of an environment that has text-dedup, and TEXTMILL_TEST_DATA, also both tools from
JSONL to what stays, on a tenth of the texts of bench_dedup.py, with text-dedup's defaults for both.
"""

import json
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from bench_dedup import by_textmill, real_texts, timed
from bench_minhash import SHARDS, Clock, synthetic_texts
from timing import peak, processor_seconds

from textmill.dedup.simhash import SimHash
from textmill.pipeline.executor import Inline

THEIRS = {"ngram": 3, "shingle": "character", "normalize": "lowercase", "distance": 3, "blocks": 4}


def main(documents: int = 1_000_000, python: str = "") -> None:
    """Measure fingerprints of texts, then the resolution of `documents` of them, then the whole beside another tool."""
    pa.set_cpu_count(1)
    data = os.environ.get("TEXTMILL_TEST_DATA")
    texts = real_texts(Path(data))[::10] if data else synthetic_texts(2000)
    bench_fingerprints(texts)
    bench_resolve(documents)
    if data and python:
        bench_beside(texts, python)


def bench_fingerprints(texts: list[str]) -> None:
    """From text to fingerprints, normalisation included."""
    batch = pa.RecordBatch.from_pydict({"text": texts})
    size = sum(len(text.encode()) for text in texts) / 1e6
    print(f"fingerprints of {len(texts)} texts, {size:.1f} MB")
    for barrier in (SimHash(), SimHash(**THEIRS)):
        span = processor_seconds(lambda: barrier.sketch(batch), times=3)  # noqa: B023
        print(f"  runs of {barrier.ngram} of {barrier.shingle}: {len(texts) / span:,.0f}/s, {size / span:.0f} MB/s")


def bench_resolve(documents: int) -> None:
    """Fingerprints in sketch files to rulings."""
    with tempfile.TemporaryDirectory() as folder:  # the kernels, too, take a moment to load
        SimHash().resolve(write_sketches(Path(folder), 1000), f"{folder}/work", Inline())
    with tempfile.TemporaryDirectory() as folder:
        paths = write_sketches(Path(folder), documents)
        print(f"resolving {documents} fingerprints; peak memory {peak()} MiB before")
        clock = Clock()
        rulings = SimHash().resolve(paths, f"{folder}/work", clock)
        print("  " + "; ".join(f"{name} {span:.2f} s" for name, span in clock.spans.items()))
        gone = sum(pq.read_table(path).filter(pa.compute.field("reason").is_valid()).num_rows for path in rulings)
        rate = documents / sum(clock.spans.values())
        print(f"  {rate:,.0f} documents/s; {gone / documents:.3f} leave; peak memory {peak()} MiB")


def bench_beside(texts: list[str], python: str) -> None:
    """Both from JSONL to what stays; without texts of fewer than five characters, at which text-dedup stops."""
    texts = [text for text in texts if len(text) >= 5]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "texts.jsonl")
        file.write_text("".join(json.dumps({"id": str(n), "text": text}) + "\n" for n, text in enumerate(texts)))
        ours, result = by_textmill(file, Path(folder, "textmill"), {"simhash": THEIRS})
        kept = set(result["kept"])
        print(f"textmill: {ours:.1f} s, {len(kept)} stay")
        other = str(Path(__file__).with_name("other_dedup.py"))
        seconds, result = timed([python, other, "text_dedup_simhash", str(file), folder])
        theirs = set(result["kept"])
        print(f"text-dedup: {seconds:.1f} s, {len(theirs)} stay, {len(kept & theirs)} with both", end="; ")
        print(f"ratio {seconds / ours:.1f}")


def write_sketches(folder: Path, documents: int) -> list[str]:
    """Sketch files in which three documents of ten have a fingerprint of an earlier one, up to four bits changed."""
    random = np.random.default_rng(0)
    count = documents // SHARDS
    every = random.integers(0, 1 << 63, documents, dtype=np.uint64) * np.uint64(2)
    paths = []
    for number in range(SHARDS):
        own = np.arange(number * count, (number + 1) * count)
        copies = own[random.random(count) < 0.3]
        every[copies] = every[random.integers(0, np.maximum(copies, 1))]
        for _ in range(4):
            every[copies] ^= np.uint64(1) << random.integers(0, 64, len(copies), dtype=np.uint64)
        ids = [f"<urn:uuid:{random.bytes(16).hex()}>" for _ in range(count)]
        values = pa.FixedSizeBinaryArray.from_buffers(pa.binary(8), count, [None, pa.py_buffer(every[own])])
        paths.append(str(folder / f"{number:05d}.parquet"))
        sketch = pa.table({"id": ids, "source": ["web"] * count, "fingerprint": values})
        pq.write_table(sketch, paths[-1], compression="zstd", compression_level=1)
    return paths


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]), *sys.argv[2:])
