"""Pages a second of the extraction engines on one core, with metadata where an engine finds any.

``python tests/bench/bench_extract.py [PAGES]`` uses the pages of the folder named by TEXTMILL_TEST_DATA, else those
of a synthetic crawl. All ratios are of CPU times measured in this one run, the engines in turns.
"""

import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import pyarrow as pa

from textmill.pipeline.io.warc import Warc
from textmill.pipeline.mappers.extract_html import ExtractHtml
from textmill.pipeline.sample import generate

METADATA = ("title", "author", "published")
ENGINES = {
    "trafilatura": ExtractHtml(engine="trafilatura", metadata=METADATA),
    "resiliparse": ExtractHtml(engine="resiliparse"),
    "textmill": ExtractHtml(engine="textmill", metadata=METADATA, confidence=True),
}


def batches(folder: Path, most: int) -> list[pa.RecordBatch]:
    """Pages in batches of 50, spread over the files."""
    data = os.environ.get("TEXTMILL_TEST_DATA")
    if data is None:
        generate(folder, documents=most, files=1)
    found = []
    files = sorted(Path(data, "pages").glob("*.warc.gz")) if data else sorted(folder.glob("*.warc.gz"))
    for path in files:
        pages = 0
        reader = Warc(source="web", files=(str(path),))
        for shard in reader.shards():
            for batch in reader.read(shard, Counter()):
                take = min(batch.num_rows, most // len(files) - pages)
                found += [batch.slice(at, min(50, take - at)) for at in range(0, take, 50)]
                pages += take
    return found


def main() -> None:
    """Print pages a second and ratios."""
    with tempfile.TemporaryDirectory() as name:
        pages = batches(Path(name), int(sys.argv[1]) if len(sys.argv) > 1 else 600)
    for engine in ENGINES.values():
        engine.prepare()
        engine.apply(pages[0])
    spent = dict.fromkeys(ENGINES, 0.0)
    for batch in pages:
        for name, engine in ENGINES.items():
            start = time.process_time()
            engine.apply(batch)
            spent[name] += time.process_time() - start
    count = sum(batch.num_rows for batch in pages)
    for name, seconds in spent.items():
        ratio = spent["trafilatura"] / seconds
        print(f"{name}: {count / seconds:,.0f} pages/s, {ratio:.1f} times trafilatura")


if __name__ == "__main__":
    main()
