"""How Parquet files of textmill are laid out: row groups by bytes, and a column's encoding by its name and type.

One rule for every file: what a stage leaves, what a barrier rules, and the corpus. After *An Empirical Evaluation of
Columnar Storage Formats*: dictionaries for few distinct values only, light compression, pages and row groups small
enough to be read in part.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from textmill.pipeline import schema


@dataclass(frozen=True)
class Profile:
    """What files of one use have in common; columns are encoded alike in all.

    level: of zstd. group_bytes, group_rows: what a row group holds at most, in bytes of its content in memory and in
    rows; a writer holds one, and a single row may be larger.
    """

    level: int
    group_bytes: int
    group_rows: int = 1 << 20


STAGES: Final = Profile(level=1, group_bytes=32 << 20, group_rows=1 << 16)
"""Files between the stages of a run: written and read once, several at a time."""
CORPUS: Final = Profile(level=3, group_bytes=64 << 20)
"""What a trainer reads: row groups as small as advised (64 to 256 MB), because a task holds one beside a partition."""

DICTIONARY: Final = frozenset(
    {schema.SOURCE, schema.LANGUAGE, "domain", "dump", "license", "licence", "stage", "step", "reason"}
)
"""Texts of few distinct values; elsewhere a dictionary costs time and saves nothing."""

SHORT: Final = DICTIONARY | {schema.ID, schema.URL, schema.DATE, schema.CONTENT_TYPE, "kept_id"}
"""Texts whose least and greatest tell something of a row group; of all others they are a copy of two documents."""

VERSION: Final = {b"textmill.schema": b"1"}
"""In the footer; rises when a column that textmill fills changes its type or meaning."""


def writer_options(layout: pa.Schema, profile: Profile) -> dict[str, Any]:
    """What `pyarrow.parquet.ParquetWriter` is to know beside the layout.

    Floating-point numbers are split into streams of their first, second … bytes, which pack better. Texts that may be
    long, and values within lists and structs, have no statistics.
    """
    leaves = [leaf for field in layout for leaf in _leaves(field.name, field.type)]
    telling = [field.name for field in layout if field.name in SHORT or pa.types.is_primitive(field.type)]
    return {
        "compression": "zstd",
        "compression_level": profile.level,
        "use_dictionary": [name for name in layout.names if name in DICTIONARY],
        "use_byte_stream_split": [path for path, kind in leaves if pa.types.is_floating(kind)],
        "write_statistics": telling,
        "write_page_index": True,
    }


def bounded(batch: pa.RecordBatch, max_bytes: int, max_rows: int) -> Iterator[pa.RecordBatch]:
    """A batch in slices of at most `max_bytes` and `max_rows`, unless a single row is larger."""
    if (batch.nbytes <= max_bytes and batch.num_rows <= max_rows) or batch.num_rows <= 1:
        yield batch
        return
    half = batch.num_rows // 2
    yield from bounded(batch.slice(0, half), max_bytes, max_rows)
    yield from bounded(batch.slice(half), max_bytes, max_rows)


def _leaves(path: str, kind: pa.DataType) -> Iterator[tuple[str, pa.DataType]]:
    """The columns that Parquet makes of a field, by their path, and their types."""
    if pa.types.is_struct(kind):
        for field in kind:
            yield from _leaves(f"{path}.{field.name}", field.type)
    elif pa.types.is_map(kind):
        yield from _leaves(f"{path}.key_value.key", kind.key_type)
        yield from _leaves(f"{path}.key_value.value", kind.item_type)
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        yield from _leaves(f"{path}.list.element", kind.value_type)
    else:
        yield path, kind
