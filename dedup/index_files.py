"""Changes an index of band keys: adds documents, takes some down, and merges what was added bit by bit."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from xxhash import xxh3_128

from textmill.dedup.banded import KEYS
from textmill.dedup.index import Added, Index, IndexFile
from textmill.pipeline import schema
from textmill.pipeline.arrow import bools, fixed_bytes, text_buffers, validity
from textmill.pipeline.executor import Executor, gather
from textmill.pipeline.io.files import open_binary, write_whole
from textmill.pipeline.io.writer import HashingStream

SEGMENT_KEYS: Final = 1 << 22
"""Keys that are sorted at once, and that a file holds; sorting takes 50 bytes each."""

GROUP_ROWS: Final = 1 << 17
"""Keys that a reader holds at once."""

KEY: Final = "key"
NUMBER: Final = "number"


def add(
    index: Index, batches: Iterable[pa.RecordBatch | pa.Table], name: str, *, segment_keys: int = SEGMENT_KEYS
) -> Index:
    """The index with the documents of `batches` (columns `id`, `source`, `keys`), for `commit`.

    The index as it was if their content was added before.
    """
    content = _Content()
    documents, keys = list(index.documents), list(index.keys)
    most = max(1, segment_keys // int(index.settings["bands"]))
    first = index.size
    for rows in _runs(batches, most):
        content.update(rows)
        number = len(documents) - len(index.documents)
        documents.append(_write_documents(index, rows, first, number))
        column = rows.column(KEYS).combine_chunks()
        signed = np.flatnonzero(validity(column))
        own = fixed_bytes(column).view(np.uint64)[signed]
        numbers = np.repeat(first + signed, own.shape[1])
        keys.append(_write_keys(index, own.ravel(), numbers, number))
        first += rows.num_rows
    if index.holds(content.digest()):
        return index
    added = Added(name, first - index.size, content.digest())
    return replace(
        index,
        generation=index.generation + 1,
        added=(*index.added, added),
        documents=tuple(documents),
        keys=tuple(file for file in keys if file.rows),
    )


def take_down(index: Index, ids: Sequence[str]) -> tuple[Index, list[str]]:
    """The index without the documents of these ids, for `commit`, and those of the ids that it does not have.

    They count for nothing from then on; `compact` erases their keys and ids.
    """
    wanted, numbers, found = pa.array(sorted(set(ids)), pa.string()), [removed_numbers(index)], []
    for file in index.documents:
        with open_binary(index.file(file.name)) as stream:
            table = pq.read_table(stream, columns=[schema.ID])
        at = np.flatnonzero(bools(pc.is_in(table[schema.ID], value_set=wanted)))
        numbers.append(at + file.lowest)
        found.append(table[schema.ID].take(pa.array(at)).combine_chunks())
    missing = wanted.filter(pc.invert(pc.is_in(wanted, value_set=pa.concat_arrays(found)))) if found else wanted
    gone = np.unique(np.concatenate(numbers))
    if (index.removed is not None and len(gone) == index.removed.rows) or not len(gone):
        return index, missing.to_pylist()
    changed = replace(index, generation=index.generation + 1)
    file = _write(changed, f"removed/{changed.generation:06d}.parquet", pa.table({NUMBER: gone}))
    return replace(changed, removed=file), missing.to_pylist()


def compact(index: Index, executor: Executor, *, segment_keys: int = SEGMENT_KEYS) -> Index:
    """The index with as few files of keys as can be, and without a trace of what was taken down, for `commit`."""
    if index.removed is None and len(index.keys) <= 1:
        return index
    ranges = max(1, -(-sum(file.rows for file in index.keys) // segment_keys))
    job = _Compaction(index, ranges)
    keys = gather(executor, _merge, range(ranges), job)
    documents = gather(executor, _erase, range(len(index.documents)), job)
    erased = index.erased + (index.removed.rows if index.removed else 0)
    return replace(
        index,
        generation=index.generation + 1,
        documents=tuple(documents),
        keys=tuple(file for file in keys if file.rows),
        removed=None,
        erased=erased,
    )


def scan(index: Index, lowest: int, highest: int) -> Iterator[tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]]:
    """The keys from `lowest` to `highest`, both included, and the number of the document of each, run by run.

    A run is sorted by key, then by number. What was taken down is left out.
    """
    removed = removed_numbers(index)
    for file in index.keys:
        if file.highest < lowest or file.lowest > highest:
            continue
        with open_binary(index.file(file.name)) as stream, pq.ParquetFile(stream) as parquet:
            for group in range(parquet.num_row_groups):
                bounds = parquet.metadata.row_group(group).column(0).statistics
                if bounds.max < lowest or bounds.min > highest:
                    continue
                rows = parquet.read_row_group(group)
                keys, numbers = rows.column(KEY).to_numpy(), rows.column(NUMBER).to_numpy()
                inside = slice(*_range(keys, lowest, highest))
                keys, numbers = keys[inside], numbers[inside]
                if len(removed):
                    stays = np.isin(numbers, removed, invert=True)
                    keys, numbers = keys[stays], numbers[stays]
                if len(keys):
                    yield keys, numbers


def bounds_of(number: int, ranges: int) -> tuple[int, int]:
    """The least and the greatest key of a range: ``(key >> 32) * ranges >> 32`` is its number."""
    lowest, end = (-(-(n << 32) // ranges) << 32 for n in (number, number + 1))
    return lowest, end - 1


def removed_numbers(index: Index) -> npt.NDArray[np.int64]:
    """The numbers of documents that were taken down and not erased yet, ascending."""
    if index.removed is None:
        return np.empty(0, np.int64)
    with open_binary(index.file(index.removed.name)) as stream:
        numbers: npt.NDArray[np.int64] = pq.read_table(stream)[NUMBER].to_numpy()
    return numbers


def read_ids(index: Index, file: int, numbers: npt.NDArray[np.int64]) -> pa.ChunkedArray:
    """The ids of documents that are in file number `file` of `index.documents`."""
    entry = index.documents[file]
    with open_binary(index.file(entry.name)) as stream:
        ids = pq.read_table(stream, columns=[schema.ID])[schema.ID]
    return ids.take(pa.array(numbers - entry.lowest))


class _Content:
    """A hash of documents' ids and keys that does not depend on how they are cut into batches."""

    def __init__(self) -> None:
        self._hashes = [xxh3_128() for _ in range(4)]

    def update(self, rows: pa.Table) -> None:
        """Take in some more."""
        ids, column = text_buffers(rows.column(schema.ID).combine_chunks()), rows.column(KEYS).combine_chunks()
        valid = validity(column)
        some = ids.data[ids.offsets[0] : ids.offsets[-1]], np.diff(ids.offsets), valid, fixed_bytes(column)[valid]
        for digest, values in zip(self._hashes, some, strict=True):
            digest.update(np.ascontiguousarray(values).data)

    def digest(self) -> str:
        """The hash of all."""
        return xxh3_128("".join(digest.hexdigest() for digest in self._hashes).encode()).hexdigest()


