"""`quality_signals`: the statistics that RedPajama-v2 publishes of every document, as columns to choose thresholds by.

Source: Weber et al., RedPajama: an Open Dataset for Training Large Language Models (arXiv 2411.12372), table 3,
and its code. The names are theirs, misprint and all, so that published thresholds apply.
"""

from typing import Final, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import zstandard
from pydantic import Field

from textmill.pipeline import schema
from textmill.pipeline.arrow import text_buffers
from textmill.pipeline.kernels.documents import count_code_points, sum_by_document
from textmill.pipeline.kernels.lines import Lines, read_lines, trimmed, whole_lines
from textmill.pipeline.kernels.repeats import DUPLICATE_SIZES, TOP_SIZES, repeated_ngrams
from textmill.pipeline.kernels.substrings import count_substring, ends_with, starts_with
from textmill.pipeline.kernels.unicode import UPPERCASE, count_in_class
from textmill.pipeline.kernels.words import Words, split_words, word_keys
from textmill.pipeline.step import Scorer
from textmill.scorers.signal_kernels import count_pair, count_raw, measure_lines, variety

Numbers: TypeAlias = npt.NDArray[np.float64]
Buffers: TypeAlias = tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]
Group: TypeAlias = Literal["natural_language", "content", "repetition", "lines", "compression"]

PRECISION: Final = 8
"""Decimals that RedPajama-v2 keeps."""
_NATURAL_LANGUAGE: Final = (
    "word_count",
    "num_sentences",
    "mean_word_length",
    "symbol_to_word_ratio",
    "frac_lines_end_with_ellipsis",
    "frac_no_alph_words",
    "frac_unique_words",
    "unigram_entropy",
    "frac_all_caps_words",
)
_CONTENT: Final = ("curly_bracket", "lorem_ipsum")
_REPETITION: Final = (
    *(f"frac_chars_top_{size}gram" for size in TOP_SIZES),
    *(f"frac_chars_dupe_{size}grams" for size in DUPLICATE_SIZES),
)
_LINES: Final = (
    "num_words",
    "ending_with_terminal_punctution_mark",
    "uppercase_letter_fraction",
    "numerical_chars_fraction",
    "start_with_bulletpoint",
    "javascript_counts",
)
_NAMES: Final[dict[Group, tuple[str, ...]]] = {
    "natural_language": tuple(f"rps_doc_{name}" for name in _NATURAL_LANGUAGE),
    "content": tuple(f"rps_doc_{name}" for name in _CONTENT),
    "repetition": tuple(f"rps_doc_{name}" for name in _REPETITION),
    "lines": tuple(f"rps_lines_{name}" for name in _LINES),
    "compression": ("compression_ratio",),
}
_BULLETS: Final = ("•", "‣", "▶", "◀", "◦", "■", "□", "▪", "▫", "–")
_TERMINAL: Final = (".", "!", "?", "”")
_ELLIPSES: Final = ("...", "…")
_STOP_WORDS: Final = "rps_doc_stop_word_fraction"


class QualitySignals(Scorer):
    """Add the quality signals of RedPajama-v2 that need no model, and the compression ratio; drop nothing.

    `rps_doc_*` are numbers, null for a document without words where there is nothing to divide by. `rps_lines_*` are
    lists with a number for each line, blank ones included.
    """

    groups: tuple[Group, ...] = Field(
        ("natural_language", "content", "repetition", "compression"),
        min_length=1,
        description="which signals; lines are many numbers a document",
    )
    stop_words: tuple[str, ...] = Field(
        (), description="words, in the case in which they are counted; any add " + _STOP_WORDS
    )

    def adds(self) -> frozenset[str]:
        """The signals."""
        own = {_STOP_WORDS} if self.stop_words else set()
        return frozenset({name for group in self.groups for name in _NAMES[group]} | own)

    def libraries(self) -> tuple[str, ...]:
        """Another version of zstd may compress otherwise."""
        return ("zstandard",) if "compression" in self.groups else ()

    def score(self, batch: pa.RecordBatch) -> dict[str, pa.Array]:
        """Columns of float64, and of lists of float32 for lines."""
        column = batch.column(schema.TEXT)
        raw, plain = _buffers(column), _buffers(normalized(column))
        words = split_words(*plain, by_spaces_only=True)
        found: dict[str, pa.Array] = {}
        if "natural_language" in self.groups or self.stop_words:
            found |= _natural_language(raw, words, self.stop_words)
        if "content" in self.groups:
            found |= _content(raw, words)
        if "repetition" in self.groups:
            found |= _repetition(words)
        if "lines" in self.groups:
            found |= _lines(raw, plain)
        if "compression" in self.groups:
            found["compression_ratio"] = pa.array(map(_compression, column.to_pylist()), pa.float64())
        return {name: values for name, values in found.items() if name in self.adds()}


def normalized(column: pa.Array) -> pa.Array:
    """The text without ASCII punctuation, in lower case, decomposed (NFD); white space stays."""
    bare = pc.replace_substring_regex(column, r"[[:punct:]]", "")
    return pc.utf8_normalize(pc.utf8_lower(bare), form="NFD")


