"""Trees: many rows at once, and trees of any size, as one row and one tree at a time."""

import numpy as np
import pytest

from textmill.pipeline.extraction.trees import Trees, predict


@pytest.mark.parametrize("leaves", [1, 2, 24, 32, 33, 60])
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
    trees = Trees(
        np.array(feature, np.int16), np.array(value, np.float32), np.array(right, np.int32), np.array(roots, np.int32)
    )
    table = rng.normal(size=(600, 5)).astype(np.float32)
    scores, expected = np.zeros(600, np.float32), []
    predict(trees, table, 600, scores)
    for row in table:
        total = 0.0
        for root in roots:
            node = root
            while feature[node] >= 0:
                node = node + 1 if row[feature[node]] <= trees.value[node] else right[node]
            total += float(trees.value[node])
        expected.append(1 / (1 + np.exp(-total)))
    assert scores == pytest.approx(expected, rel=1e-4)
