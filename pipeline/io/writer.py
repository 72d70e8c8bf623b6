"""Parquet files: whole or not at all, row groups of bounded size, checksummed; `profile` says how they are laid out."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq
import xxhash

from textmill.pipeline.errors import StepError
from textmill.pipeline.io.files import open_binary, write_whole
from textmill.pipeline.io.profile import STAGES, VERSION, Profile, bounded, writer_options

PIECES = 16
"""Slices that a row group is filled with: so it is full but for a sixteenth, or a document, that would not go in."""


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

    def __init__(self, open_stream: Callable[[], IO[bytes]], profile: Profile, layout: pa.Schema | None) -> None:
        self._open_stream = open_stream
        self._stream: HashingStream | None = None
        self._profile = profile
        self._layout = layout
        self._given = layout is not None
        self._writer: pq.ParquetWriter | None = None
        self._pending: list[pa.RecordBatch] = []
        self._held = self._rows = 0
        self.written = WrittenFile()

    def write(self, batch: pa.RecordBatch) -> None:
        """Append rows. Raises StepError when their columns cannot be those of the file."""
        if batch.num_rows == 0:
            return
        self._layout = self._layout or batch.schema
        batch = _conform(batch, self._layout, widen=self._given)
        limits = self._profile
        for piece in bounded(batch, limits.group_bytes // PIECES, limits.group_rows):
            size = piece.nbytes
            if self._held + size > limits.group_bytes or self._rows + piece.num_rows > limits.group_rows:
                self._flush()
            self._pending.append(piece)
            self._held += size
            self._rows += piece.num_rows

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
        self._pending, self._held, self._rows = [], 0, 0
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
            layout = self._layout.with_metadata(VERSION)
            self._writer = pq.ParquetWriter(self._stream, layout, **writer_options(layout, self._profile))
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
def parquet_sink(path: str, *, profile: Profile = STAGES, layout: pa.Schema | None = None) -> Iterator[ParquetSink]:
    """A sink whose file appears at `path` when the block ends without error, or never.

    The file has the columns of the first batch, and is not there without rows. With a `layout` it has those
    columns, null where a batch lacks them, and is there in any case.
    """
    with ExitStack() as stack:
        sink = ParquetSink(lambda: stack.enter_context(write_whole(path)), profile, layout)
        try:
            yield sink
            sink.close()
        except BaseException:
            sink.abandon()
            raise


def write_parquet(path: str, table: pa.Table, *, profile: Profile = STAGES) -> WrittenFile:
    """Write a whole table, also one without rows."""
    with parquet_sink(path, profile=profile, layout=table.schema) as sink:
        for batch in table.to_batches():
            sink.write(batch)
    return sink.written


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
