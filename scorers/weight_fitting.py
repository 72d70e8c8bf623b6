"""Weights of scores from proxy runs: a regression from weights to loss, asked about many weights, the best averaged.

Source: Zhuang et al., Meta-rater (arXiv 2504.14194): random weights, a small model trained on what each selects, a
regression on their losses, the mean of the weights of least predicted loss.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np

from textmill.pipeline.boosted_trees import fit_boosted_trees
from textmill.pipeline.errors import UsageError
from textmill.pipeline.proxy_runs import Floats, ProxyRuns, combine, held_out_correlation, refuse_below

CANDIDATES: Final = 100_000
BEST: Final = 128
PARENTS: Final = 3
"""A candidate is a random mean of so many runs' weights: the regression is asked about nothing outside what it saw."""
LEAST_RUNS: Final = {"quadratic": 3, "trees": 8}
"""Runs a score, at least."""
STRENGTHS: Final = np.geomspace(1e-6, 1e3, 28)
_CHUNK: Final = 5000

Predict: TypeAlias = Callable[[Floats], Floats]


def fit_weights(
    runs: ProxyRuns, method: str, targets: Mapping[str, float], *, least: float = 0.8, seed: int = 0
) -> dict[str, Any]:
    """`weights` by score, their absolute values 1 in all, and `fit`: how they were found.

    method: ``quadratic`` (ridge regression on weights, squares and products) or ``trees`` (LightGBM). targets: weights
    of losses, none for all alike. least: the rank correlation on held-out runs that is asked for.
    Raises UsageError for runs that are too few, contradictory or not ranked well, and without LightGBM.
    """
    goal = combine(runs, targets)
    needed = LEAST_RUNS[method] * len(runs.names)
    if len(runs.inputs) < needed:
        raise UsageError(
            f"{len(runs.inputs)} runs are too few: {method} on {len(runs.names)} scores needs {needed} at least "
            "(Meta-rater trained 256)"
        )

    def fit(known: ProxyRuns) -> Predict:
        total = known.losses @ goal
        if method == "quadratic":
            return fit_quadratic(known.inputs, total).predict
        booster = fit_boosted_trees(known.inputs, total, seed=seed)
        return lambda inputs: np.asarray(booster.predict(inputs))

    correlation = held_out_correlation(runs, goal, lambda known, inputs: fit(known)(inputs), seed=seed)
    refuse_below(correlation, least, len(runs.inputs))
    predict, total = fit(runs), runs.losses @ goal
    weights = best_weights(predict, runs.inputs, seed=seed)
    return {
        "weights": dict(zip(runs.names, weights.tolist(), strict=True)),
        "fit": {
            "method": method,
            "runs": len(runs.inputs),
            "targets": dict(zip(runs.targets, goal.tolist(), strict=True)),
            "held_out_correlation": correlation,
            "predicted_loss": float(predict(weights[None])[0]),
            "best_run_loss": float(total.min()),
            "mean_run_loss": float(total.mean()),
        },
    }


def best_weights(predict: Predict, known: Floats, *, seed: int = 0) -> Floats:
    """The mean of the `BEST` of `CANDIDATES` vectors of weights by prediction; absolute values 1 in all."""
    random = np.random.default_rng(seed)
    parents = random.integers(len(known), size=(CANDIDATES, PARENTS))
    parts = random.dirichlet(np.full(PARENTS, 0.5), CANDIDATES)
    drawn = np.einsum("cp,cpd->cd", parts, known[parents])
    scale = np.abs(drawn).sum(axis=1, keepdims=True)
    candidates = (drawn / np.where(scale > 0, scale, 1))[scale[:, 0] > 1e-9]
    predicted = np.concatenate([predict(candidates[at : at + _CHUNK]) for at in range(0, len(candidates), _CHUNK)])
    mean = candidates[np.argsort(predicted, kind="stable")[:BEST]].mean(axis=0)
    return np.asarray(mean / np.abs(mean).sum())


class Quadratic(NamedTuple):
    """mean + slopes · (features - center), the features of `_products`."""

    mean: float
    center: Floats
    slopes: Floats

    def predict(self, inputs: Floats) -> Floats:
        """Losses, shape (n,)."""
        return np.asarray(self.mean + (_products(inputs) - self.center) @ self.slopes)


def fit_quadratic(inputs: Floats, total: Floats) -> Quadratic:
    """Ridge regression, of the strength whose predictions of each run from the others have the least square error."""
    features = _products(inputs)
    center, spread = features.mean(axis=0), features.std(axis=0)
    scale = np.where(spread > 1e-12, spread, 1.0)
    left, singular, right = np.linalg.svd((features - center) / scale, full_matrices=False)
    mean = float(total.mean())
    along = left.T @ (total - mean)
    errors = []
    for strength in STRENGTHS:
        shrink = singular**2 / (singular**2 + strength)
        leverage = (left**2) @ shrink + 1 / len(total)
        residual = total - mean - left @ (shrink * along)
        errors.append(float(((residual / np.maximum(1 - leverage, 1e-9)) ** 2).mean()))
    strength = STRENGTHS[int(np.argmin(errors))]
    slopes = right.T @ (singular / (singular**2 + strength) * along) / scale
    return Quadratic(mean, center, slopes)


def _products(inputs: Floats) -> Floats:
    """Each number, and each product of two, squares too: shape (n, d + d (d + 1) / 2)."""
    first, second = np.triu_indices(inputs.shape[1])
    return np.concatenate([inputs, inputs[:, first] * inputs[:, second]], axis=1)
