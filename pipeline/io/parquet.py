"""Read Parquet files: one row a row, in batches of bounded size whatever the row groups are.

What cannot be used leaves with a reason: `no_text`, `bad_encoding`, and `corrupt_row_group` for what is left
of a row group that cannot be decoded (one row; its value is the number of rows lost).
"""

from collections.abc import Iterable, Iterator
from typing import IO, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import ByteSize, Field

from textmill.pipeline import schema
from textmill.pipeline.arrow import Bools
from textmill.pipeline.errors import InputError
from textmill.pipeline.io.files import FileInfo, open_binary
from textmill.pipeline.io.profile import bounded
from textmill.pipeline.io.reader import Skipped, byte_ranges, row_id
from textmill.pipeline.io.table import Column, TableReader, output_schema
from textmill.pipeline.shard import Shard

_BUFFER: Final = 1 << 20
"""Bytes of a column read at once; without it pyarrow holds the whole column of a row group."""


class _Task(NamedTuple):
    """What all rows of a shard have in common."""

    columns: list[Column]
    shard: Shard
    skipped: Skipped


class ParquetFiles(TableReader):
    """Parquet files with the columns of the first one; those of the others are cast to them, or null if missing.

    A value that cannot be cast becomes null and counts as ``misfit:COLUMN``; a column that the first file has not
    counts as ``unseen:COLUMN``, once a row. A row without id is named after its file and its number in it.
    """

    split_bytes: ByteSize = Field(ByteSize(64 << 20), gt=0, description="bytes of a file in one shard")

    def split(self, file: FileInfo, detail: str) -> Iterable[Shard]:
        """Byte ranges; a row group belongs to the range in which it begins."""
        (whole,) = super().split(file, detail)
        return byte_ranges(whole, self.split_bytes)

    def found_columns(self, file: FileInfo) -> pa.Schema | None:
        """The columns that the file's footer names."""
        with open_binary(file.path) as stream:
            return _open(stream, file.path).schema_arrow

    def read(self, shard: Shard, skipped: Skipped) -> Iterator[pa.RecordBatch]:
        """Rows with the columns that were settled.

        Raises InputError for a file that is no Parquet, or has a column of a type that no value of can be cast.
        """
        task = _Task(self.settled(shard.detail), shard, skipped)
        with open_binary(shard.path) as stream:
            file = _open(stream, shard.path)
            unseen = set(file.schema_arrow.names).difference(column.origin for column in task.columns)
            for index, first in _row_groups(file, shard):
                skipped.update({f"unseen:{name}": file.metadata.row_group(index).num_rows for name in unseen})
                yield from self._rows(file, index, first, task)

    def _rows(self, file: pq.ParquetFile, index: int, first: int, task: _Task) -> Iterator[pa.RecordBatch]:
        """The rows of a row group, numbered from `first`; one row for all that cannot be decoded."""
        group = file.metadata.row_group(index)
        per_row = max(1, group.total_byte_size // max(1, group.num_rows))
        size = max(1, min(self.batch_rows, self.batch_bytes // per_row))
        batches = file.iter_batches(size, row_groups=[index], use_threads=False)
        number, stop = first, first + group.num_rows
        while number < stop:
            try:
                batch = next(batches)
            except (StopIteration, pa.ArrowInvalid, OSError) as error:
                if _is_from_store(error):
                    raise
                yield self._lost(number, stop, task)
                return
            yield from bounded(self._convert(batch, number, task), self.batch_bytes, size)
            number += batch.num_rows

    def _convert(self, batch: pa.RecordBatch, first: int, task: _Task) -> pa.RecordBatch:
        """The columns that go on, of rows that are numbered from `first`."""
        arrays: dict[str, pa.Array] = {}
        reasons = pa.nulls(batch.num_rows, pa.string())
        for column in task.columns:
            arrays[column.name], invalid = _cast(batch, column, task)
            if column.name == self.content:
                reasons = pc.if_else(invalid, "bad_encoding", reasons)
                reasons = pc.if_else(arrays[column.name].is_null(), "no_text", reasons)
        name = self.name_of(task.shard.path)
        own = pa.array([row_id(name, first + i) for i in range(batch.num_rows)], pa.string())
        ids = arrays.get(schema.ID, own)
        arrays[schema.ID] = pc.if_else(pc.fill_null(pc.equal(ids, ""), True), own, ids)
        arrays[schema.SOURCE] = pa.repeat(self.source, batch.num_rows)
        arrays[schema.DROP_REASON] = reasons
        arrays[schema.DROP_VALUE] = pa.nulls(batch.num_rows, pa.float64())
        layout = output_schema(task.columns)
        return pa.RecordBatch.from_arrays([arrays[field] for field in layout.names], schema=layout)

    def _lost(self, number: int, stop: int, task: _Task) -> pa.RecordBatch:
        row = {
            schema.ID: row_id(self.name_of(task.shard.path), number),
            schema.SOURCE: self.source,
            schema.DROP_REASON: "corrupt_row_group",
            schema.DROP_VALUE: stop - number,
        }
        return pa.RecordBatch.from_pylist([row], output_schema(task.columns))


def _open(stream: IO[bytes], path: str) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(stream, buffer_size=_BUFFER, pre_buffer=False)
    except (pa.ArrowException, OSError) as error:
        if _is_from_store(error):
            raise
        raise InputError(f"{path}: no Parquet file, or its footer is damaged: {error}") from error


def _is_from_store(error: Exception) -> bool:
    """Whether an OSError comes from the store; pyarrow reports damaged data as OSError, too, but without a number."""
    return isinstance(error, OSError) and (type(error) is not OSError or error.errno is not None)


def _row_groups(file: pq.ParquetFile, shard: Shard) -> Iterator[tuple[int, int]]:
    """Index of each row group that begins in the shard, and the number of its first row in the file."""
    first = 0
    for index in range(file.metadata.num_row_groups):
        group = file.metadata.row_group(index)
        column = group.column(0)
        begins = min(offset for offset in (column.dictionary_page_offset, column.data_page_offset) if offset)
        if shard.start <= begins and (shard.stop is None or begins < shard.stop):
            yield index, first
        first += group.num_rows


def _cast(batch: pa.RecordBatch, column: Column, task: _Task) -> tuple[pa.Array, Bools]:
    """A column in the type that was settled, and in which rows its bytes are no UTF-8 though they should be."""
    sound = np.zeros(batch.num_rows, np.bool_)
    index = batch.schema.get_field_index(column.origin)
    if index < 0:
        return pa.nulls(batch.num_rows, column.type), sound
    found = batch.column(index)
    if pa.types.is_dictionary(found.type):
        found = found.dictionary_decode()
    try:
        if pa.types.is_string(column.type) and _is_bytes(found.type):
            return _text(found.cast(pa.binary()))
        return found.cast(column.type), sound
    except pa.ArrowNotImplementedError as error:
        kinds = f"is {found.type} and cannot be {column.type}, as in the first file of the input"
        advice = "make these files an input of their own, and rename the column with columns"
        raise InputError(f"{task.shard.path}: column {column.origin!r} {kinds}; {advice}") from error
    except pa.ArrowInvalid:
        fitting = [row if _fits(value, column.type) else None for row, value in enumerate(found)]
        task.skipped[f"misfit:{column.name}"] += fitting.count(None)
        return found.take(pa.array(fitting, pa.int64())).cast(column.type), sound


def _fits(value: pa.Scalar, kind: pa.DataType) -> bool:
    """Whether a value can be cast."""
    try:
        value.cast(kind)
    except pa.ArrowInvalid:
        return False
    return True


def _is_bytes(kind: pa.DataType) -> bool:
    """Whether values are bytes of whatever length, text or not."""
    return str(kind).removeprefix("large_").removesuffix("_view") in ("string", "binary")


def _text(column: pa.Array) -> tuple[pa.Array, Bools]:
    """Bytes as text, with U+FFFD for what is no UTF-8, and in which rows that is so; Parquet promises no UTF-8."""
    try:
        return column.cast(pa.string()), np.zeros(len(column), np.bool_)
    except pa.ArrowInvalid:
        values = column.to_pylist()
    texts = [None if value is None else value.decode("utf-8", "replace") for value in values]
    invalid = [text is not None and text.encode() != value for value, text in zip(values, texts, strict=True)]
    return pa.array(texts, pa.string()), np.array(invalid)
