"""The last step of a barrier: each shard's ruling becomes decisions and a manifest."""

from dataclasses import dataclass

import numpy as np

from textmill.pipeline.barrier import RULING
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
    """Keep the ruling, write the decisions, and commit.

    Raises ConservationError when rows are missing, StepError when the ruling is none on the shard's rows.
    """
    where = f"barrier {job.stage!r}, part {item.part}"
    sketch, ruling = read_table(job.folder.file("sketch", item.part)), read_table(item.ruling)
    if sketch.num_rows != item.rows:
        raise ConservationError(f"{where}: {item.rows} rows were kept, {sketch.num_rows} sketched")
    rows = ruling.column("row").to_numpy()
    if len(rows) and (rows[0] < 0 or rows[-1] >= sketch.num_rows or (np.diff(rows) <= 0).any()):
        raise StepError(f"{where}: the ruling names rows out of order, twice, or that are not there")
    decisions, ledger = decisions_of(job.stage, job.step, sketch, ruling)
    ledger.check(where)
    manifest = ShardManifest(item.part, {"part": item.part}, ledger)
    with parquet_sink(job.folder.file("decisions", item.part)) as sink:
        for batch in decisions.to_batches():
            sink.write(batch)
    if sink.written.rows:
        manifest.files["decisions"] = sink.written
    if ruling.num_rows or ruling.schema.names != RULING.names:  # which adds its columns even where it rules nothing
        with parquet_sink(job.folder.file("rulings", item.part), layout=ruling.schema) as sink:
            for batch in ruling.to_batches():
                sink.write(batch)
        manifest.files["rulings"] = sink.written
    job.folder.commit(manifest)
    return manifest
