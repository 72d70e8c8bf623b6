"""Cuts texts into units, so that each can be compared or cut out alone: lines, paragraphs, sentences, words.

The units of a text are all of it: each has the whitespace after it, and the first that before it. A text of
nothing but whitespace is one unit, an empty one has none.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from textmill.pipeline.kernels import kernel
from textmill.pipeline.kernels.sentences import FULL_WIDTH_MARK, TERMINAL_MARK, sentence_marks
from textmill.pipeline.kernels.unicode import SPACE, UNSPACED, UnicodeTables, decode, decode_last, unicode_tables

_NEWLINE: Final = np.int64(ord("\n"))


class Units(NamedTuple):
    """The units of a column; those of document i are numbers ``first[i]`` to ``first[i + 1] - 1``.

    first: int64, length n + 1. offsets: int64, one more than units; unit u is ``data[offsets[u]:offsets[u + 1]]``.
    """

    first: npt.NDArray[np.int64]
    offsets: npt.NDArray[np.int64]


def split_lines_whole(data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64], *, newlines: int = 1) -> Units:
    """Lines, each with blank ones after it; for two newlines, paragraphs: lines with no blank one between them.

    Texts are given as UTF-8 bytes and n + 1 offsets into them.
    """
    return _split_lines(data, offsets, unicode_tables(), newlines)


def split_sentences(data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64]) -> Units:
    """Sentences as `kernels.sentences` counts them: they end after terminal punctuation, or with their line."""
    return _split_sentences(data, offsets, unicode_tables(), sentence_marks())


def split_words_whole(data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64]) -> Units:
    """Words as `kernels.words` has them, punctuation and all."""
    return _split_words(data, offsets, unicode_tables())


@kernel
def _split_lines(
    data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64], tables: UnicodeTables, newlines: int
) -> Units:
    documents = len(offsets) - 1
    most = documents + 1
    for at in range(offsets[0], offsets[documents]):
        most += data[at] == _NEWLINE
    first, starts = np.zeros(documents + 1, np.int64), np.empty(most, np.int64)
    count = 0
    for document in range(documents):
        at, end = offsets[document], offsets[document + 1]
        if at < end:
            starts[count] = at
            count += 1
        said, seen, after = False, 0, at  # seen: newlines since something was said, the last of them before `after`
        while at < end:
            code_point = np.int64(data[at])
            if code_point < 0x80:  # a short cut: most text is ASCII
                at += 1
            else:
                code_point, at = decode(data, at, end)
            if code_point == _NEWLINE:
                seen, after = seen + 1, at
            elif not tables.classes[code_point] & SPACE:
                if said and seen >= newlines:
                    starts[count] = after
                    count += 1
                said, seen = True, 0
        first[document + 1] = count
    starts[count] = offsets[documents]
    return Units(first, starts[: count + 1])


@kernel
def _split_sentences(
    data: npt.NDArray[np.uint8],
    offsets: npt.NDArray[np.int64],
    tables: UnicodeTables,
    marks: npt.NDArray[np.uint8],
) -> Units:
    documents = len(offsets) - 1
    first, starts = np.zeros(documents + 1, np.int64), np.empty(offsets[documents] - offsets[0] + 1, np.int64)
    count = 0
    for document in range(documents):
        at, end = offsets[document], offsets[document + 1]
        if at < end:
            starts[count] = at
            count += 1
        seen, said, ended = np.uint8(0), False, False  # seen: marks since something was said
        while at < end:
            here, code_point = at, np.int64(data[at])
            if code_point < 0x80:
                at += 1
            else:
                code_point, at = decode(data, at, end)
            space = tables.classes[code_point] & SPACE != 0
            mark = marks[code_point]
            if space:
                ended = ended or (said and (code_point == _NEWLINE or seen & TERMINAL_MARK != 0))
            elif ended or (said and mark == 0 and seen & FULL_WIDTH_MARK):
                starts[count] = here
                count, seen, said, ended = count + 1, np.uint8(0), False, False
            if mark & TERMINAL_MARK:
                seen |= mark
            elif mark == 0:
                said, seen = said or not space, np.uint8(0)
        if not said and count > first[document] + 1:
            count -= 1  # what came after the last sentence says nothing
        first[document + 1] = count
    starts[count] = offsets[documents]
    return Units(first, starts[: count + 1])


@kernel
def _split_words(data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64], tables: UnicodeTables) -> Units:
    documents = len(offsets) - 1
    most = (offsets[documents] - offsets[0] + documents) // 2 + 2  # as in kernels.words
    first, starts = np.zeros(documents + 1, np.int64), np.empty(most, np.int64)
    count = 0
    for document in range(documents):
        at, end = offsets[document], offsets[document + 1]
        if at < end:
            starts[count] = at
            count += 1
        said, flags, gap = False, np.uint8(0), False
        while at < end:
            here, code_point = at, np.int64(data[at])
            if code_point < 0x80:
                at += 1
            else:
                code_point, at = decode(data, at, end)
            kind = tables.classes[code_point]
            if kind & SPACE:
                gap = said
            else:
                if gap or (said and (kind | flags) & UNSPACED):
                    starts[count] = here
                    count += 1
                    flags = np.uint8(0)
                said, gap, flags = True, False, flags | kind
        first[document + 1] = count
    starts[count] = offsets[documents]
    return Units(first, starts[: count + 1])


@kernel
def count_trailing_spaces(
    data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64], tables: UnicodeTables
) -> npt.NDArray[np.int32]:
    """The code points of whitespace that each of the texts ends with."""
    counts = np.zeros(len(offsets) - 1, np.int32)
    for text in range(len(counts)):
        end = offsets[text + 1]
        while end > offsets[text]:
            code_point, end = decode_last(data, offsets[text], end)
            if not tables.classes[code_point] & SPACE:
                break
            counts[text] += 1
    return counts
