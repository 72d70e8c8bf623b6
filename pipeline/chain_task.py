"""The unit of work of a chain: one shard, read, sent through the steps, written, committed.

A task is plain data (paths, names, parameters), so that any executor can carry it, and running it again
gives the same files.
"""

import faulthandler
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pyarrow as pa

from textmill.pipeline import schema
from textmill.pipeline.arrow import one_batch, widen
from textmill.pipeline.barrier import Barrier
from textmill.pipeline.chain import Passed, blame
from textmill.pipeline.errors import ConservationError, TextmillError
from textmill.pipeline.io.files import RETRY_DELAYS, patiently
from textmill.pipeline.io.reader import Reader, Skipped
from textmill.pipeline.io.writer import ParquetSink, parquet_sink
from textmill.pipeline.isolate import IsolatedChain
from textmill.pipeline.ledger import Ledger, lengths
from textmill.pipeline.measures import join_measures
from textmill.pipeline.rulings import apply_ruling, read_batches, read_table
from textmill.pipeline.shard import Shard
from textmill.pipeline.spec import ChainSpec, Spec, build_barrier, build_chain, build_reader
from textmill.pipeline.stage_folder import ShardManifest, StageFolder


@dataclass(frozen=True)
class ChainJob:
    """What all shards of a chain have in common; `readers` and the `layout` of all inputs are for the first one."""

    chain: ChainSpec
    folder: StageFolder
    readers: tuple[Spec, ...] = ()
    layout: pa.Schema | None = None
    barrier: Spec | None = None
    sketches: StageFolder | None = None
    hang_seconds: float | None = None
    isolate: bool = False
    retry_delays: tuple[float, ...] = RETRY_DELAYS


@dataclass(frozen=True)
class ShardItem:
    """One shard: a slice of an input, or a part of an earlier stage with the barrier's ruling on it.

    `rows` and `chars` are how many rows, and characters of text, the books say it has, where they know.
    """

    part: int
    shard: Shard | None = None
    data: str = ""
    ruling: str = ""
    rows: int | None = None
    chars: int | None = None


def run_shard(job: ChainJob, item: ShardItem) -> ShardManifest:
    """Do a shard and commit it. Transient I/O errors are retried with the delays of the job.

    Raises ConservationError when the books do not balance, StepError when a step breaks on every row,
    InputError for a file that cannot be read, and OSError when the disk or store fails.
    """
    return patiently(lambda: _run_shard(job, item), job.retry_delays)


def _run_shard(job: ChainJob, item: ShardItem) -> ShardManifest:
    start = time.perf_counter()
    ledger = Ledger()
    with ExitStack() as stack:
        sinks = {
            kind: stack.enter_context(parquet_sink(folder.file(kind, item.part)))
            for kind, folder in _outputs(job).items()
        }
        barrier = build_barrier(job.barrier) if job.barrier else None
        measures: list[pa.Table] = []
        for passed in _process(job, _batches(job, item, ledger.skipped)):
            ledger.add(passed.ledger)
            if passed.ledger.errors:
                blame(job.chain.stage, ledger)
            _write(sinks, passed, barrier)
            if passed.measures is not None:
                measures.append(passed.measures.table(job.chain.keep_measures))
        if measures:
            sinks["measures"].write(one_batch(join_measures(measures)))
    ledger.seconds = time.perf_counter() - start
    manifest = ShardManifest(item.part, _origin(item), ledger)
    manifest.files = {k: s.written for k, s in sinks.items() if s.written.rows and k != "sketch"}
    _check(job, item, manifest, sinks)
    job.folder.commit(manifest)
    return manifest


def _outputs(job: ChainJob) -> dict[str, StageFolder]:
    outputs = dict.fromkeys(("data", "decisions", "rejects", "measures"), job.folder)
    return outputs if job.sketches is None else {**outputs, "sketch": job.sketches}


