"""Laws fitted to proxy runs: what made the runs is found again, and runs that say too little are refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.stats import spearmanr

from textmill.pipeline.errors import InputError, RecipeError, UsageError
from textmill.pipeline.mixing import laws, regmix
from textmill.pipeline.mixing.laws import HUBER, MixingLaw, fit_law, minimise, project
from textmill.pipeline.proxy_runs import ProxyRuns, check_consistent, combine, read_runs, spearman

GROUPS = ("books", "code", "web")
TRUE = MixingLaw(np.array([2.0, 1.1]), np.array([[-0.9, 0.6, 0.2], [0.7, -1.5, 0.3]]))


def runs_of(count: int, noise: float = 0.0, seed: int = 0) -> ProxyRuns:
    random = np.random.default_rng(seed)
    shares = random.dirichlet(np.ones(3), count)
    return ProxyRuns(GROUPS, ("a", "b"), shares, TRUE.predict(shares) + random.normal(0, noise, (count, 2)))


def test_the_law_that_made_the_runs_is_found() -> None:
    exact = fit_law(runs_of(30))
    assert exact.floor == pytest.approx(TRUE.floor, abs=1e-4)
    assert exact.slopes == pytest.approx(TRUE.slopes, abs=1e-3)
    noisy = fit_law(runs_of(200, noise=0.002))
    assert noisy.floor == pytest.approx(TRUE.floor, abs=0.15)
    assert noisy.slopes == pytest.approx(TRUE.slopes, abs=0.2)


def test_held_out_mixtures_are_ranked() -> None:
    fitted = fit_law(runs_of(40, noise=0.01))
    fresh = runs_of(200, seed=1)
    assert spearman(fitted.predict(fresh.inputs)[:, 0], fresh.losses[:, 0]) > 0.95
    assert spearman(fitted.predict(fresh.inputs)[:, 1], fresh.losses[:, 1]) > 0.95
    assert laws.held_out_correlation(runs_of(40, noise=0.01), np.array([0.5, 0.5])) > 0.95


def test_outliers_count_little() -> None:
    runs = runs_of(60)
    runs.losses[7] += 2
    assert fit_law(runs).slopes == pytest.approx(TRUE.slopes, abs=0.05)


def test_no_general_optimiser_fits_better() -> None:
    runs = runs_of(40, noise=0.01)
    losses = runs.losses[:, 0]

    def huber(at: np.ndarray) -> float:
        size = np.abs(at[0] + np.exp(np.clip(runs.inputs @ at[1:], -60, 60)) - losses)
        return float(np.where(size <= HUBER, size**2 / 2, HUBER * (size - HUBER / 2)).sum())

    found = fit_law(runs)
    ours = huber(np.concatenate([found.floor[:1], found.slopes[0]]))
    random = np.random.default_rng(0)
    starts = [np.concatenate([[losses.min() * random.uniform(0, 1)], random.normal(0, 1, 3)]) for _ in range(4)]
    theirs = min(minimize(huber, start, method="L-BFGS-B").fun for start in starts)
    assert ours <= theirs * (1 + 1e-3)


shares_ = st.lists(st.floats(-2, 2), min_size=2, max_size=6)


@settings(max_examples=20)
@given(shares_, st.randoms())
def test_projection_is_the_nearest_point_within_the_caps(point: list[float], random: Any) -> None:
    most = np.array([random.uniform(0.5, 1) for _ in point])
    found = project(np.array(point), most)
    assert found.sum() == pytest.approx(1)
    assert (found >= 0).all()
    assert (found <= most * (1 + 1e-9)).all()
    for _ in range(20):
        other = project(np.array([random.uniform(-2, 2) for _ in point]), most)
        assert np.sum((found - point) ** 2) <= np.sum((other - point) ** 2) + 1e-9


def test_the_best_mixture_is_the_best_of_a_grid_within_the_caps() -> None:
    weights, most = np.array([0.5, 0.5]), np.array([0.4, 1.0, 1.0])
    best = minimise(TRUE, weights, most)
    assert best[0] <= 0.4 + 1e-9
    grid = [[a, b, 1 - a - b] for a in np.arange(0, 0.401, 0.02) for b in np.arange(0, 1.0001 - a, 0.02)]
    assert TRUE.predict(best[None]) @ weights <= (TRUE.predict(np.array(grid)) @ weights).min() + 1e-9
    with pytest.raises(RecipeError, match=r"0\.6 in all"):
        minimise(TRUE, weights, np.array([0.2, 0.2, 0.2]))


def test_too_few_and_contradictory_runs_are_refused() -> None:
    with pytest.raises(UsageError, match="5 runs are too few: a law of 3 groups has 4 parameters a target"):
        laws.held_out_correlation(runs_of(5), np.array([0.5, 0.5]))
    laws.held_out_correlation(runs_of(6), np.array([0.5, 0.5]))  # though fewer are left while some are held out
    runs = runs_of(20)
    shares, losses = np.vstack([runs.inputs, runs.inputs[:1]]), np.vstack([runs.losses, runs.losses[:1] + 3])
    with pytest.raises(UsageError, match="runs contradict each other: 2 runs of books"):
        check_consistent(ProxyRuns(GROUPS, runs.targets, shares, losses), np.array([0.5, 0.5]))
    with pytest.raises(UsageError, match="same loss"):
        check_consistent(ProxyRuns(GROUPS, runs.targets, runs.inputs, np.ones((20, 2))), np.array([0.5, 0.5]))


def test_noise_is_not_ranked() -> None:
    random = np.random.default_rng(0)
    noise = ProxyRuns(GROUPS, ("a",), runs_of(40).inputs, random.normal(2, 1, (40, 1)))
    assert laws.held_out_correlation(noise, np.ones(1)) < 0.6


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=3))
def test_rank_correlation(pairs: list[tuple[int, int]]) -> None:
    a, b = np.array(pairs, np.float64).T
    if np.ptp(a) and np.ptp(b):
        assert spearman(a, b) == pytest.approx(spearmanr(a, b).statistic)
    else:
        assert spearman(a, b) == 0


def test_regmix_ranks_and_finds_a_better_mixture() -> None:
    pytest.importorskip("lightgbm")
    runs, weights = runs_of(128, noise=0.005), np.array([0.5, 0.5])
    assert regmix.held_out_correlation(runs, weights) > 0.9
    shares, _ = regmix.best_simulated(regmix.fit_trees(runs, weights), np.full(3, 1 / 3))
    assert shares.sum(axis=1) == pytest.approx(1)
    best = TRUE.predict(shares[:128].mean(axis=0)[None]) @ weights
    assert best < np.quantile(runs.losses @ weights, 0.05)
    with pytest.raises(UsageError, match="20 runs are too few"):
        regmix.held_out_correlation(runs_of(20), weights)


def test_tables_of_runs(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("mixture.web,mixture.code,loss.val,seed\n3,1,2.5,0\n1,1,2.25,0\n")
    (tmp_path / "a.jsonl").write_text(
        '{"mixture": {"web": 0.75, "code": 0.25}, "loss": {"val": 2.5}}\n'
        '{"mixture": {"web": 0.5, "code": 0.5}, "loss": {"val": 2.25}}\n'
    )
    pq.write_table(
        pa.table({"mixture.web": [3, 1], "mixture.code": [1, 1], "loss.val": [2.5, 2.25]}), tmp_path / "a.parquet"
    )
    for name in ("a.csv", "a.jsonl", "a.parquet"):
        runs = read_runs(str(tmp_path / name))
        assert (runs.names, runs.targets) == (("code", "web"), ("val",))
        assert runs.inputs.tolist() == [[0.25, 0.75], [0.5, 0.5]]
        assert runs.losses.tolist() == [[2.5], [2.25]]
    assert combine(runs, {"val": 3}).tolist() == [1.0]
    with pytest.raises(UsageError, match="no loss of other"):
        combine(runs, {"other": 1})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("mixture.web,loss.val\n1,2\n", "two columns"),
        ("mixture.a,mixture.b,loss.val\n1,x,2\n", "no number"),
        ("mixture.a,mixture.b,loss.val\n1,,2\n", "missing"),
        ("mixture.a,mixture.b,loss.val\n0,0,2\n", "not all 0"),
    ],
)
def test_tables_that_are_none(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "a.csv").write_text(content)
    with pytest.raises(InputError, match=message):
        read_runs(str(tmp_path / "a.csv"))
