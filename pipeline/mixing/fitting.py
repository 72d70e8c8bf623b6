"""Fits one of the methods to proxy runs, checks it on runs held out, and says what goes into its file."""

from collections.abc import Mapping
from typing import Any

from textmill.pipeline.mixing import laws, regmix
from textmill.pipeline.proxy_runs import ProxyRuns, combine, refuse_below


def fit(
    runs: ProxyRuns, method: str, targets: Mapping[str, float], *, least: float = 0.8, seed: int = 0
) -> dict[str, Any]:
    """The content of a fitted file. Raises UsageError for runs that are too few, contradictory or not ranked well.

    method: ``law`` or ``regmix``. targets: weights of losses, none for all alike. least: rank correlation asked for.
    """
    weights = combine(runs, targets)
    module = laws if method == "law" else regmix
    correlation = module.held_out_correlation(runs, weights, seed=seed)
    refuse_below(correlation, least, len(runs.inputs))
    content: dict[str, Any] = {
        "method": method,
        "groups": runs.names,
        "targets": runs.targets,
        "weights": weights.tolist(),
        "runs": len(runs.inputs),
        "held_out_correlation": correlation,
    }
    if method == "law":
        law = laws.fit_law(runs, seed=seed)
        largest = runs.inputs.max(axis=0)
        best = laws.minimise(law, weights, largest)
        content |= {"floor": law.floor.tolist(), "slopes": law.slopes.tolist(), "largest": largest.tolist()}
    else:
        prior = runs.inputs.mean(axis=0)
        shares, predicted = regmix.best_simulated(regmix.fit_trees(runs, weights, seed=seed), prior, seed=seed)
        best = shares[:128].mean(axis=0)
        content |= {"best": shares.round(6).tolist(), "predicted": predicted.round(6).tolist()}
    return content | {"without_caps": dict(zip(runs.names, best.tolist(), strict=True))}
