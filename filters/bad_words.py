"""`c4_bad_words`: drop documents with a word of a list, C4's way; the list is the user's.

Source: Raffel et al., Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer
(arXiv 1910.10683), section 2.2; for other languages Xue et al., mT5 (arXiv 2010.11934), section 3.1.
"""

import re
from functools import lru_cache
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, field_validator

from textmill.filters.lists import load_lists
from textmill.pipeline import schema
from textmill.pipeline.errors import InputError
from textmill.pipeline.step import Filter
from textmill.pipeline.verdict import Verdict

ANY: Final = "any"
_NO_WORD: Final = r"[^\p{L}\p{M}\p{N}_]"
_SPECIAL: Final = re.compile(r"([!-/:-@\[-`{-~])")


class C4BadWords(Filter):
    """Drop documents in which a word or phrase of a list stands, in any case.

    With lists by language it reads the column `language`; documents in a language without list stay.
    """

    lists: dict[str, tuple[str, ...]] = Field(
        min_length=1, description="files with an entry a line, by language; those under any are for every document"
    )
    without_borders: tuple[str, ...] = Field(
        ("ja", "th", "zh"), description="languages in which an entry is also found within a run of letters"
    )
    allowed: tuple[str, ...] = Field(
        ("sm", "グロ", "女の子", "性"), description="entries to pass over; by default those that mT5 passes over"
    )

    @field_validator("lists", mode="before")
    @classmethod
    def _one_file_will_do(cls, lists: object) -> object:
        if isinstance(lists, dict):
            return {name: (paths,) if isinstance(paths, str) else paths for name, paths in lists.items()}
        return lists

    def reads(self) -> frozenset[str]:
        """The text, and the language if there are lists by language."""
        by_language = {schema.LANGUAGE} if set(self.lists) != {ANY} else set()
        return frozenset({schema.TEXT, *by_language})

    def depends_on(self) -> tuple[str, ...]:
        """The lists."""
        return tuple(path for paths in self.lists.values() for path in paths)

    def prepare(self) -> None:
        """Load the lists. Raises InputError."""
        for language in self.lists:
            self._pattern(language)

    def judge(self, batch: pa.RecordBatch) -> Verdict:
        """`bad_word`."""
        texts = batch.column(schema.TEXT)
        found = np.zeros(batch.num_rows, np.bool_)
        for language in self.lists:
            rows = np.arange(batch.num_rows)
            if language != ANY:
                column = batch.column(schema.LANGUAGE)
                rows = np.flatnonzero(pc.fill_null(pc.equal(column, language), False))
            pattern = self._pattern(language)
            if pattern is not None:
                matches = pc.match_substring_regex(texts.take(pa.array(rows)), pattern, ignore_case=True)
                found[rows] |= pc.fill_null(matches, False).to_numpy(zero_copy_only=False)
        return Verdict.of(batch).drop("bad_word", found)

    def _pattern(self, language: str) -> str | None:
        words = load_lists(self.lists[language], str, frozenset)
        return _pattern_of(words.difference(self.allowed), language not in self.without_borders)


@lru_cache(maxsize=64)
def _pattern_of(words: frozenset[str], borders: bool) -> str | None:
    """A regular expression of RE2; None for an empty list. Raises InputError for more words than it can hold."""
    if not words:
        return None
    either = "|".join(_SPECIAL.sub(r"\\\1", word) for word in sorted(words))
    pattern = f"(?:^|{_NO_WORD})(?:{either})(?:{_NO_WORD}|$)" if borders else either
    try:
        pc.match_substring_regex(pa.array([""]), pattern, ignore_case=True)
    except pa.ArrowInvalid as error:
        raise InputError(f"c4_bad_words: a list of {len(words)} entries is too long: {error}") from error
    return pattern
