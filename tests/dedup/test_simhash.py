"""SimHash: every pair within the distance is found, whatever the blocks, parts, memory and workers."""

from itertools import accumulate, combinations
from math import comb

import naive
import naive_dedup
import numpy as np
import pyarrow as pa
import pytest
from barriers import memory, resolve
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import hard_columns
from support import corpus, decisions, recipe_of, write_lines

from textmill.dedup.fingerprints import block_keys, block_masks, fingerprints, join_close
from textmill.dedup.simhash import SimHash
from textmill.pipeline.arrow import fixed_bytes
from textmill.pipeline.executor import Inline, Serial
from textmill.pipeline.run import run

uint64 = st.integers(0, 2**64 - 1)
LAYOUT = pa.schema([("text", pa.string()), ("id", pa.string()), ("source", pa.string()), ("score", pa.float32())])


def marks_of(barrier, texts):
    """The fingerprints that a barrier's sketch holds; None where there is none."""
    sketch = barrier.sketch(pa.RecordBatch.from_pydict({"text": pa.array(texts, pa.string())}))
    column = sketch.column("fingerprint")
    numbers = fixed_bytes(column).view(np.uint64)[:, 0].tolist() if texts else []
    return [mark if there else None for mark, there in zip(numbers, column.is_valid().to_pylist(), strict=True)]


@given(st.lists(st.lists(uint64, max_size=9), max_size=5))
def test_each_bit_is_what_more_than_half_of_the_features_have(features):
    first = np.array([0, *accumulate(map(len, features))], np.int64)
    found = fingerprints(first, np.array([h for some in features for h in some], np.uint64))
    assert found.tolist() == [naive_dedup.vote(some) for some in features]


@given(hard_columns, st.integers(1, 3))
@settings(max_examples=40)
def test_fingerprints_are_those_of_the_words(texts, ngram):
    found = marks_of(SimHash(ngram=ngram, normalize="none"), texts)
    assert found == [naive_dedup.simhash(text or "", ngram) for text in texts]


@pytest.mark.parametrize(("blocks", "distance"), [(6, 4), (5, 4), (1, 0), (7, 3), (64, 1)])
def test_of_any_two_fingerprints_within_the_distance_some_key_is_equal(blocks, distance):
    random = np.random.default_rng(blocks)
    masks = block_masks(blocks, distance)
    assert len(masks) == comb(blocks, distance)
    assert np.bitwise_or.reduce(masks) == np.iinfo(np.uint64).max
    some = random.integers(0, 2**64, 500, np.uint64)
    flips = [random.choice(64, distance, replace=False) for _ in some]
    others = some ^ np.array([sum(1 << int(bit) for bit in bits) for bits in flips], np.uint64)
    seeds = np.zeros(500, np.uint64)
    equal = block_keys(some, masks, seeds) == block_keys(others, masks, seeds)
    assert equal.any(axis=1).all()
    assert not (block_keys(some, masks, seeds) == block_keys(some, masks, seeds + np.uint64(1))).any()


@given(
    st.lists(st.tuples(st.sampled_from([1, 2]), st.integers(0, 31), st.integers(0, 5)), max_size=12),
    st.integers(0, 3),
)
def test_what_shares_a_key_is_compared_with_all(rows, distance):
    keys, found = (np.array([row[i] for row in rows], np.uint64) for i in (0, 1))
    owners = np.array([row[2] for row in rows], np.int64) * 3
    label = join_close(keys, found, owners, distance).tolist()
    pairs = {
        (a, b)
        for a, b in combinations(range(len(rows)), 2)
        if owners[a] == owners[b] or (rows[a][0] == rows[b][0] and (rows[a][1] ^ rows[b][1]).bit_count() <= distance)
    }
    links = naive_dedup.links_by_row(pairs)
    expected = naive.near_duplicates(range(len(rows)), lambda row: links[row], None, min)
    cluster = [row if kept is None else kept for row, (kept, _) in enumerate(expected)]
    assert set(zip(cluster, label, strict=True)) == {(one, label[one]) for one in set(cluster)}
    assert len(set(label)) == len(set(cluster))
    assert all(name in owners[np.array(cluster) == one] for one, name in zip(cluster, label, strict=True))


def crawl(families=30, seed=0):
    """Texts of 120 words in families that differ in up to three words, in random order."""
    random = np.random.default_rng(seed)
    texts = []
    for family in range(families):
        words = [f"f{family}w{n}" for n in range(120)]
        for _ in range(random.integers(1, 6)):
            changed = list(words)
            for place in random.integers(0, 120, random.integers(0, 4)):
                changed[place] = f"new{random.integers(1 << 30)}"
            texts.append(" ".join(changed))
    return [texts[i] for i in random.permutation(len(texts))]


