"""The one crossing between Arrow columns and the numpy arrays that kernels take."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Bools = npt.NDArray[np.bool_]


class TextBuffers(NamedTuple):
    """A string column as Arrow holds it; document i is ``data[offsets[i]:offsets[i + 1]]``.

    data: uint8, UTF-8 bytes of all documents. offsets: int64, length n + 1, absolute into `data`.
    valid: bool, length n; a null document has an empty range and ``valid[i] = False``.
    """

    data: npt.NDArray[np.uint8]
    offsets: npt.NDArray[np.int64]
    valid: Bools


def text_buffers(column: pa.Array) -> TextBuffers:
    """View a string or binary column without copying its bytes; slices and nulls are honoured.

    Raises TypeError for other types.
    """
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_binary(kind):
        width: type[np.signedinteger] = np.int32
    elif pa.types.is_large_string(kind) or pa.types.is_large_binary(kind):
        width = np.int64
    else:
        raise TypeError(f"expected a string or binary column, got {kind}")
    n = len(column)
    _, raw_offsets, raw_data = column.buffers()
    data = np.frombuffer(raw_data if raw_data is not None else b"", np.uint8)
    if raw_offsets is None or n == 0:
        offsets = np.zeros(n + 1, np.int64)
    else:
        start = column.offset * np.dtype(width).itemsize
        offsets = np.frombuffer(raw_offsets, width, n + 1, start).astype(np.int64)
    return TextBuffers(data, offsets, validity(column))


def replace_text(column: pa.Array, data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64]) -> pa.Array:
    """A string or binary column of the type of `column`, null where it is, with other contents.

    Raises OverflowError for more bytes than the offsets of the type can count.
    """
    large = pa.types.is_large_string(column.type) or pa.types.is_large_binary(column.type)
    width: type[np.signedinteger] = np.int64 if large else np.int32
    if offsets[-1] > np.iinfo(width).max:
        raise OverflowError(f"{offsets[-1]} bytes do not fit into a column of type {column.type}")
    valid = validity(column)
    mask = None if valid.all() else pa.py_buffer(np.packbits(valid, bitorder="little"))
    buffers = [mask, pa.py_buffer(offsets.astype(width)), pa.py_buffer(data)]
    return pa.Array.from_buffers(column.type, len(column), buffers)


def fixed_bytes(column: pa.Array) -> npt.NDArray[np.uint8]:
    """View a fixed-size binary column without copying: uint8, shape (n, width); null rows hold anything."""
    width = column.type.byte_width
    if len(column) == 0:
        return np.empty((0, width), np.uint8)
    start, size = column.offset * width, len(column) * width
    return np.frombuffer(column.buffers()[1], np.uint8, size, start).reshape(len(column), width)


def validity(column: pa.Array) -> Bools:
    """Bool array, True where `column` is not null."""
    if column.null_count == 0:
        return np.ones(len(column), np.bool_)
    return bools(pc.is_valid(column))


def bools(mask: pa.Array | pa.ChunkedArray | npt.ArrayLike) -> Bools:
    """Any boolean column without nulls, Arrow or not, as a numpy bool array.

    Raises ValueError where a null stands.
    """
    if isinstance(mask, pa.ChunkedArray):
        mask = mask.combine_chunks()
    if isinstance(mask, pa.Array):
        if mask.null_count:
            raise ValueError("a mask may not hold nulls")
        return np.asarray(mask.to_numpy(zero_copy_only=False), np.bool_)
    return np.asarray(mask, np.bool_)


def one_batch(table: pa.Table) -> pa.RecordBatch:
    """All rows of a table as one batch, also when there is none."""
    batches = table.combine_chunks().to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], table.schema)


def set_column(batch: pa.RecordBatch, name: str, column: pa.Array) -> pa.RecordBatch:
    """Replace column `name`, or append it."""
    index = batch.schema.get_field_index(name)
    if index >= 0:
        return batch.set_column(index, name, column)
    return batch.append_column(name, column)


def drop_columns(batch: pa.RecordBatch, *names: str) -> pa.RecordBatch:
    """`batch` without those of `names` that it has."""
    kept = [name for name in batch.schema.names if name not in names]
    return batch if len(kept) == batch.num_columns else batch.select(kept)


def unite(layouts: Iterable[pa.Schema]) -> pa.Schema:
    """The columns of all, in the order in which they come up; a wider type stands for a narrower one.

    Raises TypeError for a column whose types have none in common.
    """
    try:
        return pa.unify_schemas(list(layouts), promote_options="permissive")
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise TypeError(str(error)) from error


def widen(batch: pa.RecordBatch, layout: pa.Schema) -> pa.RecordBatch:
    """`batch` with the columns and types of `layout`, nulls where it lacks one; other columns follow."""
    columns = {
        field.name: batch.column(field.name).cast(field.type)
        if field.name in batch.schema.names
        else pa.nulls(batch.num_rows, field.type)
        for field in layout
    }
    columns |= {name: batch.column(name) for name in batch.schema.names if name not in columns}
    return pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))
