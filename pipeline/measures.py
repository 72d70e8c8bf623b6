"""What the filters of a chain measured, of the rows they dropped and of those they kept.

One row a document that reached the steps, so that other thresholds can be tried without reading text again:
`textmill replay`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from textmill.pipeline import schema
from textmill.pipeline.arrow import Bools
from textmill.pipeline.chance import chosen
from textmill.pipeline.ledger import lengths
from textmill.pipeline.verdict import Rule

LEFT_STEP = "left_step"
"""Label of the step at which the row left, null for a row that the chain kept."""
LEFT_REASON = "left_reason"

AUDIT_FILE = "measures.parquet"
"""The measures that `textmill audit` leaves beside its recipe, with steps named ``STAGE.STEP``."""

FATE = pa.schema(
    [
        (schema.ID, pa.string()),
        (schema.SOURCE, pa.string()),
        (schema.LANGUAGE, pa.string()),
        (schema.CHARS, pa.int32()),
        (LEFT_STEP, pa.string()),
        (LEFT_REASON, pa.string()),
    ]
)
"""The first columns of measures; `language` and `chars` are those with which the row left or was kept.

Then follows one column ``STEP.REASON`` of type `MEASURE` for each rule of each filter, in the order in which
they are applied; null for a row that did not get there.
"""

MEASURE = pa.struct([("value", pa.float64()), ("broken", pa.bool_())])
"""What a rule judged (null where it does not say), and whether the row broke it, be it the first or not."""


@dataclass
class Measures:
    """The measures of one batch, filled step by step; `rows` are the places of the rows that are still there."""

    rows: npt.NDArray[np.int64]
    fates: list[tuple[npt.NDArray[np.int64], pa.RecordBatch]] = field(default_factory=list)
    rules: dict[str, pa.Array] = field(default_factory=dict)

    @classmethod
    def of(cls, batch: pa.RecordBatch) -> "Measures":
        """No measures yet, of all rows of `batch`."""
        return cls(np.arange(batch.num_rows))

    def add(self, label: str, rules: Sequence[Rule]) -> None:
        """Note what a filter found of the rows that are there."""
        for rule in rules:
            values = pa.array(rule.values, from_pandas=True)
            found = pa.StructArray.from_arrays([values, pa.array(rule.broken)], fields=list(MEASURE))
            self.rules[f"{label}.{rule.reason}"] = found.take(self._places())

    def settle(self, label: str | None, reasons: pa.Array, gone: pa.RecordBatch, out: Bools) -> None:
        """Note that the rows `out` leave at a step, or, without label, that they are kept."""
        self.fates.append((self.rows[out], _fate(label, reasons, gone)))
        self.rows = self.rows[~out]

    def table(self, share: float) -> pa.Table:
        """All rows in their order, or those of them that `share` samples by id."""
        fates = pa.Table.from_batches([fate for _, fate in self.fates], FATE)
        order = np.argsort(np.concatenate([rows for rows, _ in self.fates]))
        table = fates.take(pa.array(order))
        first = np.sort(np.concatenate([rows for rows, _ in self.fates]))
        for name, column in self.rules.items():
            table = table.append_column(name, column.take(pa.array(first)))
        return table if share >= 1 else table.filter(pa.array(chosen(table.column(schema.ID), share, "measures")))

    def _places(self) -> pa.Array:
        """For every row of the batch where it is among those that are there, null where it is not."""
        total = sum(len(rows) for rows, _ in self.fates) + len(self.rows)
        places = np.full(total, -1)
        places[self.rows] = np.arange(len(self.rows))
        return pa.array(places, mask=places < 0)


def join_measures(tables: Iterable[pa.Table]) -> pa.Table:
    """The measures of a shard's batches; a batch whose rows all left before a filter lacks its columns."""
    return pa.concat_tables(tables, promote_options="default").combine_chunks()


def _fate(label: str | None, reasons: pa.Array, rows: pa.RecordBatch) -> pa.RecordBatch:
    n = rows.num_rows
    columns = {
        schema.ID: rows.column(schema.ID),
        schema.SOURCE: rows.column(schema.SOURCE),
        schema.CHARS: lengths(rows),
        LEFT_STEP: pa.nulls(n) if label is None else pa.repeat(label, n),
        LEFT_REASON: reasons,
    }
    if schema.LANGUAGE in rows.schema.names:
        columns[schema.LANGUAGE] = rows.column(schema.LANGUAGE)
    arrays = [columns.get(column.name, pa.nulls(n)).cast(column.type) for column in FATE]
    return pa.RecordBatch.from_arrays(arrays, schema=FATE)
