"""Read plain text files: one document a line, as fastText, kenlm and SentencePiece take their training text.

What cannot be used leaves with a reason: `too_large`, `not_utf8`, `corrupt_member`. Blank lines are counted.
"""

from collections.abc import Iterable, Iterator

import pyarrow as pa
from pydantic import ByteSize, Field

from textmill.pipeline import schema
from textmill.pipeline.io.files import FileInfo, open_binary
from textmill.pipeline.io.lines import COMPRESSED, Line, read_lines
from textmill.pipeline.io.reader import Reader, Skipped, batches_of, byte_ranges, row_id
from textmill.pipeline.shard import Shard

_LAYOUT = pa.schema(
    [
        (name, schema.TYPES[name])
        for name in (schema.ID, schema.SOURCE, schema.TEXT, schema.DROP_REASON, schema.DROP_VALUE)
    ]
)


class TextLines(Reader):
    """Plain UTF-8 text, also gzip or zstd, one document a line; a line's id is its file and offset."""

    split_bytes: ByteSize = Field(ByteSize(128 << 20), gt=0, description="bytes in one shard of a plain file")
    max_line_bytes: ByteSize = Field(ByteSize(64 << 20), gt=0, description="longest line")

    def layout(self) -> pa.Schema:
        """`id`, `source` and `text`."""
        return pa.schema([field for field in _LAYOUT if field.name in (schema.ID, schema.SOURCE, schema.TEXT)])

    def split(self, file: FileInfo, detail: str) -> Iterable[Shard]:
        """Slices of a plain file; a compressed one as a whole."""
        whole = next(iter(super().split(file, detail)))
        return [whole] if file.path.endswith(COMPRESSED) else byte_ranges(whole, self.split_bytes)

    def read(self, shard: Shard, skipped: Skipped) -> Iterator[pa.RecordBatch]:
        """Rows in file order. Raises InputError for a file that is gone or not compressed as its name says."""
        with open_binary(shard.path) as stream:
            lines = read_lines(stream, shard, self.max_line_bytes)
            yield from batches_of(self._rows(self.name_of(shard.path), lines, skipped), _LAYOUT)

    def _rows(self, name: str, lines: Iterable[Line], skipped: Skipped) -> Iterator[tuple[dict[str, object], int]]:
        for line in lines:
            row: dict[str, object] = {schema.ID: row_id(name, line.offset), schema.SOURCE: self.source}
            if line.content is None:
                yield row | {schema.DROP_REASON: line.flaw, schema.DROP_VALUE: line.size}, 0
            elif not line.content.strip():
                skipped["blank_line"] += 1
            else:
                yield row | _decoded(line.content), line.size


def _decoded(content: bytes) -> dict[str, object]:
    try:
        return {schema.TEXT: content.decode().removesuffix("\r")}
    except UnicodeDecodeError:
        return {schema.DROP_REASON: "not_utf8"}
