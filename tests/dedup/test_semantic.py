"""Semantic deduplication: exact in whole numbers, so that shards, portions and workers change nothing."""

import json
from collections import Counter

import naive_dedup
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from barriers import memory, resolve
from hypothesis import given, settings
from hypothesis import strategies as st
from support import decisions

from textmill.dedup.embeddings import MOST_DIMENSIONS, SCALE, directions, points_of, rounded, toward
from textmill.dedup.groups import BINS, bins_of, grouped
from textmill.dedup.kmeans import cluster_sums, fit, nearest, thin
from textmill.dedup.semantic import Semantic
from textmill.pipeline.errors import ExpectationError, InputError
from textmill.pipeline.executor import Inline, Serial
from textmill.pipeline.io.files import read_text
from textmill.pipeline.recipe_reader import parse_recipe
from textmill.pipeline.run import run


def vectors(families=12, seed=0, dimensions=16):
    """Unit vectors in families of 1 to 8 that are .999 alike or so, families far apart; and the family of each."""
    random = np.random.default_rng(seed)
    centres = random.normal(size=(families, dimensions))
    family = np.repeat(np.arange(families), random.integers(1, 9, families))
    random.shuffle(family)
    return centres[family] + 0.02 * random.normal(size=(len(family), dimensions)), family


