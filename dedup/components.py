"""Connected components: from links between pairs to clusters, each named by its smallest member.

Within a memory budget one task does it by union-find; beyond, `stars` does it over files.
"""

from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from textmill.pipeline.kernels import kernel

Addresses: TypeAlias = npt.NDArray[np.int64]

_EMPTY: Final = np.int32(-1)
_ONE: Final = np.uint64(1)
_HALF: Final = np.uint64(32)
_BUCKET_BITS: Final = np.uint64(8)
_BUCKETS: Final = 256
_BUCKET: Final = np.uint64(_BUCKETS - 1)

BYTES_A_LINK: Final = 120
"""Peak memory of `components`, measured at 10⁷ links (tests/bench/bench_minhash.py)."""


class Clusters(NamedTuple):
    """Every linked node once, ascending, and the smallest node that it is connected with. int64, equal lengths."""

    nodes: Addresses
    labels: Addresses

    def links(self) -> "Links":
        """The fewest links that connect the same nodes: each to its label."""
        members = self.nodes != self.labels
        return Links(self.nodes[members], self.labels[members])


class Links(NamedTuple):
    """Pairs of connected nodes. int64, equal lengths."""

    left: Addresses
    right: Addresses


def components(links: Links) -> Clusters:
    """The connected components of all nodes in `links`."""
    nodes, dense = np.unique(np.concatenate(links), return_inverse=True)
    left, right = np.split(dense.astype(np.int64, copy=False), 2)
    return Clusters(nodes, nodes[union(left, right, len(nodes))])


@kernel
def union(left: Addresses, right: Addresses, count: int) -> Addresses:
    """For each of the nodes 0 to count - 1 the smallest that it is connected with: union-find."""
    parent = np.arange(count)
    for i in range(len(left)):
        join_nodes(parent, left[i], right[i])
    flatten(parent)
    return parent


@kernel
def join_nodes(parent: Addresses, one: int, other: int) -> None:
    """Connect two nodes of a forest; `parent`: of each node one that is no larger, in the end its root."""
    a, b = _root(parent, one), _root(parent, other)
    parent[max(a, b)] = min(a, b)


@kernel
def flatten(parent: Addresses) -> None:
    """Lead each node to its root at once."""
    for node in range(len(parent)):  # a parent is never larger, so it knows its root already
        parent[node] = parent[parent[node]]


@kernel
def _root(parent: Addresses, node: int) -> int:
    while parent[node] != node:
        parent[node] = parent[parent[node]]  # halves the path for whoever comes next
        node = parent[node]
    return node


@kernel
def first_equal(keys: npt.NDArray[np.uint64]) -> npt.NDArray[np.int32]:
    """For each key, of fewer than 2³¹, the position of the first that equals it. Their bits must be well mixed.

    A hash table a bucket of keys with the same lowest bits, so that a table fits a processor's cache.
    """
    starts = np.zeros(_BUCKETS + 1, np.int64)
    for key in keys:
        starts[(key & _BUCKET) + _ONE] += 1
    starts = np.cumsum(starts)
    sorted_keys = np.empty(len(keys), np.uint64)
    position = np.empty(len(keys), np.int32)
    at = starts.copy()
    for i in range(len(keys)):
        bucket = keys[i] & _BUCKET
        sorted_keys[at[bucket]], position[at[bucket]] = keys[i], i
        at[bucket] += 1
    first = np.empty(len(keys), np.int32)
    for bucket in range(_BUCKETS):
        members = slice(starts[bucket], starts[bucket + 1])
        _first_equal(sorted_keys[members], position[members], first)
    return first


@kernel
def _first_equal(keys: npt.NDArray[np.uint64], position: npt.NDArray[np.int32], first: npt.NDArray[np.int32]) -> None:
    size = 1
    while size < 2 * len(keys):
        size *= 2
    mask = np.uint64(size - 1)
    slots = np.full(size, _EMPTY, np.int32)
    for i in range(len(keys)):
        slot = (keys[i] >> _BUCKET_BITS) & mask
        while slots[slot] != _EMPTY and keys[slots[slot]] != keys[i]:
            slot = (slot + _ONE) & mask
        if slots[slot] == _EMPTY:
            slots[slot] = i
        first[position[i]] = position[slots[slot]]


@kernel
def link_equal(keys: npt.NDArray[np.uint64]) -> tuple[npt.NDArray[np.int32], Addresses]:
    """Links rows that share a key in a band; `keys`: shape (bands, rows).

    For each band the first row that has each row's key, shape (bands, rows); and for each row the smallest that
    it is connected with.
    """
    bands, rows = keys.shape
    first = np.empty((bands, rows), np.int32)
    parent = np.arange(rows)
    for band in range(bands):
        first[band] = first_equal(keys[band])
        for row in range(rows):
            if first[band, row] != row:
                join_nodes(parent, row, first[band, row])
    flatten(parent)
    return first, parent


class Sent(NamedTuple):
    """Keys in the order of the parts that they are sent to, who sends them, and how many go to each part."""

    keys: npt.NDArray[np.uint64]
    owners: Addresses
    counts: Addresses


@kernel
def by_part(keys: npt.NDArray[np.uint64], first: npt.NDArray[np.int32], owners: Addresses, parts: int) -> Sent:
    """Sorts keys by part, equal parts of the range of keys by their first 32 bits, band by band within a part.

    keys: shape (bands, rows). first: as `link_equal` gives it; a key is sent by the first row that has it in its
    band alone. owners: who each row sends for.
    """
    bands, rows = keys.shape
    counts = np.zeros(parts, np.int64)
    for band in range(bands):
        for row in range(rows):
            counts[_part(keys[band, row], parts)] += first[band, row] == row
    at = np.cumsum(counts) - counts
    sent, senders = np.empty(counts.sum(), np.uint64), np.empty(counts.sum(), np.int64)
    for band in range(bands):
        for row in range(rows):
            if first[band, row] == row:
                part = _part(keys[band, row], parts)
                sent[at[part]], senders[at[part]] = keys[band, row], owners[row]
                at[part] += 1
    return Sent(sent, senders, counts)


@kernel
def _part(key: np.uint64, parts: int) -> np.int64:
    return np.int64(((key >> _HALF) * np.uint64(parts)) >> _HALF)
