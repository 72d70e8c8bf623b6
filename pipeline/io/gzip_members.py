"""The members of a gzip file, one after another, whatever happened to some of them; slices of a file included.

A gzip file is a row of members that can each be inflated alone. Crawlers write one a record, so a large file
can be read from its middle. ISA-L inflates at more than twice the speed of zlib.
"""

from collections.abc import Callable, Iterator
from typing import IO, Final

from isal import isal_zlib

MAGIC: Final = b"\x1f\x8b\x08"

InflateError: type[Exception] = isal_zlib.error  # type: ignore[assignment]  # its stub calls the class an instance

_BLOCK: Final = 1 << 15
"""Compressed bytes inflated at once, counted from the start of each member.

What can be inflated of a damaged member depends on it, and so may not depend on where a slice starts.
"""
_PIECE: Final = 1 << 20
"""Inflated bytes handed on at once at most: a bomb fills no memory."""
_STORED: Final = 65_535 + 5
"""Longest stretch of a deflate stream that can hold foreign bytes as they are: a stored block and its header."""


Begins = Callable[[bytes], bool]
"""Whether a member whose content starts with these bytes begins a span."""


class DamagedError(Exception):
    """A member that cannot be inflated to its end."""


class TruncatedError(DamagedError):
    """The file ends within a member."""


class _File:
    """A file read block by block; `at` is the offset of the next byte that nobody has taken."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._left = b""
        self.at = stream.tell()

    def seek(self, at: int) -> None:
        if at != self.at:
            self._stream.seek(at)
            self._left, self.at = b"", at

    def take(self) -> bytes:
        block = self._left + self._stream.read(_BLOCK - len(self._left))
        self._left = b""
        self.at += len(block)
        return block

    def give_back(self, block: bytes) -> None:
        self._left = block
        self.at -= len(block)

    def pass_padding(self) -> bool:
        """Pass over zero bytes, which gzip allows after a member; False at the end of the file."""
        while block := self.take():
            content = block.lstrip(b"\0")
            if content:
                self.give_back(content)
                return True
        return False

    def find_magic(self, start: int, stop: int | None) -> Iterator[int]:
        """Offsets in [start, stop) where a gzip header may stand; the file may be moved in between."""
        at, block = start, MAGIC
        while len(block) >= len(MAGIC):
            self.seek(at)
            block = self.take()
            found = block.find(MAGIC)
            while found >= 0:
                if stop is not None and at + found >= stop:
                    return
                yield at + found
                found = block.find(MAGIC, found + 1)
            at += len(block) - len(MAGIC) + 1
            if stop is not None and at >= stop:
                return


def inflate(stream: IO[bytes]) -> Iterator[bytes]:
    """All members from the stream's position to the end, as pieces. Raises DamagedError."""
    file = _File(stream)
    while file.pass_padding():
        yield from _member(file)


def inflate_spans(
    stream: IO[bytes], begins: Begins, start: int = 0, stop: int | None = None
) -> Iterator[tuple[int, bytes | None]]:
    """Pieces of all members that belong to the slice [start, stop), with the offset of the span they are from.

    A span is a member whose content `begins` one, and those after it that do not. The slice starts with the
    first boundary in it (from 0: with the first byte) and ends before the first one at or after `stop`,
    so slices that cover a file share no span and leave none out. Where the rest of a span is damaged, its
    piece is None, and reading goes on with the next member that begins a span. A member that the end
    of the file cuts off just ends, if anything of it can be inflated.
    """
    file = _File(stream)
    at = _first_boundary(file, begins, start, stop)
    span = 0
    while at is not None and not (stop is not None and at >= stop and _is_boundary(file, at, begins)):
        file.seek(at)
        fresh = True
        try:
            for piece in _member(file):
                if fresh and begins(piece):
                    span = at
                fresh = False
                yield span, piece
        except DamagedError as damage:
            following = _next_start(file, begins, at + 1)
            if fresh or following is not None or not isinstance(damage, TruncatedError):
                yield (at if fresh else span), None
            at = following
        else:
            at = file.at if file.pass_padding() else None


def _first_boundary(file: _File, begins: Begins, start: int, stop: int | None) -> int | None:
    if start == 0:
        return 0
    return next((at for at in file.find_magic(start, stop) if _is_boundary(file, at, begins)), None)


def _next_start(file: _File, begins: Begins, start: int) -> int | None:
    return next((at for at in file.find_magic(start, None) if _begins_span(file, at, begins)), None)


def _member(file: _File) -> Iterator[bytes]:
    """The member at the file's position, in pieces of at least 5 bytes; afterwards the file is at its end.

    Raises DamagedError.
    """
    inflater = isal_zlib.decompressobj(31)
    held = b""
    while not inflater.eof:
        block = inflater.unconsumed_tail or file.take()
        try:
            piece = inflater.decompress(block, _PIECE)
        except InflateError as error:
            raise DamagedError(str(error)) from error
        if not piece and not block:
            raise TruncatedError("the file ends within a member")
        held += piece
        if len(held) >= 5 or (held and inflater.eof):
            yield held
            held = b""
    file.give_back(inflater.unused_data)


def _begins_span(file: _File, at: int, begins: Begins) -> bool:
    """Whether a member stands at `at` whose content begins a span."""
    file.seek(at)
    try:
        return begins(next(_member(file), b""))
    except DamagedError:
        return False


def _is_boundary(file: _File, at: int, begins: Begins) -> bool:
    """Whether a slice may start at `at`: with a member that begins a span and is whole, as are those after it.

    Only members up to the length of a stored block are looked at. That rules out a gzip file kept
    within a member: its bytes are interrupted by the headers of the blocks that store them.
    """
    if not _begins_span(file, at, begins):
        return False
    file.seek(at)
    try:
        while file.at < at + _STORED and file.pass_padding():
            for _ in _member(file):
                pass
    except DamagedError:
        return False
    return True
