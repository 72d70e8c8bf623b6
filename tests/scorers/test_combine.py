"""Scores are put together as their definition says, on statistics that depend on no order."""

import json
from pathlib import Path
from typing import Any

import naive_scores
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from textmill import batch_of, score
from textmill.pipeline.cli import main
from textmill.pipeline.errors import ModelError, UsageError
from textmill.scorers.combine import Combine
from textmill.scorers.score_statistics import measure_scores

NUMBERS = st.integers(-50, 50).map(float)


def scored(**columns: Any) -> pa.RecordBatch:
    n = len(next(iter(columns.values())))
    return batch_of({"text": ["x"] * n, **{k: pa.array(v, pa.float64(), from_pandas=True) for k, v in columns.items()}})


def write(folder: Path, batch: pa.RecordBatch, weights: dict[str, float] | None = None) -> str:
    columns = [name for name in batch.schema.names if name not in ("id", "source", "text")]
    content = measure_scores([batch], columns, documents=1000, most_alike=0.95) | {"weights": weights}
    path = folder / f"{len(list(folder.iterdir()))}.json"
    path.write_text(json.dumps(content))
    return str(path)


def test_the_weighted_sum_by_hand(tmp_path: Path) -> None:
    batch = scored(good=[1.0, 2.0, 3.0], bad=[30.0, 10.0, 20.0])  # deviations sqrt(2/3) and sqrt(200/3)
    step = Combine(statistics=write(tmp_path, batch), weights={"good": 2.0, "bad": -1.0})
    one = 1.5**0.5
    assert score(step, batch)["combined"] == pytest.approx([-3 * one, one, 2 * one], rel=1e-6)
    assert step.reads() == {"good", "bad"}
    from_file = Combine(statistics=write(tmp_path, batch, {"good": 2.0, "bad": -1.0}))
    assert score(from_file, batch) == score(step, batch)


@given(
    sample=st.lists(st.tuples(NUMBERS, NUMBERS), min_size=5, max_size=40),
    values=st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=5),
    levels=st.sampled_from([5, 10, 20]),
)
@settings(max_examples=60)
def test_ranks_are_how_many_bounds_are_reached(
    tmp_path_factory: pytest.TempPathFactory, sample: list[Any], values: list[Any], levels: Any
) -> None:
    (a, b), folder = zip(*sample, strict=True), tmp_path_factory.mktemp("ranks")
    if len(set(a)) < 2 or len(set(b)) < 2:
        return
    path = write(folder, scored(a=a, b=b))
    batch = scored(a=[v[0] for v in values], b=[v[1] for v in values])
    expected = [
        (naive_scores.level(x, a, levels), naive_scores.level(y, b, levels, high_is_good=False)) for x, y in values
    ]
    weights = {"a": 3.0, "b": -1.0}
    best = score(Combine(statistics=path, method="max", levels=levels, weights=weights), batch)["combined"]
    assert best == [max(pair) for pair in expected]
    mean = score(Combine(statistics=path, method="mean", levels=levels, weights=weights), batch)["combined"]
    assert mean == pytest.approx([(3 * x + y) / 4 for x, y in expected], rel=1e-6)


def test_a_missing_score_is_null_or_passed_over(tmp_path: Path) -> None:
    batch = scored(a=[1.0, 3.0, None, np.inf], b=[None, 2.0, None, 4.0])
    path = write(tmp_path, batch)
    strict, loose = (Combine(statistics=path, weights={"a": 1, "b": 1}, missing=m) for m in ("null", "skip"))
    assert [v is None for v in score(strict, batch)["combined"]] == [True, False, True, True]
    assert score(loose, batch)["combined"] == [-1.0, 0.0, None, 1.0]
    assert strict.tally(strict.apply(batch)[0]) == {"without_score": 3}
    ranked = Combine(statistics=path, method="max", missing="skip", levels=5)
    assert score(ranked, batch)["combined"] == [0, 4, None, 4]


@given(order=st.permutations(range(30)), cut=st.integers(0, 30))
@settings(max_examples=25)
def test_statistics_depend_on_the_documents_alone(order: list[int], cut: int) -> None:
    random = np.random.default_rng(1)
    batch = scored(a=random.normal(size=30), b=random.normal(size=30))
    moved = batch.take(pa.array(order))
    parts = [moved.slice(0, cut), moved.slice(cut)]
    given_whole = measure_scores([batch], ["a", "b"], documents=12, most_alike=0.95)
    assert measure_scores(parts, ["a", "b"], documents=12, most_alike=0.95) == given_whole
    assert given_whole["documents"] == 12


