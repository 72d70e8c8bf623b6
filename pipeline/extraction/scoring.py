"""How much an extracted text is like the known main text of its page, and what of it stands where it should."""

from collections.abc import Sequence
from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from textmill.pipeline.arrow import text_buffers
from textmill.pipeline.kernels import kernel
from textmill.pipeline.kernels.hashing import fmix64
from textmill.pipeline.kernels.words import split_words

Keys: TypeAlias = npt.NDArray[np.uint64]
Bools: TypeAlias = npt.NDArray[np.bool_]
Floats: TypeAlias = npt.NDArray[np.float64]

METRICS: Final = ("f1", "precision", "recall", "order", "paragraphs", "kept", "leaked")
"""Columns of `Scores`; see `score_texts` and `score_snippets`."""
TEXT_METRICS: Final = METRICS[:5]

_LINE_FEED: Final = 10
_MULTIPLIER: Final = np.uint64(0x9E3779B97F4A7C15)


class Scores(NamedTuple):
    """What was measured on n pages; both float64, shape (n, len(METRICS)).

    The score of a group of pages is the sum of `value` over the sum of `weight`. A text has weight 1, or 0 where
    nothing can be said; snippets count one by one.
    """

    value: Floats
    weight: Floats


class Keywords(NamedTuple):
    """The words of n texts; those of text i stand at ``first[i]:first[i + 1]``.

    first: int64, length n + 1. keys: uint64, one for each word in lower case. begins: bool, whether a line break
    stands between the word and the one before it.
    """

    first: npt.NDArray[np.int64]
    keys: Keys
    begins: Bools


def score_pages(
    texts: pa.Array, known: pa.Array, wanted: Sequence[Sequence[str]], unwanted: Sequence[Sequence[str]]
) -> Scores:
    """Score extracted `texts` (strings; null is empty) against known ones (null or blank where none is known)."""
    counts = score_snippets(texts.to_pylist(), wanted, unwanted)
    scores = score_texts(keywords(texts), keywords(known))
    return Scores(np.hstack([scores.value, counts.value]), np.hstack([scores.weight, counts.weight]))


def score_texts(found: Keywords, known: Keywords) -> Scores:
    """The first five metrics, shape (n, 5); all have weight 0 where nothing is known of a page.

    precision, recall, f1: of the multiset of words; a page of which nothing was extracted has 0. order: of the
    pairs of neighbouring words that stand once in both texts, the largest share that comes in the same order.
    paragraphs: F1 of the line breaks within these pairs. The last two say nothing about missing or surplus text.
    """
    value = _score_texts(*found, *known)
    weight = np.isfinite(value).astype(np.float64)
    return Scores(np.nan_to_num(value), weight)


def score_snippets(
    texts: Sequence[str | None], wanted: Sequence[Sequence[str]], unwanted: Sequence[Sequence[str]]
) -> Scores:
    """The last two metrics, shape (n, 2): snippets that the text has of those it should have, and should not have.

    Runs of white space are equal to each other.
    """
    value, weight = np.zeros((len(texts), 2)), np.zeros((len(texts), 2))
    for page, text in enumerate(texts):
        plain = _with_single_spaces(text or "")
        for column, snippets in enumerate((wanted[page], unwanted[page])):
            value[page, column] = sum(_with_single_spaces(snippet) in plain for snippet in snippets)
            weight[page, column] = len(snippets)
    return Scores(value, weight)


def _with_single_spaces(text: str) -> str:
    return " ".join(text.split())


def keywords(texts: pa.Array) -> Keywords:
    """The words of a string column, as `kernels.words` defines them."""
    data, offsets, _ = text_buffers(texts)
    breaks = np.flatnonzero(data[offsets[0] : offsets[-1]] == _LINE_FEED) + offsets[0] + 1
    lines = np.unique(np.concatenate([offsets, breaks]))
    words = split_words(data, lines)
    begins = np.zeros(len(words.keys) + 1, np.bool_)
    begins[words.first] = True
    return Keywords(words.first[np.searchsorted(lines, offsets)], words.keys, begins[:-1])


@kernel
def _score_texts(
    found_first: npt.NDArray[np.int64],
    found_keys: Keys,
    found_begins: Bools,
    known_first: npt.NDArray[np.int64],
    known_keys: Keys,
    known_begins: Bools,
) -> Floats:
    pages = len(known_first) - 1
    scores = np.full((pages, 5), np.nan)
    for page in range(pages):
        known = slice(known_first[page], known_first[page + 1])
        found = slice(found_first[page], found_first[page + 1])
        words, surplus = known.stop - known.start, found.stop - found.start
        if words == 0:
            continue
        same = _common(np.sort(found_keys[found]), np.sort(known_keys[known]))
        scores[page, 0] = 2 * same / (words + surplus)
        scores[page, 1] = same / surplus if surplus else 0.0
        scores[page, 2] = same / words
        here, there = _shared_pairs(known_keys[known], found_keys[found])
        if len(here) > 0:
            scores[page, 3] = _longest_rise(there) / len(here)
            scores[page, 4] = _agreement(known_begins[known], here, found_begins[found], there)
    return scores


@kernel
def _common(left: Keys, right: Keys) -> int:
    """How many keys two sorted lists share, each as often as it stands in both."""
    i = j = same = 0
    while i < len(left) and j < len(right):
        if left[i] == right[j]:
            same += 1
            i += 1
            j += 1
        elif left[i] < right[j]:
            i += 1
        else:
            j += 1
    return same


@kernel
def _pair_keys(words: Keys) -> Keys:
    """A key for each word but the last, together with the next."""
    pairs = np.empty(max(len(words) - 1, 0), np.uint64)
    for at in range(len(pairs)):
        pairs[at] = fmix64(words[at] * _MULTIPLIER + words[at + 1])
    return pairs


@kernel
def _shared_pairs(known: Keys, found: Keys) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Where the pairs of words stand that stand once in both: in the known text, in order, and in the other."""
    left, right = _pair_keys(known), _pair_keys(found)
    by_left, by_right = np.argsort(left), np.argsort(right)
    place = np.full(len(left), -1)
    i = j = 0
    while i < len(left) and j < len(right):
        a, b = left[by_left[i]], right[by_right[j]]
        i_end, j_end = i, j
        while a <= b and i_end < len(left) and left[by_left[i_end]] == a:
            i_end += 1
        while b <= a and j_end < len(right) and right[by_right[j_end]] == b:
            j_end += 1
        if i_end == i + 1 and j_end == j + 1:
            place[by_left[i]] = by_right[j]
        i, j = i_end, j_end
    here = np.flatnonzero(place >= 0)
    return here, place[here]


@kernel
def _longest_rise(numbers: npt.NDArray[np.int64]) -> int:
    """The length of the longest subsequence that rises, of different numbers (patience sorting)."""
    tops = np.empty(len(numbers), np.int64)
    piles = 0
    for number in numbers:
        pile = np.searchsorted(tops[:piles], number)
        tops[pile] = number
        piles = max(piles, pile + 1)
    return piles


@kernel
def _agreement(known: Bools, here: npt.NDArray[np.int64], found: Bools, there: npt.NDArray[np.int64]) -> float:
    """F1 of the line breaks within pairs of words; NaN where neither text has one."""
    both = either = 0
    for at in range(len(here)):
        expected, given = known[here[at] + 1], found[there[at] + 1]
        both += expected and given
        either += int(expected) + int(given)
    return 2 * both / either if either else np.nan
