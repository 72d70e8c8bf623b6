"""Spans that a barrier cuts out of texts: applied as ruled, booked to the character, told, and checked."""

import io
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from strategies import hard_texts
from support import corpus, corpus_files, decisions, recipe_of, write_lines

from textmill.pipeline import schema
from textmill.pipeline.barrier import CUT, CUTS, RULING
from textmill.pipeline.barrier_task import BarrierJob, RulingItem, commit_ruling
from textmill.pipeline.errors import DamagedRunError, StepError
from textmill.pipeline.executor import Executor, Inline, Serial
from textmill.pipeline.reports.explain import explain, render_explanation
from textmill.pipeline.reports.funnel import render_funnel
from textmill.pipeline.reports.report import report
from textmill.pipeline.reports.verify import verify
from textmill.pipeline.rulings import apply_ruling, decisions_of
from textmill.pipeline.run import run
from textmill.pipeline.stage_folder import StageFolder

LAYOUT = pa.schema([*RULING, (CUTS, pa.list_(CUT))])
CENSOR = {"barrier": "censored", "support:Censor": {}}

ruled = st.tuples(hard_texts, st.sampled_from(["late", None, None]), st.lists(st.integers(0, 24), max_size=6))
"""A text, a reason to leave or none, and places in it: the ends of what is cut, two and two."""


def pairs_in(text: str, places: list[int]) -> list[tuple[int, int]]:
    ends = sorted({place for place in places if place <= len(text)})
    return list(zip(ends[::2], ends[1::2], strict=False))


def cuts(*pairs: tuple[int, int], reason: str | None = "twin", kept_id: str | None = None) -> list[dict[str, Any]]:
    return [{"start": start, "stop": stop, "reason": reason, "kept_id": kept_id} for start, stop in pairs]


def without(text: str, pairs: list[tuple[int, int]]) -> str:
    for start, stop in reversed(pairs):
        text = text[:start] + text[stop:]
    return text


@given(st.lists(ruled, max_size=10), st.lists(st.integers(0, 5), max_size=4))
def test_texts_lose_their_spans_whatever_the_batches(
    documents: list[tuple[str, str | None, list[int]]], sizes: list[int]
) -> None:
    expected, entries = [], []
    for row, (text, reason, places) in enumerate(documents):
        pairs = [] if reason else pairs_in(text, places)
        if reason or pairs:
            entries.append({"row": row, "reason": reason, "cuts": cuts(*pairs) if pairs else None})
        if not reason:
            expected.append(without(text, pairs))
    texts = pa.RecordBatch.from_pydict({"text": pa.array([text for text, _, _ in documents], pa.string())})
    ends = sorted({0, *(min(end, len(documents)) for end in sizes), len(documents)})
    batches = [texts.slice(a, b - a) for a, b in pairwise(ends)]
    left = [text for batch in apply_ruling(batches, pa.Table.from_pylist(entries, LAYOUT)) for text in batch["text"]]
    assert [text.as_py() for text in left] == expected


def test_a_null_text_and_another_column_stay_as_they_are() -> None:
    batch = pa.RecordBatch.from_pylist([{"text": None, "n": 1}, {"text": "abc", "n": 2}])
    (left,) = apply_ruling([batch], pa.Table.from_pylist([{"row": 1, "cuts": cuts((0, 1))}], LAYOUT))
    assert left.to_pylist() == [{"text": None, "n": 1}, {"text": "bc", "n": 2}]


def test_a_cut_beyond_the_end_of_a_text_is_damage() -> None:
    batch = pa.RecordBatch.from_pylist([{"text": "abc"}])
    with pytest.raises(DamagedRunError, match="a ruling cuts more out of a text than is there"):
        list(apply_ruling([batch], pa.Table.from_pylist([{"row": 0, "cuts": cuts((0, 4))}], LAYOUT)))


