"""What verify promises: a sound run is clean, and each kind of damage is found and named."""

import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from rich.console import Console
from tiny_run import recipe_in, stage_folder, tiny_run, write_inputs
from typer.testing import CliRunner

from textmill.pipeline.cli import app
from textmill.pipeline.errors import DamagedRunError, ExpectationError, InputError
from textmill.pipeline.executor import Inline
from textmill.pipeline.io.writer import checksum
from textmill.pipeline.reports.verify import render_findings, verify
from textmill.pipeline.reports.verify_files import repeated_ids
from textmill.pipeline.run import run


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> str:
    return tiny_run(tmp_path_factory.mktemp("tiny"))[0]


@pytest.fixture
def out(sound: str, tmp_path: Path) -> str:
    """A copy to break."""
    return str(shutil.copytree(sound, tmp_path / "out"))


def problems(out: str, *, quick: bool = False) -> list[str]:
    """Each problem as ``stage/kind/file: what``, with short stage names."""
    found = verify(out, quick=quick).problems
    names = [problem.where.removeprefix(f"{out}/").removeprefix("stages/") for problem in found]
    return [f"{_short(name)}: {problem.what}" for name, problem in zip(names, found, strict=True)]


def _short(name: str) -> str:
    stage, slash, rest = name.partition("/")
    return (stage.split("-")[1] if stage.count("-") == 2 else stage) + slash + rest


