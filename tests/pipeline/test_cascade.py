"""A cascade asks its dear scorer about no more than it must, says so, and is a step like any other."""

import io
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from cascade_scorers import ASKED
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from support import chain, recipe_of, write_lines

from textmill.pipeline.cascade import Cascade
from textmill.pipeline.check import check
from textmill.pipeline.errors import RecipeError
from textmill.pipeline.executor import Inline, Serial
from textmill.pipeline.plan import plan
from textmill.pipeline.reports.explain import explain
from textmill.pipeline.reports.funnel import render_funnel
from textmill.pipeline.reports.report import report
from textmill.pipeline.run import run
from textmill.pipeline.testing import batch_of

BAND: dict[str, Any] = {"first": "cascade_scorers:Cheap", "then": "cascade_scorers:Dear", "low": 0.2, "high": 0.8}


def cascade(**fields: object) -> Cascade:
    return Cascade.model_validate({**BAND, **fields})


def scored(step: Cascade, texts: list[str]) -> tuple[dict[str, list[Any]], dict[str, int], set[str]]:
    ASKED.clear()
    batch, verdict = step.apply(batch_of(texts))
    assert verdict is None
    columns = {name: batch.column(name).to_pylist() for name in ("cheap", "dear", "cascade")}
    return columns, dict(step.tally(batch)), set(ASKED)


def test_only_what_is_not_clear_is_sent_on() -> None:
    texts = ["0.1 a 0.9", "0.2 b 0.6", "0.5 c 0.3", "0.8 d 0.7", "0.9 e 0.1", "? f 0.4"]
    columns, tally, asked = scored(cascade(audit=0), texts)
    assert asked == {texts[1], texts[2], texts[3], texts[5]}
    assert columns["dear"] == [None, 0.6, 0.3, 0.7, None, 0.4]
    assert columns["cascade"] == pytest.approx([0.1, 0.6, 0.3, 0.7, 0.9, 0.4])
    assert tally == {"clear": 2, "sent_on": 4, "audited": 0, "disagreed": 0}


def test_both_see_the_audited_and_their_disagreement_is_counted() -> None:
    texts = ["0.1 a 0.9", "0.1 b 0.4", "0.9 c 0.1", "0.9 d 0.5", "0.5 e 0.0"]
    columns, tally, asked = scored(cascade(audit=1), texts)
    assert asked == set(texts)
    assert columns["dear"] == [0.9, 0.4, 0.1, 0.5, 0.0]
    assert columns["cascade"] == pytest.approx([0.1, 0.1, 0.9, 0.9, 0.0])  # the first score still stands
    assert tally == {"clear": 4, "sent_on": 1, "audited": 4, "disagreed": 2}


def test_a_batch_without_doubt_has_the_same_columns() -> None:
    doubtful, clear = (
        cascade(audit=0).apply(batch_of(texts))[0] for texts in (["0.5 a 0.9"], ["0.1 a 0.9", "0.1 0.3"])
    )
    assert doubtful.schema == clear.schema
    assert clear.column("dear").to_pylist() == [None, None]


numbers = st.sampled_from([0.0, 0.1, 0.2, 0.25, 0.5, 0.8, 0.85, 1.0])


@given(st.lists(st.tuples(st.none() | numbers, numbers), min_size=1, max_size=12), st.sampled_from([0, 0.3, 1]))
def test_the_column_is_that_of_the_slow_twin_however_documents_are_batched(
    pairs: list[tuple[float | None, float]], audit: float
) -> None:
    step = cascade(audit=audit)
    texts = [f"{'?' if first is None else first} text {last}" for first, last in pairs]
    columns, tally, _ = scored(step, texts)
    expected = [last if first is None or 0.2 <= first <= 0.8 else first for first, last in pairs]
    assert columns["cascade"] == pytest.approx(expected)
    whole = batch_of(texts)
    alone = [step.apply(whole.slice(i, 1))[0] for i in range(len(texts))]
    assert [row.column("dear")[0].as_py() for row in alone] == columns["dear"]
    assert tally == {name: sum(step.tally(row)[name] for row in alone) for name in tally}
    assert tally["clear"] + tally["sent_on"] == len(texts)


