"""`toxic_words`: how many words and phrases of a list stand in a document, as columns; it drops nothing.

Filters for toxicity lower what a model scores on benchmarks along with what it says (Longpre et al. 2023, A
Pretrainer's Guide to Training Data, arXiv 2305.13169): measure, and decide by use.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, field_validator

from textmill.pipeline import schema
from textmill.pipeline.step import Scorer
from textmill.pipeline.text import text_of
from textmill.pipeline.word_lists import (
    ALLOWED,
    ANY,
    WITHOUT_BORDERS,
    by_language,
    count_words,
    holds_words,
    load_words,
    pattern_of,
)


class ToxicWords(Scorer):
    """Add how many entries of a list stand in a document, in any case, and how many that is a word.

    With lists by language it reads the column `language`; in a language without list both columns are null, for
    nothing is known. Without words there is no density.
    """

    lists: dict[str, tuple[str, ...]] = Field(
        min_length=1, description="files with an entry a line, by language; those under any are for every document"
    )
    column: str = Field("toxic_words", min_length=1, description="name of the count; COLUMN_density is the other one")
    without_borders: tuple[str, ...] = Field(
        WITHOUT_BORDERS, description="languages in which an entry is also found within a run of letters"
    )
    allowed: tuple[str, ...] = Field(ALLOWED, description="entries to pass over; by default those that mT5 passes over")

    @field_validator("lists", mode="before")
    @classmethod
    def _one_file_will_do(cls, lists: object) -> object:
        return by_language(lists)

    @property
    def density(self) -> str:
        """Name of the column of entries a word."""
        return f"{self.column}_density"

    def reads(self) -> frozenset[str]:
        """The text, and the language if there are lists by language."""
        by_language = {schema.LANGUAGE} if set(self.lists) != {ANY} else set()
        return frozenset({schema.TEXT, *by_language})

    def adds(self) -> frozenset[str]:
        """The count, and the density."""
        return frozenset({self.column, self.density})

    def depends_on(self) -> tuple[str, ...]:
        """The lists."""
        return tuple(path for paths in self.lists.values() for path in paths)

    def prepare(self) -> None:
        """Load the lists. Raises InputError."""
        for language in self.lists:
            pattern_of(self._words(language), language not in self.without_borders)

    def score(self, batch: pa.RecordBatch) -> dict[str, pa.Array]:
        """The count: int32; the density: float32, entries a word."""
        texts = batch.column(schema.TEXT)
        counts = np.full(batch.num_rows, -1)
        for language, rows in self._rows(batch):
            counts[rows] = self._count(texts.take(pa.array(rows)), language)
        words = np.diff(text_of(texts).words().first)
        known = counts >= 0
        with np.errstate(invalid="ignore", divide="ignore"):
            density = np.where(words > 0, counts / words, 0)
        return {
            self.column: pa.array(counts, pa.int32(), mask=~known),
            self.density: pa.array(density, pa.float32(), mask=~(known & (words > 0))),
        }

    def tally(self, batch: pa.RecordBatch) -> dict[str, int]:
        """Documents with an entry, and those in a language without list."""
        counts = batch.column(self.column)
        return {"with_entries": pc.sum(pc.greater(counts, 0)).as_py() or 0, "without_list": counts.null_count}

    def _rows(self, batch: pa.RecordBatch) -> Iterator[tuple[str, npt.NDArray[np.int64]]]:
        """Languages that have a list, or `any`, and the rows that these are for."""
        languages = sorted(set(self.lists) - {ANY})
        left = np.ones(batch.num_rows, np.bool_)
        for language in languages:
            mine = pc.fill_null(pc.equal(batch.column(schema.LANGUAGE), language), False)
            mask = mine.to_numpy(zero_copy_only=False)
            left &= ~mask
            yield language, np.flatnonzero(mask)
        if ANY in self.lists:
            yield ANY, np.flatnonzero(left)

    def _count(self, texts: pa.Array, language: str) -> npt.NDArray[np.int64]:
        """Counting takes its time, so it is for the texts that hold an entry at all."""
        words, borders = self._words(language), language not in self.without_borders
        rows = np.flatnonzero(holds_words(texts, words, borders=borders).to_numpy(zero_copy_only=False))
        counts = np.zeros(len(texts), np.int64)
        counts[rows] = count_words(texts.take(pa.array(rows)), words, borders=borders).to_numpy()
        return counts

    def _words(self, language: str) -> frozenset[str]:
        """The entries for documents in a language: its own and those for every document."""
        paths = dict.fromkeys((*self.lists[language], *self.lists.get(ANY, ())))
        return load_words(tuple(paths), self.allowed)
