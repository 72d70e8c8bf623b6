"""What is to be known of a trained extractor: what it was trained on, under which licences, and how good it is."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final, TypeAlias

import numpy as np

from textmill.pipeline.extraction.training import Example, Trained

Json: TypeAlias = dict[str, Any]

OPEN_LICENCES: Final = ("mit", "apache-2.0", "bsd", "cc-by-4.0", "cc-by-3.0", "cc-by-sa", "cc0", "odc-by", "unlicense")
"""How the names of licences begin under which a model may be trained and given away."""


def is_open(licence: str | None) -> bool:
    """Whether a licence is one of `OPEN_LICENCES`; one that is not named is not."""
    return (licence or "").strip().lower().startswith(OPEN_LICENCES)


def model_card(examples: Sequence[Example], trained: Trained, settings: Json, licences: Json, left_out: Json) -> Json:
    """The card; scores are word-F1 by models that saw no page of the page's domain.

    licences: pages trained on, by collection and licence. left_out: pages that were not, by reason.
    """
    collections = _means(examples, trained, 0)
    large = [row["f1"] for row in collections.values() if row["pages"] >= 10]
    return {
        "what": "textmill's extractor of main content: two stages of boosted trees over blocks of a page",
        "pages": len(examples),
        "pages_trained_on": trained.usable,
        "training_sets": licences,
        "left_out": left_out,
        "settings": settings,
        "out_of_fold": {
            "mean_of_collections": round(float(np.mean(large)), 4) if large else None,
            "by_collection": collections,
            "by_page_type": _means(examples, trained, 1),
            "by_language": _means(examples, trained, 2),
            "confidence_correlation": _correlation(trained),
        },
        "contains": "thresholds, leaf values and weights of hashed class names; no text of any page",
    }


def _means(examples: Sequence[Example], trained: Trained, group: int) -> Json:
    scores = defaultdict(list)
    for example, score in zip(examples, trained.scores, strict=True):
        scores[example.groups[group] or "unknown"].append(score)
    return {name: {"pages": len(of), "f1": round(float(np.mean(of)), 4)} for name, of in sorted(scores.items())}


def _correlation(trained: Trained) -> float | None:
    if len(trained.scores) < 2 or not np.std(trained.scores) or not np.std(trained.expected):
        return None
    return round(float(np.corrcoef(trained.scores, trained.expected)[0, 1]), 3)
