"""RegMix: a regression from mixtures to loss on proxy runs, asked about many simulated mixtures, the best averaged.

Source: Liu et al., RegMix (arXiv 2407.01492) and its code: LightGBM, learning rate 0.01, up to 1,000 rounds with early
stopping after 3; 100,000 mixtures drawn from Dirichlet distributions around the prior; the mean of the best 128.
"""

from collections.abc import Sequence
from importlib import import_module
from typing import Any, Final

import numpy as np

from textmill.pipeline.errors import RecipeError, UsageError
from textmill.pipeline.mixing.cells import Floats
from textmill.pipeline.mixing.fitted import load_fit, match_groups
from textmill.pipeline.mixing.proxy_runs import ProxyRuns, check_consistent, folds, spearman

SIMULATED: Final = 100_000
KEPT: Final = 4096
"""Of the simulated mixtures, the best that go into the file: caps that are known only later leave some of them."""
STRENGTHS: Final = np.geomspace(0.1, 5, 15)
LEAST_SHARE: Final = 2e-4
PRIOR_POWER: Final = 0.5
RUNS_A_GROUP: Final = 8
"""Fewer runs than this a group are too few for trees to see anything."""
_VALIDATION: Final = 10


def fit_trees(runs: ProxyRuns, weights: Floats, *, seed: int = 0) -> Any:
    """A LightGBM booster from shares to the weighted loss; every tenth run decides when to stop.

    Raises UsageError for too few runs, and without LightGBM.
    """
    least = RUNS_A_GROUP * len(runs.groups)
    if len(runs.shares) < least:
        raise UsageError(
            f"{len(runs.shares)} runs are too few: a regression on {len(runs.groups)} groups needs {least} at least "
            "(RegMix trained 512)"
        )
    try:
        lightgbm = import_module("lightgbm")
    except ImportError:
        raise UsageError("regmix needs LightGBM: pip install 'textmill[regmix]'; or use --method law") from None
    total = runs.losses @ weights
    order = np.random.default_rng(seed).permutation(len(total))
    check, train = order[: max(1, len(total) // _VALIDATION)], order[max(1, len(total) // _VALIDATION) :]
    settings = {
        "objective": "regression",
        "metric": "l2",
        "learning_rate": 0.01,
        "min_data_in_leaf": max(2, min(20, len(train) // 20)),
        "min_data_in_bin": 1,
        "num_threads": 1,
        "seed": seed,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }
    training = lightgbm.Dataset(runs.shares[train], total[train], params=settings)
    checking = lightgbm.Dataset(runs.shares[check], total[check], reference=training)
    stop = lightgbm.early_stopping(3, verbose=False)
    return lightgbm.train(settings, training, 1000, valid_sets=[checking], callbacks=[stop])


def held_out_correlation(runs: ProxyRuns, weights: Floats, *, seed: int = 0) -> float:
    """Rank correlation of predicted and true loss, each predicted from the other runs. Raises as `fit_trees`."""
    check_consistent(runs, weights)
    predicted = np.zeros(len(runs.shares))
    for out in folds(len(runs.shares), seed):
        kept = np.setdiff1d(np.arange(len(runs.shares)), out)
        predicted[out] = fit_trees(runs.rows(kept), weights, seed=seed).predict(runs.shares[out])
    return spearman(predicted, runs.losses @ weights)


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
