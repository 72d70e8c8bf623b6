"""Small mixed corpora for tests: documents of known groups, a recipe that mixes them, and what the corpus holds."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from textmill.pipeline.recipe import Recipe
from textmill.pipeline.recipe_reader import parse_recipe

GROUPS = {"books": 40, "code": 120, "web": 400}
PHASES = ("stable", "anneal")
MIX = {
    "mix": "final",
    "by": ["source"],
    "tokens_column": "tokens",
    "weights": {"kind": "explicit", "shares": {"books": 0.3, "code": 0.3, "web": 0.4}},
    "max_epochs": 5,
    "phases": [
        {"name": "stable", "budget_tokens": 6000},
        {"name": "anneal", "budget_tokens": 1000, "weights": {"kind": "proportional"}},
    ],
}


def write_documents(folder: Path, *, files: int = 2, seed: int = 0) -> None:
    """Documents of each group, 5 to 25 tokens of two characters, in `files` files a group."""
    random = np.random.default_rng(seed)
    for group, count in GROUPS.items():
        sizes = random.integers(5, 26, count).tolist()
        rows = [
            {"id": f"{group}-{i}", "text": " ".join("x" * n), "tokens": n, "url": f"https://{group}.org/{i}"}
            for i, n in enumerate(sizes)
        ]
        for file in range(files):
            lines = "".join(json.dumps(row) + "\n" for row in rows[file::files])
            (folder / f"{group}-{file}.jsonl").write_text(lines)


def mixed_recipe(
    folder: Path, *before: object, output: dict[str, Any] | None = None, counted: str = "tokens", **changes: Any
) -> Recipe:
    """A recipe that mixes the documents in `folder`, their tokens in column `counted`; `changes` are of the mix."""
    columns = {} if counted == "tokens" else {counted: "tokens"}
    inputs = [
        {"source": group, "read": "jsonl", "files": f"{folder}/{group}-*.jsonl", "columns": columns} for group in GROUPS
    ]
    stages = [*before, {**MIX, **changes}]
    return parse_recipe({"name": "mixed", "inputs": inputs, "stages": stages, "output": output or {}})


def tokens_of(folder: Path) -> dict[str, int]:
    """Tokens of each document by id."""
    rows = [json.loads(line) for path in folder.glob("*.jsonl") for line in path.read_text().splitlines()]
    return {row["id"]: row["tokens"] for row in rows}


def ids_in_order(out: Path | str, phase: str) -> list[str]:
    """Ids of a phase of a corpus of Parquet, in the order of its files."""
    paths = sorted((Path(out) / "data" / phase).glob("*.parquet"))
    return [name for path in paths for name in pq.read_table(path).column("id").to_pylist()]


def shares(ids: list[str], tokens: dict[str, int]) -> dict[str, int]:
    """Tokens of each group among documents."""
    sums = Counter[str]()
    for name in ids:
        sums[name.partition("-")[0]] += tokens[name]
    return dict(sums)


def findings(out: Path | str) -> dict[str, Any]:
    """What the mix wrote down."""
    (path,) = Path(out).glob("stages/*-final-*/findings.json")
    return json.loads(path.read_text())["mixture"]
