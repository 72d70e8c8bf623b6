"""Texts with something taken out of them."""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from textmill.pipeline.kernels import kernel
from textmill.pipeline.kernels.lines import Lines

_NEWLINE: Final = np.uint8(ord("\n"))
_OPEN: Final = np.uint8(ord("["))
_CLOSE: Final = np.uint8(ord("]"))
_ZERO: Final = np.uint8(ord("0"))
_NINE: Final = np.uint8(ord("9"))
_EDIT: Final = np.frombuffer(b"[edit]", np.uint8)
_NEEDED: Final = np.frombuffer(b"[citation needed]", np.uint8)


class Texts(NamedTuple):
    """Documents as UTF-8 bytes and n + 1 offsets into them."""

    data: npt.NDArray[np.uint8]
    offsets: npt.NDArray[np.int64]


@kernel
def join_lines(data: npt.NDArray[np.uint8], lines: Lines, kept: npt.NDArray[np.bool_]) -> Texts:
    """The lines that are kept, a newline between each two."""
    size = 0
    for line in range(len(kept)):
        size += kept[line] * (lines.stop[line] - lines.start[line] + 1)
    out, offsets = np.empty(size, np.uint8), np.zeros_like(lines.first)
    at = 0
    for document in range(len(offsets) - 1):
        for line in range(lines.first[document], lines.first[document + 1]):
            if kept[line]:
                if at > offsets[document]:
                    out[at] = _NEWLINE
                    at += 1
                length = lines.stop[line] - lines.start[line]
                out[at : at + length] = data[lines.start[line] : lines.stop[line]]
                at += length
        offsets[document + 1] = at
    return Texts(out[:at], offsets)


@kernel
def cut_spans(
    data: npt.NDArray[np.uint8],
    offsets: npt.NDArray[np.int64],
    first: npt.NDArray[np.int64],
    start: npt.NDArray[np.int64],
    stop: npt.NDArray[np.int64],
) -> Texts:
    """Texts without some spans; those of document i stand at ``first[i]:first[i + 1]`` of `start` and `stop`.

    start, stop: int64, in code points from the beginning of the document; in order, not overlapping.
    """
    out, out_offsets = np.empty(offsets[-1] - offsets[0], np.uint8), np.zeros_like(offsets)
    size = 0
    for document in range(len(offsets) - 1):
        at, end, code_point = offsets[document], offsets[document + 1], 0
        for span in range(first[document], first[document + 1]):
            kept = at
            at = _advance(data, at, end, start[span] - code_point)
            out[size : size + at - kept] = data[kept:at]
            size += at - kept
            at = _advance(data, at, end, stop[span] - start[span])
            code_point = stop[span]
        out[size : size + end - at] = data[at:end]
        size += end - at
        out_offsets[document + 1] = size
    return Texts(out[:size], out_offsets)


@kernel
def _advance(data: npt.NDArray[np.uint8], at: int, end: int, code_points: int) -> int:
    """Where so many code points have passed, at most `end`."""
    while at < end and (code_points > 0 or data[at] & 0xC0 == 0x80):
        code_points -= data[at] & 0xC0 != 0x80
        at += 1
    return at


@kernel
def strip_citations(data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64]) -> Texts:
    """Texts without Wikipedia's ``[12]``, ``[]``, ``[edit]`` and ``[citation needed]``, also nested ones."""
    out, out_offsets = np.empty(offsets[-1] - offsets[0], np.uint8), np.zeros_like(offsets)
    size = 0
    for document in range(len(offsets) - 1):
        for at in range(offsets[document], offsets[document + 1]):
            out[size] = data[at]
            size += 1
            if data[at] == _CLOSE:
                size -= _citation_at_end(out[out_offsets[document] : size])
        out_offsets[document + 1] = size
    return Texts(out[:size], out_offsets)


@kernel
def _citation_at_end(text: npt.NDArray[np.uint8]) -> int:
    """The bytes of the citation that `text` ends in, or 0."""
    for citation in (_EDIT, _NEEDED):
        length = len(citation)
        if len(text) >= length and np.all(text[len(text) - length :] == citation):
            return length
    digit = len(text) - 2
    while digit >= 0 and _ZERO <= text[digit] <= _NINE:
        digit -= 1
    return len(text) - digit if digit >= 0 and text[digit] == _OPEN else 0
