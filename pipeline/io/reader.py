"""What every reader promises, and what all of them share: finding files, splitting, labelling rows."""

from abc import abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import ClassVar

import pyarrow as pa
from pydantic import Field

from textmill.pipeline import schema
from textmill.pipeline.io.files import FileInfo, find_files, shared_folder
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

    def layout(self) -> pa.Schema:
        """The columns of every batch, `drop_reason` and `drop_value` apart: for readers of pages those of `WEB_LAYOUT`.

        Raises InputError when they cannot be told because no file is there.
        """
        return pa.schema([field for field in WEB_LAYOUT if field.name not in (schema.DROP_REASON, schema.DROP_VALUE)])

    def adds(self) -> frozenset[str]:
        """Names of the columns of every batch."""
        return frozenset(self.layout().names)

    @property
    def patterns(self) -> tuple[str, ...]:
        """`files` as a list."""
        return (self.files,) if isinstance(self.files, str) else self.files

    def shards(self) -> list[Shard]:
        """The files found, in sorted order, split where the format allows it.

        The split depends on the files and the parameters alone, never on the machine. Raises
        InputError when a pattern matches nothing, or when the first file is not what it should be.
        """
        found = find_files(self.patterns)
        detail = self.survey(found)
        return [shard for file in found for shard in self.split(file, detail)]

    def name_of(self, path: str) -> str:
        """A file's name for ids: its path below what all of `files` have in common, the same on every machine."""
        return path.removeprefix(shared_folder(self.patterns)).lstrip("/")

    def survey(self, found: Sequence[FileInfo]) -> str:  # noqa: ARG002
        """What all shards must agree on before any is read (``Shard.detail``), such as the columns' types."""
        return ""

    def split(self, file: FileInfo, detail: str) -> Iterable[Shard]:
        """The shards of one file; the whole file where the format cannot be split."""
        return [Shard(self.source, file.path, size=file.size, stamp=file.stamp, detail=detail)]

    @abstractmethod
    def read(self, shard: Shard, skipped: Skipped) -> Iterator[pa.RecordBatch]:
        """The rows of a shard in file order, in batches of one schema; `skipped` counts the rest.

        Raises InputError when the file as a whole cannot be read; OSError passes through, so that
        the caller can retry it.
        """


def byte_ranges(whole: Shard, split_bytes: int) -> list[Shard]:
    """A file as slices [start, stop) of equal length, `split_bytes` at most; the last has no stop.

    What begins in a slice belongs to it, so a reader needs no index, and nobody opens a file to split it.
    """
    count = max(1, -(-whole.size // split_bytes))
    bounds = [whole.size * i // count for i in range(count + 1)]
    return [
        replace(whole, start=start, stop=stop if stop < whole.size else None, size=stop - start)
        for start, stop in pairwise(bounds)
    ]


def row_id(name: str, position: int | str) -> str:
    """The id of a row that brings none: its file's `Reader.name_of` and where in the file it begins."""
    return f"{name}:{position}"


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
