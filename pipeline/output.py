"""The corpus: the last chain's rows, in order, in files of about the size that the recipe asks for."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from textmill.pipeline.arrow import unite
from textmill.pipeline.errors import StepError
from textmill.pipeline.io.files import join, open_binary
from textmill.pipeline.io.writer import parquet_sink
from textmill.pipeline.ledger import Ledger
from textmill.pipeline.rulings import read_batches
from textmill.pipeline.stage_folder import ShardManifest, StageFolder, part_name

LEVEL = 3
"""Of zstd; intermediates use 1."""


@dataclass(frozen=True)
class OutputJob:
    """Where the corpus goes, where its manifests do, and the columns that all its files have."""

    data: str
    folder: StageFolder
    layout: pa.Schema


@dataclass(frozen=True)
class OutputItem:
    """One file of the corpus: runs of row groups (path, first, end) of the last chain's files."""

    part: int
    pieces: tuple[tuple[str, int, int], ...]


def data_file(data: str, part: int) -> str:
    """Path of a corpus file."""
    return join(data, f"{part_name(part)}.parquet")


def pack(folder: StageFolder, manifests: Iterable[ShardManifest], shard_bytes: int) -> list[OutputItem]:
    """Row groups in order, cut into files of at least `shard_bytes`, except the last.

    The cut depends on the files alone.
    """
    items: list[OutputItem] = []
    pieces: list[tuple[str, int, int]] = []
    size = 0
    for manifest in manifests:
        path = folder.file("data", manifest.part)
        first = 0
        groups = manifest.files["data"].row_groups if "data" in manifest.files else []
        for number, (_, stored) in enumerate(groups, 1):
            size += stored
            if size >= shard_bytes:
                items.append(OutputItem(len(items), (*pieces, (path, first, number))))
                pieces, size, first = [], 0, number
        if first < len(groups):
            pieces.append((path, first, len(groups)))
    return [*items, OutputItem(len(items), tuple(pieces))] if pieces else items


def layout_of(_: None, item: OutputItem) -> pa.Schema:
    """The columns of all pieces of a file. Raises StepError when two types of one column have none in common."""
    layouts = []
    for piece in item.pieces:
        with open_binary(piece[0]) as stream:
            layouts.append(pq.read_schema(stream))
    return unite_layouts(layouts)


def unite_layouts(layouts: Sequence[pa.Schema]) -> pa.Schema:
    """The columns of all shards. Raises StepError when two types of one column have none in common."""
    try:
        return unite(layouts)
    except TypeError as error:
        raise StepError(f"shards disagree on the type of a column of the corpus: {error}") from error


def write_output(job: OutputJob, item: OutputItem) -> ShardManifest:
    """Write one file of the corpus and commit it."""
    ledger = Ledger()
    with parquet_sink(data_file(job.data, item.part), level=LEVEL, layout=job.layout) as sink:
        for path, first, end in item.pieces:
            for batch in read_batches(path, first, end):
                ledger.rows_in += batch.num_rows
                ledger.keep(batch)
                sink.write(batch)
    manifest = ShardManifest(item.part, {"pieces": item.pieces, "data": asdict(sink.written)}, ledger)
    job.folder.commit(manifest)
    return manifest
