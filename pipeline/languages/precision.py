"""Finds the words that tell a language from its neighbours: frequent in it, and hardly used in the others.

Source: the high-affinity word lists of Penedo et al., FineWeb2 (arXiv 2506.20920), and its published code. It differs
in that the share of a word is one of frequencies, not of counts: samples of languages are seldom of one size.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from textmill.pipeline.corpus import open_corpus, read_corpus
from textmill.pipeline.errors import UsageError
from textmill.pipeline.io.files import join, write_whole
from textmill.pipeline.io.reader import Skipped
from textmill.pipeline.languages.samples import Measured, Sources, letter_words, measure


class PrecisionWords(NamedTuple):
    """The words of one language, the most frequent first.

    confirmed: the share of the sample in the language that has one of them. mistaken: likewise of each other language.
    """

    language: str
    words: list[str]
    confirmed: float
    mistaken: dict[str, float]


@dataclass(frozen=True)
class Wanted:
    """Which words: at or above a `percentile` of frequency, the share `affinity` of their use in the language.

    The files of FineWeb2 have 0.85 and 95; another list of theirs 0.95.
    """

    affinity: float = 0.85
    percentile: float = 95


def write_precision_words(
    languages: Sequence[str],
    among: Sequence[str],
    reference: Sequence[str],
    out: str,
    wanted: Wanted | None = None,
    sources: Sources | None = None,
) -> list[PrecisionWords]:
    """Write ``out/xx.txt``, a word a line, for each of `languages`, each against the others and `among`.

    Raises UsageError, InputError or ModelError, and UsageError for a language without text.
    """
    wanted, sources = wanted or Wanted(), sources or Sources()
    everyone = list(dict.fromkeys([*languages, *among]))
    skipped: Skipped = Counter()
    batches = read_corpus(open_corpus(reference, text_column=sources.text_column), skipped)
    measured = measure(
        batches,
        everyone,
        {},
        documents=sources.documents,
        model=sources.model,
        language_column=sources.language_column,
    )
    for language in everyone:
        if not measured[language].documents:
            raise UsageError(f"the reference has no document in {language}")
    found = []
    for language in languages:
        words = precision_words(language, measured, wanted)
        shares = {name: _share_with(measured[name].sample, frozenset(words)) for name in everyone}
        found.append(PrecisionWords(language, words, shares.pop(language), shares))
        with write_whole(join(out, f"{language}.txt")) as stream:
            stream.write("".join(f"{word}\n" for word in words).encode())
    return found


def precision_words(language: str, measured: Mapping[str, Measured], wanted: Wanted) -> list[str]:
    """The words of a language that are wanted, the most frequent first; one that occurs once is not."""
    own = measured[language].words
    totals = {name: max(part.words.total(), 1) for name, part in measured.items()}
    least = np.percentile(list(own.values()), wanted.percentile) if own else 0
    found = []
    for word, count in own.items():
        frequency = count / totals[language]
        everywhere = sum(part.words[word] / totals[name] for name, part in measured.items())
        if count >= least and count > 1 and frequency >= wanted.affinity * everywhere:
            found.append(word)
    return sorted(found, key=lambda word: (-own[word], word))


def _share_with(sample: list[str], words: frozenset[str]) -> float:
    return float(np.mean([not words.isdisjoint(letter_words(text)) for text in sample]))
