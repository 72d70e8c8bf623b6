"""Deduplication on a cluster: two workers (four for some) keep the same documents, and cut the same, as one process."""

import numpy as np
import pyarrow as pa
import pytest
from barriers import resolve

from textmill.dedup.lines import Lines
from textmill.dedup.lsh_bloom import LshBloom
from textmill.dedup.minhash import MinHash
from textmill.dedup.ngram_bloom import NgramBloom
from textmill.dedup.semantic import Semantic
from textmill.dedup.sentences import Sentences
from textmill.dedup.simhash import SimHash
from textmill.dedup.substrings import Substrings
from textmill.pipeline.ray_executor import RayExecutor

SETTINGS = {"ngram": 2, "bands": 4, "rows": 2, "normalize": "none"}

DOCUMENTS = [
    (MinHash(**SETTINGS), {"part_bytes": 1}),
    (LshBloom(**SETTINGS, documents=300), {}),
    (SimHash(ngram=1, normalize="none"), {"part_bytes": 1}),
    (Semantic(clusters=5, max_cluster=40, epsilon=0.005), {"part_bytes": 1}),
]
"""Barriers that drop documents, and how small their tasks are."""

SPANS = [
    (Lines(), {"part_bytes": 1}),
    (Sentences(sentences=1), {"part_bytes": 1}),
    (Substrings(words=4), {"part_bytes": 1}),
    (NgramBloom(ngram=3, min_ngram=3, threshold=0.6), {}),
]
"""Barriers that cut spans."""


def shards_of(texts):
    """Three shards of documents, each with a vector that says how often it has each of four letters."""
    counts = [[1 + 3 * text.count(letter) for letter in "abcd"] for text in texts]
    rows = {
        "id": [f"d{n}" for n in range(len(texts))],
        "source": ["web"] * len(texts),
        "text": texts,
        "embedding": counts,
    }
    size = -(-len(texts) // 3)
    return [pa.table(rows).slice(start, size).to_batches()[0] for start in range(0, len(texts), size)]


def crawl():
    """300 short documents of few words: many duplicates, and chains of them."""
    random = np.random.default_rng(0)
    return shards_of([" ".join(random.choice(list("abcdefghijkl"), 5)) for _ in range(300)])


def pages():
    """90 documents of six lines, each one of 200 sentences."""
    random = np.random.default_rng(1)
    known = [" ".join(random.choice(list("abcdefghijklmnop"), 6)) + "." for _ in range(200)]
    return shards_of(["\n".join(random.choice(known, 6)) for _ in range(90)])


def leaving(rulings):
    """How many documents leave."""
    return sum(table["reason"].drop_null().length() for table in rulings)


def cuts(rulings):
    """How many spans are cut."""
    return sum(len(some or ()) for table in rulings for some in table["cuts"].to_pylist())


@pytest.mark.ray
@pytest.mark.parametrize("workers", [2, 4])
def test_workers_do_not_change_the_rulings(workers, tmp_path):
    jobs = [(barrier, limits, crawl(), leaving, 300) for barrier, limits in DOCUMENTS]
    jobs += [(barrier, limits, pages(), cuts, 540) for barrier, limits in SPANS]
    jobs = jobs if workers == 2 else jobs[:2]
    executor = RayExecutor(workers=workers)
    try:
        found = [
            resolve(barrier, shards, tmp_path / str(n), executor=executor, **limits)
            for n, (barrier, limits, shards, _, _) in enumerate(jobs)
        ]
    finally:
        executor.close()
    for n, (barrier, _, shards, count, most) in enumerate(jobs):
        expected = resolve(barrier, shards, tmp_path / f"alone-{n}")
        assert found[n] == expected
        assert most * 0.03 < count(expected) < most * 0.9, barrier
