"""Verified near-duplicates: links count only where signatures, or all shingles, agree enough."""

import naive
import naive_dedup
import pytest
from barriers import memory
from hypothesis import given, settings
from hypothesis import strategies as st
from near_documents import crawls, document, outcomes, resolve

from textmill.dedup.minhash import MinHash
from textmill.dedup.signatures import permutations


def halves(shared, of=200):
    """Two documents of `of` words each that share the first `shared`."""
    words = [f"w{n}" for n in range(2 * of)]
    return [
        document(" ".join(words[:of]), name="a"),
        document(" ".join(words[:shared] + words[of : 2 * of - shared]), name="b"),
    ]


def test_verification_refuses_what_agrees_in_a_band_by_chance(tmp_path):
    """One word a shingle: 150 of 250 shared, Jaccard .6; 30 bands of 2 rows find it with near certainty."""
    loose = {"ngram": 1, "bands": 30, "rows": 2, "normalize": "none"}
    shards = [halves(150)]
    (found,) = resolve(MinHash(**loose), shards, tmp_path)
    assert outcomes(shards, [found])[1] == ("a", 2)
    assert found["similarity"][1].as_py() == pytest.approx(0.6, abs=0.2)
    assert outcomes(shards, resolve(MinHash(**loose, verify="signature", min_similarity=0.85), shards, tmp_path)) == [
        (None, 1),
        (None, 1),
    ]
    (found,) = resolve(MinHash(**loose, verify="signature", min_similarity=0.4), shards, tmp_path)
    assert found["similarity"][1].as_py() == pytest.approx(0.6, abs=0.2)


def test_exact_verification_compares_all_shingles(tmp_path):
    """150 of 250 shingles shared: .6 and nothing else, on either side of the limit."""
    loose = {"ngram": 1, "bands": 30, "rows": 2, "normalize": "none", "verify": "exact"}
    (found,) = resolve(MinHash(**loose, min_similarity=0.6), [halves(150)], tmp_path)
    assert outcomes([halves(150)], [found])[1] == ("a", 2)
    assert found["similarity"][1].as_py() == pytest.approx(0.6)
    shards = [halves(150)]
    assert outcomes(shards, resolve(MinHash(**loose, min_similarity=0.6001), shards, tmp_path)) == [(None, 1)] * 2


@given(shards=crawls, least=st.sampled_from([0.2, 0.5, 1.0]), part_bytes=st.sampled_from([1, 20_000]))
@settings(max_examples=25)
def test_exactly_verified_links_lead_to_the_first_of_a_band_that_is_similar_enough(shards, least, part_bytes):
    barrier = MinHash(ngram=2, bands=3, rows=1, normalize="none", verify="exact", min_similarity=least)
    texts = [row["text"] for shard in shards for row in shard]
    shards = [[{**row, "id": f"{number}-{n}"} for n, row in enumerate(shard)] for number, shard in enumerate(shards)]
    permuted = list(zip(*(p.tolist() for p in permutations(3, 1)), strict=True))
    first, links = {}, {n: set() for n in range(len(texts))}
    for number, text in enumerate(texts):
        own = set(naive.shingles(text.split(), 2))
        for band in naive.minhash_bands(text, 2, 3, permuted):
            other = first.setdefault(band, number)
            if naive_dedup.jaccard(own, set(naive.shingles(texts[other].split(), 2))) >= least:
                links[number].add(("link", min(number, other), max(number, other)))
                links[other].add(("link", min(number, other), max(number, other)))
    rows = [{"links": some} for some in links.values()]
    expected = naive.near_duplicates(rows, lambda row: row["links"], None, min)
    ids = [row["id"] for shard in shards for row in shard]
    found = outcomes(shards, resolve(barrier, shards, memory(), part_bytes=part_bytes))
    assert found == [(None if kept is None else ids[kept], size) for kept, size in expected]
