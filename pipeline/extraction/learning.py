"""Boosted trees from LightGBM, turned into plain arrays. Needs the extra ``textmill[train]``."""

from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from textmill.pipeline.errors import UsageError
from textmill.pipeline.extraction import features, second
from textmill.pipeline.extraction.trees import Nodes, plant, predict

Floats: TypeAlias = npt.NDArray[np.float32]
Flags: TypeAlias = npt.NDArray[np.bool_]

PARAMETERS: Final[dict[str, Any]] = {
    "objective": "binary",
    "learning_rate": 0.1,
    "num_leaves": 24,
    "min_data_in_leaf": 60,
    "feature_fraction": 0.35,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 5,
    "max_bin": 63,
    "min_sum_hessian_in_leaf": 2,
    "use_missing": False,
    "verbose": -1,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
}
_RARE: Final = 0.15
"""Least share of the blocks of small weight that is trained on, each with the more weight."""
_BLIND: Final = 0.3
"""Share of the blocks that is trained on a second time with no stop word known, as in most languages."""


class Learner:
    """Blocks of pages to learn from.

    table: float32, (n, columns). labels: bool. weights: float32, 0 for blocks to leave out. fold: int, of its page.
    """

    def __init__(self, table: Floats, labels: Flags, weights: Floats, fold: npt.NDArray[np.int64], seed: int) -> None:
        self.table, self.labels, self.fold, self.seed = table, labels, fold, seed
        rng = np.random.default_rng(seed)
        common = np.quantile(weights[weights > 0], 0.6)
        share = np.clip(weights / common, _RARE, 1)
        self.chosen = _draw(rng, share, weights > 0)
        self.weights = np.asarray(weights / share, np.float32)
        self.again = _draw(rng, np.full(len(weights), _BLIND), self.chosen)
        names = (*features.NAMES, *second.NAMES)
        self.stops = [column for column, name in enumerate(names) if "stops" in name]

    def stage(self, columns: int, trees: int, folds: int) -> tuple[Nodes, Floats]:
        """Trees of all blocks over the first columns; and each block's probability by trees of the other folds."""
        likely = np.zeros(len(self.labels), np.float32)
        for fold in range(folds):
            rows = np.flatnonzero(self.fold == fold)
            if not len(rows):
                continue
            found = np.zeros(len(rows), np.float32)
            predict(plant(self._fit(self.fold != fold, columns, trees)), self.table[rows], len(rows), found)
            likely[rows] = found
        return self._fit(np.ones(len(self.labels), np.bool_), columns, trees), likely

    def _fit(self, rows: Flags, columns: int, trees: int) -> Nodes:
        lightgbm = _lightgbm()
        plain, blind = np.flatnonzero(rows & self.chosen), np.flatnonzero(rows & self.again)
        without = self.table[blind, :columns]
        without[:, [column for column in self.stops if column < columns]] = 0
        chosen = np.concatenate([plain, blind])
        data = lightgbm.Dataset(
            np.concatenate([self.table[plain, :columns], without]),
            self.labels[chosen].astype(np.int8),
            weight=self.weights[chosen],
            params={"max_bin": PARAMETERS["max_bin"], "verbose": -1},
        )
        return as_trees(lightgbm.train(PARAMETERS | {"seed": self.seed}, data, trees).dump_model())


def _draw(rng: np.random.Generator, share: npt.NDArray[np.float64], of: Flags) -> Flags:
    """Of the marked blocks that share, by chance; the others have no part in it, so they change nothing."""
    drawn = of.copy()
    drawn[of] = rng.random(int(of.sum())) < share[of]
    return drawn


def as_trees(dump: dict[str, Any]) -> Nodes:
    """Arrays of what ``Booster.dump_model`` gives."""
    nodes: list[list[float]] = []

    def add(node: dict[str, Any]) -> int:
        place = len(nodes)
        nodes.append([-1, node.get("leaf_value", 0.0), 0])
        if "split_feature" in node:
            nodes[place][:2] = node["split_feature"], _float32_up_to(node["threshold"])
            add(node["left_child"])
            nodes[place][2] = add(node["right_child"])
        return place

    roots = [add(tree["tree_structure"]) for tree in dump["tree_info"]]
    feature, value, right = zip(*nodes, strict=True)
    return Nodes(
        np.array(feature, np.int16), np.array(value, np.float32), np.array(right, np.int32), np.array(roots, np.int32)
    )


def _float32_up_to(threshold: float) -> float:
    """The largest float32 that is not above a float64, so that no float32 changes sides."""
    nearest = np.float32(threshold)
    return float(nearest if float(nearest) <= threshold else np.nextafter(nearest, np.float32(-np.inf)))


def _lightgbm() -> Any:
    try:
        import lightgbm
    except ImportError as error:
        raise UsageError("training the extractor needs LightGBM: pip install 'textmill[train]'") from error
    return lightgbm
