"""Cut text files, plain or compressed, into lines; whatever the file holds, a line costs at most itself."""

from collections.abc import Iterator
from typing import IO, Final, NamedTuple

import zstandard

from textmill.pipeline.errors import InputError
from textmill.pipeline.io import gzip_members
from textmill.pipeline.io.files import read_head
from textmill.pipeline.io.gzip_members import DamagedError
from textmill.pipeline.shard import Shard

COMPRESSED: Final = (".gz", ".zst", ".zstd")
"""Endings of files that cannot be read from their middle."""

_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_BOM: Final = b"\xef\xbb\xbf"
_BLOCK: Final = 1 << 18
_ZSTD_BLOCK: Final = 1 << 12
"""Compressed bytes of a zstd file inflated at once: 128 MiB at most, if it is a bomb."""
_LONGEST_WINDOW: Final = 1 << 31
"""What `zstd --long=31` needs, as the dumps of some forums do."""


class Line(NamedTuple):
    """A line without its end. offset: where it begins in the inflated file. size: its bytes.

    content: None where `flaw` (`too_large`, `corrupt_member`) says why there is none.
    """

    offset: int
    content: bytes | None
    size: int
    flaw: str | None = None


def read_lines(stream: IO[bytes], shard: Shard, max_bytes: int) -> Iterator[Line]:
    """The lines that begin in a shard, which of a compressed file is all of it.

    A line of more than `max_bytes` is passed over without being held. Where a compressed file is damaged
    or cut off, the line that breaks off there is the last. Raises InputError for a file named .gz or .zst
    that is neither.
    """
    head = read_head(shard.path, 4)
    if head.startswith(gzip_members.MAGIC):
        pieces = gzip_members.inflate(stream)
    elif head == _ZSTD:
        pieces = _unzstd(stream)
    elif shard.path.endswith(COMPRESSED):
        raise InputError(f"{shard.path}: not compressed as its name says: it begins with {head!r}")
    else:
        return _slice(stream, shard.start, shard.stop, max_bytes)
    return iter(()) if shard.start else _cut(pieces, 0, max_bytes)


def _slice(stream: IO[bytes], start: int, stop: int | None, max_bytes: int) -> Iterator[Line]:
    """The lines of a plain file that begin in [start, stop)."""
    before = max(0, start - 1)
    stream.seek(before)
    lines = _cut(iter(lambda: stream.read(_BLOCK), b""), before, max_bytes)
    if start:
        next(lines, None)  # it begins before the slice, if only with the line end that stands there
    for line in lines:
        if stop is not None and line.offset >= stop:
            return
        yield line


def _cut(pieces: Iterator[bytes], offset: int, max_bytes: int) -> Iterator[Line]:
    begun: list[bytes] = []
    size = 0
    try:
        for piece in pieces:
            *ended, rest = piece.split(b"\n")
            for end in ended:
                size += len(end)
                yield _line(offset, [*begun, end], size, max_bytes)
                offset += size + 1
                begun, size = [], 0
            size += len(rest)
            begun = [*begun, rest] if size <= max_bytes else []
    except DamagedError:
        yield Line(offset, None, size, "corrupt_member")
        return
    if size:
        yield _line(offset, begun, size, max_bytes)


def _line(offset: int, parts: list[bytes], size: int, max_bytes: int) -> Line:
    if size > max_bytes:
        return Line(offset, None, size, "too_large")
    content = b"".join(parts).removesuffix(b"\r")
    return Line(offset, content.removeprefix(_BOM) if offset == 0 else content, size)


def _unzstd(stream: IO[bytes]) -> Iterator[bytes]:
    """All frames of a zstd file. Raises DamagedError."""
    block = stream.read(_ZSTD_BLOCK)
    while block:
        inflater = zstandard.ZstdDecompressor(max_window_size=_LONGEST_WINDOW).decompressobj()
        while not inflater.eof:
            if not block:
                raise DamagedError("the file ends within a frame")
            try:
                piece = inflater.decompress(block)
            except zstandard.ZstdError as error:
                raise DamagedError(str(error)) from error
            if piece:
                yield piece
            block = b"" if inflater.eof else stream.read(_ZSTD_BLOCK)
        block = inflater.unused_data or stream.read(_ZSTD_BLOCK)