def batches_of(found, count, ids=None, **columns):
    """Record batches of embeddings, `count` of them."""
    ids = ids if ids is not None else [f"doc-{n}" for n in range(len(found))]
    table = pa.table(
        {
            "id": ids,
            "source": columns.pop("source", ["web"] * len(ids)),
            "embedding": pa.array(list(found), pa.list_(pa.float32())),
            **columns,
        }
    )
    size = -(-len(ids) // count)
    return [batch for i in range(0, len(ids), size) for batch in table.slice(i, size).combine_chunks().to_batches()]


def kept_ids(batches, rulings):
    """For each id whom it leaves for, or None."""
    found = {}
    for batch, ruling in zip(batches, rulings, strict=True):
        gone = {row["row"]: row for row in ruling.to_pylist()}
        assert all(row["reason"] == "semantic_duplicate" for row in gone.values())
        for number, name in enumerate(batch["id"].to_pylist()):
            found[name] = gone[number]["kept_id"] if number in gone else None
    return found


def similarities(some, others):
    """The cosine of each of some points with each of others."""
    one, other = directions(some), directions(others)
    return one.products(other) * other.scale * one.scale[:, None]


@pytest.mark.parametrize("dimensions", [1, 3, 384, MOST_DIMENSIONS])
def test_products_are_exact_and_cosines_are_those_of_the_embeddings(dimensions):
    random = np.random.default_rng(dimensions)
    some = random.normal(size=(20, dimensions)) * 10.0 ** random.integers(-20, 20, (20, 1))
    points = points_of(pa.chunked_array([rounded(pa.array(list(some), pa.list_(pa.float64())))]), dimensions)
    whole = points.astype(np.int64)
    assert (np.abs(whole) @ np.abs(whole).T).max() < 1 << 24
    exact = whole @ whole.T
    assert (directions(points).products(directions(points)).astype(np.int64) == exact).all()
    assert (directions(points).scale == 1 / np.sqrt(np.diag(exact))).all()
    unit = some / np.linalg.norm(some, axis=1, keepdims=True)
    assert np.abs(similarities(points, points) - unit @ unit.T).max() < 6e-4


def test_what_has_no_direction_is_null():
    some = [
        [1.0, 0.0],
        None,
        [],
        [0.0, 0.0],
        [float("nan"), 1],
        [float("inf"), 1],
        [None, 1.0],
        [1.0] * 4097,
        [3e38, 3e38],
    ]
    found = rounded(pa.array(some, pa.list_(pa.float32())))
    assert found.is_valid().to_pylist() == [True, *[False] * 7, True]
    assert np.frombuffer(found[0].as_py(), np.int16).tolist() == [SCALE, 0]
    sliced = pa.array([[9.0, 9.0], [0.0, 2.0], None], pa.list_(pa.float64(), 2))[1:]
    assert [row and np.frombuffer(row, np.int16).tolist() for row in rounded(sliced).to_pylist()] == [[0, SCALE], None]
    with pytest.raises(InputError, match="semantic: column 'text': expected lists of numbers, got string"):
        Semantic(column="text").sketch(pa.RecordBatch.from_pydict({"text": ["text"]}))


points = st.integers(1, 4).flatmap(
    lambda width: st.lists(
        st.lists(st.integers(-3, 3), min_size=width, max_size=width).filter(any), min_size=1, max_size=9
    )
)


@given(points, st.integers(1, 3), st.randoms())
@settings(max_examples=50)
def test_sums_are_those_of_the_clusters(rows, clusters, random):
    cluster = [random.randrange(clusters) for _ in rows]
    found = cluster_sums(np.array(rows, np.int16), np.array(cluster), clusters)
    assert found.tolist() == naive_dedup.cluster_sums(rows, cluster, clusters)


@given(points, st.sampled_from([-0.49, 0.51, 0.9]))
@settings(max_examples=50)
def test_what_is_too_much_alike_goes_for_what_stays(rows, limit):
    some = toward(np.array(rows, np.float64))
    found = thin(some, limit)
    for number, (ours, naives) in enumerate(zip(found.owner, naive_dedup.thin(some.tolist(), limit), strict=True)):
        assert (ours < 0) == (naives < 0)
        if ours >= 0:  # of equals either may come out of the twin's rounding
            assert found.owner[ours] == -1
            expected = naive_dedup.cosine(some[number].tolist(), some[naives].tolist())
            assert found.similarity[number] == pytest.approx(expected)


def test_thinning_many_blocks_is_as_thinning_one_by_one():
    random = np.random.default_rng(1)
    some = toward(random.normal(size=(1300, 3)))
    owner = thin(some, 0.99).owner
    assert owner.tolist() == naive_dedup_by_rows(some, 0.99)


def naive_dedup_by_rows(some, limit):
    """As `naive_dedup.thin`, a row of cosines at a time."""
    cosines = similarities(some, some)
    owner = []
    for i in range(len(some)):
        alike = np.where(np.array(owner, np.int64) == -1, cosines[i, :i], -1)
        owner.append(int(alike.argmax()) if i and alike.max() > limit else -1)
    return owner


def test_clusters_are_found_whatever_the_order_of_the_sample():
    found, _ = vectors(5, seed=3)
    some = toward(found)
    centroids = fit(some, 5, 20)
    assert len(centroids) == 5
    label = nearest(some, centroids).cluster
    again = nearest(some, fit(some, 5, 1)).similarity
    assert nearest(some, centroids).similarity.mean() >= again.mean()
    alike = similarities(some, centroids)
    assert (alike.max(axis=1) == alike[np.arange(len(some)), label]).all()
    assert len(fit(toward(np.ones((7, 2))), 5, 3)) == 1


@given(st.lists(st.integers(1, 9), min_size=1, max_size=40), st.integers(1, 12))
def test_clusters_start_as_the_first_different_points(heights, clusters):
    some = toward(np.array([[1, height] for height in heights], np.float64))
    first = list(dict.fromkeys(map(tuple, some.tolist())))[:clusters]
    assert list(map(tuple, fit(some, clusters, 0).tolist())) == first


@pytest.mark.parametrize("keep", ["hard", "easy", {"highest": "score"}])
@pytest.mark.parametrize("clusters", [1, 4, None])
def test_each_family_keeps_one_however_shards_and_portions_are_cut(keep, clusters):
    """Families are .999 alike and far from each other: one stays of each, the same for any cut, order and memory."""
    found, family = vectors()
    score = np.random.default_rng(1).permutation(len(found)).astype(float)
    barrier = Semantic(clusters=clusters, keep=keep)
    batches = batches_of(found, 1, score=score)
    expected = kept_ids(batches, resolve(barrier, batches, memory()))
    stay = [n for n in range(len(found)) if expected[f"doc-{n}"] is None]
    assert sorted(family[stay]) == list(range(12))
    assert all(family[int(k[4:])] == family[int(n[4:])] for n, k in expected.items() if k)
    if isinstance(keep, dict):
        assert all(score[n] == score[family == family[n]].max() for n in stay)
    order = np.random.default_rng(2).permutation(len(found))
    shuffled = batches_of(found[order], 5, [f"doc-{n}" for n in order], score=score[order])
    for some in (batches_of(found, 7, score=score), shuffled):
        assert kept_ids(some, resolve(barrier, some, memory(), part_bytes=1)) == expected


def test_hard_keeps_what_is_far_from_the_centroid_and_easy_what_is_near():
    angles = np.radians([0, 1, 2, 40])  # the centroid is at about 10 degrees
    found = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    for keep, stays in (("hard", "doc-0"), ("easy", "doc-2"), ("first", "doc-0")):
        batches = batches_of(found, 1)
        kept = kept_ids(batches, resolve(Semantic(clusters=1, keep=keep, epsilon=0.01), batches, memory()))
        assert [name for name, other in kept.items() if other is None] == [stays, "doc-3"]


@pytest.mark.parametrize("most", [2, 5, 20])
def test_clusters_that_are_too_large_are_cut_but_what_is_equal_meets(most, tmp_path):
    found, family = vectors(8)
    barrier = Semantic(clusters=1, max_cluster=most)
    batches = batches_of(found, 3)
    kept = kept_ids(batches, resolve(barrier, batches, tmp_path))
    assert {family[int(n[4:])] for n, k in kept.items() if k is None} == set(range(8))
    assert all(family[int(k[4:])] == family[int(n[4:])] for n, k in kept.items() if k)
    more = batches_of(found[::-1], 2, [f"doc-{n}" for n in range(len(found))][::-1])
    assert {n for n, k in kept_ids(more, resolve(barrier, more, memory(), part_bytes=1)).items() if k is None} == {
        n for n, k in kept.items() if k is None
    }


@given(st.lists(st.lists(st.floats(-1, 1) | st.just(0.5), max_size=30), min_size=1, max_size=5), st.integers(2, 10))
@settings(max_examples=40)
def test_groups_hold_all_documents_of_one_cluster_and_tasks_few_groups(clusters, most):
    sizes = np.array([len(some) for some in clusters])
    bins = {
        number: np.bincount(bins_of(np.array(some)), minlength=BINS)
        for number, some in enumerate(clusters)
        if len(some) > most
    }
    groups = grouped(sizes, bins, most)
    cluster = np.repeat(np.arange(len(clusters)), sizes)
    similarity = np.array([value for some in clusters for value in some])
    seen, numbers = Counter(), []  # a draw that happens to be even
    for place in zip(cluster.tolist(), bins_of(similarity).tolist(), strict=True):
        numbers.append(seen[place])
        seen[place] += 1
    group = groups.of(cluster, similarity, np.array(numbers, np.uint64))
    for some in set(group.tolist()):
        members = group == some
        assert len(set(cluster[members])) == 1
        assert members.sum() <= most
    load = np.bincount(groups.task[group], minlength=groups.tasks) if len(group) else np.zeros(1)
    assert load.max() <= most


def test_documents_without_an_embedding_stay_and_are_counted(tmp_path):
    found = [[1.0, 0.0], None, [0.0, 0.0], [1.0, 0.0], [1.0, 0.0, 0.0], [1.0, 0.0, 0.0][:2]]
    batches = batches_of(found, 2)
    kept = kept_ids(batches, resolve(Semantic(), batches, tmp_path))
    assert list(kept.values()) == [None, None, None, "doc-0", None, "doc-0"]
    findings = json.loads(read_text(str(tmp_path / "work/findings.json")))
    assert findings == {
        "largest": [{"size": 3, "kept_id": "doc-0", "mean_similarity": 1.0}],
        "embeddings": {"dimensions": 2, "documents": 3, "without": 2, "of_other_dimensions": 1},
        "clusters": {"count": 1, "size_quartiles": [3] * 5},
    }
    alone = batches_of([None, [0.0]], 2)
    assert list(kept_ids(alone, resolve(Semantic(), alone, memory())).values()) == [None, None]
    assert Semantic().resolve([], str(tmp_path), Inline()) == []


def test_a_sample_fits_clusters_to_all(tmp_path):
    found, family = vectors(40, dimensions=8)
    batches = batches_of(found, 4)
    barrier = Semantic(sample=100, clusters=6)
    rulings = resolve(barrier, batches, tmp_path, part_bytes=1)
    assert {family[int(n[4:])] for n, k in kept_ids(batches, rulings).items() if k is None} == set(range(40))


def test_a_source_that_would_lose_too_much_stops_the_run():
    batches = batches_of(np.ones((1000, 2)), 2)
    with pytest.raises(ExpectationError, match=r"max_removed is 0.9, but .* 'web' would lose 0.9990"):
        resolve(Semantic(max_removed=0.9), batches, memory())


def test_what_is_read():
    assert Semantic(column="e5", keep={"highest": "score"}).reads() == {"e5", "score"}
    assert Semantic.model_validate_json(Semantic(keep="newest").model_dump_json()) == Semantic(keep="newest")
    with pytest.raises(ValueError, match="expected first, longest"):
        Semantic(keep="random")


def test_a_run_over_a_column_of_the_input(tmp_path):
    found, _ = vectors(6)
    texts = [f"text {n}" for n in range(len(found))]
    rows = pa.table({"id": texts, "text": texts, "embedding": list(found)})
    pq.write_table(rows, tmp_path / "rows.parquet")
    recipe = {
        "name": "test",
        "inputs": [{"source": "web", "read": "parquet", "files": str(tmp_path / "rows.parquet")}],
        "stages": [{"barrier": "meaning", "semantic": {"epsilon": 0.1, "clusters": 1}}],
    }
    executor = Serial()
    try:
        report = run(parse_recipe(recipe), str(tmp_path / "out"), executor)
    finally:
        executor.close()
    assert report.rows_kept == 6
    left = decisions(tmp_path / "out")
    assert len(left) == len(found) - 6
    assert all(row["similarity"] > 0.9 and row["step"] == "semantic" for row in left)
