"""`confusable_language`: drop documents that a model takes for a language of few speakers, but that no word confirms.

Source: the precision filtering of Penedo et al., FineWeb2 (arXiv 2506.20920): of what a classifier calls a rare
language much is a frequent relative of it. A document stays if its URL speaks for the language, or if a word occurs
in it that hardly any other language has.
"""

import re
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, field_validator

from textmill.pipeline import schema
from textmill.pipeline.arrow import Bools
from textmill.pipeline.kernels.documents import ratio
from textmill.pipeline.kernels.words import count_words, word_keys
from textmill.pipeline.lists import load_lists
from textmill.pipeline.step import Filter
from textmill.pipeline.text import text_of
from textmill.pipeline.verdict import Verdict
from textmill.pipeline.word_lists import by_language

_WORD_OF_URL: Final = re.compile(r"[a-z0-9]+")


class ConfusableLanguage(Filter):
    """Keep documents in the languages that have a list only if a word of it occurs, or the URL names the language.

    `textmill precision-words` makes the lists. Documents in other languages stay. Words are those of every filter, in
    any case: one with punctuation beside it is another word.
    """

    lists: dict[str, tuple[str, ...]] = Field(min_length=1, description="files with a word a line, by language")
    url_words: dict[str, tuple[str, ...]] = Field(
        {}, description="words that in a URL speak for a language, by language: codes, names, domains such as no"
    )
    min_ratio: float = Field(0.0, ge=0, lt=1, description="share of words of the list that must be exceeded")

    @field_validator("lists", "url_words", mode="before")
    @classmethod
    def _one_will_do(cls, lists: object) -> object:
        return by_language(lists)

    def reads(self) -> frozenset[str]:
        """The text, its language and, where it matters, the URL."""
        return frozenset({schema.TEXT, schema.LANGUAGE, *({schema.URL} if self.url_words else ())})

    def depends_on(self) -> tuple[str, ...]:
        """The lists."""
        return tuple(path for paths in self.lists.values() for path in paths)

    def prepare(self) -> None:
        """Load the lists. Raises InputError."""
        for language in self.lists:
            _keys(_words(self.lists[language]))

    def judge(self, batch: pa.RecordBatch) -> Verdict:
        """`unconfirmed_language`, with the share of words that are on the list."""
        text = text_of(batch.column(schema.TEXT))
        words = text.words()
        share, unconfirmed = np.full(batch.num_rows, np.nan), np.zeros(batch.num_rows, np.bool_)
        labels = batch.column(schema.LANGUAGE)
        for language in self.lists:
            rows = np.flatnonzero(pc.fill_null(pc.equal(labels, language), False))
            if len(rows):
                found = count_words(words.first, words.keys, _keys(_words(self.lists[language])), rows)
                share[rows] = ratio(found.total, np.diff(words.first)[rows])
                unconfirmed[rows] = (share[rows] <= self.min_ratio) & ~self._named(batch, language, rows)
        return Verdict.of(batch).drop("unconfirmed_language", unconfirmed, value=share, threshold=self.min_ratio)

    def _named(self, batch: pa.RecordBatch, language: str, rows: npt.NDArray[np.int64]) -> Bools:
        """Whether the URL of each row has one of the language's words as a word of its own."""
        wanted = frozenset(self.url_words.get(language, ()))
        if not wanted:
            return np.zeros(len(rows), np.bool_)
        urls = batch.column(schema.URL).take(pa.array(rows)).to_pylist()
        return np.array([not wanted.isdisjoint(_WORD_OF_URL.findall((url or "").lower())) for url in urls], np.bool_)


def _words(paths: tuple[str, ...]) -> frozenset[str]:
    words: frozenset[str] = load_lists(paths, _one_word, frozenset)
    return words


def _one_word(entry: str) -> str:
    word_keys([entry])
    return entry


@lru_cache(maxsize=256)
def _keys(words: frozenset[str]) -> npt.NDArray[np.uint64]:
    return np.unique(word_keys(sorted(words)))
