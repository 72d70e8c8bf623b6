"""What near-duplicate removal finds where the truth is known: copied pages, licences, the sample crawl.

``python tests/bench/dedup_quality.py FOLDER`` prints the tables of docs/dedup.md; FOLDER: the shared test data.
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
import zstandard
from scipy.sparse import coo_array, csr_array

from textmill.dedup.components import Links, components
from textmill.dedup.fingerprints import fingerprints
from textmill.dedup.lsh import match_probability
from textmill.dedup.lsh_bloom import LshBloom
from textmill.dedup.minhash import MinHash
from textmill.dedup.normalize import normalize
from textmill.dedup.signatures import band_keys, permutations, signatures
from textmill.dedup.simhash import SimHash
from textmill.pipeline.arrow import text_buffers
from textmill.pipeline.executor import Inline
from textmill.pipeline.kernels.shingles import word_shingles
from textmill.pipeline.sample import generate

SEEDS = 20
KINDS = ("news", "web", "legal", "wiki", "qa", "math", "code", "spam")
DUPLICATE = 2.0
"""The label from which on people call two pages near-duplicates; there are 0.5, 1, 2 and 3."""

SIMILAR = 0.8
"""The exact similarity from which on two licences count as near-duplicates."""

BARRIERS = {
    **{f"minhash, threshold {t}": MinHash(threshold=t) for t in (0.5, 0.6, 0.7, 0.8, 0.9)},
    "minhash": MinHash(),
    "minhash, 14 × 8, exact, .8": MinHash(verify="exact", min_similarity=0.8),
    "minhash, 25 × 5, exact, .8": MinHash(bands=25, rows=5, verify="exact", min_similarity=0.8),
    "lsh_bloom, 9 × 13": LshBloom(documents=100_000),
    "lsh_bloom, 14 × 8": LshBloom(documents=100_000, bands=14, rows=8),
    "simhash": SimHash(),
    "simhash, distance 8": SimHash(distance=8, blocks=10),
    "simhash, characters": SimHash(shingle="character"),
}


def verdicts(barrier, texts, folder):
    """For each text the number of the one that stays for it (its own where it stays), or -1 where nobody is named."""
    sketch = barrier.sketch(pa.RecordBatch.from_pydict({"text": pa.array(texts, pa.string())}))
    columns = dict(zip(sketch.schema.names, sketch.columns, strict=True))
    path = str(folder / "sketch.parquet")
    ids = [str(n) for n in range(len(texts))]
    pq.write_table(pa.table({"id": ids, "source": ["truth"] * len(texts), **columns}), path)
    (ruling,) = barrier.resolve([path], str(folder / "work"), Inline())
    found = np.arange(len(texts))
    for row in pq.read_table(ruling).to_pylist():
        if row["reason"]:
            found[row["row"]] = -1 if row["kept_id"] is None else int(row["kept_id"])
    return found


def pair_scores(found, truth):
    """Precision, recall and F1 of pairs that are in one cluster, and the adjusted Rand index of the clusters."""

    def pairs(clusters):
        return sum(comb(size, 2) for size in Counter(clusters).values())

    both, ours, theirs = pairs(zip(found, truth, strict=True)), pairs(found), pairs(truth)
    chance = ours * theirs / comb(len(found), 2)
    return *rates(both, ours, theirs), (both - chance) / ((ours + theirs) / 2 - chance)


def document_scores(found, truth):
    """Precision, recall and F1 of the documents that leave; of a true cluster all but the first should."""
    own = np.arange(len(found))
    ours, theirs = np.asarray(found) != own, np.asarray(truth) != own
    return rates((ours & theirs).sum(), ours.sum(), theirs.sum())


def rates(both, ours, theirs):
    """Precision, recall, F1 of so many found of which so many are true of so many."""
    return both / max(ours, 1), both / max(theirs, 1), 2 * both / max(ours + theirs, 1)


def sample_crawl(folder, documents):
    """The main texts of a sample crawl, exact duplicates included, and for each the first of its cluster."""
    generate(folder / "crawl", documents=documents)
    rows = [json.loads(line) for line in (folder / "crawl/truth.jsonl").read_text().splitlines()]
    rows = [row for row in rows if row["text"]]
    first = {}
    truth = [first.setdefault(row["cluster"] or row["id"], number) for number, row in enumerate(rows)]
    return [row["text"] for row in rows], np.array(truth)


def read(path):
    """The rows of a compressed JSONL file."""
    with path.open("rb") as stream, zstandard.ZstdDecompressor().stream_reader(stream) as plain:
        return [json.loads(line) for line in io.TextIOWrapper(plain, encoding="utf-8")]


def licences(real_data):
    """Texts, and for each the first that it is connected with by pairs of an exact similarity of `SIMILAR` or more."""
    rows = read(real_data / "neardup/licences.jsonl.zst")
    number = {row["id"]: n for n, row in enumerate(rows)}
    similar = [
        (number[row["a"]], number[row["b"]])
        for row in read(real_data / "neardup/licences_pairs_exact_jaccard5.jsonl.zst")
        if float(row["jaccard5"]) >= SIMILAR
    ]
    clusters = components(Links(*np.array(similar).T))
    truth = np.arange(len(rows))
    truth[clusters.nodes] = clusters.labels
    return [row["text"] for row in rows], truth


def labelled_pages(real_data):
    """Texts of pairs of pages, one after another, and what people say: whether each pair are near-duplicates."""
    rows = [row for row in read(real_data / "neardup/copycat_webpage_pairs.jsonl.zst") if row["label"] != "unknown"]
    return [row[side] for row in rows for side in ("src", "target")], np.array(
        [float(row["label"]) >= DUPLICATE for row in rows]
    )


def page_scores(barrier, pages, folder):
    """Precision, recall and F1 of pairs of pages of which the second leaves for the first, or for the same as it."""
    texts, truth = pages
    found = verdicts(barrier, texts, folder)
    first, second = found[::2], found[1::2]
    alike = (first == second) | (second == -1)
    return rates((alike & truth).sum(), alike.sum(), truth.sum())


def recall_by_similarity(texts, pairs):
    """For bins of exact Jaccard similarity what is found of `pairs`: row numbers, shape (n, 2).

    The number of pairs; mean match probability, and mean and deviation of the share that agrees in a band over
    `SEEDS` seeds; the share whose fingerprints differ in 4 bits at most, and in 8.
    """
    data, offsets, _ = text_buffers(normalize(pa.array(texts, pa.string()), "letters"))
    shingles = word_shingles(data, offsets, 5)
    sets = [set(some.tolist()) for some in np.split(shingles.hashes, shingles.first[1:-1])]
    exact = np.array([len(sets[a] & sets[b]) / max(1, len(sets[a] | sets[b])) for a, b in pairs])
    found = []
    for seed in range(SEEDS):
        keys = band_keys(signatures(shingles, permutations(112, seed)), 14, np.zeros(len(texts), np.uint64))
        found.append((keys[pairs[:, 0]] == keys[pairs[:, 1]]).any(axis=1))
    runs = word_shingles(data, offsets, 6)
    marks = fingerprints(runs.first, runs.hashes)
    bits = np.bitwise_count(marks[pairs[:, 0]] ^ marks[pairs[:, 1]])
    rows = []
    for low in (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9):
        inside = (exact >= low) & (exact < low + 0.1 + (low == 0.9))
        shares = np.array(found)[:, inside].mean(axis=1)
        close = [(bits[inside] <= distance).mean() for distance in (4, 8)]
        expected = match_probability(exact[inside], 14, 8).mean()
        rows.append((low, inside.sum(), expected, shares.mean(), shares.std(), *close))
    return rows


def real_pairs(real_data):
    """Real texts and pairs of them: licences with a Jaccard similarity of .3 or more, and pairs of copied pages."""
    rows = read(real_data / "neardup/licences.jsonl.zst")
    number = {row["id"]: n for n, row in enumerate(rows)}
    similar = read(real_data / "neardup/licences_pairs_exact_jaccard5.jsonl.zst")
    pages = read(real_data / "neardup/copycat_webpage_pairs.jsonl.zst")
    texts = [row["text"] for row in rows] + [row[side] for row in pages for side in ("src", "target")]
    pairs = [(number[row["a"]], number[row["b"]]) for row in similar]
    pairs += [(n, n + 1) for n in range(len(rows), len(texts), 2)]
    return texts, np.array(pairs)


def real_texts(real_data):
    """5,000 real texts: the licences, and others of several kinds, evenly taken."""
    found = [row["text"] for row in read(real_data / "neardup/licences.jsonl.zst")]
    files = [file for kind in KINDS for file in sorted((real_data / "text" / kind).glob("*.jsonl.zst"))]
    others = [row["text"] or "" for file in files for row in read(file)]
    wanted = 5000 - len(found)
    return found + others[:: len(others) // wanted][:wanted]


def similar_pairs(texts, least=0.3):
    """All pairs of texts of that exact similarity (five-word shingles) or more, by comparing all; shape (n, 2)."""
    data, offsets, _ = text_buffers(normalize(pa.array(texts, pa.string()), "letters"))
    shingles = word_shingles(data, offsets, 5)
    text = np.repeat(np.arange(len(texts)), np.diff(shingles.first))
    _, shingle = np.unique(shingles.hashes, return_inverse=True)
    holds = csr_array((np.ones(len(text), np.int32), (text, shingle)))
    holds.data[:] = 1
    sizes = np.diff(holds.indptr)
    shared = coo_array(holds @ holds.T)
    one, other = shared.coords
    similarity = shared.data / (sizes[one] + sizes[other] - shared.data)
    wanted = (one < other) & (similarity >= least)
    return np.stack([one[wanted], other[wanted]], axis=1)


def main(real_data):
    """Print the tables: recall by similarity; pages; licences; the sample crawl."""
    for low, pairs, expected, share, _, close, closer in recall_by_similarity(*real_pairs(real_data)):
        print(f"| {low:.1f} | {pairs} | {expected:.3f} | {share:.3f} | {close:.3f} | {closer:.3f} |")
    texts = real_texts(real_data)
    for low, pairs, expected, share, *_ in recall_by_similarity(texts, similar_pairs(texts)):
        print(f"| {low:.1f} | {pairs} | {expected:.3f} | {share:.3f} |")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pages, corpora = labelled_pages(real_data), (licences(real_data), sample_crawl(folder, 10_000))
        print(f"{len(pages[1])} pairs of pages, {pages[1].sum()} alike;", end=" ")
        print(*(f"{len(truth)} texts, {(truth != np.arange(len(truth))).sum()} to leave;" for _, truth in corpora))
        for label, barrier in BARRIERS.items():
            columns = [page_scores(barrier, pages, folder)]
            for texts, truth in corpora:
                found = verdicts(barrier, texts, folder)
                rand = () if (found == -1).any() else pair_scores(found, truth)[-1:]
                columns.append((*document_scores(found, truth), *rand))
            print(f"| {label} |", " | ".join(" ".join(f"{score:.3f}" for score in some) for some in columns), "|")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
