"""What a share of a corpus's texts begins with: their URL, domain or any other column (metadata conditioning)."""

from string import Formatter
from urllib.parse import urlsplit

import numpy as np
import pyarrow as pa

from textmill.pipeline import schema
from textmill.pipeline.arrow import set_column
from textmill.pipeline.chance import chosen
from textmill.pipeline.errors import StepError
from textmill.pipeline.recipe import Prefix

DOMAIN = "domain"


def add_prefix(batch: pa.RecordBatch, prefix: Prefix) -> pa.RecordBatch:
    """`batch` with the prefix before the texts that it falls to, by their ids.

    A document without text, or with a null in any column of the template, stays as it is. Raises StepError for a
    column that is not there.
    """
    names = [name for _, name, _, _ in Formatter().parse(prefix.template) if name is not None]
    columns = {name: _values(batch, name) for name in dict.fromkeys(names)}
    texts = batch.column(schema.TEXT).to_pylist()
    for row in np.flatnonzero(chosen(batch.column(schema.ID), prefix.share, "prefix")).tolist():
        values = {column: found[row] for column, found in columns.items()}
        if texts[row] is not None and None not in values.values():
            texts[row] = prefix.template.format(**values) + texts[row]
    return set_column(batch, schema.TEXT, pa.array(texts, batch.schema.field(schema.TEXT).type))


def _values(batch: pa.RecordBatch, name: str) -> list[object]:
    if name == DOMAIN and DOMAIN not in batch.schema.names:
        return [_domain(url) for url in _values(batch, schema.URL)]
    if name not in batch.schema.names:
        there = ", ".join(batch.schema.names)
        raise StepError(f"output.prefix names {name!r}, a column that the corpus does not have (it has: {there})")
    return batch.column(name).to_pylist()  # type: ignore[no-any-return]


def _domain(url: object) -> str | None:
    try:
        return urlsplit(str(url)).hostname if url else None
    except ValueError:
        return None
