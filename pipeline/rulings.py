"""How the chain after a barrier applies its rulings, and how they become the barrier's decisions."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from textmill.pipeline import schema
from textmill.pipeline.arrow import one_batch, set_column, validity
from textmill.pipeline.barrier import CUTS, RULING
from textmill.pipeline.edits import book_cuts, cut_texts, cuts_of
from textmill.pipeline.errors import DamagedRunError
from textmill.pipeline.io.files import open_binary
from textmill.pipeline.ledger import Ledger


def read_table(path: str) -> pa.Table:
    """A whole small Parquet file."""
    with open_binary(path) as stream:
        return pq.read_table(stream)


def read_batches(
    path: str,
    first: int = 0,
    end: int | None = None,
    *,
    rows: int | None = None,
    columns: Sequence[str] | None = None,
) -> Iterator[pa.RecordBatch]:
    """A Parquet file, or its row groups [first, end), in batches of a row group, or of at most `rows`."""
    with open_binary(path) as stream:
        file = pq.ParquetFile(stream)
        for group in range(file.num_row_groups)[first:end]:
            yield from file.read_row_group(group, columns=columns).to_batches(max_chunksize=rows)


def apply_ruling(batches: Iterable[pa.RecordBatch], ruling: pa.Table) -> Iterator[pa.RecordBatch]:
    """The rows that a ruling keeps, with the columns that it adds and without the spans that it cuts.

    Raises DamagedRunError when the ruling names rows, or characters of texts, that the shard does not have.
    """
    entries = one_batch(ruling)
    rows = entries.column("row").to_numpy()
    leaves = validity(entries.column("reason"))
    added = [name for name in entries.schema.names if name not in (*RULING.names, CUTS)]
    cuts = cuts_of(entries)
    start = 0
    for batch in batches:
        stop = start + batch.num_rows
        low, high = np.searchsorted(rows, [start, stop])
        kept = np.ones(batch.num_rows, np.bool_)
        kept[rows[low:high][leaves[low:high]] - start] = False
        source = np.full(batch.num_rows, -1)
        source[rows[low:high] - start] = np.arange(low, high)
        where = pa.array(source, mask=source < 0)
        ruled = cut_texts(batch, cuts, np.arange(low, high), rows[low:high] - start)
        for name in added:
            ruled = set_column(ruled, name, entries.column(name).take(where))
        yield ruled.filter(pa.array(kept))
        start = stop
    if len(rows) and rows[-1] >= start:
        raise DamagedRunError(f"a ruling names row {rows[-1]} of a shard of {start} rows")


def decisions_of(stage: str, step: str, sketch: pa.Table, ruling: pa.Table) -> tuple[pa.Table, Ledger]:
    """The barrier's decisions on a shard, and its books."""
    gone = ruling.filter(pc.is_valid(ruling.column("reason")))
    mask = np.ones(sketch.num_rows, np.bool_)
    mask[gone.column("row").to_numpy()] = False
    left = sketch.take(gone.column("row"))
    n = left.num_rows
    columns = {
        schema.ID: left.column(schema.ID),
        schema.SOURCE: left.column(schema.SOURCE),
        "stage": pa.repeat(stage, n),
        "step": pa.repeat(step, n),
        **{name: gone.column(name) for name in RULING.names if name != "row"},
    }
    ledger = Ledger(rows_in=sketch.num_rows)
    for reason in pc.unique(gone.column("reason")).to_pylist():
        ledger.drop(step, reason, one_batch(left.filter(pc.equal(gone.column("reason"), reason))))
    account = ledger.step(step)
    account.chars_in = int(pc.sum(sketch.column(schema.CHARS)).as_py() or 0)
    lost = pa.array(book_cuts(ledger, step, sketch, ruling))
    index = sketch.schema.get_field_index(schema.CHARS)
    sketch = sketch.set_column(index, schema.CHARS, pc.subtract(sketch.column(schema.CHARS), lost))
    survivors = one_batch(sketch.filter(pa.array(mask)))
    ledger.keep(survivors)
    account.rows_in, account.rows_out = sketch.num_rows, survivors.num_rows
    account.chars_out = int(pc.sum(survivors.column(schema.CHARS)).as_py() or 0)
    return pa.table([columns[name].cast(kind) for name, kind in _DECISION_TYPES], schema=schema.DECISIONS), ledger


_DECISION_TYPES = list(zip(schema.DECISIONS.names, schema.DECISIONS.types, strict=True))
