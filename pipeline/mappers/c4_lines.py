"""`c4_lines`: what C4 takes out of a page before it judges what is left (`c4_quality`).

Source: Raffel et al., Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer
(arXiv 1910.10683), section 2.2, and its code in TensorFlow Datasets. docs/filters.md says where implementations differ.
"""

from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field, model_validator

from textmill.pipeline import schema
from textmill.pipeline.arrow import replace_text, set_column
from textmill.pipeline.kernels.lines import Lines, split_lines
from textmill.pipeline.kernels.rewriting import join_lines, strip_citations
from textmill.pipeline.kernels.substrings import ends_with, find_phrases
from textmill.pipeline.kernels.words import words_in_spans
from textmill.pipeline.step import Mapper
from textmill.pipeline.text import text_of

POLICIES: Final = ("terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies")

_LEADING: Final = ("lorem ipsum", "javascript", "{")
_BITS: Final = tuple(map(np.uint64, (1, 2, 4, 2**64 - 8)))
"""Which bits of what `find_phrases` finds stand for each of these, and for any policy."""

_BY_DEFINITION: Final[dict[str, dict[str, Any]]] = {
    "datatrove": {"line_endings": (".", "?", "!", '"', "'"), "min_words": 3},
}


class C4Lines(Mapper):
    """Remove citation marks, and lines that are no sentences or speak of JavaScript, cookies and terms of use.

    What is left of each line is trimmed. A rule set to null is not applied.
    """

    definition: Literal["tfds", "datatrove"] = Field(
        "tfds", description="whose defaults: datatrove's are min_words 3, and ' among the line endings"
    )
    citations: bool = Field(True, description="remove [12], [edit] and [citation needed]")
    max_word_chars: int | None = Field(1000, ge=1, description="remove lines with a longer word")
    line_endings: tuple[str, ...] | None = Field(
        (".", "?", "!", '"'), description="remove lines that end otherwise, or in three dots"
    )
    min_words: int | None = Field(5, ge=0, description="remove lines of fewer words")
    javascript: bool = Field(True, description="remove lines that mention it")
    policies: tuple[str, ...] = Field(POLICIES, max_length=61, description="remove lines with these phrases, any case")

    @model_validator(mode="before")
    @classmethod
    def _defaults_by_definition(cls, values: dict[str, Any]) -> dict[str, Any]:
        return {**_BY_DEFINITION.get(str(values.get("definition")), {}), **values}

    def rewrite(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """A text of which nothing is left is empty; null stays null."""
        column = batch.column(schema.TEXT)
        text = text_of(column)
        data, lines = text.data, text.lines()
        if self.citations and (data == ord("[")).any():
            data, offsets = strip_citations(text.data, text.offsets)
            lines = split_lines(data, offsets)
        left = join_lines(data, lines, self._keeps(data, lines))
        return set_column(batch, schema.TEXT, replace_text(column, left.data, left.offsets))

    def _keeps(self, data: npt.NDArray[np.uint8], lines: Lines) -> npt.NDArray[np.bool_]:
        """Which lines stay; among them those that C4's code drops the page for before it comes to a later rule."""
        spans = (data, lines.start, lines.stop)
        words = words_in_spans(*spans)
        keeps = np.ones(len(lines.start), np.bool_)
        if self.max_word_chars is not None:
            keeps &= words.longest <= self.max_word_chars
        if self.line_endings is not None:
            keeps &= np.any([ends_with(*spans, ending) for ending in self.line_endings], axis=0)
            keeps &= ~ends_with(*spans, "...")
        if self.min_words is not None:
            keeps &= words.words >= self.min_words
        found = find_phrases(*spans, (*_LEADING, *self.policies))
        lorem_ipsum, javascript, bracket, policy = (found & bit != 0 for bit in _BITS)
        if self.javascript:
            keeps &= lorem_ipsum | ~javascript
        keeps &= lorem_ipsum | bracket | ~policy
        return keeps
