"""What a line is: text between newlines (U+000A), without the whitespace around it; blank ones are none.

So a carriage return before the newline belongs to no line, and other separators end none.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from textmill.pipeline.kernels import kernel
from textmill.pipeline.kernels.unicode import SPACE, UnicodeTables, decode, decode_last, unicode_tables

_NEWLINE: Final = np.uint8(ord("\n"))


class Lines(NamedTuple):
    """The lines of a column; those of document i stand at ``first[i]:first[i + 1]`` of the other arrays.

    first: int64, length n + 1. start, stop: int64, the bytes of a line; ``start < stop``.
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
    most = documents
    for at in range(offsets[0], offsets[documents]):
        most += data[at] == _NEWLINE
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
