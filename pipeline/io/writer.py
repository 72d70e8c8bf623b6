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
    """Takes batches, writes row groups; the file's schema is that of the first batch.

    The cut into row groups depends on the batches' content alone.
    """

    def __init__(self, open_stream: Callable[[], IO[bytes]], level: int) -> None:
        self._open_stream = open_stream
        self._stream: HashingStream | None = None
        self._level = level
        self._writer: pq.ParquetWriter | None = None
        self._pending: list[pa.RecordBatch] = []
        self._held = 0
        self.written = WrittenFile()

    def write(self, batch: pa.RecordBatch) -> None:
        """Append rows. Raises StepError when their columns cannot be those of the first batch."""
        if batch.num_rows == 0:
            return
        if self._pending or self._writer:
            first = self._writer.schema if self._writer else self._pending[0].schema
            batch = _conform(batch, first)
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
        table = pa.Table.from_batches(self._pending)
        self._pending, self._held = [], 0
        if self._writer is None or self._stream is None:
            self._stream = HashingStream(self._open_stream())
            self._writer = pq.ParquetWriter(
                self._stream,
                table.schema,
                compression="zstd",
                compression_level=self._level,
                use_dictionary=[name for name in DICTIONARY if name in table.schema.names],
                write_page_index=True,
            )
        before = self._stream.position
        self._writer.write_table(table, row_group_size=table.num_rows)
        self.written.rows += table.num_rows
        self.written.row_groups.append((table.num_rows, self._stream.position - before))


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
def parquet_sink(path: str, *, level: int = 1) -> Iterator[ParquetSink]:
    """A sink whose file appears at `path` when the block ends without error, or never.

    A sink that got no rows leaves no file. `level` is zstd's.
    """
    with ExitStack() as stack:
        sink = ParquetSink(lambda: stack.enter_context(write_whole(path)), level)
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


def _conform(batch: pa.RecordBatch, wanted: pa.Schema) -> pa.RecordBatch:
    """`batch` with the columns and types of the file it goes to."""
    if batch.schema.equals(wanted):
        return batch
    missing = set(wanted.names) ^ set(batch.schema.names)
    if missing:
        raise StepError(f"columns differ between batches of one shard: {', '.join(sorted(missing))}")
    try:
        return batch.select(wanted.names).cast(wanted)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise StepError(f"a column changes its type between batches of one shard: {error}") from error
