"""What a task of a barrier may take is declared for the machine; the corpus never depends on it."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from textmill.pipeline.cli import app
from textmill.pipeline.errors import UsageError
from textmill.pipeline.executor import Inline
from textmill.pipeline.memory import LEAST_BYTES, LIBRARIES_BYTES, Memory, declare
from textmill.pipeline.recipe_reader import parse_recipe
from textmill.pipeline.run import run

WORDS = [f"word{chr(97 + n % 26)}{chr(97 + n // 26)}" for n in range(400)]
SHARDS = 10
BARRIERS: dict[str, dict[str, Any]] = {
    "near": {"minhash": {"ngram": 3}},
    "fingerprints": {"simhash": {"ngram": 2}},
    "spans": {"substrings": {"words": 12}},
    "same": {"exact": {}},
}


class Watched(Inline):
    """Remembers the names of the tasks that it did."""

    def __init__(self, memory: Memory) -> None:
        super().__init__(memory)
        self.tasks: list[str] = []

    def map(self, task: Any, items: Any, context: Any, *, gpu: bool = False) -> Any:
        self.tasks.append(getattr(context[0], "__name__", "") if isinstance(context, tuple) else "")
        return super().map(task, items, context, gpu=gpu)


def recipe_in(folder: Path, *names: str) -> dict[str, Any]:
    """A crawl of clusters whose members differ in a word, and those barriers, one after another."""
    for shard in range(SHARDS):
        rows = [{"id": f"{shard}-{cluster}", "text": text(cluster, shard)} for cluster in range(6)]
        (folder / f"{shard:02d}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    stages = [
        stage for name in names for stage in ({"chain": f"c-{name}", "steps": []}, {"barrier": name, **BARRIERS[name]})
    ]
    inputs = [{"source": "web", "read": "jsonl", "files": f"{folder}/*.jsonl"}]
    return {"name": "memory", "inputs": inputs, "stages": stages}


def text(cluster: int, shard: int) -> str:
    """Three lines of words of the cluster; every shard has another word somewhere."""
    words = WORDS[cluster * 60 : cluster * 60 + 60]
    words[shard * 7 % 60] = f"other{chr(97 + shard)}"
    return "\n".join(" ".join(words[at : at + 20]) for at in range(0, 60, 20))


def files(out: Path) -> dict[str, str]:
    """A hash of each file of the corpus, of decisions, edits and rulings."""
    kinds = ("data", "stages/*/decisions", "stages/*/edits", "stages/*/rulings")
    found = [path for kind in kinds for path in sorted(out.glob(f"{kind}/*"))]
    return {str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


@pytest.mark.parametrize("names", [["near"], ["fingerprints"], ["spans", "same"]])
def test_the_corpus_is_byte_for_byte_the_same_with_little_memory_and_with_much(
    tmp_path: Path, names: list[str]
) -> None:
    recipe = parse_recipe(recipe_in(tmp_path, *names))
    by_stars = {}
    found = []
    for data in (4_000, 300_000, 1 << 40):
        out = tmp_path / str(data)
        executor = Watched(Memory(data))
        run(recipe, str(out), executor)
        found.append(files(out))
        by_stars[data] = executor.tasks.count("_star")
    if names[0] in ("near", "fingerprints"):
        assert by_stars[4_000] > 1
        assert by_stars[1 << 40] == 0
    assert any("/decisions/" in name or "/edits/" in name for name in found[0])
    assert found[1:] == found[:1] * 2


def test_memory_that_does_not_hold_one_shard_is_an_error_that_names_what_would(tmp_path: Path) -> None:
    recipe = parse_recipe(recipe_in(tmp_path, "near"))
    out = str(tmp_path / "out")
    with pytest.raises(UsageError, match="--memory is too small") as told:
        run(recipe, out, Inline(Memory(1, declared=True)))
    assert f"Give {LEAST_BYTES // 10**6}MB or more" in str(told.value)
    sketch = max(path.stat().st_size for path in Path(out).glob("stages/*/sketch/*"))
    with pytest.raises(UsageError):
        run(recipe, out, Inline(Memory(32 * sketch - 1, declared=True)))
    assert run(recipe, out, Inline(Memory(32 * sketch, declared=True))).reused == ["c-near"]


def test_what_is_declared_is_for_libraries_too() -> None:
    assert declare(2_000_000_000) == Memory(2_000_000_000 - LIBRARIES_BYTES, declared=True)


@pytest.mark.parametrize(
    ("memory", "complaint"),
    [
        ("400MB", "--memory 400MB: too little for a task to work with; give 512MB or more"),
        ("lots", "--memory lots: write a size such as 500MB or 8GB"),
        ("2", "--memory 2: write a size"),
        ("1.2.3GB", "--memory 1.2.3GB: write a size"),
        ("50%", "--memory 50%: write a size"),
        ("0GB", "--memory 0GB: write a size"),
    ],
)
def test_a_size_that_is_none_or_too_small_is_told_before_anything_starts(
    tmp_path: Path, memory: str, complaint: str
) -> None:
    out = tmp_path / "out"
    (tmp_path / "recipe.yaml").write_text(json.dumps(recipe_in(tmp_path, "near")))
    options = [str(tmp_path / "recipe.yaml"), "--out", str(out), "--executor", "inline"]
    result = CliRunner().invoke(app, ["run", *options, "--memory", memory])
    assert isinstance(result.exception, UsageError)
    assert str(result.exception).startswith(complaint)
    assert not out.exists()


@pytest.mark.parametrize("executor", ["inline", "serial", pytest.param("ray", marks=pytest.mark.ray)])
def test_with_the_option_every_executor_makes_the_same_corpus(tmp_path: Path, executor: str) -> None:
    (tmp_path / "recipe.yaml").write_text(json.dumps(recipe_in(tmp_path, "near")))
    run(parse_recipe(recipe_in(tmp_path, "near")), str(tmp_path / "plain"), Inline())
    options = [str(tmp_path / "recipe.yaml"), "--out", str(tmp_path / "out"), "--executor", executor]
    assert CliRunner().invoke(app, ["run", *options, "--memory", "512MB"]).exit_code == 0
    assert files(tmp_path / "out") == files(tmp_path / "plain")
