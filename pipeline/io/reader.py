"""What every reader promises, and what all of them share: finding files, splitting, labelling rows."""

from abc import abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import ClassVar

import pyarrow as pa
from pydantic import Field

from textmill.pipeline import schema
from textmill.pipeline.io.files import FileInfo, find_files
from textmill.pipeline.parameters import Parameters
from textmill.pipeline.shard import Shard

Skipped = Counter[str]
"""What a reader passed over because it is no document (request records, blank lines), by kind."""


class Reader(Parameters):
    """One input of a recipe: ``{source: web, read: warc, files: "crawl/*.warc.gz"}``.

    A subclass yields batches with at least `id`, `source` and either `text` or `html`; a row that
    cannot be read is yielded all the same, with the reason in `drop_reason`.
    """

    batch_bytes: ClassVar[int] = 16 << 20
    """Content held by one batch at most, unless a single document is larger."""
    batch_rows: ClassVar[int] = 1024

    source: str = Field(description="name of this input in the column `source` and in reports")
    files: str | tuple[str, ...] = Field(description="path, URL or glob, or a list of them")

    def reads(self) -> frozenset[str]:
        """A reader needs no columns."""
        return frozenset()

    def shards(self) -> list[Shard]:
        """The files found, in sorted order, split where the format allows it.

        The split depends on the files and the parameters alone, never on the machine. Raises
        InputError when a pattern matches nothing.
        """
        patterns = [self.files] if isinstance(self.files, str) else self.files
        found = find_files(patterns)
        return [shard for file in found for shard in self.split(file)]

    def split(self, file: FileInfo) -> Iterable[Shard]:
        """The shards of one file; the whole file where the format cannot be split."""
        return [Shard(self.source, file.path, size=file.size, stamp=file.stamp)]

    @abstractmethod
    def read(self, shard: Shard, skipped: Skipped) -> Iterator[pa.RecordBatch]:
        """The rows of a shard in file order, in batches of one schema; `skipped` counts the rest.

        Raises InputError when the file as a whole cannot be read; OSError passes through, so that
        the caller can retry it.
        """


def row_id(path: str, position: int) -> str:
    """The id of a row that brings none: file name and position, the same on every run and machine."""
    return f"{path.rsplit('/', 1)[-1]}:{position}"


def batches_of(rows: Iterable[tuple[dict[str, object], int]], layout: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Group (row, content bytes) pairs into batches within the limits of `Reader`."""
    pending: list[dict[str, object]] = []
    held = 0
    for row, size in rows:
        if pending and (held + size > Reader.batch_bytes or len(pending) >= Reader.batch_rows):
            yield pa.RecordBatch.from_pylist(pending, layout)
            pending, held = [], 0
        pending.append(row)
        held += size
    if pending:
        yield pa.RecordBatch.from_pylist(pending, layout)


WEB_LAYOUT = pa.schema(
    [
        (name, schema.TYPES[name])
        for name in (
            schema.ID,
            schema.SOURCE,
            schema.URL,
            schema.DATE,
            schema.CONTENT_TYPE,
            schema.HTML,
            schema.TEXT,
            schema.DROP_REASON,
            schema.DROP_VALUE,
        )
    ]
)
"""The columns of readers of pages; `html` is null for records that hold plain text, `text` for the others."""
