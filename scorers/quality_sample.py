"""Which documents a quality classifier learns from and is tested on: sampled, without twins, split without leaks.

All choices follow hashes of ids, so the same documents give the same sample in whatever order they come.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from xxhash import xxh3_64_intdigest

from textmill.pipeline import schema
from textmill.pipeline.arrow import Bools, fixed_bytes, text_buffers, validity
from textmill.pipeline.urls import address_of, site_of

Hashes: TypeAlias = npt.NDArray[np.uint64]
Rows: TypeAlias = npt.NDArray[np.int64]

TwinKeys: TypeAlias = Callable[[pa.RecordBatch], Sequence[pa.Array]]
"""Columns of fixed-size binaries, 8-byte keys in a row: documents with an equal key in one place are twins."""

ROW: Final = "row"
ORDER: Final = "order"
SITE: Final = "site"
TWINS: Final = "twins"


@dataclass(frozen=True)
class Gathered:
    """A sample of one class: what is known of each document, in the order of the hash of its id, and its texts.

    table: `order` (hash of the id), `site` (hash, null without URL), `source`, `language` (both maybe null),
    `chars`, `at` and `size` (bytes of the text in `path`), and a column `twins…` for each of the keys.
    """

    table: pa.Table
    path: Path
    read: int
    blank: int

    def texts(self, rows: Rows, size: int = 1000) -> Iterator[pa.Array]:
        """The texts of some rows, in the order of `rows`, so many at a time."""
        at = self.table.column("at").to_numpy()[rows].tolist()
        sizes = self.table.column("size").to_numpy()[rows].tolist()
        with self.path.open("rb") as stream:
            for start in range(0, len(rows), size):
                some = zip(at[start : start + size], sizes[start : start + size], strict=True)
                yield pa.array([_read(stream, *place) for place in some], pa.large_binary()).cast(pa.large_string())


def _read(stream: IO[bytes], at: int, size: int) -> bytes:
    stream.seek(at)
    return stream.read(size)


def gather(batches: Iterable[pa.RecordBatch], path: Path, most: int, *, seed: int, twin_keys: TwinKeys) -> Gathered:
    """At most `most` documents, those whose ids have the lowest hashes; their texts go to a file at `path`.

    Memory is bounded by `most`: about 200 bytes a document. Blank documents are left out and counted.
    """
    held: list[pa.Table] = []
    limit, rows, read, blank = np.uint64(2**64 - 1), 0, 0, 0
    with path.open("wb") as stream:
        for batch in batches:
            read += batch.num_rows
            visible = pc.match_substring_regex(batch.column(schema.TEXT), r"[^\s\p{Z}\x1c-\x1f\x85]")
            blank += batch.num_rows - (pc.sum(visible).as_py() or 0)
            order = _hashes(batch.column(schema.ID).to_pylist(), seed)
            chosen = batch.filter(pa.array(visible.to_numpy(zero_copy_only=False) & (order <= limit)))
            if chosen.num_rows:
                held.append(_describe(chosen, stream, seed, twin_keys))
                rows += chosen.num_rows
            if rows > 2 * most:
                held = [_lowest(held, most)]
                rows, limit = most, np.uint64(held[0].column(ORDER)[-1].as_py())
    table = _lowest(held, most) if held else pa.table({ORDER: pa.array([], pa.uint64())})
    return Gathered(table, path, read, blank)


def _lowest(held: Sequence[pa.Table], most: int) -> pa.Table:
    table = pa.concat_tables(held, promote_options="permissive")
    best = np.argsort(table.column(ORDER).to_numpy(), kind="stable")[:most]
    return table.take(pa.array(best)).combine_chunks()


def _describe(batch: pa.RecordBatch, stream: IO[bytes], seed: int, twin_keys: TwinKeys) -> pa.Table:
    """The rows of `Gathered.table`; the texts go to the end of `stream`."""
    data, offsets, _ = text_buffers(batch.column(schema.TEXT))
    at = stream.tell() + offsets[:-1] - offsets[0]
    stream.write(data[offsets[0] : offsets[-1]].tobytes())
    columns: dict[str, pa.Array] = {
        ORDER: pa.array(_hashes(batch.column(schema.ID).to_pylist(), seed)),
        SITE: pa.array(_sites(batch), pa.uint64()),
        schema.CHARS: pc.utf8_length(batch.column(schema.TEXT)).cast(pa.int64()),
        "at": pa.array(at),
        "size": pa.array(np.diff(offsets)),
    }
    for name in (schema.SOURCE, schema.LANGUAGE):
        has = name in batch.schema.names
        columns[name] = batch.column(name).cast(pa.string()) if has else pa.nulls(batch.num_rows, pa.string())
    columns |= {f"{TWINS}{i}": column for i, column in enumerate(twin_keys(batch))}
    return pa.table(columns)


def _sites(batch: pa.RecordBatch) -> list[int | None]:
    if schema.URL not in batch.schema.names:
        return [None] * batch.num_rows
    sites = [site_of(address_of(url).host) if url else "" for url in batch.column(schema.URL).to_pylist()]
    return [xxh3_64_intdigest(site.encode()) if site else None for site in sites]


def _hashes(names: Iterable[str], seed: int) -> Hashes:
    return np.fromiter((xxh3_64_intdigest(name.encode(), seed) for name in names), np.uint64)


Both: TypeAlias = tuple[Gathered, Gathered]
"""Positives, then negatives."""


@dataclass(frozen=True)
class Part:
    """Rows of the positives and of the negatives."""

    positive: Rows
    negative: Rows

    def smaller(self) -> int:
        """Documents in the smaller class."""
        return min(len(self.positive), len(self.negative))

    def balanced(self) -> "Part":
        """Both classes cut to the size of the smaller; the rows of the lowest hashes stay."""
        return Part(self.positive[: self.smaller()], self.negative[: self.smaller()])


def without_twins(both: Both) -> tuple[Part, tuple[Counter[str], Counter[str]]]:
    """The documents that no earlier one equals, positives being earlier, and how many of each class left, by reason."""
    tables = [gathered.table for gathered in both]
    positives, total = tables[0].num_rows, tables[0].num_rows + tables[1].num_rows
    rows = np.arange(total)
    first = rows.copy()
    for name in (name for name in tables[0].schema.names if name.startswith(TWINS)):
        column = pa.concat_arrays([chunk for table in tables for chunk in table.column(name).chunks])
        keyed = np.flatnonzero(validity(column))
        for keys in fixed_bytes(column).view(np.uint64)[keyed].T:
            _, earliest, which = np.unique(keys, return_index=True, return_inverse=True)
            first[keyed] = np.minimum(first[keyed], keyed[earliest[which]])
    twin, of_a_positive = first < rows, first < np.minimum(rows, positives)
    reasons = (
        Counter(twin=int(twin[:positives].sum())),
        Counter(
            twin_of_a_positive=int(of_a_positive[positives:].sum()),
            twin=int((twin & ~of_a_positive)[positives:].sum()),
        ),
    )
    kept = Part(np.flatnonzero(~twin[:positives]), np.flatnonzero(~twin[positives:]))
    return kept, (+reasons[0], +reasons[1])


class Split(NamedTuple):
    """What to learn from, what to test on, and how many sites of each class have documents in both.

    That are those with more than the held-out share of a class: no side could take them whole.
    """

    train: Part
    held_out: Part
    divided_sites: tuple[int, int]


def split(both: Both, part: Part, *, share: float, seed: int) -> Split:
    """Hold out about `share` of each class, by site; documents without URL one by one."""
    groups, divided = _groups(both, part, share, seed)
    held = _held_out(groups, share)
    positive, negative = (np.isin(group, held) for group in groups)
    return Split(
        Part(part.positive[~positive], part.negative[~negative]),
        Part(part.positive[positive], part.negative[negative]),
        divided,
    )


def _groups(both: Both, part: Part, share: float, seed: int) -> tuple[tuple[Hashes, Hashes], tuple[int, int]]:
    """What must stay together, by hash: a document's site, unless that is large or unknown; and how many are large."""
    found = []
    large: set[int] = set()
    for gathered, rows in zip(both, (part.positive, part.negative), strict=True):
        column = gathered.table.column(SITE).take(pa.array(rows)).combine_chunks()
        known: Bools = validity(column)
        sites = pc.fill_null(column, 0).to_numpy().astype(np.uint64)
        names, counts = np.unique(sites[known], return_counts=True)
        large |= set(names[counts > max(1, share * len(rows))].tolist())
        found.append((sites, known, gathered.table.column(ORDER).to_numpy()[rows]))
    avoided = np.array(sorted(large), np.uint64)
    groups = [_remix(np.where(known & ~np.isin(sites, avoided), sites, order), seed) for sites, known, order in found]
    met = [int(np.sum(np.isin(avoided, sites[known]))) for sites, known, _ in found]
    return (groups[0], groups[1]), (met[0], met[1])


def _remix(groups: Hashes, seed: int) -> Hashes:
    """Hashes of hashes: those of a sample's ids are all low, those of sites are not."""
    mixed = (groups ^ np.uint64(2 * seed + 1)) * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(32))) * np.uint64(0xC4CEB9FE1A85EC53)
    return np.asarray(mixed ^ (mixed >> np.uint64(29)))


def _held_out(groups: tuple[Hashes, Hashes], share: float) -> Hashes:
    """The groups to hold out: those of the lowest hashes, until each class has its share."""
    held = np.array([], np.uint64)
    for mine in groups:
        names, counts = np.unique(mine, return_counts=True)
        already = np.isin(names, held)
        wanted = share * len(mine) - counts[already].sum()
        added = np.where(already, 0, counts)
        held = np.union1d(held, names[~already & (np.cumsum(added) - added < wanted)])
    return held
