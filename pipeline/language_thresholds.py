"""Derives the thresholds of a language from text in it: what the filters themselves measure, and one rule.

Source: Penedo et al., FineWeb2: One Pipeline to Scale Them All (arXiv 2506.20920), and its published code.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import numpy as np

from textmill.filters.fineweb import FinewebQuality
from textmill.filters.gopher import GopherQuality
from textmill.filters.per_language import PerLanguage
from textmill.filters.repetition import GopherRepetition
from textmill.pipeline import threshold_rules
from textmill.pipeline.errors import UsageError
from textmill.pipeline.language_samples import Measured
from textmill.pipeline.threshold_rules import Derive, Direction, Values
from textmill.pipeline.word_lists import WITHOUT_BORDERS

FEW: Final = 1000
"""Reference documents below which a language keeps the published thresholds, unless told otherwise."""
SCORE_BOUNDS: Final = (0.3, 0.9)
"""What FineWeb2 clamps the minimum of the language score to."""
TAILS: Final = (0.1, 0.07, 0.05, 0.03, 0.02, 0.015, 0.01, 0.007, 0.005, 0.003, 0.002, 0.001, 0.0)
"""Shares of the reference that each rule alone may remove, tried from the first on."""
TOO_MUCH: Final = 0.6
"""A rule that removes more of a language is rather wrong than strict."""


class Threshold(NamedTuple):
    """A parameter that depends on the language.

    reason: the filter's rule that it sets. deviations, tail: what the rules MeanStd and Quantile take it to be; None
    where they leave the published value. share: it is a share, and so at most 1.
    """

    step: PerLanguage
    parameter: str
    reason: str
    direction: Direction
    deviations: float | None
    tail: float | None
    share: bool = True

    @property
    def home(self) -> tuple[str, str]:
        """Name of the filter and of its definition."""
        return self.step.section, str(getattr(self.step, "definition", ""))

    @property
    def name(self) -> str:
        """Its name in measures, notes and evidence."""
        return ".".join([*self.home, self.parameter])

    @property
    def english_value(self) -> float:
        """The published threshold."""
        return float(getattr(self.step, self.parameter))


def thresholds() -> list[Threshold]:
    """All parameters that depend on the language, of each definition of each filter."""
    found = []
    for definition in ("textmill", "dclm"):
        gopher = GopherQuality(definition=definition)  # type: ignore[arg-type]
        found += [
            Threshold(gopher, "min_mean_word_length", "mean_word_length_too_low", "min", 1, 0.0001, share=False),
            Threshold(gopher, "max_mean_word_length", "mean_word_length_too_high", "max", 1, 0.0001, share=False),
            Threshold(gopher, "min_alphabetic_word_ratio", "too_few_alphabetic_words", "min", 3, 0.25),
        ]
    for definition in ("gopher", "datatrove"):
        repetition = GopherRepetition(definition=definition)  # type: ignore[arg-type]
        ngrams = [f"top_{n}gram_char" for n in (2, 3, 4)] + [f"duplicate_{n}gram_char" for n in range(5, 11)]
        found += [
            Threshold(repetition, f"max_{what}_ratio", f"too_many_{what}s", "max", 2, 0.05)
            for what in ("duplicate_line", *ngrams)
        ]
    for definition in ("textmill", "datatrove"):
        fineweb = FinewebQuality(definition=definition)  # type: ignore[arg-type]
        found += [
            Threshold(fineweb, "min_punctuated_line_ratio", "too_few_punctuated_lines", "min", 1, 0.2),
            Threshold(fineweb, "max_short_line_ratio", "too_many_short_lines", "max", 1, 0.2),
            Threshold(
                fineweb, "max_duplicate_line_char_ratio", "too_many_duplicate_line_chars", "max", None, None
            ),
            Threshold(fineweb, "max_newline_ratio", "too_many_newlines", "max", 2, 0.03, share=False),
        ]
    return found


@dataclass
class Derived:
    """The thresholds of a language, and how they came about.

    limits: the threshold of each `Threshold`, by name, None where the rule is not applied. kept: the share of the
    reference that all of them together keep. removed: the share of the crawl that each removes, and of the reference.
    """

    language: str
    limits: dict[str, float | None]
    min_score: float
    stop_words: list[str]
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


def derive_language(
    language: str,
    reference: Measured,
    others: Mapping[str, Measured],
    rule: str,
    *,
    removes: float = 0.05,
    min_documents: int = FEW,
) -> Derived:
    """Thresholds for one language.

    others: what was measured of ``crawl`` text in the language and of ``english`` text; either may be missing. With
    rule `tail`, all rules together remove at most the share `removes` of the reference. Below `min_documents`
    reference documents the published thresholds stay, and a note says so. Raises UsageError for an unknown rule, or
    one that lacks what it compares with.
    """
    if rule not in threshold_rules.RULES:
        raise UsageError(f"unknown rule {rule!r}: there are {', '.join(threshold_rules.RULES)}")
    notes = []
    if reference.documents < FEW:
        notes.append(f"few reference documents: {reference.documents}")
    if reference.documents < min_documents:
        notes.append(f"fewer than {min_documents} reference documents: the published thresholds stay")
        rule = "english"
    tail, limits = _limits(reference, others.get("english"), rule, removes, notes)
    crawl = others.get("crawl")
    derived = Derived(language, limits, 0.0, [], tail, 1 - float(_removed(reference, limits).mean()), notes)
    derived.min_score = _min_score(reference, crawl, rule, tail, notes)
    if reference.documents >= min_documents:
        derived.stop_words = reference.stop_words()
        if len(derived.stop_words) < 2:
            notes.append("gopher_quality.stop_words: none is frequent enough; the rule is off")
    for threshold in thresholds():
        alone = {threshold.name: limits[threshold.name]}
        shares = [None if part is None else float(_removed(part, alone).mean()) for part in (reference, crawl)]
        derived.removed[threshold.name] = (shares[0] or 0.0, shares[1])
    return derived


def _limits(
    reference: Measured, english: Measured | None, rule: str, removes: float, notes: list[str]
) -> tuple[float | None, dict[str, float | None]]:
    """The thresholds, and the tail that each has if the rule is `tail`: the largest with which not too much goes."""
    if rule != "tail":
        return None, _derive_all(reference, english, lambda threshold: _rule_of(threshold, rule), notes)
    for tail in TAILS:
        said: list[str] = []
        derive = threshold_rules.quantile(tail)
        limits = _derive_all(reference, english, lambda _: derive, said)  # noqa: B023
        if _removed(reference, limits).mean() <= removes:
            break
    notes += said
    return tail, limits


def _rule_of(threshold: Threshold, rule: str) -> Derive:
    if rule == "quantile" and threshold.tail is not None:
        return threshold_rules.quantile(threshold.tail)
    if rule == "mean_std" and threshold.deviations is not None:
        return threshold_rules.mean_std(threshold.deviations)
    if rule in ("ten_tail", "median_ratio"):
        found: Derive = getattr(threshold_rules, rule)()
        return found
    return threshold_rules.english()


def _derive_all(reference: Measured, english: Measured | None, choose: Any, notes: list[str]) -> dict[str, float | None]:
    limits: dict[str, float | None] = {}
    nothing = np.empty(0)
    for threshold in thresholds():
        values = reference.values[threshold.name]
        compared = english.values[threshold.name] if english is not None else nothing
        found = threshold.english_value
        if len(values):
            try:
                found = choose(threshold)(values, compared, threshold.english_value, threshold.direction)
            except UsageError as error:
                if not len(compared):
                    raise
                notes.append(f"{threshold.name}: {error}; the published value stays")
        limits[threshold.name] = guarded(threshold, found, notes)
    for low, high in (("min_mean_word_length", "max_mean_word_length"),):
        for definition in ("textmill", "dclm"):
            names = [f"gopher_quality.{definition}.{name}" for name in (low, high)]
            least, most = (limits[name] for name in names)
            if least is not None and most is not None and least > most:
                notes.append(f"{names[0]}: {least:g} is above the maximum of {most:g}; both rules are off")
                limits |= dict.fromkeys(names)
    return limits


def guarded(threshold: Threshold, value: float, notes: list[str]) -> float | None:
    """A derived value made fit for use, or None for no rule; `notes` says what was done to it.

    No share is above 1 or below 0, none is more than twice as strict as the published one (text that repeats nothing
    would else forbid all repetition), and a rule that nothing can break is off. Rounded to the lenient side.
    """
    published = threshold.english_value
    if threshold.direction == "max":
        if threshold.share and value >= 1:
            notes.append(f"{threshold.name}: no share exceeds {min(value, 1):g}, so the rule is off")
            return None
        if threshold.parameter != "max_mean_word_length" and value < published / 2:
            notes.append(f"{threshold.name}: {max(value, 0):.3g} would do for the reference; held at half the default")
            value = published / 2
        return float(np.ceil(round(value * 1000, 6)) / 1000)
    if value <= 0:
        notes.append(f"{threshold.name}: no document falls below {max(value, 0):g}, so the rule is off")
        return None
    strictest = (1 + published) / 2
    if threshold.share and value > strictest:
        notes.append(f"{threshold.name}: {value:.3g} would do for the reference; held half-way from the default to 1")
        value = strictest
    return float(np.floor(round(value * 1000, 6)) / 1000)


def _removed(measured: Measured, limits: Mapping[str, float | None]) -> Values:
    """For each document whether any of the thresholds would remove it."""
    gone = np.zeros(measured.documents, np.bool_)
    for threshold in thresholds():
        limit = limits.get(threshold.name)
        if limit is not None:
            values = measured.values[threshold.name]
            gone |= values < limit if threshold.direction == "min" else values > limit
    return gone if len(gone) else np.zeros(1)


def _min_score(
    reference: Measured, crawl: Measured | None, rule: str, tail: float | None, notes: list[str]
) -> float:
    """The minimum of the language score: median less one standard deviation of the crawl's, within bounds."""
    low, high = SCORE_BOUNDS
    if crawl is not None and len(crawl.scores) >= 100:
        wanted = float(np.median(crawl.scores) - np.std(crawl.scores))
    elif len(reference.scores) and rule != "english":
        notes.append("language_threshold.min_score: from the reference, for want of a crawl")
        wanted = float(np.quantile(reference.scores, 0.02 if tail is None else min(tail, 0.02), method="lower"))
    else:
        notes.append("language_threshold.min_score: no scores to derive it from")
        wanted = 0.5
    return float(np.floor(round(min(max(wanted, low), high) * 1000, 6)) / 1000)


