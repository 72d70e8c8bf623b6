"""`c4_quality`, `mc4_paragraphs`: the rules of C4 and mC4 on whole pages; `c4_lines` belongs before the first.

Source: Raffel et al., Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer
(arXiv 1910.10683), section 2.2; Xue et al., mT5 (arXiv 2010.11934), section 3.1; their code in TensorFlow Datasets.
"""

from typing import Any, Final, Literal

import pyarrow as pa
from pydantic import Field, model_validator

from textmill.pipeline import schema
from textmill.pipeline.kernels.documents import count_code_points, sum_by_document
from textmill.pipeline.kernels.sentences import count_sentences
from textmill.pipeline.kernels.substrings import count_substring, find_phrases
from textmill.pipeline.step import Filter
from textmill.pipeline.text import text_of
from textmill.pipeline.verdict import Verdict

_BY_DEFINITION: Final[dict[str, dict[str, Any]]] = {"datatrove": {"max_chars": None, "min_sentences": 5}}


class C4Quality(Filter):
    """Keep pages of some sentences that hold neither filler text nor code. A rule set to null is not applied."""

    definition: Literal["tfds", "datatrove"] = Field(
        "tfds", description="whose defaults: datatrove's are min_sentences 5, max_chars null"
    )
    max_chars: int | None = Field(190_000, ge=0, description="characters")
    lorem_ipsum: bool = Field(True, description="drop pages with these words, in any case")
    curly_bracket: bool = Field(True, description="drop pages with {")
    min_sentences: int | None = Field(3, ge=0, description="a line without full stop counts as one")

    @model_validator(mode="before")
    @classmethod
    def _defaults_by_definition(cls, values: dict[str, Any]) -> dict[str, Any]:
        return {**_BY_DEFINITION.get(str(values.get("definition")), {}), **values}

    def judge(self, batch: pa.RecordBatch) -> Verdict:
        """Of several broken rules the first in the order of the parameters is the reason."""
        text = text_of(batch.column(schema.TEXT))
        data, offsets, lines = text.data, text.offsets, text.lines()
        verdict = Verdict.of(batch)
        if self.max_chars is not None:
            chars = count_code_points(data, offsets)
            verdict = verdict.drop("too_many_chars", chars > self.max_chars, value=chars, threshold=self.max_chars)
        if self.lorem_ipsum:
            found = find_phrases(data, offsets[:-1], offsets[1:], ["lorem ipsum"])
            verdict = verdict.drop("lorem_ipsum", found > 0)
        if self.curly_bracket:
            brackets = count_substring(data, offsets, "{")
            verdict = verdict.drop("curly_bracket", brackets > 0, value=brackets, threshold=0)
        if (limit := self.min_sentences) is not None:
            sentences = sum_by_document(count_sentences(data, lines.start, lines.stop), lines.first)
            verdict = verdict.drop("too_few_sentences", sentences < limit, value=sentences, threshold=limit)
        return verdict


class Mc4Paragraphs(Filter):
    """Keep pages that have some long lines."""

    min_lines: int = Field(3, ge=0, description="so many lines must be long")
    min_line_chars: int = Field(200, ge=0, description="characters of a long line")

    def judge(self, batch: pa.RecordBatch) -> Verdict:
        """`too_few_long_lines`, with their number."""
        lines = text_of(batch.column(schema.TEXT)).line_texts()
        long = sum_by_document(lines.chars >= self.min_line_chars, lines.first)
        return Verdict.of(batch).drop("too_few_long_lines", long < self.min_lines, value=long, threshold=self.min_lines)
