"""A global shuffle of documents and their copies in bounded memory: scatter to partitions by key, sort each of them.

The key of a copy is drawn from the document's id, uniform over the 64-bit numbers; the corpus is all copies sorted
by key. A histogram of what falls into each of `BUCKETS` equal ranges of keys tells where to cut it into files of
equal size, and those into partitions that fit into memory, before a single text is moved.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from textmill.pipeline import schema
from textmill.pipeline.arrow import drop_columns, widen
from textmill.pipeline.exchange import collect, scatter_rounds
from textmill.pipeline.mixing.draw import Ints, Places, id_hashes, places

BUCKETS: Final = 1 << 16
"""Ranges of keys that are told apart: a file of the corpus can be off its target by one of them."""
PARTITION_BYTES: Final = 48 << 20
"""Text of a partition; a task holds one at a time, and about three times as much memory."""
ROUND_BYTES: Final = 64 << 20
"""Text, copies counted, that a task scatters at once, unless one row group has more."""
SLICE_ROWS: Final = 1024
"""Rows of a partition that are passed on at once."""

MIX_COLUMNS: Final = "mix_"
"""How the names of all columns begin that a mix adds, and that the corpus does not have."""
TOKENS: Final = "mix_tokens"
"""Column of a chain after a mix: tokens of the document, as the mix counted them."""
BYTES: Final = "mix_bytes"
"""UTF-8 bytes of the document's text."""
KEY: Final = "mix_key"
FIRST: Final = "mix_first"
"""In partitions: whether the copy stands for the row itself; of all copies of a row, in all phases, one does."""


def copies_column(phase: str) -> str:
    """Name of the column that says how many copies of a document a phase has."""
    return f"mix_copies_{phase}"


def mix_columns(phases: Sequence[str]) -> tuple[str, ...]:
    """The columns that a mix adds and the corpus does not have."""
    return (TOKENS, BYTES, *(copies_column(phase) for phase in phases))


@dataclass(frozen=True)
class Shuffle:
    """What all tasks of a shuffle need to know of it."""

    phases: tuple[str, ...]
    seed: int


@dataclass
class Histogram:
    """Copies, UTF-8 bytes and tokens of each phase by range of keys: int64, shape (phases, `BUCKETS`) each."""

    copies: Ints
    bytes: Ints
    tokens: Ints
    distinct: int = 0
    """Bytes of all documents, each once."""

    @classmethod
    def empty(cls, phases: int) -> "Histogram":
        """Nothing counted yet."""
        copies, sizes, tokens = (np.zeros((phases, BUCKETS), np.int64) for _ in range(3))
        return cls(copies, sizes, tokens)

    def add(self, other: "Histogram") -> None:
        """Add another one of the same phases."""
        self.copies += other.copies
        self.bytes += other.bytes
        self.tokens += other.tokens
        self.distinct += other.distinct


@dataclass(frozen=True)
class Cut:
    """Where a phase is cut: the first bucket of each partition, and the first partition of each file of the corpus."""

    phase: str
    copies: int
    bytes: int
    tokens: int
    partitions: list[int] = field(default_factory=list)
    shards: list[int] = field(default_factory=list)

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> "Cut":
        """Read back what `vars` gave."""
        return cls(**raw)


def measure(shuffle: Shuffle, batches: Iterable[pa.RecordBatch]) -> Histogram:
    """Count what falls into each range of keys; batches need `id` and the columns of the mix."""
    found = Histogram.empty(len(shuffle.phases))
    for batch in batches:
        sizes, tokens = batch.column(BYTES).to_numpy(), batch.column(TOKENS).to_numpy()
        found.distinct += int(sizes.sum())
        for number, spots in enumerate(_spots(shuffle, batch)):
            bucket = _bucket(spots.keys)
            found.copies[number] += np.bincount(bucket, minlength=BUCKETS)
            np.add.at(found.bytes[number], bucket, sizes[spots.rows])
            np.add.at(found.tokens[number], bucket, tokens[spots.rows])
    return found


BYTES_AT: Final = 1
TOKENS_AT: Final = 2


