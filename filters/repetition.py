"""`gopher_repetition`: the rules of Gopher against documents that repeat themselves.

Source: Rae et al., Scaling Language Models: Methods, Analysis & Insights from Training Gopher
(arXiv 2112.11446), table A1. The paper leaves open which copies count and what they are a share of;
`definition` says whose reading is taken, docs/filters.md how they differ.
"""

from typing import Final, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field

from textmill.filters.per_language import PerLanguage
from textmill.pipeline import schema
from textmill.pipeline.kernels.documents import count_code_points, ratio, sum_by_document
from textmill.pipeline.kernels.lines import read_lines, split_at_newlines
from textmill.pipeline.kernels.repeats import (
    DUPLICATE_SIZES,
    TOP_SIZES,
    RepeatedNgrams,
    repeated_items,
    repeated_ngrams,
)
from textmill.pipeline.text import Text, text_of
from textmill.pipeline.verdict import Verdict

Counts: TypeAlias = npt.NDArray[np.int64]
Ratios: TypeAlias = npt.NDArray[np.float64]

_SHARE: Final = "share of the characters that are in "


class GopherRepetition(PerLanguage):
    """Keep documents of which no large part is said more than once.

    A rule set to null is not applied. All shares of a document without lines or words are 0.
    """

    section = "gopher_repetition"

    definition: Literal["gopher", "datatrove"] = Field(
        "gopher", description="count all copies (gopher), or those after the first (datatrove)"
    )
    max_duplicate_line_ratio: float | None = Field(0.3, ge=0, description="share of the lines that occur twice")
    max_duplicate_line_char_ratio: float | None = Field(0.2, ge=0, description=_SHARE + "lines that occur twice")
    max_duplicate_paragraph_ratio: float | None = Field(
        0.3, ge=0, description="share of the paragraphs that occur twice"
    )
    max_duplicate_paragraph_char_ratio: float | None = Field(0.2, ge=0, description=_SHARE + "such paragraphs")
    max_top_2gram_char_ratio: float | None = Field(0.2, ge=0, description=_SHARE + "the most frequent 2-gram of words")
    max_top_3gram_char_ratio: float | None = Field(0.18, ge=0, description=_SHARE + "the most frequent 3-gram")
    max_top_4gram_char_ratio: float | None = Field(0.16, ge=0, description=_SHARE + "the most frequent 4-gram")
    max_duplicate_5gram_char_ratio: float | None = Field(0.15, ge=0, description=_SHARE + "5-grams that occur twice")
    max_duplicate_6gram_char_ratio: float | None = Field(0.14, ge=0, description=_SHARE + "such 6-grams")
    max_duplicate_7gram_char_ratio: float | None = Field(0.13, ge=0, description=_SHARE + "such 7-grams")
    max_duplicate_8gram_char_ratio: float | None = Field(0.12, ge=0, description=_SHARE + "such 8-grams")
    max_duplicate_9gram_char_ratio: float | None = Field(0.11, ge=0, description=_SHARE + "such 9-grams")
    max_duplicate_10gram_char_ratio: float | None = Field(0.1, ge=0, description=_SHARE + "such 10-grams")

    def judge(self, batch: pa.RecordBatch) -> Verdict:
        """Of several broken rules the first in the order of the parameters is the reason."""
        shares = _MEASURES[self.definition](text_of(batch.column(schema.TEXT)))
        here, verdict = self.for_rows(batch), Verdict.of(batch)
        for what, share in shares.items():
            if (limit := here.limit(f"max_{what}_ratio")) is not None:
                verdict = verdict.drop(f"too_many_{what}s", share > limit, value=share, threshold=limit)
        return verdict


def _measure_gopher(text: Text) -> dict[str, Ratios]:
    """Shares of all copies of what is repeated; of n-grams, each word counts once."""
    words = text.words()
    shares: dict[str, Ratios] = {}
    for kind, spans in (("line", text.line_texts()), ("paragraph", text.paragraphs())):
        found = repeated_items(spans.first, spans.keys, spans.chars)
        shares[f"duplicate_{kind}"] = ratio(found.all, np.diff(spans.first))
        shares[f"duplicate_{kind}_char"] = ratio(found.all_chars, sum_by_document(spans.chars, spans.first))
    ngrams = repeated_ngrams(words.first, words.keys, words.chars, after_first=False)
    return shares | _ngram_shares(ngrams, sum_by_document(words.chars, words.first))


def _measure_datatrove(text: Text) -> dict[str, Ratios]:
    """Shares of all characters in the document, of the copies after each first one."""
    words, chars = text.words(), count_code_points(text.data, text.offsets)
    shares: dict[str, Ratios] = {}
    for kind, newlines in (("line", 1), ("paragraph", 2)):
        where = split_at_newlines(text.data, text.offsets, newlines, strip=kind == "paragraph")
        spans = read_lines(text.data, where)
        found = repeated_items(spans.first, spans.keys, spans.chars)
        shares[f"duplicate_{kind}"] = ratio(found.later, np.diff(spans.first))
        shares[f"duplicate_{kind}_char"] = ratio(found.later_chars, chars)
    ngrams = repeated_ngrams(words.first, words.cased_keys, words.chars, after_first=True)
    spaces = ngrams.top_count * (np.array(TOP_SIZES) - 1)
    return shares | _ngram_shares(ngrams._replace(top=ngrams.top + spaces), chars)


def _ngram_shares(ngrams: RepeatedNgrams, chars: Counts) -> dict[str, Ratios]:
    # Occurrences of one n-gram may overlap ("ha ha ha" has "ha ha" twice), and so add up to more than there is.
    top = {f"top_{n}gram_char": np.minimum(ratio(ngrams.top[:, i], chars), 1) for i, n in enumerate(TOP_SIZES)}
    duplicate = {f"duplicate_{n}gram_char": ratio(ngrams.duplicate[:, i], chars) for i, n in enumerate(DUPLICATE_SIZES)}
    return top | duplicate


_MEASURES: Final = {"gopher": _measure_gopher, "datatrove": _measure_datatrove}
