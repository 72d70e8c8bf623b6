"""Finds rows of a run's files by the value of a column, in many files at once."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from textmill.pipeline.errors import DamagedRunError
from textmill.pipeline.io.files import open_binary
from textmill.pipeline.run_folder import RunStage
from textmill.pipeline.stage_folder import part_number, parts_in

_THREADS = 8
"""Files searched at once; Arrow decodes without Python's lock, and stores answer many requests at a time."""


class Hit(NamedTuple):
    """A row that was looked for: its file's path and part number, its number in the file, its columns."""

    path: str
    part: int
    number: int
    row: dict[str, Any]


def search(stage: RunStage, kind: str, column: str, value: str) -> list[Hit]:
    """The rows of a stage's files of a kind in which `column` is `value`."""
    paths = files_of(stage, kind)
    with ThreadPoolExecutor(_THREADS) as pool:
        return [hit for hits in pool.map(lambda path: _rows_or_damage(path, column, value), paths) for hit in hits]


def files_of(stage: RunStage, kind: str) -> list[str]:
    """The files of a kind of those parts that are done; a part without such rows has none."""
    there = parts_in(stage.file(kind, 0).rpartition("/")[0])
    return [stage.file(kind, part) for part in stage.parts() if part in there]


def _rows_or_damage(path: str, column: str, value: str) -> list[Hit]:
    try:
        return rows_with(path, column, value)
    except pa.ArrowInvalid as error:
        raise DamagedRunError(f"{path}: no whole Parquet file ({error}); see textmill verify") from error


def rows_with(path: str, column: str, value: str) -> list[Hit]:
    """The rows of one file in which `column` is `value`; only row groups that may hold it are read whole."""
    hits = []
    with open_binary(path) as stream, pq.ParquetFile(stream) as file:
        if column not in file.schema_arrow.names:
            return []
        start = 0
        for group in range(file.num_row_groups):
            meta = file.metadata.row_group(group)
            if _may_hold(meta, column, value):
                mask = pc.equal(file.read_row_group(group, columns=[column]).column(0), value)
                rows = pc.indices_nonzero(mask)
                found = file.read_row_group(group).take(rows).to_pylist() if len(rows) else []
                numbers = (start + number for number in rows.to_pylist())
                hits += [Hit(path, part_of(path), *pair) for pair in zip(numbers, found, strict=True)]
            start += meta.num_rows
    return hits


def _may_hold(meta: pq.RowGroupMetaData, column: str, value: str) -> bool:
    """Whether a row group's statistics allow that it holds `value`."""
    columns = (meta.column(index) for index in range(meta.num_columns))
    statistics = next((c.statistics for c in columns if c.path_in_schema == column), None)
    if statistics is None or not statistics.has_min_max:
        return statistics is None or statistics.null_count is None or statistics.null_count < meta.num_rows
    return bool(statistics.min <= value <= statistics.max)


def part_of(path: str) -> int:
    """The number of the part whose file that is."""
    part = part_number(path.rpartition("/")[2])
    assert part is not None
    return part
