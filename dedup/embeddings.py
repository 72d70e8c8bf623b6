"""Embeddings as whole numbers, so that every product of two of them is exact, in whatever order it is summed.

A unit vector times `SCALE`, rounded: the product of any two, and each part of its sum, is less than 2²⁴, which
32-bit floats hold exactly. So no library, block size or number of threads changes a similarity. What rounding
moves a cosine by is of the order of 10⁻⁴.
"""

from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from textmill.pipeline.arrow import fixed_bytes, validity

SCALE: Final = 4000
MOST_DIMENSIONS: Final = 4096
"""Rounding lengthens a vector of d dimensions by √d / 2 at most: (4000 + 32)² < 2²⁴."""

Points: TypeAlias = npt.NDArray[np.int16]
"""Embeddings times `SCALE`, shape (n, dimensions)."""


def rounded(column: pa.Array) -> pa.Array:
    """A column of lists of numbers as binary: two bytes a dimension; null for what has no direction.

    That is null, nothing but zeros, anything that is no finite number, or more than `MOST_DIMENSIONS`.
    Raises TypeError for a column that does not hold lists of numbers.
    """
    kind = column.type
    lists = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    if not lists or not (pa.types.is_floating(kind.value_type) or pa.types.is_integer(kind.value_type)):
        raise TypeError(f"expected lists of numbers, got {kind}")
    column = column.cast(pa.large_list(pa.float64()))
    offsets = np.asarray(column.offsets.to_numpy(), np.int64)
    values = column.values.to_numpy(zero_copy_only=False)  # nulls become NaN
    sizes = np.where(validity(column), np.diff(offsets), 0)
    found: list[bytes | None] = [None] * len(column)
    for size in np.unique(sizes[(sizes > 0) & (sizes <= MOST_DIMENSIONS)]).tolist():
        rows = np.flatnonzero(sizes == size)
        vectors = values[offsets[rows][:, None] + np.arange(size)]
        largest = np.abs(vectors).max(axis=1)
        sound = np.isfinite(largest) & (largest > 0)
        for row, point in zip(rows[sound].tolist(), toward(vectors[sound] / largest[sound, None]), strict=True):
            found[row] = point.tobytes()
    return pa.array(found, pa.large_binary())


def toward(vectors: npt.NDArray[np.float64]) -> Points:
    """Points in the direction of vectors, none of which is zero; shape (n, dimensions)."""
    lengths = np.sqrt((vectors * vectors).sum(axis=1))
    return np.asarray(np.rint(vectors / lengths[:, None] * SCALE), np.int16)


def points_of(column: pa.ChunkedArray, dimensions: int) -> Points:
    """The points of a binary column of which each value has so many dimensions."""
    return fixed_bytes(column.combine_chunks().cast(pa.binary(2 * dimensions))).view(np.int16)


class Directions(NamedTuple):
    """Points as matrices are multiplied: 32-bit floats, shape (n, dimensions), and one by the length of each."""

    points: npt.NDArray[np.float32]
    scale: npt.NDArray[np.float64]

    def products(self, others: "Directions") -> npt.NDArray[np.float32]:
        """Of each point with each of others, exact; times both scales it is their cosine."""
        return np.asarray(self.points @ others.points.T, np.float32)


def directions(points: Points) -> Directions:
    """The same points, ready for products."""
    floats = points.astype(np.float32)
    squares = np.einsum("ij,ij->i", floats, floats)  # exact, as every product
    return Directions(floats, 1 / np.sqrt(squares.astype(np.float64)))
