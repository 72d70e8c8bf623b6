"""`url_category`: of which kind a document's site is, by lists of hosts and pages such as UT1's; it drops nothing."""

from collections import Counter
from typing import Final, Self

import numpy as np
import pyarrow as pa
from pydantic import Field, field_validator, model_validator

from textmill.pipeline import schema
from textmill.pipeline.step import Scorer
from textmill.pipeline.url_lists import load_domains, load_pages, on_domains, on_pages
from textmill.pipeline.urls import address_of
from textmill.pipeline.word_lists import by_language

NONE: Final = "none"
"""The category of a URL that is on no list."""


class UrlCategory(Scorer):
    """Add the first category whose lists hold a document's URL: its page, its host, or a domain that is above it.

    A URL on no list is `none`; a document without URL has no category (null).
    """

    domains: dict[str, tuple[str, ...]] = Field(
        {}, description="lists of hosts by category: each stands for itself and all below it"
    )
    urls: dict[str, tuple[str, ...]] = Field({}, description="lists of URLs by category: each stands for one page")
    column: str = Field("url_category", min_length=1, description="name of the new column")

    @field_validator("domains", "urls", mode="before")
    @classmethod
    def _one_file_will_do(cls, lists: object) -> object:
        return by_language(lists)

    @model_validator(mode="after")
    def _some_list(self) -> Self:
        if not self.depends_on():
            raise ValueError("give at least one list")
        return self

    def reads(self) -> frozenset[str]:
        """The URL."""
        return frozenset({schema.URL})

    def adds(self) -> frozenset[str]:
        """The category."""
        return frozenset({self.column})

    def depends_on(self) -> tuple[str, ...]:
        """The lists."""
        return tuple(path for lists in (self.domains, self.urls) for paths in lists.values() for path in paths)

    def prepare(self) -> None:
        """Load the lists. Raises InputError."""
        for paths in self.domains.values():
            load_domains(paths)
        for paths in self.urls.values():
            load_pages(paths)

    def score(self, batch: pa.RecordBatch) -> dict[str, pa.Array]:
        """The category: string. Categories go by the order of `domains`, then of those that only `urls` has."""
        urls = batch.column(schema.URL).to_pylist()
        addresses = [address_of(url or "") for url in urls]
        names = list(dict.fromkeys([*self.domains, *self.urls]))
        which = np.full(len(urls), len(names))
        for number, name in reversed(list(enumerate(names))):
            found = on_domains(load_domains(self.domains.get(name, ())), addresses)
            found |= on_pages(load_pages(self.urls.get(name, ())), addresses)
            which[found] = number
        known = np.array([bool(url) for url in urls], np.bool_)
        return {self.column: pa.array([*names, NONE], pa.string()).take(pa.array(which, mask=~known))}

    def tally(self, batch: pa.RecordBatch) -> dict[str, int]:
        """Documents of each category, and without URL."""
        counts = Counter(batch.column(self.column).to_pylist())
        return {"without_url" if name is None else name: number for name, number in counts.items()}