def _batches(job: ChainJob, item: ShardItem, skipped: Skipped) -> Iterator[pa.RecordBatch]:
    """The rows of a shard, from an input or from an earlier stage."""
    if item.shard is not None:
        reader = next(spec for spec in job.readers if spec.label == item.shard.source)
        batches = build_reader(reader).read(item.shard, skipped)
        return (widen(batch, job.layout) for batch in batches) if job.layout is not None else batches
    batches = read_batches(item.data, rows=Reader.batch_rows)  # a hang is told from slow work by the batch
    return apply_ruling(batches, read_table(item.ruling)) if item.ruling else batches


def _process(job: ChainJob, batches: Iterable[pa.RecordBatch]) -> Iterator[Passed]:
    """Send batches through the chain; where the executor survives it, a hang ends this process."""
    isolated = IsolatedChain(job.chain, job.hang_seconds or 600) if job.isolate else None
    chain = build_chain(job.chain)
    try:
        _watch(job)
        for batch in batches:
            if isolated is None:
                yield chain.process(batch)
            else:
                faulthandler.cancel_dump_traceback_later()  # from here to the next batch, its child has the limit
                yield from isolated.process(batch)
            _watch(job)
    finally:
        faulthandler.cancel_dump_traceback_later()
        if isolated is not None:
            isolated.close()


def _watch(job: ChainJob) -> None:
    """End this process when the next batch is not done in time; a thread in C does it, whatever holds the GIL."""
    if job.hang_seconds is not None:
        faulthandler.dump_traceback_later(job.hang_seconds, exit=True, file=2)


def _write(sinks: dict[str, ParquetSink], passed: Passed, barrier: Barrier | None) -> None:
    sinks["data"].write(passed.batch)
    for decisions in passed.decisions:
        sinks["decisions"].write(decisions)
    for rejects in passed.rejects:
        sinks["rejects"].write(rejects)
    if barrier is not None and passed.batch.num_rows:
        sinks["sketch"].write(sketch_of(barrier, passed.batch))


def sketch_of(barrier: Barrier, batch: pa.RecordBatch) -> pa.RecordBatch:
    """The barrier's sketch of a batch, with the columns that every sketch has."""
    sketch = barrier.sketch(batch)
    if sketch.num_rows != batch.num_rows:
        raise TextmillError(f"a sketch of {batch.num_rows} rows has {sketch.num_rows}")
    shared = [n for n in (schema.ID, schema.SOURCE, schema.LANGUAGE) if n in batch.schema.names]
    columns = {**{name: batch.column(name) for name in shared}, schema.CHARS: lengths(batch)}
    columns |= dict(zip(sketch.schema.names, sketch.columns, strict=True))
    return pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))


@dataclass(frozen=True)
class SketchJob:
    """A barrier and the folder of its stage."""

    barrier: Spec
    folder: StageFolder


def write_sketch(job: SketchJob, item: ShardItem) -> int:
    """Sketch a part that was chained earlier, for a barrier that came or changed since."""
    with parquet_sink(job.folder.file("sketch", item.part)) as sink:
        for batch in read_batches(item.data):
            sink.write(sketch_of(build_barrier(job.barrier), batch))
    return item.part


def _origin(item: ShardItem) -> dict[str, object]:
    if item.shard is not None:
        return item.shard.to_json()
    return {"part": item.part}


def _check(job: ChainJob, item: ShardItem, manifest: ShardManifest, sinks: dict[str, ParquetSink]) -> None:
    """Raise ConservationError unless the books balance and agree with what was written."""
    where = f"stage {job.chain.stage!r}, part {item.part}"
    ledger = manifest.ledger
    ledger.check(where)
    expected = {"data": ledger.rows_out, "decisions": ledger.rows_dropped, "sketch": ledger.rows_out}
    for kind, rows in expected.items():
        if kind in sinks and sinks[kind].written.rows != rows:
            raise ConservationError(f"{where}: {rows} rows booked, {sinks[kind].written.rows} in {kind}")
    if item.rows is not None and item.rows != ledger.rows_in:
        raise ConservationError(f"{where}: the stage before kept {item.rows} rows, {ledger.rows_in} arrived")
    if item.chars is not None and item.chars != ledger.chars_in:
        raise ConservationError(f"{where}: the stage before kept {item.chars} characters, {ledger.chars_in} arrived")
