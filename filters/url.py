"""`blocked_url`: drop documents by their address, before anything is spent on their content."""

import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from textmill.filters.lists import HashSet, load_lists
from textmill.pipeline import schema
from textmill.pipeline.arrow import Bools, bools
from textmill.pipeline.step import Filter
from textmill.pipeline.urls import Address, address_of, without_www
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
            verdict = verdict.drop("blocked_domain", _below(lists.domains, [host for host, _ in addresses]))
        if self.urls:
            verdict = verdict.drop("blocked_url", lists.urls.contains([_page(address) for address in addresses]))
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
            load_lists(self.domains, _host_entry, HashSet),
            load_lists(self.urls, _url_entry, HashSet),
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


def _host_entry(entry: str) -> str:
    host, rest = address_of(entry.removeprefix("*").removeprefix("."))
    if rest or not host or re.search(r"\s", host):
        raise ValueError(f"{entry!r} is no host; URLs are listed under `urls`")
    return host


def _url_entry(entry: str) -> str:
    page = _page(address_of(entry))
    if not page:
        raise ValueError(f"{entry!r} is no URL")
    return page


def _word_entry(entry: str) -> str:
    word = "".join(_WORD.findall(entry.lower()))
    if not word:
        raise ValueError(f"{entry!r} has neither letters nor digits")
    return word


def _page(address: Address) -> str:
    """What is compared of a URL."""
    return without_www(address.host) + address.rest


def _below(domains: HashSet, hosts: list[str]) -> Bools:
    """Whether each host, or a domain it is below, is listed."""
    blocked = np.zeros(len(hosts), np.bool_)
    chains = [list(_domains_of(host)) for host in hosts]
    listed = domains.contains([domain for chain in chains for domain in chain])
    blocked[np.repeat(np.arange(len(hosts)), [len(chain) for chain in chains])[listed]] = True
    return blocked


def _domains_of(host: str) -> Iterator[str]:
    """a.b.example, b.example, example."""
    yield host
    while dot := host.find(".") + 1:
        host = host[dot:]
        yield host


def _patterns(substrings: Iterable[str], size: int = 100) -> tuple[str, ...]:
    """Regular expressions of `size` alternatives each; RE2 slows down out of proportion with many more."""
    ordered = sorted(set(substrings))
    return tuple("|".join(ordered[at : at + size]) for at in range(0, len(ordered), size))


def _holding(patterns: tuple[str, ...], texts: list[str]) -> Bools:
    column, found = pa.array(texts, pa.string()), np.zeros(len(texts), np.bool_)
    for pattern in patterns:
        found |= bools(pc.match_substring_regex(column, pattern))
    return found
