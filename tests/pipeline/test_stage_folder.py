"""A stage's folder: what a manifest vouches for stays, everything else is a leftover."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textmill.pipeline.io.writer import WrittenFile
from textmill.pipeline.ledger import Ledger
from textmill.pipeline.stage_folder import ShardManifest, StageFolder, part_name, part_number, parts_in


@pytest.fixture
def folder(tmp_path: Path) -> StageFolder:
    return StageFolder(str(tmp_path / "00-base-abc"))


def touch(path: str) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).touch()


def files_of(folder: StageFolder) -> set[str]:
    return {str(path.relative_to(folder.path)) for path in Path(folder.path).rglob("*") if path.is_file()}


def commit(folder: StageFolder, part: int, *kinds: str) -> None:
    for kind in kinds:
        touch(folder.file(kind, part))
    books = Ledger(rows_in=7)
    books.kept_rows["web", "en"] = 7
    files = {kind: WrittenFile(7, 70, "cafe", [(7, 70)]) for kind in kinds}
    folder.commit(ShardManifest(part, {"path": "a.txt"}, books, files))


def test_a_manifest_comes_back_as_it_was(folder: StageFolder) -> None:
    commit(folder, 3, "data", "decisions")
    (manifest,) = folder.manifests().values()
    assert (manifest.part, manifest.origin, manifest.ledger.rows_out) == (3, {"path": "a.txt"}, 7)
    assert manifest.files["data"].bytes == 70
    assert ShardManifest.from_json(manifest.to_json()) == manifest
    assert folder.name == "00-base-abc"


def test_a_manifest_whose_files_are_gone_counts_for_nothing(folder: StageFolder) -> None:
    commit(folder, 0, "data")
    commit(folder, 1, "data", "decisions")
    Path(folder.file("decisions", 1)).unlink()
    assert list(folder.manifests()) == [0]


def test_a_part_that_is_taken_back_is_not_done(folder: StageFolder) -> None:
    commit(folder, 0, "data")
    folder.retract(0)
    folder.retract(5)
    assert folder.manifests() == {}


def test_sweeping_removes_leftovers_and_never_what_is_vouched_for(folder: StageFolder) -> None:
    commit(folder, 0, "data", "decisions")
    commit(folder, 12345678, "data")
    folder.finish({"stage": "base"})
    vouched = files_of(folder)
    for leftover in (
        folder.file("rejects", 0),  # of an attempt whose manifest does not name it
        folder.file("data", 1),  # of an attempt that was killed before its manifest
        f"{folder.path}/data/part-00002.parquet.0123456789ab.tmp",
        f"{folder.path}/shards/part-00002.json.0123456789ab.tmp",
        f"{folder.path}/manifest.json.0123456789ab.tmp",
        f"{folder.work}/keys/0.arrow",
    ):
        touch(leftover)
    folder.sweep(folder.manifests())
    assert files_of(folder) == vouched


def test_sketches_stay_for_the_parts_that_are_named(folder: StageFolder) -> None:
    for part in (0, 1, 2):
        touch(folder.file("sketch", part))
    folder.sweep({}, [0, 2])
    assert files_of(folder) == {"sketch/part-00000.parquet", "sketch/part-00002.parquet"}


def test_a_stage_is_done_when_it_says_so(folder: StageFolder) -> None:
    assert folder.summary() is None
    folder.finish({"stage": "base", "parts": [0]})
    assert folder.summary() == {"stage": "base", "parts": [0]}


@given(st.integers(0, 10**9))
def test_names_of_parts(part: int) -> None:
    assert part_number(f"{part_name(part)}.parquet") == part_number(f"{part_name(part)}.json") == part


def test_names_of_other_files(tmp_path: Path) -> None:
    names = ["part-1.parquet.tmp", "part-x.parquet", "other.parquet", "part-00001", "manifest.json", "part-²2.json"]
    assert [part_number(name) for name in names] == [None] * len(names)
    for name in [*names, "part-00007.json"]:
        (tmp_path / name).touch()
    assert parts_in(str(tmp_path)) == {7}
