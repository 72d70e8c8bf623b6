"""What the engine costs beside extraction, what a second worker gains, and how flat a worker's memory is.

``python tests/bench/bench_engine.py`` uses the WARC files of the folder named by TEXTMILL_TEST_DATA, else a
synthetic crawl. All ratios are of times measured in this one run.
"""

import os
import resource
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import trafilatura

from textmill.pipeline.executor import Executor, Inline, Serial
from textmill.pipeline.io.html import decode
from textmill.pipeline.io.warc import Warc
from textmill.pipeline.ray_executor import RayExecutor
from textmill.pipeline.recipe import Recipe
from textmill.pipeline.recipe_reader import parse_recipe
from textmill.pipeline.run import run
from textmill.pipeline.sample import generate

CHAIN = {"chain": "base", "steps": [{"extract_html": {"engine": "trafilatura"}}]}


def crawl(folder: Path) -> list[str]:
    """Two WARC files: real ones, or a synthetic crawl."""
    data = os.environ.get("TEXTMILL_TEST_DATA")
    if data is None:
        generate(folder / "crawl", documents=2000, files=2)
    found = Path(data, "pages") if data else folder / "crawl"
    return [str(path) for path in sorted(found.glob("*.warc.gz"))[:2]]


def recipe(files: list[str], split: int) -> Recipe:
    """Extraction alone, in shards of `split` compressed bytes."""
    warc = {"source": "web", "read": "warc", "files": files, "split_bytes": split}
    return parse_recipe({"name": "bench", "inputs": [warc], "stages": [CHAIN]})


def seconds(do: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    """How long it takes, on the clock on the wall or on that of this process's CPU."""
    start = clock()
    do()
    return clock() - start


def extraction_alone(files: list[str]) -> int:
    """Decode and extract every page in a plain loop: no engine, nothing written."""
    reader = Warc(source="web", files=tuple(files))
    pages = 0
    for shard in reader.shards():
        for batch in reader.read(shard, Counter()):
            for html, kind in zip(batch["html"].to_pylist(), batch["content_type"].to_pylist(), strict=True):
                if html is not None:
                    trafilatura.extract(decode(html, kind), include_comments=False, include_tables=True)
                    pages += 1
    return pages


def fresh_run(files: list[str], split: int, executor: Executor, folder: Path) -> None:
    """A whole run, nothing reused."""
    shutil.rmtree(folder / "out", ignore_errors=True)
    run(recipe(files, split), str(folder / "out"), executor)


def main() -> None:
    """Print the ratios."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = crawl(folder)
        split = 1 << 19  # some 25 shards, so that the last one is short
        extraction_alone(files)  # warm up: models, caches, the page cache
        alone = seconds(lambda: extraction_alone(files), time.process_time)
        inline = seconds(lambda: fresh_run(files, split, Inline(), folder), time.process_time)
        print(f"engine: {inline / alone:.3f} times extraction alone (CPU {inline:.1f} s, {alone:.1f} s)")
        times = {}
        for workers in (1, 2):
            executor = RayExecutor(workers=workers)
            fresh_run(files, split, executor, folder)  # workers start and import
            times[workers] = min(seconds(lambda: fresh_run(files, split, executor, folder)) for _ in range(2))  # noqa: B023
            executor.close()
        print(f"two workers: {times[1] / times[2]:.2f} times one ({times[1]:.1f} s, {times[2]:.1f} s)")
        memory(files, folder)


def memory(files: list[str], folder: Path) -> None:
    """Peak memory of a worker on one pass over the input, and on several passes in one shard list."""
    for passes in (1, 4):
        executor = Serial()
        many = recipe(files, 1 << 40)
        for _ in range(passes):
            shutil.rmtree(folder / "out", ignore_errors=True)
            run(many, str(folder / "out"), executor)
        executor.close()
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        print(f"peak memory of a worker after {passes} passes: {peak >> 10} MiB")


if __name__ == "__main__":
    main()
