"""How often the documents of one group are used relative to each other: a step function of a score."""

from typing import NamedTuple

import numpy as np

from textmill.pipeline.mixing.cells import Floats, Ints
from textmill.pipeline.mixing.mixture import QualityCurve, Rehydrate, Uniform
from textmill.pipeline.mixing.rehydrate import load_factors


class Curve(NamedTuple):
    """Repetitions by score: ``rates[i]`` from ``edges[i - 1]`` on and below ``edges[i]``; `unknown` without a score.

    edges: ascending, one less than rates.
    """

    edges: Floats
    rates: Floats
    unknown: float

    def at(self, values: Floats) -> Floats:
        """Repetitions of documents with these scores, as `cells.coarse` leaves them."""
        found = self.rates[np.searchsorted(self.edges, values, side="right")]
        return np.where(np.isnan(values), self.unknown, found)


def flat(rate: float) -> Curve:
    """The same for every document."""
    return Curve(np.zeros(0), np.array([rate]), rate)


def natural_tokens(within: Uniform | QualityCurve | Rehydrate, values: Floats, tokens: Ints) -> float:
    """Tokens that a group has to give when nothing else is asked: each once, or rehydrated."""
    if isinstance(within, Rehydrate):
        return float(tokens @ _factors(within).at(values))
    return float(tokens.sum())


def most_tokens(within: Uniform | QualityCurve | Rehydrate, values: Floats, tokens: Ints) -> float:
    """The most that a group can give in a phase before a document is used more often than its curve allows."""
    if isinstance(within, QualityCurve):
        kept = _bucket_tokens(within, values, tokens)[_height(within) > 0]
        return float(within.max_factor * kept.sum())
    return np.inf


def curve_for(within: Uniform | QualityCurve | Rehydrate, values: Floats, tokens: Ints, target: float) -> Curve:
    """The curve with which a group gives `target` tokens, which must be at most `most_tokens`.

    values, tokens: those of its cells, ascending by value, NaN last.
    """
    if target == 0 or not tokens.sum():
        return flat(0.0)
    if isinstance(within, QualityCurve):
        return _quality_curve(within, values, tokens, target)
    if isinstance(within, Rehydrate):
        factors = _factors(within)
        scale = target / float(tokens @ factors.at(values))
        return Curve(factors.edges, factors.rates * scale, factors.unknown * scale)
    return flat(target / float(tokens.sum()))


def _factors(within: Rehydrate) -> Curve:
    """Factors by cluster size; smaller sizes than the first, and documents of unknown size, count once."""
    table = within.factors or load_factors(within.file)
    sizes = sorted(table)
    return Curve(np.array(sizes, np.float64), np.array([1.0, *(table[size] for size in sizes)]), 1.0)


def _height(within: QualityCurve, flattening: float = 1.0) -> Floats:
    """The shape of the curve over its buckets: 0 for those left out, at most 1 for the others."""
    middle = (np.arange(within.buckets) + 0.5) / within.buckets
    place = np.maximum((middle - within.drop_below) / (1 - within.drop_below), 0)
    return np.where(place > 0, np.maximum(place, 1e-12) ** (within.steepness * flattening), 0.0)


def _buckets(within: QualityCurve, values: Floats, tokens: Ints) -> Ints:
    """The bucket of each cell: by the share of the group's tokens below its middle. Without a score it is the worst."""
    known = ~np.isnan(values)
    order = np.concatenate([np.flatnonzero(~known), np.flatnonzero(known)])
    sizes = tokens[order]
    below = (np.cumsum(sizes) - sizes / 2) / max(int(sizes.sum()), 1)
    bucket = np.zeros(len(values), np.int64)
    bucket[order] = np.minimum((below * within.buckets).astype(np.int64), within.buckets - 1)
    bucket[~known] = 0
    return bucket


def _bucket_tokens(within: QualityCurve, values: Floats, tokens: Ints) -> Floats:
    """Tokens of each bucket: nearly equal, unless many documents have one score."""
    held = np.bincount(_buckets(within, values, tokens), weights=tokens, minlength=within.buckets)
    return np.asarray(held, np.float64)


def _quality_curve(within: QualityCurve, values: Floats, tokens: Ints, target: float) -> Curve:
    """Find how much flatter than asked the curve must be, and scale it so that its integral is the target."""
    held = _bucket_tokens(within, values, tokens)

    def scaled(flattening: float) -> Floats:
        height = _height(within, flattening)
        return np.asarray(height * (target / float(held @ height)))

    def fits(flattening: float) -> bool:
        return bool(scaled(flattening)[held > 0].max() <= within.max_factor * (1 + 1e-9))

    low, high = 0.0, 1.0
    if fits(1.0):
        low = 1.0
    else:
        for _ in range(50):
            middle = (low + high) / 2
            low, high = (middle, high) if fits(middle) else (low, middle)
    factors = scaled(low)
    bucket = _buckets(within, values, tokens)
    known = ~np.isnan(values)
    rates = factors[bucket[known]]
    steps = np.flatnonzero(np.diff(rates)) + 1
    edges, first = values[known][steps], rates[np.concatenate([[0], steps])] if len(rates) else np.array([0.0])
    return Curve(edges, first, float(factors[0]))
