"""Derives what a language's words and letters look like: its stop words, and which letters are neighbours."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from textmill.filters.letter_pairs import LetterPairs, keys_of_pairs, pair_of
from textmill.pipeline.kernels.unicode import unicode_tables
from textmill.pipeline.languages.samples import FEW, Measured, letter_words
from textmill.pipeline.testing import batch_of

FREQUENT: Final = (0.008, 0.003, 0.002)
"""Shares of all words from which on a word is a stop word: the first that gives enough of them (FineWeb2's code)."""
ENOUGH_STOP_WORDS: Final = 8
MIN_STOP_WORDS: Final = 2
MOST_PAIRS: Final = 600
COVERED: Final = 0.6
"""Share of a language's pairs of letters that the common ones make up, if that takes no more than `MOST_PAIRS`."""
MARGINS: Final = (0.8, 0.9)
"""What the minimum is of the least share of common pairs, with hardly a document and with `FEW` or more.

A small sample does not hold the good document with the fewest: a manual, say, with many names in another script.
"""


@dataclass(frozen=True)
class Words:
    """stop_words: the most frequent first; fewest: how many different ones a document needs, None for no such rule.

    pairs: common pairs of letters; min_ratio: the least share of them, None for no such rule.
    """

    stop_words: tuple[str, ...] = ()
    fewest: int | None = MIN_STOP_WORDS
    pairs: tuple[str, ...] = ()
    min_ratio: float | None = None


def derive_words(reference: Measured, removes: float, notes: Mapping[str, list[str]]) -> Words:
    """From the reference, so that each of the two rules removes at most a fifth of `removes` of it."""
    stop_words, fewest = _stop_words(reference, removes / 5, notes)
    pairs, ratio = _pairs(reference.sample, removes / 5)
    return Words(stop_words, fewest, pairs, ratio)


def _stop_words(
    reference: Measured, may_go: float, notes: Mapping[str, list[str]]
) -> tuple[tuple[str, ...], int | None]:
    spare = int(reference.documents < FEW)  # a small sample does not hold the document with the fewest
    said = [set(letter_words(text)) for text in reference.sample]
    found: list[str] = []
    for share in FREQUENT:
        found = reference.frequent_words(share)
        if len(found) >= ENOUGH_STOP_WORDS and _lacking(said, found, MIN_STOP_WORDS + spare) <= may_go:
            return tuple(found), MIN_STOP_WORDS
    if found and _lacking(said, found, 1 + spare) <= may_go:
        notes["good documents have fewer than two; one will do"].append("gopher_quality.min_stop_words")
        return tuple(found), 1
    notes["good documents have none of them, so the rule is off"].append("gopher_quality.min_stop_words")
    return tuple(found), None


def _lacking(documents: list[set[str]], stop_words: list[str], fewest: int) -> float:
    """The share of the documents that have fewer different stop words."""
    return float(np.mean([len(words.intersection(stop_words)) < fewest for words in documents]))


def _pairs(sample: list[str], may_go: float) -> tuple[tuple[str, ...], float | None]:
    """Pairs that most documents have, of every other one; how many of its pairs are such, of those between."""
    counted: Counter[int] = Counter()
    documents: Counter[int] = Counter()
    for text in sample[::2]:
        keys, counts = np.unique(keys_of_pairs(*_bytes_of(text), unicode_tables()), return_counts=True)
        documents.update(keys.tolist())
        counted.update(dict(zip(keys.tolist(), counts.tolist(), strict=True)))
    common = sorted(documents, key=lambda key: (-documents[key], -counted[key], key))[:MOST_PAIRS]
    if not common or len(sample) < 2:
        return (), None
    covered = np.cumsum([counted[key] for key in common])
    needed = int(np.searchsorted(covered, COVERED * counted.total())) + 1
    pairs = tuple(pair_of(key) for key in common[:needed])
    step = LetterPairs(per_language=False, pairs=pairs)
    shares = step.judge(batch_of(sample[1::2])).rules[0].values
    margin = np.interp(len(sample), (0, FEW), MARGINS)
    least = float(margin * np.quantile(shares, may_go, method="lower"))
    return pairs, float(np.floor(least * 1000) / 1000)


def _bytes_of(text: str) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    data = np.frombuffer(text.encode(), np.uint8)
    return data, np.array([0, len(data)])
