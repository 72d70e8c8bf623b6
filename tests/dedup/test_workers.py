"""Deduplication on a cluster: two and four workers keep the same documents as one process."""

import numpy as np
import pyarrow as pa
import pytest
from barriers import resolve

from textmill.dedup.lsh_bloom import LshBloom
from textmill.dedup.minhash import MinHash
from textmill.pipeline.ray_executor import RayExecutor

SETTINGS = {"ngram": 2, "bands": 4, "rows": 2, "normalize": "none"}


def crawl():
    """Three shards of 100 short documents of few words: many duplicates, and chains of them."""
    random = np.random.default_rng(0)
    texts = [" ".join(random.choice(list("abcdefghijkl"), 5)) for _ in range(300)]
    return [
        pa.RecordBatch.from_pydict(
            {
                "id": [f"{shard}-{row}" for row in range(100)],
                "source": ["web"] * 100,
                "text": texts[100 * shard : 100 * shard + 100],
            }
        )
        for shard in range(3)
    ]


@pytest.mark.ray
@pytest.mark.parametrize("workers", [2, 4])
def test_workers_do_not_change_the_rulings(workers, tmp_path):
    shards = crawl()
    jobs = [
        (MinHash(**SETTINGS), {"part_bytes": 1}),
        (LshBloom(**SETTINGS, documents=300), {}),
    ]
    executor = RayExecutor(workers=workers)
    try:
        found = [
            resolve(barrier, shards, tmp_path / str(n), executor=executor, **limits)
            for n, (barrier, limits) in enumerate(jobs)
        ]
    finally:
        executor.close()
    for n, (barrier, _) in enumerate(jobs):
        expected = resolve(barrier, shards, tmp_path / f"alone-{n}")
        assert found[n] == expected
        leave = sum(table["reason"].drop_null().length() for table in expected)
        assert 30 < leave < 270
