"""Bloom filters drop what an exact first-come comparison of bands drops, but for a declared share."""

import json
from itertools import accumulate

import naive
import naive_dedup
import numpy as np
import pyarrow as pa
import pytest
from barriers import memory, resolve
from hypothesis import given, settings
from hypothesis import strategies as st
from support import corpus, decisions, recipe_of, write_lines

from textmill.dedup.bloom import Sizing, band_rate, bits_a_document, insert, sift, sizing
from textmill.dedup.index import open_index
from textmill.dedup.lsh_bloom import LshBloom
from textmill.dedup.minhash import MinHash
from textmill.dedup.signatures import permutations
from textmill.pipeline.errors import ExpectationError, UsageError
from textmill.pipeline.executor import Inline, Serial
from textmill.pipeline.indexing import add_to_index, index_stats, remove_from_index
from textmill.pipeline.io.files import join, read_text
from textmill.pipeline.run import run

SETTINGS = {"ngram": 3, "bands": 3, "rows": 2, "normalize": "none"}
EXACT = LshBloom(**SETTINGS, documents=1000, false_positives=1e-12)

texts = st.lists(st.sampled_from("abcd"), max_size=7).map(" ".join)
crawls = st.lists(st.lists(texts, min_size=1, max_size=6), max_size=5)
uint64 = st.integers(0, 2**64 - 1)


def batches_of(shards):
    stops = accumulate(map(len, shards))
    return [
        pa.RecordBatch.from_pydict(
            {"id": [f"d{stop - len(s) + i}" for i in range(len(s))], "source": ["web"] * len(s), "text": s}
        )
        for stop, s in zip(stops, shards, strict=True)
    ]


def leaving(batches, rulings):
    """Whether each document leaves."""
    found = []
    for batch, ruling in zip(batches, rulings, strict=True):
        rows = set(ruling["row"].to_pylist())
        assert all(row["reason"] == "near_duplicate" and row["value"] >= 1 for row in ruling.to_pylist())
        found += [row in rows for row in range(batch.num_rows)]
    return found


def test_sizes_are_those_of_the_formulas():
    """METHODS 4.5 and 13: nine bands, 1e-5 false positives in all."""
    assert band_rate(1e-5, 9) == pytest.approx(1.111116e-6, rel=1e-6)
    assert bits_a_document(1e-5, 9) == pytest.approx(256.823, abs=5e-4)
    assert sizing(10**9, 1e-5, 9).hashes == 20
    assert sizing(10**9, 1e-5, 9).bytes == pytest.approx(32.1e9, rel=1e-3)
    assert sizing(10**9, 1e-8, 9).bytes == pytest.approx(48.3e9, rel=1e-3)
    assert sizing(10**9, 1e-5, 14).bytes == pytest.approx(51.5e9, rel=1e-3)
    for rate, bits in ((1e-15, 71.888), (1e-5, 23.963), (1e-2, 9.585)):
        assert bits_a_document(rate, 1) == pytest.approx(bits, abs=5e-4)
    with pytest.raises(ValueError, match="32 GiB is the most"):
        sizing(10**11, 1e-5, 9)


@given(st.lists(st.tuples(uint64, uint64), max_size=30), st.integers(1, 5), st.integers(1, 6))
def test_filters_are_those_of_the_slow_twin_false_positives_included(documents, words, hashes):
    filters, added = np.zeros((2, words), np.uint64), np.zeros(2, np.int64)
    known, bits = naive_dedup.bloom_sift(documents, words, hashes)
    assert sift(filters, hashes, np.array(documents, np.uint64).reshape(-1, 2), added).tolist() == known
    for band, places in enumerate(bits):
        found = {(w, b) for w in range(words) for b in range(64) if int(filters[band, w]) >> b & 1}
        assert found == places
        assert added[band] == len(places)


@given(st.lists(uint64, max_size=20), st.lists(uint64, max_size=20))
def test_filters_of_two_sets_merge_to_that_of_both(some, others):
    def filled(*keys):
        filters = np.zeros((1, 3), np.uint64)
        insert(filters, 4, np.array(keys, np.uint64).reshape(-1, 1), np.zeros(1, np.int64))
        return filters

    assert (filled(*some, *others) == filled(*some) | filled(*others)).all()


def test_strange_keys_are_known_as_often_as_declared():
    """A second filter that knows everything keeps probes from being put into the first."""
    rate, count, probes = 1e-3, 50_000, 1_000_000
    size = sizing(count, rate, 1)
    filters, added = np.zeros((2, size.words), np.uint64), np.zeros(2, np.int64)
    keys = np.arange(count + probes, dtype=np.uint64)
    insert(filters[:1], size.hashes, keys[:count, None], added)
    assert added[0] / (64 * size.words) == pytest.approx(0.5, abs=0.01)
    filters[1] = np.uint64(2**64 - 1)
    strange = sift(filters, size.hashes, np.repeat(keys[count:, None], 2, axis=1), added) == 2
    expected = (added[0] / (64 * size.words)) ** size.hashes
    assert expected == pytest.approx(rate, rel=0.05)
    assert abs(strange.mean() - expected) <= 3 * np.sqrt(expected / probes)


