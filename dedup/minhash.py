"""Drops near-duplicates: documents that share most of their shingles with another, found by MinHash and LSH."""

from collections.abc import Sequence
from typing import ClassVar

import pyarrow as pa
from pydantic import Field, model_validator

from textmill.dedup.banded import KEYS, Banded, Block, fixed_columns
from textmill.dedup.keep import Keep
from textmill.dedup.known import look_up, spans_of
from textmill.dedup.linked import rule_linked
from textmill.dedup.links import answer_compared, ask_compared, link_keys, send_keys, verify
from textmill.dedup.near import SHINGLES, SIGNATURE, Job, Verification
from textmill.dedup.signatures import shingle_sets
from textmill.dedup.sketches import Work, shares_of
from textmill.pipeline.exchange import Portion
from textmill.pipeline.executor import Executor, gather


class MinHash(Banded):
    """Drop all but one of each cluster of near-duplicates: documents that agree in a band of their signatures.

    Two documents of Jaccard similarity s agree in one with probability 1 − (1 − sʳ)ᵇ; clusters are what is
    connected by such agreements. A document shorter than a shingle has no signature and is nobody's duplicate.
    Of a cluster that an index (`against`) is connected with, nothing stays.
    """

    kind: ClassVar[str] = "minhash"
    revision: ClassVar[int] = 2

    verify: Verification = Field(
        "none", description="whether documents that agree in a band are compared by their signatures, or all shingles"
    )
    min_similarity: float = Field(0.7, ge=0, le=1, description="agreement that verification demands")
    keep: Keep = Field(Keep(), description="which document of a cluster stays")
    size_column: str | None = Field(
        "cluster_size", description="new column: how many documents the cluster had; null adds none"
    )

    @model_validator(mode="after")
    def _keys_alone_against_an_index(self) -> "MinHash":
        if self.against is not None and self.verify != "none":
            raise ValueError("an index holds band keys alone, which verify nothing: against goes with verify: none")
        return self

    def reads(self) -> frozenset[str]:
        """The text, and what policy and scope need."""
        return super().reads() | self.keep.reads()

    def adds(self) -> frozenset[str]:
        """The size column, if wanted."""
        return frozenset() if self.size_column is None else frozenset({self.size_column})

    def sketch(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """`keys`, 8 bytes a band, null without a shingle; `signature`, `shingles`, `rank` where they are needed."""
        blocks = list(self.blocks(batch))
        columns = {KEYS: self.keys_column(blocks)}
        if self.verify == "signature":
            width = 4 * self.bands * self.rows
            columns[SIGNATURE] = fixed_columns([(block.signature, block.short) for block in blocks], width)
        if self.verify == "exact":
            columns[SHINGLES] = _shingles_column(blocks)
        return pa.RecordBatch.from_pydict({**columns, **self.keep.sketch(batch)})

    def resolve(
        self,
        sketches: Sequence[str],
        work: str,
        executor: Executor,
        *,
        part_bytes: int | None = None,
        link_bytes: int | None = None,
    ) -> list[str]:
        """Link documents by equal band keys, join links to clusters, drop all but the best of each.

        Its findings and errors are those of `rule_linked`; raises InputError, too, for an index of other settings.
        """
        if not sketches:
            return []
        shares = shares_of(sketches, executor, part_bytes)
        index = self.index()
        job = Job(
            Work(work, len(shares)),
            self.keep,
            self.verify,
            self.min_similarity,
            self.size_column,
            self.bands,
            self.rows,
            index,
            0 if index is None else spans_of(index, len(shares)),
        )
        links = _link(job, shares, executor)
        return rule_linked(job, shares, links, executor, link_bytes=link_bytes, max_removed=self.max_removed)


def _shingles_column(blocks: Sequence[Block]) -> pa.Array:
    """The distinct shingles of each row, four bytes each, ascending."""
    parts = []
    for block in blocks:
        sets = shingle_sets(block.shingles.first, block.shingles.hashes)
        buffers = [None, pa.py_buffer(sets.first * 4), pa.py_buffer(sets.values)]
        parts.append(pa.Array.from_buffers(pa.large_binary(), len(sets.first) - 1, buffers))
    return pa.concat_arrays(parts) if parts else pa.array([], pa.large_binary())


def _link(job: Job, shares: Sequence[Portion], executor: Executor) -> int:
    """Write the links between documents; returns how many there are."""
    gather(executor, send_keys, shares, job)
    links = gather(executor, link_keys, range(len(shares)), job)
    if job.verified:
        gather(executor, ask_compared, shares, job)
        gather(executor, answer_compared, shares, job)
        links = gather(executor, verify, shares, job)
    gather(executor, look_up, range(job.spans), job)
    return sum(links)
