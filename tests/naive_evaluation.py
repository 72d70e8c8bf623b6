"""Slow and obvious twins of the kernels that score extracted texts."""

from collections import Counter
from itertools import combinations
from math import isfinite, nan

from naive import simple_lower
from naive import words as split_words


def _words(text: str) -> list[tuple[str, bool]]:
    """Words in lower case, and whether each is the first of a line."""
    lines = [split_words(line) for line in text.split("\n")]
    return [(simple_lower(word), place == 0) for line in lines for place, word in enumerate(line)]


def score_text(found: str, known: str) -> list[float]:
    """F1, precision, recall, order and paragraphs."""
    left, right = _words(known), _words(found)
    if not left:
        return [nan] * 5
    same = (Counter(w for w, _ in left) & Counter(w for w, _ in right)).total()
    scores = [2 * same / (len(left) + len(right)), same / len(right) if right else 0.0, same / len(left)]
    return scores + _pairs(left, right)


def _pairs(left: list[tuple[str, bool]], right: list[tuple[str, bool]]) -> list[float]:
    known, found = _once(left), _once(right)
    shared = sorted(known.keys() & found.keys(), key=lambda pair: known[pair][0])
    if not shared:
        return [nan, nan]
    order = longest_rise([found[pair][0] for pair in shared]) / len(shared)
    expected = [known[pair][1] for pair in shared]
    given = [found[pair][1] for pair in shared]
    breaks = sum(expected) + sum(given)
    agreed = sum(a and b for a, b in zip(expected, given, strict=True))
    return [order, 2 * agreed / breaks if breaks else nan]


def _once(words: list[tuple[str, bool]]) -> dict[tuple[str, str], tuple[int, bool]]:
    """Neighbours that stand once, with their place and whether a line break parts them."""
    pairs = [((words[i][0], words[i + 1][0]), (i, words[i + 1][1])) for i in range(len(words) - 1)]
    often = Counter(pair for pair, _ in pairs)
    return {pair: place for pair, place in pairs if often[pair] == 1}


def longest_rise(numbers: list[int]) -> int:
    """By trying every subsequence from the longest down; for short lists."""
    for length in range(len(numbers), 0, -1):
        if any(list(part) == sorted(part) for part in combinations(numbers, length)):
            return length
    return 0


def alike(one: list[float], other: list[float]) -> bool:
    """Equal but for rounding, and without a value in the same places."""
    pairs = list(zip(one, other, strict=True))
    return all(isfinite(a) == isfinite(b) and (not isfinite(a) or abs(a - b) < 1e-12) for a, b in pairs)
