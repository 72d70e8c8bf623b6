"""Cutting repeated passages, barrier by barrier, on real text; with datatrove's sentence deduplication beside it.

Run ``python tests/bench/bench_spans.py [PYTHON] [megabytes]``; PYTHON is that of an environment with datatrove. Needs
TEXTMILL_TEST_DATA. Prints MB of text a second of processor time, bytes of sketches, what was cut, and what a
second pass over the rest would cut.
"""

import io
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import zstandard

from textmill.dedup.lines import Lines, Paragraphs
from textmill.dedup.ngram_bloom import NgramBloom
from textmill.dedup.sentences import Sentences
from textmill.dedup.substrings import Substrings
from textmill.pipeline.barrier import CUTS, Barrier
from textmill.pipeline.chain_task import sketch_of
from textmill.pipeline.edits import cuts_of
from textmill.pipeline.executor import Inline
from textmill.pipeline.io.writer import parquet_sink
from textmill.pipeline.rulings import apply_ruling

ROWS = 1000
SHARD = 4000
BARRIERS = (Lines(), Paragraphs(), Sentences(), Substrings(), NgramBloom())


def main(python: str = "", megabytes: float = 60) -> None:
    """Measure every barrier on as much text."""
    folder = os.environ.get("TEXTMILL_TEST_DATA")
    if not folder:
        print("needs real texts: set TEXTMILL_TEST_DATA")
        return
    shards = list(cut(documents(Path(folder) / "text", megabytes * 1e6)))
    size = sum(len(text.encode()) for shard in shards for text in shard) / 1e6
    count = sum(map(len, shards))
    print(f"{count} documents, {size:.0f} MB of text, {len(shards)} shards; one core, processor time")
    print("barrier       sketch    resolve    cut, all together MB/s   sketch B/B of text   cut    leave   again")
    for barrier in BARRIERS:
        measure(barrier, shards, size)
    print(f"peak memory of this process {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MiB")
    if python:
        beside(python, shards, size)


def documents(folder: Path, size: float) -> Iterator[str]:
    """Texts, from every file in turn, until there is so much of them."""
    files = [read(path) for path in sorted(folder.rglob("*.jsonl.zst"))]
    while files and size > 0:
        for file in list(files):
            text = next(file, None)
            if text is None:
                files.remove(file)
            else:
                size -= len(text.encode())
                yield text


def read(path: Path) -> Iterator[str]:
    """The texts of a file."""
    with path.open("rb") as stream, zstandard.ZstdDecompressor().stream_reader(stream) as plain:
        for line in io.TextIOWrapper(plain, encoding="utf-8"):
            text = json.loads(line).get("text")
            if isinstance(text, str) and text:
                yield text


def cut(texts: Iterator[str]) -> Iterator[list[str]]:
    """Shards of texts."""
    everything = list(texts)
    for start in range(0, len(everything), SHARD):
        yield everything[start : start + SHARD]


def batches(shard: list[str], number: int) -> list[pa.RecordBatch]:
    """A shard as record batches."""
    ids = [f"shard-{number}/document-{row}" for row in range(len(shard))]
    table = pa.table({"id": ids, "source": pa.repeat("bench", len(shard)), "text": shard})
    return table.to_batches(max_chunksize=ROWS)


def measure(barrier: Barrier, shards: list[list[str]], size: float) -> None:
    """Sketch, resolve and cut; the same once more on what is left."""
    first = passes(barrier, shards)
    again = passes(barrier, first["left"])
    name = type(barrier).__name__
    total = first["sketch"] + first["resolve"] + first["apply"]
    speeds = "".join(f"{size / first[step]:6.0f} MB/s" for step in ("sketch", "resolve", "apply"))
    print(
        f"{name:<12}{speeds} {size / total:10.0f} {first['bytes'] / size / 1e6:20.3f}"
        f" {first['cut'] / size / 1e4:11.2f} %"
        f" {first['gone']:6} {again['cut'] / size / 1e4:9.3f} %"
    )


