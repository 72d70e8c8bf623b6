"""`letter_pairs`: drop documents whose neighbouring letters are not usual neighbours in their language.

A test for shuffled and made-up text that needs no words, and so serves scripts without spaces as well. Our own; it
is to letters what the stop words of Gopher are to words.
"""

from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field, field_validator

from textmill.filters.per_language import PerLanguage
from textmill.pipeline import schema
from textmill.pipeline.kernels import kernel
from textmill.pipeline.kernels.documents import ratio
from textmill.pipeline.kernels.unicode import ALPHABETIC, UNSPACED, UnicodeTables, decode, unicode_tables
from textmill.pipeline.text import text_of
from textmill.pipeline.verdict import Verdict

_SHIFT: Final = np.int64(21)  # bits of a code point


class LetterPairs(PerLanguage):
    """Keep documents in which enough of the pairs of neighbouring letters are common ones.

    Without pairs nothing is judged: the files of languages bring theirs. A document without any pair of letters has
    a ratio of 0. Case does not matter; only letters that touch are a pair.
    """

    section = "letter_pairs"

    per_language: bool = Field(True, description="take the pairs and the minimum that the language's file states")
    pairs: tuple[str, ...] = Field((), description="common pairs, such as th, of two letters each")
    min_common_pair_ratio: float | None = Field(0.3, ge=0, le=1, description="share of pairs that are common ones")

    @field_validator("pairs")
    @classmethod
    def _two_letters_each(cls, pairs: tuple[str, ...]) -> tuple[str, ...]:
        pair_keys(pairs)
        return pairs

    def judge(self, batch: pa.RecordBatch) -> Verdict:
        """`too_few_common_letter_pairs`, with their share."""
        here, verdict = self.for_rows(batch), Verdict.of(batch)
        limit = here.limit("min_common_pair_ratio")
        if limit is None:
            return verdict
        text = text_of(batch.column(schema.TEXT))
        share = np.ones(batch.num_rows)
        for pairs, rows in here.groups("pairs"):
            if pairs:
                common, total = count_pairs(text.data, text.offsets, unicode_tables(), pair_keys(pairs), rows)
                share[rows] = ratio(common, total)
        return verdict.drop("too_few_common_letter_pairs", share < limit, value=share, threshold=limit)


@lru_cache(maxsize=512)
def pair_keys(pairs: tuple[str, ...]) -> npt.NDArray[np.int64]:
    """The keys of pairs, sorted, each once. Raises ValueError for one that is not two letters."""
    keys = []
    for pair in pairs:
        data = np.frombuffer(pair.encode(), np.uint8)
        found = keys_of_pairs(data, np.array([0, len(data)]), unicode_tables())
        if len(pair) != 2 or len(found) != 1:
            raise ValueError(f"{pair!r} is not a pair of letters")
        keys.append(found[0])
    return np.unique(np.array(keys, np.int64))


def pair_of(key: int) -> str:
    """The two letters of a key."""
    return chr(key >> int(_SHIFT)) + chr(key & ((1 << int(_SHIFT)) - 1))


@kernel
def keys_of_pairs(
    data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64], tables: UnicodeTables
) -> npt.NDArray[np.int64]:
    """A number for each pair of neighbouring letters, in lower case, of all documents in order."""
    keys = np.empty(max(offsets[-1] - offsets[0], 1), np.int64)
    count = 0
    for document in range(len(offsets) - 1):
        at, end, before = offsets[document], offsets[document + 1], np.int64(-1)
        while at < end:
            code_point, at = decode(data, at, end)
            letter = _letter(code_point, tables)
            if letter >= 0 and before >= 0:
                keys[count] = (before << _SHIFT) | letter
                count += 1
            before = letter
    return keys[:count]


@kernel
def count_pairs(
    data: npt.NDArray[np.uint8],
    offsets: npt.NDArray[np.int64],
    tables: UnicodeTables,
    wanted: npt.NDArray[np.int64],
    documents: npt.NDArray[np.int64],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """How many pairs of some documents are among the `wanted` keys, sorted, and how many there are."""
    few = np.int64(8191)
    possible = np.zeros(8192, np.bool_)
    for key in wanted:
        possible[(key ^ (key >> np.int64(14))) & few] = True
    common, total = np.zeros(len(documents), np.int64), np.zeros(len(documents), np.int64)
    for place in range(len(documents)):
        at, end, before = offsets[documents[place]], offsets[documents[place] + 1], np.int64(-1)
        while at < end:
            code_point, at = decode(data, at, end)
            letter = _letter(code_point, tables)
            if letter >= 0 and before >= 0:
                key = (before << _SHIFT) | letter
                total[place] += 1
                if possible[(key ^ (key >> np.int64(14))) & few]:
                    found = np.searchsorted(wanted, key)
                    common[place] += found < len(wanted) and wanted[found] == key
            before = letter
    return common, total


@kernel
def _letter(code_point: np.int64, tables: UnicodeTables) -> np.int64:
    """The code point in lower case, or -1 for no letter; marks of scripts without spaces count as letters."""
    if tables.classes[code_point] & (ALPHABETIC | UNSPACED) == 0:
        return np.int64(-1)
    return np.int64(tables.lower[code_point]) if code_point < len(tables.lower) else code_point