def cut(phase: str, counts: tuple[Ints, Ints, Ints], *, by: int, target: float) -> Cut:
    """Cut a phase into files that hold equally much, as close to `target` from below as may be.

    counts: copies, bytes and tokens by range of keys, length `BUCKETS` each; `by` says which of them files are
    measured in (`BYTES_AT` or `TOKENS_AT`). A file ends where a range of keys does, and so does a
    partition, which holds at most `PARTITION_BYTES` of text unless one range alone has more.
    """
    filled = np.flatnonzero(counts[0])
    copies, texts, tokens = (int(count.sum()) for count in counts)
    if not len(filled):
        return Cut(phase, copies, texts, tokens)
    total, held, size = int(counts[by].sum()), counts[by][filled], counts[BYTES_AT][filled]
    files = max(1, math.ceil(total / target))
    shard = ((np.cumsum(held) - held) * (files / max(1, total))).astype(np.int64)
    fresh = np.diff(shard, prepend=-1) > 0
    starts, begins = np.flatnonzero(fresh), np.cumsum(size) - size
    in_shard = begins - begins[starts][np.cumsum(fresh) - 1]
    full = np.maximum(in_shard + size - 1, 0) // PARTITION_BYTES  # by where a range ends: so no partition is larger
    partitions = filled[fresh | (np.diff(full, prepend=-1) > 0)]
    shards = np.searchsorted(partitions, filled[starts])
    return Cut(phase, copies, texts, tokens, partitions.tolist(), shards.tolist())


def scatter_copies(
    shuffle: Shuffle, cuts: Sequence[Cut], batches: Iterable[pa.RecordBatch], layout: pa.Schema, path: str
) -> None:
    """Write every copy of every row to a file, for its partition to collect; partitions of later phases come later.

    layout: of the corpus; `batches` have the columns of the mix beside.
    """
    full = layout.append(pa.field(KEY, pa.uint64())).append(pa.field(FIRST, pa.bool_()))
    rounds = (_copies_of(shuffle, cuts, piece, full) for batch in batches for piece in _bounded(shuffle, batch))
    scatter_rounds(rounds, full, path)


def collect_partition(paths: Sequence[str], partition: int, partitions: int) -> Iterator[tuple[pa.RecordBatch, int]]:
    """The copies of a partition, in the order of their keys, and how many of them stand for a row itself."""
    table = collect(paths, partition, partitions)
    order = np.argsort(table.column(KEY).to_numpy(), kind="stable")
    for start in range(0, len(order), SLICE_ROWS):
        batch = table.take(pa.array(order[start : start + SLICE_ROWS])).combine_chunks().to_batches()[0]
        rows = int(np.count_nonzero(batch.column(FIRST).to_numpy(zero_copy_only=False)))
        yield drop_columns(batch, KEY, FIRST), rows


def _spots(shuffle: Shuffle, batch: pa.RecordBatch) -> Iterator[Places]:
    """The copies of a batch's rows in each phase."""
    hashes = id_hashes(batch.column(schema.ID))
    for number, phase in enumerate(shuffle.phases):
        yield places(hashes, batch.column(copies_column(phase)).to_numpy(), shuffle.seed, number)


def _copies_of(
    shuffle: Shuffle, cuts: Sequence[Cut], batch: pa.RecordBatch, layout: pa.Schema
) -> tuple[pa.Table, npt.NDArray[np.int64]]:
    """Every copy of every row, in the order of their partitions, and how many each of these gets."""
    rows, keys, first, parts = [], [], [], []
    used = np.zeros(batch.num_rows, np.bool_)
    offset = 0
    for spots, one in zip(_spots(shuffle, batch), cuts, strict=True):
        rows.append(spots.rows)
        keys.append(spots.keys)
        first.append((spots.number == 0) & ~used[spots.rows])
        parts.append(offset + np.searchsorted(one.partitions, _bucket(spots.keys), side="right") - 1)
        used[spots.rows] = True
        offset += len(one.partitions)
    slim = widen(
        drop_columns(batch, *mix_columns(shuffle.phases)), layout.remove(len(layout) - 1).remove(len(layout) - 2)
    )
    part = np.concatenate(parts)
    order = np.argsort(part, kind="stable")  # so that texts are copied once
    taken = slim.take(pa.array(np.concatenate(rows)[order]))
    columns = [*taken.columns, pa.array(np.concatenate(keys)[order]), pa.array(np.concatenate(first)[order])]
    return pa.Table.from_arrays(columns, schema=layout), np.bincount(part, minlength=offset)


def _bounded(shuffle: Shuffle, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """A batch in slices whose copies together hold about `ROUND_BYTES` of text, or that are one row."""
    times = sum(batch.column(copies_column(phase)).to_numpy() for phase in shuffle.phases)
    ends = np.cumsum(times * batch.column(BYTES).to_numpy()) // ROUND_BYTES
    starts = [*np.flatnonzero(np.diff(ends, prepend=-1)).tolist(), batch.num_rows]
    for start, stop in pairwise(starts):
        yield batch.slice(start, stop - start)


def _bucket(keys: npt.NDArray[np.uint64]) -> Ints:
    return (keys >> np.uint64(64 - 16)).astype(np.int64)
