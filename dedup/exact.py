"""Drops documents whose text, white space and case aside, another document has too; one of them stays."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field
from xxhash import xxh3_128_digest

from textmill.dedup.keep import RANK, Keep
from textmill.dedup.normalize import Variant, normalize
from textmill.dedup.sketches import (
    GLOBAL,
    PART_BYTES,
    Work,
    read_sketches,
    ruling_of,
    scope_columns,
    scope_seeds,
    write_rulings,
)
from textmill.pipeline import schema
from textmill.pipeline.arrow import bools, fixed_bytes, text_buffers
from textmill.pipeline.barrier import Barrier
from textmill.pipeline.exchange import Portion, collect, portions, scatter
from textmill.pipeline.executor import Executor, gather

REASON = "exact_duplicate"
KEY = "key"


class Exact(Barrier):
    """Drop documents with the same normalised text: equal 128-bit xxh3 hashes.

    A text of which normalisation leaves nothing is nobody's duplicate. Among N documents the
    expected number of pairs that collide by chance is N² / 2¹²⁹: 1.5e-17 for 10¹¹ documents.
    """

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
        self, sketches: Sequence[str], work: str, executor: Executor, *, part_bytes: int = PART_BYTES
    ) -> list[str]:
        """Drop all but the best of each group of equal keys; count the group for the one that stays.

        Keys meet by part, each part chooses its survivors, and word of them goes home by portion of shards.
        """
        shares = portions(sketches, part_bytes)
        job = _Job(self, Work(work, len(shares)))
        gather(executor, _scatter_keys, shares, job)
        gather(executor, _link, range(len(shares)), job)
        return [path for paths in gather(executor, _rule, shares, job) for path in paths]


def keys_of(texts: pa.Array, seeds: npt.NDArray[np.uint64] | None = None) -> pa.Array:
    """A 128-bit hash of each text, with its seed, as fixed-size binary; null for null and for empty texts."""
    data, offsets, _ = text_buffers(texts)
    view, ends = data.data, offsets.tolist()
    ranges = zip(pairwise(ends), [0] * len(texts) if seeds is None else seeds.tolist(), strict=True)
    keys = [xxh3_128_digest(view[a:b], seed) if b > a else None for (a, b), seed in ranges]
    return pa.array(keys, pa.binary(16))


@dataclass(frozen=True)
class _Job:
    """What all tasks have in common."""

    exact: Exact
    work: Work


def _scatter_keys(job: _Job, portion: Portion) -> None:
    """Send the best row of each key in a portion, as head of its copies there, to the part of the key.

    Only one row a key and portion travels, so a text that a million pages share fills no part.
    """
    rows, _ = read_sketches(portion, (schema.ID, KEY, RANK))
    copies = np.bincount(_heads(rows, job.exact.keep), minlength=rows.num_rows)
    rows = rows.append_column("portion", pa.repeat(np.int32(portion.number), rows.num_rows))
    rows = rows.append_column("row", pa.array(np.arange(rows.num_rows)))
    rows = rows.append_column("copies", pa.array(copies))
    rows = rows.filter((copies > 0) & bools(pc.is_valid(rows.column(KEY))))
    work = job.work
    part = _parts_of(rows.column(KEY).combine_chunks(), work.parts)
    scatter(rows, part, work.parts, work.file("keys", portion.number))


def _link(job: _Job, part: int) -> None:
    """Choose who stays of each key that several documents have, and tell the portions."""
    rows = collect(job.work.files("keys"), part)
    heads = _heads(rows, job.exact.keep)
    copies = np.bincount(heads, rows.column("copies"), minlength=len(heads))[heads]
    links = rows.select(["portion", "row"])
    links = links.append_column("stays", pa.array(heads == np.arange(len(heads))))
    links = links.append_column("kept_id", rows.column(schema.ID).take(pa.array(heads)))
    links = links.append_column("copies", pa.array(copies.astype(np.int32))).filter(copies > 1)
    scatter(links, links.column("portion").to_numpy(), job.work.parts, job.work.file("links", part))


def _rule(job: _Job, portion: Portion) -> list[str]:
    """Write the rulings on a portion of shards: on their dropped rows, or on all where they gain a column."""
    rows, sizes = read_sketches(portion, (KEY, RANK))
    links = collect(job.work.files("links"), portion.number)
    ruling = _ruling(_heads(rows, job.exact.keep), links, job.exact.count_column)
    return write_rulings(ruling, portion, sizes, job.work)


def _ruling(heads: npt.NDArray[np.int64], links: pa.Table, count_column: str | None) -> pa.Table:
    """The ruling on every row of a portion (`row` counts through it), from the links of the rows' heads."""
    numbers = np.arange(len(heads))
    link = np.full(len(heads), -1)
    link[links.column("row").to_numpy()] = np.arange(links.num_rows)
    link = link[heads]
    links = links.take(pa.array(link, mask=link < 0))
    stays = bools(pc.fill_null(links.column("stays"), True)) & (heads == numbers)
    ruling = ruling_of(REASON, pa.array(~stays), links.column("kept_id"), pa.scalar(1.0))
    if count_column is None:
        return ruling
    return ruling.append_column(count_column, pc.fill_null(links.column("copies"), 1))


def _heads(rows: pa.Table, keep: Keep) -> npt.NDArray[np.int64]:
    """For each row the number of the best row with its key; its own number where the key is null."""
    encoded = rows.column(KEY).combine_chunks().dictionary_encode()
    group: npt.NDArray[np.int64] = pc.fill_null(encoded.indices, -1).to_numpy().astype(np.int64)
    alone = group < 0
    group[alone] = len(encoded.dictionary) + np.arange(alone.sum())
    return keep.best_of_each(rows, group)


def _parts_of(keys: pa.Array, parts: int) -> npt.NDArray[np.int64]:
    """Cut the range of keys into equal parts, by their first 32 bits."""
    high = np.ascontiguousarray(fixed_bytes(keys)[:, :4]).view(np.uint32)[:, 0].astype(np.int64)
    return (high * parts) >> 32