def test_a_column_that_repeats_another_is_left_out() -> None:
    random = np.random.default_rng(0)
    a, c = random.normal(size=200), random.normal(size=200)
    batch = scored(a=a, b=-2 * a + 0.01 * random.normal(size=200), c=c)
    found = measure_scores([batch], ["a", "b", "c"], documents=1000, most_alike=0.95)
    assert found["kept"] == ["a", "c"]
    assert found["dropped"]["b"]["like"] == "a"
    assert found["dropped"]["b"]["correlation"] < -0.99
    assert found["correlations"][0][2] == pytest.approx(np.corrcoef(a, c)[0, 1], abs=1e-6)


def test_bad_columns_and_files_are_told(tmp_path: Path) -> None:
    batch = scored(a=[1.0, 2.0], b=[3.0, 3.0], c=[None, None])
    for columns, message in (
        (["aa"], "no column 'aa'; did you mean 'a'"),
        (["b"], "b is 3"),
        (["c"], "has a c"),
        (["text"], "no score"),
    ):
        with pytest.raises(UsageError, match=message):
            measure_scores([batch], columns, documents=10, most_alike=0.95)
    path = write(tmp_path, scored(quality=[1.0, 2.0]))
    with pytest.raises(ModelError, match="no statistics of 'qualty'; did you mean 'quality'"):
        Combine(statistics=path, weights={"qualty": 1}).prepare()
    with pytest.raises(ModelError, match="holds no weights"):
        Combine(statistics=path).reads()
    (tmp_path / "other.json").write_text('{"columns": []}')
    with pytest.raises(ModelError, match="not what textmill fit-weights writes"):
        Combine(statistics=str(tmp_path / "other.json")).prepare()
    with pytest.raises(ValueError, match="weight of a is 0"):
        Combine(statistics=path, weights={"a": 0.0})


BEST = np.array([0.6, 0.1, -0.3])


def proxy_runs(folder: Path, *, noise: float, count: int = 60) -> str:
    """Weights at random, and losses that are least at `BEST`."""
    random = np.random.default_rng(5)
    weights = random.dirichlet(np.ones(3), count) * [1, 1, -1]
    loss = 2 + ((weights - BEST) ** 2).sum(axis=1) * (noise < 1) + random.normal(0, noise, count)
    names = [*(f"weight.{name}" for name in ("a", "b", "c")), "loss.val"]
    rows = [",".join(map(str, row)) for row in np.column_stack([weights, loss])]
    path = folder / "runs.csv"
    path.write_text("\n".join([",".join(names), *rows]) + "\n")
    return str(path)


@pytest.fixture
def scores(tmp_path: Path) -> str:
    random = np.random.default_rng(0)
    batch = scored(a=random.normal(size=50), b=random.normal(size=50), c=random.normal(size=50))
    pq.write_table(pa.Table.from_batches([batch]), tmp_path / "scores.parquet")
    return str(tmp_path / "scores.parquet")


@pytest.mark.parametrize("method", ["quadratic", "trees"])
def test_weights_from_runs_are_near_the_best(tmp_path: Path, scores: str, method: str) -> None:
    from textmill.pipeline.cli import app

    if method == "trees":
        pytest.importorskip("lightgbm")
    out, runs = tmp_path / "w.json", proxy_runs(tmp_path, noise=0.002, count=200)
    options = ["--scores", scores, "--columns", "a,b,c", "--out", str(out), "--runs", runs, "--method", method]
    done = CliRunner().invoke(app, ["fit-weights", *options])
    assert done.exit_code == 0, done.output
    content = json.loads(out.read_text())
    assert content["fit"]["held_out_correlation"] > 0.9
    found = np.array([content["weights"][name] for name in ("a", "b", "c")])
    assert np.abs(found).sum() == pytest.approx(1)
    assert found == pytest.approx(BEST, abs=0.04 if method == "quadratic" else 0.15)
    assert "weights: a 0." in done.output
    assert Combine(statistics=str(out)).reads() == {"a", "b", "c"}


def test_runs_that_say_nothing_are_refused(
    tmp_path: Path, scores: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "w.json"
    options = ["--scores", scores, "--columns", "a,b,c", "--out", str(out), "--runs", proxy_runs(tmp_path, noise=1)]
    monkeypatch.setattr("sys.argv", ["textmill", "fit-weights", *options])
    with pytest.raises(SystemExit) as exit_:
        main()
    assert exit_.value.code == 2
    assert "Spearman" in capsys.readouterr().err
    assert not out.exists()


def test_statistics_alone_need_no_runs(tmp_path: Path, scores: str) -> None:
    from textmill.pipeline.cli import app

    out = tmp_path / "w.json"
    done = CliRunner().invoke(app, ["fit-weights", "--scores", scores, "--columns", "a,b", "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert "a: mean" in done.output
    step = Combine(statistics=str(out), method="max")
    assert step.reads() == {"a", "b"}
    found = score(step, pq.read_table(scores).to_batches()[0])["combined"]
    assert min(found) >= 0
    assert max(found) == 19
