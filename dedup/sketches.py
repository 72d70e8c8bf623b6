"""What barriers that find duplicates share: scopes, reading sketches by portion, files between tasks, rulings."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from xxhash import xxh3_64_intdigest

from textmill.pipeline.barrier import CUTS, RULING
from textmill.pipeline.exchange import Portion, portions, portions_within
from textmill.pipeline.executor import Executor
from textmill.pipeline.io.files import join, open_binary
from textmill.pipeline.io.writer import write_parquet

GLOBAL = "global"
"""The scope in which any two documents may be duplicates; any other names a column in which they must agree."""

GROWTH = 32
"""What a byte of sketch files is taken to need of a task's memory; docs/dedup.md has what was measured."""


def scope_seeds(batch: pa.RecordBatch, scope: str) -> npt.NDArray[np.uint64]:
    """A number for each row, the same for those that agree in the column `scope`; 0 for all where it is `GLOBAL`."""
    if scope == GLOBAL:
        return np.zeros(batch.num_rows, np.uint64)
    values = pc.cast(batch.column(scope), pa.string()).dictionary_encode()
    seeds = [xxh3_64_intdigest(value.encode()) for value in values.dictionary.to_pylist()]
    group: npt.NDArray[np.int32] = pc.fill_null(values.indices, len(seeds)).to_numpy()
    return np.array([*seeds, 0], np.uint64).take(group)


def scope_columns(scope: str) -> frozenset[str]:
    """The columns that a scope reads."""
    return frozenset() if scope == GLOBAL else frozenset({scope})


@dataclass(frozen=True)
class Work:
    """The folder of a barrier's intermediate files; each kind has as many as there are portions of shards."""

    folder: str
    parts: int

    def file(self, kind: str, number: int) -> str:
        """What task `number` of a kind writes."""
        return join(self.folder, kind, f"{number:06d}.arrow")

    def files(self, kind: str) -> list[str]:
        """What all tasks of a kind write."""
        return [self.file(kind, number) for number in range(self.parts)]


def shares_of(
    sketches: Sequence[str], executor: Executor, part_bytes: int | None, growth: int = GROWTH
) -> list[Portion]:
    """The portions of shards that tasks take on: `part_bytes` of sketches, or what the executor's memory allows.

    Raises UsageError where a single shard does not fit into memory that was declared.
    """
    if part_bytes is not None:
        return portions(sketches, part_bytes)
    return portions_within(sketches, executor.memory, growth)


def read_sketches(portion: Portion, columns: Sequence[str]) -> tuple[pa.Table, list[int]]:
    """Those of `columns` that the sketches of a portion have, one after another, and the rows of each."""
    tables = []
    for path in portion.paths:
        with open_binary(path) as stream, pq.ParquetFile(stream) as file:
            names = file.schema_arrow.names
            tables.append(file.read([name for name in columns if name in names]))
    return pa.concat_tables(tables, promote_options="permissive"), [table.num_rows for table in tables]


def ruling_of(reason: str | pa.Array, drops: pa.Array, kept_id: pa.Array, similarity: pa.Array) -> pa.Table:
    """A ruling on every row of a portion, from columns that count only where `drops` is true.

    reason: the same for all rows that leave, or one a row.
    """
    columns = {
        "row": pa.array(np.arange(len(drops))),
        "reason": pc.if_else(drops, reason, None),
        "kept_id": pc.if_else(drops, kept_id, None),
        "similarity": pc.if_else(drops, similarity, None),
    }
    arrays = [columns.get(field.name, pa.nulls(len(drops))).cast(field.type) for field in RULING]
    return pa.table(arrays, schema=RULING)


def write_rulings(ruling: pa.Table, portion: Portion, sizes: Sequence[int], work: Work) -> list[str]:
    """Write the ruling on every row of a portion as one file a shard; return their paths.

    Rows that stay as they are are left out where the ruling adds no column.
    """
    paths = [join(work.folder, "rulings", f"{shard:06d}.parquet") for shard, _ in portion.shards()]
    for path, stop, size in zip(paths, np.cumsum(sizes).tolist(), sizes, strict=True):
        mine = ruling.slice(stop - size, size).set_column(0, RULING.field("row"), pa.array(np.arange(size)))
        told = [name for name in ("reason", CUTS) if name in mine.schema.names]
        if mine.num_columns == len(RULING) - 1 + len(told):
            mine = mine.filter(reduce(pc.or_, (pc.is_valid(mine.column(name)) for name in told)))
        write_parquet(path, mine)
    return paths