def test_books_of_a_ruling_count_every_character_once() -> None:
    sketch = pa.Table.from_pylist(
        [
            {"id": "a", "source": "web", "chars": 10},
            {"id": "b", "source": "web", "chars": 20},
            {"id": "c", "source": "wiki", "chars": 30},
        ]
    )
    entries = [
        {"row": 0, "cuts": cuts((0, 2), (5, 6)) + cuts((8, 9), reason="other")},
        {"row": 1, "reason": "late"},
        {"row": 2, "cuts": cuts((0, 29))},
    ]
    _, ledger = decisions_of("s", "b", sketch, pa.Table.from_pylist(entries, LAYOUT))
    account = ledger.steps["b"]
    assert (account.chars_in, account.chars_out) == (60, 7)
    assert ledger.kept_chars == {("web", ""): 6, ("wiki", ""): 1}
    assert {group: tuple(vars(edits).values()) for group, edits in ledger.edited.items()} == {
        ("b", "twin", "web", ""): (1, 2, 3),
        ("b", "other", "web", ""): (1, 1, 1),
        ("b", "twin", "wiki", ""): (1, 1, 29),
    }
    again = type(ledger).from_json(ledger.to_json())
    again.add(ledger)
    assert again.edited["b", "twin", "web", ""].chars == 6


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"cuts": cuts((2, 4), (1, 2))}, "spans out of order, overlapping, empty, or that are not there"),
        ({"cuts": cuts((0, 2), (1, 3))}, "spans out of order, overlapping, empty, or that are not there"),
        ({"cuts": cuts((1, 1))}, "spans out of order, overlapping, empty, or that are not there"),
        ({"cuts": cuts((-1, 1))}, "spans out of order, overlapping, empty, or that are not there"),
        ({"cuts": cuts((0, 6))}, "spans out of order, overlapping, empty, or that are not there"),
        ({"cuts": [{"start": None, "stop": 1, "reason": "r"}]}, "spans out of order, overlapping, empty"),
        ({"cuts": cuts((0, 1), reason=None)}, "cuts a span for no reason"),
        ({"reason": "late", "cuts": cuts((0, 1))}, "cuts spans out of a row that leaves"),
    ],
)
def test_cuts_that_are_none_are_not_committed(tmp_path: Path, entry: dict[str, Any], said: str) -> None:
    folder = StageFolder(str(tmp_path))
    sketch = pa.Table.from_pylist([{"id": "a", "source": "web", "chars": 5}] * 2)
    ruling = pa.Table.from_pylist([{"row": 0, "cuts": cuts((0, 5))}, {"row": 1, **entry}], LAYOUT)
    for kind, table in (("sketch", sketch), ("work", ruling)):
        Path(folder.file(kind, 0)).parent.mkdir()
        pq.write_table(table, folder.file(kind, 0))
    with pytest.raises(StepError, match=said):
        commit_ruling(BarrierJob("s", "b", folder), RulingItem(0, folder.file("work", 0), 2))
    assert folder.manifests() == {}


def test_cuts_of_another_type_are_not_taken() -> None:
    ruling = pa.table({"row": [0], "reason": pa.nulls(1, pa.string()), "cuts": ["0-4"]})
    with pytest.raises(StepError, match="column 'cuts' of a ruling is of type string"):
        list(apply_ruling([pa.RecordBatch.from_pylist([{"text": "abcd"}])], ruling))


INPUTS = {"a": ["a bad text", "bad", "good", "badbad 日本bad"], "b": ["good", "no bad bad", "a  text"]}


def edited_run(folder: Path, *, executor: Executor | None = None) -> str:
    """Texts without a word, then without those that only now are alike."""
    out = str(folder / "out")
    stages = [CENSOR, {"barrier": "alike", "exact": {}}]
    run(recipe_of(write_lines(folder, **INPUTS), *stages), out, executor or Inline())
    return out


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> str:
    return edited_run(tmp_path_factory.mktemp("edited"))


def edits_in(out: str) -> list[dict[str, Any]]:
    paths = sorted(Path(out).glob("stages/*-censored-*/edits/*"))
    return [row for path in paths for row in pq.read_table(path, schema=schema.EDITS).to_pylist()]


def test_the_corpus_is_of_edited_texts_and_the_next_barrier_sees_them_so(out: str) -> None:
    assert corpus(out) == ["a  text", "good", " 日本", "no  "]
    assert [(row["id"], row["reason"], row["kept_id"]) for row in decisions(out)] == [
        ("a.txt:1", "only_bad", None),
        ("b.txt:0", "exact_duplicate", "a.txt:2"),
        ("b.txt:2", "exact_duplicate", "a.txt:0"),
    ]