def shards_of(texts, count, **columns):
    """Record batches of rows that take turns; ids are row numbers."""
    rows = [
        {"id": str(n), "text": text, "source": "web", "score": n * 7 % 11, **{k: v[n] for k, v in columns.items()}}
        for n, text in enumerate(texts)
    ]
    size = -(-len(rows) // count)
    return [pa.RecordBatch.from_pylist(rows[i : i + size], LAYOUT) for i in range(0, len(rows), size)]


def outcomes(rulings):
    """For each document (id it was dropped for or None, size of its cluster)."""
    rows = [row for ruling in rulings for row in ruling.to_pylist()]
    assert all((row["reason"] == "near_duplicate") == (row["kept_id"] is not None) for row in rows)
    return [(row["kept_id"], row["cluster_size"]) for row in rows]


@pytest.mark.parametrize("distance", [0, 4, 9])
def test_clusters_are_those_of_comparing_every_pair(distance):
    """All pairs within the distance are found: recall against brute force is exactly 1, and so is precision."""
    texts = crawl()
    barrier = SimHash(ngram=1, normalize="none", distance=distance, blocks=distance + 2)
    marks = [naive_dedup.simhash(text, 1) for text in texts]
    pairs = naive_dedup.close_pairs(marks, distance)
    assert len(pairs) > 2 + 5 * distance
    links = naive_dedup.links_by_row(pairs)
    expected = naive.near_duplicates(range(len(texts)), lambda row: links[row], None, min)
    expected = [(None if kept is None else str(kept), size) for kept, size in expected]
    for count, limits in ((1, {}), (4, {"part_bytes": 1}), (4, {"part_bytes": 1, "link_bytes": 500})):
        assert outcomes(resolve(barrier, shards_of(texts, count), memory(), **limits)) == expected


def test_the_order_of_shards_does_not_change_who_survives_a_policy():
    barrier = SimHash(ngram=1, normalize="none", keep={"lowest": "score"})
    texts = crawl(10)
    rows = [{"id": str(n), "text": text, "source": "web", "score": float(n)} for n, text in enumerate(texts)]
    survivors = []
    for some in (rows, rows[::-1]):
        shards = [pa.RecordBatch.from_pylist(some[i : i + 9], LAYOUT) for i in range(0, len(some), 9)]
        kept = outcomes(resolve(barrier, shards, memory(), part_bytes=1))
        survivors.append(sorted(row["id"] for row, (kept_id, _) in zip(some, kept, strict=True) if kept_id is None))
    assert survivors[0] == survivors[1]
    assert 10 <= len(survivors[0]) < len(texts)


def test_similarity_is_the_share_of_equal_bits(tmp_path):
    texts = [" ".join(f"w{n}" for n in range(200)), " ".join(f"w{n}" for n in range(202))]
    barrier = SimHash(ngram=1, normalize="none", distance=12, blocks=14)
    one, other = marks_of(barrier, texts)
    distance = (one ^ other).bit_count()
    assert 0 < distance <= 12
    (ruling,) = resolve(barrier, shards_of(texts, 1), tmp_path)
    assert ruling["similarity"].to_pylist() == [None, 1 - distance / 64]


def test_an_edit_of_one_word_flips_few_bits():
    words = [f"word{n}" for n in range(1000)]
    texts = [" ".join([*words[:500], "other", *words[501:]]), " ".join(words)]
    for shingle in ("word", "character"):
        one, other = marks_of(SimHash(shingle=shingle, normalize="none"), texts)
        assert (one ^ other).bit_count() <= 6
    one, other = marks_of(SimHash(normalize="none"), [texts[0], " ".join(f"strange{n}" for n in range(1000))])
    assert 16 < (one ^ other).bit_count() < 48


def test_documents_shorter_than_a_run_are_nobodys_duplicates(tmp_path):
    shards = shards_of([None, "", "a b c d e", "a b c d e", "a b c d e f", "A b c, d e f"], 2)
    assert [kept for kept, _ in outcomes(resolve(SimHash(), shards, tmp_path))] == [None] * 5 + ["4"]


def test_a_scope_keeps_what_is_alike_elsewhere(tmp_path):
    text = "one two three four five six seven"
    batch = shards_of([text] * 4, 1)[0].set_column(2, "source", pa.array(["a", "b", "a", None]))
    (ruling,) = resolve(SimHash(scope="source", size_column=None), [batch], tmp_path)
    assert [(row["row"], row["kept_id"]) for row in ruling.to_pylist()] == [(2, "0")]


def test_distance_and_blocks_must_agree():
    with pytest.raises(ValueError, match="blocks must be more than distance, 4"):
        SimHash(blocks=4)
    with pytest.raises(ValueError, match="12 blocks at distance 4 take 495 keys, above 256"):
        SimHash(blocks=12)
    assert SimHash(keep={"highest": "score"}, scope="language").reads() == {"text", "score", "language"}


def test_no_shards_no_rulings(tmp_path):
    assert SimHash().resolve([], str(tmp_path), Inline()) == []


def test_a_run_in_another_process_drops_what_is_alike(tmp_path):
    text = " ".join(f"word{n}" for n in range(40))
    write_lines(tmp_path, a=[text, "quite another text that has more than six words"], b=[f"{text.upper()}!"])
    executor = Serial()
    try:
        report = run(recipe_of(tmp_path, {"barrier": "alike", "simhash": {}}), str(tmp_path / "out"), executor)
    finally:
        executor.close()
    assert report.rows_kept == 2
    assert corpus(tmp_path / "out")[0] == text
    (decision,) = decisions(tmp_path / "out")
    assert (decision["reason"], decision["step"], decision["similarity"]) == ("near_duplicate", "simhash", 1.0)
