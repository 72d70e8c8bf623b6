"""An index of earlier documents: new ones leave as they would if both had come together."""

import json
from itertools import accumulate
from pathlib import Path

import naive
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from barriers import memory, resolve
from hypothesis import given, settings
from hypothesis import strategies as st
from support import corpus, decisions, recipe_of, write_lines
from typer.testing import CliRunner

from textmill.dedup import index_files
from textmill.dedup.index import Index, changing, commit, open_index, open_matching
from textmill.dedup.minhash import MinHash
from textmill.dedup.signatures import permutations
from textmill.pipeline.cli import app
from textmill.pipeline.errors import InputError, UsageError
from textmill.pipeline.executor import Inline
from textmill.pipeline.indexing import add_to_index, compact_index, index_stats, remove_from_index
from textmill.pipeline.run import run

SETTINGS = {"ngram": 3, "bands": 3, "rows": 2, "normalize": "none"}
LAYOUT = pa.schema([("id", pa.string()), ("source", pa.string()), ("text", pa.string())])

texts = st.lists(st.sampled_from("abcd"), max_size=7).map(" ".join)
crawls = st.lists(st.lists(texts, min_size=1, max_size=6), min_size=1, max_size=4)


def batches_of(shards, name):
    """Record batches of documents that are numbered through."""
    stops = accumulate(map(len, shards))
    return [
        pa.RecordBatch.from_pylist(
            [{"id": f"{name}{stop - len(s) + i}", "source": "web", "text": t} for i, t in enumerate(s)], LAYOUT
        )
        for stop, s in zip(stops, shards, strict=True)
    ]


def add(path, barrier, batches, **limits):
    """Add the sketches of documents to the index at `path`, which is made if need be."""
    sketches = [
        pa.RecordBatch.from_pydict({"id": b["id"], "source": b["source"], "keys": barrier.sketch(b)["keys"]})
        for b in batches
    ]
    with changing(path, Index(path, barrier.kind, barrier.key_settings())) as index:
        commit(index_files.add(index, sketches, path, **limits))


def against(path, **options):
    return MinHash(**{**SETTINGS, **options}, against=path)


def left(batches, rulings):
    """The documents that leave, with the rows of the rulings on them."""
    found = {}
    for batch, ruling in zip(batches, rulings, strict=True):
        ids = batch["id"].to_pylist()
        found |= {ids[row["row"]]: row for row in ruling.to_pylist() if row["reason"]}
    return found


@given(
    earlier=crawls,
    later=crawls,
    part_bytes=st.sampled_from([1, 3000, 20_000]),
    segment_keys=st.sampled_from([1, 12, 10_000]),
    compacted=st.booleans(),
)
@settings(max_examples=40)
def test_new_documents_stay_as_in_one_run_over_both_in_which_earlier_ones_are_preferred(
    earlier, later, part_bytes, segment_keys, compacted
):
    earlier, later = batches_of(earlier, "a"), batches_of(later, "b")
    both = resolve(MinHash(**SETTINGS), [*earlier, *later], memory())
    expected = {name for name in left([*earlier, *later], both) if name.startswith("b")}
    path = memory()
    add(path, MinHash(**SETTINGS), earlier, segment_keys=segment_keys)
    if compacted:
        compact_index(path, Inline())
    gone = left(later, resolve(against(path), later, memory(), part_bytes=part_bytes))
    assert set(gone) == expected


@given(earlier=crawls, later=crawls)
@settings(max_examples=25)
def test_who_leaves_is_told_which_earlier_document_shares_most_bands_that_it_is_known_by(earlier, later):
    earlier, later = batches_of(earlier, "a"), batches_of(later, "b")
    permuted = list(zip(*(p.tolist() for p in permutations(6, 1)), strict=True))

    def bands(batches):
        rows = [row for batch in batches for row in batch.to_pylist()]
        return {row["id"]: set(naive.minhash_bands(row["text"], 3, 3, permuted)) for row in rows}

    olds, news = bands(earlier), bands(later)
    path = memory()
    add(path, MinHash(**SETTINGS), earlier)
    for name, row in left(later, resolve(against(path), later, memory())).items():
        sharing = [old for old in olds if olds[old] & news[name]]
        if sharing:  # the first of those that share a band
            assert (row["reason"], row["kept_id"]) == ("near_duplicate_of_index", sharing[0])
            shared = len(olds[sharing[0]] & news[name])
            assert row["similarity"] == pytest.approx((shared / 3) ** 0.5)
        elif row["reason"] == "near_duplicate_of_index":  # by way of others
            assert row["kept_id"] in olds
            assert row["similarity"] is None
        else:
            assert row["kept_id"] in news


def sentences(*numbers):
    """Texts of 20 words that have no shingle in common."""
    return [" ".join(f"{chr(97 + n % 26)}{'x' * (n // 26)}{'y' * w}" for w in range(20)) for n in numbers]


