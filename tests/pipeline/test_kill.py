"""A run that is killed at any point resumes to the same corpus, with no file left over.

Every file of a run becomes visible by a rename. An audit hook, set by a wrapper around the command,
kills the process with SIGKILL just before its n-th rename, for every n: so also between the writing of
a shard's data and of its manifest.
"""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

# Imports once, then forks for every command that it is sent: a line of JSON in, an exit status out.
FORK_AND_KILL = """
import json, os, signal, sys
import textmill.pipeline.run, textmill.pipeline.reports.report, textmill.pipeline.reports.funnel
import textmill.pipeline.io.jsonl, textmill.filters.columns, textmill.pipeline.mixing.stage
import textmill.dedup.exact, textmill.dedup.lines
from textmill.pipeline.cli import main

def kill_before_rename(left):
    def hook(event, args):
        nonlocal left
        if event == "os.rename":
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
    return hook

for line in sys.stdin:
    kill_at, arguments = json.loads(line)
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.argv[1:] = arguments
        sys.addaudithook(kill_before_rename(kill_at))
        try:
            main()
        except SystemExit as end:
            os._exit(end.code or 0)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
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


CUTTING = RECIPE.replace("exact: {{}}", "lines: {{}}")

MIXED = """
name: killed
inputs:
  - {{source: a, read: jsonl, files: "{folder}/in-*.jsonl"}}
output: {{format: mds, shard_tokens: 40}}
stages:
  - mix: final
    by: [half]
    weights: {{kind: explicit, shares: {{x: 0.5, y: 0.5}}}}
    tokens_column: size
    phases:
      - {{name: stable, budget_tokens: 60}}
      - {{name: anneal, budget_tokens: 20}}
"""


@pytest.fixture(params=[RECIPE, MIXED], ids=["plain", "mixed"])
def recipe(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    return write_recipe(tmp_path, request.param)


def write_recipe(tmp_path: Path, recipe: str) -> Path:
    for file in range(2):
        texts = [f"text {'abcdefg'[i % 7]}\nline {'vwxyz'[i % 5]}" for i in range(12)]
        rows = [{"id": f"{file}-{i}", "text": texts[i], "size": i, "half": "xy"[i % 2]} for i in range(12)]
        (tmp_path / f"in-{file}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    path = tmp_path / "recipe.yaml"
    path.write_text(recipe.format(folder=tmp_path))
    return path


class Commands:
    """Runs commands, each in a process of its own."""

    def __init__(self) -> None:
        command = [sys.executable, "-c", FORK_AND_KILL]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, recipe: Path, out: Path, *, kill_at: int = 0) -> int:
        arguments = ["run", str(recipe), "--out", str(out), "--executor", "inline"]
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps([kill_at, arguments]) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())


@pytest.fixture(scope="module")
def commands() -> Iterator[Commands]:
    commands = Commands()
    yield commands
    commands.process.communicate()


def files_of(out: Path) -> set[str]:
    return {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}


def corpus_of(out: Path) -> dict[str, bytes]:
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in (out / "data").rglob("*") if path.is_file()}


def test_a_run_killed_before_any_of_its_renames_resumes_to_the_same_bytes(
    commands: Commands, recipe: Path, tmp_path: Path
) -> None:
    calm = tmp_path / "calm"
    assert commands.run(recipe, calm) == 0
    kill_at, code = (5 if "mix" in recipe.read_text() else 0), -signal.SIGKILL  # what reads is the same
    while code == -signal.SIGKILL:
        kill_at += 1
        out = tmp_path / f"killed-{kill_at}"
        code = commands.run(recipe, out, kill_at=kill_at)
        if code == -signal.SIGKILL:
            assert commands.run(recipe, out) == 0, f"killed before rename {kill_at}"
        assert corpus_of(out) == corpus_of(calm), f"killed before rename {kill_at}"
        assert files_of(out) == files_of(calm), f"killed before rename {kill_at}"
    assert code == 0
    assert kill_at > 20  # data, decisions, rejects, sketch and manifest of two shards, and what follows


def test_a_run_killed_again_and_again_still_ends(commands: Commands, recipe: Path, tmp_path: Path) -> None:
    calm, out = tmp_path / "calm", tmp_path / "out"
    assert commands.run(recipe, calm) == 0
    deaths = 0
    while commands.run(recipe, out, kill_at=8 + 2 * deaths) == -signal.SIGKILL:  # a little further each time
        deaths += 1
        assert deaths < 30
    assert deaths > 3
    assert corpus_of(out) == corpus_of(calm)
    assert files_of(out) == files_of(calm)


def test_a_run_that_cuts_texts_killed_at_any_of_many_places_resumes_to_the_same_edits(
    commands: Commands, tmp_path: Path
) -> None:
    recipe, calm = write_recipe(tmp_path, CUTTING), tmp_path / "calm"
    assert commands.run(recipe, calm) == 0
    edits = {path.relative_to(calm): path.read_bytes() for path in calm.rglob("edits/*.parquet")}
    assert edits
    kill_at, code = 4, -signal.SIGKILL
    while code == -signal.SIGKILL:
        kill_at += 7
        out = tmp_path / f"killed-{kill_at}"
        code = commands.run(recipe, out, kill_at=kill_at)
        if code == -signal.SIGKILL:
            assert commands.run(recipe, out) == 0, f"killed before rename {kill_at}"
        assert corpus_of(out) == corpus_of(calm), f"killed before rename {kill_at}"
        assert files_of(out) == files_of(calm), f"killed before rename {kill_at}"
        assert {path: (out / path).read_bytes() for path in edits} == edits
    assert kill_at > 30
