"""An HTTP response as an archive keeps it: its header, and its body with transfer and content encodings undone."""

import re
from typing import Final, NamedTuple

import brotli
import zstandard
from isal import isal_zlib

from textmill.pipeline.io.gzip_members import InflateError

_STATUS: Final = re.compile(rb"[\r\n]*HTTP/\d(?:\.\d+)?[ \t]+(\d{1,3})(?!\d)")
_HEADER_END: Final = re.compile(rb"\n\r*\n")
_CHUNK_SIZE: Final = re.compile(rb"\r*\n?([0-9a-fA-F]{1,15})[ \t]*(?:;[^\n]*)?\r*\n")
_CUT_OFF: Final = re.compile(rb"\r*\n?[0-9a-fA-F]{0,15}[ \t]*(?:;[^\n]*)?\r*\Z")
_MARKUP: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*<")
_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"


class Response(NamedTuple):
    """Status, headers by lower-case name (the last value of each), and the body as it was sent."""

    status: int
    headers: dict[str, str]
    body: bytes


class DecodingError(Exception):
    """A body that cannot be given: `reason` is the reason to drop it, `value` the number behind it."""

    def __init__(self, reason: str, value: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.value = value


def parse_response(block: bytes) -> Response | None:
    """Split a response into header and body, whatever ends its lines; None for what has no status line."""
    status = _STATUS.match(block)
    if status is None:
        return None
    end = _HEADER_END.search(block, status.end())
    header, body = (block[: end.start()], block[end.end() :]) if end else (block, b"")
    headers: dict[str, str] = {}
    name = ""
    for line in header[status.end() :].decode("latin-1").split("\n")[1:]:
        if line[:1] in (" ", "\t") and name:
            headers[name] += f" {line.strip()}"
        else:
            name, _, value = line.partition(":")
            name = name.strip().lower()
            headers[name] = value.strip()
    return Response(int(status[1]), headers, body)


def decode_body(response: Response, max_bytes: int) -> bytes:
    """The body with its transfer and content encodings undone.

    Archives keep headers above bodies that they have decoded already, and bodies that end early. So a body
    that is not encoded as its header says, but has not the signature of the encoding or starts with a tag,
    stands as it is, and of one that ends early what there is of it. An encoding that no browser knows
    changes nothing. Raises DecodingError with `bad_content_encoding`, or with `too_large` for a body that
    decodes to more than `max_bytes`.
    """
    body = response.body
    if "chunked" in response.headers.get("transfer-encoding", "").lower():
        body = _join_chunks(body)
    codings = [name.strip().lower() for name in response.headers.get("content-encoding", "").split(",")]
    for coding in reversed(codings):
        decode = _DECODERS.get(coding)
        if decode is None or not body:
            continue
        try:
            decoded = decode(body, max_bytes + 1)
        except (InflateError, brotli.error, zstandard.ZstdError) as error:
            if not _MARKUP.match(body):
                raise DecodingError("bad_content_encoding") from error
            continue
        if len(decoded) > max_bytes:
            raise DecodingError("too_large", len(decoded))
        body = decoded
    return body


def _join_chunks(body: bytes) -> bytes:
    """The content of a chunked body; as it is where it does not even begin as one."""
    chunks: list[bytes] = []
    at = 0
    while at < len(body):
        size = _CHUNK_SIZE.match(body, at)
        if size is None:
            if not chunks:
                return body
            if _CUT_OFF.match(body, at):
                break
            raise DecodingError("bad_content_encoding")
        length = int(size[1], 16)
        chunks.append(body[size.end() : size.end() + length])
        at = size.end() + length
        if length == 0:
            break
    return b"".join(chunks)


def _gunzip(body: bytes, limit: int) -> bytes:
    """At most `limit` bytes of all members; a body without gzip's signature as it is."""
    if not body.startswith(_GZIP):
        return body
    inflated = b""
    while body.startswith(_GZIP) and len(inflated) < limit:
        inflater = isal_zlib.decompressobj(31)
        inflated += inflater.decompress(body, limit - len(inflated))
        body = inflater.unused_data
    return inflated


def _inflate(body: bytes, limit: int) -> bytes:
    """At most `limit` bytes of what HTTP calls deflate: zlib's format, and in practice also bare deflate."""
    try:
        return isal_zlib.decompressobj(15).decompress(body, limit)
    except InflateError:
        return isal_zlib.decompressobj(-15).decompress(body, limit)


def _unbrotli(body: bytes, limit: int) -> bytes:
    """About `limit` bytes at most."""
    return brotli.Decompressor().process(body, output_buffer_limit=limit)  # type: ignore[no-any-return]


def _unzstd(body: bytes, limit: int) -> bytes:
    """At most `limit` bytes of all frames; a body without zstd's signature as it is."""
    if not body.startswith(_ZSTD):
        return body
    return zstandard.ZstdDecompressor().stream_reader(body, read_across_frames=True).read(limit)


_DECODERS: Final = {
    "gzip": _gunzip,
    "x-gzip": _gunzip,
    "deflate": _inflate,
    "br": _unbrotli,
    "zstd": _unzstd,
}
