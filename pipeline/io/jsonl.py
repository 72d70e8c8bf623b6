"""Read JSON lines (.jsonl, .gz, .zst): one row a line.

What cannot be used leaves with a reason: `bad_encoding`, `bad_json`, `no_text`, `too_large`,
`corrupt_member`. The columns and their types are those of the first lines of the first file.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import islice, takewhile
from typing import IO, Any, Final

import pyarrow as pa
from pydantic import ByteSize, Field

from textmill.pipeline import schema
from textmill.pipeline.errors import InputError
from textmill.pipeline.io.files import FileInfo, open_binary
from textmill.pipeline.io.lines import COMPRESSED, Line, read_lines
from textmill.pipeline.io.reader import Skipped, batches_of, byte_ranges, row_id
from textmill.pipeline.io.table import Column, TableReader, output_schema
from textmill.pipeline.shard import Shard

_HEAD_LINES: Final = 1000
_HEAD_BYTES: Final = 4 << 20
"""How far into a file its columns are looked for."""

_NAMED: Final = 200
"""Keys that are counted by name when they come late; objects whose keys are data have no end of them."""

_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]")
_ESCAPE: Final = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[dD][89a-fA-F][0-9a-fA-F]{2}|.)", re.DOTALL
)


class Jsonl(TableReader):
    """Lines that are JSON objects. Nested values go on as JSON text.

    A value that is not of its column's type becomes null and counts as ``misfit:COLUMN``; a key that the
    first lines have not counts as ``unseen:KEY``. A row without id is named after its file and the offset
    of its line (of the inflated file), which every shard knows without reading what comes before.
    """

    split_bytes: ByteSize = Field(ByteSize(64 << 20), gt=0, description="bytes of a file in one shard, if plain")
    max_line_bytes: ByteSize = Field(ByteSize(64 << 20), gt=0, description="longest line")

    def split(self, file: FileInfo, detail: str) -> Iterable[Shard]:
        """Byte ranges of a plain file; a line belongs to the range in which it begins."""
        (whole,) = super().split(file, detail)
        return [whole] if file.path.endswith(COMPRESSED) else byte_ranges(whole, self.split_bytes)

    def read(self, shard: Shard, skipped: Skipped) -> Iterator[pa.RecordBatch]:
        """Rows with the columns that were settled. Raises InputError for a file named .gz or .zst that is neither."""
        columns = self.settled(shard.detail)
        with open_binary(shard.path) as stream:
            yield from batches_of(self._rows(stream, shard, columns, skipped), output_schema(columns))

    def found_columns(self, file: FileInfo) -> pa.Schema | None:
        """Keys of the first lines, each with the type that holds all values that it has there."""
        kinds: dict[str, set[str]] = {}
        head = b""
        with open_binary(file.path) as stream:
            lines = islice(read_lines(stream, Shard(self.source, file.path), self.max_line_bytes), _HEAD_LINES)
            for line in takewhile(lambda line: line.offset < _HEAD_BYTES, lines):
                head = head or line.content or b""
                found = _parse(line.content or b"")
                for key, value in found.items() if isinstance(found, dict) else ():
                    kinds.setdefault(key, set()).add(_kind(value))
        if head.strip() and not kinds:
            raise InputError(f"{file.path}: no line holds a JSON object; the first begins with {head[:40]!r}")
        if not kinds:
            return None
        return pa.schema([(key, _TYPES.get(frozenset(found - {"null"}), pa.string())) for key, found in kinds.items()])

    def _rows(
        self, stream: IO[bytes], shard: Shard, columns: list[Column], skipped: Skipped
    ) -> Iterator[tuple[dict[str, object], int]]:
        name = self.name_of(shard.path)
        for line in read_lines(stream, shard, self.max_line_bytes):
            if line.content is not None and not line.content.strip():
                skipped["blank_line"] += 1
                continue
            row = self._row(line, columns, skipped)
            row[schema.ID] = row.get(schema.ID) or row_id(name, line.offset)
            row[schema.SOURCE] = shard.source
            yield row, line.size

    def _row(self, line: Line, columns: list[Column], skipped: Skipped) -> dict[str, object]:
        if line.content is None:
            return {schema.DROP_REASON: line.flaw, schema.DROP_VALUE: line.size}
        found = _parse(line.content)
        if isinstance(found, str):
            return {schema.DROP_REASON: found}
        row: dict[str, object] = {}
        for column in columns:
            value = found.get(column.origin)
            if value is None or (column.name == self.content and not isinstance(value, str)):
                continue
            try:
                row[column.name] = _FIT[column.type](value)
            except (TypeError, OverflowError):
                skipped[f"misfit:{column.name}"] += 1
        _count_unseen(found, columns, skipped)
        if self.content not in row:
            row[schema.DROP_REASON] = "no_text"
        return row


def _count_unseen(found: Iterable[str], columns: list[Column], skipped: Skipped) -> None:
    known = {column.origin for column in columns}
    for key in found:
        if key not in known:
            kind = f"unseen:{key}"
            skipped[kind if kind in skipped or len(skipped) < _NAMED else "unseen"] += 1


def _parse(content: bytes) -> dict[str, Any] | str:
    """The object that a line holds, or the reason why it holds none."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return "bad_encoding"
    if _SURROGATE.search(text):
        text = _ESCAPE.sub(_mend, text)
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return "bad_json"
    return found if isinstance(found, dict) else "bad_json"


def _mend(escape: re.Match[str]) -> str:
    """An escape as it is, or that of U+FFFD for half a surrogate pair."""
    return r"\ufffd" if len(escape[0]) == 6 else escape[0]


def _kind(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and not _fits_int64(value):
        return "huge"
    return "null" if value is None else type(value).__name__


def _fits_int64(value: int) -> bool:
    return -(1 << 63) <= value < 1 << 63


def _string(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _bytes(value: object) -> bytes:
    if not isinstance(value, str):
        raise TypeError("no text")
    return value.encode()


def _integer(value: object) -> int:
    if type(value) is not int:
        raise TypeError("no integer")
    if not _fits_int64(value):
        raise OverflowError("beyond 64 bits")
    return value


def _number(value: object) -> float:
    if type(value) not in (int, float):
        raise TypeError("no number")
    return float(value)  # type: ignore[arg-type]


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError("no truth value")
    return value


_TYPES: Final = {
    frozenset({"bool"}): pa.bool_(),
    frozenset({"int"}): pa.int64(),
    frozenset({"float"}): pa.float64(),
    frozenset({"int", "float"}): pa.float64(),
}
"""The type of a column by the kinds of its values; any other mixture becomes a string."""

_FIT: Final[dict[pa.DataType, Callable[[object], object]]] = {
    pa.string(): _string,
    pa.binary(): _bytes,
    pa.int64(): _integer,
    pa.float64(): _number,
    pa.float32(): _number,
    pa.bool_(): _truth,
}
"""A value as its column takes it. They raise TypeError or OverflowError for one that it cannot."""
