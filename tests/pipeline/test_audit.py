"""An audit lets every filter judge every document, and tells what each does."""

import json
from pathlib import Path
from typing import Any

import pytest

from textmill.pipeline.errors import UsageError
from textmill.pipeline.recipe import Recipe
from textmill.pipeline.recipe_reader import parse_recipe
from textmill.pipeline.reports.audit import audit
from textmill.pipeline.reports.audit_report import summarise

TEXTS = ["ab", "a bad one", "bad", "a good text", "a text of middling length"]


def recipe_of(folder: Path, *stages: Any) -> Recipe:
    rows = [{"id": f"d{i}", "text": text, "language": "en" if i % 2 else "de"} for i, text in enumerate(TEXTS)]
    (folder / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return parse_recipe(
        {
            "name": "audit",
            "inputs": [{"source": "web", "read": "jsonl", "files": str(folder / "in.jsonl")}],
            "stages": list(stages),
        }
    )


STEPS = {"chain": "base", "steps": [{"length": {"min_chars": 5, "max_chars": 15}}, "support:without"]}


def test_what_each_filter_drops_alone_first_and_together(tmp_path: Path) -> None:
    summary = summarise(audit(recipe_of(tmp_path, STEPS), documents=100), examples=1)
    assert (summary["documents"], summary["kept"]) == (5, 1)
    length, without = summary["steps"]
    assert (length["dropped"], length["alone"], length["first"]) == (3, 2, 3)  # ab, bad, and the long one
    assert (without["dropped"], without["alone"], without["first"]) == (2, 1, 1)  # a bad one, bad
    assert summary["together"] == [{"steps": ["base.length", "base.without"], "documents": 1}]
    assert length["groups"] == [{"source": "web", "language": "de", "documents": 3}]


def test_examples_stand_on_either_side_of_the_threshold(tmp_path: Path) -> None:
    summary = summarise(audit(recipe_of(tmp_path, STEPS), documents=100), examples=1)
    shortest = next(rule for rule in summary["rules"] if rule["threshold"] == 5)
    assert [(example["id"], example["dropped"]) for example in shortest["examples"]] == [("d2", True), ("d1", False)]


def test_what_needs_a_barrier_is_passed_over_by_name(tmp_path: Path) -> None:
    recipe = recipe_of(
        tmp_path,
        STEPS,
        {"barrier": "copies", "exact": {}},
        {"chain": "late", "steps": [{"between": {"column": "copies", "max": 3}}]},
    )
    assert audit(recipe, documents=100).passed_over.keys() == {"copies", "late.between"}


def test_the_sample_is_as_large_as_was_asked(tmp_path: Path) -> None:
    assert len(audit(recipe_of(tmp_path, STEPS), documents=3).table) == 3


def test_a_recipe_without_filters(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no filter"):
        audit(recipe_of(tmp_path, {"chain": "base", "steps": ["normalize_whitespace"]}), documents=3)
