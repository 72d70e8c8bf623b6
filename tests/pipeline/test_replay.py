"""What replay foretells is what a run with the other thresholds does."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import MinLength

from textmill import Filter, Verdict, doc_filter
from textmill.pipeline.errors import UsageError
from textmill.pipeline.executor import Inline
from textmill.pipeline.recipe import Named, Recipe
from textmill.pipeline.recipe_reader import load_recipe, parse_recipe
from textmill.pipeline.reports.audit import audit, save
from textmill.pipeline.reports.replay import Replay, replay
from textmill.pipeline.reports.thresholds import changes_of, thresholds_of
from textmill.pipeline.run import run

WORDS = ["river", "stone", "of", "the", "and", "to"]


def recipe_of(folder: Path, **quality: Any) -> Recipe:
    rules = {"min_words": 5, "max_words": 40, "min_mean_word_length": 2.5, "min_stop_words": 1, **quality}
    return parse_recipe(
        {
            "name": "replay",
            "inputs": [{"source": "web", "read": "jsonl", "files": str(folder / "in.jsonl")}],
            "stages": [
                {"chain": "base", "steps": [{"length": {"min_chars": 10}}, {"gopher_quality": rules}]},
                {"barrier": "copies", "exact": {}},
                {"chain": "late", "steps": [{"between": {"column": "quality", "min": 0.5}}]},
            ],
        }
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("replay")
    rows = [
        {"id": f"d{i}", "text": " ".join(WORDS[(i * j) % 6] for j in range(i % 50)), "quality": (i * 7 % 10) / 10}
        for i in range(200)
    ]
    (folder / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    run(recipe_of(folder), str(folder / "out"), Inline())
    recipe = recipe_of(folder)
    save(audit(recipe, documents=1000), recipe, str(folder / "audit"))
    return folder


def books(folder: Path, tmp_path: Path, recipe: Recipe) -> tuple[int, dict[str, int]]:
    ledger = run(recipe, str(tmp_path / "out"), Inline()).books["base"]
    return ledger.rows_out, dict(ledger.reasons())


def foretold(result: Replay) -> dict[str, int]:
    return {reason: n for (_, reason), n in result.would_drop.items() if n}


@pytest.mark.parametrize(
    "change",
    [{"min_words": 12}, {"min_words": 2}, {"max_words": 20}, {"min_mean_word_length": 3.2}, {"min_words": None}],
)
def test_what_is_foretold_is_what_a_run_does(folder: Path, tmp_path: Path, change: dict[str, Any]) -> None:
    ((name, value),) = change.items()
    said = "null" if value is None else value
    (result,) = replay(str(folder / "out"), [f"base.gopher_quality.{name}={said}"])
    kept, dropped = books(folder, tmp_path, recipe_of(folder, **change))
    assert result.would_keep.total() == kept
    assert foretold(result) == dropped
    assert not result.maybe


def test_a_step_after_the_one_that_is_loosened_leaves_a_range(folder: Path, tmp_path: Path) -> None:
    (result,) = replay(str(folder / "out"), ["base.length.min_chars=4"])
    content = recipe_of(folder)
    looser = parse_recipe(
        {
            "name": "replay",
            "inputs": [{"source": "web", "read": "jsonl", "files": str(folder / "in.jsonl")}],
            "stages": [
                {"chain": "base", "steps": [{"length": {"min_chars": 4}}, content.stages[0].steps[1].to_yaml()]}  # type: ignore[union-attr]
            ],
        }
    )
    kept, _ = books(folder, tmp_path, looser)
    assert result.maybe
    assert result.would_keep.total() <= kept <= result.would_keep.total() + result.maybe.total()


def test_an_audit_leaves_no_range(folder: Path, tmp_path: Path) -> None:
    (result,) = replay(str(folder / "audit"), ["base.gopher_quality.min_words=12"])
    assert result.kept.total() <= result.measured.total() == 200
    assert not result.maybe
    loose, strict = (
        replay(str(folder / "audit"), [f"base.length.min_chars={least}"])[0].would_keep.total() for least in (4, 100)
    )
    assert strict < result.kept.total() <= loose


def test_a_later_chain_is_replayed_on_what_reached_it(folder: Path) -> None:
    (result,) = replay(str(folder / "out"), ["late.between.min=0.8"])
    assert result.stage == "late"
    assert result.would_keep.total() < result.kept.total() < result.measured.total() < 200


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("base.gopher_quality.stop_words=[a]", "no threshold"),
        ("copies.exact.keep=last", "barrier|no such|keep"),
        ("base.gopher_quality.max_symbol_ratio=0.1", "nothing to replay"),
    ],
)
def test_what_cannot_be_told_is_refused(folder: Path, override: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        replay(str(folder / "out"), [override])


def test_a_run_that_kept_no_measures_says_so(folder: Path, tmp_path: Path) -> None:
    recipe = load_recipe(str(folder / "out" / "recipe.yaml"), ["measures.keep=0"])
    run(recipe, str(tmp_path / "out"), Inline())
    with pytest.raises(UsageError, match=r"measures\.keep"):
        replay(str(tmp_path / "out"), ["base.gopher_quality.min_words=12"])


class Odd(Filter):
    """Its threshold does not decide alone."""

    limit: int = 3

    def judge(self, batch: Any) -> Verdict:
        sizes = [len(text) for text in batch.column("text").to_pylist()]
        where = [size > self.limit and size % 2 == 1 for size in sizes]
        return Verdict.of(batch).drop("odd", where, value=sizes, threshold=self.limit)


def test_a_rule_that_its_threshold_does_not_decide_is_refused(folder: Path, tmp_path: Path) -> None:
    recipe = parse_recipe(
        {
            "name": "odd",
            "inputs": [{"source": "web", "read": "jsonl", "files": str(folder / "in.jsonl")}],
            "stages": [{"chain": "base", "steps": ["test_replay:Odd"]}],
        },
        plugin_folders=[str(Path(__file__).parent)],
    )
    run(recipe, str(tmp_path / "out"), Inline())
    saved = tmp_path / "out" / "recipe.yaml"
    saved.with_name("test_replay.py").write_text(Path(__file__).read_text())
    with pytest.raises(UsageError, match="not decided by its threshold alone"):
        replay(str(tmp_path / "out"), ["base.Odd.limit=5"])


@doc_filter
def shouting(text: str, *, limit: int = 2) -> str | None:
    """Drop documents with many exclamation marks."""
    return "shouting" if text.count("!") > limit else None


def test_a_filter_of_one_document_states_no_threshold() -> None:
    assert thresholds_of(shouting()) == {}
    old, new = (Named("shouting", "x:shouting", shouting(limit=limit)) for limit in (2, 3))
    with pytest.raises(UsageError, match="no threshold"):
        list(changes_of(old, new))


@given(before=st.integers(0, 100), after=st.integers(0, 100))
@settings(max_examples=20)
def test_a_moved_threshold_is_found_by_asking_the_filter(before: int, after: int) -> None:
    old, new = (Named("least", "support:MinLength", MinLength(least=least)) for least in (before, after))
    assert thresholds_of(MinLength(least=before)) == {"too_short": before}
    moved = [(change.before, change.after) for change in changes_of(old, new)]
    assert moved == ([] if before == after else [(before, after)])
