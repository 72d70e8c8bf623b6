"""Boosted trees applied to a table of features, from flat arrays."""

from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from textmill.pipeline.kernels import kernel

Floats: TypeAlias = npt.NDArray[np.float32]
Int64s: TypeAlias = npt.NDArray[np.int64]
Words: TypeAlias = npt.NDArray[np.uint32]

_ROWS: Final = 256
"""Rows that are judged together: their features stay in the cache while all trees pass by."""
_LEAVES: Final = 32
_DE_BRUIJN: Final = np.uint64(0x077CB531)


class Trees(NamedTuple):
    """Trees whose leaves add up to the logarithm of the odds.

    Nodes stand in preorder, so that the left child of node k is k + 1. feature: int16, -1 for a leaf. value:
    float32, the threshold up to which a row goes left; of a leaf, what it adds. right: int32, the right child.
    roots: int32, the first node of each tree.
    """

    feature: npt.NDArray[np.int16]
    value: Floats
    right: npt.NDArray[np.int32]
    roots: npt.NDArray[np.int32]


@kernel
def predict(trees: Trees, table: Floats, rows: int, scores: Floats) -> None:
    """Write the probability of each of the first `rows` rows of `table` into `scores`.

    No row walks down a tree: all its questions are asked of many rows side by side, which processors do 8 or 16 at a
    time, and strike out leaves. The leftmost that is left is the row's (Lucchese et al. 2015, "QuickScorer").
    """
    columns = np.empty((table.shape[1], _ROWS), np.float32)
    left, leaves = np.empty(_ROWS, np.uint32), np.empty(2 * _LEAVES, np.int64)
    for first in range(0, rows, _ROWS):
        count = min(_ROWS, rows - first)
        for column in range(table.shape[1]):
            for row in range(count):
                columns[column, row] = table[first + row, column]
        sums = scores[first : first + count]
        sums[:] = 0
        for root in trees.roots:
            if _number_leaves(trees, root, leaves):
                _strike(trees, root, columns, leaves, left[:count])
                _add_leaves(trees.value, root, leaves, left, sums)
            else:
                _walk(trees, root, table[first : first + count], sums)
    for row in range(rows):
        scores[row] = 1 / (1 + np.exp(-scores[row]))


@kernel
def _number_leaves(trees: Trees, root: int, before: Int64s) -> bool:
    """Write how many leaves stand before each node of a tree; False if it has more than 32 or is in no preorder.

    before: length 64; behind the last node of the tree stands its size.
    """
    leaves, node, open_ends = 0, root, 1
    while open_ends:
        if node - root == len(before) - 1 or node == len(trees.feature):
            return False
        before[node - root] = leaves
        is_leaf = trees.feature[node] < 0
        leaves += is_leaf
        open_ends += -1 if is_leaf else 1
        node += 1
    before[len(before) - 1] = node - root
    for inner in range(root, node):
        if trees.feature[inner] >= 0 and trees.right[inner] >= node:
            return False
    return leaves <= _LEAVES


@kernel
def _strike(trees: Trees, root: int, columns: Floats, before: Int64s, left: Words) -> None:
    """Leave in `left`, a bit a leaf, those that the answers of each row allow."""
    left[:] = 0xFFFFFFFF
    for node in range(root, root + before[len(before) - 1]):
        if trees.feature[node] < 0:
            continue
        # Whoever goes right is in none of the leaves from the left child up to the right one.
        low, high = np.uint64(before[node + 1 - root]), np.uint64(before[trees.right[node] - root])
        one = np.uint64(1)
        others = np.uint32(~((one << high) - (one << low)) & np.uint64(0xFFFFFFFF))
        limit, values = trees.value[node], columns[trees.feature[node]]
        for row in range(len(left)):
            left[row] &= np.uint32(0xFFFFFFFF) if values[row] <= limit else others


@kernel
def _add_leaves(value: Floats, root: int, before: Int64s, left: Words, sums: Floats) -> None:
    """Add to each row's sum what its leftmost leaf is worth."""
    worth = np.zeros(_LEAVES, np.float32)
    for node in range(before[len(before) - 1]):
        # A leaf is the last node with as many leaves before it, so it is what stays.
        worth[_slot(np.uint64(1) << np.uint64(before[node]))] = value[root + node]
    for row in range(len(sums)):
        bits = np.uint64(left[row])
        sums[row] += worth[_slot(bits & (~bits + np.uint64(1)))]


@kernel
def _slot(bit: np.uint64) -> np.uint64:
    """A number below 32 of its own for each power of two below 2**32."""
    return ((bit * _DE_BRUIJN) >> np.uint64(27)) & np.uint64(31)


@kernel
def _walk(trees: Trees, root: int, table: Floats, sums: Floats) -> None:
    for row in range(len(sums)):
        node = np.int64(root)
        while trees.feature[node] >= 0:
            goes_left = table[row, trees.feature[node]] <= trees.value[node]
            node = node + 1 if goes_left else np.int64(trees.right[node])
        sums[row] += trees.value[node]
