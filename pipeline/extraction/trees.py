"""Boosted trees applied to a table of features, from flat arrays."""

from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from textmill.pipeline.kernels import kernel

Floats: TypeAlias = npt.NDArray[np.float32]


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
def predict(  # noqa: C901 (four rows side by side)
    trees: Trees, table: Floats, rows: int, scores: Floats
) -> None:
    """Write the probability of each of the first `rows` rows of `table` into `scores`.

    Tree by tree, so that a tree stays in the cache while the rows pass by; four rows at a time, so that
    their loads overlap.
    """
    scores[:rows] = 0
    feature, value, right = trees.feature, trees.value, trees.right
    for root in trees.roots:
        row = 0
        while row + 3 < rows:
            a = b = c = d = np.int64(root)
            going = feature[root] >= 0
            while going:
                going = False
                if feature[a] >= 0:
                    a = a + 1 if table[row, feature[a]] <= value[a] else np.int64(right[a])
                    going = True
                if feature[b] >= 0:
                    b = b + 1 if table[row + 1, feature[b]] <= value[b] else np.int64(right[b])
                    going = True
                if feature[c] >= 0:
                    c = c + 1 if table[row + 2, feature[c]] <= value[c] else np.int64(right[c])
                    going = True
                if feature[d] >= 0:
                    d = d + 1 if table[row + 3, feature[d]] <= value[d] else np.int64(right[d])
                    going = True
            scores[row] += value[a]
            scores[row + 1] += value[b]
            scores[row + 2] += value[c]
            scores[row + 3] += value[d]
            row += 4
        while row < rows:
            a = np.int64(root)
            while feature[a] >= 0:
                a = a + 1 if table[row, feature[a]] <= value[a] else np.int64(right[a])
            scores[row] += value[a]
            row += 1
    for row in range(rows):
        scores[row] = 1 / (1 + np.exp(-scores[row]))
