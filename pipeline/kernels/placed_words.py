"""Words and their places, where neither case nor punctuation matters: runs of letters and digits in lower case."""

from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from textmill.pipeline.kernels import kernel
from textmill.pipeline.kernels.hashing import fmix64
from textmill.pipeline.kernels.unicode import (
    ALPHABETIC,
    NUMERIC,
    UNSPACED,
    UnicodeTables,
    decode,
    unicode_tables,
)

Bytes: TypeAlias = npt.NDArray[np.uint8]
Numbers: TypeAlias = npt.NDArray[np.int64]
Hashes: TypeAlias = npt.NDArray[np.uint64]


class PlacedWords(NamedTuple):
    """Words and where they are; those of document i stand at ``first[i]:first[i + 1]`` of the other arrays.

    keys: uint64, a hash of the word in lower case. start, stop: int64, code points from the document's beginning.
    """

    first: Numbers
    keys: Hashes
    start: Numbers
    stop: Numbers


def placed_words(data: Bytes, offsets: Numbers) -> PlacedWords:
    """Runs of letters and digits in lower case; in scripts without spaces each by itself. All else is put aside.

    So neither case nor punctuation nor white space tells a copy from what was copied.
    """
    return _placed_words(data, offsets, unicode_tables())


@kernel
def _placed_words(data: Bytes, offsets: Numbers, tables: UnicodeTables) -> PlacedWords:
    documents = len(offsets) - 1
    most = offsets[documents] - offsets[0]
    first = np.zeros(documents + 1, np.int64)
    keys = np.empty(most, np.uint64)
    start, stop = np.empty(most, np.int64), np.empty(most, np.int64)
    count = 0
    for document in range(documents):
        at, end = offsets[document], offsets[document + 1]
        place, open_word = 0, False
        while at < end:
            code_point, at = decode(data, at, end)
            flags = tables.classes[code_point]
            if flags & (ALPHABETIC | NUMERIC | UNSPACED):
                lower = tables.lower[code_point] if code_point < len(tables.lower) else code_point
                if not open_word or flags & UNSPACED:
                    keys[count], start[count] = np.uint64(0), place
                    count += 1
                keys[count - 1] = fmix64(keys[count - 1] ^ np.uint64(lower)) + np.uint64(1)
                stop[count - 1] = place + 1
                open_word = not flags & UNSPACED
            else:
                open_word = False
            place += 1
        first[document + 1] = count
    return PlacedWords(first, keys[:count].copy(), start[:count].copy(), stop[:count].copy())
