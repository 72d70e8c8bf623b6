"""Slow, obvious twins of dedup's kernels."""

from naive import fmix64


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
