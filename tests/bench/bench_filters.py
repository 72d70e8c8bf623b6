"""How fast filters and scorers are on one core, beside their slow twins and what they stand on.

``python tests/bench/bench_filters.py [PYTHON]`` uses texts of the folder named by TEXTMILL_TEST_DATA, else of a
synthetic crawl. All ratios are of times measured in this one run. PYTHON is that of an environment with
datatrove (and spacy), to compare the filters that both have.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import pyarrow as pa
import zstandard
from timing import seconds

from textmill.filters.c4 import C4Quality
from textmill.filters.fineweb import FinewebQuality
from textmill.filters.gopher import GopherQuality
from textmill.filters.repetition import GopherRepetition
from textmill.filters.url import BlockedUrl
from textmill.pipeline.chain import Chain
from textmill.pipeline.mappers.c4_lines import C4Lines
from textmill.pipeline.sample import generate
from textmill.pipeline.step import Filter, Step
from textmill.pipeline.testing import batch_of
from textmill.pipeline.text import text_of
from textmill.scorers.fasttext import load_classifier
from textmill.scorers.language import Language

sys.path.insert(0, str(Path(__file__).parent.parent))
ROWS = 1000  # a batch, about as readers make them


def main() -> None:
    """Print MB/s (or URLs/s) and ratios."""
    import naive

    texts, urls = zip(*documents(), strict=True)
    pages = batch_of({"text": texts, "url": urls})
    megabytes = sum(len(text.encode()) for text in texts) / 1e6
    print(f"{len(texts)} texts, {megabytes:.1f} MB")

    rules = GopherQuality()
    ours = seconds(lambda: [rules.judge(batch) for batch in batches(pages)])
    twin = seconds(lambda: [naive.gopher_quality(text, rules.model_dump()) for text in texts], times=1)
    print(f"gopher_quality: {megabytes / ours:.0f} MB/s; plain Python {megabytes / twin:.1f}; ratio {twin / ours:.0f}")

    together(pages, megabytes)
    if len(sys.argv) > 1:
        beside_datatrove(texts, sys.argv[1])

    model = load_classifier("lid176")
    lines = [text.replace("\n", " ") + "\n" for text in texts]
    alone = seconds(lambda: [model.f.predict(line, 1, 0.0, "strict") for line in lines], times=2)
    ours = seconds(lambda: [Language().score(batch) for batch in batches(pages)], times=2)
    print(f"language: {megabytes / ours:.1f} MB/s; fastText alone {megabytes / alone:.1f}; ratio {alone / ours:.2f}")

    for names in (["domains"], ["domains", "hard_words", "soft_words"]):
        blocked = BlockedUrl.model_validate({name: [f"configs/lists/{name}.txt"] for name in names})
        ours = seconds(lambda step=blocked: [step.judge(batch) for batch in batches(pages)])
        print(f"blocked_url by {', '.join(names)}: {len(urls) / ours:,.0f} URLs/s")


FOUR: Sequence[Filter] = (GopherRepetition(), GopherQuality(), C4Quality(), FinewebQuality())


def together(pages: pa.RecordBatch, megabytes: float) -> None:
    """Each of the four filters alone, and all in a chain that drops rows as they go, with and without c4_lines."""
    for step in FOUR:
        alone = seconds(lambda step=step: run_chain([step], pages), times=3)
        print(f"{type(step).__name__} alone: {megabytes / alone:.0f} MB/s")
    chained = seconds(lambda: run_chain(FOUR, pages))
    print(f"the four in a chain: {megabytes / chained:.0f} MB/s")
    every = seconds(lambda: judge_all(pages))
    print(f"the four on every text: {megabytes / every:.0f} MB/s")
    rewriting = seconds(lambda: run_chain([*FOUR[:2], C4Lines(), *FOUR[2:]], pages))
    print(f"with c4_lines before c4_quality: {megabytes / rewriting:.0f} MB/s")


def run_chain(steps: Sequence[Step], pages: pa.RecordBatch) -> None:
    for batch in batches(pages):
        forget()
        Chain("bench", [(str(number), step) for number, step in enumerate(steps)]).process(batch)


def judge_all(pages: pa.RecordBatch) -> None:
    for batch in batches(pages):
        forget()
        for step in FOUR:
            step.judge(batch)


def forget() -> None:
    """Let no step know the text from an earlier run."""
    text_of(pa.array([""]))


def beside_datatrove(texts: Sequence[str], python: str) -> None:
    """The four filters on every 20th text, one after the other, each on all of them."""
    few = [text for text in texts[::20] if text.strip()]
    megabytes = sum(len(text.encode()) for text in few) / 1e6
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        file.writelines(json.dumps(text) + "\n" for text in few)
        file.flush()
        command = [python, str(Path(__file__).with_name("datatrove_filters.py")), file.name]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    theirs = [json.loads(line) for line in output.splitlines()]
    pages = batch_of(few)
    for step, result in zip(FOUR, theirs, strict=True):
        ours = seconds(lambda step=step: run_chain([step], pages))
        print(f"{result['filter']}: {megabytes / result['seconds']:.2f} MB/s; ratio {result['seconds'] / ours:.0f}")
    total = sum(result["seconds"] for result in theirs)
    ours = seconds(lambda: [step.judge(batch) for batch in batches(pages) for step in FOUR])
    print(
        f"datatrove's four, {megabytes:.1f} MB: {megabytes / total:.2f} MB/s; textmill {megabytes / ours:.0f}", end="; "
    )
    print(f"ratio {total / ours:.0f}")


def documents() -> Iterator[tuple[str, str]]:
    """Texts with URLs: real texts, or those of a synthetic crawl."""
    data = os.environ.get("TEXTMILL_TEST_DATA")
    if data:
        for file in sorted(Path(data, "text").glob("*/*.jsonl.zst")):
            with zstandard.open(file, "rt", encoding="utf-8") as stream:
                for row in map(json.loads, islice(stream, 200)):
                    yield row["text"], row.get("url") or f"https://www.{file.parent.name}.example/{row['id']}"
        return
    with tempfile.TemporaryDirectory() as folder:
        generate(f"{folder}/crawl", documents=3000)
        for row in map(json.loads, Path(folder, "crawl", "truth.jsonl").read_text().splitlines()):
            yield row["text"] or "", row["url"]


def batches(pages: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """Slices of `ROWS` rows."""
    return (pages.slice(start, ROWS) for start in range(0, pages.num_rows, ROWS))


if __name__ == "__main__":
    main()
