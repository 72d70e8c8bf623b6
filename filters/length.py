"""`length`: keep documents that are neither too short nor too long."""

from typing import Self, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field, model_validator

from textmill.pipeline import schema
from textmill.pipeline.kernels.documents import count_code_points
from textmill.pipeline.step import Filter
from textmill.pipeline.text import text_of
from textmill.pipeline.verdict import Verdict

Counts: TypeAlias = npt.NDArray[np.int64]


class Length(Filter):
    """Keep documents whose length is within bounds, both included; give at least one."""

    min_chars: int | None = Field(None, ge=0, description="code points")
    max_chars: int | None = Field(None, ge=0, description="code points")
    min_words: int | None = Field(None, ge=0, description="in scripts without spaces each letter is a word")
    max_words: int | None = Field(None, ge=0, description="likewise")

    @model_validator(mode="after")
    def _some_range(self) -> Self:
        bounds = ((self.min_chars, self.max_chars), (self.min_words, self.max_words))
        if all(bound is None for pair in bounds for bound in pair):
            raise ValueError("give at least one bound")
        for low, high in bounds:
            if low is not None and high is not None and low > high:
                raise ValueError(f"a minimum of {low} is above the maximum of {high}: nothing lies between")
        return self

    def judge(self, batch: pa.RecordBatch) -> Verdict:
        """`too_few_chars`, `too_many_chars`, `too_few_words` or `too_many_words`, with their number."""
        text = text_of(batch.column(schema.TEXT))
        verdict = Verdict.of(batch)
        if self.min_chars is not None or self.max_chars is not None:
            chars = count_code_points(text.data, text.offsets)
            verdict = _bound(verdict, "chars", chars, self.min_chars, self.max_chars)
        if self.min_words is not None or self.max_words is not None:
            words = np.diff(text.words().first)
            verdict = _bound(verdict, "words", words, self.min_words, self.max_words)
        return verdict


def _bound(verdict: Verdict, what: str, counts: Counts, low: int | None, high: int | None) -> Verdict:
    if low is not None:
        verdict = verdict.drop(f"too_few_{what}", counts < low, value=counts, threshold=low)
    if high is not None:
        verdict = verdict.drop(f"too_many_{what}", counts > high, value=counts, threshold=high)
    return verdict
