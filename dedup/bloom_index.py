"""An index of documents in Bloom filters: loads it, adds to it, tells how full it is. Nothing can be taken out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from xxhash import xxh3_128

from textmill.dedup.banded import KEYS
from textmill.dedup.bloom import Filters, Sizing, insert, sift
from textmill.dedup.index import Added, Index, IndexFile
from textmill.pipeline.arrow import fixed_bytes, validity
from textmill.pipeline.errors import ExpectationError, InputError
from textmill.pipeline.io.files import open_binary, write_whole
from textmill.pipeline.io.writer import HashingStream

_BLOCK = 1 << 22
"""Words that are read or written at once."""


@dataclass(frozen=True)
class Filled:
    """How full filters are. shares: of the bits that are set, by band. documents: how many are in them."""

    documents: int
    shares: Sequence[float]
    hashes: int

    @property
    def false_positives(self) -> float:
        """The share of strange documents that they take for known ones, as full as they are."""
        return float(1 - np.prod(1 - np.asarray(self.shares) ** self.hashes))


@dataclass
class State:
    """Filters, and how many bits are set and documents are in them."""

    sizing: Sizing
    filters: Filters
    bits: npt.NDArray[np.int64]
    documents: int

    def book(self, added: npt.NDArray[np.int64], documents: int) -> None:
        """Note what the filters gained."""
        self.bits += added
        self.documents += documents

    def filled(self) -> Filled:
        """How full they are."""
        shares = (self.bits / (self.sizing.words * 64)).tolist()
        return Filled(self.documents, shares, self.sizing.hashes)


def empty(size: Sizing) -> State:
    """Filters in which nothing is."""
    return State(size, np.zeros((size.bands, size.words), np.uint64), np.zeros(size.bands, np.int64), 0)


def load(index: Index, size: Sizing) -> State:
    """The filters of an index. Raises InputError for a file of another length than its settings make it."""
    state = empty(size)
    for band, file in enumerate(index.filters):
        if file.bytes != 8 * size.words:
            raise InputError(f"{index.file(file.name)}: {file.bytes} bytes, not {8 * size.words}")
        with open_binary(index.file(file.name)) as stream:
            for start in range(0, size.words, _BLOCK):
                block = state.filters[band, start : start + _BLOCK]
                block[:] = np.frombuffer(stream.read(block.nbytes), np.uint64)
        state.bits[band] = file.rows
    state.documents = index.inserted
    return state


def check_room(filled: Filled, documents: int) -> None:
    """Raise ExpectationError when more documents are in the filters than they are made for."""
    if filled.documents > documents:
        raise ExpectationError(
            f"the filters are made for documents: {documents}, but {filled.documents} would be in them, and "
            f"{filled.false_positives:.2g} of strange ones be taken for known; raise documents"
        )


def add(index: Index, size: Sizing, batches: Iterable[pa.RecordBatch | pa.Table], name: str, *, chosen: bool) -> Index:
    """The index with the documents of `batches` (column `keys`) in their order, for `commit`.

    chosen: they are known to stay, as after a run; else those that the filters know are left out. The index as it
    was if their content was added before. Raises ExpectationError for more than it is made for.
    """
    state, content = load(index, size), xxh3_128(b"chosen" if chosen else b"all")
    for rows in batches:
        column = rows.column(KEYS)
        column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
        keys = np.ascontiguousarray(fixed_bytes(column).view(np.uint64)[validity(column)])
        content.update(keys.data)
        added, fresh = np.zeros(size.bands, np.int64), len(keys)
        if chosen:
            insert(state.filters, size.hashes, keys, added)
        else:
            fresh = int((sift(state.filters, size.hashes, keys, added) == 0).sum())
        state.book(added, fresh)
    if index.holds(content.hexdigest()):
        return index
    check_room(state.filled(), int(index.settings["documents"]))
    entry = Added(name, state.documents - index.inserted, content.hexdigest())
    files = tuple(_write(index, state, band) for band in range(size.bands))
    return replace(
        index,
        generation=index.generation + 1,
        added=(*index.added, entry),
        filters=files,
        inserted=state.documents,
    )


def _write(index: Index, state: State, band: int) -> IndexFile:
    """Write a filter; `rows` of its entry are the bits that are set."""
    name = f"filters/{index.generation + 1:06d}-{band:04d}.bin"
    with write_whole(index.file(name)) as stream:
        hashing = HashingStream(stream)
        for start in range(0, state.sizing.words, _BLOCK):
            hashing.write(state.filters[band, start : start + _BLOCK].tobytes())
        return IndexFile(name, int(state.bits[band]), hashing.position, hashing.hash.hexdigest())