@pytest.fixture
def filled(tmp_path):
    """An index of the sentences 0 to 9."""
    path = str(tmp_path / "index")
    add(path, MinHash(**SETTINGS), batches_of([sentences(*range(10))], "a"), segment_keys=6)
    return path


def kept(path, *numbers):
    """The numbers of those sentences that stay beside the index."""
    batches = batches_of([sentences(*numbers)], "b")
    gone = left(batches, resolve(against(path), batches, memory()))
    return [number for i, number in enumerate(numbers) if f"b{i}" not in gone]


def test_what_is_taken_down_counts_for_nothing_and_is_erased_by_compaction(filled):
    assert kept(filled, 3, 4, 20) == [20]
    _, missing = remove_from_index(filled, ["a3", "a7", "nobody"])
    assert missing == ["nobody"]
    assert kept(filled, 3, 4, 20) == [3, 20]
    assert open_index(filled).present == 8
    compact_index(filled, Inline())
    assert kept(filled, 3, 4, 20) == [3, 20]
    index = open_index(filled)
    assert (index.present, index.size, index.erased, index.removed) == (8, 10, 2, None)
    rows = pa.concat_tables(pq.read_table(index.file(file.name)) for file in index.documents)
    assert sorted(rows["id"].drop_null().to_pylist()) == [f"a{n}" for n in (0, 1, 2, 4, 5, 6, 8, 9)]
    numbers = pa.concat_tables(pq.read_table(index.file(file.name)) for file in index.keys)["number"]
    assert set(numbers.to_pylist()) == {0, 1, 2, 4, 5, 6, 8, 9}
    assert remove_from_index(filled, ["a3"])[1] == ["a3"]


def test_after_a_take_down_the_next_document_with_the_key_is_named(tmp_path):
    path, (text,) = str(tmp_path / "index"), sentences(0)
    add(path, MinHash(**SETTINGS), batches_of([[text, text]], "a"))
    remove_from_index(path, ["a0"])
    batches = batches_of([[text]], "b")
    (row,) = left(batches, resolve(against(path), batches, memory())).values()
    assert (row["kept_id"], row["similarity"]) == ("a1", 1.0)


def test_a_change_that_was_killed_left_nothing_and_the_next_sweeps_it(filled):
    before = open_index(filled)
    files = {path for path in Path(filled).rglob("*") if path.is_file()}
    barrier = MinHash(**SETTINGS)
    with changing(filled) as index:  # everything but the manifest
        batch = batches_of([sentences(30)], "c")[0]
        sketch = pa.RecordBatch.from_pydict({"id": batch["id"], "source": batch["source"], **_keys(barrier, batch)})
        index_files.add(index, [sketch], "c")
    assert {path for path in Path(filled).rglob("*") if path.is_file()} > files
    assert open_index(filled) == before
    assert kept(filled, 3, 30) == [30]
    add(filled, barrier, batches_of([sentences(31)], "d"))
    assert kept(filled, 3, 30, 31) == [30]
    named = {f"{filled}/{file.name}" for file in open_index(filled).files}
    assert {str(path) for path in Path(filled).rglob("*") if path.is_file()} == named | {f"{filled}/manifest.json"}


def _keys(barrier, batch):
    return {"keys": barrier.sketch(batch)["keys"]}


def test_the_same_documents_are_added_once_however_they_are_cut(filled):
    before = open_index(filled)
    add(filled, MinHash(**SETTINGS), batches_of([sentences(0, 1, 2), sentences(*range(3, 10))], "a"))
    assert open_index(filled) == before


def test_a_second_change_waits_for_nobody(filled):
    with changing(filled), pytest.raises(UsageError, match="another run is writing"), changing(filled):
        pass


def test_of_several_inputs_a_missing_one_is_told_before_any_is_added(tmp_path):
    write_lines(tmp_path, a=["text"])
    with pytest.raises(InputError, match=r"nothing\.jsonl: no such file"):
        add_to_index(str(tmp_path / "new"), [str(tmp_path / "a.txt"), str(tmp_path / "nothing.jsonl")])
    assert not (tmp_path / "new").exists()


def test_where_no_index_is_nothing_can_be_changed_and_nothing_is_made(tmp_path):
    nowhere = tmp_path / "nowhere"
    for change in (lambda: remove_from_index(str(nowhere), ["a"]), lambda: compact_index(str(nowhere), Inline())):
        with pytest.raises(InputError, match="no index here"):
            change()
        assert not nowhere.exists()


def test_a_run_against_an_index_that_is_not_there_says_how_to_make_one(tmp_path):
    write_lines(tmp_path, a=["text"])
    recipe = recipe_of(tmp_path, {"barrier": "near", "minhash": {"against": str(tmp_path / "nowhere")}})
    with pytest.raises(InputError, match=r"nowhere: no index here.* Make one with textmill index add"):
        run(recipe, str(tmp_path / "out"), Inline())


