"""Drops near-duplicates: documents whose 64-bit fingerprints differ in a few bits (SimHash)."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field, model_validator

from textmill.dedup.banded import ShingleKind, Shingling, fixed_columns, shingle_blocks
from textmill.dedup.components import Links, by_part, components, link_equal
from textmill.dedup.fingerprints import block_keys, block_masks, fingerprints, join_close
from textmill.dedup.keep import Keep
from textmill.dedup.linked import rule_linked
from textmill.dedup.near import FINGERPRINT, FINGERPRINT_BITS, Job, addresses
from textmill.dedup.normalize import Variant
from textmill.dedup.sketches import GLOBAL, Work, read_sketches, scope_columns, scope_seeds, shares_of
from textmill.dedup.stars import write_links
from textmill.pipeline import schema
from textmill.pipeline.arrow import fixed_bytes, validity
from textmill.pipeline.barrier import Barrier
from textmill.pipeline.exchange import Portion, collect, scatter_ordered
from textmill.pipeline.executor import Executor, gather

SCOPE: Final = "scope"
MOST_KEYS: Final = 256
"""Keys a document that a choice of distance and blocks may take."""

FINGERPRINT_GROWTH: Final = 256
"""What a byte of sketch files is taken to need of a task's memory: a document of 28 bytes becomes all its keys."""


class SimHash(Barrier):
    """Drop all but one of each cluster of documents whose fingerprints differ in at most `distance` bits.

    A fingerprint has 64 bits, each the vote of all runs of `ngram` words (or characters) of a text. All pairs within
    the distance are found: as at most `distance` of the `blocks` blocks of bits differ, the others are equal, and
    all that share those are compared. A document shorter than a run is nobody's duplicate.
    """

    revision: ClassVar[int] = 2

    ngram: int = Field(6, ge=1, description="words (or characters) in a run")
    shingle: ShingleKind = Field("word", description="what runs are made of")
    normalize: Variant = Field("letters", description="what is put aside before texts are compared")
    distance: int = Field(4, ge=0, lt=FINGERPRINT_BITS, description="bits in which duplicates may differ")
    blocks: int = Field(
        6, ge=1, le=FINGERPRINT_BITS, description="blocks of bits, more than distance: with more, fewer are compared"
    )
    scope: str = Field(GLOBAL, description="`global`, or a column in which duplicates agree")
    keep: Keep = Field(Keep(), description="which document of a cluster stays")
    size_column: str | None = Field(
        "cluster_size", description="new column: how many documents the cluster had; null adds none"
    )
    max_removed: float | None = Field(
        None, ge=0, le=1, description="largest share of its documents that a source may lose, else the run stops"
    )

    @model_validator(mode="after")
    def _by_pigeonhole(self) -> "SimHash":
        if self.blocks <= self.distance:
            raise ValueError(f"blocks must be more than distance, {self.distance}: else no block need be equal")
        if comb(self.blocks, self.distance) > MOST_KEYS:
            keys = comb(self.blocks, self.distance)
            raise ValueError(f"{self.blocks} blocks at distance {self.distance} take {keys} keys, above {MOST_KEYS}")
        return self

    def reads(self) -> frozenset[str]:
        """The text, and what policy and scope need."""
        return frozenset({schema.TEXT}) | scope_columns(self.scope) | self.keep.reads()

    def adds(self) -> frozenset[str]:
        """The size column, if wanted."""
        return frozenset() if self.size_column is None else frozenset({self.size_column})

    def sketch(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """`fingerprint`, 8 bytes, null without a run; `scope` (8 bytes) and `rank` where they are needed."""
        how = Shingling(self.normalize, self.shingle, self.ngram)
        found = [shingles for _, shingles in shingle_blocks(batch.column(schema.TEXT), how, max(1, batch.num_rows))]
        parts = [(fingerprints(some.first, some.hashes)[:, None], np.diff(some.first) == 0) for some in found]
        columns = {FINGERPRINT: fixed_columns(parts, FINGERPRINT_BITS // 8)}
        if self.scope != GLOBAL:
            columns[SCOPE] = pa.array(scope_seeds(batch, self.scope))
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
        """Link documents within the distance, join links to clusters, drop all but the best of each.

        Its findings and errors are those of `rule_linked`.
        """
        if not sketches:
            return []
        shares = shares_of(sketches, executor, part_bytes, FINGERPRINT_GROWTH)
        similarity = 1 - self.distance / FINGERPRINT_BITS
        job = Job(Work(work, len(shares)), self.keep, "hamming", similarity, self.size_column)
        linking = _Linking(job.work, self.distance, self.blocks)
        gather(executor, _send_fingerprints, shares, linking)
        links = gather(executor, _link_fingerprints, range(len(shares)), linking)
        return rule_linked(job, shares, sum(links), executor, link_bytes=link_bytes, max_removed=self.max_removed)


@dataclass(frozen=True)
class _Linking:
    """Where the tasks that link documents meet, and what they look for."""

    work: Work
    distance: int
    blocks: int

    @property
    def masks(self) -> npt.NDArray[np.uint64]:
        """The bits of each key."""
        return block_masks(self.blocks, self.distance)


def _send_fingerprints(linking: _Linking, portion: Portion) -> None:
    """Send the fingerprints of a portion to the parts of their keys; write the links between equal ones.

    Of equal fingerprints the first alone travels.
    """
    rows, _ = read_sketches(portion, (FINGERPRINT, SCOPE))
    column = rows.column(FINGERPRINT).combine_chunks()
    signed = np.flatnonzero(validity(column))
    found = fixed_bytes(column).view(np.uint64)[signed, 0]
    seeds = rows.column(SCOPE).to_numpy()[signed] if SCOPE in rows.column_names else np.zeros(len(found), np.uint64)
    whole = np.array([np.iinfo(np.uint64).max], np.uint64)
    _, label = link_equal(np.ascontiguousarray(block_keys(found, whole, seeds).T))
    own = addresses(portion.number, signed)
    members = np.flatnonzero(label != np.arange(len(label)))
    write_links(Links(own[members], own[label[members]]), linking.work.file("within", portion.number))
    heads = np.flatnonzero(label == np.arange(len(label)))
    keys = np.ascontiguousarray(block_keys(found[heads], linking.masks, seeds[heads]).T)
    every = np.tile(np.arange(len(heads), dtype=np.int32), (len(keys), 1))
    sent = by_part(keys, every, np.arange(len(heads)), linking.work.parts)
    head = heads[sent.owners]
    table = pa.table({"key": sent.keys, FINGERPRINT: found[head], "address": own[head]})
    scatter_ordered(table, sent.counts, linking.work.file("keys", portion.number))


def _link_fingerprints(linking: _Linking, part: int) -> int:
    """Link all documents that share a key of this part and are within the distance; returns the number of links."""
    rows = collect(linking.work.files("keys"), part)
    key, found, address = (rows.column(name).to_numpy() for name in ("key", FINGERPRINT, "address"))
    joined = join_close(key, found, address, linking.distance)
    linked = joined != address
    fewest = components(Links(joined[linked], address[linked])).links()
    write_links(fewest, linking.work.file("links", part))
    return len(fewest.left)
