"""`keep_top` and `keep_band`: keep the best share of the documents, or those in a band of the ranking."""

from collections.abc import Sequence
from typing import Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from textmill.scorers.selection import SelectBest, Selection, shares


class KeepTop(SelectBest):
    """Keep the documents with the highest scores: a share of all, or so many.

    The fewest that make up the share stay: the last of them may go beyond it. DCLM keeps the top tenth of the
    documents (Li et al., arXiv 2406.11794), PreSelect of the characters (Shum et al., arXiv 2503.00808).
    """

    highest: bool = Field(True, description="false keeps the lowest scores, such as perplexities")

    @property
    def reason(self) -> str:
        """`not_in_top`."""
        return "not_in_top"

    def direction(self) -> int:
        """As `highest` says."""
        return 1 if self.highest else -1


class KeepBand(Selection):
    """Keep the documents between two percentiles of the score: `low: 0.25, high: 0.75` keeps the middle half.

    Which band trains best depends on the corpus: Ankner et al., Perplexed by Perplexity (arXiv 2405.20541).
    """

    low: float = Field(0.0, ge=0, le=1, description="share of the group below the band")
    high: float = Field(1.0, ge=0, le=1, description="share of the group below the upper end of the band")

    @model_validator(mode="after")
    def _some_band(self) -> Self:
        if self.low >= self.high:
            raise ValueError(f"nothing lies between low: {self.low} and high: {self.high}")
        return self

    @property
    def reason(self) -> str:
        """`not_in_band`."""
        return "not_in_band"

    def wanted(self, total: int) -> list[int]:
        """What lies above the lower end, and above the upper end."""
        return [total - shares(total, self.low), total - shares(total, self.high)]

    def selected(self, above: Sequence[npt.NDArray[np.bool_]]) -> npt.NDArray[np.bool_]:
        """Those above the lower end and not above the upper."""
        return above[0] & ~above[1]
