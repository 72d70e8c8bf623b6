"""What a line is: text between newlines (U+000A), without the whitespace around it; blank ones are none.

So a carriage return before the newline belongs to no line, and other separators end none. Lines with no
blank one between them are a paragraph.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from textmill.pipeline.kernels import kernel
from textmill.pipeline.kernels.unicode import SPACE, UnicodeTables, decode, decode_last, unicode_tables

_NEWLINE: Final = np.uint8(ord("\n"))
_SEED: Final = np.uint64(0x243F6A8885A308D3)
_MULTIPLIER: Final = np.uint64(0x9E3779B97F4A7C15)
_SHIFT: Final = np.uint64(32)


class Lines(NamedTuple):
    """The lines of a column; those of document i stand at ``first[i]:first[i + 1]`` of the other arrays.

    first: int64, length n + 1. start, stop: int64, the bytes of a line; from `split_lines`, ``start < stop``.
    """

    first: npt.NDArray[np.int64]
    start: npt.NDArray[np.int64]
    stop: npt.NDArray[np.int64]


def split_lines(data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64]) -> Lines:
    """The lines of documents given as UTF-8 bytes and n + 1 offsets into them."""
    return _split_lines(data, offsets, unicode_tables())


@kernel
def _split_lines(data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64], tables: UnicodeTables) -> Lines:
    documents = len(offsets) - 1
    most = documents + _count_newlines(data, offsets)
    first = np.zeros(documents + 1, np.int64)
    start = np.empty(most, np.int64)
    stop = np.empty(most, np.int64)
    count = 0
    for document in range(documents):
        begin, end = offsets[document], offsets[document + 1]
        for at in range(begin, end + 1):
            if at == end or data[at] == _NEWLINE:
                start[count], stop[count] = _trim(data, begin, at, tables)
                count += start[count] < stop[count]
                begin = at + 1
        first[document + 1] = count
    return Lines(first, start[:count], stop[:count])


@kernel
def _trim(data: npt.NDArray[np.uint8], begin: int, end: int, tables: UnicodeTables) -> tuple[int, int]:
    """The bytes without the whitespace at both ends."""
    while begin < end:
        code_point, after = decode(data, begin, end)
        if not tables.classes[code_point] & SPACE:
            break
        begin = after
    while begin < end:
        code_point, before = decode_last(data, begin, end)
        if not tables.classes[code_point] & SPACE:
            break
        end = before
    return begin, end


def trimmed(data: npt.NDArray[np.uint8], lines: Lines) -> Lines:
    """The same lines without the whitespace at their ends; a blank one is empty."""
    return _trim_lines(data, lines, unicode_tables())


@kernel
def _trim_lines(data: npt.NDArray[np.uint8], lines: Lines, tables: UnicodeTables) -> Lines:
    start, stop = lines.start.copy(), lines.stop.copy()
    for line in range(len(start)):
        start[line], stop[line] = _trim(data, start[line], stop[line], tables)
    return Lines(lines.first, start, stop)


@kernel
def untrimmed(data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64], lines: Lines) -> Lines:
    """The same lines with the whitespace around them."""
    start, stop = lines.start.copy(), lines.stop.copy()
    for document in range(len(offsets) - 1):
        for line in range(lines.first[document], lines.first[document + 1]):
            while start[line] > offsets[document] and data[start[line] - 1] != _NEWLINE:
                start[line] -= 1
            while stop[line] < offsets[document + 1] and data[stop[line]] != _NEWLINE:
                stop[line] += 1
    return Lines(lines.first, start, stop)


def split_at_newlines(
    data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64], at_least: int, *, strip: bool
) -> Lines:
    """What stands between runs of so many newlines, untrimmed: ``re.split("\\n{2,}", text)`` for two.

    With `strip` the whitespace at both ends of the document is put aside first.
    """
    return _split_at_newlines(data, offsets, unicode_tables(), at_least, strip)


@kernel
def _split_at_newlines(
    data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64], tables: UnicodeTables, at_least: int, strip: bool
) -> Lines:
    documents = len(offsets) - 1
    most = documents + _count_newlines(data, offsets)
    first = np.zeros(documents + 1, np.int64)
    start, stop = np.empty(most, np.int64), np.empty(most, np.int64)
    count = 0
    for document in range(documents):
        begin, end = offsets[document], offsets[document + 1]
        if strip:
            begin, end = _trim(data, begin, end, tables)
        at = begin
        while at < end:
            run = at
            while at < end and data[at] == _NEWLINE:
                at += 1
            if at - run >= at_least:
                start[count], stop[count] = begin, run
                count, begin = count + 1, at
            at += at == run
        start[count], stop[count] = begin, end
        count += 1
        first[document + 1] = count
    return Lines(first, start[:count], stop[:count])


@kernel
def whole_lines(data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64]) -> Lines:
    """The lines of each document, blank ones too, without their newlines; nothing follows the last newline."""
    documents = len(offsets) - 1
    newlines = _count_newlines(data, offsets)
    first = np.zeros(documents + 1, np.int64)
    start, stop = np.empty(newlines + documents, np.int64), np.empty(newlines + documents, np.int64)
    count = 0
    for document in range(documents):
        begin = offsets[document]
        for at in range(offsets[document], offsets[document + 1]):
            if data[at] == _NEWLINE:
                start[count], stop[count] = begin, at
                count, begin = count + 1, at + 1
        if begin < offsets[document + 1]:
            start[count], stop[count] = begin, offsets[document + 1]
            count += 1
        first[document + 1] = count
    return Lines(first, start[:count], stop[:count])


@kernel
def all_lines(data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64]) -> Lines:
    """The lines of each document as ``str.splitlines`` has them: ended by any separator, blank ones too."""
    documents = len(offsets) - 1
    most = documents
    for at in range(offsets[0], offsets[-1]):
        most += data[at] < 0x20 or data[at] == 0xC2 or data[at] == 0xE2
    first = np.zeros(documents + 1, np.int64)
    start, stop = np.empty(most, np.int64), np.empty(most, np.int64)
    count = 0
    for document in range(documents):
        begin = at = offsets[document]
        end = offsets[document + 1]
        while at < end:
            size = _separator(data, at, end)
            if size:
                start[count], stop[count] = begin, at
                count, begin = count + 1, at + size
            at += size or 1
        if begin < end:
            start[count], stop[count] = begin, end
            count += 1
        first[document + 1] = count
    return Lines(first, start[:count], stop[:count])


@kernel
def _separator(data: npt.NDArray[np.uint8], at: int, end: int) -> int:
    """How many bytes the line separator at byte `at` < `end` has; 0 where there is none."""
    byte = data[at]
    if 0x20 <= byte < 0x80:
        return 0
    if byte == 0x0D and at + 1 < end and data[at + 1] == _NEWLINE:
        return 2
    if 0x0A <= byte <= 0x0D or 0x1C <= byte <= 0x1E:
        return 1
    if byte == 0xC2 and at + 1 < end and data[at + 1] == 0x85:
        return 2
    if byte == 0xE2 and at + 2 < end and data[at + 1] == 0x80 and data[at + 2] in (0xA8, 0xA9):
        return 3
    return 0


@kernel
def _count_newlines(data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64]) -> int:
    count = 0
    for at in range(offsets[0], offsets[-1]):
        count += data[at] == _NEWLINE
    return count


class Spans(NamedTuple):
    """What the lines, or paragraphs, of a column say; those of document i stand at ``first[i]:first[i + 1]``.

    first: int64, length n + 1. keys: uint64, a stable hash of the text, case and all. chars: int64, code points.
    """

    first: npt.NDArray[np.int64]
    keys: npt.NDArray[np.uint64]
    chars: npt.NDArray[np.int64]


@kernel
def read_lines(data: npt.NDArray[np.uint8], lines: Lines) -> Spans:
    """What each of the lines says."""
    keys = np.empty(len(lines.start), np.uint64)
    chars = np.empty(len(lines.start), np.int64)
    for line in range(len(lines.start)):
        key, length = _SEED, 0
        for at in range(lines.start[line], lines.stop[line]):
            key = (key ^ np.uint64(data[at])) * _MULTIPLIER
            length += data[at] & 0xC0 != 0x80
        keys[line], chars[line] = key ^ (key >> _SHIFT), length
    return Spans(lines.first, keys, chars)


@kernel
def join_paragraphs(data: npt.NDArray[np.uint8], lines: Lines, texts: Spans) -> Spans:
    """The paragraphs, which are lines with no blank one between them; `texts` is what `read_lines` found.

    A paragraph's characters include one newline between each two of its lines.
    """
    first = np.zeros_like(lines.first)
    keys, chars = np.empty_like(texts.keys), np.empty_like(texts.chars)
    count = -1
    for document in range(len(first) - 1):
        for line in range(lines.first[document], lines.first[document + 1]):
            if line > lines.first[document] and not _blank_between(data, lines.stop[line - 1], lines.start[line]):
                keys[count] = (keys[count] ^ texts.keys[line]) * _MULTIPLIER
                chars[count] += 1 + texts.chars[line]
            else:
                count += 1
                keys[count], chars[count] = texts.keys[line], texts.chars[line]
        first[document + 1] = count + 1
    return Spans(first, keys[: count + 1], chars[: count + 1])


@kernel
def _blank_between(data: npt.NDArray[np.uint8], stop: int, start: int) -> bool:
    """Whether two newlines or more stand between the end of a line and the start of the next."""
    newlines = 0
    for at in range(stop, start):
        newlines += data[at] == _NEWLINE
    return newlines > 1
