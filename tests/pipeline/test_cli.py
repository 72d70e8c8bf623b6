"""The command as a user types it: exit codes, messages, and what a plugin author may rely on."""

import json
import os
import signal
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pyarrow.parquet as pq
import pytest

COMMAND = [sys.executable, "-c", "from textmill.pipeline.cli import main; main()"]

PLUGIN = '''
from textmill import doc_filter

@doc_filter
def no_lorem(text: str, *, limit: int = 2) -> str | None:
    """Drop documents that say lorem ipsum."""
    return "lorem_ipsum" if text.lower().count("lorem ipsum") > limit else None
'''


def textmill(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "COLUMNS": "200", "RAY_ADDRESS": "192.0.2.1:6379"}  # a cluster that nobody asked for
    command = [*COMMAND, *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env=environment, check=False, capture_output=True, text=True)


def write_recipe(folder: Path, *steps: str, files: str = "*.jsonl") -> Path:
    listed = "".join(f"\n      - {step}" for step in steps)
    path = folder / "recipe.yaml"
    path.write_text(
        f"name: cli\ninputs: [{{source: a, read: jsonl, files: '{folder}/{files}'}}]\n"
        f"output: {{path: out}}\nstages:\n  - chain: base\n    steps:{listed or ' []'}\n"
    )
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    texts = ["a fine text", "lorem ipsum " * 3, "another fine text"]
    rows = [{"id": f"doc-{i}", "text": text, "score": i} for i, text in enumerate(texts)]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "my_filters.py").write_text(PLUGIN)
    return tmp_path


@pytest.mark.parametrize("executor", ["inline", "serial", pytest.param("ray", marks=pytest.mark.ray)])
def test_a_plugin_beside_the_recipe_works_and_no_folder_of_the_users_shadows_ours(folder: Path, executor: str) -> None:
    for name in ("filters", "pipeline", "dedup", "scorers", "configs"):
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text("raise RuntimeError('a folder of the user was imported')")
    recipe = write_recipe(folder, "my_filters:no_lorem: {limit: 1}", "between: {column: score, max: 1}")
    done = textmill("run", recipe, "--executor", executor, cwd=folder)
    assert done.returncode == 0, done.stderr
    told = textmill("explain", "out", "doc-1", cwd=folder)
    assert "lorem_ipsum" in told.stdout
    assert textmill("verify", "out", cwd=folder).returncode == 0


def test_every_problem_of_a_recipe_is_told_at_once_with_exit_code_2(folder: Path) -> None:
    recipe = write_recipe(folder, "gopher_qualty", "between: {column: lang_score, min: 0.5}", "one_of: {colum: x}")
    for command in ("run", "check"):
        failed = textmill(command, recipe, cwd=folder)
        assert failed.returncode == 2
        assert "unknown step 'gopher_qualty'; did you mean 'gopher_quality'?" in failed.stderr
        assert "unknown parameter 'colum'; did you mean 'column'?" in failed.stderr
        assert "Traceback" not in failed.stderr
        assert not (folder / "out").exists()


def test_a_column_that_nothing_adds_is_told_with_those_that_are_there(folder: Path) -> None:
    recipe = write_recipe(folder, "language", "between: {column: lang_score, min: 0.5}")
    failed = textmill("check", recipe, cwd=folder)
    assert failed.returncode == 2
    assert (
        "between reads 'lang_score', which no earlier step adds (earlier steps add: language, language_score)"
        in failed.stderr
    )


def test_an_input_that_is_not_there_is_exit_code_2(folder: Path) -> None:
    failed = textmill("run", write_recipe(folder, files="*.jsonl.gz"), cwd=folder)
    assert failed.returncode == 2
    assert "*.jsonl.gz: no such file" in failed.stderr


def test_a_failed_shard_is_exit_code_1_and_a_rerun_does_only_that_one(folder: Path) -> None:
    (folder / "in.z.jsonl.gz").write_bytes(b"this is not gzip")
    recipe = write_recipe(folder, files="in*")
    failed = textmill("run", recipe, "--executor", "inline", cwd=folder)
    assert failed.returncode == 1
    assert "1 shard failed" in failed.stderr
    assert "in.z.jsonl.gz: not compressed as its name says" in failed.stdout
    assert not (folder / "out/data").exists()
    checked = textmill("check", recipe, cwd=folder)
    assert checked.returncode == 0
    assert "reuse 1 part" in checked.stdout


def test_check_tells_what_a_rerun_would_reuse(folder: Path) -> None:
    recipe = write_recipe(folder, "between: {column: score, max: 1}")
    assert textmill("run", recipe, "--executor", "inline", cwd=folder).returncode == 0
    same = textmill("check", recipe, cwd=folder)
    assert same.stdout.count("reuse it") == 2
    edited = textmill("check", recipe, "--set", "base.between.max=2", cwd=folder)
    assert edited.stdout.count("do it") == 2


def test_steps_lists_every_name_and_explains_each(folder: Path) -> None:
    from textmill.pipeline import catalog

    listed = textmill("steps", cwd=folder).stdout
    for name in (*catalog.READERS, *catalog.STEPS, *catalog.BARRIERS):
        assert name in listed
    page = textmill("steps", "between", cwd=folder)
    assert "column" in page.stdout
    own = textmill("steps", "my_filters:no_lorem", cwd=folder)
    assert "limit" in own.stdout, own.stderr
    wrong = textmill("steps", "betwen", cwd=folder)
    assert wrong.returncode == 2
    assert "did you mean 'between'?" in wrong.stderr


