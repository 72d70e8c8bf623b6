"""The shuffle of a mixture, beside a plain read and write of the same rows as Parquet; and its peak memory.

The rows are real text where TEXTMILL_TEST_DATA names a folder of it, repeated with other ids up to `MEGABYTES`.
"""

import os
import resource
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from timing import processor_seconds

from textmill.pipeline.corpus_stage import CorpusStage
from textmill.pipeline.executor import Inline
from textmill.pipeline.io.jsonl import Jsonl
from textmill.pipeline.io.profile import CORPUS
from textmill.pipeline.io.writer import WrittenFile, parquet_sink
from textmill.pipeline.ledger import Ledger
from textmill.pipeline.mixing.shuffle import Shuffle
from textmill.pipeline.output import write_output
from textmill.pipeline.recipe import Output
from textmill.pipeline.rulings import read_batches
from textmill.pipeline.stage_folder import ShardManifest, StageFolder

MEGABYTES = 300
PARTS = 6


def texts() -> list[str]:
    """A few megabytes of documents."""
    folder = os.environ.get("TEXTMILL_TEST_DATA")
    if folder is None:
        random = np.random.default_rng(0)
        words = np.array([f"{random.integers(1e9):x}"[: random.integers(2, 9)] for _ in range(20_000)])
        return [" ".join(words[random.zipf(1.3, 400) % len(words)]) for _ in range(5000)]
    reader = Jsonl(source="a", files=[f"{folder}/text/{name}/*.jsonl.zst" for name in ("news", "qa", "wiki", "code")])
    columns = [batch.column("text") for shard in reader.shards() for batch in reader.read(shard, Counter())]
    return [text for column in columns for text in column.to_pylist() if text]


def write_parts(folder: StageFolder) -> list[ShardManifest]:
    """The last chain of a mixed run in which every document is used once."""
    found = pa.array(texts(), pa.string())
    sizes = pc.binary_length(found).cast(pa.int64())
    times = max(1, round(MEGABYTES * 1e6 / PARTS / pc.sum(sizes).as_py()))
    parts = []
    for part in range(PARTS):
        with parquet_sink(folder.file("data", part)) as sink:
            for repeat in range(times):
                columns = {
                    "id": pa.array([f"{part}-{repeat}-{row}" for row in range(len(found))]),
                    "source": pa.repeat("a", len(found)),
                    "text": found,
                    "mix_tokens": pc.divide(sizes, 4),
                    "mix_bytes": sizes,
                    "mix_copies_main": pa.repeat(pa.scalar(1, pa.int32()), len(found)),
                }
                batch = pa.RecordBatch.from_pydict(columns)
                for start in range(0, len(found), 1000):
                    sink.write(batch.slice(start, 1000))
        parts.append(ShardManifest(part, {}, Ledger(), {"data": sink.written}))
    return parts


def shuffle(root: Path, last: StageFolder, parts: list[ShardManifest]) -> None:
    """Measure, scatter, write."""
    folder = StageFolder(str(root / "output"))
    stage = CorpusStage(Output(shard_bytes=64_000_000), str(root), folder, last, parts, Shuffle(("main",), 0))
    executor = Inline()
    items = stage.items(executor)
    job = stage.job(executor, items)
    done = {item.part: write_output(job, item) for item in items}
    stage.close(done)
    for part in done:
        folder.retract(part)
    (root / "output/cuts.json").unlink()


def plain(root: Path, last: StageFolder, parts: list[ShardManifest]) -> None:
    """Read every row and write it as the corpus is written."""
    for part in parts:
        with parquet_sink(str(root / f"plain/{part.part}.parquet"), profile=CORPUS) as sink:
            for batch in read_batches(last.file("data", part.part)):
                sink.write(batch)


def main() -> None:
    """Print ratios; with a folder and a part of the work as arguments, do that part and print its peak memory."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        last = StageFolder(str(root / "last"))
        parts = write_parts(last)
        rows = sum(part.files["data"].rows for part in parts)
        stored = sum(part.files["data"].bytes for part in parts)
        print(f"{rows:,} documents, {stored / 1e6:.0f} MB as stored, {PARTS} parts")
        base = processor_seconds(lambda: plain(root, last, parts), 2)
        mixed = processor_seconds(lambda: shuffle(root, last, parts), 2)
        print(f"plain read and write: {base:.2f} s; shuffle: {mixed:.2f} s, {mixed / base:.2f} times")
        for half in (1, 2):  # twice the corpus takes no more memory
            print(f"peak memory of the shuffle of {half * PARTS // 2} parts: {_peak(root, half * PARTS // 2)} MiB")


def _peak(root: Path, parts: int) -> int:
    """Peak memory of a process that shuffles that many parts, in MiB."""
    code = f"import bench_shuffle as b; b.peak({str(root)!r}, {parts})"
    done = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parent, capture_output=True, check=True)
    return int(done.stdout)


def peak(root: str, parts: int) -> None:
    """Shuffle parts that are there, and print the peak memory of this process in MiB."""
    last = StageFolder(f"{root}/last")
    found = []
    for part in range(parts):
        path = last.file("data", part)
        written = WrittenFile(pq.read_metadata(path).num_rows, Path(path).stat().st_size)
        found.append(ShardManifest(part, {}, Ledger(), {"data": written}))
    shuffle(Path(root), last, found)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10)


if __name__ == "__main__":
    main()
