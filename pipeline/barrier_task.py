"""The last step of a barrier: each shard's ruling becomes decisions, edits and a manifest."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from textmill.pipeline import schema
from textmill.pipeline.arrow import validity
from textmill.pipeline.barrier import RULING
from textmill.pipeline.edits import check_cuts, cuts_of, edits_of
from textmill.pipeline.errors import ConservationError, StepError
from textmill.pipeline.io.writer import parquet_sink
from textmill.pipeline.rulings import decisions_of, read_table
from textmill.pipeline.stage_folder import ShardManifest, StageFolder


@dataclass(frozen=True)
class BarrierJob:
    """The barrier's stage, its label in decisions, and its folder."""

    stage: str
    step: str
    folder: StageFolder


@dataclass(frozen=True)
class RulingItem:
    """A shard, the ruling on it among the barrier's work files, and how many rows it has."""

    part: int
    ruling: str
    rows: int


def commit_ruling(job: BarrierJob, item: RulingItem) -> ShardManifest:
    """Keep the ruling, write the decisions and the edits, and commit.

    Raises ConservationError when rows are missing, StepError when the ruling is none on the shard's rows.
    """
    where = f"barrier {job.stage!r}, part {item.part}"
    sketch, ruling = read_table(job.folder.file("sketch", item.part)), read_table(item.ruling)
    if sketch.num_rows != item.rows:
        raise ConservationError(f"{where}: {item.rows} rows were kept, {sketch.num_rows} sketched")
    _check_ruling(sketch, ruling, where)
    decisions, ledger = decisions_of(job.stage, job.step, sketch, ruling)
    ledger.check(where)
    manifest = ShardManifest(item.part, {"part": item.part}, ledger)
    for kind, table in (("decisions", decisions), ("edits", edits_of(job.stage, job.step, sketch, ruling))):
        _write(job, manifest, kind, table)
    if ruling.num_rows or ruling.schema.names != RULING.names:  # which adds its columns even where it rules nothing
        _write(job, manifest, "rulings", ruling, layout=ruling.schema)
    job.folder.commit(manifest)
    return manifest


def _check_ruling(sketch: pa.Table, ruling: pa.Table, where: str) -> None:
    rows = ruling.column("row").to_numpy()
    if len(rows) and (rows[0] < 0 or rows[-1] >= sketch.num_rows or (np.diff(rows) <= 0).any()):
        raise StepError(f"{where}: the ruling names rows out of order, twice, or that are not there")
    chars = pc.cast(sketch.column(schema.CHARS).take(pa.array(rows)), pa.int64()).to_numpy()
    check_cuts(cuts_of(ruling), chars, validity(ruling.column("reason").combine_chunks()), where)


def _write(
    job: BarrierJob, manifest: ShardManifest, kind: str, table: pa.Table, layout: pa.Schema | None = None
) -> None:
    """Write a file of the part, and vouch for it; without a `layout` only if it has rows."""
    with parquet_sink(job.folder.file(kind, manifest.part), layout=layout) as sink:
        for batch in table.to_batches():
            sink.write(batch)
    if sink.written.rows or layout is not None:
        manifest.files[kind] = sink.written
