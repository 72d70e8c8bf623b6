"""Of documents with equal keys one stays: what exact deduplication does, whatever its keys are made of.

Keys meet by part, each part chooses its survivors, and word of them goes home by portion of shards.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from xxhash import xxh3_128_digest

from textmill.dedup.keep import RANK, Keep
from textmill.dedup.sketches import Work, read_sketches, ruling_of, shares_of, write_rulings
from textmill.pipeline import schema
from textmill.pipeline.arrow import bools, fixed_bytes, text_buffers
from textmill.pipeline.exchange import Portion, collect, scatter
from textmill.pipeline.executor import Executor, gather

KEY = "key"
"""The column of a sketch that holds a document's key; null where the document is nobody's duplicate."""


@dataclass(frozen=True)
class EqualKeys:
    """What becomes of documents with the same key.

    reason: why those that leave do. similarity: to the one that stays; None where equal keys do not tell.
    count_column: what gets the number of documents with the key, on the one that stays; None adds none.
    """

    reason: str
    keep: Keep
    count_column: str | None
    similarity: float | None


def drop_equal_keys(
    sketches: Sequence[str], work: str, executor: Executor, same: EqualKeys, *, part_bytes: int | None = None
) -> list[str]:
    """Write the rulings that drop all but the best of each group of equal keys; return their paths."""
    shares = shares_of(sketches, executor, part_bytes)
    job = _Job(same, Work(work, len(shares)))
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

    same: EqualKeys
    work: Work


def _scatter_keys(job: _Job, portion: Portion) -> None:
    """Send the best row of each key in a portion, as head of its copies there, to the part of the key.

    Only one row a key and portion travels, so a text that a million pages share fills no part.
    """
    rows, _ = read_sketches(portion, (schema.ID, KEY, RANK))
    copies = np.bincount(_heads(rows, job.same.keep), minlength=rows.num_rows)
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
    heads = _heads(rows, job.same.keep)
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
    ruling = _ruling(_heads(rows, job.same.keep), links, job.same)
    return write_rulings(ruling, portion, sizes, job.work)


def _ruling(heads: npt.NDArray[np.int64], links: pa.Table, same: EqualKeys) -> pa.Table:
    """The ruling on every row of a portion (`row` counts through it), from the links of the rows' heads."""
    numbers = np.arange(len(heads))
    link = np.full(len(heads), -1)
    link[links.column("row").to_numpy()] = np.arange(links.num_rows)
    link = link[heads]
    links = links.take(pa.array(link, mask=link < 0))
    stays = bools(pc.fill_null(links.column("stays"), True)) & (heads == numbers)
    ruling = ruling_of(same.reason, pa.array(~stays), links.column("kept_id"), pa.scalar(same.similarity, pa.float32()))
    if same.count_column is None:
        return ruling
    return ruling.append_column(same.count_column, pc.fill_null(links.column("copies"), 1))


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
