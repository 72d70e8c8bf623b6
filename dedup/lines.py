"""Cuts lines, or paragraphs, that the corpus has already out of texts."""

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from textmill.dedup.repeated import Repeated
from textmill.dedup.repeats import Repeats
from textmill.pipeline.kernels.units import Units, split_lines_whole


class _Passages(Repeated):
    """What lines and paragraphs have in common: each is a passage of its own."""

    min_words: int = Field(0, ge=0, description="fewer words (by white space), and a passage is nobody's duplicate")
    min_chars: int = Field(0, ge=0, description="fewer characters after normalisation, and it is nobody's duplicate")
    within_document: bool = Field(True, description="whether a document may repeat itself; else only earlier ones")

    @model_validator(mode="after")
    def _agree(self) -> "_Passages":
        if self.keep == "none" and not self.within_document:
            raise ValueError("keep: none strikes every copy, also within a document: leave within_document out")
        return self

    def least(self) -> tuple[int, int]:
        """Words and characters that a passage needs to count."""
        return self.min_words, self.min_chars


class Lines(_Passages):
    """Cut lines that stand in the corpus already, in the document or an earlier one (cc_net; Dolma's paragraphs).

    A line is text between newlines; one that normalisation leaves nothing of is nobody's duplicate. Equal 64-bit
    hashes: among N different lines N² / 2⁶⁵ pairs are expected to collide by chance, 0.03 for 10⁹.
    """

    def split(self, data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64]) -> Units:
        """Lines, with blank ones after them."""
        return split_lines_whole(data, offsets)

    def repeats(self) -> Repeats:
        """One line is enough."""
        return Repeats(1, self.removal("line"), self.keep, self.within_document)


class Paragraphs(_Passages):
    """Cut paragraphs that stand in the corpus already, in the document or an earlier one.

    A paragraph is lines with no blank one between them; otherwise as `Lines`.
    """

    def split(self, data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64]) -> Units:
        """Paragraphs, with the blank lines after them."""
        return split_lines_whole(data, offsets, newlines=2)

    def repeats(self) -> Repeats:
        """One paragraph is enough."""
        return Repeats(1, self.removal("paragraph"), self.keep, self.within_document)
