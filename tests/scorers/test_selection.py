"""Selection by rank is exact, for any spread of the documents over shards, and ties are nobody's privilege."""

import json
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from barriers import memory, resolve
from hypothesis import given, settings
from hypothesis import strategies as st

from textmill.pipeline.chance import draw
from textmill.pipeline.errors import RecipeError
from textmill.pipeline.io.files import join, read_text
from textmill.scorers.keep_top import KeepBand, KeepTop
from textmill.scorers.ranking import ordered
from textmill.scorers.sample_by import ParetoKeep, SampleBy, keep_probability
from textmill.scorers.selection import Selection, shares


def batch_of(scores: list[float | None], *, start: int = 0, **columns: Any) -> pa.RecordBatch:
    n = len(scores)
    plain = {"id": [f"d{start + i}" for i in range(n)], "source": ["web"] * n, "text": ["abcd"] * n}
    return pa.RecordBatch.from_pydict(
        {
            **{k: pa.array(v, pa.string()) for k, v in plain.items()},
            "quality": pa.array(scores, pa.float64()),
            **columns,
        }
    )


def kept_ids(barrier: Selection, batches: list[pa.RecordBatch]) -> set[str]:
    rulings = resolve(barrier, batches, memory())
    kept = set()
    for batch, ruling in zip(batches, rulings, strict=True):
        gone = {row for row, why in zip(*(ruling.column(n).to_pylist() for n in ("row", "reason")), strict=True) if why}
        kept |= {name for row, name in enumerate(batch.column("id").to_pylist()) if row not in gone}
    return kept


def spread(batch: pa.RecordBatch, sizes: list[int]) -> list[pa.RecordBatch]:
    cuts = np.cumsum([0, *sizes])
    parts = [batch.slice(a, b - a) for a, b in pairwise(cuts) if b > a]
    return [*parts, *([rest] if (rest := batch.slice(int(cuts[-1]))).num_rows else [])]


def best(batch: pa.RecordBatch, want: int, weights: list[int] | None = None) -> set[str]:
    """The slow, obvious twin: sort by score and draw, take until enough is together."""
    rows = [
        (score + 0.0, int(number), name, weight)
        for score, number, name, weight in zip(
            batch.column("quality").to_pylist(),
            draw(batch.column("id"), "selection"),
            batch.column("id").to_pylist(),
            weights or [1] * batch.num_rows,
            strict=True,
        )
        if score is not None and score == score
    ]
    taken, so_far = set(), 0
    for _, _, name, weight in sorted(rows, reverse=True):
        if so_far >= want:
            break
        taken.add(name)
        so_far += weight
    return taken


SCORES = st.one_of(st.none(), st.sampled_from([0.0, -0.0, 0.5, 0.25, 1.0]), st.floats(allow_nan=True))
SIZES = st.lists(st.integers(0, 9), max_size=4)


@given(scores=st.lists(SCORES, min_size=1, max_size=40), sizes=SIZES, share=st.sampled_from([0.01, 0.1, 0.5, 0.9, 1.0]))
@settings(max_examples=150)
def test_the_top_is_what_sorting_says_however_documents_are_spread(
    scores: list[float | None], sizes: list[int], share: float
) -> None:
    batch = batch_of(scores)
    ranked = sum(score is not None and score == score for score in scores)
    want = shares(ranked, share)
    assert kept_ids(KeepTop(column="quality", share=share), spread(batch, sizes)) == best(batch, want)


@given(
    rows=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 50)), min_size=1, max_size=40),
    sizes=SIZES,
    count=st.integers(1, 500),
)
@settings(max_examples=80)
def test_tokens_are_counted_until_there_are_enough(rows: list[tuple[float, int]], sizes: list[int], count: int) -> None:
    weights = [weight for _, weight in rows]
    batch = batch_of([score for score, _ in rows], tokens=pa.array(weights, pa.int64()))
    barrier = KeepTop(column="quality", count=count, of="tokens")
    kept = kept_ids(barrier, spread(batch, sizes))
    if count < sum(weights):
        assert kept == best(batch, count, weights)
    else:
        assert kept == set(batch.column("id").to_pylist())


def test_a_share_is_a_decimal_fraction() -> None:
    assert shares(30, 0.1) == 3  # in floating point 0.1 * 30 is above 3
    assert shares(31, 0.1) == 4


def test_groups_are_selected_from_alone() -> None:
    batch = batch_of([1, 2, 3, 4, 5, 6, 7, 8], language=pa.array(["en"] * 4 + ["de"] * 2 + [None] * 2))
    assert kept_ids(KeepTop(column="quality", share=0.5, by=("language",)), [batch]) == {"d2", "d3", "d5", "d7"}


def test_the_lowest_may_be_the_best() -> None:
    assert kept_ids(KeepTop(column="quality", count=2, highest=False), [batch_of([3, 1, 2, 9])]) == {"d1", "d2"}


def test_a_band_and_what_lies_beside_it_are_everything() -> None:
    batch = batch_of([float(i % 17) for i in range(100)])
    bands = [(0.0, 0.2), (0.2, 0.7), (0.7, 1.0)]
    found = [kept_ids(KeepBand(column="quality", low=low, high=high), spread(batch, [33])) for low, high in bands]
    assert [len(kept) for kept in found] == [20, 50, 30]
    assert set.union(*found) == set(batch.column("id").to_pylist())


