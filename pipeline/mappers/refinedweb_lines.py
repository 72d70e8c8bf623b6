"""`refinedweb_lines`: RefinedWeb's corrections of lines, and what they leave too little of is dropped.

Source: Penedo et al., The RefinedWeb Dataset for Falcon LLM (arXiv 2306.01116), section 3.2 and table 6; numbers
as in DCLM's configuration.
"""

import re
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field

from textmill.pipeline import schema
from textmill.pipeline.arrow import Bools, replace_text, set_column
from textmill.pipeline.kernels.documents import ratio, sum_by_document
from textmill.pipeline.kernels.lines import Lines, read_lines
from textmill.pipeline.kernels.rewriting import join_lines
from textmill.pipeline.kernels.substrings import find_phrases
from textmill.pipeline.kernels.unicode import NUMERIC, UPPERCASE, count_in_class
from textmill.pipeline.kernels.words import words_in_spans
from textmill.pipeline.step import Mapper
from textmill.pipeline.text import text_of

Bytes = npt.NDArray[np.uint8]

COUNTED: Final = (
    *("likes", "shares", "comments", "retweets", "reposts", "quotes", "bookmarks"),
    *("upvotes", "downvotes", "downloads", "views", "followers"),
)
_COUNTER: Final = re.compile(rf"\W*\d[\d,.]*[KMBkmb]?\s+(?i:{'|'.join(COUNTED)})\W*")
_SNIPPETS: Final = ("items in cart", "read more", "sign-in")
_SNIPPET: Final = re.compile(r"items in cart|read more(?:\.\.\.|…)$|^sign-in", re.IGNORECASE)


class RefinedwebLines(Mapper):
    """Remove lines that are shouted, numbers, counters or single words, and snippets of navigation.

    A document that loses more than a few of its words leaves as `too_many_words_removed`, with their
    share. A rule set to null is not applied.
    """

    max_uppercase_ratio: float | None = Field(0.5, ge=0, description="remove lines with more capital letters")
    numbers: bool = Field(True, description="remove lines of digits alone")
    counters: bool = Field(True, description="remove lines such as 3 likes")
    min_words: int | None = Field(2, ge=0, description="remove lines of fewer words")
    snippet_max_words: int | None = Field(
        10, ge=0, description="cut 'items in cart', 'Read more...' and 'Sign-in' out of lines of at most so many words"
    )
    max_removed_word_ratio: float | None = Field(0.05, ge=0, description="drop documents that lose more words")

    def rewrite(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The lines that stay, trimmed, without blank ones between them; null stays null."""
        column = batch.column(schema.TEXT)
        text = text_of(column)
        lines = text.lines()
        words = words_in_spans(text.data, lines.start, lines.stop).words
        keeps = self._keeps(text.data, lines, words)
        data = text.data
        if self.snippet_max_words is not None:
            data, lines = _cut_snippets(data, lines, keeps & (words <= self.snippet_max_words))
        left = words_in_spans(data, lines.start, lines.stop).words * keeps
        before = sum_by_document(words, lines.first)
        removed = ratio(before - sum_by_document(left, lines.first), before)
        texts = join_lines(data, lines, keeps & (lines.start < lines.stop))
        batch = set_column(batch, schema.TEXT, replace_text(column, texts.data, texts.offsets))
        return batch if self.max_removed_word_ratio is None else _refuse(batch, removed, self.max_removed_word_ratio)

    def _keeps(self, data: Bytes, lines: Lines, words: npt.NDArray[np.int64]) -> Bools:
        chars = read_lines(data, lines).chars
        keeps = np.ones(len(words), np.bool_)
        if self.max_uppercase_ratio is not None:
            uppercase = count_in_class(data, lines.start, lines.stop, UPPERCASE)
            keeps &= ratio(uppercase, chars) <= self.max_uppercase_ratio
        if self.numbers:
            keeps &= count_in_class(data, lines.start, lines.stop, NUMERIC) < chars
        if self.min_words is not None:
            keeps &= words >= self.min_words
        if self.counters:
            mention = find_phrases(data, lines.start, lines.stop, COUNTED) > 0
            for line in np.flatnonzero(keeps & mention).tolist():
                keeps[line] = _COUNTER.fullmatch(_decode(data, lines, line)) is None
        return keeps


def _cut_snippets(data: Bytes, lines: Lines, candidates: Bools) -> tuple[Bytes, Lines]:
    """Lines that change are written behind the others, and found there."""
    start, stop = lines.start.copy(), lines.stop.copy()
    changed, size = [data], len(data)
    for line in np.flatnonzero(candidates & (find_phrases(data, start, stop, _SNIPPETS) > 0)).tolist():
        shorter = _SNIPPET.sub("", _decode(data, lines, line)).strip().encode()
        changed.append(np.frombuffer(shorter, np.uint8))
        start[line], stop[line] = size, size + len(shorter)
        size += len(shorter)
    return np.concatenate(changed), Lines(lines.first, start, stop)


def _decode(data: Bytes, lines: Lines, line: int) -> str:
    return data[lines.start[line] : lines.stop[line]].tobytes().decode("utf-8", "replace")


def _refuse(batch: pa.RecordBatch, removed: npt.NDArray[np.float64], limit: float) -> pa.RecordBatch:
    refused = removed > limit
    reason = pa.array(["too_many_words_removed" if each else None for each in refused], pa.string())
    value = pa.array(removed, pa.float64(), mask=~refused)
    return set_column(set_column(batch, schema.DROP_REASON, reason), schema.DROP_VALUE, value)
