"""Near-duplicates: each cluster keeps one document, whatever the parts, the memory, the workers and their deaths."""

import json
import os
import signal
from itertools import accumulate
from pathlib import Path

import barriers
import naive
import naive_dedup
import numpy as np
import pyarrow as pa
import pytest
from barriers import memory
from hypothesis import given, settings
from hypothesis import strategies as st
from support import corpus, decisions, recipe_of, write_lines

from textmill.dedup.minhash import MinHash
from textmill.dedup.signatures import permutations
from textmill.pipeline.barrier import RULING
from textmill.pipeline.errors import ExpectationError
from textmill.pipeline.executor import Inline, Serial
from textmill.pipeline.io.files import read_text
from textmill.pipeline.run import run

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


POLICIES = {  # how good a row is under each policy, the higher the better; of equals the first stays
    "first": ("first", lambda row: 0),
    "longest": ("longest", lambda row: len(row["text"])),
    "highest": ({"highest": "score"}, lambda row: row["score"]),
    "prefer": ({"prefer": ["wiki"]}, lambda row: row["source"] == "wiki"),
}

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


@given(
    shards=crawls,
    policy=st.sampled_from(sorted(POLICIES)),
    scope=st.sampled_from(["global", "source"]),
    part_bytes=st.integers(1, 20_000),
    link_bytes=st.sampled_from([100, 500, 1 << 20]),
)
@settings(max_examples=60)
def test_clusters_are_what_is_connected_by_equal_bands(shards, policy, scope, part_bytes, link_bytes):
    form, goodness = POLICIES[policy]
    barrier = MinHash(ngram=3, bands=3, rows=2, keep=form, scope=scope, normalize="none")
    rows = [{**row, "id": f"doc-{n}"} for n, row in enumerate(row for shard in shards for row in shard)]
    stops = accumulate(map(len, shards))
    shards = [rows[stop - len(shard) : stop] for stop, shard in zip(stops, shards, strict=True)]
    permuted = list(zip(*(p.tolist() for p in permutations(6, 1)), strict=True))
    expected = naive.near_duplicates(
        rows,
        lambda row: naive.minhash_bands(row["text"], 3, 3, permuted),
        None if scope == "global" else scope,
        lambda members: max(members, key=lambda n: (goodness(rows[n]), -n)),
    )
    rulings = resolve(barrier, shards, memory(), part_bytes=part_bytes, link_bytes=link_bytes)
    assert outcomes(shards, rulings) == [(None if k is None else f"doc-{k}", size) for k, size in expected]


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


@pytest.mark.parametrize("verify", ["none", "signature", "exact"])
def test_parts_memory_and_the_order_of_shards_do_not_change_who_survives(verify):
    barrier = MinHash(ngram=3, normalize="lowercase", keep={"highest": "score"}, verify=verify, min_similarity=0.5)
    shards = in_shards(crawl(), 8)
    expected = sorted(survivors(shards, resolve(barrier, shards, memory())))
    assert 40 <= len(expected) < 60
    for limits in ({"part_bytes": 1}, {"part_bytes": 20_000}, {"part_bytes": 1, "link_bytes": 2000}):
        assert sorted(survivors(shards, resolve(barrier, shards, memory(), **limits))) == expected
    if verify == "none":  # verified links lead to the first of a band, so they do depend on the order
        shards = shards[::-1]
        assert sorted(survivors(shards, resolve(barrier, shards, memory(), part_bytes=1))) == expected


@given(shards=crawls)
@settings(max_examples=25)
def test_survivors_and_what_their_clusters_lost_add_up_to_all_documents(shards):
    rulings = resolve(MinHash(ngram=2, bands=4, rows=1), shards, memory(), part_bytes=1)
    assert sum(size for kept, size in outcomes(shards, rulings) if kept is None) == sum(map(len, shards))


class Twice(Inline):
    """An executor that does everything twice, as after a lost answer."""

    def map(self, task, items, context):
        items = list(items)
        list(super().map(task, items, context))
        yield from super().map(task, items, context)


@pytest.mark.parametrize("executor", [Serial, Twice])
@pytest.mark.parametrize("verify", ["none", "signature", "exact"])
def test_any_executor_gives_the_same_rulings(executor, verify, tmp_path):
    barrier = MinHash(ngram=3, verify=verify)
    shards = in_shards(crawl(12), 3)
    machine = executor()
    try:
        found = resolve(barrier, shards, tmp_path, executor=machine, part_bytes=1, link_bytes=500)
    finally:
        machine.close()
    assert found == resolve(barrier, shards, memory(), part_bytes=1)


