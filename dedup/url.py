"""Drops documents that were read from the same page, whatever way its URL is written; one of them stays."""

from collections.abc import Sequence
from typing import ClassVar

import pyarrow as pa
from pydantic import Field

from textmill.dedup.equal_keys import KEY, EqualKeys, drop_equal_keys, keys_of
from textmill.dedup.keep import Keep
from textmill.dedup.sketches import GLOBAL, scope_columns, scope_seeds
from textmill.pipeline import schema
from textmill.pipeline.barrier import Barrier
from textmill.pipeline.executor import Executor
from textmill.pipeline.urls import TRACKING, canonical_urls

REASON = "duplicate_url"


class UniqueUrl(Barrier):
    """Drop documents with the same canonical URL: equal 128-bit xxh3 hashes of what `canonical_urls` makes of it.

    A document without URL, or with a string that is none, is nobody's duplicate.
    """

    revision: ClassVar[int] = 2

    keep: Keep = Field(Keep.model_validate("newest"), description="which of the documents of a page stays")
    scope: str = Field(GLOBAL, description="`global`, or a column in which duplicates agree")
    ignore_www: bool = Field(True, description="whether a host with www. and without shows the same pages")
    ignore_parameters: tuple[str, ...] = Field(
        TRACKING, description="query parameters that make no other page; a final * stands for any ending"
    )
    sort_query: bool = Field(True, description="whether the order of query parameters makes no other page")
    count_column: str | None = Field(
        "url_copies", description="new column: how many documents had this URL; null adds none"
    )

    def reads(self) -> frozenset[str]:
        """The URL, and what policy and scope need."""
        return frozenset({schema.URL}) | self.keep.reads() | scope_columns(self.scope)

    def adds(self) -> frozenset[str]:
        """The count column, if wanted."""
        return frozenset() if self.count_column is None else frozenset({self.count_column})

    def sketch(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """`key`, 16 bytes a row, null for a document that is nobody's duplicate; `rank` where the policy needs it."""
        pages = canonical_urls(
            batch.column(schema.URL).to_pylist(),
            ignore=self.ignore_parameters,
            ignore_www=self.ignore_www,
            sort_query=self.sort_query,
        )
        keys = keys_of(pa.array(pages, pa.string()), scope_seeds(batch, self.scope))
        return pa.RecordBatch.from_pydict({KEY: keys, **self.keep.sketch(batch)})

    def resolve(
        self, sketches: Sequence[str], work: str, executor: Executor, *, part_bytes: int | None = None
    ) -> list[str]:
        """Drop all but the best of each group of equal keys; count the group for the one that stays."""
        same = EqualKeys(REASON, self.keep, self.count_column, similarity=None)
        return drop_equal_keys(sketches, work, executor, same, part_bytes=part_bytes)
