"""`language_threshold`: drop documents of which the language is not sure enough, for their language.

Source: Penedo et al., FineWeb2: One Pipeline to Scale Them All (arXiv 2506.20920), where each language has a threshold
of its own: what is a low score for one is a usual one for another that has near relatives.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from textmill.filters.per_language import PerLanguage
from textmill.pipeline import schema
from textmill.pipeline.verdict import Verdict


class LanguageThreshold(PerLanguage):
    """Keep documents whose `language_score` is high enough for their `language`."""

    section = "language_threshold"

    per_language: bool = Field(True, description="take the minimum that a file states for the document's language")
    min_score: float | None = Field(0.5, ge=0, le=1, description="where no file states another")

    def reads(self) -> frozenset[str]:
        """The language where it matters, and its score."""
        return super().reads() - {schema.TEXT} | {schema.LANGUAGE_SCORE}

    def judge(self, batch: pa.RecordBatch) -> Verdict:
        """`missing_language_score` where it is null or NaN, else `language_score_too_low`."""
        scores = pc.cast(batch.column(schema.LANGUAGE_SCORE), pa.float64()).to_numpy(zero_copy_only=False)
        verdict = Verdict.of(batch).drop("missing_language_score", np.isnan(scores))
        limit = self.for_rows(batch).limit("min_score")
        if limit is None:
            return verdict
        # A score is stored as float32, and 0.9 as such is less than 0.9.
        too_low = scores.astype(np.float32) < np.float32(limit)
        return verdict.drop("language_score_too_low", too_low, value=scores, threshold=limit)