class DyingAfter(Serial):
    """Kills the worker of one task once, after it has done all its writing."""

    def __init__(self, task, flag):
        super().__init__()
        self.fatal, self.flag = task, str(flag)

    def map(self, task, items, context):
        return super().map(do_and_die, items, (task, context, self.fatal, self.flag))


def do_and_die(context, item):
    task, shared, fatal, flag = context
    value = task(shared, item)
    if shared[0].__name__ == fatal and not Path(flag).exists():
        Path(flag).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return value


@pytest.mark.parametrize("task", ["send_keys", "link_keys", "claim", "choose"])
def test_a_worker_killed_after_its_files_were_written_costs_no_document(task, tmp_path):
    shards = in_shards(distinct(400), 4)
    machine = DyingAfter(task, tmp_path / "died")
    try:
        rulings = resolve(MinHash(), shards, tmp_path, executor=machine, part_bytes=1)
    finally:
        machine.close()
    assert (tmp_path / "died").exists()
    assert outcomes(shards, rulings) == [(None, 1)] * 400


def test_documents_shorter_than_a_shingle_are_nobodys_duplicates(tmp_path):
    rows = [document(text, name=f"{n}") for n, text in enumerate([None, "", "a b c d", "a b c d"] * 2)]
    shards = [rows, distinct(100, words=4)]
    assert outcomes(shards, resolve(MinHash(), shards, tmp_path)) == [(None, 1)] * 108


def test_identical_documents_have_similarity_one_and_the_survivor_is_named(tmp_path):
    (one,) = distinct(1)
    shards = [[{**one, "id": "a"}], [{**one, "id": "b", "text": one["text"].upper() + "!"}]]
    for verify in ("none", "signature", "exact"):
        first, second = resolve(MinHash(verify=verify, size_column=None), shards, tmp_path)
        assert first.schema == second.schema == RULING
        assert first.num_rows == 0
        expected = {"row": 0, "reason": "near_duplicate", "kept_id": "a", "similarity": 1.0}
        assert {k: v for k, v in second.to_pylist()[0].items() if v is not None} == expected


def halves(shared, of=200):
    """Two documents of `of` words each that share the first `shared`."""
    words = [f"w{n}" for n in range(2 * of)]
    return [
        document(" ".join(words[:of]), name="a"),
        document(" ".join(words[:shared] + words[of : 2 * of - shared]), name="b"),
    ]


def test_verification_refuses_what_agrees_in_a_band_by_chance(tmp_path):
    """One word a shingle: 150 of 250 shared, Jaccard .6; 30 bands of 2 rows find it with near certainty."""
    loose = {"ngram": 1, "bands": 30, "rows": 2, "normalize": "none"}
    shards = [halves(150)]
    (found,) = resolve(MinHash(**loose), shards, tmp_path)
    assert outcomes(shards, [found])[1] == ("a", 2)
    assert found["similarity"][1].as_py() == pytest.approx(0.6, abs=0.2)
    assert outcomes(shards, resolve(MinHash(**loose, verify="signature", min_similarity=0.85), shards, tmp_path)) == [
        (None, 1),
        (None, 1),
    ]
    (found,) = resolve(MinHash(**loose, verify="signature", min_similarity=0.4), shards, tmp_path)
    assert found["similarity"][1].as_py() == pytest.approx(0.6, abs=0.2)


def test_exact_verification_compares_all_shingles(tmp_path):
    """150 of 250 shingles shared: .6 and nothing else, on either side of the limit."""
    loose = {"ngram": 1, "bands": 30, "rows": 2, "normalize": "none", "verify": "exact"}
    (found,) = resolve(MinHash(**loose, min_similarity=0.6), [halves(150)], tmp_path)
    assert outcomes([halves(150)], [found])[1] == ("a", 2)
    assert found["similarity"][1].as_py() == pytest.approx(0.6)
    shards = [halves(150)]
    assert outcomes(shards, resolve(MinHash(**loose, min_similarity=0.6001), shards, tmp_path)) == [(None, 1)] * 2


