"""`chinese_web`: the rules of EvalWeb for web pages in Chinese.

Source: Chen et al., ChineseWebText: Large-scale High-quality Chinese Web Text Extracted with Effective Evaluation Model
(arXiv 2311.01149), section 3.1.
"""

from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field

from textmill.pipeline import schema
from textmill.pipeline.kernels import kernel
from textmill.pipeline.kernels.documents import count_code_points, ratio, sum_by_document
from textmill.pipeline.kernels.repeats import repeated_items
from textmill.pipeline.kernels.shingles import character_shingles
from textmill.pipeline.kernels.substrings import count_substring
from textmill.pipeline.kernels.unicode import CODE_POINTS, decode
from textmill.pipeline.lists import load_lists
from textmill.pipeline.step import Filter
from textmill.pipeline.text import text_of
from textmill.pipeline.verdict import Verdict

_HAN: Final = ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x323AF))
_CHINESE: Final = np.uint8(1)
_TRADITIONAL: Final = np.uint8(2)
_SIMPLIFIED: Final = np.uint8(4)


class ChineseWeb(Filter):
    """Keep pages in simplified Chinese that are text: long enough, in long lines, not repeated, not spam.

    A character is traditional if Big5 has it and GB 2312 does not, simplified if the other way round; a page with more
    of the first is in traditional script. A rule set to null is not applied.
    """

    min_mean_line_length: float | None = Field(10, ge=0, description="characters of a line that is not blank")
    min_chars: int | None = Field(200, ge=0, description="characters")
    min_chinese_ratio: float | None = Field(0.3, ge=0, le=1, description="share of Chinese characters")
    traditional: bool = Field(False, description="keep pages in traditional script")
    sensitive_words: tuple[str, ...] = Field((), description="files of the user's with a word a line")
    max_sensitive_words_per_line: float | None = Field(0.5, ge=0, description="a page with as many leaves")
    max_repeated_13gram_ratio: float | None = Field(0.5, ge=0, description="share of runs of 13 characters met twice")

    def depends_on(self) -> tuple[str, ...]:
        """The lists."""
        return self.sensitive_words

    def prepare(self) -> None:
        """Load the lists. Raises InputError."""
        load_lists(self.sensitive_words, str, frozenset)

    def judge(self, batch: pa.RecordBatch) -> Verdict:
        """The first broken rule, in the order of the parameters."""
        column = batch.column(schema.TEXT)
        text = text_of(column)
        lines, said = text.lines(), text.line_texts()
        line_count = np.diff(lines.first)
        chars = count_code_points(text.data, text.offsets)
        chinese, traditional, simplified = count_scripts(text.data, text.offsets)
        verdict = Verdict.of(batch)
        if (limit := self.min_mean_line_length) is not None:
            mean = ratio(sum_by_document(said.chars, said.first), line_count)
            verdict = verdict.drop("mean_line_too_short", mean < limit, value=mean, threshold=limit)
        if (limit := self.min_chars) is not None:
            verdict = verdict.drop("too_few_chars", chars < limit, value=chars, threshold=limit)
        if (limit := self.min_chinese_ratio) is not None:
            share = ratio(chinese, chars)
            verdict = verdict.drop("too_little_chinese", share < limit, value=share, threshold=limit)
        if not self.traditional:
            verdict = verdict.drop("traditional_script", traditional > simplified, value=traditional)
        if (limit := self.max_sensitive_words_per_line) is not None and self.sensitive_words:
            density = ratio(self._sensitive(text.data, text.offsets), line_count)
            verdict = verdict.drop("too_many_sensitive_words", density >= limit, value=density, threshold=limit)
        if (limit := self.max_repeated_13gram_ratio) is not None:
            runs = character_shingles(text.data, text.offsets, 13)
            met = repeated_items(runs.first, runs.hashes, np.ones(len(runs.hashes), np.int64)).all
            share = ratio(met, np.diff(runs.first))
            verdict = verdict.drop("too_many_repeated_13grams", share > limit, value=share, threshold=limit)
        return verdict

    def _sensitive(self, data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        words = sorted(load_lists(self.sensitive_words, str, frozenset))
        counts = np.zeros(len(offsets) - 1, np.int64)
        for word in words:
            counts += count_substring(data, offsets, word)
        return counts


def count_scripts(
    data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Of each document its Chinese characters, the traditional ones among them, and the simplified ones."""
    return _count_scripts(data, offsets, _scripts())


@kernel
def _count_scripts(
    data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64], scripts: npt.NDArray[np.uint8]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    documents = len(offsets) - 1
    counts = np.zeros((3, documents), np.int64)
    for document in range(documents):
        at, end = offsets[document], offsets[document + 1]
        while at < end:
            code_point, at = decode(data, at, end)
            kind = scripts[code_point]
            counts[0, document] += kind & _CHINESE != 0
            counts[1, document] += kind & _TRADITIONAL != 0
            counts[2, document] += kind & _SIMPLIFIED != 0
    return counts[0], counts[1], counts[2]


@cache
def _scripts() -> npt.NDArray[np.uint8]:
    """What each code point is: the character sets of the two scripts tell them apart."""
    table = np.zeros(CODE_POINTS, np.uint8)
    for first, last in _HAN:
        table[first : last + 1] = _CHINESE
    for code_point in range(0x4E00, 0xA000):
        big5, gb = _has("big5", code_point), _has("gb2312", code_point)
        if big5 != gb:
            table[code_point] |= _TRADITIONAL if big5 else _SIMPLIFIED
    return table


def _has(charset: str, code_point: int) -> bool:
    try:
        chr(code_point).encode(charset)
    except UnicodeEncodeError:
        return False
    return True
