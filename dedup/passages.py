"""What a barrier that cuts passages out of texts remembers of each text: its units, by key and size."""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from textmill.dedup.sketches import read_sketches
from textmill.pipeline import schema
from textmill.pipeline.arrow import text_buffers
from textmill.pipeline.exchange import Portion
from textmill.pipeline.kernels import kernel
from textmill.pipeline.kernels.documents import count_code_points
from textmill.pipeline.kernels.hashing import fmix64
from textmill.pipeline.kernels.unicode import unicode_tables
from textmill.pipeline.kernels.units import Units, count_trailing_spaces

Keys = npt.NDArray[np.uint64]
FindKeys = Callable[[npt.NDArray[np.uint8], Units], Keys]

KEYS: Final = "keys"
SIZES: Final = "sizes"
TAILS: Final = "tails"


class Passages(NamedTuple):
    """The units of the documents of a portion; those of row i stand at ``first[i]:first[i + 1]`` of keys, sizes, tails.

    first: int64, rows + 1. keys: uint64, of what a unit says; 0 for one that is nobody's duplicate. sizes: int64, its
    code points, with the whitespace after it. tails: int64, how many of them that is. ids: of the rows.
    shards: how many rows each shard has.
    """

    first: npt.NDArray[np.int64]
    keys: Keys
    sizes: npt.NDArray[np.int64]
    tails: npt.NDArray[np.int64]
    ids: pa.Array
    shards: Sequence[int]


def sketch_passages(
    texts: pa.Array,
    split: Callable[[npt.NDArray[np.uint8], npt.NDArray[np.int64]], Units],
    find_keys: FindKeys,
    seeds: npt.NDArray[np.uint64],
) -> pa.RecordBatch:
    """`keys`, `sizes` and `tails` of the units that `split` finds, packed; documents of other `seeds` share no key."""
    data, offsets, _ = text_buffers(texts)
    units = split(data, offsets)
    keys = seed_keys(find_keys(data, units), np.repeat(seeds, np.diff(units.first)))
    columns: dict[str, npt.NDArray[Any]] = {
        KEYS: keys,
        SIZES: count_code_points(data, units.offsets).astype(np.int32),
        TAILS: count_trailing_spaces(data, units.offsets, unicode_tables()),
    }
    return pa.RecordBatch.from_pydict({name: pack(units.first, values) for name, values in columns.items()})


def read_passages(portion: Portion, columns: Sequence[str] = (KEYS, SIZES, TAILS)) -> Passages:
    """The sketches of a portion of shards; those of keys, sizes and tails that are not among `columns` are empty."""
    rows, shards = read_sketches(portion, (schema.ID, *columns))
    first = np.zeros(1, np.int64)
    flat = dict(_EMPTY)
    for name in columns:
        first, flat[name] = unpack(rows.column(name), _EMPTY[name].dtype)
    ids = rows.column(schema.ID).combine_chunks()
    sizes, tails = flat[SIZES].astype(np.int64), flat[TAILS].astype(np.int64)
    return Passages(first, flat[KEYS], sizes, tails, ids, shards)


_EMPTY: Final[dict[str, npt.NDArray[Any]]] = {
    KEYS: np.empty(0, np.uint64),
    SIZES: np.empty(0, np.int32),
    TAILS: np.empty(0, np.int32),
}


def pack(first: npt.NDArray[np.int64], values: npt.NDArray[Any]) -> pa.Array:
    """Lists of numbers, list i ``values[first[i]:first[i + 1]]``, as binary: Parquet takes long for lists."""
    offsets = pa.py_buffer(first * values.itemsize)
    return pa.Array.from_buffers(pa.large_binary(), len(first) - 1, [None, offsets, pa.py_buffer(values)])


def unpack(column: pa.ChunkedArray, kind: npt.DTypeLike) -> tuple[npt.NDArray[np.int64], npt.NDArray[Any]]:
    """What `pack` was given, the values without those of other rows."""
    data, offsets, _ = text_buffers(column.combine_chunks())
    values = np.require(data[offsets[0] : offsets[-1]].copy() if offsets[0] else data[: offsets[-1]], requirements="A")
    return (offsets - offsets[0]) // np.dtype(kind).itemsize, values.view(kind)


def unit_texts(data: npt.NDArray[np.uint8], units: Units) -> pa.Array:
    """The units as a column of strings, without a copy."""
    buffers = [None, pa.py_buffer(units.offsets), pa.py_buffer(data)]
    return pa.Array.from_buffers(pa.large_string(), len(units.offsets) - 1, buffers)


@kernel
def seed_keys(keys: Keys, seeds: Keys) -> Keys:
    """Other keys for each seed, the same for seed 0; 0 stays."""
    seeded = keys.copy()
    for i in range(len(keys)):
        if keys[i] and seeds[i]:
            seeded[i] = fmix64(keys[i] ^ seeds[i])
    return seeded


@kernel
def window_keys(first: npt.NDArray[np.int64], keys: Keys, size: int) -> Keys:
    """For each unit the key of the `size` units from it on; 0 where so many are not left, or none of them has a key.

    first, keys: as in `Passages`. A window of one unit has its key. Windows differ where order does.
    """
    windows = np.zeros(len(keys), np.uint64)
    if size == 1:
        windows[:] = keys
        return windows
    base = np.uint64(0x9E3779B97F4A7C15)
    leaving = np.uint64(1)
    for _ in range(size):
        leaving *= base
    for document in range(len(first) - 1):
        begin, end = first[document], first[document + 1]
        polynomial, named = np.uint64(0), 0
        for unit in range(begin, end):
            polynomial = polynomial * base + keys[unit]
            named += keys[unit] != 0
            if unit >= begin + size:
                polynomial -= keys[unit - size] * leaving
                named -= keys[unit - size] != 0
            if unit >= begin + size - 1 and named:
                windows[unit - size + 1] = max(fmix64(polynomial), np.uint64(1))
    return windows
