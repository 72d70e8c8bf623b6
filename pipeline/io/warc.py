"""Read web archives (WARC, WET, ARC): one row a document, whatever condition the file is in.

A row is a `response` or `resource` record, or a `conversion` (the plain text of WET files). What cannot be
used leaves with a reason: `http_status`, `not_html`, `too_large`, `bad_http`, `bad_content_encoding`,
`truncated_record`, `corrupt_record`, `corrupt_member`. A payload that the crawler cut off on purpose
(`WARC-Truncated`) is a shorter page, not a damaged one. Other records are counted by type.
"""

from collections.abc import Iterable, Iterator
from itertools import chain, groupby
from operator import itemgetter
from typing import IO, Final

import pyarrow as pa
from fastwarc.stream_io import Lz4Reader, ZstdReader
from pydantic import ByteSize, Field

from textmill.pipeline import schema
from textmill.pipeline.errors import InputError
from textmill.pipeline.io import gzip_members
from textmill.pipeline.io.archive_headers import begins_record, holds_record
from textmill.pipeline.io.files import FileInfo, open_binary, read_head
from textmill.pipeline.io.html import decode, looks_like_html
from textmill.pipeline.io.http import DecodingError, decode_body, parse_response
from textmill.pipeline.io.reader import WEB_LAYOUT, Reader, Skipped, batches_of, byte_ranges, row_id
from textmill.pipeline.io.warc_records import Record, cut_records
from textmill.pipeline.shard import Shard

_DOCUMENTS: Final = ("response", "resource", "conversion")
_BLOCK: Final = 1 << 14
"""Bytes read at once of what is not gzip; of damaged .zst and .lz4 files so much is lost before the damage."""
_LZ4: Final = b"\x04\x22\x4d\x18"
_ZSTD: Final = (b"\x28\xb5\x2f\xfd", b"\x5d\x2a\x4d\x18")
"""A frame, and the frame that holds the dictionary of a .warc.zst."""

Piece = tuple[int, bytes | None]
"""Offset of a span in the file, and bytes of it; None for a rest that is damaged."""


class Warc(Reader):
    """Records of WARC and ARC files: plain, .gz (a member a record, or any other way), .zst or .lz4."""

    split_bytes: ByteSize = Field(ByteSize(64 << 20), gt=0, description="compressed bytes of a .gz in one shard")
    max_record_bytes: ByteSize = Field(ByteSize(16 << 20), gt=0, description="longest record, and longest decoded page")
    statuses: tuple[int, ...] = Field((200,), description="HTTP statuses of pages that go on")

    def split(self, file: FileInfo, detail: str) -> Iterable[Shard]:
        """Byte ranges of a .gz; a record belongs to the range in which its gzip member begins."""
        (whole,) = super().split(file, detail)
        return byte_ranges(whole, self.split_bytes) if file.path.endswith(".gz") else [whole]

    def read(self, shard: Shard, skipped: Skipped) -> Iterator[pa.RecordBatch]:
        """Rows with the columns of `WEB_LAYOUT`. Raises InputError for a file that is no WARC."""
        with open_binary(shard.path) as stream:
            yield from batches_of(self._rows(stream, shard, skipped), WEB_LAYOUT)

    def _rows(self, stream: IO[bytes], shard: Shard, skipped: Skipped) -> Iterator[tuple[dict[str, object], int]]:
        name = self.name_of(shard.path)
        for offset, pieces in groupby(_spans(stream, shard), key=itemgetter(0)):
            for record in cut_records((data for _, data in pieces), self.max_record_bytes):
                kind = record.headers.get("warc-type", "").lower()
                if record.headers and kind not in _DOCUMENTS:
                    skipped[kind or "unknown"] += 1
                    continue
                place = f"{offset}+{record.position}" if record.position else offset
                row = _identity(record.headers) | self._content(kind, record)
                row.setdefault(schema.ID, row_id(name, place))
                row[schema.SOURCE] = shard.source
                content = row.get(schema.HTML) or row.get(schema.TEXT)
                yield row, len(content) if isinstance(content, (bytes, str)) else 0

    def _content(self, kind: str, record: Record) -> dict[str, object]:
        """The columns that hold a document, or the reason why it goes no further."""
        if record.body is None:
            return _refusal(record.flaw, record.size)
        content_type = record.headers.get("content-type")
        if kind == "response" and _is_http(content_type, record.body):
            return self._answer(record.body)
        if kind == "conversion" and (content_type or "text/plain").startswith("text/plain"):
            return {schema.CONTENT_TYPE: content_type, schema.TEXT: decode(record.body, content_type)}
        return _page(record.body, content_type)

    def _answer(self, block: bytes) -> dict[str, object]:
        """As `_content`, of an HTTP response."""
        response = parse_response(block)
        if response is None:
            return _refusal("bad_http")
        content_type = response.headers.get("content-type")
        if response.status not in self.statuses:
            return {schema.CONTENT_TYPE: content_type} | _refusal("http_status", response.status)
        try:
            return _page(decode_body(response, self.max_record_bytes), content_type)
        except DecodingError as error:
            return {schema.CONTENT_TYPE: content_type} | _refusal(error.reason, error.value)


def _page(body: bytes, content_type: str | None) -> dict[str, object]:
    """A body that no encoding hides."""
    page: dict[str, object] = {schema.CONTENT_TYPE: content_type}
    return page | ({schema.HTML: body} if looks_like_html(content_type, body) else _refusal("not_html"))


def _identity(headers: dict[str, str]) -> dict[str, object]:
    """What a record says about itself; wget puts its URLs in angle brackets, too."""
    columns = {schema.ID: "warc-record-id", schema.URL: "warc-target-uri", schema.DATE: "warc-date"}
    return {name: headers[key].strip("<>") for name, key in columns.items() if headers.get(key)}


def _refusal(reason: str | None, value: float | None = None) -> dict[str, object]:
    return {schema.DROP_REASON: reason, schema.DROP_VALUE: value}


def _is_http(content_type: str | None, body: bytes) -> bool:
    return (content_type or "").lower().startswith("application/http") or body.startswith(b"HTTP/")


def _spans(stream: IO[bytes], shard: Shard) -> Iterator[Piece]:
    """The pieces of a shard. Raises InputError for a file that is empty or does not begin as an archive does."""
    head = read_head(shard.path, 4)
    if head.startswith(gzip_members.MAGIC):
        spans = gzip_members.inflate_spans(stream, begins_record, shard.start, shard.stop)
    elif shard.start:
        return iter(())  # only gzip can be read from its middle: the first shard has it all
    elif head == _LZ4:
        spans = _whole(Lz4Reader(stream))
    elif head in _ZSTD:
        spans = _whole(ZstdReader(stream))
    else:
        spans = ((0, piece) for piece in iter(lambda: stream.read(_BLOCK), b""))
    return spans if shard.start else _checked(spans, shard.path)


def _checked(spans: Iterator[Piece], path: str) -> Iterator[Piece]:
    first = next(spans, None)
    if first is None:
        raise InputError(f"{path}: holds nothing; a web archive has at least one record")
    start = first[1]
    if start is not None and not holds_record(start):
        raise InputError(f"{path}: no WARC or ARC file: it begins with {start[:40]!r}")
    return chain([first], spans)


def _whole(reader: Lz4Reader | ZstdReader) -> Iterator[Piece]:
    """A file in one span, down to the first damage."""
    try:
        while piece := reader.read(_BLOCK):
            yield 0, piece
    except OSError as error:
        if type(error) is not OSError or error.errno is not None:
            raise  # the store's, not the decompressor's
        yield 0, None
