"""`blocked_url`: drop documents by their address, before anything is spent on their content."""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from textmill.pipeline import schema
from textmill.pipeline.arrow import Bools, bools
from textmill.pipeline.lists import HashSet, load_lists
from textmill.pipeline.step import Filter
from textmill.pipeline.url_lists import load_domains, load_pages, on_domains, on_pages
from textmill.pipeline.urls import address_of
from textmill.pipeline.verdict import Verdict

_WORD: Final = re.compile(r"[^\W_]+")


class BlockedUrl(Filter):
    """Drop documents whose URL is on a list, or made of words that are; documents without URL stay.

    Every list is a text file, an entry a line. `configs/lists/README.md` tells what each holds.
    """

    domains: tuple[str, ...] = Field((), description="lists of hosts: each blocks itself and all below it")
    urls: tuple[str, ...] = Field((), description="lists of URLs: each blocks one page")
    hard_words: tuple[str, ...] = Field((), description="lists of words of which one is enough")
    soft_words: tuple[str, ...] = Field((), description="lists of words of which it takes several")
    min_soft_words: int = Field(2, ge=1, description="how many different soft words it takes")
    substrings: tuple[str, ...] = Field((), description="lists of letters and digits that block within words too")

    @model_validator(mode="after")
    def _some_list(self) -> Self:
        if not self.depends_on():
            raise ValueError("give at least one list")
        return self

    def reads(self) -> frozenset[str]:
        """The URL."""
        return frozenset({schema.URL})

    def depends_on(self) -> tuple[str, ...]:
        """The lists."""
        return (*self.domains, *self.urls, *self.hard_words, *self.soft_words, *self.substrings)

    def prepare(self) -> None:
        """Load the lists. Raises InputError."""
        self._lists()

    def judge(self, batch: pa.RecordBatch) -> Verdict:
        """Of several reasons the first in the order of the parameters is given."""
        lists = self._lists()
        addresses = [address_of(url or "") for url in batch.column(schema.URL).to_pylist()]
        verdict = Verdict.of(batch)
        if self.domains:
            verdict = verdict.drop("blocked_domain", on_domains(lists.domains, addresses))
        if self.urls:
            verdict = verdict.drop("blocked_url", on_pages(lists.urls, addresses))
        if self.hard_words or self.soft_words or self.substrings:
            words = [_WORD.findall(host + rest) for host, rest in addresses]
            hard = np.array([not lists.hard_words.isdisjoint(found) for found in words], np.bool_)
            soft = np.array([len(lists.soft_words.intersection(found)) for found in words], np.int64)
            within = _holding(lists.substrings, ["".join(found) for found in words])
            verdict = verdict.drop("hard_word_in_url", hard)
            verdict = verdict.drop("soft_words_in_url", soft >= self.min_soft_words, soft, self.min_soft_words)
            verdict = verdict.drop("substring_in_url", within)
        return verdict

    def _lists(self) -> "_Lists":
        return _Lists(
            load_domains(self.domains),
            load_pages(self.urls),
            load_lists(self.hard_words, _word_entry, frozenset),
            load_lists(self.soft_words, _word_entry, frozenset),
            load_lists(self.substrings, _word_entry, _patterns),
        )


class _Lists(NamedTuple):
    domains: HashSet
    urls: HashSet
    hard_words: frozenset[str]
    soft_words: frozenset[str]
    substrings: tuple[str, ...]  # regular expressions


def _word_entry(entry: str) -> str:
    word = "".join(_WORD.findall(entry.lower()))
    if not word:
        raise ValueError(f"{entry!r} has neither letters nor digits")
    return word


def _patterns(substrings: Iterable[str], size: int = 100) -> tuple[str, ...]:
    """Regular expressions of `size` alternatives each; RE2 slows down out of proportion with many more."""
    ordered = sorted(set(substrings))
    return tuple("|".join(ordered[at : at + size]) for at in range(0, len(ordered), size))


def _holding(patterns: tuple[str, ...], texts: list[str]) -> Bools:
    column, found = pa.array(texts, pa.string()), np.zeros(len(texts), np.bool_)
    for pattern in patterns:
        found |= bools(pc.match_substring_regex(column, pattern))
    return found