@pytest.mark.parametrize(("unscored", "kept"), [("drop", {"d0"}), ("keep", {"d0", "d2", "d3"})])
def test_documents_without_score_are_told_apart(unscored: Any, kept: set[str]) -> None:
    batch = batch_of([2.0, 1.0, None, float("nan")])
    barrier = KeepTop(column="quality", share=0.5, unscored=unscored)
    assert kept_ids(barrier, [batch]) == kept
    (ruling,) = resolve(barrier, [batch], memory())
    reasons = dict(zip(ruling.column("row").to_pylist(), ruling.column("reason").to_pylist(), strict=True))
    assert reasons[1] == "not_in_top"
    assert unscored == "keep" or reasons[2] == reasons[3] == "not_scored"


def test_decisions_carry_the_score_and_the_cut() -> None:
    (ruling,) = resolve(KeepTop(column="quality", count=2, highest=False), [batch_of([3, 1, 2, 9])], memory())
    assert ruling.select(["row", "value", "threshold"]).to_pylist() == [
        {"row": 0, "value": 3.0, "threshold": 2.0},
        {"row": 3, "value": 9.0, "threshold": 2.0},
    ]


def test_a_random_share_is_kept_whatever_its_score_and_marked() -> None:
    batch = batch_of([float(i) for i in range(1000)])
    (ruling,) = resolve(KeepTop(column="quality", share=0.1, control=0.2), [batch], memory())
    stays = np.array([why is None for why in ruling.column("reason").to_pylist()])
    control = np.array(ruling.column("control").to_pylist())
    assert stays[control].all()
    assert stays[-100:].all()
    assert 150 < control.sum() < 250
    assert stays.sum() == (control[:-100]).sum() + 100


def test_findings_tell_what_was_kept_of_each_group() -> None:
    batch, folder = batch_of([1, 2, 3, 4]), memory()
    resolve(KeepTop(column="quality", share=0.5), [batch], folder)
    (group,) = json.loads(read_text(join(folder, "work", "findings.json")))["groups"]
    assert group == {"group": [], "weight": 4, "kept_weight": 2, "kept_documents": 2, "cuts": [3.0]}


def test_of_equals_no_place_in_the_input_is_preferred() -> None:
    batch = batch_of([1.0] * 1000)
    kept = kept_ids(KeepTop(column="quality", share=0.5), [batch])
    early = sum(int(name[1:]) < 500 for name in kept)
    assert len(kept) == 500
    assert 200 < early < 300


def test_the_hotter_the_sample_the_less_the_score_counts() -> None:
    batch = batch_of([float(i >= 1000) * 3 for i in range(2000)])

    def good(temperature: float) -> int:
        kept = kept_ids(SampleBy(column="quality", temperature=temperature, share=0.2), [batch])
        assert len(kept) == 400
        return sum(int(name[1:]) >= 1000 for name in kept)

    assert good(0.01) == 400
    assert 355 < good(1.0) < 393  # odds of e³ ≈ 20 to 1 to begin with, fewer as the good ones run out
    assert 170 < good(1000.0) < 230


def test_a_sample_has_the_odds_that_it_should() -> None:
    """With one draw, P(i) is softmax of score / temperature; over many groups of three the shares tell."""
    groups = 3000
    scores = [0.0, 1.0, 2.0] * groups
    batch = batch_of(scores, page=pa.array([str(i // 3) for i in range(3 * groups)]))
    kept = kept_ids(SampleBy(column="quality", count=1, by=("page",)), [batch])
    share = np.bincount([int(name[1:]) % 3 for name in kept]) / groups
    expected = np.exp([0, 1, 2]) / np.exp([0, 1, 2]).sum()
    assert np.abs(share - expected).max() < 4 * 0.5 / np.sqrt(groups)


def test_standardized_scores_are_free_of_their_unit() -> None:
    scores = [float(i % 10) for i in range(200)]
    one, thousand = (
        kept_ids(SampleBy(column="quality", temperature=2.0, standardize=True, share=0.3), [batch_of(list(values))])
        for values in (scores, [1000 * score for score in scores])
    )
    assert one == thousand


def test_another_seed_draws_others() -> None:
    batch = batch_of([1.0] * 100)
    one, two = (kept_ids(SampleBy(column="quality", share=0.5, seed=seed), [batch]) for seed in (0, 1))
    assert one != two


@pytest.mark.parametrize(("score", "chance"), [(0.5, 0.0260), (0.9, 0.4241), (1.0, 1.0), (0.0, 0.00195)])
def test_the_probabilities_of_gpt3(score: float, chance: float) -> None:
    assert keep_probability(np.array([score]), 9.0)[0] == pytest.approx(chance, abs=5e-5)


def test_pareto_keeps_by_chance_and_counts_what_has_no_score() -> None:
    batch = batch_of([0.9] * 2000 + [None])
    verdict = ParetoKeep(column="quality").judge(batch)
    assert verdict.reasons[-1] == "missing_quality"
    assert abs(verdict.kept[:-1].mean() - 0.4241) < 0.04


@given(st.lists(st.floats(allow_nan=False), min_size=2, max_size=20))
def test_whole_numbers_stand_in_the_order_of_scores(scores: list[float]) -> None:
    keys = ordered(np.array(scores))
    by_key = [scores[i] for i in np.argsort(keys, kind="stable")]
    assert by_key == sorted(scores)


def test_scores_that_are_text_are_refused_by_name() -> None:
    batch = pa.RecordBatch.from_pydict({"id": ["a", "b"], "quality": ["0.5", "high"]})
    with pytest.raises(RecipeError, match=r"'quality'.* is string, not a number"):
        KeepTop(column="quality", share=0.5).sketch(batch)


@pytest.mark.parametrize("wrong", [{}, {"share": 0.1, "count": 3}, {"share": 0.0}, {"share": 0.1, "of": "words"}])
def test_wrong_amounts_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"share|of"):
        KeepTop(column="quality", **wrong)
