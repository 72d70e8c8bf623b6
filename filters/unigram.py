"""`unigram_logprob`: drop documents of words that nobody uses, by a table of word frequencies.

Source: the unigram filter of datatrove: the mean log probability of a word, 1e-9 for an unknown one, above -10.
"""

from functools import lru_cache
from typing import ClassVar, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field

from textmill.pipeline import schema
from textmill.pipeline.arrow import text_buffers
from textmill.pipeline.errors import InputError
from textmill.pipeline.kernels.placed_words import placed_words
from textmill.pipeline.lists import load_lists
from textmill.pipeline.step import Filter
from textmill.pipeline.verdict import Verdict

UNKNOWN: Final = 1e-9
"""Probability of a word that the table does not have."""


class UnigramLogprob(Filter):
    """Keep documents whose words are usual: the mean of the natural logarithm of their probabilities.

    A word is a run of letters and digits, in any case. A document without words has the mean of unknown ones.
    """

    revision: ClassVar[int] = 2

    table: str = Field(description="file with a word and its count a line, with a tab, comma or space between")
    min_mean_logprob: float = Field(-10.0, le=0, description="lowest mean")

    def depends_on(self) -> tuple[str, ...]:
        """The table."""
        return (self.table,)

    def prepare(self) -> None:
        """Load the table. Raises InputError."""
        self._frequencies()

    def judge(self, batch: pa.RecordBatch) -> Verdict:
        """`unlikely_words`, with the mean."""
        known = self._frequencies()
        data, offsets, _ = text_buffers(batch.column(schema.TEXT))
        words = placed_words(data, offsets)
        place = np.searchsorted(known.keys, words.keys).clip(max=len(known.keys) - 1)
        found = np.where(known.keys[place] == words.keys, known.logprobs[place], np.log(UNKNOWN))
        count = np.diff(words.first)
        # Each document is added up by itself: what stands before it in the batch may not change its last digits.
        total = np.bincount(np.repeat(np.arange(len(count)), count), found, minlength=len(count))
        mean = np.where(count, total / np.maximum(count, 1), np.log(UNKNOWN))
        low = mean < self.min_mean_logprob
        return Verdict.of(batch).drop("unlikely_words", low, value=mean, threshold=self.min_mean_logprob)

    def _frequencies(self) -> "_Frequencies":
        return _of(load_lists((self.table,), _entry, tuple), self.table)


class _Frequencies(NamedTuple):
    """keys: uint64, sorted hashes of words. logprobs: float64, natural logarithms."""

    keys: npt.NDArray[np.uint64]
    logprobs: npt.NDArray[np.float64]


def _entry(line: str) -> str:
    word, _, count = line.replace(",", "\t").replace(" ", "\t").rpartition("\t")
    if not word or not count.replace(".", "", 1).isdigit():
        raise ValueError(f"no word and its count: {line!r}")
    return f"{word.strip()}\t{count}"


@lru_cache(maxsize=8)
def _of(entries: tuple[str, ...], path: str) -> _Frequencies:
    """What a word falls into, such as don and t of don't, each has its count."""
    words, counts = zip(*(entry.split("\t") for entry in entries), strict=True) if entries else ((), ())
    data, offsets, _ = text_buffers(pa.array(words, pa.string()))
    found = placed_words(data, offsets)
    each = np.repeat(np.array(counts, np.float64), np.diff(found.first))
    keys, which = np.unique(found.keys, return_inverse=True)
    totals = np.zeros(len(keys))
    np.add.at(totals, which, each)
    if not totals.sum() > 0:
        raise InputError(f"{path}: no word with a count above 0")
    seen = totals > 0
    return _Frequencies(keys[seen], np.log(totals[seen] / totals.sum()))
