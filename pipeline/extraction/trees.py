"""Boosted trees applied to a table of features, from flat arrays."""

from collections.abc import Sequence
from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from textmill.pipeline.kernels import kernel, part

Floats: TypeAlias = npt.NDArray[np.float32]
Words: TypeAlias = npt.NDArray[np.uint32]

LEAVES: Final = 32
"""The most that a tree may have: a bit of a word each."""
_ROWS: Final = 256
"""Rows that are judged together: their features stay in the cache while all trees pass by."""
_LANES: Final = 16
"""Rows are taken in multiples of this, so that no loop has an end to do one by one."""
_DE_BRUIJN: Final = np.uint32(0x077CB531)


class Nodes(NamedTuple):
    """Trees as they are trained and stored; the leaves add up to the logarithm of the odds.

    Nodes stand in preorder, so that the left child of node k is k + 1. feature: int16, -1 for a leaf. value:
    float32, the threshold up to which a row goes left; of a leaf, what it adds. right: int32, the right child.
    roots: int32, the first node of each tree, in rising order.
    """

    feature: npt.NDArray[np.int16]
    value: Floats
    right: npt.NDArray[np.int32]
    roots: npt.NDArray[np.int32]


class Trees(NamedTuple):
    """Trees as `predict` reads them: a question a row, those of tree k from ``first[k]`` up to ``first[k + 1]``.

    feature: int16, what is asked. limit: float32, up to which a row keeps all leaves. others: uint32, the leaves that
    the others keep, a bit each. worth: float32, shape (trees, 32), what a leaf adds, at `_slot` of its bit. columns: of
    the table, up to the last that is asked.
    """

    feature: npt.NDArray[np.int16]
    limit: Floats
    others: Words
    first: npt.NDArray[np.int32]
    worth: Floats
    columns: int


def plant(nodes: Nodes) -> Trees:
    """The trees of these nodes. Raises ValueError for what is no tree in preorder with `LEAVES` leaves at most."""
    size = len(nodes.feature)
    if not len(nodes.value) == len(nodes.right) == size or not size or not len(nodes.roots):
        raise ValueError("arrays of different lengths, or empty")
    others, worth = np.zeros(size, np.uint32), np.zeros((len(nodes.roots), LEAVES), np.float32)
    feature, value, right, roots = (column.tolist() for column in nodes)
    for tree, (root, end) in enumerate(zip(roots, [*roots[1:], size], strict=True)):
        before = _leaves_before(feature[root:end], [child - root for child in right[root:end]]) if root >= 0 else []
        if not before:
            raise ValueError(f"tree {tree} is none, or has more than {LEAVES} leaves")
        for node in range(root, end):
            leaf = before[node - root]
            if feature[node] < 0:
                worth[tree, (1 << leaf) * int(_DE_BRUIJN) % (1 << 32) >> 27] = value[node]
            else:  # who goes right is in none of the leaves from the left child up to the right one
                others[node] = ~((1 << before[right[node] - root]) - (1 << leaf)) & 0xFFFFFFFF
    asks = nodes.feature >= 0
    first = np.concatenate([[0], np.cumsum(asks)])[[*roots, size]]
    columns = int(nodes.feature.max()) + 1
    return Trees(nodes.feature[asks], nodes.value[asks], others[asks], first.astype(np.int32), worth, columns)


def _leaves_before(feature: Sequence[int], right: Sequence[int]) -> list[int]:
    """How many leaves stand before each node of a tree; nothing if it is none, or too large."""
    before: list[int] = []
    leaves, waiting = 0, [len(feature)]  # where the right children that are still to come begin, innermost last
    for node in range(len(feature)):
        before.append(leaves)
        if feature[node] >= 0:
            waiting.append(right[node])
        else:
            leaves += 1
            if not waiting or waiting.pop() != node + 1:
                return []
    return before if not waiting and leaves <= LEAVES else []


@kernel
def predict(trees: Trees, table: Floats, rows: int, scores: Floats) -> None:
    """Write the probability of each of the first `rows` rows of `table` into `scores`.

    No row walks down a tree: all its questions are asked of many rows side by side, which processors do 8 or 16 at a
    time, and strike out leaves. The leftmost that is left is the row's (Lucchese et al. 2015, "QuickScorer").
    """
    columns = np.zeros((trees.columns, _ROWS), np.float32)
    left, sums = np.empty(_ROWS, np.uint32), np.empty(_ROWS, np.float32)
    for begin in range(0, rows, _ROWS):
        count = min(_ROWS, rows - begin)
        for column in range(trees.columns):
            for row in range(count):
                columns[column, row] = table[begin + row, column]
        width = (count + _LANES - 1) // _LANES * _LANES
        sums[:] = 0
        for tree in range(len(trees.worth)):
            _strike(trees, tree, columns, left[:width])
            _add_leaves(trees.worth[tree], left[:width], sums)
        for row in range(count):
            scores[begin + row] = 1 / (1 + np.exp(-sums[row]))


@part
def _strike(trees: Trees, tree: int, columns: Floats, left: Words) -> None:
    """Leave in `left`, a bit a leaf, those that the answers of each row allow."""
    left[:] = 0xFFFFFFFF
    for question in range(trees.first[tree], trees.first[tree + 1]):
        limit, others, values = trees.limit[question], trees.others[question], columns[trees.feature[question]]
        for row in range(len(left)):
            left[row] &= np.uint32(0xFFFFFFFF) if values[row] <= limit else others


@part
def _add_leaves(worth: Floats, left: Words, sums: Floats) -> None:
    """Add to each row's sum what its leftmost leaf is worth."""
    for row in range(len(left)):
        bits = left[row]
        sums[row] += worth[_slot(bits & (~bits + np.uint32(1)))]


@part
def _slot(bit: np.uint32) -> np.uint32:
    """A number below 32 of its own for each power of two below 2**32."""
    return np.uint32(bit * _DE_BRUIJN) >> np.uint32(27)