def test_the_sample_is_about_as_large_as_asked_for() -> None:
    _, tally, asked = scored(cascade(audit=0.1), [f"0.1 {i} 0.1" for i in range(3000)])
    assert 200 < tally["audited"] == len(asked) < 400


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"low": 0.9}, "low 0.9, threshold 0.5, high 0.8 must rise"),
        ({"threshold": 0.1}, "low 0.2, threshold 0.1, high 0.8 must rise"),
        ({"then": "cascade_scorers:Cheap"}, "column 'cheap' is added twice; give one of them another name"),
        ({"column": "dear"}, "column 'dear' is added twice; give one of them another name"),
        ({"first": {"language": {}}}, "say with first_column which column is the score: language, language_score"),
        ({"then_column": "deer"}, "then_column: there is no 'deer' among dear"),
        ({"then": "gopher_quality"}, "then: 'gopher_quality' is no scorer"),
        (
            {"then": "qualty"},
            "then: unknown step 'qualty'; did you mean 'quality'?",
        ),
        (
            {"then": {"quality": {"modle": "a"}}},
            "quality: parameter 'model' is missing; quality: unknown",
        ),
        ({"then": {"a": {}, "b": {}}}, "then: write a scorer as name or name: {parameters}, not"),
        ({"then": 3}, "then: write a scorer as name or name: {parameters}, not 3"),
        ({"then": "nowhere:Dear"}, "no module 'nowhere'"),
    ],
)
def test_every_mistake_is_told_by_name(fields: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(RecipeError) as caught:
        recipe_of(write_lines(tmp_path, a=["x"]), chain("base", {"cascade": {**BAND, **fields}}))
    (problem,) = caught.value.problems
    assert problem.startswith("base.cascade: ")
    assert message in problem


PLUGIN = '''
import pyarrow as pa
import pyarrow.parquet as pq
from textmill import Scorer

class Vowels(Scorer):
    """The share of a text that is the letter a."""
    weight: float = 1.0

    def adds(self):
        return frozenset({"vowels"})

    def score(self, batch):
        texts = batch.column("text").to_pylist()
        return {"vowels": pa.array([self.weight * t.count("a") / max(1, len(t)) for t in texts], pa.float64())}
'''


def recipe_with_plugin(folder: Path, source: str = PLUGIN, weight: float = 1.0) -> Any:
    (folder / "own_scores.py").write_text(source)
    then = {"own_scores:Vowels": {"weight": weight}}
    step = {"cascade": {"first": "support:length", "then": then, "low": 3, "high": 9, "threshold": 5, "audit": 0.5}}
    return recipe_of(folder, chain("base", step), plugins=folder)


@pytest.mark.parametrize("executor", [Inline, Serial])
def test_a_run_with_a_scorer_of_ones_own_inside(executor: Any, tmp_path: Path) -> None:
    folder = write_lines(tmp_path, a=["aa", "aaaa", "b" * 20, "abab", "a" * 30], b=["aab"] * 6)
    recipe, out = recipe_with_plugin(folder), str(tmp_path / "out")
    assert not [stage for stage in check(recipe, out).stages if stage.complete]
    machine = executor()
    run(recipe, out, machine)
    machine.close()
    (path,) = (tmp_path / "out" / "data").glob("*.parquet")
    rows = {row["text"]: row for row in pq.read_table(path).to_pylist()}
    assert rows["abab"]["cascade"] == rows["abab"]["vowels"] == 0.5
    assert (rows["aa"]["cascade"], rows["a" * 30]["cascade"]) == (2, 30)
    console = Console(record=True, width=200, file=io.StringIO())
    render_funnel(report(out), console)
    assert "sent_on 8" in console.export_text()
    step = report(out)["stages"][0]["steps"][-1]
    assert step["tallies"]["clear"] == 3
    assert step["tallies"]["sent_on"] == 8
    assert 0 <= step["tallies"]["disagreed"] <= step["tallies"]["audited"] <= 3
    assert [event.stage for event in explain(out, "a.txt:0").events]


def test_what_stands_inside_determines_the_address_of_the_stage(tmp_path: Path) -> None:
    folder = write_lines(tmp_path, a=["aa"])

    def address(**changes: Any) -> str:
        return plan(recipe_with_plugin(folder, **changes), str(tmp_path / "out"), [])[0].address

    first = address()
    assert address() == first
    assert len({first, address(weight=2.0), address(source=PLUGIN + "\n# changed")}) == 3


def test_a_resolved_recipe_reads_as_the_same(tmp_path: Path) -> None:
    step = cascade(first={"cascade_scorers:Dear": {"factor": 2.0}}, then="cascade_scorers:Cheap")
    again = Cascade.model_validate_json(step.model_dump_json())
    assert again == step
    assert json.loads(step.model_dump_json())["first"] == {"cascade_scorers:Dear": {"factor": 2.0}}
