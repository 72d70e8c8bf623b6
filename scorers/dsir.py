"""`dsir`: how much likelier a document is as target text than as raw text, for importance resampling."""

import numpy as np
import pyarrow as pa
from pydantic import Field

from textmill.pipeline import schema
from textmill.pipeline.arrow import text_buffers
from textmill.pipeline.models import model_path
from textmill.pipeline.step import Scorer
from textmill.scorers.dsir_kernels import weigh_features
from textmill.scorers.dsir_model import load_worth


class Dsir(Scorer):
    """Add the log importance weight of each document by a model of `textmill train dsir`.

    Source: Xie et al., Data Selection for Language Models via Importance Resampling (arXiv 2302.03169): the sum over
    words and pairs of log p(target) - log p(raw). `sample_by` with temperature 1 on it is DSIR's resampling. The sum
    grows with length, to hundreds: that sample is nearly `keep_top`, and favours long documents.
    """

    model: str = Field(description="path or URL of a model that textmill train dsir wrote")
    column: str = Field("dsir", min_length=1, description="name of the new column, so that a chain can have several")
    min_tokens: int = Field(100, ge=1, description="documents of fewer words, marks included, have no weight")
    per_token: bool = Field(False, description="divide by the number of words, so that length counts for nothing")

    def adds(self) -> frozenset[str]:
        """The weight."""
        return frozenset({self.column})

    def depends_on(self) -> tuple[str, ...]:
        """The model."""
        return (model_path(self.model),)

    def prepare(self) -> None:
        """Load the model. Raises ModelError."""
        load_worth(self.model)

    def score(self, batch: pa.RecordBatch) -> dict[str, pa.Array]:
        """One column: float32, null for a document of too few words."""
        data, offsets, _ = text_buffers(batch.column(schema.TEXT))
        found = weigh_features(data, offsets, load_worth(self.model))
        weights = found.sums / np.maximum(found.words, 1) if self.per_token else found.sums
        return {self.column: pa.array(weights.astype(np.float32), mask=found.words < self.min_tokens)}

    def tally(self, batch: pa.RecordBatch) -> dict[str, int]:
        """Documents without weight."""
        return {"too_few_tokens": batch.column(self.column).null_count}
