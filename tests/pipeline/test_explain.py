"""Every document of the tiny run can tell its story; tests/tiny_run.py lists them."""

import io
import re
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from rich.console import Console
from tiny_run import recipe_in, stage_folder, tiny_run, write_inputs

from textmill.pipeline.errors import DamagedRunError, ExpectationError, InputError
from textmill.pipeline.executor import Inline
from textmill.pipeline.io.writer import parquet_sink
from textmill.pipeline.reports.explain import explain, render_explanation
from textmill.pipeline.run import run


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> str:
    return tiny_run(tmp_path_factory.mktemp("tiny"))[0]


def story(out: str, document: str) -> list[str]:
    """Each event as ``document what stage``."""
    return [f"{event.document} {event.what} {event.stage}" for event in explain(out, document).events]


def told(out: str, document: str) -> str:
    console = Console(width=80, record=True, file=io.StringIO())
    render_explanation(explain(out, document), console)
    return console.export_text().replace(out, "OUT").replace(str(Path(out).parent), "IN")


@pytest.mark.parametrize(
    ("document", "events"),
    [
        ("w1", ["w1 read base", "w1 kept output"]),
        ("w2", ["w2 read base", "w2 dropped base"]),
        ("w3", ["w3 read base", "w3 dropped base"]),
        ("w4", ["w4 read base", "w4 dropped scores"]),
        ("b1", ["b1 read base", "b1 dropped duplicates", "w1 read base", "w1 kept output"]),
        ("b2", ["b2 read base", "b2 dropped duplicates", "w4 read base", "w4 dropped scores"]),
        ("c1", ["c1 read base", "c1 kept output"]),
    ],
)
def test_the_story_of_each_document(out: str, document: str, events: list[str]) -> None:
    assert story(out, document) == events


def test_a_dropped_document_is_told_with_value_and_threshold_and_its_text_from_the_rejects(out: str) -> None:
    assert told(out, "w3") == (
        "w3\n"
        "  read     from IN/web.jsonl (source web, part 0)\n"
        "  dropped  in stage base, by MinLength: too_short, value 2, threshold 5\n"
        "           'no'\n"
    )


def test_a_duplicate_is_told_with_the_survivor_and_what_became_of_it(out: str) -> None:
    assert told(out, "b2") == (
        "b2\n"
        "  read     from IN/books.jsonl (source books, part 1)\n"
        "  dropped  in stage duplicates, by exact: exact_duplicate, similarity 1, in favour of w4\n"
        "w4, which took its place\n"
        "  read     from IN/web.jsonl (source web, part 0)\n"
        "  dropped  in stage scores, by between: quality_too_low, value 0.2, threshold 0.5\n"
        "           'another text'\n"
    )


def test_a_kept_document_is_told_with_its_columns_its_text_and_the_duplicates_it_stands_for(out: str) -> None:
    lines = told(out, "w1").splitlines()
    assert lines[2] == "  kept     in OUT/data/part-00000.parquet"
    assert {"           language en", "           quality 0.9", "           copies 2"} <= set(lines)
    assert lines[-2:] == ["           'a good text'", "w1 took the place of 1 other: b1"]


def test_the_survivor_of_a_cluster_is_told_with_its_size(tmp_path: Path) -> None:
    out, _ = tiny_run(tmp_path, stages=[{"barrier": "near_duplicates", "minhash": {"ngram": 2}}])
    lines = told(out, "w1").splitlines()
    assert "           cluster_size 2" in lines
    assert lines[-1] == "w1 took the place of 1 other: b1"


def test_a_document_that_could_not_be_read_is_found_by_its_file_and_offset(out: str) -> None:
    (suggestion,) = explain(out, "web.jsonl").suggestions
    assert story(out, suggestion) == [f"{suggestion} read base", f"{suggestion} dropped base"]
    assert "bad_json" in told(out, suggestion)


def test_the_part_of_a_kept_document_is_that_of_its_own_file(out: str) -> None:
    for document, file in (("w1", "web.jsonl"), ("b3", "books.jsonl"), ("c1", "books2.jsonl")):
        assert explain(out, document).events[0].place.endswith(f"/{file}")


def test_an_unknown_id_gets_ids_that_hold_it(out: str) -> None:
    found = explain(out, "W")
    assert not found.events
    assert sorted(found.suggestions) == ["w1", "w2", "w3", "w4", *(s for s in found.suggestions if len(s) > 2)]
    assert told(out, "nobody").splitlines() == ["no document 'nobody' in this run"]


