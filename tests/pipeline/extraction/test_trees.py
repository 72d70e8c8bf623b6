"""Trees: many rows at once, as one row and one tree at a time."""

import numpy as np
import pytest

from textmill.pipeline.extraction.trees import Nodes, plant, predict


@pytest.mark.parametrize("leaves", [1, 2, 24, 32])
def test_rows_judged_together_get_what_each_gets_alone(leaves):
    rng = np.random.default_rng(leaves)
    feature, value, right = [], [], []

    def grow(under: int) -> None:
        at = len(feature)
        feature.append(int(rng.integers(0, 5)) if under > 1 else -1)
        value.append(rng.normal())
        right.append(0)
        if under > 1:
            left = int(rng.integers(1, under))
            grow(left)
            right[at] = len(feature)
            grow(under - left)

    roots = []
    for _ in range(3):
        roots.append(len(feature))
        grow(leaves)
    nodes = Nodes(
        np.array(feature, np.int16), np.array(value, np.float32), np.array(right, np.int32), np.array(roots, np.int32)
    )
    table = rng.normal(size=(600, 5)).astype(np.float32)
    scores, expected = np.zeros(600, np.float32), []
    predict(plant(nodes), table, 600, scores)
    for row in table:
        total = 0.0
        for root in roots:
            node = root
            while feature[node] >= 0:
                node = node + 1 if row[feature[node]] <= nodes.value[node] else right[node]
            total += float(nodes.value[node])
        expected.append(1 / (1 + np.exp(-total)))
    assert scores == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    ("feature", "right", "roots"),
    [
        ([0, -1, -1], [3, 0, 0], [0]),  # a child beyond the end
        ([0, -1, -1], [1, 0, 0], [0]),  # one child twice
        ([0, -1], [1, 0], [0]),  # no right child
        ([0, -1, -1, -1], [2, 0, 0, 0], [0]),  # a node too many
        ([0, -1, -1], [2, 0, 0], [1, 0]),  # trees out of order
        ([0, -1, -1], [2, 0, 0], [-1]),
        ([], [], []),
        ([*[0] * 32, *[-1] * 33], [*range(64, 32, -1), *[0] * 33], [0]),  # 33 leaves
    ],
)
def test_what_is_no_tree_is_refused(feature, right, roots):
    values = np.zeros(len(feature), np.float32)
    with pytest.raises(ValueError, match=r"arrays of|tree 0"):
        plant(Nodes(np.array(feature, np.int16), values, np.array(right, np.int32), np.array(roots, np.int32)))
