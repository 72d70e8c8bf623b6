"""What near-duplicate removal finds in texts of which the truth is known: the sample crawl, and real ones."""

import numpy as np
import pytest
from bench.dedup_quality import (
    SEEDS,
    document_scores,
    labelled_pages,
    licences,
    page_scores,
    pair_scores,
    real_texts,
    recall_by_similarity,
    sample_crawl,
    similar_pairs,
    verdicts,
)

from textmill.dedup.lsh_bloom import LshBloom
from textmill.dedup.minhash import MinHash
from textmill.dedup.simhash import SimHash


def test_scores_of_two_clusterings():
    """Of 3 pairs found and 2 true ones 1 is both: by chance 3 · 2 / 10 = .6 would be."""
    found, truth = [1, 1, 1, 2, 3], [1, 1, 2, 3, 3]
    assert pair_scores(found, truth) == pytest.approx((1 / 3, 1 / 2, 2 / 5, 0.4 / 1.9))


def test_scores_of_documents_that_leave():
    """Numbers 1 and 2 leave where 1 and 4 should: one of two is right, and one of two is found."""
    assert document_scores([0, 0, -1, 3, 4], [0, 0, 2, 3, 3]) == pytest.approx((1 / 2, 1 / 2, 1 / 2))


def test_comparing_all_pairs_finds_those_of_a_similarity():
    """Shingles of five letters, one a word: 3, 3 and 2 of them; the first two share 2 of 4, the last is alone."""
    assert similar_pairs(["a b c d e f g", "b c d e f g h", "h i j k l m"], 0.5).tolist() == [[0, 1]]
    assert similar_pairs(["a b c d e f g", "b c d e f g h"], 0.51).tolist() == []


def test_the_sample_crawls_clusters_are_found(tmp_path):
    texts, truth = sample_crawl(tmp_path, 400)
    assert min(pair_scores(verdicts(MinHash(), texts, tmp_path), truth)) > 0.99
    assert min(document_scores(verdicts(LshBloom(documents=1000), texts, tmp_path), truth)) > 0.95
    precision, recall, _ = document_scores(verdicts(SimHash(), texts, tmp_path), truth)
    assert precision == 1
    assert recall > 0.5


@pytest.mark.slow
def test_recall_on_5000_real_documents_is_that_of_brute_force_times_the_formula(real_data):
    """The deviation is that between seeds: pairs of one family of texts are found or missed together."""
    texts = real_texts(real_data)
    assert len(texts) == 5000
    for low, pairs, expected, share, deviation, *_ in recall_by_similarity(texts, similar_pairs(texts)):
        assert pairs > 100
        assert abs(share - expected) <= 3 * deviation / SEEDS**0.5 + 0.002, low


def test_licences_that_are_alike_are_found_and_few_others(real_data, tmp_path):
    """Against clusters by brute force, .8 alike or more; figures of docs/dedup.md, less .05."""
    texts, truth = licences(real_data)
    assert len(texts) == 1445
    for barrier, precision, recall, rand in (
        (MinHash(threshold=0.8), 0.81, 0.87, 0.79),
        (MinHash(bands=25, rows=5, verify="exact", min_similarity=0.8), 0.93, 0.95, 0.94),
        (SimHash(distance=8, blocks=10), 0.80, 0.78, 0.71),
    ):
        found = verdicts(barrier, texts, tmp_path)
        scores = (*document_scores(found, truth)[:2], pair_scores(found, truth)[-1])
        assert (np.array(scores) > (precision, recall, rand)).all(), (barrier, scores)
    precision, recall, _ = document_scores(verdicts(LshBloom(documents=2000), texts, tmp_path), truth)
    assert precision > 0.83
    assert recall > 0.81


def test_pages_that_people_call_alike_are_found(real_data, tmp_path):
    pages = labelled_pages(real_data)
    assert (len(pages[1]), pages[1].sum()) == (121, 39)
    precision, recall, _ = page_scores(MinHash(), pages, tmp_path)
    assert precision > 0.54
    assert recall > 0.82