def test_another_setting_is_named_with_both_values(filled):
    barrier = MinHash(**{**SETTINGS, "rows": 4, "normalize": "letters"})
    with pytest.raises(InputError) as error:
        open_matching(filled, barrier.kind, barrier.key_settings())
    assert "was made with normalize 'none', rows 2; here minhash has normalize 'letters', rows 4" in str(error.value)
    with pytest.raises(InputError, match="no index here"):
        against(filled + "x").prepare()
    with pytest.raises(ValueError, match="against goes with verify: none"):
        against(filled, verify="signature")


def test_keys_of_a_range_are_found_in_order_of_keys_whatever_the_files(filled):
    index = open_index(filled)
    assert len(index.keys) == 5
    rows = [index_files.scan(index, *index_files.bounds_of(number, 7)) for number in range(7)]
    found = [np.concatenate([keys for keys, _ in run] or [np.empty(0, np.uint64)]) for run in rows]
    for number, keys in enumerate(found):
        assert set(((keys >> np.uint64(32)).astype(object) * 7) >> 32) <= {number}
    assert sum(map(len, found)) == 30
    assert index_files.bounds_of(6, 7)[1] == 2**64 - 1


def test_runs_fill_an_index_that_later_runs_are_compared_with(tmp_path):
    a, b, c, d = sentences(0, 1, 2, 3)
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    write_lines(tmp_path / "one", a=[a, b, f"{a} again"])
    write_lines(tmp_path / "two", a=[c, f"{a} again!", f"once more {c}", d])
    stage = {"barrier": "near", "minhash": {"ngram": 3}}
    run(recipe_of(tmp_path / "one", stage), str(tmp_path / "out1"), Inline())
    path = str(tmp_path / "index")
    assert add_to_index(path, [str(tmp_path / "out1")]).added == {str(tmp_path / "out1"): 3}

    stage["minhash"]["against"] = path
    recipe, out = recipe_of(tmp_path / "two", stage), tmp_path / "out2"
    assert run(recipe, str(out), Inline()).rows_kept == 2
    assert corpus(out) == [c, d]
    by_reason = {row["reason"]: row for row in decisions(out)}
    assert set(by_reason) == {"near_duplicate", "near_duplicate_of_index"}
    earlier = pq.read_table(next((tmp_path / "out1").glob("stages/*near*/sketch/*.parquet")))["id"].to_pylist()
    assert by_reason["near_duplicate_of_index"]["kept_id"] == earlier[0]
    (findings,) = out.glob("stages/*/findings.json")
    assert json.loads(findings.read_text())["index"] == {"documents": 3, "removed": 1}

    assert run(recipe, str(out), Inline()).reused == ["read", "near", "after_near", "output"]
    assert add_to_index(path, [str(tmp_path / "out1"), str(out)]).added[str(out)] == 4
    assert run(recipe, str(out), Inline()).reused == ["read"]  # the index is another: what it determines is done again
    assert corpus(out) == []
    assert dict(index_stats(path))["documents"] == "7"


def test_text_fills_an_index_too(tmp_path):
    rows = [{"id": f"t{n}", "text": text} for n, text in enumerate(sentences(0, 1))]
    (tmp_path / "docs.jsonl").write_text("\n".join(map(json.dumps, rows)))
    path = str(tmp_path / "index")
    change = add_to_index(path, [str(tmp_path / "docs.jsonl")], barrier=f"minhash: {json.dumps(SETTINGS)}")
    assert list(change.added.values()) == [2]
    assert kept(path, 0, 1, 2) == [2]
    with pytest.raises(UsageError, match=r"bands 3, rows 2; here minhash has .*bands 4"):
        add_to_index(path, [str(tmp_path / "docs.jsonl")], barrier="minhash: {bands: 4}")
    with pytest.raises(UsageError, match=r"^--barrier '.*': unknown parameter 'band'; did you mean 'bands'"):
        add_to_index(path, [str(tmp_path / "docs.jsonl")], barrier="minhash: {band: 4}")


def test_the_commands_say_what_they_did(filled, tmp_path):
    def textmill(*words):
        return CliRunner().invoke(app, ["index", *words])

    (tmp_path / "ids").write_text("a0\na9\nnobody\n")
    removed = textmill("remove", filled, "--ids", str(tmp_path / "ids"))
    assert (removed.exit_code, removed.stdout) == (1, "2 ids taken down; 8 documents left\n")
    assert removed.stderr == "not in the index: nobody\n"
    assert textmill("compact", filled, "--executor", "inline").stdout == "8 documents in 6 files\n"
    assert "taken down: 0 until compacted, 2 erased\n" in textmill("stats", filled).stdout
    (tmp_path / "new.jsonl").write_text(json.dumps({"id": "n", "text": sentences(50)[0]}))
    again = textmill("add", filled, str(tmp_path / "new.jsonl"))
    assert again.stdout.replace(str(tmp_path), "") == "/new.jsonl: 1 document added\n"
    assert kept(filled, 0, 1, 50) == [0]
