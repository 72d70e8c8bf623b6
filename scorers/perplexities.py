"""The perplexities of a batch of documents, each by the kenlm model of its language, for the steps that add them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from textmill.pipeline import schema
from textmill.scorers.kenlm_model import LanguageModel, card_of, files_of, load_model, log10_probability
from textmill.scorers.kenlm_text import Normalization, Unit

Floats: TypeAlias = npt.NDArray[np.float64]
Paths: TypeAlias = str | dict[str, str]
"""A file for all documents, or one for each language."""


@dataclass(frozen=True)
class Models:
    """The models of a step, and how text is prepared for them; None leaves that to each model's card."""

    model: Paths
    tokenizer: Paths | None = None
    normalize: Normalization | None = None
    unit: Unit | None = None

    def path(self, language: str | None) -> str | None:
        """The model for a language, None if there is none."""
        return self.model if isinstance(self.model, str) else self.model.get(language or "")

    def load(self, language: str, unit: Unit | None = None) -> LanguageModel:
        """The model for a language that has one. Raises ModelError."""
        tokenizer = self.tokenizer.get(language) if isinstance(self.tokenizer, dict) else self.tokenizer
        return load_model(str(self.path(language)), tokenizer, self.normalize, unit or self.unit)

    def languages(self) -> tuple[str, ...]:
        """The languages with a model of their own; one without a name where a model is for all."""
        return tuple(self.model) if isinstance(self.model, dict) else ("",)

    def files(self) -> tuple[str, ...]:
        """Every file that determines what the models give."""
        found: dict[str, None] = {}
        for language in self.languages():
            tokenizer = self.tokenizer.get(language) if isinstance(self.tokenizer, dict) else self.tokenizer
            found |= dict.fromkeys(files_of(str(self.path(language)), tokenizer))
        return tuple(found)

    def libraries(self) -> tuple[str, ...]:
        """What scores; and what tokenizes, where something does."""
        cards = [card_of(str(self.path(language))) for language in self.languages()]
        splits = self.tokenizer is not None or any(card.tokenizer for card in cards)
        return ("kenlm", "sentencepiece") if splits else ("kenlm",)

    def load_all(self) -> None:
        """Load every model. Raises ModelError."""
        for language in self.languages():
            self.load(language)

    def groups(self, batch: pa.RecordBatch) -> Iterator[tuple[str, pa.Array, npt.NDArray[np.int64]]]:
        """The texts of each language that has a model, and which rows of the batch they are."""
        text = batch.column(schema.TEXT)
        if isinstance(self.model, str):
            yield "", text, np.arange(batch.num_rows)
            return
        language = batch.column(schema.LANGUAGE)
        for name in self.model:
            rows = np.flatnonzero(pc.fill_null(pc.equal(language, name), False).to_numpy(zero_copy_only=False))
            if len(rows):
                yield name, text.take(pa.array(rows)), rows

    def tally(self, batch: pa.RecordBatch, column: str) -> dict[str, int]:
        """How many rows have null in `column`, by why: there is no model for their language, or no word in them."""
        missing = batch.filter(pc.is_null(batch.column(column)))
        served = sum(len(rows) for _, _, rows in self.groups(missing))
        counts = {"without_model": missing.num_rows - served, "without_words": served}
        return {reason: count for reason, count in counts.items() if count}


def perplexities(batch: pa.RecordBatch, models: Models) -> Floats:
    """The perplexity of each document; NaN for one without a word, or without a model."""
    found = np.full(batch.num_rows, np.nan)
    for language, texts, rows in models.groups(batch):
        found[rows] = document_perplexities(models.load(language), texts)
    return found


def document_perplexities(model: LanguageModel, texts: pa.Array) -> Floats:
    """The perplexity of each text; NaN for one without a word."""
    tokens = model.tokenize(texts)
    log10 = _sums(log10_probabilities(model.kenlm, tokens.texts, tokens.counts), tokens.first)
    length = _sums(tokens.counts + 1, tokens.first)
    found = np.full(len(texts), np.nan)
    told = length > 0
    found[told] = perplexity(log10[told], length[told])
    return found


def line_perplexities(batch: pa.RecordBatch, models: Models) -> pa.Array:
    """The perplexity of each line that has a word, as lists of float32; null for a document without a model."""
    lists: list[Floats | None] = [None] * batch.num_rows
    for language, texts, rows in models.groups(batch):
        model = models.load(language, "line")
        tokens = model.tokenize(texts)
        found = perplexity(log10_probabilities(model.kenlm, tokens.texts, tokens.counts), tokens.counts + 1)
        for row, begin, end in zip(rows, tokens.first[:-1], tokens.first[1:], strict=True):
            lists[row] = found[begin:end]
    return pa.array(lists, pa.list_(pa.float32()))


def perplexity(log10: Floats, length: npt.NDArray[Any]) -> Floats:
    """10^(-log10 / length): `log10` the probability of so many tokens, ends of sentences included."""
    return np.asarray(10.0 ** (-log10 / length))


def log10_probabilities(kenlm: Any, texts: Sequence[bytes], counts: npt.NDArray[np.int64]) -> Floats:
    """log10 p of each sentence, its end included."""
    asked = (log10_probability(kenlm, text, tokens) for text, tokens in zip(texts, counts.tolist(), strict=True))
    return np.fromiter(asked, np.float64, len(texts))


def _sums(values: npt.NDArray[Any], first: npt.NDArray[np.int64]) -> Floats:
    """The sum of ``values[first[i]:first[i + 1]]`` for each i."""
    rows = np.repeat(np.arange(len(first) - 1), np.diff(first))
    return np.bincount(rows, values, len(first) - 1).astype(np.float64)


def nullable(values: Floats) -> pa.Array:
    """A column with nulls for NaN."""
    return pa.array(values, pa.float64(), mask=np.isnan(values))
