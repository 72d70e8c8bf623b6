"""Cut a stream of bytes into the records of a web archive, and go on after whatever is none.

Readers for well-formed files stop at the first flaw, or take the next record for the body of one whose length
is wrong. Crawls hold both, so a record's end is checked here before the record is believed.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from textmill.pipeline.io.archive_headers import (
    FIRST_LINE,
    LONGEST_FIRST_LINE,
    NEXT_FIRST_LINE,
    header_end,
    parse_header,
)

_CONTENT: Final = re.compile(rb"[^\r\n]")
_LONGEST_HEADER: Final = 1 << 20

CORRUPT_MEMBER: Final = "corrupt_member"
"""A compressed member, or what follows in it, that cannot be inflated."""
CORRUPT_RECORD: Final = "corrupt_record"
"""Bytes that are no record, or a record that does not say how long it is."""
TRUNCATED_RECORD: Final = "truncated_record"
"""A record whose body is shorter than its Content-Length."""
TOO_LARGE: Final = "too_large"


class Record(NamedTuple):
    """A record, or what stands where one should be; then `flaw` says what is wrong with it.

    position: offset of its first byte in the stream. headers: by lower-case name, the first value of each;
    empty for what is no record. body: all of it, None where there is a flaw. size: bytes of the body, as
    declared where it is too large, else as found.
    """

    position: int
    headers: dict[str, str]
    body: bytes | None
    size: int
    flaw: str | None


def cut_records(pieces: Iterator[bytes | None], max_bytes: int) -> Iterator[Record]:
    """The records of a stream of non-empty pieces; a None stands for a rest that is damaged.

    A body over `max_bytes` is passed over without being held. Of a damaged stream the record in which it
    breaks off is not believed, nor the last one before, if nothing follows it: its checksum is unknown.
    """
    window = _Window(pieces)
    position = 0
    while window.pass_blank():
        position = window.position
        record = _next_record(window, max_bytes)
        if window.pass_blank() or not window.damaged:
            yield record
    if window.damaged:
        yield Record(position, {}, None, 0, CORRUPT_MEMBER)


def _next_record(window: "_Window", max_bytes: int) -> Record:
    position = window.position
    end = window.header_end()
    if end is None:
        return Record(position, {}, None, window.pass_to_record(), CORRUPT_RECORD)
    headers = parse_header(window.take(end))
    length = headers.get("content-length", "")
    if not (length.isascii() and length.isdigit() and len(length) < 19):
        size = 0 if window.starts_record(0) else window.pass_to_record()
        return Record(position, headers, None, size, CORRUPT_RECORD)
    return _with_body(window, position, headers, int(length), max_bytes)


def _with_body(window: "_Window", position: int, headers: dict[str, str], length: int, max_bytes: int) -> Record:
    if length > max_bytes:
        found = window.drop(length)
        if found < length:
            return Record(position, headers, None, found, TRUNCATED_RECORD)
        return Record(position, headers, None, length, TOO_LARGE)
    whole = window.hold(length)
    if not whole or not window.ends_record(length):
        next_start = window.find_record(length)
        if next_start is not None:
            return Record(position, headers, None, window.drop(next_start), TRUNCATED_RECORD)
    if not whole:
        return Record(position, headers, None, window.drop(length), TRUNCATED_RECORD)
    return Record(position, headers, window.take(length), length, None)


class _Window:
    """The part of a stream that is held: from `position` on, as far as anybody had to look."""

    def __init__(self, pieces: Iterator[bytes | None]) -> None:
        self._pieces = pieces
        self._held = b""
        self._start = 0  # of the window, in what is held
        self._ended = False
        self.position = 0
        self.damaged = False

    @property
    def _size(self) -> int:
        return len(self._held) - self._start

    def hold(self, size: int) -> bool:
        """Hold `size` bytes at least; False where the stream, or what is sound of it, has fewer."""
        short = size + self._start - len(self._held)
        if short <= 0 or self._ended:
            return short <= 0
        parts = [self._held[self._start :]] if self._size else []
        while short > 0 and not self._ended:
            piece = next(self._pieces, b"")
            if piece:
                parts.append(piece)
                short -= len(piece)
            else:
                self._ended, self.damaged = True, piece is None
        self._held, self._start = b"".join(parts), 0
        return short <= 0

    def take(self, size: int) -> bytes:
        """Hand out the first `size` of the bytes held."""
        taken = self._held[self._start : self._start + size]
        self._start += len(taken)
        self.position += len(taken)
        return taken

    def drop(self, size: int) -> int:
        """Pass over `size` bytes without holding them; how many there were."""
        left = size
        while left and self.hold(1):
            step = min(left, self._size)
            self._start += step
            left -= step
        self.position += size - left
        return size - left

    def pass_blank(self) -> bool:
        """Pass over line ends; False at the end of the stream."""
        self.drop(self._blank_end(0))
        return self._size > 0

    def _blank_end(self, at: int) -> int:
        """Index of the first byte at or after `at` that ends no line."""
        while not (content := _CONTENT.search(self._held, self._start + at)):
            at = max(at, self._size)
            if not self.hold(at + 1):
                return self._size
        return content.start() - self._start

    def starts_record(self, at: int) -> bool:
        """Whether at index `at` stands the first line of a record."""
        self.hold(at + LONGEST_FIRST_LINE)
        return FIRST_LINE.match(self._held, self._start + at) is not None

    def ends_record(self, size: int) -> bool:
        """Whether after `size` bytes only line ends come before the next record or the end of the stream."""
        end = self._blank_end(size)
        return self.starts_record(end) or end == self._size

    def find_record(self, before: int) -> int | None:
        """Index of the first record that starts before index `before`."""
        if self.starts_record(0):
            return 0
        self.hold(before + LONGEST_FIRST_LINE)
        line = NEXT_FIRST_LINE.search(self._held, self._start)
        index = line.start() + 1 - self._start if line else before
        return index if index < before else None

    def header_end(self) -> int | None:
        """Length of the record header that starts here; None where none does."""
        if not self.starts_record(0):
            return None
        while (end := header_end(self._held, self._start)) is None:
            if self._size > _LONGEST_HEADER or not self.hold(self._size + 1):
                return None
        return end - self._start

    def pass_to_record(self) -> int:
        """Pass over what precedes the next line that starts a record, or all that is left; how many bytes."""
        passed = 0
        while not (line := NEXT_FIRST_LINE.search(self._held, self._start)):
            passed += self.drop(max(0, self._size - LONGEST_FIRST_LINE))
            if not self.hold(self._size + 1):
                return passed + self.drop(self._size)
        return passed + self.drop(line.start() + 1 - self._start)
