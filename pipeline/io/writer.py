"""Parquet files as textmill writes them: whole or not at all, row groups of bounded size, checksummed."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq
import xxhash

from textmill.pipeline import schema
from textmill.pipeline.errors import StepError
from textmill.pipeline.io.files import open_binary, write_whole

ROW_GROUP_BYTES = 32 << 20
"""Content of a row group in memory; pyarrow's own limit is 1,048,576 rows, gigabytes of web pages."""
ROW_GROUP_ROWS = 1 << 16

DICTIONARY = (schema.SOURCE, schema.LANGUAGE, "stage", "step", "reason")
"""Columns of few distinct values; elsewhere a dictionary costs time and saves nothing (METHODS 12.1)."""


@dataclass
class WrittenFile:
    """What was written: rows, bytes, checksum (xxh3-128 of the file), and (rows, bytes) of each row group."""

    rows: int = 0
    bytes: int = 0
    checksum: str = ""
    row_groups: list[tuple[int, int]] = field(default_factory=list)


class ParquetSink:
    """Takes batches, writes row groups; see `parquet_sink`.

    The cut into row groups depends on the batches' content alone.
    """

    def __init__(self, open_stream: Callable[[], IO[bytes]], level: int, layout: pa.Schema | None) -> None:
        self._open_stream = open_stream
        self._stream: HashingStream | None = None
        self._level = level
        self._layout = layout
        self._given = layout is not None
        self._writer: pq.ParquetWriter | None = None
        self._pending: list[pa.RecordBatch] = []
        self._held = 0
        self.written = WrittenFile()

    def write(self, batch: pa.RecordBatch) -> None:
        """Append rows. Raises StepError when their columns cannot be those of the file."""
        if batch.num_rows == 0:
            return
        self._layout = self._layout or batch.schema
        batch = _conform(batch, self._layout, widen=self._given)
        size = batch.nbytes
        if self._pending and self._held + size > ROW_GROUP_BYTES:
            self._flush()
        self._pending.append(batch)
        self._held += size
        if self._held >= ROW_GROUP_BYTES or sum(b.num_rows for b in self._pending) >= ROW_GROUP_ROWS:
            self._flush()

    def close(self) -> None:
        """Write what is held and the footer."""
        self._flush()
        if self._given:
            self._open()
        if self._writer is not None and self._stream is not None:
            self._writer.close()
            self.written.bytes = self._stream.position
            self.written.checksum = self._stream.hash.hexdigest()

    def abandon(self) -> None:
        """Write nothing more: the file is not going to be."""
        if self._writer is not None:
            self._writer.is_open = False  # or it would write its footer, when collected, into a closed file

    def _flush(self) -> None:
        if not self._pending:
            return
        table = pa.Table.from_batches(self._pending, self._layout)
        self._pending, self._held = [], 0
        stream, writer = self._open()
        before = stream.position
        writer.write_table(table, row_group_size=table.num_rows)
        self.written.rows += table.num_rows
        self.written.row_groups.append((table.num_rows, stream.position - before))

    def _open(self) -> tuple["HashingStream", pq.ParquetWriter]:
        """The file, begun when it is first needed."""
        if self._stream is None or self._writer is None:
            assert self._layout is not None
            self._stream = HashingStream(self._open_stream())
            self._writer = pq.ParquetWriter(
                self._stream,
                self._layout,
                compression="zstd",
                compression_level=self._level,
                use_dictionary=[name for name in DICTIONARY if name in self._layout.names],
                write_page_index=True,
            )
        return self._stream, self._writer


class HashingStream:
    """A file being written that hashes what passes."""

    closed = False

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.hash = xxhash.xxh3_128()
        self.position = 0

    def write(self, data: bytes) -> int:
        """Pass `data` on."""
        view = memoryview(data)
        self.hash.update(view)
        self._stream.write(view)
        self.position += view.nbytes
        return view.nbytes

    def tell(self) -> int:
        """Bytes written so far."""
        return self.position

    def flush(self) -> None:
        """Pass on."""
        self._stream.flush()

    def close(self) -> None:
        """The stream below is closed by whoever opened it."""


@contextmanager
def parquet_sink(path: str, *, level: int = 1, layout: pa.Schema | None = None) -> Iterator[ParquetSink]:
    """A sink whose file appears at `path` when the block ends without error, or never.

    The file has the columns of the first batch, and is not there without rows. With a `layout` it has those
    columns, null where a batch lacks them, and is there in any case. `level` is zstd's.
    """
    with ExitStack() as stack:
        sink = ParquetSink(lambda: stack.enter_context(write_whole(path)), level, layout)
        try:
            yield sink
            sink.close()
        except BaseException:
            sink.abandon()
            raise


def checksum(path: str) -> str:
    """The xxh3-128 of a file's content, as in `WrittenFile`."""
    digest = xxhash.xxh3_128()
    with open_binary(path) as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _conform(batch: pa.RecordBatch, layout: pa.Schema, *, widen: bool) -> pa.RecordBatch:
    """`batch` with the columns and types of the file it goes to; `widen` allows that it lacks some."""
    if batch.schema.equals(layout):
        return batch
    names = set(batch.schema.names)
    strange = names - set(layout.names) if widen else names ^ set(layout.names)
    if strange:
        raise StepError(f"columns differ between batches of one shard: {', '.join(sorted(strange))}")
    try:
        columns = [
            batch.column(field.name).cast(field.type) if field.name in names else pa.nulls(batch.num_rows, field.type)
            for field in layout
        ]
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise StepError(f"a column changes its type between batches of one shard: {error}") from error
    return pa.RecordBatch.from_arrays(columns, schema=layout)
