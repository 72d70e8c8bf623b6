"""Exact deduplication: one document of each text stays, every other is named with the one that stayed."""

from itertools import accumulate

import barriers
import naive
import pyarrow as pa
import pytest
from barriers import memory
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import hard_columns, twin_texts

from textmill.dedup.equal_keys import keys_of
from textmill.dedup.exact import Exact
from textmill.dedup.normalize import normalize
from textmill.pipeline.barrier import RULING
from textmill.pipeline.executor import Inline, Serial

LAYOUT = pa.schema([("text", pa.string()), ("id", pa.string()), ("source", pa.string()), ("score", pa.float32())])

POLICIES = {  # how good a row is under each policy, the higher the better; of equals the first stays
    "first": lambda row: 0,
    "longest": lambda row: -1 if row["text"] is None else len(row["text"]),
    "highest": lambda row: float("-inf") if row["score"] is None else row["score"],
    "lowest": lambda row: float("-inf") if row["score"] is None else -row["score"],
    "prefer": lambda row: {"wiki": 2, "books": 1}.get(row["source"], 0),
}
FORMS = {"highest": {"highest": "score"}, "lowest": {"lowest": "score"}, "prefer": {"prefer": ["wiki", "books"]}}

documents = st.fixed_dictionaries(
    {
        "text": st.none() | twin_texts,
        "source": st.sampled_from(["web", "wiki", "books"]),
        "score": st.none() | st.sampled_from([0.0, 0.25, 0.5]),
    }
)
crawls = st.lists(st.lists(documents, min_size=1, max_size=8), max_size=6)
"""Shards of documents, many of them alike."""


def numbered(shards):
    """All documents of all shards in order, with ids."""
    return [{**row, "id": f"doc-{n}"} for n, row in enumerate(row for shard in shards for row in shard)]


def resolve(exact, shards, folder, **options):
    """The rulings on each shard, as tables."""
    rows = numbered(shards)
    cuts = [rows[stop - len(shard) : stop] for stop, shard in zip(accumulate(map(len, shards)), shards, strict=True)]
    return barriers.resolve(exact, [pa.RecordBatch.from_pylist(cut, LAYOUT) for cut in cuts], folder, **options)


def outcomes(shards, rulings):
    """For each document (id it was dropped for or None, copies), checking that each is ruled on once."""
    found = []
    for shard, ruling in zip(shards, rulings, strict=True):
        assert ruling.schema == RULING.append(pa.field("copies", pa.int32()))
        assert ruling["row"].to_pylist() == list(range(len(shard)))
        for row in ruling.to_pylist():
            dropped = row["kept_id"] is not None
            assert row["reason"] == ("exact_duplicate" if dropped else None)
            assert row["similarity"] == (1.0 if dropped else None)
            found.append((row["kept_id"], row["copies"]))
    return found


@given(
    shards=crawls,
    policy=st.sampled_from(sorted(POLICIES)),
    scope=st.sampled_from(["global", "source"]),
    variant=st.sampled_from(["none", "lowercase", "letters"]),
    part_bytes=st.integers(1, 10_000),
)
@settings(max_examples=60)
def test_equals_a_dictionary(shards, policy, scope, variant, part_bytes):
    exact = Exact(normalize=variant, keep=FORMS.get(policy, policy), scope=scope)
    rulings = resolve(exact, shards, memory(), part_bytes=part_bytes)
    rows = numbered(shards)

    def best(members):
        return max(members, key=lambda n: (POLICIES[policy](rows[n]), -n))

    expected = naive.exact_duplicates(rows, variant, None if scope == "global" else scope, best)
    assert outcomes(shards, rulings) == [(None if k is None else f"doc-{k}", copies) for k, copies in expected]


@given(shards=crawls)
@settings(max_examples=25)
def test_copies_of_the_survivors_add_up_to_all_documents(shards):
    rulings = resolve(Exact(), shards, memory())
    assert sum(copies for kept, copies in outcomes(shards, rulings) if kept is None) == sum(map(len, shards))


@given(shards=crawls)
@settings(max_examples=25)
def test_the_cut_into_shards_does_not_matter(shards):
    folder = memory()
    whole = [[row for shard in shards for row in shard]] if shards else []
    one = outcomes(whole, resolve(Exact(keep="longest"), whole, folder))
    assert outcomes(shards, resolve(Exact(keep="longest"), shards, folder, part_bytes=1)) == one


@given(hard_columns)
def test_keys_are_equal_where_normal_forms_are_and_only_there(texts):
    texts = [*texts, *map(str.upper, filter(None, texts))]
    for variant in ("none", "whitespace", "lowercase", "letters"):
        keys = keys_of(normalize(pa.array(texts, pa.string()), variant)).to_pylist()
        forms = [naive.normalize(text or "", variant) for text in texts]
        assert [key is None for key in keys] == [form == "" for form in forms]
        assert len(set(keys)) == len(set(forms))
        assert len(set(zip(keys, forms, strict=True))) == len(set(forms))


def test_keys_are_the_published_hash_and_never_change():
    """XXH3-128 of "abc", canonical form: from the xxHash reference implementation (xxhsum -H2)."""
    assert keys_of(pa.array(["abc"]))[0].as_py().hex() == "06b05ab6733a618578af5f94892f3950"


def rows(*texts, source="web", score=None):
    return [{"text": text, "source": source, "score": score} for text in texts]


class Twice(Inline):
    """An executor that does everything twice, as after a lost answer."""

    def map(self, task, items, context):
        items = list(items)
        list(super().map(task, items, context))
        yield from super().map(task, items, context)


@pytest.mark.parametrize("executor", [Inline, Serial, Twice])
def test_any_executor_gives_the_same_rulings(executor, tmp_path):
    shards = [rows("A b", "c"), rows("a  B\n", "d", ""), rows("C", "a b", "")]
    machine = executor()
    try:
        rulings = resolve(Exact(), shards, tmp_path, executor=machine, part_bytes=1)
    finally:
        machine.close()
    assert outcomes(shards, rulings) == [
        *((None, 3), (None, 2)),
        *(("doc-0", 3), (None, 1), (None, 1)),
        *(("doc-1", 2), ("doc-0", 3), (None, 1)),
    ]


def test_without_a_count_only_dropped_rows_are_listed(tmp_path):
    shards = [rows("a", "b"), rows("c", "b", "a")]
    first, second = resolve(Exact(count_column=None), shards, tmp_path)
    assert first.schema == second.schema == RULING
    assert first.num_rows == 0
    assert second.select(["row", "kept_id"]).to_pylist() == [
        {"row": 1, "kept_id": "doc-1"},
        {"row": 2, "kept_id": "doc-0"},
    ]


def test_no_shards_no_rulings(tmp_path):
    assert Exact().resolve([], str(tmp_path), Inline()) == []


def test_a_shard_without_rows_has_an_empty_ruling(tmp_path):
    shards = [rows("a"), [], rows("a")]
    rulings = resolve(Exact(keep={"highest": "score"}), shards, tmp_path)
    assert outcomes(shards, rulings) == [(None, 2), ("doc-0", 2)]


def test_it_says_what_it_reads_and_adds():
    exact = Exact(keep={"highest": "score"}, scope="language", count_column="twins")
    assert exact.reads() == {"text", "score", "language"}
    assert exact.adds() == {"twins"}
    assert Exact(count_column=None).adds() == frozenset()