@given(shards=crawls)
@settings(max_examples=60)
def test_decisions_are_those_of_an_exact_first_come_index(shards):
    permuted = list(zip(*(p.tolist() for p in permutations(6, 1)), strict=True))
    batches = batches_of(shards)
    expected = naive_dedup.first_come(
        [text for shard in shards for text in shard], lambda text: naive.minhash_bands(text, 3, 3, permuted)
    )
    assert leaving(batches, resolve(EXACT, batches, memory())) == expected


def test_any_executor_gives_the_same_and_a_death_costs_nothing(tmp_path):
    random = np.random.default_rng(0)
    shards = [[" ".join(random.choice(list("abcd"), 6)) for _ in range(50)] for _ in range(3)]
    batches = batches_of(shards)
    machine = Serial()
    try:
        rulings = resolve(EXACT, batches, tmp_path, executor=machine)
    finally:
        machine.close()
    assert rulings == resolve(EXACT, batches, memory())
    assert 50 < sum(leaving(batches, rulings)) < 150


def sentences(count, first=0):
    """Texts that have no shingle in common."""
    return [
        " ".join(f"{chr(97 + n % 26)}{'x' * (n // 26)}{'y' * w}" for w in range(20))
        for n in range(first, first + count)
    ]


def test_more_documents_than_declared_stop_the_run_and_memory_is_a_limit():
    batches = batches_of([sentences(20)])
    assert not any(leaving(batches, resolve(LshBloom(documents=20), batches, memory())))
    with pytest.raises(ExpectationError, match=r"made for documents: 19, but 20 would be in them"):
        resolve(LshBloom(documents=19), batches, memory())
    with pytest.raises(ValueError, match=r"need 32.10 GB, more than memory: 8.0GB"):
        LshBloom(documents=10**9, memory="8GB")


def test_short_documents_stay_and_are_in_no_filter():
    batches = batches_of([["a b", "a b", None] * 40])
    folder = memory()
    assert not any(leaving(batches, resolve(LshBloom(documents=1), batches, folder)))
    filters = json.loads(read_text(join(folder, "work", "findings.json")))["filters"]
    assert (filters["documents"], filters["fill"]) == (0, [0.0] * 9)


@pytest.mark.parametrize("false_positives", [1e-9, 0.3])
def test_a_crawl_beside_the_index_of_another_keeps_what_one_run_over_both_keeps(tmp_path, false_positives):
    """To the bit: even what is falsely taken for known is the same."""
    first, second = [*sentences(60), *sentences(10)], [*sentences(40, first=40), *sentences(3, first=70)]
    for name, lines in (("one", first), ("two", second)):
        (tmp_path / name).mkdir()
        write_lines(tmp_path / name, a=lines)
    (tmp_path / "both").mkdir()
    write_lines(tmp_path / "both", a=first, b=second)
    stage = {"barrier": "near", "lsh_bloom": {"documents": 200, "false_positives": false_positives}}
    both = run(recipe_of(tmp_path / "both", stage), str(tmp_path / "out"), Inline())
    kept_first = run(recipe_of(tmp_path / "one", stage), str(tmp_path / "out1"), Inline()).rows_kept
    path = str(tmp_path / "index")
    assert list(add_to_index(path, [str(tmp_path / "out1")]).added.values()) == [kept_first]
    assert list(add_to_index(path, [str(tmp_path / "out1")]).added.values()) == [0]
    stage["lsh_bloom"]["against"] = path
    result = run(recipe_of(tmp_path / "two", stage), str(tmp_path / "out2"), Inline())
    assert kept_first + result.rows_kept == both.rows_kept
    assert corpus(tmp_path / "out1") + corpus(tmp_path / "out2") == corpus(tmp_path / "out")
    if false_positives < 1e-3:
        assert kept_first == 60
        assert result.rows_kept == 20
        assert {row["value"] for row in decisions(tmp_path / "out2")} == {9.0}
    assert dict(index_stats(path))["room"].startswith(f"{kept_first} of 200")
    assert open_index(path).present == kept_first
    with pytest.raises(UsageError, match="Bloom filters forget nothing"):
        remove_from_index(path, ["x"])
    with pytest.raises(UsageError, match="an index for lsh_bloom, not for minhash"):
        MinHash(against=path).prepare()


def test_sizing_counts_whole_words():
    assert sizing(1, 0.5, 1) == Sizing(1, 1, 1)
