"""Derives the thresholds of a language from text in it: what the filters themselves measure, and one rule.

Source: Penedo et al., FineWeb2: One Pipeline to Scale Them All (arXiv 2506.20920), and its published code.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

import numpy as np

from textmill.filters.language_threshold import LanguageThreshold
from textmill.pipeline.arrow import Bools
from textmill.pipeline.errors import UsageError, did_you_mean
from textmill.pipeline.languages import rules as threshold_rules
from textmill.pipeline.languages.parameters import Threshold, thresholds
from textmill.pipeline.languages.rules import Derive, Values
from textmill.pipeline.languages.samples import FEW, Measured
from textmill.pipeline.languages.words import Words, derive_words

SCORE_BOUNDS: Final = (0.3, 0.9)
"""What FineWeb2 clamps the minimum of the language score to."""
PUBLISHED_SCORES: Final = {"en": 0.65}
"""Minima by lid.176 that are in use: FineWeb's and DCLM's for English; else cc_net's for all."""
TAILS: Final = (0.1, 0.07, 0.05, 0.03, 0.02, 0.015, 0.01, 0.007, 0.005, 0.003, 0.002, 0.001, 0.0)
"""Shares of the reference that each rule alone may remove, tried from the first on."""
TOO_MUCH: Final = 0.6
"""A rule that removes more of a language is rather wrong than strict."""

Limits: TypeAlias = dict[str, float | None]
Notes: TypeAlias = dict[str, list[str]]
"""What a reader should know, and of which parameters."""


@dataclass
class Derived:
    """The thresholds of a language, and how they came about.

    limits: the threshold of each `Threshold`, by name, None where the rule is not applied. words: stop words and pairs
    of letters. kept: the share of the reference that all limits together keep. removed: the share that each removes of
    the reference, and of the crawl if there is one.
    """

    language: str
    limits: Limits
    min_score: float
    words: Words
    tail: float | None
    kept: float
    notes: list[str] = field(default_factory=list)
    removed: dict[str, tuple[float, float | None]] = field(default_factory=dict)

    @property
    def warnings(self) -> list[str]:
        """Rules that remove more of the language than can be right."""
        return [
            f"{name} removes {max(share for share in shares if share is not None):.0%} of {self.language}"
            for name, shares in self.removed.items()
            if any(share is not None and share > TOO_MUCH for share in shares)
        ]


@dataclass(frozen=True)
class Asked:
    """How thresholds are to be derived.

    With rule `tail`, all rules together remove at most the share `removes` of the reference. Below `min_documents`
    reference documents the published thresholds stay, and a note says so. off: rules that the reference can say nothing
    of, as ``fineweb_quality.min_punctuated_line_ratio``.
    """

    rule: str = "tail"
    removes: float = 0.05
    min_documents: int = FEW
    off: tuple[str, ...] = ()

    def check(self) -> None:
        """Raises UsageError for an unknown rule or parameter."""
        if self.rule not in threshold_rules.RULES:
            raise UsageError(f"unknown rule {self.rule!r}: there are {', '.join(threshold_rules.RULES)}")
        known = {threshold.plain_name for threshold in thresholds()}
        for name in self.off:
            if name not in known:
                raise UsageError(f"{name}: no such parameter{did_you_mean(name, known)}")


def derive_language(language: str, reference: Measured, others: Mapping[str, Measured], asked: Asked) -> Derived:
    """Thresholds for one language.

    others: what was measured of ``crawl`` text in the language and of ``english`` text; either may be missing. Raises
    UsageError for a rule that lacks what it compares with.
    """
    notes: Notes = defaultdict(list)
    rule, least = asked.rule, asked.min_documents
    enough = reference.documents >= least
    if not enough:
        rule = "english"
        notes[f"{reference.documents} reference documents, fewer than {least}: the published values stay"] = []
    tail, limits = _limits(reference, others.get("english"), rule, asked.removes, notes)
    switched = [threshold.name for threshold in thresholds() if threshold.plain_name in asked.off]
    if switched:
        limits |= dict.fromkeys(switched)
        notes["switched off by hand"] += switched
    crawl = others.get("crawl")
    words = derive_words(reference, asked.removes, notes) if enough else Words()
    if rule == "english":
        words = replace(words, stop_words=())
    derived = Derived(language, limits, 0.0, words, tail, 1 - _share(_removed(reference, limits)))
    derived.min_score = _min_score(reference, crawl, derived, rule, notes)
    derived.notes = [f"{why}: {', '.join(names)}" if names else why for why, names in notes.items()]
    for threshold in thresholds():
        alone = {threshold.name: limits[threshold.name]}
        of_crawl = None if crawl is None else _share(_removed(crawl, alone))
        derived.removed[threshold.name] = (_share(_removed(reference, alone)), of_crawl)
    return derived


