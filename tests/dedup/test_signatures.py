"""Signatures are datasketch's, and agree as often as texts are similar; band keys stand for whole bands."""

import itertools

import naive
import naive_dedup
import numpy as np
import pytest
from datasketch import MinHash
from hypothesis import given
from hypothesis import strategies as st

from textmill.dedup.lsh import match_probability
from textmill.dedup.signatures import agreements, band_keys, jaccard, permutations, shingle_sets, signatures
from textmill.pipeline.kernels.shingles import Shingles

uint64 = st.integers(0, 2**64 - 1)


def shingles(*documents):
    """Documents as lists of shingle hashes."""
    first = np.cumsum([0, *map(len, documents)])
    return Shingles(first, np.array([h for hashes in documents for h in hashes], np.uint64))


@given(st.lists(st.lists(uint64, max_size=9), max_size=4), st.integers(1, 70), st.integers(0, 5))
def test_signatures_are_those_of_datasketch(documents, count, seed):
    found = signatures(shingles(*documents), permutations(count, seed))
    for hashes, signature in zip(documents, found, strict=True):
        oracle = MinHash(num_perm=count, seed=seed, hashfunc=lambda h: h >> 32, scheme="affine32")
        oracle.update_batch(hashes)
        assert signature.tolist() == oracle.hashvalues.tolist()


@given(st.lists(uint64, min_size=1, max_size=9), st.randoms())
def test_order_and_repetition_of_shingles_do_not_matter(hashes, random):
    again = [*hashes, *random.choices(hashes, k=4)]
    random.shuffle(again)
    one, two = signatures(shingles(hashes, again), permutations(16, 1))
    assert one.tolist() == two.tolist()


@given(st.lists(st.lists(st.integers(0, 2**32 - 1), min_size=12, max_size=12), max_size=4), st.sampled_from([1, 3, 6]))
def test_band_keys_are_those_of_the_slow_twin(rows, bands):
    signature = np.array(rows, np.uint32).reshape(-1, 12)
    seeds = np.arange(len(rows), dtype=np.uint64) * np.uint64(2**63 + 5)
    expected = [naive.band_keys(row, bands, int(seed)) for row, seed in zip(rows, seeds, strict=True)]
    assert band_keys(signature, bands, seeds).tolist() == expected


def test_equal_values_in_different_bands_or_scopes_have_different_keys():
    signature = np.full((2, 12), 7, np.uint32)
    keys = band_keys(signature, 4, np.array([0, 1], np.uint64))
    assert len(np.unique(keys)) == 8


rows_of_three = st.lists(st.lists(st.integers(0, 2), min_size=3, max_size=3), min_size=1, max_size=4)


@given(rows_of_three, rows_of_three, st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=5))
def test_agreements_count_equal_places(some, others, pairs):
    pairs = [(i % len(some), j % len(others)) for i, j in pairs]
    which = np.array(pairs, np.int64).reshape(-1, 2)
    found = agreements(np.array(some, np.uint32), np.array(others, np.uint32), *np.ascontiguousarray(which.T))
    assert found.tolist() == [sum(a == b for a, b in zip(some[i], others[j], strict=True)) for i, j in pairs]


PAIRS = 2000
SIZE = 200


@pytest.fixture(scope="module", params=[0.5, 0.7, 0.8, 0.9])
def similar(request):
    """Signatures of 2,000 pairs of random sets of that Jaccard similarity, and the similarity."""
    random = np.random.default_rng(int(request.param * 100))
    shared = round(SIZE * request.param)
    pool = random.integers(0, 2**64, (PAIRS, SIZE), dtype=np.uint64)
    alone = (SIZE - shared) // 2
    left, right = pool[:, alone:], np.delete(pool, np.s_[alone : 2 * alone], axis=1)
    permuted = permutations(112, 1)
    return shared / SIZE, *(signatures(shingles(*side), permuted) for side in (left, right))


def test_lsh_finds_pairs_as_often_as_the_formula_says(similar):
    similarity, left, right = similar
    seeds = np.zeros(PAIRS, np.uint64)
    found = (band_keys(left, 14, seeds) == band_keys(right, 14, seeds)).any(axis=1).mean()
    expected = float(match_probability(similarity, 14, 8))
    assert abs(found - expected) <= 3 * np.sqrt(expected * (1 - expected) / PAIRS)


def test_agreement_estimates_the_similarity_without_bias_and_with_the_deviation_of_theory(similar):
    similarity, left, right = similar
    estimates = (left == right).mean(axis=1)
    deviation = np.sqrt(similarity * (1 - similarity) / 112)
    assert abs(estimates.mean() - similarity) <= 3 * deviation / np.sqrt(PAIRS)
    assert estimates.std() == pytest.approx(deviation, rel=0.1)


sets = st.lists(st.sets(st.integers(0, 6)), min_size=1, max_size=4)


@given(sets, sets, st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=5))
def test_jaccard_similarities_are_those_of_sets(some, others, pairs):
    """Shingles count by their high 32 bits, each once."""
    pairs = [(i % len(some), j % len(others)) for i, j in pairs]
    both = []
    for side in (some, others):
        found = shingle_sets(*shingles(*[[h << 32 | n for h in members for n in (1, 0)] for members in side]))
        assert [found.values[a:b].tolist() for a, b in itertools.pairwise(found.first)] == list(map(sorted, side))
        both.append(found)
    found = jaccard(*both, *np.ascontiguousarray(np.array(pairs, np.int64).reshape(-1, 2).T))
    expected = [naive_dedup.jaccard(some[i], others[j]) for i, j in pairs]
    assert [None if np.isnan(value) else value for value in found] == expected
