"""Parquet files as textmill writes them: whole or not at all, the same bytes for the same rows, bounded row groups."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st

from textmill import batch_of
from textmill.pipeline.errors import StepError
from textmill.pipeline.io.profile import STAGES
from textmill.pipeline.io.writer import WrittenFile, checksum, parquet_sink


def write(path: Path, batches: list[pa.RecordBatch]) -> WrittenFile:
    with parquet_sink(str(path)) as sink:
        for batch in batches:
            sink.write(batch)
    return sink.written


@given(st.lists(st.lists(st.none() | st.text(max_size=5), max_size=5), max_size=5))
@settings(max_examples=30)
def test_what_was_written_is_what_is_read_and_what_the_books_say(
    tmp_path_factory: pytest.TempPathFactory, texts: list[list[str | None]]
) -> None:
    path = tmp_path_factory.mktemp("sink") / "part.parquet"
    written = write(path, [batch_of({"text": pa.array(batch, pa.string())}) for batch in texts])
    expected = [text for batch in texts for text in batch]
    assert path.exists() == bool(expected)
    assert written.rows == len(expected)
    if expected:
        assert pq.read_table(path).column("text").to_pylist() == expected
        assert written.bytes == path.stat().st_size
        assert written.checksum == xxhash.xxh3_128_hexdigest(path.read_bytes()) == checksum(str(path))
        assert sum(rows for rows, _ in written.row_groups) == len(expected)


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    first, second = (write(tmp_path / name, [batch_of(["a", "b"]), batch_of(["c"])]) for name in ("one", "two"))
    assert first == second
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_row_groups_are_cut_by_bytes_and_by_rows(tmp_path: Path) -> None:
    third = batch_of(["x" * (STAGES.group_bytes // 3)])
    written = write(tmp_path / "bytes", [third] * 5)
    assert [rows for rows, _ in written.row_groups] == [2, 2, 1]
    huge = batch_of(["y" * (STAGES.group_bytes + 1)])
    assert [rows for rows, _ in write(tmp_path / "huge", [third, huge, third]).row_groups] == [1, 1, 1]
    many = batch_of([""] * (STAGES.group_rows // 2))
    assert [rows for rows, _ in write(tmp_path / "rows", [many] * 3).row_groups] == [
        STAGES.group_rows,
        STAGES.group_rows // 2,
    ]


def test_the_books_of_row_groups_agree_with_the_footer(tmp_path: Path) -> None:
    written = write(tmp_path / "file", [batch_of(["x" * (STAGES.group_bytes // 2)] * 3)] * 2)
    footer = pq.ParquetFile(tmp_path / "file").metadata
    groups = [footer.row_group(i) for i in range(footer.num_row_groups)]
    assert [rows for rows, _ in written.row_groups] == [group.num_rows for group in groups]
    for (_, size), group in zip(written.row_groups, groups, strict=True):
        assert size >= sum(group.column(i).total_compressed_size for i in range(group.num_columns))


@pytest.mark.filterwarnings("error")
def test_an_error_leaves_nothing_behind(tmp_path: Path) -> None:
    big = batch_of(["z" * STAGES.group_bytes])
    other = pa.RecordBatch.from_pydict({"id": [1]})
    with pytest.raises(StepError):
        write(tmp_path / "part.parquet", [big, big, other])  # by then a row group is on its way to the disk
    assert list(tmp_path.iterdir()) == []


def test_columns_that_differ_within_a_shard_are_an_error_and_their_order_is_not(tmp_path: Path) -> None:
    first = pa.RecordBatch.from_pydict({"id": ["a"], "n": pa.array([1], pa.int64())})
    turned = pa.RecordBatch.from_pydict({"n": pa.array([2], pa.int32()), "id": ["b"]})
    write(tmp_path / "ok", [first, turned])
    assert pq.read_table(tmp_path / "ok").to_pylist() == [{"id": "a", "n": 1}, {"id": "b", "n": 2}]
    with pytest.raises(StepError, match=r"columns differ between batches of one shard: n$"):
        write(tmp_path / "missing", [first, first.select(["id"])])
    with pytest.raises(StepError, match="a column changes its type between batches of one shard"):
        write(tmp_path / "type", [first, pa.RecordBatch.from_pydict({"id": ["b"], "n": ["x"]})])
    assert [path.name for path in tmp_path.iterdir()] == ["ok"]
