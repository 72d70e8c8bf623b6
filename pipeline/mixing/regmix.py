"""RegMix: a regression from mixtures to loss on proxy runs, asked about many simulated mixtures, the best averaged.

Source: Liu et al., RegMix (arXiv 2407.01492) and its code: LightGBM, learning rate 0.01, up to 1,000 rounds with early
stopping after 3; 100,000 mixtures drawn from Dirichlet distributions around the prior; the mean of the best 128.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from textmill.pipeline import proxy_runs
from textmill.pipeline.boosted_trees import fit_boosted_trees
from textmill.pipeline.errors import RecipeError, UsageError
from textmill.pipeline.mixing.cells import Floats
from textmill.pipeline.mixing.fitted import load_fit, match_groups
from textmill.pipeline.proxy_runs import ProxyRuns

SIMULATED: Final = 100_000
KEPT: Final = 4096
"""Of the simulated mixtures, the best that go into the file: caps that are known only later leave some of them."""
STRENGTHS: Final = np.geomspace(0.1, 5, 15)
LEAST_SHARE: Final = 2e-4
PRIOR_POWER: Final = 0.5
RUNS_A_GROUP: Final = 8
"""Fewer runs than this a group are too few for trees to see anything."""


def fit_trees(runs: ProxyRuns, weights: Floats, *, seed: int = 0) -> Any:
    """A LightGBM booster from shares to the weighted loss. Raises UsageError without LightGBM."""
    return fit_boosted_trees(runs.inputs, runs.losses @ weights, seed=seed)


def held_out_correlation(runs: ProxyRuns, weights: Floats, *, seed: int = 0) -> float:
    """Rank correlation of predicted and true loss, each predicted from the other runs.

    Raises UsageError for fewer than `RUNS_A_GROUP` runs a group, for those that contradict each other, and without
    LightGBM.
    """
    least = RUNS_A_GROUP * len(runs.names)
    if len(runs.inputs) < least:
        raise UsageError(
            f"{len(runs.inputs)} runs are too few: a regression on {len(runs.names)} groups needs {least} at least "
            "(RegMix trained 512)"
        )

    def predict(known: ProxyRuns, shares: Floats) -> Floats:
        return np.asarray(fit_trees(known, weights, seed=seed).predict(shares))

    return proxy_runs.held_out_correlation(runs, weights, predict, seed=seed)


def simulate(prior: Floats, *, count: int = SIMULATED, seed: int = 0) -> Floats:
    """Mixtures around a prior, shape (count, groups): from nearly one group alone to nearly the prior itself.

    Shares below `LEAST_SHARE` become 0.
    """
    random = np.random.default_rng(seed)
    center = prior**PRIOR_POWER / (prior**PRIOR_POWER).sum()
    each = -(-count // len(STRENGTHS))
    drawn = [random.dirichlet(np.maximum(center * strength * len(prior), 1e-6), each) for strength in STRENGTHS]
    shares = np.concatenate(drawn)[:count]
    shares[shares < LEAST_SHARE] = 0
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))


def best_simulated(booster: Any, prior: Floats, *, seed: int = 0) -> tuple[Floats, Floats]:
    """The `KEPT` simulated mixtures of least predicted loss, best first, and these losses."""
    shares = simulate(prior, seed=seed)
    predicted = np.asarray(booster.predict(shares))
    order = np.argsort(predicted, kind="stable")[:KEPT]
    return shares[order], predicted[order]


def mean_of_best(path: str, best: int, labels: Sequence[str], most: Floats) -> Floats:
    """The mean of the best mixtures of a fitted file that no cap forbids. Raises InputError, RecipeError."""
    fit = load_fit(path, "regmix")
    order = match_groups(path, fit["groups"], labels)
    shares = np.array(fit["best"])[:, order]
    allowed = shares[(shares <= most * (1 + 1e-9)).all(axis=1)]
    if not len(allowed):
        caps = ", ".join(f"{label} {cap:.3g}" for label, cap in zip(labels, most, strict=True) if cap < 1)
        raise RecipeError(f"weights: none of the {len(shares)} best mixtures of {path} keeps the caps: {caps}")
    mean = allowed[:best].mean(axis=0)
    return np.asarray(mean / mean.sum())
