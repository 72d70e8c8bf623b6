"""`gopher_quality`: the document-level quality rules of Gopher.

Source: Rae et al., Scaling Language Models: Methods, Analysis & Insights from Training Gopher
(arXiv 2112.11446), table A1. The paper leaves open what a word, a line or an ellipsis is; `definition`
says whose reading is taken, docs/filters.md how they differ.
"""

from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field, field_validator

from textmill.filters.per_language import ForRows, PerLanguage
from textmill.pipeline import schema
from textmill.pipeline.kernels.documents import ratio, sum_by_document
from textmill.pipeline.kernels.lines import all_lines, trimmed
from textmill.pipeline.kernels.substrings import count_substring, ends_with, starts_with
from textmill.pipeline.kernels.unicode import ALPHABETIC, SAID
from textmill.pipeline.kernels.words import count_words, word_keys
from textmill.pipeline.text import Text, text_of
from textmill.pipeline.verdict import Verdict

Counts: TypeAlias = npt.NDArray[np.int64]
Ratios: TypeAlias = npt.NDArray[np.float64]

STOP_WORDS: Final = ("the", "be", "to", "of", "and", "that", "have", "with")


@dataclass(frozen=True)
class _Definition:
    """What implementations of the rules disagree about."""

    by_spaces_only: bool  # words of every script are split at whitespace and nowhere else
    ellipses: tuple[str, ...] = ("...", "…")
    bullets: tuple[str, ...] = ("•", "●", "*", "-")
    symbols_together: bool = False  # one ratio for # and ellipses instead of one each
    distinct_stop_words: bool = True  # a stop word counts once, however often it occurs
    cased_stop_words: bool = False  # a stop word in other case is none
    count_punctuation: bool = True  # words of punctuation alone belong to the word count and the mean length
    every_line: bool = False  # lines end at each separator of Unicode, and blank ones are lines too


_DEFINITIONS: Final = {
    "textmill": _Definition(by_spaces_only=False),
    "dclm": _Definition(
        by_spaces_only=True, ellipses=("...", ". . .", "…"), symbols_together=True, distinct_stop_words=False
    ),
    "datatrove": _Definition(
        by_spaces_only=False, bullets=("•", "-"), cased_stop_words=True, count_punctuation=False, every_line=True
    ),
}


class GopherQuality(PerLanguage):
    """Keep documents that read like text: enough words of usual length, few symbols, some stop words.

    A rule set to null is not applied. All ratios of a document without words or lines are 0.
    """

    section = "gopher_quality"

    definition: Literal["textmill", "dclm", "datatrove"] = Field("textmill", description="whose reading of the rules")
    min_words: int | None = Field(50, ge=0, description="fewest words")
    max_words: int | None = Field(100_000, ge=0, description="most words")
    min_mean_word_length: float | None = Field(3, ge=0, description="characters")
    max_mean_word_length: float | None = Field(10, ge=0, description="characters")
    max_symbol_ratio: float | None = Field(0.1, ge=0, description="of # to words, and of ellipses to words")
    max_bullet_line_ratio: float | None = Field(0.9, ge=0, description="lines that start with a bullet")
    max_ellipsis_line_ratio: float | None = Field(0.3, ge=0, description="lines that end with an ellipsis")
    min_alphabetic_word_ratio: float | None = Field(0.8, ge=0, description="words with a letter in them")
    min_stop_words: int | None = Field(2, ge=0, description="fewest different stop words")
    stop_words: tuple[str, ...] = Field(STOP_WORDS, description="in any case, for datatrove in this one")

    @field_validator("stop_words")
    @classmethod
    def _each_is_one_word(cls, stop_words: tuple[str, ...]) -> tuple[str, ...]:
        word_keys(stop_words)
        return stop_words

    def judge(self, batch: pa.RecordBatch) -> Verdict:
        """Of several broken rules the first in the order of the parameters is the reason."""
        here = self.for_rows(batch)
        found = _measure(text_of(batch.column(schema.TEXT)), here, _DEFINITIONS[self.definition])
        verdict = Verdict.of(batch)
        for reason, values, breaks, rule in (
            ("too_few_words", found.words, np.less, "min_words"),
            ("too_many_words", found.words, np.greater, "max_words"),
            ("mean_word_length_too_low", found.mean_word_length, np.less, "min_mean_word_length"),
            ("mean_word_length_too_high", found.mean_word_length, np.greater, "max_mean_word_length"),
            *((name, share, np.greater, "max_symbol_ratio") for name, share in found.symbol_ratios.items()),
            ("too_many_bullet_lines", found.bullet_line_ratio, np.greater, "max_bullet_line_ratio"),
            ("too_many_ellipsis_lines", found.ellipsis_line_ratio, np.greater, "max_ellipsis_line_ratio"),
            ("too_few_alphabetic_words", found.alphabetic_ratio, np.less, "min_alphabetic_word_ratio"),
            ("too_few_stop_words", found.stop_words, np.less, "min_stop_words"),
        ):
            if (limit := here.limit(rule)) is not None:
                verdict = verdict.drop(reason, breaks(values, limit), value=values, threshold=limit)
        return verdict


class _Measures(NamedTuple):
    """What the rules judge, one entry a document."""

    words: Counts
    mean_word_length: Ratios
    symbol_ratios: dict[str, Ratios]  # by the reason that it gives
    bullet_line_ratio: Ratios
    ellipsis_line_ratio: Ratios
    alphabetic_ratio: Ratios
    stop_words: Counts


def _measure(text: Text, here: ForRows, definition: _Definition) -> _Measures:
    data, offsets = text.data, text.offsets
    words = text.words(by_spaces_only=definition.by_spaces_only)
    lines = trimmed(data, all_lines(data, offsets)) if definition.every_line else text.lines()
    word_count, line_count = np.diff(words.first), np.diff(lines.first)
    hashes = count_substring(data, offsets, "#")
    ellipses = np.sum([count_substring(data, offsets, form) for form in definition.ellipses], axis=0)
    symbols = (
        {"too_many_symbols": hashes + ellipses}
        if definition.symbols_together
        else {"too_many_hashes": hashes, "too_many_ellipses": ellipses}
    )
    spans = (data, lines.start, lines.stop)
    bulleted = np.any([starts_with(*spans, bullet) for bullet in definition.bullets], axis=0)
    trailing = np.any([ends_with(*spans, form) for form in definition.ellipses], axis=0)
    alphabetic = words.classes & ALPHABETIC != 0
    stop_words, cased = np.zeros(len(word_count), np.int64), definition.cased_stop_words
    for wanted, rows in here.groups("stop_words"):
        keys = words.cased_keys if cased else words.keys
        found = count_words(words.first, keys, np.unique(word_keys(wanted, cased=cased)), rows)
        stop_words[rows] = found.distinct if definition.distinct_stop_words else found.total
    said = word_count if definition.count_punctuation else sum_by_document(words.classes & SAID != 0, words.first)
    said_chars = words.chars if definition.count_punctuation else words.chars * (words.classes & SAID != 0)
    return _Measures(
        words=said,
        mean_word_length=ratio(sum_by_document(said_chars, words.first), said),
        symbol_ratios={reason: ratio(count, word_count) for reason, count in symbols.items()},
        bullet_line_ratio=ratio(sum_by_document(bulleted, lines.first), line_count),
        ellipsis_line_ratio=ratio(sum_by_document(trailing, lines.first), line_count),
        alphabetic_ratio=ratio(sum_by_document(alphabetic, words.first), word_count),
        stop_words=stop_words,
    )