def passes(barrier: Barrier, shards: list[list[str]]) -> dict[str, object]:
    """One run of a barrier, with the processor seconds of each step."""
    everything = [batches(shard, number) for number, shard in enumerate(shards)]
    warm = [sketch_of(barrier, batch) for batch in everything[0][:1]]
    with tempfile.TemporaryDirectory() as folder:
        sketches = []

        def sketch() -> None:
            for number, some in enumerate(everything):
                with parquet_sink(f"{folder}/{number}.parquet") as sink:
                    for batch in some:
                        sink.write(sketch_of(barrier, batch))
                sketches.append(f"{folder}/{number}.parquet")

        pq.write_table(pa.Table.from_batches(warm), f"{folder}/warm.parquet")
        barrier.resolve([f"{folder}/warm.parquet"], f"{folder}/work-0", Inline())
        times = {"sketch": spent(sketch)}
        rulings: list[str] = []
        times["resolve"] = spent(lambda: rulings.extend(barrier.resolve(sketches, f"{folder}/work", Inline())))
        left: list[list[str]] = []

        def apply() -> None:
            for some, path in zip(everything, rulings, strict=True):
                table = pq.read_table(path)
                left.append([t for batch in apply_ruling(some, table) for t in batch["text"].to_pylist()])

        times["apply"] = spent(apply)
        tables = [pq.read_table(path) for path in rulings]
        gone = sum(pc.count(table["reason"]).as_py() for table in tables)
        before, after = (sum(len(t) for s in texts for t in s) for texts in (shards, left))
        assert (
            sum(int(cuts_of(table).lengths().sum()) for table in tables if CUTS in table.schema.names) <= before - after
        )
        size = sum(Path(path).stat().st_size for path in sketches)
    return {**times, "left": left, "bytes": size, "gone": gone, "cut": before - after}


def spent(run: Callable[[], object]) -> float:
    """Processor seconds."""
    start = time.process_time()
    run()
    return time.process_time() - start


DATATROVE = """
import json, resource, sys, time, tempfile
from datatrove.data import Document
from datatrove.pipeline.dedup import SentenceDedupSignature, SentenceFindDedups, SentenceDedupFilter
from datatrove.pipeline.dedup.sentence_dedup import SentDedupConfig
texts = json.load(sys.stdin)
folder = tempfile.mkdtemp()
config = SentDedupConfig(
    n_sentences=3, split_sentences=True, only_dedup_in_index=False, min_doc_words=0, min_num_sentences=0
)
def documents():
    return [Document(text=t, id=str(i)) for i, t in enumerate(texts)]
warm = [Document(text="One. Two. Three. Four.", id="0")]
SentenceDedupSignature(folder + "/warm", finder_workers=1, config=config).run(warm, 0, 1)
start = time.process_time()
for _ in SentenceDedupSignature(folder + "/sigs", finder_workers=1, config=config).run(documents(), 0, 1) or (): pass
SentenceFindDedups(data_folder=folder + "/sigs", output_folder=folder + "/dups", config=config).run(None, 0, 1)
kept = sum(len(d.text) for d in SentenceDedupFilter(data_folder=folder + "/dups", config=config).run(documents(), 0, 1))
print(json.dumps({"seconds": time.process_time() - start, "kept": kept}))
"""


def beside(python: str, shards: list[list[str]], size: float, most: float = 20) -> None:
    """datatrove's three stages and ours on the first shards, up to so many MB."""
    some: list[list[str]] = []
    for shard in shards:
        some.append(shard)
        if sum(len(text.encode()) for texts in some for text in texts) > most * 1e6:
            break
    size = sum(len(text.encode()) for texts in some for text in texts) / 1e6
    texts = json.dumps([text for shard in some for text in shard])
    done = subprocess.run([python, "-c", DATATROVE], input=texts, capture_output=True, text=True, check=True)
    theirs = json.loads(done.stdout.splitlines()[-1])
    ours = passes(Sentences(), some)
    seconds = float(ours["sketch"]) + float(ours["resolve"]) + float(ours["apply"])  # type: ignore[arg-type]
    chars = sum(len(text) for shard in some for text in shard)
    print(
        f"three sentences, {size:.0f} MB: datatrove {size / theirs['seconds']:.2f} MB/s, "
        f"cuts {chars - theirs['kept']} characters;",
        end=" ",
    )
    print(f"textmill {size / seconds:.1f} MB/s, cuts {ours['cut']}; ratio {theirs['seconds'] / seconds:.0f}")


if __name__ == "__main__":
    main(*sys.argv[1:2], *map(float, sys.argv[2:3]))
