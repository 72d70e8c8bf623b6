"""The card of a quality classifier: how well it tells its classes apart, whom it favours, how steady it is."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

Json: TypeAlias = dict[str, Any]
Scores: TypeAlias = npt.NDArray[np.float64]

KEEP: Final = (0.5, 0.3, 0.2, 0.1, 0.05, 0.01)
"""Shares of the negatives for which the card gives the threshold."""
FAVOURED: Final = 0.1
"""The share at whose threshold the card shows who is kept: the tenth that DCLM and PreSelect keep."""
MOVED: Final = 2
"""A score has moved across many deciles when it has moved across so many."""


class Scored(NamedTuple):
    """Held-out documents of one class; all of one length. scores: float64 in [0, 1]. chars: int64."""

    scores: Scores
    chars: npt.NDArray[np.int64]
    source: Sequence[str | None]
    language: Sequence[str | None]


@dataclass(frozen=True)
class HeldOut:
    """Held-out documents of both classes."""

    positive: Scored
    negative: Scored


def judge_scores(tested: HeldOut) -> Json:
    """AUC and F1, a threshold for each share of negatives to keep, and who is kept at `FAVOURED` of them.

    The held-out negatives stand for the corpus to select from.
    """
    positive, negative = tested.positive.scores, tested.negative.scores
    thresholds = [_cut(tested, share) for share in KEEP]
    chosen = thresholds[KEEP.index(FAVOURED)]["threshold"]
    return {
        "held_out": {"auc": round(auc(positive, negative), 6), **at_half(positive, negative)},
        "thresholds": thresholds,
        "kept": {
            "threshold": chosen,
            "positives": _kept_by_group(tested.positive, tested, chosen),
            "negatives": _kept_by_group(tested.negative, tested, chosen),
        },
    }


def auc(positive: Scores, negative: Scores) -> float:
    """The probability that a positive scores above a negative; a tie counts half (Mann and Whitney)."""
    ordered = np.sort(negative)
    below = np.searchsorted(ordered, positive, "left") + np.searchsorted(ordered, positive, "right")
    return float(below.sum() / 2 / len(positive) / len(negative))


def at_half(positive: Scores, negative: Scores) -> Json:
    """F1, precision and recall of the positives, and accuracy, where 0.5 and above counts as positive."""
    hits, false = int(np.sum(positive >= 0.5)), int(np.sum(negative >= 0.5))
    right = hits + len(negative) - false
    return {
        "f1": round(2 * hits / (hits + false + len(positive)), 6),
        "precision": round(hits / (hits + false), 6) if hits + false else 0.0,
        "recall": round(hits / len(positive), 6),
        "accuracy": round(right / (len(positive) + len(negative)), 6),
        "positives": len(positive),
        "negatives": len(negative),
    }


def _cut(tested: HeldOut, share: float) -> Json:
    """The threshold that keeps at most that share of the negatives, and what it keeps of each class."""
    negative = np.sort(tested.negative.scores)[::-1]
    threshold = float(negative[max(0, int(share * len(negative)) - 1)])
    return {
        "share": share,
        "threshold": threshold,
        "negatives_kept": _kept(tested.negative.scores, threshold),
        "positives_kept": _kept(tested.positive.scores, threshold),
    }


def _kept_by_group(scored: Scored, tested: HeldOut, threshold: float) -> Json:
    chars = np.concatenate([tested.positive.chars, tested.negative.chars])
    edges = np.quantile(chars, np.linspace(0, 1, 11)[1:-1])
    decile = np.searchsorted(edges, scored.chars, "left")
    lengths = {f"to {int(edge):,}": decile == i for i, edge in enumerate(edges)}
    lengths[f"over {int(edges[-1]):,}"] = decile == len(edges)
    return {
        "language": _groups(_masks(scored.language), scored.scores, threshold),
        "source": _groups(_masks(scored.source), scored.scores, threshold),
        "characters": _groups(lengths, scored.scores, threshold),
    }


def _masks(names: Sequence[str | None]) -> dict[str, npt.NDArray[np.bool_]]:
    column = np.array(["" if name is None else name for name in names], np.str_)
    return {name or "unknown": column == name for name in np.unique(column).tolist()}


def _groups(masks: Mapping[str, npt.NDArray[np.bool_]], scores: Scores, threshold: float) -> Json:
    return {
        name: {"documents": int(mask.sum()), "kept": _kept(scores[mask], threshold)} for name, mask in masks.items()
    }


def _kept(scores: Scores, threshold: float) -> float | None:
    return round(float(np.mean(scores >= threshold)), 6) if len(scores) else None


PERTURBATIONS: Final[Mapping[str, Callable[[str], str]]] = {
    "citation added": lambda text: text + "\n\n[1] Smith, J. (2019). On the matter. Journal of Examples, 12(3), 45-67.",
    "lower case": str.lower,
    "newlines removed": lambda text: " ".join(text.split()),
}
"""Changes that leave a document as good as it was (METHODS 6.2 names these)."""


def stability(scores: Scores, perturbed: Mapping[str, Scores], all_scores: Scores) -> Json:
    """How far each change moves scores, in deciles of `all_scores`: mean, and the share that moves by `MOVED` or more.

    scores and each of `perturbed`: those of the same documents, before and after the change.
    """
    edges = np.quantile(all_scores, np.linspace(0, 1, 11)[1:-1])
    before = np.searchsorted(edges, scores, "left")
    moved = {name: np.abs(np.searchsorted(edges, after, "left") - before) for name, after in perturbed.items()}
    return {
        name: {
            "mean_deciles": round(float(by.mean()), 4),
            "share_moved": round(float(np.mean(by >= MOVED)), 4),
            "mean_change": round(float(np.mean(perturbed[name] - scores)), 6),
        }
        for name, by in moved.items()
    }
