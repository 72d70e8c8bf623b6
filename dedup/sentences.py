"""Cuts sentences out of texts that stand in the corpus already, three in a row: C4's deduplication."""

import numpy as np
import numpy.typing as npt
from pydantic import Field

from textmill.dedup.repeated import Repeated
from textmill.dedup.repeats import Repeats
from textmill.pipeline.kernels.units import Units, split_sentences


class Sentences(Repeated):
    """Cut every span of consecutive sentences that stands in the corpus already, in the document or an earlier one.

    C4 ("Exploring the Limits of Transfer Learning", section 2.2): of any three-sentence span that occurs more than
    once, one occurrence stays. Sentences are those of `kernels.sentences`; spans go over the ends of lines. A document
    of fewer sentences has no span. Equal 64-bit hashes, as with lines.
    """

    sentences: int = Field(3, ge=1, description="sentences in a span")

    def split(self, data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64]) -> Units:
        """Sentences, with the white space after them."""
        return split_sentences(data, offsets)

    def repeats(self) -> Repeats:
        """So many sentences in a row."""
        return Repeats(self.sentences, self.removal("sentence"), self.keep)
