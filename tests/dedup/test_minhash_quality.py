"""What near-duplicate removal finds in texts of which the truth is known: the sample crawl, and real ones.

``python tests/dedup/test_minhash_quality.py`` prints the table of docs/dedup.md.
"""

import io
import json
import sys
import tempfile
from collections import Counter
from math import comb
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from textmill.dedup.lsh import match_probability
from textmill.dedup.minhash import MinHash
from textmill.dedup.normalize import normalize
from textmill.dedup.signatures import band_keys, permutations, signatures
from textmill.pipeline.arrow import text_buffers
from textmill.pipeline.executor import Inline
from textmill.pipeline.kernels.shingles import word_shingles
from textmill.pipeline.sample import generate

SEEDS = 20


def scores(found, truth):
    """Precision, recall and F1 of pairs that are in one cluster, and the adjusted Rand index of the clusters."""

    def pairs(clusters):
        return sum(comb(size, 2) for size in Counter(clusters).values())

    both, ours, theirs = pairs(zip(found, truth, strict=True)), pairs(found), pairs(truth)
    chance = ours * theirs / comb(len(found), 2)
    f1 = 2 * both / (ours + theirs)
    return both / ours, both / theirs, f1, (both - chance) / ((ours + theirs) / 2 - chance)


def sample_scores(barrier, folder, documents):
    """The scores of a barrier on the main texts of a sample crawl, exact duplicates included."""
    generate(folder / "crawl", documents=documents)
    rows = [json.loads(line) for line in (folder / "crawl/truth.jsonl").read_text().splitlines()]
    rows = [row for row in rows if row["text"]]
    ids = pa.array([row["id"] for row in rows])
    sketch = barrier.sketch(pa.RecordBatch.from_pydict({"text": pa.array([row["text"] for row in rows])}))
    columns = dict(zip(sketch.schema.names, sketch.columns, strict=True))
    path = str(folder / "sketch.parquet")
    pq.write_table(pa.table({"id": ids, "source": ["sample"] * len(rows), **columns}), path)
    (ruling,) = barrier.resolve([path], str(folder / "work"), Inline())
    kept = pq.read_table(ruling)["kept_id"].to_pylist()
    found = [other or row["id"] for other, row in zip(kept, rows, strict=True)]
    return scores(found, [row["cluster"] or row["id"] for row in rows])


def test_scores_of_two_clusterings():
    """Of 3 pairs found and 2 true ones 1 is both: by chance 3 · 2 / 10 = .6 would be."""
    found, truth = [1, 1, 1, 2, 3], [1, 1, 2, 3, 3]
    assert scores(found, truth) == pytest.approx((1 / 3, 1 / 2, 2 / 5, 0.4 / 1.9))


def test_the_sample_crawls_clusters_are_found(tmp_path):
    precision, recall, f1, rand = sample_scores(MinHash(), tmp_path, 400)
    assert min(precision, recall, f1, rand) > 0.99


def read(path):
    """The rows of a compressed JSONL file."""
    with path.open("rb") as stream, zstandard.ZstdDecompressor().stream_reader(stream) as plain:
        return [json.loads(line) for line in io.TextIOWrapper(plain)]


def recall_by_similarity(texts, pairs):
    """For bins of exact Jaccard similarity: pairs, mean match probability, mean and deviation of the share found.

    The share is found by each of `SEEDS` seeds; `pairs`: row numbers, shape (n, 2).
    """
    data, offsets, _ = text_buffers(normalize(pa.array(texts, pa.string()), "letters"))
    shingles = word_shingles(data, offsets, 5)
    sets = [set(some.tolist()) for some in np.split(shingles.hashes, shingles.first[1:-1])]
    exact = np.array([len(sets[a] & sets[b]) / max(1, len(sets[a] | sets[b])) for a, b in pairs])
    found = []
    for seed in range(SEEDS):
        keys = band_keys(signatures(shingles, permutations(112, seed)), 14, np.zeros(len(texts), np.uint64))
        found.append((keys[pairs[:, 0]] == keys[pairs[:, 1]]).any(axis=1))
    rows = []
    for low in (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9):
        inside = (exact >= low) & (exact < low + 0.1 + (low == 0.9))
        shares = np.array(found)[:, inside].mean(axis=1)
        rows.append((low, inside.sum(), match_probability(exact[inside], 14, 8).mean(), shares.mean(), shares.std()))
    return rows


def real_pairs(real_data):
    """Real texts and pairs of them: licences with a Jaccard similarity of .3 or more, and pairs of copied pages."""
    licences = read(real_data / "neardup/licences.jsonl.zst")
    number = {row["id"]: n for n, row in enumerate(licences)}
    similar = read(real_data / "neardup/licences_pairs_exact_jaccard5.jsonl.zst")
    pages = read(real_data / "neardup/copycat_webpage_pairs.jsonl.zst")
    texts = [row["text"] for row in licences] + [row[side] for row in pages for side in ("src", "target")]
    pairs = [(number[row["a"]], number[row["b"]]) for row in similar]
    pairs += [(n, n + 1) for n in range(len(licences), len(texts), 2)]
    return texts, np.array(pairs)


def test_recall_on_real_documents_is_what_the_formula_says(real_data):
    """The deviation is that between seeds: pairs of one family of texts are found or missed together."""
    for low, pairs, expected, share, deviation in recall_by_similarity(*real_pairs(real_data)):
        assert pairs > 100
        assert abs(share - expected) <= 3 * deviation / SEEDS**0.5 + 0.001, low


def main(real_data):
    """Print both tables."""
    for low, pairs, expected, share, _ in recall_by_similarity(*real_pairs(real_data)):
        print(f"| {low:.1f} | {pairs} | {expected:.3f} | {share:.3f} |")
    for settings in ({}, {"verify": "signature"}, {"bands": 25, "rows": 10}, {"ngram": 13, "bands": 9, "rows": 13}):
        with tempfile.TemporaryDirectory() as folder:
            print(settings, *(f"{score:.4f}" for score in sample_scores(MinHash(**settings), Path(folder), 10_000)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
