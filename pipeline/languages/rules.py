"""How a threshold of a language follows from what was measured in that language: five published rules, one interface.

Source: the rules that Penedo et al. compare in FineWeb2 (arXiv 2506.20920), with the numbers of their published code.
"""

from collections.abc import Callable
from typing import Final, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from textmill.pipeline.errors import UsageError

Values: TypeAlias = npt.NDArray[np.float64]
Direction: TypeAlias = Literal["min", "max"]
Derive: TypeAlias = Callable[[Values, Values, float, Direction], float]
"""``derive(stats_ref, stats_en, english_value, direction) -> threshold``.

stats_ref: what was measured, a number a document of reference text in the language. stats_en: likewise in English;
may be empty where a rule does not look at it. english_value: the published threshold. direction: whether the
threshold is the least or the most that a document may have.
"""


def english() -> Derive:
    """The published threshold, in every language."""
    return lambda stats_ref, stats_en, english_value, direction: english_value  # noqa: ARG005


def mean_std(deviations: float) -> Derive:
    """So many standard deviations from the mean: below it for a minimum, above it for a maximum."""

    def derive(stats_ref: Values, stats_en: Values, english_value: float, direction: Direction) -> float:  # noqa: ARG001
        sign = -1 if direction == "min" else 1
        return float(np.mean(stats_ref) + sign * deviations * np.std(stats_ref))

    return derive


def quantile(tail: float) -> Derive:
    """The value beyond which at most the share `tail` of the reference documents lies."""

    def derive(stats_ref: Values, stats_en: Values, english_value: float, direction: Direction) -> float:  # noqa: ARG001
        # The measured value itself, not one between two: `tail` is then kept to the document.
        if direction == "min":
            return float(np.quantile(stats_ref, tail, method="lower"))
        return float(np.quantile(stats_ref, 1 - tail, method="higher"))

    return derive


def ten_tail() -> Derive:
    """The value at which the rule would remove a tenth of the reference documents."""
    return quantile(0.1)


def median_ratio() -> Derive:
    """The published threshold, scaled as the median of the language is to the median of English.

    Raises UsageError without statistics of English, ZeroDivisionError where their median is 0.
    """

    def derive(stats_ref: Values, stats_en: Values, english_value: float, direction: Direction) -> float:  # noqa: ARG001
        if not len(stats_en):
            raise UsageError("MedianRatio compares with English: give --english INPUT")
        ours, theirs = float(np.median(stats_ref)), float(np.median(stats_en))
        if ours == theirs:
            return english_value
        if not theirs:
            raise ZeroDivisionError("the median of English is 0")
        return english_value * ours / theirs

    return derive


RULES: Final = ("tail", "quantile", "ten_tail", "mean_std", "median_ratio", "english")
"""Names of the rules; `tail` is `quantile` with one tail for all thresholds of a language, chosen together."""
