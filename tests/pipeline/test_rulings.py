"""A ruling, applied batch by batch or read as decisions, says what it says row by row."""

from itertools import pairwise
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textmill.pipeline import schema
from textmill.pipeline.barrier import RULING
from textmill.pipeline.barrier_task import BarrierJob, RulingItem, commit_ruling
from textmill.pipeline.errors import ConservationError, DamagedRunError, StepError
from textmill.pipeline.rulings import apply_ruling, decisions_of
from textmill.pipeline.stage_folder import StageFolder

WITH_PLACE = pa.schema([*RULING, ("place", pa.int64())])

entries = st.dictionaries(
    st.integers(0, 11), st.tuples(st.sampled_from([None, "late", "twin"]), st.none() | st.integers(0, 99)), max_size=12
)
"""What is ruled on which row: a reason to leave or none, and a value of the added column or none."""


def ruling_of(entries: dict[int, tuple[str | None, int | None]]) -> pa.Table:
    rows = [{"row": row, "reason": reason, "place": place} for row, (reason, place) in sorted(entries.items())]
    return pa.Table.from_pylist(rows, WITH_PLACE)


def rows_of(count: int) -> list[dict[str, Any]]:
    return [{"id": f"doc-{i}", "source": "ab"[i % 2], "text": "x" * i} for i in range(count)]


def cut(rows: list[dict[str, Any]], sizes: list[int]) -> list[pa.RecordBatch]:
    """`rows` in batches of the given sizes, the rest in a last one."""
    bounds = [0]
    for size in sizes:
        bounds.append(min(bounds[-1] + size, len(rows)))
    bounds.append(len(rows))
    layout = pa.RecordBatch.from_pylist(rows_of(1)).schema
    return [pa.RecordBatch.from_pylist(rows[a:b], layout) for a, b in pairwise(bounds)]


@given(entries, st.lists(st.integers(0, 5), max_size=4))
def test_applying_a_ruling_drops_and_adds_row_by_row(
    entries: dict[int, tuple[str | None, int | None]], sizes: list[int]
) -> None:
    expected = []
    for number, row in enumerate(rows_of(12)):
        reason, place = entries.get(number, (None, None))
        if reason is None:
            expected.append({**row, "place": place})
    ruled = list(apply_ruling(cut(rows_of(12), sizes), ruling_of(entries)))
    assert [row for batch in ruled for row in batch.to_pylist()] == expected
    assert len({batch.schema for batch in ruled}) == 1


def test_an_added_column_takes_the_place_of_an_older_one() -> None:
    batch = pa.RecordBatch.from_pylist([{"id": "a", "place": -1}, {"id": "b", "place": -2}])
    (ruled,) = apply_ruling([batch], ruling_of({1: (None, 7)}))
    assert ruled.to_pylist() == [{"id": "a", "place": None}, {"id": "b", "place": 7}]


def test_a_ruling_on_rows_that_are_not_there_is_damage() -> None:
    with pytest.raises(DamagedRunError, match="a ruling names row 5 of a shard of 5 rows"):
        list(apply_ruling(cut(rows_of(5), [2]), ruling_of({0: (None, 1), 5: ("late", None)})))


def sketch_of(count: int) -> pa.Table:
    rows = [{"id": row["id"], "source": row["source"], "chars": len(row["text"])} for row in rows_of(count)]
    return pa.Table.from_pylist(rows)


@given(entries)
def test_the_decisions_of_a_ruling_are_its_rows_with_a_reason(
    entries: dict[int, tuple[str | None, int | None]],
) -> None:
    found, ledger = decisions_of("dedup", "exact", sketch_of(12), ruling_of(entries))
    ledger.check("here")
    gone = {row: reason for row, (reason, _) in sorted(entries.items()) if reason is not None}
    assert found.schema == schema.DECISIONS
    assert found.select(["id", "source", "stage", "step", "reason"]).to_pylist() == [
        {"id": f"doc-{row}", "source": "ab"[row % 2], "stage": "dedup", "step": "exact", "reason": reason}
        for row, reason in gone.items()
    ]
    account = ledger.steps["exact"]
    assert (account.rows_in, account.rows_out) == (12, 12 - len(gone))
    assert account.chars_in - account.chars_out == sum(gone)
    assert sum(ledger.kept_chars.values()) == account.chars_out


def commit(folder: StageFolder, ruling: pa.Table, rows: int, *, sketched: int = 5) -> None:
    for kind, table in (("sketch", sketch_of(sketched)), ("work", ruling)):
        path = folder.file(kind, 3)
        pa.fs.LocalFileSystem().create_dir(path.rpartition("/")[0])
        pq.write_table(table, path)
    commit_ruling(BarrierJob("dedup", "exact", folder), RulingItem(3, folder.file("work", 3), rows))


@pytest.fixture
def folder(tmp_path: object) -> StageFolder:
    return StageFolder(str(tmp_path))


def test_a_committed_ruling_has_books_decisions_and_itself(folder: StageFolder) -> None:
    commit(folder, ruling_of({1: ("late", None), 2: (None, 7)}), 5)
    manifest = folder.manifests()[3]
    assert (manifest.ledger.rows_in, manifest.ledger.rows_out) == (5, 4)
    assert set(manifest.files) == {"rulings", "decisions"}
    assert pq.read_table(folder.file("decisions", 3)).column("id").to_pylist() == ["doc-1"]
    assert pq.read_table(folder.file("rulings", 3)).column("row").to_pylist() == [1, 2]


def test_a_sketch_that_lost_rows_is_not_committed(folder: StageFolder) -> None:
    with pytest.raises(ConservationError, match="barrier 'dedup', part 3: 6 rows were kept, 5 sketched"):
        commit(folder, ruling_of({}), 6)
    assert folder.manifests() == {}


@pytest.mark.parametrize("rows", [[1, 1], [2, 1], [-1, 2], [4, 5]])
def test_a_ruling_that_is_not_sorted_or_names_rows_that_are_not_there_is_not_committed(
    folder: StageFolder, rows: list[int]
) -> None:
    ruling = pa.Table.from_pylist([{"row": row, "reason": "late"} for row in rows], RULING)
    with pytest.raises(StepError, match="barrier 'dedup', part 3: the ruling names rows out of order"):
        commit(folder, ruling, 5)
    assert folder.manifests() == {}
