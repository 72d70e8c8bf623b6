"""The parameters of filters that depend on the language, and what published rules take them to be."""

from typing import NamedTuple

from textmill.filters.fineweb import FinewebQuality
from textmill.filters.gopher import GopherQuality
from textmill.filters.per_language import PerLanguage
from textmill.filters.repetition import GopherRepetition
from textmill.pipeline.languages.rules import Direction


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
    def plain_name(self) -> str:
        """The same without definition, as options name it."""
        return f"{self.step.section}.{self.parameter}"

    @property
    def english_value(self) -> float:
        """The published threshold."""
        return float(getattr(self.step, self.parameter))


def thresholds() -> list[Threshold]:
    """All parameters that depend on the language, of each definition of each filter that can tell words apart."""
    gopher = GopherQuality()
    found = [
        Threshold(gopher, "min_mean_word_length", "mean_word_length_too_low", "min", 1, 0.0001, share=False),
        Threshold(gopher, "max_mean_word_length", "mean_word_length_too_high", "max", 1, 0.0001, share=False),
        Threshold(gopher, "min_alphabetic_word_ratio", "too_few_alphabetic_words", "min", 3, 0.25),
    ]
    ngrams = [f"top_{n}gram_char" for n in (2, 3, 4)] + [f"duplicate_{n}gram_char" for n in range(5, 11)]
    for repetition in (GopherRepetition(), GopherRepetition(definition="datatrove")):
        found += [
            Threshold(repetition, f"max_{what}_ratio", f"too_many_{what}s", "max", 2, 0.05)
            for what in ("duplicate_line", *ngrams)
        ]
    for fineweb in (FinewebQuality(), FinewebQuality(definition="datatrove")):
        found += [
            Threshold(fineweb, "min_punctuated_line_ratio", "too_few_punctuated_lines", "min", 1, 0.2),
            Threshold(fineweb, "max_short_line_ratio", "too_many_short_lines", "max", 1, 0.2),
            Threshold(fineweb, "max_duplicate_line_char_ratio", "too_many_duplicate_line_chars", "max", None, None),
            Threshold(fineweb, "max_newline_ratio", "too_many_newlines", "max", 2, 0.03, share=False),
        ]
    return found
