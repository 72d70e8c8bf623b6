"""Slow, obvious twins of dedup's kernels."""

from collections import defaultdict
from itertools import combinations
from math import hypot

from naive import fmix64, shingle_hash, shingles, word_key, words


def bloom_places(key, words, hashes):
    """`textmill.dedup.bloom`: the bits of a filter that stand for a key."""
    place = fmix64(key)
    step = fmix64(place ^ 0x9E3779B97F4A7C15) | 1
    places = set()
    for _ in range(hashes):
        places.add(((place >> 32) * words >> 32, place & 63))
        place = (place + step) % 2**64
    return places


def bloom_sift(documents, words, hashes):
    """In how many bands each document is known, one after another; and the bits that are set in the end, by band."""
    filters = [set() for _ in documents[0]] if documents else []
    known = []
    for keys in documents:
        places = [bloom_places(key, words, hashes) for key in keys]
        known.append(sum(own <= bits for own, bits in zip(places, filters, strict=True)))
        if known[-1] == 0:
            for band, own in enumerate(places):
                filters[band] |= own
    return known, filters


def first_come(rows, bands_of):
    """For each row whether it leaves: it shares a band with an earlier row that stayed."""
    seen, leaves = set(), []
    for row in rows:
        bands = set(bands_of(row))
        leaves.append(bool(bands & seen))
        if not leaves[-1]:
            seen |= bands
    return leaves


def jaccard(some, others):
    """The similarity of two sets of shingles; None for two empty ones."""
    return len(some & others) / len(some | others) if some | others else None


def simhash(text, size):
    """`textmill.dedup.fingerprints`: the fingerprint of a text's runs of words; None without any."""
    hashes = [shingle_hash(run) for run in shingles([word_key(word) for word in words(text)], size)]
    return vote(hashes) if hashes else None


def vote(hashes):
    """The bits that more than half of the hashes have."""
    return sum(1 << bit for bit in range(64) if 2 * sum(h >> bit & 1 for h in hashes) > len(hashes))


def close_pairs(fingerprints, distance):
    """All pairs of row numbers whose fingerprints differ in so many bits or fewer, by comparing all; None is alone."""
    numbered = [(row, mark) for row, mark in enumerate(fingerprints) if mark is not None]
    return {(a, b) for (a, x), (b, y) in combinations(numbered, 2) if (x ^ y).bit_count() <= distance}


def links_by_row(pairs):
    """For each row of any pair the pairs that it is in."""
    links = defaultdict(set)
    for pair in pairs:
        for row in pair:
            links[row].add(pair)
    return links


def cluster_sums(points, cluster, clusters):
    """`textmill.dedup.kmeans`: the sum of each cluster's points, number by number."""
    return [
        [sum(p[k] for p, c in zip(points, cluster, strict=True) if c == some) for k in range(len(points[0]))]
        for some in range(clusters)
    ]


def thin(points, limit):
    """`textmill.dedup.kmeans`: who stayed before that each point is most like, if above a limit, or -1."""
    owner = []
    for i, point in enumerate(points):
        stayed = [j for j in range(i) if owner[j] == -1]
        best = max(stayed, key=lambda j: (cosine(point, points[j]), -j), default=None)
        owner.append(best if best is not None and cosine(point, points[best]) > limit else -1)
    return owner


def cosine(one, other):
    """The similarity of two lists of numbers."""
    return sum(a * b for a, b in zip(one, other, strict=True)) / hypot(*one) / hypot(*other)
