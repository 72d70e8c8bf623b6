"""A run small enough to follow every document by eye, for tests of what reads a run: report, explain, verify.

::

    web    w1  en  kept                             books  b1  en  duplicate of w1
           w2  en  holds the word "bad"                    b2  de  duplicate of w4
           w3  en  2 characters, 5 are the least           b3  fr  kept
           w4  de  quality 0.2, 0.5 is the least           c1  en  (third file) kept
           one blank line, one line that is no JSON
"""

import json
from pathlib import Path
from typing import Any

from textmill.pipeline.executor import Inline
from textmill.pipeline.recipe import Recipe
from textmill.pipeline.recipe_reader import parse_recipe
from textmill.pipeline.run import RunResult, run

WEB = [
    ("w1", "a good text", "en", 0.9),
    ("w2", "a bad text", "en", 0.9),
    ("w3", "no", "en", 0.9),
    ("w4", "another text", "de", 0.2),
]
BOOKS = [("b1", "a good text", "en", 0.9), ("b2", "another text", "de", 0.9), ("b3", "chapter one", "fr", 0.7)]
MORE = [("c1", "chapter two", "en", 0.8)]


def write_inputs(folder: Path) -> None:
    """The three files."""
    for name, rows in (("web", WEB), ("books", BOOKS), ("books2", MORE)):
        lines = [_line(*row) for row in rows]
        if name == "web":
            lines[2:2] = ["", "no JSON"]
        (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n")


def _line(name: str, text: str, language: str, quality: float) -> str:
    url = f"https://example.org/{name}"
    return json.dumps({"id": name, "text": text, "url": url, "language": language, "quality": quality})


def recipe_in(folder: Path, **changes: Any) -> Recipe:
    """The recipe; `changes` replace top-level entries."""
    content = {
        "name": "tiny",
        "inputs": [
            {"source": "web", "read": "jsonl", "files": str(folder / "web.jsonl")},
            {"source": "books", "read": "jsonl", "files": str(folder / "books*.jsonl")},
        ],
        "rejects": {"keep": 1.0},
        "stages": [
            {"chain": "base", "steps": [{"support:MinLength": {"least": 5}}, "support:without"]},
            {"barrier": "duplicates", "exact": {}},
            {"chain": "scores", "steps": [{"between": {"column": "quality", "min": 0.5}}]},
        ],
    }
    return parse_recipe({**content, **changes})


def tiny_run(folder: Path, **changes: Any) -> tuple[str, RunResult]:
    """Do it; the run's folder, and how it ended."""
    write_inputs(folder)
    out = str(folder / "out")
    return out, run(recipe_in(folder, **changes), out, Inline())


def stage_folder(out: str, name: str) -> Path:
    """The folder of a stage of the tiny run."""
    (folder,) = (Path(out) / "stages").glob(f"*-{name}-*")
    return folder
