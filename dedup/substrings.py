"""Cuts long substrings out of texts that stand in the corpus already: exact substring deduplication."""

from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from textmill.dedup.passages import Keys
from textmill.dedup.repeated import Repeated
from textmill.dedup.repeats import Repeats
from textmill.pipeline.kernels.units import Units, split_words_whole
from textmill.pipeline.kernels.words import split_words


class Substrings(Repeated):
    """Cut every substring of `words` words or more that stands in the corpus already.

    "Deduplicating Training Data Makes Language Models Better" (ExactSubstr) finds them by a suffix array; here by
    all runs of `words` words whose 64-bit hashes are equal, which are the same places: a substring of that
    length or more is repeated where, and only where, all its runs of `words` words are.
    """

    growth: ClassVar[int] = 128  # of a word the sketch has a key, a task several numbers

    normalize: Literal["whitespace", "lowercase", "letters"] = Field(
        "whitespace", description="what is put aside before words are compared"
    )
    words: int = Field(50, ge=2, description="words of the shortest substring that counts")

    def split(self, data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64]) -> Units:
        """Words, with the white space after them."""
        return split_words_whole(data, offsets)

    def find_keys(self, data: npt.NDArray[np.uint8], units: Units) -> Keys:
        """Those of the words; what is not put aside needs no copy of the texts."""
        if self.normalize == "letters":
            return super().find_keys(data, units)
        words = split_words(data, units.offsets)
        keys = words.cased_keys if self.normalize == "whitespace" else words.keys
        found = np.zeros(len(words.first) - 1, np.uint64)  # a text of white space is a unit without a word
        found[np.diff(words.first) > 0] = np.maximum(keys, 1)
        return found

    def repeats(self) -> Repeats:
        """So many words in a row, told by grams of half as many."""
        return Repeats(self.words, self.removal("substring"), self.keep, gram=(self.words + 1) // 2)