def to_file(derived: Derived, reference: Measured, *, also: Sequence[str], evidence: Mapping[str, Any]) -> dict[str, Any]:
    """What stands in the language's file, as plain data."""
    sections: dict[str, dict[str, Any]] = {}
    for threshold in thresholds():
        section, definition = threshold.home
        stated = sections.setdefault(section, {}).setdefault(definition, {})
        stated[threshold.parameter] = derived.limits[threshold.name]
    if derived.stop_words:
        for stated in sections["gopher_quality"].values():
            stated["stop_words"] = derived.stop_words
            if len(derived.stop_words) < 2:
                stated["min_stop_words"] = None
    sections["language_threshold"] = {"min_score": derived.min_score}
    if derived.language in WITHOUT_BORDERS:
        sections["c4_bad_words"] = {"borders": False}
    quantiles = {
        threshold.name: [float(f"{q:.3g}") for q in np.quantile(values, (0.01, 0.05, 0.5, 0.95, 0.99))]
        for threshold in thresholds()
        if len(values := reference.values[threshold.name])
    }
    return {
        "language": derived.language,
        "also": list(also),
        "thresholds": sections,
        "notes": derived.notes,
        "evidence": {
            **evidence,
            "documents": reference.documents,
            "characters": reference.characters,
            "tail": derived.tail,
            "kept": round(derived.kept, 4),
            "quantiles_1_5_50_95_99": quantiles,
        },
    }