def _buffers(column: pa.Array) -> Buffers:
    data, offsets, _ = text_buffers(column)
    return data, offsets


def _share(part: npt.NDArray[np.generic], whole: npt.NDArray[np.int64]) -> pa.Array:
    """part / whole, rounded; null where the whole is 0."""
    empty = whole == 0
    return pa.array(np.round(part / np.where(empty, 1, whole), PRECISION), mask=empty)


def _natural_language(raw: Buffers, words: Words, stop_words: tuple[str, ...]) -> dict[str, pa.Array]:
    counts, lines = count_raw(*raw, stop_words), whole_lines(*raw)
    total = np.diff(words.first)
    varied = variety(words.first, words.keys)
    symbols = np.sum([count_substring(*raw, symbol) for symbol in ("#", *_ELLIPSES)], axis=0)
    trailing = sum_by_document(_ends(raw[0], lines, _ELLIPSES), lines.first)
    found = {
        "word_count": pa.array(total.astype(np.float64)),
        "num_sentences": pa.array(counts.sentences.astype(np.float64)),
        "mean_word_length": _share(sum_by_document(words.chars, words.first), total),
        "symbol_to_word_ratio": _share(symbols, counts.words),
        "frac_lines_end_with_ellipsis": _share(trailing, np.diff(lines.first)),
        "frac_no_alph_words": _share(counts.words - counts.latin, counts.words),
        "frac_unique_words": _share(varied.distinct, total),
        "unigram_entropy": pa.array(np.round(varied.entropy, PRECISION), mask=total == 0),
        "frac_all_caps_words": _share(counts.capitals, counts.words),
    }
    if stop_words:
        found["stop_word_fraction"] = _share(counts.sought, counts.words)
    return {f"rps_doc_{name}": values for name, values in found.items()}


def _content(raw: Buffers, words: Words) -> dict[str, pa.Array]:
    brackets = count_substring(*raw, "{") + count_substring(*raw, "}")
    lorem = count_pair(words.first, words.keys, word_keys(["lorem", "ipsum"]))
    spaced = sum_by_document(words.chars, words.first) + np.maximum(np.diff(words.first) - 1, 0)
    return {
        "rps_doc_curly_bracket": pc.fill_null(_share(brackets, count_code_points(*raw)), 0.0),
        "rps_doc_lorem_ipsum": pc.fill_null(_share(lorem, spaced), 0.0),
    }


def _repetition(words: Words) -> dict[str, pa.Array]:
    chars = sum_by_document(words.chars, words.first)
    earliest = repeated_ngrams(words.first, words.keys, words.chars, after_first=True)
    covered = repeated_ngrams(words.first, words.keys, words.chars, after_first=False)
    top = {
        f"rps_doc_frac_chars_top_{size}gram": earliest.top[:, i] * (earliest.top_count[:, i] > 1)
        for i, size in enumerate(TOP_SIZES)
    }
    dupes = {f"rps_doc_frac_chars_dupe_{size}grams": covered.duplicate[:, i] for i, size in enumerate(DUPLICATE_SIZES)}
    return {name: pc.fill_null(_share(part, chars), 0.0) for name, part in (top | dupes).items()}


def _lines(raw: Buffers, plain: Buffers) -> dict[str, pa.Array]:
    data, lines = raw[0], whole_lines(*raw)
    ended = lines.stop < np.repeat(raw[1][1:], np.diff(lines.first))  # by a newline, which counts as a character
    chars = read_lines(data, lines).chars + ended
    bare = trimmed(data, lines)
    counts = measure_lines(*plain, lines.first, "javascript")
    values = (
        counts.words,
        _ends(data, lines, _TERMINAL),
        np.round(count_in_class(data, lines.start, lines.stop, UPPERCASE) / np.maximum(chars, 1), PRECISION),
        np.round(counts.numeric / np.maximum(counts.chars, 1), PRECISION),
        np.any([starts_with(data, bare.start, bare.stop, bullet) for bullet in _BULLETS], axis=0),
        counts.sought,
    )
    offsets = pa.array(lines.first - lines.first[0], pa.int32())
    return {
        name: pa.ListArray.from_arrays(offsets, pa.array(np.asarray(value, np.float32)))
        for name, value in zip(_NAMES["lines"], values, strict=True)
    }


def _ends(data: npt.NDArray[np.uint8], lines: Lines, marks: tuple[str, ...]) -> npt.NDArray[np.bool_]:
    """Whether each line, without the white space after it, ends with one of `marks`."""
    bare = trimmed(data, lines)
    found = [ends_with(data, bare.start, bare.stop, mark) for mark in marks]
    return np.asarray(np.any(found, axis=0))


def _compression(text: str | None) -> float | None:
    """Bytes after compression by zstd to bytes before."""
    if not text:
        return None
    content = text.encode()
    return len(zstandard.compress(content, 3)) / len(content)
