"""Texts laid down by the pen: white space collapsed or kept, references decoded."""

from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from textmill.pipeline.extraction.entities import EntityTable, decode_reference
from textmill.pipeline.extraction.pen import (
    AT,
    BEGIN,
    BOLD,
    BOLD_SIZE,
    BREAKS,
    LINK,
    LINKED,
    MARKED,
    PENDING,
    SIZE,
    Pen,
    begin_mark,
    break_line,
    put,
)
from textmill.pipeline.kernels import kernel, part
from textmill.pipeline.kernels.borrowed import borrowed
from textmill.pipeline.kernels.unicode import REPLACEMENT, SPACE, UNSPACED, decode

Bytes: TypeAlias = npt.NDArray[np.uint8]
Int32s: TypeAlias = npt.NDArray[np.int32]
Int64s: TypeAlias = npt.NDArray[np.int64]

_IS_PLAIN: Final = np.array([32 < byte < 0x7F and byte != ord("&") for byte in range(256)])
"""Bytes that are a character each, and stand for themselves."""


class Characters(NamedTuple):
    """Tables that tell characters: of `kernels.unicode` and of `entities`."""

    classes: Bytes
    lower: Int32s
    entities: EntityTable


@part
def borrowed_characters(characters: Characters) -> Characters:
    """The same tables, uncounted; see `kernels.borrowed`."""
    keys, values, low = characters.entities
    table = EntityTable(borrowed(keys), borrowed(values), borrowed(low))
    return Characters(borrowed(characters.classes), borrowed(characters.lower), table)


@part
def write_text(  # noqa: C901, PLR0912 (one loop over characters)
    pen: Pen, data: Bytes, start: int, end: int, characters: Characters
) -> None:
    """Add a text token with this span, where white space is only what divides words."""
    state = pen.state
    while start < end and data[start] <= 32:
        state[PENDING] = 1
        start += 1
    if start == end:
        return
    if state[BREAKS]:
        break_line(pen)
    at, pending, size = state[AT], state[PENDING], 0
    has_mark = state[LINK] == 0 or state[MARKED] == 1
    while start < end:
        lead = int(data[start])
        if lead <= 32:
            pending, start = 1, start + 1
            continue
        code_point, second = lead, 0
        if lead < 0x7F and lead != 38:
            start += 1
        else:
            code_point, second, start = _next(data, start, end, characters)
            if code_point <= 32 or characters.classes[code_point] & SPACE:
                pending |= code_point != 0
                continue
            if code_point in (0xAD, 0xFEFF) or 0x7F <= code_point < 0xA0:
                continue
        if not has_mark:
            state[AT], state[PENDING] = at, pending and state[SIZE] > 0
            begin_mark(pen)
            at, pending, has_mark = state[AT], 0, True
        if pending:
            at = _write(pen.text, at, 32) if state[SIZE] + size > 0 else at
            pending = 0
        at = _write(pen.text, at, code_point)
        if second:
            at = _write(pen.text, at, second)
        size += 2 if code_point >= 0x80 and characters.classes[code_point] & UNSPACED else 1
        stop = min(end, start + len(pen.text) - at)
        while start < stop:  # what stays as it is: the most by far
            byte = data[start]
            if not _IS_PLAIN[byte] and (byte != 32 or start + 1 == stop or not _IS_PLAIN[data[start + 1]]):
                break
            pen.text[at] = byte
            at, start, size = at + 1, start + 1, size + (byte != 32)
    state[AT], state[PENDING] = at, pending
    _count(state, size)


@part
def write_verbatim(pen: Pen, data: Bytes, start: int, end: int, characters: Characters) -> None:
    """Add a text token of preformatted text: white space stays as it is, line ends become line feeds."""
    state = pen.state
    for _ in range(state[BREAKS] if state[SIZE] else 0):
        put(pen, 10)
    state[BREAKS] = state[PENDING] = 0
    at, size = state[AT], 0
    while start < end:
        code_point, second, start = _next(data, start, end, characters)
        if code_point == 13:
            code_point = 0 if start < end and data[start] == 10 else 10
        if (
            code_point in (0, 0xAD, 0xFEFF)
            or (code_point < 32 and code_point not in (9, 10))
            or 0x7F <= code_point < 0xA0
        ):
            continue
        is_space = characters.classes[code_point] & SPACE
        if is_space and code_point > 32:
            code_point = 32
        if code_point == 10 and state[SIZE] + size == 0:
            at = state[BEGIN]  # lines before the first that holds anything
            continue
        at = _write(pen.text, at, code_point)
        if second:
            at = _write(pen.text, at, second)
        size += not is_space
    state[AT] = at
    _count(state, size)


@part
def _next(data: Bytes, at: int, end: int, characters: Characters) -> tuple[int, int, int]:
    """One or two code points that stand at `at`, and where the text goes on; 0 for what stands for nothing."""
    lead = int(data[at])
    if lead == 38:
        return decode_reference(data, at, end, characters.entities)
    if lead < 0x80:
        return lead, 0, at + 1
    code_point, after = decode(data, at, end)
    if code_point == REPLACEMENT and after - at < 3:
        return 0, 0, after  # no UTF-8; a replacement would take more room than there is
    return int(code_point), 0, after


@kernel
def _count(state: Int64s, size: int) -> None:
    state[SIZE] += size
    if state[LINK]:
        state[LINKED] += size
    if state[BOLD] > 0:
        state[BOLD_SIZE] += size


@kernel
def _write(text: Bytes, at: int, code_point: int) -> int:
    """Write a code point in UTF-8 and tell where the next one goes."""
    if at + 4 > len(text):
        return at
    if code_point < 0x80:
        text[at] = code_point
        return at + 1
    if code_point < 0x800:
        text[at] = 0xC0 | (code_point >> 6)
        text[at + 1] = 0x80 | (code_point & 0x3F)
        return at + 2
    if code_point < 0x10000:
        text[at] = 0xE0 | (code_point >> 12)
        text[at + 1] = 0x80 | ((code_point >> 6) & 0x3F)
        text[at + 2] = 0x80 | (code_point & 0x3F)
        return at + 3
    text[at] = 0xF0 | (code_point >> 18)
    text[at + 1] = 0x80 | ((code_point >> 12) & 0x3F)
    text[at + 2] = 0x80 | ((code_point >> 6) & 0x3F)
    text[at + 3] = 0x80 | (code_point & 0x3F)
    return at + 4