@given(shards=crawls, least=st.sampled_from([0.2, 0.5, 1.0]), part_bytes=st.sampled_from([1, 20_000]))
@settings(max_examples=25)
def test_exactly_verified_links_lead_to_the_first_of_a_band_that_is_similar_enough(shards, least, part_bytes):
    barrier = MinHash(ngram=2, bands=3, rows=1, normalize="none", verify="exact", min_similarity=least)
    texts = [row["text"] for shard in shards for row in shard]
    shards = [[{**row, "id": f"{number}-{n}"} for n, row in enumerate(shard)] for number, shard in enumerate(shards)]
    permuted = list(zip(*(p.tolist() for p in permutations(3, 1)), strict=True))
    first, links = {}, {n: set() for n in range(len(texts))}
    for number, text in enumerate(texts):
        own = set(naive.shingles(text.split(), 2))
        for band in naive.minhash_bands(text, 2, 3, permuted):
            other = first.setdefault(band, number)
            if naive_dedup.jaccard(own, set(naive.shingles(texts[other].split(), 2))) >= least:
                links[number].add(("link", min(number, other), max(number, other)))
                links[other].add(("link", min(number, other), max(number, other)))
    rows = [{"links": some} for some in links.values()]
    expected = naive.near_duplicates(rows, lambda row: row["links"], None, min)
    ids = [row["id"] for shard in shards for row in shard]
    found = outcomes(shards, resolve(barrier, shards, memory(), part_bytes=part_bytes))
    assert found == [(None if kept is None else ids[kept], size) for kept, size in expected]


def test_character_shingles_find_what_differs_in_its_words(tmp_path):
    text = "abcdefghijklmnopqrstuvwxyz" * 4
    shards = [[document(text, name="a"), document(text[:50] + " " + text[50:], name="b")]]
    assert survivors(shards, resolve(MinHash(ngram=2), shards, tmp_path)) == ["a", "b"]
    assert survivors(shards, resolve(MinHash(ngram=8, shingle="character"), shards, tmp_path)) == ["a"]


def test_the_largest_clusters_are_described(tmp_path):
    shards = in_shards([*distinct(4) * 5, *distinct(30)], 3)
    resolve(MinHash(), shards, tmp_path, part_bytes=1)
    findings = json.loads(read_text(str(tmp_path / "work" / "findings.json")))
    assert findings["cluster_sizes"] == [[1, 26], [6, 4]]
    found = findings["largest"]
    assert [entry["size"] for entry in found] == [6] * 4
    assert {entry["kept_id"] for entry in found} == {row["id"] for row in distinct(4)}
    assert all(entry["mean_similarity"] == 1 and entry["linked"] == 5 for entry in found)


def test_a_source_that_would_lose_too_much_stops_the_run(tmp_path):
    mirror = [{**row, "source": "mirror"} for row in distinct(1000)]
    shards = [distinct(1000), mirror]
    with pytest.raises(ExpectationError, match=r"max_removed is 0.9, but .* 'mirror' would lose 1.0000$"):
        resolve(MinHash(max_removed=0.9), shards, tmp_path)
    assert len(survivors(shards, resolve(MinHash(max_removed=1), shards, tmp_path))) == 1000
    few = [distinct(1000), mirror[:999]]
    assert len(survivors(few, resolve(MinHash(max_removed=0), few, tmp_path))) == 1000


def test_a_threshold_sets_bands_and_rows_also_after_a_journey():
    barrier = MinHash(threshold=0.8)
    assert (barrier.bands, barrier.rows) == (9, 13)
    assert MinHash.model_validate_json(barrier.model_dump_json()) == barrier
    with pytest.raises(ValueError, match=r"for 0.7 they are 25 and 10"):
        MinHash(threshold=0.7, permutations=250, bands=14)


def test_no_shards_no_rulings(tmp_path):
    assert MinHash().resolve([], str(tmp_path), Inline()) == []


def test_it_says_what_it_reads_and_adds():
    barrier = MinHash(keep={"highest": "score"}, scope="language", size_column="size")
    assert barrier.reads() == {"text", "score", "language"}
    assert barrier.adds() == {"size"}
    assert MinHash(size_column=None).adds() == frozenset()


def test_a_run_drops_near_duplicates_and_keeps_what_it_found_out(tmp_path):
    first, second, third = (row["text"] for row in distinct(3))
    write_lines(tmp_path, a=[first, second], b=[f"{first} again", third])
    barrier = {"barrier": "near_duplicates", "minhash": {"keep": "longest"}}
    out = tmp_path / "out"
    assert run(recipe_of(tmp_path, barrier), str(out), Inline()).rows_kept == 3
    assert corpus(out) == [second, f"{first} again", third]
    (decision,) = decisions(out)
    assert (decision["reason"], decision["step"]) == ("near_duplicate", "minhash")
    assert decision["similarity"] == pytest.approx(0.96, abs=0.1)
    (path,) = out.glob("stages/*/findings.json")
    assert json.loads(path.read_text())["largest"] == [
        {"size": 2, "kept_id": decision["kept_id"], "linked": 1, "mean_similarity": round(decision["similarity"], 3)}
    ]
