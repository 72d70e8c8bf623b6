"""The corpus: every row group of the last chain once and in order, in files of the size asked for."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from textmill import batch_of
from textmill.pipeline.errors import StepError
from textmill.pipeline.io.writer import WrittenFile, parquet_sink
from textmill.pipeline.ledger import Ledger
from textmill.pipeline.output import OutputItem, OutputJob, data_file, layout_of, pack, unite_layouts, write_output
from textmill.pipeline.recipe import Output
from textmill.pipeline.stage_folder import ShardManifest, StageFolder

LAST = StageFolder("stages/02-end-abc")


def manifest_of(part: int, sizes: list[int]) -> ShardManifest:
    files = {"data": WrittenFile(row_groups=[(1, size) for size in sizes])} if sizes else {}
    return ShardManifest(part, {}, Ledger(), files)


@given(st.lists(st.lists(st.integers(1, 40), max_size=5), max_size=6), st.integers(1, 60), st.randoms())
def test_row_groups_are_packed_once_and_in_order_into_files_as_small_as_may_be(
    sizes: list[list[int]], shard_bytes: int, random: object
) -> None:
    numbers = list(range(0, 2 * len(sizes), 2))
    random.shuffle(numbers)  # type: ignore[attr-defined]  # part numbers say nothing about the order
    packed = pack(LAST, [manifest_of(*pair) for pair in zip(numbers, sizes, strict=True)], shard_bytes)
    by_path = {LAST.file("data", part): groups for part, groups in zip(numbers, sizes, strict=True)}
    found = [[(path, group) for path, a, b in item.pieces for group in range(a, b)] for item in packed]
    everything = [(path, group) for path, groups in by_path.items() for group in range(len(groups))]
    assert [one for file in found for one in file] == everything
    assert [item.part for item in packed] == list(range(len(packed)))
    for file in found:
        stored = [by_path[path][group] for path, group in file]
        assert sum(stored[:-1]) < shard_bytes
        assert file is found[-1] or sum(stored) >= shard_bytes


def test_a_file_of_the_corpus_is_made_of_pieces(tmp_path: Path) -> None:
    last, out = StageFolder(str(tmp_path / "last")), StageFolder(str(tmp_path / "output"))
    for part, texts in ((0, ["a", "b"]), (1, ["c"])):
        with parquet_sink(last.file("data", part)) as sink:
            sink.write(batch_of({"id": texts, "text": texts}))
    item = OutputItem(5, ((last.file("data", 0), 0, 1), (last.file("data", 1), 0, 1)), number=5, count=6)
    layout = layout_of(None, item).append(pa.field("stars", pa.int8()))
    manifest = write_output(OutputJob(str(tmp_path / "data"), out, layout), item)
    path = Path(data_file(str(tmp_path / "data"), 5))
    assert path.name == "part-00005.parquet"
    assert pq.read_table(path).column("text").to_pylist() == ["a", "b", "c"]
    assert pq.read_table(path).column("stars").to_pylist() == [None] * 3
    assert (manifest.ledger.rows_in, manifest.ledger.rows_out) == (3, 3)
    assert out.manifests()[5].ledger == manifest.ledger


def test_pieces_with_fewer_columns_have_nulls_there_in_any_format(tmp_path: Path) -> None:
    last, out = StageFolder(str(tmp_path / "last")), StageFolder(str(tmp_path / "output"))
    for part, columns in enumerate(({"id": ["a"], "text": ["x"]}, {"id": ["b"], "text": ["y"], "stars": [3]})):
        with parquet_sink(last.file("data", part)) as sink:
            sink.write(batch_of(columns))
    item = OutputItem(0, tuple((last.file("data", part), 0, 1) for part in range(2)))
    for name in ("jsonl", "mds"):
        job = OutputJob(str(tmp_path / "data"), out, layout_of(None, item), Output(format=name))
        assert write_output(job, item).ledger.rows_out == 2
    with zstandard.open(tmp_path / "data/part-00000.jsonl.zst", "rt") as stream:
        assert [json.loads(line) for line in stream] == [
            {"id": "a", "text": "x", "source": "test"},
            {"id": "b", "text": "y", "source": "test", "stars": 3},
        ]
    assert (tmp_path / "data/shard.00000.mds").read_bytes().endswith(b"btest3y")  # id, source, stars, text


def test_the_columns_of_the_corpus_are_those_of_all_files_in_their_widest_types() -> None:
    first = pa.schema([("id", pa.string()), ("n", pa.int32()), ("date", pa.null())])
    second = pa.schema([("n", pa.int64()), ("url", pa.string()), ("date", pa.string())])
    united = [("id", pa.string()), ("n", pa.int64()), ("date", pa.string()), ("url", pa.string())]
    assert unite_layouts([first, second]) == pa.schema(united)
    with pytest.raises(StepError, match=r"disagree on the type of a column of the corpus: .* n "):
        unite_layouts([first, pa.schema([("n", pa.string())])])
