"""How much of planted benchmark text `decontaminate` finds, by how it was altered, and how fast it looks.

    TEXTMILL_TEST_DATA=... python tests/bench/bench_decontaminate.py

Examples of real benchmarks, of 20 words or more, are planted in the middle of real web pages; the last row has the
pages alone.
"""

import io
import json
import os
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import zstandard

from textmill.dedup.decontaminate import Decontaminate, coverage_of, examples_of
from textmill.dedup.gram_scan import find_grams
from textmill.pipeline.arrow import text_buffers
from textmill.pipeline.kernels.placed_words import placed_words

BENCHMARKS = ("gsm8k_test", "arc_easy", "openbook_qa", "piqa", "svamp")
PLANTED = 400


def texts(path: Path, limit: int) -> Iterator[str]:
    with path.open("rb") as stream:
        reader = io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(stream), encoding="utf-8")
        for number, line in enumerate(reader):
            if number == limit:
                return
            yield json.loads(line)["text"]


def part(share: float) -> Callable[[str, random.Random], str]:
    def cut(text: str, _: random.Random) -> str:
        words = text.split()
        return " ".join(words[: round(share * len(words))])

    return cut


def typos(every: int) -> Callable[[str, random.Random], str]:
    def spoil(text: str, chance: random.Random) -> str:
        words = text.split()
        for at in range(chance.randrange(every), len(words), every):
            words[at] = words[at][::-1] + "x"
        return " ".join(words)

    return spoil


ALTERATIONS: dict[str, Callable[[str, random.Random], str]] = {
    "verbatim": lambda text, _: text,
    "upper case": lambda text, _: text.upper(),
    "other punctuation": lambda text, _: "".join(c if c.isalnum() or c.isspace() else " - " for c in text),
    "line breaks": lambda text, _: "\n".join(text.split()),
    "first 75 %": part(0.75),
    "first 60 %": part(0.6),
    "first 40 %": part(0.4),
    "a word in 40 changed": typos(40),
    "a word in 20 changed": typos(20),
    "a word in 10 changed": typos(10),
}


def found(step: Decontaminate, documents: list[str], wanted: list[str] | None) -> int:
    """Documents in which the planted example, or without one any example, is covered enough."""
    index = step.index()
    data, offsets, _ = text_buffers(pa.array(documents))
    hits = find_grams(placed_words(data, offsets), index.grams, index.sizes, index.possible)
    count = 0
    for row in range(len(documents)):
        grams = sorted(set(hits.gram[hits.first[row] : hits.first[row + 1]].tolist()))
        if grams:
            shares = examples_of(index, coverage_of(index, np.array(grams)), "any")
            good = {name for (_, name), share in shares.items() if share >= step.min_coverage}
            count += bool(good) if wanted is None else wanted[row] in good
    return count


def main() -> None:
    """Print a table of recall, and megabytes a second."""
    folder = Path(os.environ["TEXTMILL_TEST_DATA"])
    files = {name: {"files": str(folder / f"benchmarks/{name}.jsonl.zst")} for name in BENCHMARKS}
    steps = {
        "13 words, half": Decontaminate.model_validate({"benchmarks": files, "ngram": 13}),
        "8 words, half": Decontaminate.model_validate({"benchmarks": files}),
        "13 words, any": Decontaminate.model_validate({"benchmarks": files, "ngram": 13, "min_coverage": 0}),
    }
    pages = [text for path in sorted((folder / "text/web").glob("*.zst"))[:4] for text in texts(path, 1000)]
    examples = []
    for name in BENCHMARKS:
        with (folder / f"benchmarks/{name}.jsonl.zst").open("rb") as stream:
            reader = io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(stream), encoding="utf-8")
            examples += [row for line in reader if len((row := json.loads(line))["text"].split()) >= 20]
    chance = random.Random(0)
    planted = chance.sample(examples, PLANTED)
    print(f"{'altered':<24}" + "".join(f"{name:>18}" for name in steps))
    for name, alter in ALTERATIONS.items():
        documents = []
        for example in planted:
            page = chance.choice(pages)
            middle = len(page) // 2
            documents.append(f"{page[:middle]}\n{alter(example['text'], chance)}\n{page[middle:]}")
        wanted = [example["id"] for example in planted]
        print(f"{name:<24}" + "".join(f"{found(s, documents, wanted) / PLANTED:>18.3f}" for s in steps.values()))
    print(f"{'pages alone':<24}" + "".join(f"{found(s, pages, None) / len(pages):>18.4f}" for s in steps.values()))
    batch = pa.RecordBatch.from_pydict({"text": pages})
    size = sum(len(page.encode()) for page in pages) / 1e6
    for name, step in steps.items():
        start = time.process_time()
        step.sketch(batch)
        speed = size / (time.process_time() - start)
        print(f"{name}: {speed:.0f} MB of text a second, looking for {len(step.index().grams)} runs")


if __name__ == "__main__":
    main()
