"""The exponential mixing law: how losses depend on the shares of groups, fitted to proxy runs, and its best mixture.

Source: Ye et al., Data Mixing Laws (arXiv 2403.16952): L_i(r) = c_i + k_i·exp(Σ_j t_ij·r_j), fitted by a Huber loss
(δ = 0.01) from many starts. As Σ r_j = 1, k_i can be taken into t_ij, which leaves no two sets of parameters for one
law: L_i(r) = c_i + exp(Σ_j t_ij·r_j). The fit is Levenberg and Marquardt's with Huber's weights, all starts at once:
as exact as a general optimiser, some hundred times faster, and no further library.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from textmill.pipeline import proxy_runs
from textmill.pipeline.errors import RecipeError, UsageError
from textmill.pipeline.mixing.cells import Floats
from textmill.pipeline.mixing.fitted import load_fit, match_groups
from textmill.pipeline.proxy_runs import ProxyRuns

HUBER: Final = 0.01
"""Residuals up to here count by their square, larger ones by their size."""
STARTS: Final = 64
STEPS: Final = 300
RUNS_A_PARAMETER: Final = 1.5
"""Fewer runs a parameter than this leave nothing to check the fit by."""


@dataclass(frozen=True, eq=False)
class MixingLaw:
    """floor: c, shape (targets,). slopes: t, shape (targets, groups)."""

    floor: Floats
    slopes: Floats

    def predict(self, shares: Floats) -> Floats:
        """Losses of mixtures, shape (mixtures, targets)."""
        return np.asarray(self.floor + np.exp(shares @ self.slopes.T))


def fit_law(runs: ProxyRuns, *, seed: int = 0) -> MixingLaw:
    """Fit every target alone."""
    random = np.random.default_rng(seed)
    fits = [_fit_target(runs.inputs, losses, random) for losses in runs.losses.T]
    return MixingLaw(np.array([fit[0] for fit in fits]), np.array([fit[1:] for fit in fits]))


def held_out_correlation(runs: ProxyRuns, weights: Floats, *, seed: int = 0) -> float:
    """Rank correlation of predicted and true loss, each predicted from the others.

    Raises UsageError for fewer than `RUNS_A_PARAMETER` runs a parameter, and for those that contradict each other.
    """
    groups = len(runs.names)
    least = int(np.ceil(RUNS_A_PARAMETER * (groups + 1)))
    if len(runs.inputs) < least:
        raise UsageError(
            f"{len(runs.inputs)} runs are too few: a law of {groups} groups has {groups + 1} parameters a target, "
            f"and needs {least} runs at least"
        )

    def predict(known: ProxyRuns, shares: Floats) -> Floats:
        return fit_law(known, seed=seed).predict(shares) @ weights

    return proxy_runs.held_out_correlation(runs, weights, predict, seed=seed)


def minimise(law: MixingLaw, weights: Floats, most: Floats) -> Floats:
    """Shares of least weighted loss, none above its `most`, by projected gradients: the loss is convex in the shares.

    Raises RecipeError when `most` is less than 1 in all.
    """
    shares = project(np.full(len(most), 1 / len(most)), most)
    step = 1.0

    def loss(at: Floats) -> float:
        return float(law.predict(at[None])[0] @ weights)

    current = loss(shares)
    for _ in range(5000):
        slope = (np.exp(law.slopes @ shares) * weights) @ law.slopes
        moved = project(shares - step * slope, most)
        better = loss(moved)
        if better > current - 1e-4 * float(slope @ (shares - moved)):
            step /= 2
            if step < 1e-12:
                break
            continue
        if np.abs(moved - shares).max() < 1e-12:
            break
        shares, current, step = moved, better, step * 1.5
    return shares


def project(point: Floats, most: Floats) -> Floats:
    """The nearest shares to a point: at least 0, at most `most`, 1 in all."""
    if most.sum() < 1 - 1e-9:
        raise RecipeError(f"caps allow shares of {most.sum():.3g} in all, less than 1")
    low, high = float(point.min() - 1.0 - most.max()), float(point.max())
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if np.clip(point - middle, 0, most).sum() > 1 else (low, middle)
    found = np.clip(point - (low + high) / 2, 0, most)
    return np.asarray(found / found.sum())


def best_shares(path: str, labels: Sequence[str], most: Floats) -> Floats:
    """The best shares of groups by a fitted file, none above its `most`, nor above the largest that a run had.

    Beyond what was tried a law of exponentials promises anything. Raises InputError, RecipeError.
    """
    fit = load_fit(path, "law")
    order = match_groups(path, fit["groups"], labels)
    most = np.minimum(most, np.array(fit["largest"])[order])
    if most.sum() < 1:
        listed = ", ".join(f"{label} {share:.3g}" for label, share in zip(labels, most, strict=True))
        raise RecipeError(f"weights: caps, and the largest shares that runs of {path} had, allow less than 1: {listed}")
    law = MixingLaw(np.array(fit["floor"]), np.array(fit["slopes"])[:, order])
    return minimise(law, np.array(fit["weights"]), most)


def _fit_target(shares: Floats, losses: Floats, random: np.random.Generator) -> Floats:
    """c and t of least Huber loss, shape (1 + groups,)."""
    spread = float(np.ptp(losses)) or 1.0
    floors = losses.min() - spread * random.uniform(0.02, 3, STARTS)
    logs = np.log(losses - floors[:, None])
    slopes = np.linalg.lstsq(shares, logs.T, rcond=None)[0].T  # for a given floor the law is linear in logarithms
    at = np.column_stack([floors, slopes])
    damping = np.full(STARTS, 1e-3)
    cost, residuals, jacobian = _cost(at, shares, losses)
    for _ in range(STEPS):
        weight = np.minimum(1.0, HUBER / np.maximum(np.abs(residuals), 1e-300))
        weighted = jacobian * weight[:, :, None]
        normal = np.einsum("snp,snq->spq", weighted, jacobian)
        diagonal = np.einsum("spp->sp", normal)
        damped = normal + np.einsum("sp,pq->spq", damping[:, None] * (diagonal + 1e-12), np.eye(at.shape[1]))
        change = np.linalg.solve(damped, np.einsum("snp,sn->sp", weighted, residuals)[:, :, None])[:, :, 0]
        tried = at - change
        new_cost, new_residuals, new_jacobian = _cost(tried, shares, losses)
        good = new_cost < cost
        at[good], cost[good] = tried[good], new_cost[good]
        residuals[good], jacobian[good] = new_residuals[good], new_jacobian[good]
        damping = np.clip(np.where(good, damping / 4, damping * 3), 1e-12, 1e12)
        if (damping >= 1e12).all():
            break
    return np.asarray(at[np.argmin(cost)])


def _cost(at: Floats, shares: Floats, losses: Floats) -> tuple[Floats, Floats, Floats]:
    """Huber's loss of each start, its residuals (starts, runs), and their derivatives (starts, runs, parameters)."""
    grown = np.exp(np.clip(at[:, 1:] @ shares.T, -60, 60))
    residuals = at[:, :1] + grown - losses
    size = np.abs(residuals)
    cost = np.where(size <= HUBER, size**2 / 2, HUBER * (size - HUBER / 2)).sum(axis=1)
    ones = np.ones_like(grown)[:, :, None]
    return cost, residuals, np.concatenate([ones, grown[:, :, None] * shares], axis=2)
