"""`c4_bad_words`: drop documents with a word of a list, C4's way; the list is the user's.

Source: Raffel et al., Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer
(arXiv 1910.10683), section 2.2; for other languages Xue et al., mT5 (arXiv 2010.11934), section 3.1.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, field_validator

from textmill.filters.per_language import PerLanguage
from textmill.pipeline import schema
from textmill.pipeline.chance import chosen
from textmill.pipeline.verdict import Verdict
from textmill.pipeline.word_lists import ALLOWED, ANY, WITHOUT_BORDERS, by_language, holds_words, load_words, pattern_of


class C4BadWords(PerLanguage):
    """Drop documents in which a word or phrase of a list stands, in any case.

    With lists by language it reads the column `language`; documents in a language without list stay.
    """

    section = "c4_bad_words"

    lists: dict[str, tuple[str, ...]] = Field(
        min_length=1, description="files with an entry a line, by language; those under any are for every document"
    )
    without_borders: tuple[str, ...] = Field(
        WITHOUT_BORDERS, description="languages in which an entry is also found within a run of letters"
    )
    borders: bool = Field(True, description="an entry is found only where no letter, mark or number stands beside it")
    allowed: tuple[str, ...] = Field(ALLOWED, description="entries to pass over; by default those that mT5 passes over")
    keep_fraction: float = Field(0.0, ge=0, le=1, description="share of the documents found to keep, chosen by id")

    @field_validator("lists", mode="before")
    @classmethod
    def _one_file_will_do(cls, lists: object) -> object:
        return by_language(lists)

    def reads(self) -> frozenset[str]:
        """The text, and the language if there are lists by language."""
        by_language = {schema.LANGUAGE} if set(self.lists) != {ANY} else set()
        return frozenset({schema.TEXT, *by_language})

    def depends_on(self) -> tuple[str, ...]:
        """The lists, and the files of languages."""
        return (*(path for paths in self.lists.values() for path in paths), *super().depends_on())

    def prepare(self) -> None:
        """Load the lists. Raises InputError."""
        super().prepare()
        for language in self.lists:
            pattern_of(self._words(language), self._borders(language))

    def judge(self, batch: pa.RecordBatch) -> Verdict:
        """`bad_word`."""
        texts = batch.column(schema.TEXT)
        found = np.zeros(batch.num_rows, np.bool_)
        for language in self.lists:
            rows = np.arange(batch.num_rows)
            if language != ANY:
                column = batch.column(schema.LANGUAGE)
                rows = np.flatnonzero(pc.fill_null(pc.equal(column, language), False))
            some = texts.take(pa.array(rows))
            matches = holds_words(some, self._words(language), borders=self._borders(language))
            found[rows] |= matches.to_numpy(zero_copy_only=False)
        if self.keep_fraction:
            found &= ~chosen(batch.column(schema.ID), self.keep_fraction, "bad words")
        return Verdict.of(batch).drop("bad_word", found)

    def tally(self, batch: pa.RecordBatch) -> dict[str, int]:  # noqa: ARG002
        """Nothing: a language without list or file has nothing to find."""
        return {}

    def _borders(self, language: str) -> bool:
        """Whether entries of the list for a language are whole words."""
        known = self.by_language() if self.per_language else {}
        return known.get(language, self).borders and language not in self.without_borders

    def _words(self, language: str) -> frozenset[str]:
        return load_words(self.lists[language], self.allowed)
