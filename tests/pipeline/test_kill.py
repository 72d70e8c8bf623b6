"""A run that is killed at any point resumes to the same corpus, with no file left over.

Every file of a run becomes visible by a rename. An audit hook, set by a wrapper around the command,
kills the process with SIGKILL just before its n-th rename, for every n: so also between the writing of
a shard's data and of its manifest.
"""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

KILLED_AT_RENAME = """
import os, signal, sys
left = int(sys.argv.pop(1))
def hook(event, args):
    global left
    if event == "os.rename":
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(hook)
from textmill.pipeline.cli import main
main()
"""

RECIPE = """
name: killed
inputs:
  - {{source: a, read: jsonl, files: "{folder}/in-*.jsonl"}}
rejects: {{keep: 0.5}}
stages:
  - chain: base
    steps:
      - between: {{column: size, min: 3}}
  - barrier: duplicates
    exact: {{}}
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    for file in range(2):
        rows = [{"id": f"{file}-{i}", "text": f"text {i % 7}", "size": i} for i in range(12)]
        (tmp_path / f"in-{file}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    path = tmp_path / "recipe.yaml"
    path.write_text(RECIPE.format(folder=tmp_path))
    return path


def start(recipe: Path, out: Path, *, kill_at: int = 0) -> int:
    arguments = ["run", str(recipe), "--out", str(out), "--executor", "inline"]
    command = [sys.executable, "-c", KILLED_AT_RENAME, str(kill_at), *arguments]
    return subprocess.run(command, check=False, capture_output=True).returncode


def files_of(out: Path) -> set[str]:
    return {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}


def corpus_of(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (out / "data").iterdir()}


@pytest.mark.slow
def test_a_run_killed_before_any_of_its_renames_resumes_to_the_same_bytes(recipe: Path, tmp_path: Path) -> None:
    calm = tmp_path / "calm"
    assert start(recipe, calm) == 0
    kill_at, code = 0, -signal.SIGKILL
    while code == -signal.SIGKILL:
        kill_at += 1
        out = tmp_path / f"killed-{kill_at}"
        code = start(recipe, out, kill_at=kill_at)
        if code == -signal.SIGKILL:
            assert start(recipe, out) == 0, f"killed before rename {kill_at}"
        assert corpus_of(out) == corpus_of(calm), f"killed before rename {kill_at}"
        assert files_of(out) == files_of(calm), f"killed before rename {kill_at}"
    assert code == 0
    assert kill_at > 10  # two shards of data, decisions, sketch and manifest alone are more


@pytest.mark.slow
def test_a_run_killed_again_and_again_still_ends(recipe: Path, tmp_path: Path) -> None:
    calm, out = tmp_path / "calm", tmp_path / "out"
    assert start(recipe, calm) == 0
    deaths = 0
    while start(recipe, out, kill_at=4) == -signal.SIGKILL:  # recipe.yaml and plan.json are written each time
        deaths += 1
        assert deaths < 50
    assert deaths > 3
    assert corpus_of(out) == corpus_of(calm)
    assert files_of(out) == files_of(calm)