def test_a_url_finds_its_document_wherever_it_was_dropped(out: str) -> None:
    assert story(out, "https://example.org/b2") == story(out, "b2")  # known from the first stage
    assert story(out, "https://example.org/w3") == story(out, "w3")  # known from the rejects
    assert "by URL are found" in told(out, "https://example.org/nowhere")


def test_a_document_of_an_unfinished_run_waits(tmp_path: Path) -> None:
    out, _ = tiny_run(tmp_path)
    for name in ("scores", "output"):
        folder = stage_folder(out, name)
        for path in sorted(folder.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
    assert story(out, "w1") == ["w1 read base", "w1 waiting base"]
    assert story(out, "b1") == ["b1 read base", "b1 dropped duplicates", "w1 read base", "w1 waiting base"]
    assert "may be still to come: scores, output" in told(out, "w9")


def test_an_older_corpus_is_not_taken_for_that_of_the_latest_recipe(tmp_path: Path) -> None:
    write_inputs(tmp_path)
    out = str(tmp_path / "out")
    base = {"chain": "base", "steps": ["support:without"]}
    run(recipe_in(tmp_path, stages=[base]), out, Inline())
    assert story(out, "w3")[-1] == "w3 kept output"
    with pytest.raises(ExpectationError):
        run(recipe_in(tmp_path, stages=[base, {"chain": "more", "steps": []}], expect={"kept": [0, 0]}), out, Inline())
    assert story(out, "w3")[-1] == "w3 waiting more"


def test_an_id_that_several_documents_have_tells_of_each(tmp_path: Path) -> None:
    write_inputs(tmp_path)
    path = tmp_path / "books2.jsonl"
    path.write_text(path.read_text().replace('"c1"', '"w1"'))
    out = str(tmp_path / "out")
    run(recipe_in(tmp_path), out, Inline())
    assert [e.place.rpartition("/")[2] for e in explain(out, "w1").events if e.what == "read"] == [
        "web.jsonl",
        "books2.jsonl",
    ]


def test_documents_of_one_id_that_left_at_several_stages_and_those_that_stay_are_all_told(tmp_path: Path) -> None:
    write_inputs(tmp_path)
    for name in ("web", "books", "books2"):
        path = tmp_path / f"{name}.jsonl"
        path.write_text(re.sub(r'"id": "\w+"', '"id": "same"', path.read_text()))
    out = str(tmp_path / "out")
    run(recipe_in(tmp_path), out, Inline())
    whats = [(event.what, event.stage) for event in explain(out, "same").events]
    assert whats == [
        *[("read", "base"), ("dropped", "base")] * 2,  # w2, w3
        *[("read", "base"), ("dropped", "duplicates")] * 2,  # b1, b2
        *[("read", "base"), ("dropped", "scores")],  # w4
        *[("read", "base"), ("kept", "output")] * 3,  # w1, b3, c1
    ]
    assert told(out, "same").startswith("same (8 documents of this id)\n")
    for name in ("scores", "output"):
        shutil.rmtree(stage_folder(out, name))
    whats = [(event.what, event.stage) for event in explain(out, "same").events if event.what != "read"]
    assert whats == [("dropped", "base")] * 2 + [("dropped", "duplicates")] * 2 + [("waiting", "base")] * 4


def test_a_folder_without_a_run_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no run here"):
        explain(str(tmp_path), "w1")


def test_a_damaged_file_is_told_by_name(tmp_path: Path) -> None:
    out, _ = tiny_run(tmp_path)
    Path(out, "data/part-00000.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(DamagedRunError, match=r"data/part-00000\.parquet: no whole Parquet file"):
        explain(out, "nobody")
    Path(out, "stages/plan.json").write_text("{")
    with pytest.raises(DamagedRunError, match=r"plan\.json or .* is damaged .*; run the recipe again"):
        explain(out, "nobody")


def test_a_row_far_into_a_corpus_file_of_many_row_groups_is_found(tmp_path: Path) -> None:
    out, _ = tiny_run(tmp_path)
    path = f"{out}/data/part-00000.parquet"
    rows = pq.read_table(path)
    assert rows.column("id").to_pylist() == ["w1", "b3", "c1"]
    with parquet_sink(path) as sink:  # a row group a row
        for batch in rows.to_batches(max_chunksize=1):
            sink.write(batch)
            sink._flush()
    assert pq.read_metadata(path).num_row_groups == 3
    assert explain(out, "c1").events[0].place.endswith("/books2.jsonl")
