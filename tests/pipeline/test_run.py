"""A run: what is done is left alone, what failed stops nothing else, and the corpus does not depend on how it went."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support import Log, chain, corpus, corpus_files, decisions, recipe_of, write_lines

from textmill.pipeline.chain_task import ChainJob, ShardItem, run_shard
from textmill.pipeline.errors import ExpectationError, RecipeError, StepError, TextmillError, UsageError
from textmill.pipeline.executor import Inline, Serial
from textmill.pipeline.io.reader import Reader
from textmill.pipeline.io.writer import checksum
from textmill.pipeline.plan import chain_spec
from textmill.pipeline.recipe import ChainStage, Recipe
from textmill.pipeline.run import RunResult, run
from textmill.pipeline.shard import Shard
from textmill.pipeline.spec import Spec
from textmill.pipeline.stage_folder import StageFolder
from textmill.pipeline.worker import Worker

BASE = chain("base", "support:MinLength", "support:without")
FIRSTS = {"barrier": "firsts", "support:First": {"count": 4}}
END = chain("end", "support:length")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    files = tmp_path / "in"
    files.mkdir()
    return write_lines(
        files,
        a=["first text", "x", "", "second text", "a bad text"],
        b=["y", "z"],
        c=["third text", "fourth text", "fifth text", "sixth text"],
    )


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def do(recipe: Recipe, out: Path, **options: Any) -> tuple[RunResult, Log]:
    log = Log()
    return run(recipe, str(out), Inline(), watcher=log, **options), log


def tree(folder: Path) -> dict[str, bytes]:
    """Every file and its content, without what tells the time or the outcome of the latest attempt."""
    paths = [path for path in folder.rglob("*") if path.is_file() and path.name != "last_run.json"]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths if path.suffix != ".json"}


def state(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*.parquet")}


def test_a_small_run_from_end_to_end(folder: Path, out: Path) -> None:
    result, log = do(recipe_of(folder, BASE, FIRSTS, END), out)
    assert corpus(out) == ["first text", "second text", "third text", "fourth text"]
    assert pq.read_table(corpus_files(out)[0]).column("length").to_pylist() == [10, 11, 10, 11]
    assert [(row["id"], row["stage"], row["step"], row["reason"], row["value"]) for row in decisions(out)] == [
        ("a.txt:2", "base", "read", "blank", None),
        ("a.txt:1", "base", "MinLength", "too_short", 1.0),
        ("a.txt:4", "base", "without", "bad_word", None),
        ("b.txt:0", "base", "MinLength", "too_short", 1.0),
        ("b.txt:1", "base", "MinLength", "too_short", 1.0),
        ("c.txt:2", "firsts", "First", "late", 4.0),
        ("c.txt:3", "firsts", "First", "late", 5.0),
    ]
    assert {name: (books.rows_in, books.rows_out) for name, books in result.books.items()} == {
        "base": (11, 6),
        "firsts": (6, 4),
        "end": (4, 4),
        "output": (4, 4),
    }
    assert (result.rows_kept, result.failures, result.reused) == (4, [], [])
    assert log.done == {"base": 3, "firsts": 2, "end": 2, "output": 1}  # b.txt kept nothing


def test_a_second_run_does_nothing(folder: Path, out: Path) -> None:
    recipe = recipe_of(folder, BASE, FIRSTS, END)
    first, _ = do(recipe, out)
    before = state(out)
    again, log = do(recipe, out)
    assert again.books == first.books
    assert again.reused == ["base", "firsts", "end", "output"]
    assert log.done == {"base": 0, "firsts": 0, "end": 0, "output": 0}
    assert state(out) == before


@pytest.mark.parametrize(
    ("stages", "reused"),
    [
        ([BASE, FIRSTS, chain("end")], ["base", "firsts"]),
        ([BASE, {"barrier": "firsts", "support:First": {"count": 2}}, END], ["base"]),
        ([BASE, {"barrier": "other", "support:First": {"count": 2, "number": 1}}, END], ["base"]),
        ([BASE, END], ["base"]),
        ([chain("base", "support:without"), FIRSTS, END], []),
    ],
)
def test_an_edit_redoes_its_stage_and_what_follows_and_gives_what_a_fresh_run_gives(
    folder: Path, out: Path, tmp_path: Path, stages: list[object], reused: list[str]
) -> None:
    do(recipe_of(folder, BASE, FIRSTS, END), out)
    edited = recipe_of(folder, *stages)
    result, log = do(edited, out)
    assert result.reused == reused
    assert all(log.done[name] == 0 for name in reused)
    do(edited, tmp_path / "fresh")
    assert tree(out / "data") == tree(tmp_path / "fresh" / "data")
    assert decisions(out) == decisions(tmp_path / "fresh")


def test_going_back_to_an_earlier_recipe_rewrites_only_the_corpus(folder: Path, out: Path) -> None:
    old, new = recipe_of(folder, BASE, FIRSTS, END), recipe_of(folder, BASE, FIRSTS, chain("end"))
    do(old, out)
    before = tree(out / "data")
    do(new, out)
    assert tree(out / "data") != before
    result, _ = do(old, out)
    assert result.reused == ["base", "firsts", "end"]
    assert tree(out / "data") == before


def test_new_and_mended_files_cost_only_themselves_in_the_first_chain(folder: Path, out: Path, tmp_path: Path) -> None:
    recipe = recipe_of(folder, BASE, FIRSTS, END)
    do(recipe, out)
    write_lines(folder, aa=["a new text"], c=["mended text", "another text"])
    _, log = do(recipe, out)
    assert log.done["base"] == 2
    assert corpus(out) == ["first text", "second text", "a new text", "mended text"]
    do(recipe, tmp_path / "fresh")
    assert tree(out / "data") == tree(tmp_path / "fresh" / "data")
    (folder / "a.txt").unlink()
    _, log = do(recipe, out)
    assert log.done["base"] == 0
    assert corpus(out) == ["a new text", "mended text", "another text"]


def test_a_limit_reads_the_first_shards_and_the_whole_goes_on_from_there(folder: Path, out: Path) -> None:
    recipe = recipe_of(folder, BASE, END)
    _, log = do(recipe, out, limit_shards=1)
    assert (log.done["base"], corpus(out)) == (1, ["first text", "second text"])
    _, log = do(recipe, out)
    assert log.done["base"] == 2
    assert len(corpus(out)) == 6


def test_a_shard_that_fails_stops_no_other_and_a_rerun_does_only_that_one(
    folder: Path, out: Path, tmp_path: Path
) -> None:
    recipe = recipe_of(folder, BASE, FIRSTS, END)
    good = (folder / "b.txt").read_bytes()
    (folder / "b.txt").write_bytes(b"\0")
    result, log = do(recipe, out)
    (failure,) = result.failures
    assert (failure.stage, failure.origin) == ("base", f"{folder}/b.txt")
    assert failure.message == "not a text file"
    assert log.notes == [f"failed: {folder}/b.txt: {failure.message}"]
    assert log.done == {"base": 2}
    assert (result.books, result.rows_kept) == ({}, 0)
    assert not (out / "data").exists()
    (folder / "b.txt").write_bytes(good)
    result, log = do(recipe, out)
    assert (result.failures, log.done["base"]) == ([], 1)
    do(recipe, tmp_path / "fresh")
    assert tree(out / "data") == tree(tmp_path / "fresh" / "data")


def test_a_step_that_breaks_on_a_whole_file_fails_that_shard(folder: Path, out: Path) -> None:
    write_lines(folder, b=["break"] * 12)
    result, log = do(recipe_of(folder, chain("base", "support:fragile")), out)
    (failure,) = result.failures
    assert failure.origin == f"{folder}/b.txt"
    assert failure.message.startswith(
        "step 'fragile' of stage 'base' broke on all of 12 rows, as in: fragile: b.txt:0: "
    )
    assert log.done["base"] == 2


def test_a_document_that_breaks_a_step_costs_only_itself(folder: Path, out: Path) -> None:
    write_lines(folder, b=["break"], c=["fine", "will break", "fine too"])
    result, _ = do(recipe_of(folder, chain("base", "support:fragile"), FIRSTS), out)
    assert result.failures == []
    assert result.books["base"].reasons() == {"step_error": 2, "blank": 1}
    assert corpus(out) == ["first text", "x", "second text", "a bad text"]


def test_an_error_in_the_recipe_found_late_ends_the_run(folder: Path, out: Path) -> None:
    late = {"one_of": {"column": "length", "values": ["long"]}}
    with pytest.raises(RecipeError, match="cannot hold 'long'"):
        do(recipe_of(folder, chain("base", "support:length", late)), out)


def job_with_faults(folder: Path, tmp_path: Path, *faults: str, attempts: int = 3) -> ChainJob:
    (tmp_path / "faults").write_text(" ".join(faults))
    recipe = recipe_of(folder, BASE, reader={"faults": str(tmp_path / "faults")})
    (stage,) = recipe.stages
    assert isinstance(stage, ChainStage)
    return ChainJob(
        chain_spec(recipe, stage),
        StageFolder(str(tmp_path / "stage")),
        readers=tuple(Spec.of(reader) for reader in recipe.inputs),
        retry_delays=(0.0,) * (attempts - 1),
    )


def test_errors_that_pass_are_waited_for(folder: Path, tmp_path: Path) -> None:
    item = ShardItem(0, Shard("a", f"{folder}/a.txt"))
    calm = run_shard(job_with_faults(folder, tmp_path), item)
    disturbed = run_shard(job_with_faults(folder, tmp_path, "EIO", "ETIMEDOUT"), item)
    assert disturbed.files == calm.files
    assert disturbed.ledger.kept_rows == calm.ledger.kept_rows
    with pytest.raises(TimeoutError):
        run_shard(job_with_faults(folder, tmp_path, "EIO", "EIO", "ETIMEDOUT"), item)


def test_errors_that_stay_are_not(folder: Path, tmp_path: Path) -> None:
    job = job_with_faults(folder, tmp_path, "EACCES", "EIO")
    with pytest.raises(PermissionError):
        run_shard(job, ShardItem(0, Shard("a", f"{folder}/a.txt")))
    assert (tmp_path / "faults").read_text() == "EIO"
    assert list((tmp_path).glob("stage/**/*.parquet")) == []


def test_a_full_disk_ends_the_run_and_what_is_done_is_kept(folder: Path, out: Path, tmp_path: Path) -> None:
    recipe = recipe_of(folder, BASE, END, reader={"faults": str(tmp_path / "faults")})
    (tmp_path / "faults").write_text("ENOSPC")
    with pytest.raises(TextmillError, match="no space left; make some and run again"):
        do(recipe, out)
    result, _ = do(recipe, out)
    assert result.rows_kept == 6


def test_rows_that_get_lost_between_stages_are_found_at_once(folder: Path, out: Path) -> None:
    do(recipe_of(folder, BASE), out)
    (data,) = out.glob("stages/00-base-*/data/part-00002.parquet")
    table = pq.read_table(data)
    pq.write_table(table.slice(1), data)
    result, _ = do(recipe_of(folder, BASE, END), out)
    (failure,) = result.failures
    assert failure.message == "stage 'end', part 2: the stage before kept 4 rows, 3 arrived"


def test_the_corpus_is_cut_by_size_and_its_rows_are_those_of_the_last_chain_in_order(folder: Path, out: Path) -> None:
    small, large = (recipe_of(folder, BASE, output={"shard_bytes": size}) for size in (1, "1MB"))
    do(small, out)
    assert [len(pq.read_table(path)) for path in corpus_files(out)] == [2, 4]  # one row group of each kept file
    texts = corpus(out)
    result, _ = do(large, out)
    assert result.reused == ["base"]
    assert [len(pq.read_table(path)) for path in corpus_files(out)] == [6]
    assert corpus(out) == texts


def test_a_corpus_file_that_somebody_deleted_is_written_again(folder: Path, out: Path) -> None:
    recipe = recipe_of(folder, BASE, output={"shard_bytes": 1})
    do(recipe, out)
    before = tree(out / "data")
    corpus_files(out)[1].unlink()
    _, log = do(recipe, out)
    assert log.done == {"base": 0, "output": 1}
    assert tree(out / "data") == before


@pytest.mark.parametrize("lost", ["00-base-*/data/*", "00-base-*", "01-firsts-*/rulings/*", "01-firsts-*", "02-end-*"])
def test_files_of_a_stage_that_somebody_deleted_are_made_again(folder: Path, out: Path, lost: str) -> None:
    recipe = recipe_of(folder, BASE, FIRSTS, END)
    do(recipe, out)
    before = tree(out / "data")
    for path in out.glob(f"stages/{lost}"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    sketches = next(iter(out.glob("stages/01-firsts-*/sketch/part-00002.parquet")), None)
    if sketches:
        sketches.unlink()
    result, _ = do(recipe, out)
    assert result.failures == []
    assert tree(out / "data") == before


def test_parts_keep_their_numbers_when_the_first_stage_is_deleted(folder: Path, out: Path, tmp_path: Path) -> None:
    (folder / "a.txt").rename(tmp_path / "a.txt")
    do(recipe_of(folder, chain("base"), FIRSTS, END), out)
    (tmp_path / "a.txt").rename(folder / "a.txt")  # it comes first now, though the others were numbered first
    do(recipe_of(folder, chain("base"), FIRSTS, END), out)
    (first,) = out.glob("stages/00-*")
    shutil.rmtree(first)
    edited = recipe_of(folder, chain("base"), FIRSTS, chain("end"))
    assert do(edited, out)[0].failures == []
    do(edited, tmp_path / "fresh")
    assert corpus(out) == corpus(tmp_path / "fresh")


def test_inputs_with_different_columns_share_a_corpus(folder: Path, out: Path, tmp_path: Path) -> None:
    write_lines(tmp_path, more=["with stars", "and stripes"])
    extra = {"source": "b", "read": "support:Lines", "files": f"{tmp_path}/more.txt", "extra": "line"}
    inputs = [{"source": "a", "read": "support:Lines", "files": f"{folder}/*.txt"}, extra]
    result, _ = do(recipe_of(folder, BASE, inputs=inputs), out)
    assert result.failures == []
    (path,) = corpus_files(out)
    assert pq.read_table(path).column("line").to_pylist() == [None] * 6 + [0, 1]


def test_types_that_agree_are_widened_and_types_that_do_not_are_told(folder: Path, out: Path) -> None:
    chains = {name: [chain("base", f"support:{name}")] for name in ("Narrow", "Torn")}
    do(recipe_of(folder, *chains["Narrow"], output={"shard_bytes": 1}), out)
    values = [pq.read_table(path).column("value") for path in corpus_files(out)]
    assert {column.type for column in values} == {pa.int64()}
    with pytest.raises(StepError, match=r"disagree on the type of a column of the corpus: .*value"):
        do(recipe_of(folder, *chains["Torn"]), out)


@pytest.mark.parametrize("numbered", [1, 4, 99])
def test_columns_of_a_barrier_are_there_in_every_file(folder: Path, out: Path, numbered: int) -> None:
    barrier = {"barrier": "firsts", "support:First": {"count": 5, "number": numbered}}
    result, _ = do(recipe_of(folder, BASE, barrier, chain("end"), output={"shard_bytes": 1}), out)
    assert result.failures == []
    places = [pq.read_table(path).column("place").to_pylist() for path in corpus_files(out)]
    assert [len(file) for file in places] == [2, 3]
    assert [place for file in places for place in file] == [i if i < numbered else None for i in range(5)]
    (second,) = out.glob("stages/02-end-*/data/part-00002.parquet")
    assert pq.read_schema(second).field("place").type == pa.int64()


def test_a_run_in_which_nothing_is_left_ends_in_an_empty_corpus(folder: Path, out: Path) -> None:
    recipe = recipe_of(folder, chain("base", {"support:MinLength": {"least": 999}}), FIRSTS, END)
    for _ in range(2):
        result, _ = do(recipe, out)
        assert (result.rows_kept, result.failures) == (0, [])
        assert result.books["base"].rows_in == 11
        assert corpus_files(out) == []


def test_a_later_chain_gets_batches_no_larger_than_the_first_one(folder: Path, out: Path) -> None:
    write_lines(folder, b=["text"] * (Reader.batch_rows + 1))
    recipe = recipe_of(folder, chain("base"), chain("end", "support:Crowd"), reader={"rows": 10**6})
    result, _ = do(recipe, out)
    assert result.failures == []
    crowds = [size for path in corpus_files(out) for size in pq.read_table(path).column("crowd").to_pylist()]
    assert max(crowds) == Reader.batch_rows


def test_a_barrier_may_be_first_last_and_next_to_another(folder: Path, out: Path) -> None:
    barriers = [{"barrier": name, "support:First": {"count": count}} for name, count in (("one", 7), ("two", 5))]
    result, _ = do(recipe_of(folder, *barriers), out)
    assert list(result.books) == ["read", "one", "after_one", "two", "after_two", "output"]
    assert corpus(out) == ["first text", "x", "second text", "a bad text", "y"]


def test_what_is_implausible_is_not_shipped(folder: Path, out: Path) -> None:
    bounds = {"kept": [0.9, 1], "firsts": [0.5, 1], "base.MinLength": [0, 0.1]}
    recipe = recipe_of(folder, BASE, FIRSTS, END, expect=bounds)
    with pytest.raises(ExpectationError) as caught:
        do(recipe, out)
    assert str(caught.value).splitlines()[1:] == [
        "kept is 0.3636, expected between 0.9 and 1",  # 4 of 11
        "firsts is 0.3333, expected between 0.5 and 1",  # 2 of 6
        "base.MinLength is 0.3000, expected between 0 and 0.1",  # 3 of the 10 that were read
    ]
    assert corpus_files(out) == []
    result, _ = do(recipe_of(folder, BASE, FIRSTS, END, expect={"kept": [0.3, 0.4]}), out)
    assert result.reused == ["base", "firsts", "end"]
    assert len(corpus(out)) == 4


def test_two_runs_in_one_folder_are_refused(folder: Path, out: Path) -> None:
    recipe = recipe_of(folder, BASE)

    class Second(Log):
        def shard(self, rows_in: int, rows_out: int) -> None:
            with pytest.raises(UsageError, match="another run is writing there"):
                run(recipe, str(out), Inline())
            super().shard(rows_in, rows_out)

    watcher = Second()
    run(recipe, str(out), Inline(), watcher=watcher)
    assert watcher.done["base"] == 3
    assert len(corpus(out)) == 6


def test_leftovers_are_swept_and_files_of_others_are_not(folder: Path, out: Path) -> None:
    recipe = recipe_of(folder, BASE, FIRSTS, END)
    do(recipe, out)
    before = tree(out)
    stages = list((out / "stages").glob("*-*"))
    for stage in stages:
        for name in ("data/part-00077.parquet", "data/part-00000.parquet.0123456789ab.tmp", "work/x/0.arrow"):
            (stage / name).parent.mkdir(parents=True, exist_ok=True)
            (stage / name).touch()
    for name in ("recipe.yaml", "stages/plan.json", "data/part-00001.parquet"):
        (out / f"{name}.0123456789ab.tmp").touch()
    (out / "data" / "part-00077.parquet").touch()
    (out / "data" / "README.md").write_text("about this corpus")
    do(recipe, out)
    assert tree(out) == {**before, "data/README.md": b"about this corpus"}


def test_data_that_no_run_wrote_is_not_overwritten(folder: Path, tmp_path: Path) -> None:
    project = tmp_path / "project"
    (project / "data").mkdir(parents=True)
    (project / "data" / "part-00000.parquet").write_bytes(b"somebody's only copy")
    with pytest.raises(UsageError, match="data holds files that no run wrote"):
        do(recipe_of(folder, BASE), project)
    assert tree(project) == {"data/part-00000.parquet": b"somebody's only copy"}


def test_a_stage_may_be_named_like_the_output(folder: Path, out: Path) -> None:
    recipe = recipe_of(folder, chain("my-output-x", "support:MinLength"), chain("output-2"))
    do(recipe, out)
    assert len(corpus(out)) == 7
    assert do(recipe, out)[0].reused == ["my-output-x", "output-2", "output"]


def test_rejects_are_the_texts_of_a_share_of_the_dropped(folder: Path, out: Path) -> None:
    do(recipe_of(folder, BASE, END, rejects={"keep": 1.0}), out)
    rows = [row for path in sorted(out.glob("stages/*/rejects/*")) for row in pq.read_table(path).to_pylist()]
    assert sorted(row["text"] for row in rows) == ["", "a bad text", "x", "y", "z"]
    assert {row["id"] for row in rows} == {row["id"] for row in decisions(out)}


def test_the_books_name_every_file_with_its_checksum(folder: Path, out: Path) -> None:
    do(recipe_of(folder, BASE, FIRSTS, END), out)
    vouched = {}
    for path in out.glob("stages/*/shards/*.json"):
        manifest = json.loads(path.read_text())
        for kind, file in manifest["files"].items():
            vouched[f"{path.parents[1]}/{kind}/{path.stem}.parquet"] = file["checksum"]
        if "-output-" in str(path):
            vouched |= {f"{out}/data/{name}": file["checksum"] for name, file in manifest["origin"]["files"].items()}
    there = {str(path) for path in out.rglob("*.parquet") if path.parent.name != "sketch"}
    assert vouched.keys() == there
    assert all(checksum(path) == expected for path, expected in vouched.items())


def test_a_reader_that_hangs_ends_its_process_in_isolation_too(folder: Path, tmp_path: Path) -> None:
    worker, item = Worker(), ShardItem(0, Shard("a", f"{folder}/a.txt"))
    job = replace(job_with_faults(folder, tmp_path, "hang"), isolate=True, hang_seconds=0.3)
    try:
        with pytest.raises(Worker.Died, match="exited with code 1"):
            worker.call(run_shard, job, item)
    finally:
        worker.stop()


@pytest.fixture(scope="module")
def serial() -> Iterator[Serial]:
    executor = Serial()
    yield executor
    executor.close()


def test_in_a_child_process_the_run_is_the_same_to_the_byte(
    folder: Path, out: Path, tmp_path: Path, serial: Serial
) -> None:
    recipe = recipe_of(folder, BASE, FIRSTS, END, rejects={"keep": 0.5})
    do(recipe, out)
    assert run(recipe, str(tmp_path / "serial"), serial).failures == []
    assert tree(tmp_path / "serial") == tree(out)


def test_an_edited_plugin_is_loaded_anew_in_workers_that_know_the_old_one(
    folder: Path, out: Path, tmp_path: Path, serial: Serial
) -> None:
    package = tmp_path / "edited_in_place"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "steps.py").write_text(
        "from textmill import doc_filter\nfrom edited_in_place.words import WORD\n\n"
        "@doc_filter\ndef no_word(text: str) -> str | None:\n    return WORD if WORD in text else None\n"
    )
    kept = {}
    for word in ("first", "second"):
        (package / "words.py").write_text(f"WORD = '{word}'")
        recipe = recipe_of(folder, chain("base", "edited_in_place.steps:no_word"), plugins=tmp_path)
        result = run(recipe, str(out), serial)
        kept[word] = result.books["base"].reasons()
    assert kept == {"first": {"first": 1, "blank": 1}, "second": {"second": 1, "blank": 1}}


def test_a_document_that_hangs_costs_itself(folder: Path, out: Path, serial: Serial) -> None:
    write_lines(folder, b=["good", "hang", "better"])
    log = Log()
    result = run(recipe_of(folder, chain("base", "support:deadly")), str(out), serial, watcher=log, hang_seconds=1)
    assert result.failures == []
    assert result.books["base"].reasons() == {"timed_out": 1, "blank": 1}
    assert corpus(out)[4:6] == ["good", "better"]
    assert [(row["id"], row["reason"]) for row in decisions(out)] == [("a.txt:2", "blank"), ("b.txt:1", "timed_out")]
    assert f"{folder}/b.txt: exited with code 1; trying again in isolation" in log.notes


def test_the_death_of_a_worker_that_no_document_caused_changes_nothing(
    folder: Path, out: Path, tmp_path: Path, serial: Serial
) -> None:
    write_lines(folder, b=["good", "kill", "better"])
    flag = tmp_path / "flag"
    recipe = recipe_of(folder, chain("base", {"support:mortal": {"flag": str(flag)}}))
    assert run(recipe, str(out), serial).failures == []
    assert flag.exists()
    do(recipe, tmp_path / "calm")
    assert tree(out) == tree(tmp_path / "calm")


def test_on_an_object_store_a_run_resumes_and_sweeps_as_on_a_disk(folder: Path, out: Path, store: Any) -> None:
    recipe, url = recipe_of(folder, BASE, FIRSTS, END, output={"shard_bytes": 1}), "s3://bucket/run"

    def stored() -> dict[str, bytes]:
        store.invalidate_cache()
        found = store.find("bucket/run")
        return {p.removeprefix("bucket/run/"): store.cat_file(p) for p in found if not p.endswith(".json")}

    do(recipe, out)
    on_disk = tree(out)
    assert run(recipe, url, Inline()).failures == []
    assert stored() == on_disk
    (first, second) = corpus_files(out)
    end = next(iter(out.glob("stages/02-end-*"))).relative_to(out)
    for name in (f"data/{second.name}", end / "data/part-00002.parquet"):
        store.rm(f"bucket/run/{name}")
    for name in ("data/part-00077.parquet", end / "work/x/0.arrow"):
        store.pipe_file(f"bucket/run/{name}", b"a leftover")
    store.invalidate_cache()
    assert run(recipe, url, Inline()).reused == ["base", "firsts"]
    assert stored() == on_disk
    edited = recipe_of(folder, BASE, FIRSTS, chain("end"), output={"shard_bytes": "1MB"})
    assert run(edited, url, Inline()).reused == ["base", "firsts"]
    assert [name for name in stored() if name.startswith("data/")] == [f"data/{first.name}"]
