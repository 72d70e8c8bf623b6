"""Resolves a barrier on a few documents, by way of sketch files as the engine writes them."""

import uuid

import pyarrow as pa
import pyarrow.parquet as pq

from textmill.pipeline.executor import Inline
from textmill.pipeline.io.files import open_binary, write_whole


def resolve(barrier, shards, folder, *, executor=None, **limits):
    """The rulings on each shard, as tables; `shards` are record batches with `id` and `source`."""
    paths = []
    for number, batch in enumerate(shards):
        sketch = barrier.sketch(batch)
        columns = dict(zip(sketch.schema.names, sketch.columns, strict=True))
        table = pa.table({"id": batch["id"], "source": batch["source"], **columns})
        paths.append(f"{folder}/sketch-{number}.parquet")
        with write_whole(paths[-1]) as stream:
            pq.write_table(table, stream)
    tables = []
    for path in barrier.resolve(paths, f"{folder}/work", executor or Inline(), **limits):
        with open_binary(path) as stream:
            tables.append(pq.read_table(stream))
    return tables


def memory():
    """A fresh folder in memory: property tests would wear out a disk."""
    return f"memory://barriers/{uuid.uuid4().hex}"
