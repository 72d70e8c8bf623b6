"""Writes one file of the corpus: the last chain's rows in order, or a mix's copies of them by their keys."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from textmill.pipeline.arrow import unite, widen
from textmill.pipeline.errors import StepError, UsageError
from textmill.pipeline.io.files import exists, join, list_tree, open_binary
from textmill.pipeline.io.writer import WrittenFile
from textmill.pipeline.ledger import Ledger
from textmill.pipeline.mixing.shuffle import collect_partition
from textmill.pipeline.recipe import Output
from textmill.pipeline.rulings import read_batches
from textmill.pipeline.stage_folder import ShardManifest, StageFolder, part_name
from textmill.pipeline.writers.formats import corpus_sink
from textmill.pipeline.writers.prefix import add_prefix
from textmill.pipeline.writers.sink import Place


def refuse_foreign_files(out: str) -> None:
    """Raise UsageError when files are where the corpus is to go, and no run can have written them."""
    if list_tree(join(out, "data")) and not exists(join(out, "stages", "plan.json")):
        raise UsageError(f"{join(out, 'data')} holds files that no run wrote: move them, or choose another folder")


@dataclass(frozen=True)
class OutputJob:
    """Where the corpus goes, where its manifests do, the columns that all its files have, and their format.

    scattered, partitions: after a mix, the files that hold all copies, and into how many partitions.
    """

    data: str
    folder: StageFolder
    layout: pa.Schema
    output: Output = field(default_factory=Output)
    scattered: tuple[str, ...] = ()
    partitions: int = 0


@dataclass(frozen=True)
class OutputItem:
    """One file of the corpus, number `number` of `count` in the folder of its phase ("" without phases).

    pieces: runs of row groups (path, first, end) of the last chain's files. partitions: after a mix, the first and
    the end of those whose copies it holds.
    """

    part: int
    pieces: tuple[tuple[str, int, int], ...] = ()
    phase: str = ""
    number: int = 0
    count: int = 1
    partitions: tuple[int, int] = (0, 0)


def data_file(data: str, part: int) -> str:
    """Path of a file of a corpus of Parquet without phases."""
    return join(data, f"{part_name(part)}.parquet")


def phase_folder(data: str, phase: str) -> str:
    """The folder of a phase's files; of a corpus without phases, `data` itself."""
    return join(data, phase) if phase else data


def written_files(manifest: ShardManifest) -> dict[str, WrittenFile]:
    """The files of a part of the corpus, by their path in the folder of the corpus."""
    return {name: WrittenFile(**file) for name, file in manifest.origin["files"].items()}


def pack(folder: StageFolder, manifests: Iterable[ShardManifest], shard_bytes: int) -> list[OutputItem]:
    """Row groups in order, cut into files of at least `shard_bytes`, except the last.

    The cut depends on the files alone.
    """
    packed: list[tuple[tuple[str, int, int], ...]] = []
    pieces: list[tuple[str, int, int]] = []
    size = 0
    for manifest in manifests:
        path = folder.file("data", manifest.part)
        first = 0
        groups = manifest.files["data"].row_groups if "data" in manifest.files else []
        for number, (_, stored) in enumerate(groups, 1):
            size += stored
            if size >= shard_bytes:
                packed.append((*pieces, (path, first, number)))
                pieces, size, first = [], 0, number
        if first < len(groups):
            pieces.append((path, first, len(groups)))
    packed += [tuple(pieces)] if pieces else []
    return [OutputItem(part, held, number=part, count=len(packed)) for part, held in enumerate(packed)]


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
    folder = phase_folder(job.data, item.phase)
    with corpus_sink(job.output, Place(folder, item.number, item.count, job.layout)) as sink:
        for batch, rows in _rows(job, item):
            ledger.rows_in += rows
            ledger.copies += batch.num_rows - rows
            rows_out = add_prefix(batch, job.output.prefix) if job.output.prefix else batch
            ledger.keep(rows_out)
            sink.write(rows_out)
    inner = f"{item.phase}/" if item.phase else ""
    files = {f"{inner}{name}": asdict(written) for name, written in sink.files.items()}
    origin: dict[str, Any] = {"files": files, "phase": item.phase, "number": item.number}
    origin |= {"partitions": item.partitions} if job.partitions else {"pieces": item.pieces}
    origin |= {"facts": sink.facts} if sink.facts else {}
    manifest = ShardManifest(item.part, origin, ledger)
    job.folder.commit(manifest)
    return manifest


def _rows(job: OutputJob, item: OutputItem) -> Iterator[tuple[pa.RecordBatch, int]]:
    """Batches, and how many of their rows stand for a row that came in."""
    for path, first, end in item.pieces:
        for batch in read_batches(path, first, end):
            yield batch if batch.schema.equals(job.layout) else widen(batch, job.layout), batch.num_rows
    for partition in range(*item.partitions):
        yield from collect_partition(job.scattered, partition, job.partitions)
