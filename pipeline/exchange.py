"""Moves rows between the tasks of a barrier through files, so that no task ever holds more than a part of them.

A barrier scatters twice: by key, so that rows with equal keys meet in one task, and by shard, so
that what was found out comes home. Each task writes one file, however many tasks will read from it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from textmill.pipeline.arrow import one_batch
from textmill.pipeline.errors import UsageError
from textmill.pipeline.io.files import filesystem, write_whole
from textmill.pipeline.memory import Memory, megabytes, total_of

_READERS = 8
"""Files read at once by `collect`: the store answers slowly, but many at a time."""


class Portion(NamedTuple):
    """Consecutive shards that one task takes on together.

    number: position among the portions. first: number of its first shard. paths: a file a shard.
    """

    number: int
    first: int
    paths: list[str]

    def shards(self) -> Iterator[tuple[int, str]]:
        """The number and the file of each shard."""
        return enumerate(self.paths, self.first)


def portions(paths: Sequence[str], limit: int) -> list[Portion]:
    """Cut `paths` into portions of at most `limit` bytes of files, at least one file each."""
    return _cut(paths, _sizes(paths), limit)


def portions_within(paths: Sequence[str], memory: Memory, growth: int) -> list[Portion]:
    """Cut `paths` into portions that fit a task's memory, where a byte of a file takes `growth` bytes at most.

    Raises UsageError where a single file does not fit into memory that was declared.
    """
    sizes = _sizes(paths)
    largest = max((sizes.get(path, 0) for path in paths), default=0)
    if memory.declared and largest * growth > memory.data:
        raise UsageError(
            f"--memory is too small: the largest shard has {megabytes(largest)} of sketches, which take up to {growth} "
            f"times as much in a task. Give {total_of(largest * growth)} or more, and what is done is kept; or make "
            "smaller shards, by split_bytes of the inputs"
        )
    return _cut(paths, sizes, memory.data // growth)


def _cut(paths: Sequence[str], sizes: Mapping[str, int], limit: int) -> list[Portion]:
    cuts, held = [0], 0
    for number, path in enumerate(paths):
        if held + sizes.get(path, 0) > limit and number > cuts[-1]:
            cuts.append(number)
            held = 0
        held += sizes.get(path, 0)
    stops = [*cuts[1:], len(paths)]
    ranges = zip(cuts, stops, strict=True) if paths else ()
    return [Portion(i, start, list(paths[start:stop])) for i, (start, stop) in enumerate(ranges)]


def scatter(rows: pa.Table, part: npt.NDArray[np.integer], parts: int, path: str) -> None:
    """Write `rows` to one file from which `collect` gives, in their order, the rows with ``part == p``.

    part: length of `rows`, each in [0, parts).
    """
    narrow = part.astype(np.min_scalar_type(parts))  # numpy sorts up to 16 bits by radix
    ordered = rows.take(pa.array(np.argsort(narrow, kind="stable")))
    scatter_ordered(ordered, np.bincount(part, minlength=parts), path)


def scatter_ordered(rows: pa.Table, counts: npt.NDArray[np.integer], path: str) -> None:
    """Write rows as `scatter` does that stand in the order of their parts already; counts: rows of each part."""
    scatter_rounds([(rows, counts)], rows.schema, path)


def scatter_rounds(rounds: Iterable[tuple[pa.Table, npt.NDArray[np.integer]]], layout: pa.Schema, path: str) -> None:
    """Write rows and counts as `scatter_ordered` does, several times to one file: no more than a round is held.

    Record batch ``round * parts + p`` of the file holds the rows of a round that go to part p.
    """
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    with write_whole(path) as stream, pa.ipc.new_file(stream, layout, options=options) as writer:
        for rows, counts in rounds:
            ordered, start = one_batch(rows), 0
            for count in counts.tolist():
                writer.write_batch(ordered.slice(start, count))
                start += count


def collect(paths: Sequence[str], part: int, parts: int | None = None) -> pa.Table:
    """The rows that were scattered to `part`, from every file, in the order of `paths` (at least one).

    parts: of how many, where a file may have several rounds.
    """

    def read(path: str) -> pa.Table:
        fs, name = filesystem(path)
        with fs.open(name, "rb", cache_type="none") as stream, pa.ipc.open_file(stream) as reader:
            count = reader.num_record_batches
            found = [reader.get_batch(number) for number in range(part, count, parts or max(1, count))]
            return pa.Table.from_batches(found, reader.schema)

    with ThreadPoolExecutor(_READERS) as pool:
        return pa.concat_tables(pool.map(read, paths), promote_options="permissive").combine_chunks()


def _sizes(paths: Sequence[str]) -> dict[str, int]:
    """Bytes of each file, by one listing a folder: a request a file takes minutes for many thousands."""
    sizes = {}
    for folder in {path.rpartition("/")[0] for path in paths}:
        fs, name = filesystem(folder)
        fs.invalidate_cache()
        for info in fs.ls(name, detail=True):
            file = info["name"].rpartition("/")[2]
            sizes[f"{folder}/{file}"] = int(info["size"] or 0)
    return sizes
