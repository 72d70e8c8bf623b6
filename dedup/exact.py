"""Drops documents whose text, white space and case aside, another document has too; one of them stays."""

from collections.abc import Sequence
from typing import ClassVar

import pyarrow as pa
from pydantic import Field

from textmill.dedup.equal_keys import KEY, EqualKeys, drop_equal_keys, keys_of
from textmill.dedup.keep import Keep
from textmill.dedup.normalize import Variant, normalize
from textmill.dedup.sketches import GLOBAL, scope_columns, scope_seeds
from textmill.pipeline import schema
from textmill.pipeline.barrier import Barrier
from textmill.pipeline.executor import Executor

REASON = "exact_duplicate"


class Exact(Barrier):
    """Drop documents with the same normalised text: equal 128-bit xxh3 hashes.

    A text of which normalisation leaves nothing is nobody's duplicate. Among N documents the
    expected number of pairs that collide by chance is N² / 2¹²⁹: 1.5e-17 for 10¹¹ documents.
    """

    revision: ClassVar[int] = 2

    normalize: Variant = Field("lowercase", description="what is put aside before texts are compared")
    keep: Keep = Field(Keep(), description="which of the duplicates stays")
    scope: str = Field(GLOBAL, description="`global`, or a column in which duplicates agree")
    count_column: str | None = Field(
        "copies", description="new column: how many documents had this text; null adds none"
    )

    def reads(self) -> frozenset[str]:
        """The text, and what policy and scope need."""
        return frozenset({schema.TEXT}) | self.keep.reads() | scope_columns(self.scope)

    def adds(self) -> frozenset[str]:
        """The count column, if wanted."""
        return frozenset() if self.count_column is None else frozenset({self.count_column})

    def sketch(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """`key`, 16 bytes a row, null for a text that is nobody's duplicate; `rank` where the policy needs it."""
        texts = normalize(batch.column(schema.TEXT), self.normalize)
        keys = keys_of(texts, scope_seeds(batch, self.scope))
        return pa.RecordBatch.from_pydict({KEY: keys, **self.keep.sketch(batch)})

    def resolve(
        self, sketches: Sequence[str], work: str, executor: Executor, *, part_bytes: int | None = None
    ) -> list[str]:
        """Drop all but the best of each group of equal keys; count the group for the one that stays."""
        same = EqualKeys(REASON, self.keep, self.count_column, similarity=1.0)
        return drop_equal_keys(sketches, work, executor, same, part_bytes=part_bytes)
