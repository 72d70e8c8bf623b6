"""Chance that follows from a document's id alone, so that every run, shard and machine draws the same."""

from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from xxhash import xxh3_64_intdigest

_SPAN: Final = 2.0**-53
_FINE: Final = np.uint64(11)


def draw(ids: pa.Array | pa.ChunkedArray, purpose: str, seed: int = 0) -> npt.NDArray[np.uint64]:
    """A number for each id, uniform over 64 bits, other for another purpose or seed; a null id counts as empty."""
    key = _key(purpose, seed)
    names = pc.fill_null(ids, "").cast(pa.binary()).to_pylist()
    return np.fromiter((xxh3_64_intdigest(name, key) for name in names), np.uint64, len(names))


def uniform(numbers: npt.NDArray[np.uint64]) -> npt.NDArray[np.float64]:
    """Those numbers as fractions between 0 and 1, neither of which occurs."""
    return np.asarray(((numbers >> _FINE) + 0.5) * _SPAN, np.float64)


def chosen(ids: pa.Array | pa.ChunkedArray, share: float, purpose: str) -> npt.NDArray[np.bool_]:
    """Which ids fall into a sample of that share."""
    if share >= 1:
        return np.ones(len(ids), np.bool_)
    return uniform(draw(ids, purpose)) < share


@cache
def _key(purpose: str, seed: int) -> int:
    return xxh3_64_intdigest(f"{purpose} {seed}".encode())
