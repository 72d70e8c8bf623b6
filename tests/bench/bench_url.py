"""Canonical URLs beside courlan's, which trafilatura brings along, and the sketch that deduplication makes of them.

Run ``python tests/bench/bench_url.py``; it prints URLs a second and the ratio.
"""

import timeit
from collections.abc import Callable

import numpy as np
import pyarrow as pa
from courlan import normalize_url

from textmill.dedup.url import UniqueUrl
from textmill.pipeline.urls import canonical_urls

PATHS = ["news/2024/05/a-title-of-some-words.html", "index.php", "wiki/M%C3%BCnchen", "shop/item/", ""]
QUERIES = ["", "", "", "?id=17", "?utm_source=feed&id=17&lang=en", "#comments"]


def main(count: int = 20_000) -> None:
    """Measure `count` URLs."""
    random = np.random.default_rng(0)
    sites = random.integers(0, count, count)
    urls = [f"https://www.site{n}.example/{random.choice(PATHS)}{random.choice(QUERIES)}" for n in sites]
    batch = pa.RecordBatch.from_pydict({"url": urls, "date": ["2024-01-01"] * count})
    ours = best(lambda: canonical_urls(urls))
    theirs = best(lambda: [normalize_url(url) for url in urls])
    print(f"canonical form: {count / ours:,.0f} URLs/s; courlan: {count / theirs:,.0f}/s; ratio {theirs / ours:.1f}")
    print(f"sketch: {count / best(lambda: UniqueUrl().sketch(batch)):,.0f} documents/s")


def best(run: Callable[[], object]) -> float:
    """Seconds, the best of five."""
    return min(timeit.repeat(run, number=1, repeat=5))


if __name__ == "__main__":
    main()
