"""Near-duplicates: each cluster keeps one document, the best by a policy, and says what it found."""

import json
from itertools import accumulate

import naive
import pytest
from barriers import memory
from hypothesis import given, settings
from hypothesis import strategies as st
from near_documents import crawls, distinct, document, in_shards, outcomes, resolve, survivors
from support import corpus, decisions, recipe_of, write_lines

from textmill.dedup.minhash import MinHash
from textmill.dedup.signatures import permutations
from textmill.pipeline.barrier import RULING
from textmill.pipeline.errors import ExpectationError
from textmill.pipeline.executor import Inline
from textmill.pipeline.io.files import read_text
from textmill.pipeline.run import run

POLICIES = {  # how good a row is under each policy, the higher the better; of equals the first stays
    "first": ("first", lambda row: 0),
    "longest": ("longest", lambda row: len(row["text"])),
    "highest": ({"highest": "score"}, lambda row: row["score"]),
    "prefer": ({"prefer": ["wiki"]}, lambda row: row["source"] == "wiki"),
}


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


@given(shards=crawls)
@settings(max_examples=25)
def test_survivors_and_what_their_clusters_lost_add_up_to_all_documents(shards):
    rulings = resolve(MinHash(ngram=2, bands=4, rows=1), shards, memory(), part_bytes=1)
    assert sum(size for kept, size in outcomes(shards, rulings) if kept is None) == sum(map(len, shards))


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
