"""Documents that are nearly alike, and what became of them: for tests of the barriers that find them."""

import barriers
import numpy as np
import pyarrow as pa
from hypothesis import strategies as st

from textmill.pipeline.barrier import RULING

LAYOUT = pa.schema([("text", pa.string()), ("id", pa.string()), ("source", pa.string()), ("score", pa.float32())])
RULED = RULING.append(pa.field("cluster_size", pa.int64()))


def document(text, source="web", score=None, name=None):
    return {"text": text, "source": source, "score": score, "id": name or text}


def distinct(count, words=30):
    """Documents that have no shingle in common."""
    return [
        document(" ".join(f"d{chr(97 + n % 26)}{'x' * (n // 26)}{'y' * w}" for w in range(words))) for n in range(count)
    ]


def resolve(barrier, shards, folder, **options):
    """The rulings on each shard, as tables."""
    return barriers.resolve(barrier, [pa.RecordBatch.from_pylist(s, LAYOUT) for s in shards], folder, **options)


def outcomes(shards, rulings):
    """For each document (id it was dropped for or None, size of its cluster), checking that each is ruled on once."""
    found = []
    for shard, ruling in zip(shards, rulings, strict=True):
        assert ruling.schema == RULED
        assert ruling["row"].to_pylist() == list(range(len(shard)))
        for row in ruling.to_pylist():
            assert row["reason"] == ("near_duplicate" if row["kept_id"] is not None else None)
            found.append((row["kept_id"], row["cluster_size"]))
    return found


def survivors(shards, rulings):
    """The ids of the documents that stay."""
    kept = []
    for shard, ruling in zip(shards, rulings, strict=True):
        gone = {row["row"] for row in ruling.to_pylist() if row["reason"]}
        kept += [row["id"] for number, row in enumerate(shard) if number not in gone]
    return kept


texts = st.lists(st.sampled_from("abcd"), max_size=7).map(" ".join)
crawls = st.lists(
    st.lists(
        st.builds(document, texts, st.sampled_from(["web", "wiki"]), st.sampled_from([0.0, 0.5])),
        min_size=1,
        max_size=7,
    ),
    max_size=5,
)
"""Shards of short documents of few words, many of them alike and many more alike in part."""


def crawl(clusters=40, seed=0):
    """Documents of 40 words in clusters of up to 6 that differ in a few words, all with different scores."""
    random = np.random.default_rng(seed)
    rows = []
    for cluster in range(clusters):
        words = [f"w{cluster}{'abcdefghij'[i % 10] * (i // 10 + 1)}" for i in range(40)]
        for copy in range(random.integers(1, 7)):
            changed = [f"new{random.integers(1 << 30)}" if random.random() < 0.02 else word for word in words]
            rows.append(document(" ".join(changed), name=f"{cluster}-{copy}", score=float(random.random())))
    return [rows[i] for i in random.permutation(len(rows))]


def in_shards(rows, count):
    return [rows[i::count] for i in range(count)]