def test_a_reader_that_has_enough_ends_the_command_quietly(folder: Path) -> None:
    assert textmill("run", write_recipe(folder), "--executor", "inline", cwd=folder).returncode == 0
    for command in (["steps"], ["report", "out"], ["report", "out", "--json"], ["run", "--help"]):
        reading, writing = os.pipe()
        os.close(reading)
        done = subprocess.run([*COMMAND, *command], cwd=folder, check=False, stdout=writing, stderr=subprocess.PIPE)
        os.close(writing)
        assert (done.returncode, done.stderr) == (128 + signal.SIGPIPE, b"")


@pytest.mark.parametrize("command", ["report", "verify"])
def test_a_folder_that_holds_no_run_is_exit_code_2(folder: Path, command: str) -> None:
    failed = textmill(command, folder, cwd=folder)
    assert failed.returncode == 2
    assert "Traceback" not in failed.stderr


def test_pages_and_plain_texts_make_one_corpus(folder: Path) -> None:
    (folder / "page.html").write_text(
        f"<html><body><article><p>{'A page about plums. ' * 20}</p></article></body></html>"
    )
    recipe = folder / "recipe.yaml"
    recipe.write_text(
        f"name: mixed\ninputs:\n  - {{source: web, read: html, files: '{folder}/*.html'}}\n"
        f"  - {{source: texts, read: jsonl, files: '{folder}/in.jsonl'}}\n"
        "output: {path: out}\nstages:\n  - chain: base\n    steps: [extract_html]\n"
    )
    assert textmill("run", recipe, "--executor", "inline", cwd=folder).returncode == 0
    corpus = pq.read_table(folder / "out/data/part-00000.parquet")
    assert corpus["source"].to_pylist() == ["web", "texts", "texts", "texts"]
    assert corpus["score"].to_pylist() == [None, 0, 1, 2]
    assert corpus["text"][0].as_py().startswith("A page about plums.")


def test_a_folder_that_cannot_be_written_is_exit_code_2(folder: Path) -> None:
    failed = textmill("run", write_recipe(folder), "--executor", "inline", "--out", "in.jsonl/out", cwd=folder)
    assert failed.returncode == 2
    assert "is no folder; choose another place" in failed.stderr
    assert "Traceback" not in failed.stderr


@pytest.mark.parametrize("target", ["in.jsonl", "in.jsonl/below"])
def test_a_command_whose_output_cannot_be_written_names_it_with_exit_code_2(folder: Path, target: str) -> None:
    failed = textmill("sample", target, "--documents", 100, cwd=folder)
    assert failed.returncode == 2
    assert failed.stderr.startswith("in.jsonl")
    assert "Traceback" not in failed.stderr


def test_options_of_a_cluster_are_refused_where_there_is_none(folder: Path) -> None:
    failed = textmill("run", write_recipe(folder), "--executor", "serial", "--workers", 2, cwd=folder)
    assert failed.returncode == 2
    assert "--address, --workers and --gpus are for --executor ray" in failed.stderr


def test_ids_and_texts_are_printed_as_they_are(folder: Path) -> None:
    (folder / "in.jsonl").write_text(json.dumps({"id": "a:x:[b]", "text": "so :smile: [bold]it is[/bold]"}) + "\n")
    assert textmill("run", write_recipe(folder), "--executor", "inline", cwd=folder).returncode == 0
    told = textmill("explain", "out", "a:x:[b]", cwd=folder)
    assert told.returncode == 0
    assert "so :smile: [bold]it is[/bold]" in told.stdout
    assert textmill("explain", "out", "a:x:", cwd=folder).returncode == 2


def test_what_a_step_prints_or_where_it_goes_is_no_matter_to_the_run(folder: Path) -> None:
    (folder / "my_filters.py").write_text(
        "import os, sys\nfrom textmill import doc_filter\n\n@doc_filter\ndef restless(text: str) -> str | None:\n"
        "    print('said', sys.stdin.read())\n    os.chdir('/')\n"
    )
    recipe = write_recipe(folder, "my_filters:restless")
    done = textmill("run", recipe, "--executor", "serial", "--out", "elsewhere", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "said" not in done.stdout
    assert "</html>" in (folder / "elsewhere/report.html").read_text()
    assert "kept 3 of 3" in textmill("report", "elsewhere", cwd=folder).stdout


def test_ctrl_c_says_that_the_run_can_go_on(folder: Path) -> None:
    (folder / "my_filters.py").write_text(
        "import os, signal\nfrom textmill import doc_filter\n\n@doc_filter\ndef stop(text: str) -> str | None:\n"
        "    os.kill(os.getppid(), signal.SIGINT)\n    signal.pause()\n"
    )
    recipe = write_recipe(folder, "my_filters:stop")
    heed = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"  # a shell's background job may not
    command = [sys.executable, "-c", f"{heed}; {COMMAND[-1]}", "run", recipe, "--executor", "serial"]
    stopped = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
    assert stopped.returncode == 130
    assert "the same command goes on from there" in stopped.stderr


def test_the_version_is_that_of_the_package(folder: Path) -> None:
    assert textmill("--version", cwd=folder).stdout.strip() == f"textmill {version('textmill')}"