def _limits(
    reference: Measured, english: Measured | None, rule: str, removes: float, notes: Notes
) -> tuple[float | None, Limits]:
    """The thresholds, and the tail that each has if the rule is `tail`: the largest with which not too much goes."""
    if rule != "tail":
        return None, _derive_all(reference, english, lambda threshold: _rule_of(threshold, rule), notes)
    tail, said = TAILS[-1], notes
    limits: Limits = {}
    for tail in TAILS:
        derive, said = threshold_rules.quantile(tail), defaultdict(list)
        limits = _derive_all(reference, english, lambda _, derive=derive: derive, said)  # type: ignore[misc]
        if _share(_removed(reference, limits)) <= removes * min(reference.documents / FEW, 1):
            break
    notes |= said
    return tail, limits


def _rule_of(threshold: Threshold, rule: str) -> Derive:
    if rule == "quantile" and threshold.tail is not None:
        return threshold_rules.quantile(threshold.tail)
    if rule == "mean_std" and threshold.deviations is not None:
        return threshold_rules.mean_std(threshold.deviations)
    if rule == "ten_tail":
        return threshold_rules.ten_tail()
    return threshold_rules.median_ratio() if rule == "median_ratio" else threshold_rules.english()


def _derive_all(
    reference: Measured, english: Measured | None, choose: Callable[[Threshold], Derive], notes: Notes
) -> Limits:
    limits: Limits = {}
    nothing = np.empty(0)
    for threshold in thresholds():
        values = reference.values[threshold.name]
        compared = english.values[threshold.name] if english is not None else nothing
        found = threshold.english_value
        if len(values):
            try:
                found = choose(threshold)(values, compared, threshold.english_value, threshold.direction)
            except ZeroDivisionError as error:
                notes[f"{error}; the published value stays"].append(threshold.name)
        if 0 < len(values) < FEW and found != threshold.english_value:
            found = _cautious(threshold, values, found, notes)
        limits[threshold.name] = guarded(threshold, found, notes)
    for least in [name for name in limits if name.endswith("min_mean_word_length")]:
        most = least.replace("min_", "max_")
        low, high = limits[least], limits[most]
        if low is not None and high is not None and low > high:
            notes["a minimum above the maximum; both rules are off"] += [least, most]
            limits |= {least: None, most: None}
    return limits


def _cautious(threshold: Threshold, values: Values, value: float, notes: Notes) -> float:
    """A value from few documents made milder: their extremes are not those of the language."""
    outward = 1 if threshold.direction == "max" else -1
    milder = value + outward * (1 - len(values) / FEW) * float(np.std(values))
    if outward * milder < outward * threshold.english_value:
        notes[f"fewer than {FEW} reference documents, so not stricter than published"].append(threshold.name)
        return threshold.english_value
    return milder


def guarded(threshold: Threshold, value: float, notes: Notes) -> float | None:
    """A derived value made fit for use, or None for no rule; `notes` says what was done to it.

    No share is above 1 or below 0, none is more than twice as strict as the published one (text that repeats nothing
    would else forbid all repetition), and a rule that nothing can break is off. Rounded to the lenient side.
    """
    published, length = threshold.english_value, threshold.parameter.endswith("mean_word_length")
    if threshold.direction == "max":
        if threshold.share and value >= 1:
            notes["no share exceeds 1, so the rule is off"].append(threshold.name)
            return None
        least = 1.0 if length else published / 2  # no word is shorter than a letter
        if value < least:
            notes["held at half the published value, or one letter; the reference has less"].append(threshold.name)
            value = least
        return float(np.ceil(round(value * 1000, 6)) / 1000)
    strictest = (1 + published) / 2
    if threshold.share and value > strictest:
        notes["held half-way from the published value to 1, the reference has more"].append(threshold.name)
        value = strictest
    lenient = float(np.floor(round(value * 1000, 6)) / 1000)
    if lenient <= 0:
        notes["nothing falls below 0, so the rule is off"].append(threshold.name)
        return None
    return lenient


def _removed(measured: Measured, limits: Mapping[str, float | None]) -> Bools:
    """For each document whether any of the thresholds would remove it."""
    gone = np.zeros(measured.documents, np.bool_)
    for threshold in thresholds():
        limit = limits.get(threshold.name)
        if limit is not None:
            values = measured.values[threshold.name]
            gone |= values < limit if threshold.direction == "min" else values > limit
    return gone


def _share(rows: Bools) -> float:
    return float(rows.mean()) if len(rows) else 0.0


def _min_score(reference: Measured, crawl: Measured | None, derived: Derived, rule: str, notes: Notes) -> float:
    """The minimum of the language score: median less one standard deviation of the crawl's, within bounds."""
    low, high = SCORE_BOUNDS
    home = "language_threshold.min_score"
    if rule == "english":
        return PUBLISHED_SCORES.get(derived.language, LanguageThreshold().min_score or 0.0)
    if crawl is not None and len(crawl.scores) >= 100:
        wanted = float(np.median(crawl.scores) - np.std(crawl.scores))
    elif len(reference.scores):
        notes["from the reference, for want of 100 crawled documents"].append(home)
        tail = 0.02 if derived.tail is None else min(derived.tail, 0.02)
        wanted = float(np.quantile(reference.scores, tail, method="lower"))
    else:
        notes["the model takes no document for this language, so any score will do"].append(home)
        wanted = low
    return float(np.floor(round(min(max(wanted, low), high) * 1000, 6)) / 1000)
