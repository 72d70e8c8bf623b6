"""Try a step on a few documents, without files or a cluster: ``judge(NoShouting(), ["HELLO"])``."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import pyarrow as pa

from textmill.pipeline import schema
from textmill.pipeline.step import Filter, Mapper, Scorer

Documents: TypeAlias = Sequence[str | None] | Mapping[str, Sequence[object]] | pa.RecordBatch


def batch_of(documents: Documents) -> pa.RecordBatch:
    """A batch from texts, or from columns by name; `id` and `source` are filled in where missing."""
    if isinstance(documents, pa.RecordBatch):
        return documents
    columns: dict[str, Sequence[object]] = (
        dict(documents) if isinstance(documents, Mapping) else {schema.TEXT: documents}
    )
    rows = len(next(iter(columns.values()), []))
    columns.setdefault(schema.ID, [f"doc-{i}" for i in range(rows)])
    columns.setdefault(schema.SOURCE, ["test"] * rows)
    arrays = [
        values if isinstance(values, pa.Array) else pa.array(values, schema.TYPES.get(name))
        for name, values in columns.items()
    ]
    return pa.RecordBatch.from_arrays(arrays, names=list(columns))


def judge(step: Filter, documents: Documents) -> list[str | None]:
    """The reason to drop each document, None where it is kept."""
    return step.judge(batch_of(documents)).reasons


def score(step: Scorer, documents: Documents) -> dict[str, list[object]]:
    """The columns that a scorer adds, as Python values."""
    return {name: column.to_pylist() for name, column in step.score(batch_of(documents)).items()}


def rewrite(step: Mapper, documents: Documents) -> list[str | None]:
    """The texts as a mapper leaves them; None for a document that it refused."""
    batch, verdict = step.apply(batch_of(documents))
    texts = batch.column(schema.TEXT).to_pylist()
    return texts if verdict is None else [t if keep else None for t, keep in zip(texts, verdict.kept, strict=True)]