@dataclass(frozen=True)
class _Compaction:
    """The index that is, and the ranges of keys that are merged one by one."""

    old: Index
    ranges: int


def _merge(job: _Compaction, number: int) -> IndexFile:
    runs = list(scan(job.old, *bounds_of(number, job.ranges)))  # older documents first: the order of numbers stays
    keys = np.concatenate([run[0] for run in runs]) if runs else np.empty(0, np.uint64)
    numbers = np.concatenate([run[1] for run in runs]) if runs else np.empty(0, np.int64)
    return _write_keys(job.old, keys, numbers, number)


def _erase(job: _Compaction, number: int) -> IndexFile:
    file = job.old.documents[number]
    gone = removed_numbers(job.old)
    gone = gone[slice(*_range(gone, file.lowest, file.highest))]
    if not len(gone):
        return file
    with open_binary(job.old.file(file.name)) as stream:
        rows = pq.read_table(stream)
    stays = np.ones(rows.num_rows, np.bool_)
    stays[gone - file.lowest] = False
    columns = {name: pc.if_else(pa.array(stays), rows[name], None) for name in (schema.ID, schema.SOURCE)}
    return _write_documents(job.old, pa.table(columns), file.lowest, number)


def _runs(batches: Iterable[pa.RecordBatch | pa.Table], most: int) -> Iterator[pa.Table]:
    """The documents in tables of `most` rows, but for the last."""
    pending: list[pa.Table] = []
    held = 0
    for batch in batches:
        rows = batch if isinstance(batch, pa.Table) else pa.Table.from_batches([batch])
        rows = rows.select([schema.ID, schema.SOURCE, KEYS])
        while held + rows.num_rows >= most:
            head = rows.slice(0, most - held)
            yield pa.concat_tables([*pending, head], promote_options="permissive")
            rows, pending, held = rows.slice(head.num_rows), [], 0
        pending.append(rows)
        held += rows.num_rows
    if held:
        yield pa.concat_tables(pending, promote_options="permissive")


def _write_documents(index: Index, rows: pa.Table, first: int, number: int) -> IndexFile:
    last = first + rows.num_rows
    table = rows.select([schema.ID, schema.SOURCE]).add_column(0, NUMBER, pa.array(np.arange(first, last)))
    file = _write(index, f"documents/{index.generation + 1:06d}-{number:04d}.parquet", table)
    return replace(file, lowest=first, highest=last - 1)


def _write_keys(index: Index, keys: npt.NDArray[np.uint64], numbers: npt.NDArray[np.int64], number: int) -> IndexFile:
    """Sort keys, and with equal keys leave numbers in their order."""
    name = f"keys/{index.generation + 1:06d}-{number:04d}.parquet"
    if not len(keys):
        return IndexFile(name, 0, 0, "")
    order = np.argsort(keys, kind="stable")
    keys, numbers = keys[order], numbers[order]
    packed = {KEY: "DELTA_BINARY_PACKED", NUMBER: "DELTA_BINARY_PACKED"}
    file = _write(index, name, pa.table({KEY: keys, NUMBER: numbers}), packed)
    return replace(file, lowest=int(keys[0]), highest=int(keys[-1]))


def _write(index: Index, name: str, rows: pa.Table, encoding: dict[str, str] | None = None) -> IndexFile:
    with write_whole(index.file(name)) as stream:
        hashing = HashingStream(stream)
        pq.write_table(
            rows,
            hashing,
            row_group_size=GROUP_ROWS,
            use_dictionary=[schema.SOURCE] if encoding is None and schema.SOURCE in rows.schema.names else False,
            column_encoding=encoding,
            compression="none" if encoding else "zstd",
        )
        return IndexFile(name, rows.num_rows, hashing.position, hashing.hash.hexdigest())


def _range(ordered: npt.NDArray[np.generic], lowest: int, highest: int) -> tuple[int, int]:
    kind = ordered.dtype.type
    start = int(np.searchsorted(ordered, kind(lowest)))
    return start, int(np.searchsorted(ordered, kind(highest), side="right"))
