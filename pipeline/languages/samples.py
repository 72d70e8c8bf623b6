"""What the filters measure of text in each language, gathered batch by batch; of the text itself a sample is kept."""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from textmill.filters.per_language import PerLanguage
from textmill.pipeline import schema
from textmill.pipeline.arrow import set_column
from textmill.pipeline.kernels.unicode import UNSPACED, unicode_tables
from textmill.pipeline.languages.rules import Values
from textmill.scorers.language import Language

FEW: Final = 1000
"""Documents below which a language counts as one of which little is known."""
SAMPLE: Final = 2000
"""Documents of a language whose text is kept."""


@dataclass(frozen=True)
class Sources:
    """How inputs are read, and what the files say of them.

    documents: at most so many of a language from each input. model: tells languages where the column does not, and how
    sure they are. also: other labels, by language. about: what the evidence says of the reference.
    """

    documents: int = 40_000
    model: str = "lid176"
    language_column: str = "language"
    text_column: str = "text"
    also: Mapping[str, Sequence[str]] = field(default_factory=dict)
    about: str = ""


@dataclass
class Measured:
    """What was measured of the documents in one language.

    values: a number a document, by the name of a threshold. scores: how sure the language is, where the model agrees
    with it. words: how often each word of letters alone occurs, in lower case. sample: the first documents.
    """

    documents: int = 0
    characters: int = 0
    values: dict[str, Values] = field(default_factory=dict)
    scores: Values = field(default_factory=lambda: np.empty(0))
    words: Counter[str] = field(default_factory=Counter)
    sample: list[str] = field(default_factory=list)
    parts: dict[str, list[Values]] = field(default_factory=dict)

    def frequent_words(self, share: float) -> list[str]:
        """Words that make up more than `share` of all, the most frequent first."""
        least = share * self.words.total()
        found = [word for word, count in self.words.most_common(1000) if count > least]
        return sorted(found, key=lambda word: (-self.words[word], word))


def measure(
    batches: Iterable[pa.RecordBatch],
    languages: Sequence[str],
    steps: dict[str, tuple[PerLanguage, str]],
    *,
    documents: int,
    model: str = "lid176",
    language_column: str = schema.LANGUAGE,
) -> dict[str, Measured]:
    """Measure the first `documents` of each of `languages`.

    steps: by the name of a measure, the filter that makes it and the reason under which. The language is that of
    `language_column` where the rows have it, else what `model` says. Raises ModelError for a model that is missing.
    """
    found = {language: Measured() for language in languages}
    for batch in batches:
        for language, rows in _by_language(batch, languages, model, language_column):
            measured = found[language]
            if some := min(rows.num_rows, documents - measured.documents):
                _add(measured, rows.slice(0, some), steps)
    for measured in found.values():
        measured.values = {name: _joined(measured.parts.get(name, [])) for name in steps}
        measured.scores = _joined(measured.parts.get(schema.LANGUAGE_SCORE, []))
        measured.parts = {}
    return found


def _joined(parts: list[Values]) -> Values:
    return np.concatenate(parts) if parts else np.empty(0)


def _by_language(
    batch: pa.RecordBatch, languages: Sequence[str], model: str, language_column: str
) -> Iterator[tuple[str, pa.RecordBatch]]:
    """The rows of each language, with how sure the model is of it; null where it says another."""
    stated = batch.column(language_column).cast(pa.string()) if language_column in batch.schema.names else None
    if stated is not None:
        wanted = pc.is_in(stated, pa.array(languages, pa.string()))
        batch, stated = batch.filter(wanted), stated.filter(wanted)
    batch = batch.select([schema.ID, schema.SOURCE, schema.TEXT])
    batch = Language(model=model).apply(batch)[0]
    labels, scores = batch.column(schema.LANGUAGE), batch.column(schema.LANGUAGE_SCORE)
    if stated is not None:
        scores = pc.if_else(pc.equal(labels, stated), scores, pa.scalar(None, pa.float32()))
        labels = stated
    batch = set_column(set_column(batch, schema.LANGUAGE, labels), schema.LANGUAGE_SCORE, scores)
    for language in languages:
        yield language, batch.filter(pc.fill_null(pc.equal(labels, language), False))


def _add(measured: Measured, rows: pa.RecordBatch, steps: dict[str, tuple[PerLanguage, str]]) -> None:
    texts = rows.column(schema.TEXT)
    measured.documents += rows.num_rows
    measured.characters += pc.sum(pc.utf8_length(texts)).as_py()
    scores = rows.column(schema.LANGUAGE_SCORE).drop_null().to_numpy(zero_copy_only=False)
    measured.parts.setdefault(schema.LANGUAGE_SCORE, []).append(scores.astype(np.float64))
    for step in {id(step): step for step, _ in steps.values()}.values():
        rules = {rule.reason: rule.values for rule in step.judge(rows).rules}
        for name, (owner, reason) in steps.items():
            if owner is step:
                measured.parts.setdefault(name, []).append(rules[reason])
    for text in texts.to_pylist():
        measured.words.update(letter_words(text))
        if len(measured.sample) < SAMPLE:
            measured.sample.append(text)


def letter_words(text: str) -> list[str]:
    """The words of a text that are letters and marks alone, in lower case; as the kernels split words."""
    return [word for run in text.lower().split() for word in _split(run) if _is_letters(word)]


def _split(run: str) -> Iterator[str]:
    """A run between whitespace; in scripts without spaces each letter, mark and number is a word."""
    if run.isascii():
        yield run
        return
    classes = unicode_tables().classes
    begin = 0
    for at, character in enumerate(run):
        if classes[ord(character)] & UNSPACED:
            if begin < at:
                yield run[begin:at]
            yield character
            begin = at + 1
    if begin < len(run):
        yield run[begin:]


def _is_letters(word: str) -> bool:
    return word.isalpha() or all(unicodedata.category(character)[0] in "LM" for character in word)
