"""What a sentence is: text that ends in terminal punctuation and whitespace, or where its line does.

Closing quotes and brackets may stand between the two, and after full-width punctuation (。！？．｡) no
whitespace is needed. What has nothing but punctuation in it is no sentence. Abbreviations are not known:
"Mr. Smith slept." is two, "It cost 3.50." one.
"""

from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from textmill.pipeline.kernels import kernel
from textmill.pipeline.kernels.punctuation import TERMINAL_PUNCTUATION
from textmill.pipeline.kernels.unicode import CODE_POINTS, SPACE, UnicodeTables, decode, unicode_tables

FULL_WIDTH: Final = "。！？．｡"
CLOSING: Final = "\"')]}’”»›」』】）〉》"

TERMINAL_MARK: Final = np.uint8(1)
FULL_WIDTH_MARK: Final = np.uint8(2)
_CLOSING: Final = np.uint8(4)


def count_sentences(
    data: npt.NDArray[np.uint8], start: npt.NDArray[np.int64], stop: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """How many sentences are in each of the spans ``data[start:stop]``, such as lines."""
    return _count_sentences(data, start, stop, unicode_tables(), sentence_marks())


@cache
def sentence_marks() -> npt.NDArray[np.uint8]:
    """For each code point, what it does at the end of a sentence: the bits `TERMINAL_MARK` and others."""
    marks = np.zeros(CODE_POINTS, np.uint8)
    for characters, mark in ((TERMINAL_PUNCTUATION, TERMINAL_MARK), (FULL_WIDTH, FULL_WIDTH_MARK), (CLOSING, _CLOSING)):
        marks[[ord(character) for character in characters]] |= mark
    return marks


@kernel
def _count_sentences(
    data: npt.NDArray[np.uint8],
    start: npt.NDArray[np.int64],
    stop: npt.NDArray[np.int64],
    tables: UnicodeTables,
    marks: npt.NDArray[np.uint8],
) -> npt.NDArray[np.int64]:
    counts = np.zeros(len(start), np.int64)
    for span in range(len(start)):
        at, seen, said = start[span], np.uint8(0), False  # seen: marks since something was said
        while at < stop[span]:
            code_point = np.int64(data[at])
            if code_point < 0x80:  # a short cut: most text is ASCII
                at += 1
            else:
                code_point, at = decode(data, at, stop[span])
            space = tables.classes[code_point] & SPACE != 0
            mark = marks[code_point]
            if said and ((space and seen & TERMINAL_MARK) or (not space and mark == 0 and seen & FULL_WIDTH_MARK)):
                counts[span] += 1
                said = False
            if mark & TERMINAL_MARK:
                seen |= mark
            elif mark == 0:
                said, seen = said or not space, np.uint8(0)
        counts[span] += said
    return counts
