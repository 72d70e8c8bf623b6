"""Spans that a barrier's ruling cuts out of texts: how they are checked, booked and applied."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from textmill.pipeline import schema
from textmill.pipeline.arrow import replace_text, set_column, text_buffers
from textmill.pipeline.barrier import CUT, CUTS
from textmill.pipeline.errors import DamagedRunError, StepError
from textmill.pipeline.kernels.documents import sum_by_document
from textmill.pipeline.kernels.rewriting import cut_spans
from textmill.pipeline.ledger import Ledger


class Cuts(NamedTuple):
    """The spans that a ruling cuts out; those of its entry i stand at ``first[i]:first[i + 1]`` of the others.

    first: int64, length n + 1. start, stop: int64, code points. spans: all fields, as `barrier.CUT`.
    """

    first: npt.NDArray[np.int64]
    start: npt.NDArray[np.int64]
    stop: npt.NDArray[np.int64]
    spans: pa.StructArray

    def lengths(self) -> npt.NDArray[np.int64]:
        """The characters that each entry cuts out."""
        return sum_by_document(self.stop - self.start, self.first)


def cuts_of(ruling: pa.Table | pa.RecordBatch) -> Cuts:
    """The cuts of a ruling, none where it has no such column. Raises StepError when they are no list of `CUT`."""
    cut = CUTS in ruling.schema.names
    column = ruling.column(CUTS) if cut else pa.nulls(ruling.num_rows, pa.list_(CUT))
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    try:
        column = column.cast(pa.list_(CUT))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError) as error:
        raise StepError(f"column {CUTS!r} of a ruling is of type {column.type}, not {pa.list_(CUT)}") from error
    counts = pc.fill_null(pc.list_value_length(column), 0).to_numpy()
    first = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
    spans = column.flatten()
    start, stop = (pc.fill_null(pc.struct_field(spans, name), -1).to_numpy() for name in ("start", "stop"))
    return Cuts(first, start, stop, spans)


def check_cuts(cuts: Cuts, chars: npt.NDArray[np.int64], leaves: npt.NDArray[np.bool_], where: str) -> None:
    """Raise StepError unless each cut is a span of its document, after the one before it, and has a reason.

    chars: characters of the document of each entry of the ruling. leaves: whether it leaves, and so has no cuts.
    """
    counts = np.diff(cuts.first)
    if counts[leaves].any():
        raise StepError(f"{where}: the ruling cuts spans out of a row that leaves")
    if not len(cuts.start):
        return
    before = np.concatenate([[0], cuts.stop[:-1]])
    before[cuts.first[:-1][counts > 0]] = 0
    if (cuts.start < before).any() or (cuts.stop <= cuts.start).any() or (cuts.stop > np.repeat(chars, counts)).any():
        raise StepError(f"{where}: the ruling names spans out of order, overlapping, empty, or that are not there")
    if pc.struct_field(cuts.spans, "reason").null_count:
        raise StepError(f"{where}: the ruling cuts a span for no reason")


def edits_of(stage: str, step: str, sketch: pa.Table, ruling: pa.Table) -> pa.Table:
    """Every span that a ruling cuts, as rows of `schema.EDITS`."""
    cuts = cuts_of(ruling)
    entry = np.repeat(np.arange(ruling.num_rows), np.diff(cuts.first))
    documents = sketch.select([schema.ID, schema.SOURCE]).take(ruling.column("row").take(pa.array(entry)))
    columns = {
        **{name: documents.column(name) for name in documents.column_names},
        "stage": pa.repeat(stage, len(entry)),
        "step": pa.repeat(step, len(entry)),
        **{field.name: pc.struct_field(cuts.spans, field.name) for field in CUT},
    }
    return pa.table([columns[field.name].cast(field.type) for field in schema.EDITS], schema=schema.EDITS)


def book_cuts(ledger: Ledger, step: str, sketch: pa.Table, ruling: pa.Table) -> npt.NDArray[np.int64]:
    """Book what a ruling cuts, by reason; the characters that each row of the sketch loses."""
    lost = np.zeros(sketch.num_rows, np.int64)
    cuts = cuts_of(ruling)
    lost[ruling.column("row").to_numpy()] = cuts.lengths()
    if not len(cuts.start):
        return lost
    entry = np.repeat(np.arange(ruling.num_rows), np.diff(cuts.first))
    spans = pa.table(
        {
            "row": ruling.column("row").take(pa.array(entry)),
            "reason": pc.struct_field(cuts.spans, "reason"),
            "chars": pa.array(cuts.stop - cuts.start),
        }
    )
    documents = spans.group_by(["reason", "row"], use_threads=False).aggregate([("chars", "count"), ("chars", "sum")])
    for reason in pc.unique(documents.column("reason")).to_pylist():
        mine = documents.filter(pc.equal(documents.column("reason"), reason))
        ledger.cut(step, reason, sketch.take(mine.column("row")), mine.column("chars_count"), mine.column("chars_sum"))
    return lost


def cut_texts(
    batch: pa.RecordBatch, cuts: Cuts, entries: npt.NDArray[np.int64], rows: npt.NDArray[np.int64]
) -> pa.RecordBatch:
    """The batch with its texts cut: those of `rows` (ascending) by `entries`, consecutive numbers of the ruling's.

    Raises DamagedRunError when a text is shorter than the ruling knew it.
    """
    counts = np.zeros(batch.num_rows, np.int64)
    counts[rows] = np.diff(cuts.first)[entries]
    if not counts.any():
        return batch
    column = batch.column(schema.TEXT)
    begin, end = cuts.first[entries[0]], cuts.first[entries[-1] + 1]
    first = np.concatenate([[0], np.cumsum(counts)])
    start, stop = cuts.start[begin:end], cuts.stop[begin:end]
    chars = pc.fill_null(pc.utf8_length(column), 0).to_numpy(zero_copy_only=False)
    if (stop > np.repeat(chars, counts)).any():
        raise DamagedRunError("a ruling cuts more out of a text than is there")
    data, offsets, _ = text_buffers(column)
    return set_column(batch, schema.TEXT, replace_text(column, *cut_spans(data, offsets, first, start, stop)))
