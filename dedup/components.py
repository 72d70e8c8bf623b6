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
        a, b = _root(parent, left[i]), _root(parent, right[i])
        parent[max(a, b)] = min(a, b)
    for node in range(count):  # a parent is never larger, so it knows its root already
        parent[node] = parent[parent[node]]
    return parent


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
