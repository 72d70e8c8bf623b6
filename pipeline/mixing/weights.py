"""Shares of groups in a mixture, by the rules that a recipe may name."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from textmill.pipeline.errors import RecipeError, did_you_mean
from textmill.pipeline.mixing.cells import Floats
from textmill.pipeline.mixing.mixture import Entropy, Explicit, MixingLaw, Proportional, RegMix, Temperature, Unimax

AnyWeights = Explicit | Proportional | Temperature | Unimax | Entropy | MixingLaw | RegMix


class Supply(NamedTuple):
    """What there is to share out: one entry for each group that takes part.

    labels: names of groups. natural: tokens that each has to give. room: the most that its caps allow.
    budget: tokens to be given in all. absent: groups with documents that the phase leaves out.
    """

    labels: Sequence[str]
    natural: Floats
    room: Floats
    budget: float
    absent: Sequence[str] = ()


def shares_of(weights: AnyWeights, supply: Supply) -> Floats:  # noqa: PLR0911 (one a rule)
    """The share of each group: at least 0, 1 in all. Caps are kept only by the rules that know of them.

    Raises RecipeError for weights that do not fit the groups.
    """
    match weights:
        case Explicit():
            return _explicit(weights, supply)
        case Proportional():
            return _normal(supply.natural)
        case Temperature():
            return temperature(supply.natural, weights.alpha)
        case Unimax():
            return _normal(unimax(supply.natural, supply.room, supply.budget))
        case Entropy():
            return _entropy(weights, supply)
        case MixingLaw():
            from textmill.pipeline.mixing.laws import best_shares

            return best_shares(weights.file, supply.labels, supply.room / supply.budget)
        case RegMix():
            from textmill.pipeline.mixing.regmix import mean_of_best

            return mean_of_best(weights.file, weights.best, supply.labels, supply.room / supply.budget)


def temperature(tokens: Floats, alpha: float) -> Floats:
    """Shares proportional to ``tokens ** alpha``; a group without tokens has none."""
    return _normal(np.where(tokens > 0, np.maximum(tokens, 1) ** alpha, 0.0))


def unimax(tokens: Floats, room: Floats, budget: float) -> Floats:
    """Tokens for each group: from the smallest up, an equal part of what is left, or all that its cap allows.

    Source: Chung et al., UniMax (arXiv 2304.09151), algorithm 1; groups of equal room come in their own order.
    """
    given = np.zeros(len(tokens))
    left = budget
    order = np.argsort(room, kind="stable")
    for place, number in enumerate(order):
        given[number] = min(left / (len(order) - place), room[number])
        left -= given[number]
    return given


def under_caps(shares: Floats, room: Floats) -> Floats:
    """The shares with those above their `room` (also a share) cut to it, and the rest given to the others.

    The room must be 1 in all, or more, among the groups with a share.
    """
    fixed = np.zeros(len(shares), np.bool_)
    current = shares.copy()
    while (over := ~fixed & (current > room * (1 + 1e-12))).any():
        fixed |= over
        free = shares[~fixed].sum()
        left = 1 - room[fixed].sum()
        current = np.where(fixed, room, shares * (left / free if free else 0))
    return current


def _explicit(weights: Explicit, supply: Supply) -> Floats:
    labels, shares = set(supply.labels), weights.shares
    problems = []
    for name, label_tokens in zip(supply.labels, supply.natural, strict=True):
        if name not in shares:
            hint = did_you_mean(name, shares.keys() - labels)
            problems.append(f"no share for {name} ({label_tokens:,.0f} tokens){hint}; 0 would leave it out")
        elif shares[name] > 0 and not label_tokens:
            problems.append(f"{name} has share {shares[name]:g}, but no tokens")
    for name, share in shares.items():
        if share > 0 and name not in labels and name not in supply.absent:
            known = ", ".join(sorted(labels))
            problems.append(
                f"{name} has share {share:g}, but no documents{did_you_mean(name, labels)} (groups: {known})"
            )
    if problems:
        raise RecipeError([f"weights: {problem}" for problem in problems])
    return _normal(np.array([shares[name] for name in supply.labels]))


def _entropy(weights: Entropy, supply: Supply) -> Floats:
    from textmill.pipeline.mixing.entropy import load_entropies

    known = weights.entropies or load_entropies(weights.file)
    if missing := [name for name in supply.labels if name not in known]:
        raise RecipeError(f"weights: no entropy for {', '.join(missing)}; there are {', '.join(sorted(known))}")
    bits = np.array([known[name] for name in supply.labels])
    if (bits <= 0).any() or not np.isfinite(bits).all():
        raise RecipeError(f"weights: entropies must be above 0: {_listed(dict(zip(supply.labels, bits, strict=True)))}")
    return _normal(np.where(supply.natural > 0, bits**weights.gamma, 0.0))


def _normal(amounts: Floats) -> Floats:
    total = float(amounts.sum())
    if not total > 0:
        raise RecipeError("weights: no group with a share has any tokens")
    return np.asarray(amounts / total)


def _listed(numbers: dict[str, float]) -> str:
    return ", ".join(f"{name} {number:g}" for name, number in numbers.items())
