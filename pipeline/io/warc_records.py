"""Cut a stream of bytes into WARC records, and go on after whatever is none.

Readers for well-formed files stop at the first flaw, or take the next record for the body of one whose length
is wrong. Crawls hold both, so a record's end is checked here before the record is believed.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

_VERSION: Final = b"WARC/"
_FIRST_LINE: Final = re.compile(rb"WARC/\d{1,4}\.\d{1,4}[ \t]{0,8}\r{0,8}\n")
_NEXT_FIRST_LINE: Final = re.compile(b"\n" + _FIRST_LINE.pattern)
_HEADER_END: Final = re.compile(rb"\n\r{0,8}\n")
_LONGEST_HEADER: Final = 1 << 20
_LONGEST_MATCH: Final = 64
"""More bytes than any of these patterns can match: so many are searched again when more have come."""

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


def holds_record(head: bytes) -> bool:
    """Whether a record starts anywhere in the first bytes of a stream."""
    return _FIRST_LINE.match(head) is not None or _NEXT_FIRST_LINE.search(head) is not None


def _next_record(window: "_Window", max_bytes: int) -> Record:
    position = window.position
    end = window.header_end()
    if end is None:
        return Record(position, {}, None, window.pass_to_record(), CORRUPT_RECORD)
    headers = _parse_headers(window.take(end))
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


def _parse_headers(block: bytes) -> dict[str, str]:
    headers: dict[str, str] = {}
    name = ""
    for line in block.decode("utf-8", "replace").split("\n")[1:]:
        if line[:1] in (" ", "\t") and name:
            headers[name] = f"{headers[name]} {line.strip()}".strip()
            continue
        name, colon, value = line.partition(":")
        name = name.strip().lower() if colon else ""
        if name:
            headers.setdefault(name, value.strip())
    return headers


class _Window:
    """The part of a stream that is held: from `position` on, as far as anybody had to look."""

    def __init__(self, pieces: Iterator[bytes | None]) -> None:
        self._pieces = pieces
        self._held = bytearray()
        self._ended = False
        self.position = 0
        self.damaged = False

    def _more(self) -> bool:
        """Hold one more piece; False at the end of the stream, or of what is sound of it."""
        piece = None if self._ended else next(self._pieces, b"")
        if piece:
            self._held += piece
            return True
        self.damaged |= piece is None and not self._ended
        self._ended = True
        return False

    def hold(self, size: int) -> bool:
        """Hold `size` bytes at least; False where the stream has fewer."""
        while len(self._held) < size:
            if not self._more():
                return False
        return True

    def take(self, size: int) -> bytes:
        """Hand out the first `size` of the bytes held."""
        with memoryview(self._held) as view:
            taken = bytes(view[:size])
        del self._held[:size]
        self.position += len(taken)
        return taken

    def drop(self, size: int) -> int:
        """Pass over `size` bytes without holding them; how many there were."""
        left = size
        while left:
            step = min(left, len(self._held))
            del self._held[:step]
            self.position += step
            left -= step
            if left and not self._more():
                break
        return size - left

    def pass_blank(self) -> bool:
        """Pass over line ends; False at the end of the stream."""
        self.drop(self._blank_end(0))
        return bool(self._held)

    def _blank_end(self, at: int) -> int:
        """Index of the first byte at or after `at` that ends no line."""
        while (at < len(self._held) or self._more()) and self._held[at] in b"\r\n":
            at += 1
        return at

    def starts_record(self, at: int) -> bool:
        """Whether at index `at` a record seems to start."""
        self.hold(at + len(_VERSION))
        return self._held.startswith(_VERSION, at)

    def ends_record(self, size: int) -> bool:
        """Whether after `size` bytes only line ends come before the next record or the end of the stream."""
        end = self._blank_end(size)
        return self.starts_record(end) or end == len(self._held)

    def find_record(self, before: int) -> int | None:
        """Index of the first record that starts before index `before`."""
        self.hold(before + _LONGEST_MATCH)
        if _FIRST_LINE.match(self._held):
            return 0
        line = _NEXT_FIRST_LINE.search(self._held)
        return line.start() + 1 if line and line.start() + 1 < before else None

    def header_end(self) -> int | None:
        """Length of the record header that starts here; None where none does."""
        if not self.starts_record(0):
            return None
        seen = 0
        while not (end := _HEADER_END.search(self._held, seen)):
            seen = max(0, len(self._held) - _LONGEST_MATCH)
            if len(self._held) > _LONGEST_HEADER or not self._more():
                return None
        return end.end()

    def pass_to_record(self) -> int:
        """Pass over what precedes the next line that starts a record, or all that is left; how many bytes."""
        passed = 0
        while not (line := _NEXT_FIRST_LINE.search(self._held)):
            passed += self.drop(max(0, len(self._held) - _LONGEST_MATCH))
            if not self._more():
                return passed + self.drop(len(self._held))
        return passed + self.drop(line.start() + 1)
