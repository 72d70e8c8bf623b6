"""`fineweb_quality`: FineWeb's own rules, against lists, scraps of lines and what a page repeats.

Source: Penedo et al., The FineWeb Datasets: Decanting the Web for the Finest Text Data at Scale
(arXiv 2406.17557), section 3.6, and its code in datatrove.
"""

from typing import Literal

import numpy as np
import pyarrow as pa
from pydantic import Field

from textmill.filters.per_language import PerLanguage
from textmill.pipeline import schema
from textmill.pipeline.kernels.documents import count_code_points, ratio, sum_by_document
from textmill.pipeline.kernels.lines import read_lines, untrimmed
from textmill.pipeline.kernels.punctuation import TERMINAL_PUNCTUATION
from textmill.pipeline.kernels.repeats import repeated_items
from textmill.pipeline.kernels.substrings import count_substring, ends_in
from textmill.pipeline.text import text_of
from textmill.pipeline.verdict import Verdict


class FinewebQuality(PerLanguage):
    """Keep documents whose lines are sentences: punctuated, not short, not repeated, of several words.

    A rule set to null is not applied. All ratios of a document without words or lines are 0.
    """

    section = "fineweb_quality"

    definition: Literal["textmill", "datatrove"] = Field(
        "textmill",
        description="trim lines (textmill), or take the whitespace around them for a part of them (datatrove)",
    )
    min_punctuated_line_ratio: float | None = Field(
        0.12, ge=0, description="share of the lines that end in terminal punctuation"
    )
    terminal_punctuation: str = Field(TERMINAL_PUNCTUATION, description="the characters")
    keep_unpunctuated: bool = Field(False, description="spare documents with no such line at all")
    max_short_line_ratio: float | None = Field(0.67, ge=0, description="share of the lines that are short")
    short_line_chars: int = Field(30, ge=0, description="a line of at most so many characters is short")
    max_duplicate_line_char_ratio: float | None = Field(
        0.1, ge=0, description="share of the characters that are in lines met before in the document"
    )
    max_newline_ratio: float | None = Field(0.3, ge=0, description="newlines to words")

    def judge(self, batch: pa.RecordBatch) -> Verdict:
        """Of several broken rules the first in the order of the parameters is the reason."""
        text = text_of(batch.column(schema.TEXT))
        lines, said = text.lines(), text.line_texts()
        if self.definition == "datatrove":
            lines = untrimmed(text.data, text.offsets, lines)
            said = read_lines(text.data, lines)
        line_count = np.diff(lines.first)
        newlines = count_substring(text.data, text.offsets, "\n")
        here, verdict = self.for_rows(batch), Verdict.of(batch)
        if (limit := here.limit("min_punctuated_line_ratio")) is not None:
            punctuated = ends_in(text.data, lines.start, lines.stop, self.terminal_punctuation)
            share = ratio(sum_by_document(punctuated, lines.first), line_count)
            too_few = (share < limit) & ~((share == 0) & self.keep_unpunctuated)
            verdict = verdict.drop("too_few_punctuated_lines", too_few, value=share, threshold=limit)
        if (limit := here.limit("max_short_line_ratio")) is not None:
            share = ratio(sum_by_document(said.chars <= self.short_line_chars, lines.first), line_count)
            verdict = verdict.drop("too_many_short_lines", share > limit, value=share, threshold=limit)
        if (limit := here.limit("max_duplicate_line_char_ratio")) is not None:
            repeated = repeated_items(said.first, said.keys, said.chars).later_chars
            share = ratio(repeated, count_code_points(text.data, text.offsets) - newlines)
            verdict = verdict.drop("too_many_duplicate_line_chars", share > limit, value=share, threshold=limit)
        if (limit := here.limit("max_newline_ratio")) is not None:
            share = ratio(newlines, np.diff(text.words().first))
            verdict = verdict.drop("too_many_newlines", share > limit, value=share, threshold=limit)
        return verdict
