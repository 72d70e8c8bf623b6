"""Draws how often each document is used in each phase, and where in the phase each copy stands.

Everything follows from a keyed hash of the id: the same documents give the same copies in the same order, however
they are spread over files, and whoever computes it.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from xxhash import xxh3_64_intdigest

from textmill.pipeline.chance import draw

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Keys = npt.NDArray[np.uint64]

MAX_COPIES: Final = 1 << 20
"""Copies of one document in one phase; more would only repeat it."""

_SPAN: Final = 1 << 64
_FIRST: Final = np.uint64(0xBF58476D1CE4E5B9)
_SECOND: Final = np.uint64(0x94D049BB133111EB)
_DRAW: Final = b"textmill-mix-draw"
_PLACE: Final = b"textmill-mix-place"


def id_hashes(ids: pa.Array | pa.ChunkedArray) -> Keys:
    """A 64-bit xxh3 of each id; a null counts as empty."""
    return draw(ids, "mix")


def copies(hashes: Keys, before: Floats, rates: Floats, seed: int) -> Ints:
    """How often each document is used in a phase.

    rates: how often each is to be used on average; before: how often in all earlier phases together; both at most
    `MAX_COPIES`. With one number u in [0, 1) for each document, drawn from its id and the `seed`, it is used
    floor(before + rate + u) - floor(before + u) times: floor or ceil of the rate, with the right mean (METHODS 8.4,
    floor + Bernoulli), and so for all phases together. Two phases that use half of a group each share nothing.
    """
    drawn = before + _uniform(hashes, seed)
    return (np.floor(drawn + rates) - np.floor(drawn)).astype(np.int64)


class Places(NamedTuple):
    """Copies of documents: the document's position, the number of the copy in the phase from 0, a key to sort by."""

    rows: Ints
    number: Ints
    keys: Keys


def places(hashes: Keys, times: Ints, seed: int, phase: int) -> Places:
    """Every copy that a phase has of documents, and where it stands there.

    times: copies of each document in this phase. Keys are uniform over the 64-bit numbers; the k-th of c copies lies
    in the k-th of c equal stretches, so that a repetition comes late, as in passes over the data.
    """
    rows = np.repeat(np.arange(len(times)), times)
    of = times[rows].astype(np.uint64)
    number = np.arange(len(rows)) - (np.cumsum(times) - times)[rows]
    k = number.astype(np.uint64)
    seeded = hashes[rows] ^ np.uint64(xxh3_64_intdigest(_PLACE + f"{seed}-{phase}".encode()))
    drawn = _mix(seeded + _mix(k))
    return Places(rows, number, k * (np.uint64(_SPAN - 1) // of) + drawn // of)


def _uniform(hashes: Keys, seed: int) -> Floats:
    """A number in [0, 1) for each hash, of 32 bits: so numbers up to `MAX_COPIES` can be added to it exactly enough."""
    mixed = _mix(hashes ^ np.uint64(xxh3_64_intdigest(_DRAW + str(seed).encode())))
    return (mixed >> np.uint64(32)).astype(np.float64) / float(1 << 32)


def _mix(numbers: Keys) -> Keys:
    """A permutation of the 64-bit numbers in which each bit depends on all: the finalizer of SplitMix64."""
    numbers = numbers + np.uint64(0x9E3779B97F4A7C15)
    numbers = (numbers ^ (numbers >> np.uint64(30))) * _FIRST
    numbers = (numbers ^ (numbers >> np.uint64(27))) * _SECOND
    return numbers ^ (numbers >> np.uint64(31))