def edit(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def rewrite(out: str, path: Path, table: pa.Table) -> None:
    """Replace a Parquet file, and make its manifest vouch for the new one: what a bug would do, not a disk."""
    pq.write_table(table, path)
    manifest = path.parent.parent / "shards" / f"{path.stem}.json"

    def vouch(content: dict[str, Any]) -> None:
        rows = [[table.num_rows, path.stat().st_size]]
        fresh = {
            "rows": table.num_rows,
            "bytes": path.stat().st_size,
            "checksum": checksum(str(path)),
            "row_groups": rows,
        }
        content["files"][path.parent.name] = fresh

    edit(manifest, vouch)


def told(out: str, *, quick: bool = False) -> str:
    console = Console(width=80, record=True, file=io.StringIO())
    render_findings(verify(out, quick=quick), console)
    return console.export_text()


@pytest.mark.parametrize("quick", [True, False])
def test_a_sound_run_is_clean(sound: str, quick: bool) -> None:
    found = verify(sound, quick=quick)
    assert (found.problems, found.warnings, found.incomplete) == ([], [], [])
    assert found.documents == 3
    # base, duplicates, scores: three parts; output: one
    assert found.parts == 10
    assert told(sound, quick=quick).startswith("clean: 10 parts")


def test_a_flipped_byte_is_found_by_checksum_and_not_by_a_quick_look(out: str) -> None:
    path = Path(out) / "data/part-00000.parquet"
    content = bytearray(path.read_bytes())
    content[10] ^= 1
    path.write_bytes(content)
    assert problems(out) == ["data/part-00000.parquet: has changed since it was written: its checksum differs"]
    assert problems(out, quick=True) == []


def test_a_cut_file_is_found_even_by_a_quick_look(out: str) -> None:
    path = stage_folder(out, "base") / "data/part-00001.parquet"
    size = path.stat().st_size
    path.write_bytes(path.read_bytes()[:-7])
    assert problems(out, quick=True) == [f"base/data/part-00001.parquet: has {size - 7} bytes; {size} were written"]


def test_a_missing_file_is_named(out: str) -> None:
    (stage_folder(out, "duplicates") / "decisions/part-00001.parquet").unlink()
    assert problems(out) == ["duplicates/decisions/part-00001.parquet: is missing"]


def test_a_missing_recipe_is_named_but_the_sketches_of_a_finished_barrier_may_go(out: str) -> None:
    (stage_folder(out, "duplicates") / "sketch/part-00001.parquet").unlink()
    (Path(out) / "recipe.yaml").unlink()
    assert problems(out) == ["recipe.yaml: is missing"]


def test_a_sketch_that_lost_rows_is_found(out: str) -> None:
    path = stage_folder(out, "duplicates") / "sketch/part-00000.parquet"
    pq.write_table(pq.read_table(path).slice(1), path)
    assert problems(out) == ["duplicates/sketch/part-00000.parquet: has 1 rows; 2 came into the barrier"]


def test_a_row_more_in_a_shard_s_books_is_found_at_every_place_that_contradicts_it(out: str) -> None:
    def add_row(content: dict[str, Any]) -> None:
        content["ledger"]["rows_in"] += 1

    edit(stage_folder(out, "scores") / "shards/part-00000.json", add_row)
    assert problems(out) == [
        "scores/shards/part-00000.json: 3 rows in, but 1 out and 1 dropped",
        "scores/shards/part-00000.json: 3 rows left for step 'read', but 2 came",
        "scores/manifest.json: is not the sum of its parts: 'rows_in' is 4, but they add up to 5",
        "scores/shards/part-00000.json: 3 rows came in, but 2 left stage 'duplicates'",
    ]


def test_a_total_that_is_not_the_sum_of_its_groups_is_found(out: str) -> None:
    def claim(content: dict[str, Any]) -> None:
        content["ledger"]["rows_out"] = 7

    edit(stage_folder(out, "base") / "shards/part-00002.json", claim)
    assert problems(out) == ["base/shards/part-00002.json: rows_out is 7, but its groups add up to 1"]


def test_drops_booked_for_another_reason_are_found_in_the_decisions(out: str) -> None:
    def rename(content: dict[str, Any]) -> None:
        (drop,) = content["ledger"]["dropped"]
        drop[1] = "too_long"

    folder = stage_folder(out, "scores")
    edit(folder / "shards/part-00000.json", rename)
    assert problems(out) == [
        "scores/manifest.json: is not the sum of its parts: 'dropped' differs",
        "scores/decisions/part-00000.parquet: holds 1 rows of scores / between / quality_too_low / web; 0 are booked",
        "scores/decisions/part-00000.parquet: holds 0 rows of scores / between / too_long / web; 1 are booked",
    ]


def test_a_lost_decision_is_found_though_the_file_is_vouched_for(out: str) -> None:
    path = stage_folder(out, "base") / "decisions/part-00000.parquet"
    table = pq.read_table(path)
    rewrite(out, path, table.filter(pc.not_equal(table.column("reason"), "bad_word")))
    assert problems(out) == [
        "base/decisions/part-00000.parquet: 3 rows are booked, 2 were written",
        "base/decisions/part-00000.parquet: holds 0 rows of base / without / bad_word / web; 1 are booked",
    ]


def test_decisions_with_other_columns_are_found(out: str) -> None:
    path = stage_folder(out, "scores") / "decisions/part-00000.parquet"
    rewrite(out, path, pq.read_table(path).drop_columns(["similarity"]))
    (problem,) = problems(out, quick=True)
    assert problem.startswith("scores/decisions/part-00000.parquet: has other columns than decisions have: id, source,")


def test_a_lost_part_is_found_by_its_stage_and_by_its_neighbours(out: str) -> None:
    folder = stage_folder(out, "scores")
    (folder / "shards/part-00001.json").unlink()
    assert set(problems(out)) == {
        "scores/manifest.json: lists part 1, whose manifest is missing or broken",
        "scores/measures/part-00001.parquet: is not in any manifest",
        "scores: part 1 is missing; 1 rows of it left stage 'duplicates'",
        "scores/data/part-00001.parquet: is not in any manifest",
        "output: 2 rows left stage 'scores', but 3 came into the corpus",
    }


def test_a_manifest_that_is_none_is_named(out: str) -> None:
    (stage_folder(out, "output") / "shards/part-00000.json").write_text("{}")
    found = problems(out)
    assert "output/shards/part-00000.json: is no manifest: 'files'" in found
    assert "data/part-00000.parquet: is not in any manifest" in found
    (stage_folder(out, "base") / "manifest.json").write_text("not even JSON")
    assert any(problem.startswith("base/manifest.json: is no manifest: ") for problem in problems(out))


def test_files_that_no_manifest_knows_are_named(out: str) -> None:
    base = stage_folder(out, "base")
    strays = [
        base / "data/part-00000.parquet.0123456789ab.tmp",
        base / "decisions/part-00009.parquet",
        base / "shards/notes.txt",
        base / "work",
        Path(out) / "data/part-00001.parquet",
    ]
    for path in strays:
        path.write_text("x")
    named = [problem.removesuffix(": is not in any manifest") for problem in problems(out)]
    assert sorted(named) == sorted(_short(str(path.relative_to(out)).removeprefix("stages/")) for path in strays)


def test_a_stage_that_is_not_complete_is_no_problem(out: str) -> None:
    (stage_folder(out, "output") / "manifest.json").unlink()
    scores = stage_folder(out, "scores")
    (scores / "manifest.json").unlink()
    (scores / "shards/part-00002.json").unlink()
    found = verify(out)
    assert found.problems == []
    leftover = "stage 'scores' holds 2 files of a part that was not finished, such as data/part-00002.parquet"
    assert found.incomplete == [
        "stage 'scores' is not complete: 2 parts done",
        "stage 'output' is not complete: 1 part done",
        leftover,
    ]
    assert told(out).splitlines()[-1].startswith("clean, not complete: a rerun goes on: 9 parts")


def test_the_exit_code_tells_a_sound_run_an_unfinished_one_and_damage_apart(out: str) -> None:
    def code() -> int:
        return CliRunner().invoke(app, ["verify", out]).exit_code

    assert code() == 0
    (stage_folder(out, "output") / "manifest.json").unlink()
    assert code() == 3
    (stage_folder(out, "scores") / "data/part-00000.parquet").unlink()
    assert code() == 1


def test_a_flipped_byte_is_named_in_whatever_file_it_is(out: str) -> None:
    for path in sorted(Path(out).rglob("*.parquet")):
        if path.parent.name == "sketch":
            continue  # of no use once its barrier is done, so no manifest vouches for it
        sound = path.read_bytes()
        path.write_bytes(sound[:-20] + bytes([sound[-20] ^ 1]) + sound[-19:])
        assert [problem.where for problem in verify(out).problems] == [str(path)]
        path.write_bytes(sound)
    assert verify(out).problems == []


@pytest.mark.slow
def test_whatever_file_is_deleted_a_rerun_makes_the_run_sound_again(tmp_path: Path) -> None:
    out, _ = tiny_run(tmp_path)
    corpus = Path(out) / "data/part-00000.parquet"
    sound = corpus.read_bytes()
    for path in sorted(path for path in Path(out).rglob("*") if path.is_file()):
        if path.name == "plan.json":
            continue  # a folder without it is not taken for a run's
        path.unlink()
        run(recipe_in(tmp_path), out, Inline())
        found = verify(out)
        assert (found.problems, found.incomplete) == ([], []), path
        assert corpus.read_bytes() == sound, path


def test_every_kind_of_damage_comes_with_advice(out: str) -> None:
    (Path(out) / "data/part-00000.parquet").unlink()
    lines = told(out).splitlines()
    assert lines[0] == f"{out}/data/part-00000.parquet: is missing"
    assert lines[1].startswith("to mend it, delete the files that are named and run the recipe again")
    assert lines[2].startswith("1 problem: 10 parts")


def test_parts_of_inputs_that_are_gone_do_no_harm(tmp_path: Path) -> None:
    out, _ = tiny_run(tmp_path)
    (tmp_path / "books2.jsonl").unlink()
    run(recipe_in(tmp_path), out, Inline())
    found = verify(out)
    assert (found.problems, found.incomplete, found.documents) == ([], [], 2)


def test_an_older_corpus_is_told_while_the_new_one_is_not_done(tmp_path: Path) -> None:
    out, _ = tiny_run(tmp_path)
    other = {"chain": "other", "steps": []}
    with pytest.raises(ExpectationError):
        run(recipe_in(tmp_path, stages=[other], expect={"kept": [0, 0]}), out, Inline())
    found = verify(out)
    assert found.problems == []
    assert found.incomplete == [
        "stage 'output' is not complete: not begun",
        f"{out}/data still holds 1 file of an earlier corpus",
    ]


def test_corpus_files_with_different_columns_are_found(tmp_path: Path) -> None:
    write_inputs(tmp_path)
    out = str(tmp_path / "out")
    run(recipe_in(tmp_path, output={"shard_bytes": 1}), out, Inline())
    path = Path(out) / "data/part-00001.parquet"
    pq.write_table(pq.read_table(path).drop_columns(["copies", "source"]), path)
    manifest = stage_folder(out, "output") / "shards/part-00001.json"

    def vouch(content: dict[str, Any]) -> None:
        content["origin"]["files"]["part-00001.parquet"] |= {
            "bytes": path.stat().st_size,
            "checksum": checksum(str(path)),
        }

    edit(manifest, vouch)
    assert problems(out) == ["data/part-00001.parquet: has no column source"]


def test_ids_that_the_input_repeats_are_a_warning(tmp_path: Path) -> None:
    write_inputs(tmp_path)
    path = tmp_path / "books2.jsonl"
    path.write_text(path.read_text().replace('"c1"', '"w1"'))
    out = str(tmp_path / "out")
    run(recipe_in(tmp_path), out, Inline())
    found = verify(out)
    assert found.problems == []
    assert found.warnings == ["1 id of the corpus stand for more than one document, such as w1: the inputs repeat them"]
    assert verify(out, quick=True).warnings == []


@pytest.mark.parametrize("hashes", [1, 7, 1000])
def test_repeated_ids_are_found_in_any_number_of_passes(tmp_path: Path, hashes: int) -> None:
    for file in range(2):
        ids = [f"doc-{i}" for i in range(file * 30, file * 30 + 33)]  # 30, 31 and 32 are in both
        pq.write_table(pa.table({"id": ids}), tmp_path / f"{file}.parquet")
    paths = [str(tmp_path / f"{file}.parquet") for file in range(2)]
    assert repeated_ids(paths, 66, hashes) == ["doc-30", "doc-31", "doc-32"]


def test_a_folder_without_a_run_and_a_broken_plan_are_told(out: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no run here"):
        verify(str(tmp_path))
    (Path(out) / "stages/plan.json").write_text("[")
    with pytest.raises(DamagedRunError, match="not JSON"):
        verify(out)