def test_every_span_is_told_where_it_was_in_the_text_before(out: str) -> None:
    found = edits_in(out)
    assert [(row["id"], row["start"], row["stop"]) for row in found] == [
        ("a.txt:0", 2, 5),
        *(("a.txt:3", 0, 3), ("a.txt:3", 3, 6), ("a.txt:3", 9, 12)),
        *(("b.txt:1", 3, 6), ("b.txt:1", 7, 10)),
    ]
    assert {(row["stage"], row["step"], row["reason"], row["kept_id"]) for row in found} == {
        ("censored", "Censor", "bad", "the list")
    }
    texts = {f"{name}.txt:{number}": text for name, lines in INPUTS.items() for number, text in enumerate(lines)}
    assert {texts[row["id"]][row["start"] : row["stop"]] for row in found} == {"bad"}


def test_the_run_verifies_and_the_report_tells_what_was_cut(out: str) -> None:
    assert verify(out).problems == []
    content = report(out)
    stage = next(stage for stage in content["stages"] if stage["name"] == "censored")
    assert stage["edited"] == {"bad": {"documents": 3, "spans": 6, "characters": 18}}
    assert stage["steps"][0]["edited"] == stage["edited"]
    assert stage["characters_in"] - stage["characters_out"] == 18 + stage["dropped"]["only_bad"]["characters"]
    console = Console(width=80, record=True, file=io.StringIO())
    render_funnel(content, console)
    assert "cut out by censored: 18 characters in 6 spans of 3 documents, bad" in console.export_text()


def test_explain_tells_what_was_cut_out_of_a_document(out: str) -> None:
    console = Console(width=120, record=True, file=io.StringIO())
    render_explanation(explain(out, "a.txt:3"), console)
    lines = console.export_text().splitlines()
    assert lines[2:4] == [
        "  edited   in stage censored, by Censor: 9 characters cut out in 3 spans, bad, which the list kept",
        "           'bad'",
    ]
    assert [event.what for event in explain(out, "b.txt:2").events] == ["read", "dropped", "read", "edited", "kept"]


def test_any_executor_gives_the_same_bytes(out: str, tmp_path: Path) -> None:
    machine = Serial()
    try:
        again = edited_run(tmp_path, executor=machine)
    finally:
        machine.close()
    assert [file.read_bytes() for file in corpus_files(again)] == [file.read_bytes() for file in corpus_files(out)]
    assert edits_in(again) == edits_in(out)


def test_a_lost_or_changed_edit_is_found(tmp_path: Path) -> None:
    out = edited_run(tmp_path)
    (path, other) = sorted(Path(out).glob("stages/*-censored-*/edits/*"))
    other.unlink()
    table = pq.read_table(path)
    pq.write_table(table.set_column(6, "stop", pa.array([6, *table["stop"].to_pylist()[1:]])), path)
    problems = {problem.where: problem.what for problem in verify(out).problems}
    assert problems.keys() == {str(path), str(other)}
    assert problems[str(other)] == "is missing"


def test_characters_that_were_cut_but_not_booked_are_found(tmp_path: Path) -> None:
    out = edited_run(tmp_path)
    (path, _) = sorted(Path(out).glob("stages/*-censored-*/shards/*"))
    path.write_text(
        path.read_text().replace(
            '"bad",\n    "a",\n    "",\n    2,\n    4,\n    12', '"bad",\n    "a",\n    "",\n    2,\n    4,\n    11'
        )
    )
    problems = [problem.what for problem in verify(out).problems]
    assert any("characters in, but" in what for what in problems)
    assert any("holds 12 characters of censored / Censor / bad / a; 11 are booked" in what for what in problems)


def test_a_rerun_after_the_edits_are_gone_makes_them_again(tmp_path: Path) -> None:
    out = edited_run(tmp_path)
    before = edits_in(out)
    for path in Path(out).glob("stages/*-censored-*/edits/*"):
        path.unlink()
    assert edits_in(edited_run(tmp_path)) == before
    assert verify(out).problems == []
