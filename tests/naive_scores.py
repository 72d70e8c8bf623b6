"""Scores of documents, slow and obvious: importance weights, combinations of other scores."""

import math
import re
from collections import Counter
from itertools import pairwise

MASK = 2**64 - 1


def fmix64(number: int) -> int:
    """MurmurHash3's finalizer."""
    number = (number ^ number >> 33) * 0xFF51AFD7ED558CCD & MASK
    number = (number ^ number >> 33) * 0xC4CEB9FE1A85EC53 & MASK
    return number ^ number >> 33


def lower(text: str) -> str:
    """Letter by letter; every sigma alike."""
    return "".join(c.lower()[0] if c.isupper() or c.istitle() else c for c in text).replace("ς", "σ")


def wordpunct(text: str) -> list[str]:
    return re.findall(r"\w+|[^\w\s]+", lower(text))


def word_key(word: str) -> int:
    key = 0
    for c in word:
        key = fmix64(key ^ ord(c)) | 1
    return key


def dsir_buckets(text: str, buckets: int) -> Counter[int]:
    keys = [word_key(word) for word in wordpunct(text)]
    mixed = [fmix64(key) for key in keys] + [fmix64(fmix64(a) + b & MASK) for a, b in pairwise(keys)]
    return Counter((number >> 32) * buckets >> 32 for number in mixed)


def dsir_weight(text: str, target: list[str], raw: list[str], buckets: int, smoothing: float = 0.0) -> float:
    """log p(target) - log p(raw) over the words and pairs of a text."""
    total = 0.0
    shares = []
    for texts in (target, raw):
        counts = Counter[int]()
        for one in texts:
            counts.update(dsir_buckets(one, buckets))
        whole = counts.total() + smoothing * buckets
        shares.append([(counts[bucket] + smoothing) / whole for bucket in range(buckets)])
    for bucket, times in dsir_buckets(text, buckets).items():
        total += times * (math.log(shares[0][bucket] + 1e-8) - math.log(shares[1][bucket] + 1e-8))
    return total


def level(value: float, sample: list[float], levels: int, *, high_is_good: bool = True) -> int:
    """How many of the levels - 1 bounds of a sample a value reaches; bounds are linear percentiles."""
    ordered = sorted(sample)
    reached = 0
    for i in range(1, levels):
        place = (len(ordered) - 1) * i / levels
        below = math.floor(place)
        above = min(below + 1, len(ordered) - 1)
        bound = ordered[below] + (ordered[above] - ordered[below]) * (place - below)
        reached += value >= bound if high_is_good else value <= bound
    return reached
