"""fit-mixture and plan-mix from the command line, and what budgets and quality cost."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner, Result

from textmill.pipeline.cli import app
from textmill.pipeline.errors import RecipeError, UsageError
from textmill.pipeline.mixing.budgets import outlook, plot, with_budget
from textmill.pipeline.mixing.cells import count_cells
from textmill.pipeline.mixing.mixture import Mixture
from textmill.pipeline.mixing.plan import make_plan
from textmill.pipeline.mixing.quality_quantity import Pools, predicted_error, recommend_keep_share
from textmill.pipeline.mixing.repetition import effective_tokens, predicted_loss
from textmill.pipeline.proxy_runs import read_runs


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty noisy runs of three sources, in which code is the best."""
    random = np.random.default_rng(0)
    shares = random.dirichlet(np.ones(3), 40)
    losses = 2 + np.exp(shares @ np.array([-0.2, -1.5, 0.4])) + random.normal(0, 0.005, 40)
    path = tmp_path_factory.mktemp("runs") / "runs.csv"
    rows = [",".join(map(str, [*row, loss])) for row, loss in zip(shares.tolist(), losses.tolist(), strict=True)]
    path.write_text("mixture.books,mixture.code,mixture.web,loss.val\n" + "\n".join(rows) + "\n")
    return path


def test_a_fit_becomes_weights_within_the_caps(runs: Path, tmp_path: Path) -> None:
    fit = str(tmp_path / "law.json")
    result = run("fit-mixture", str(runs), "--out", fit)
    assert result.exit_code == 0, result.output
    assert "ranked with Spearman 0.9" in result.output
    cells = count_cells(["source"], [("books",), ("code",), ("web",)], [0, 1, 2], [10_000, 1000, 10_000])
    weights = {"kind": "mixing_law", "file": fit}
    (free,) = make_plan(Mixture(weights=weights, budget_tokens=1000), cells).phases
    largest = read_runs(str(runs)).inputs.max(axis=0)  # code is best, but nobody tried more of it
    assert [group.share for group in free.groups] == pytest.approx([1 - largest[1], largest[1], 0], abs=1e-6)
    (capped,) = make_plan(Mixture(weights=weights, budget_tokens=8000, max_epochs=2), cells).phases
    assert capped.groups[1].tokens == pytest.approx(2000)
    assert capped.groups[0].tokens == pytest.approx(8000 * largest[0])  # books do less harm than web
    caps = {"books": 0.09, "code": 0.09, "web": 1}
    with pytest.raises(RecipeError, match=r"largest shares that runs of .* had, allow less than 1: books 0\.1, code"):
        make_plan(Mixture(weights=weights, budget_tokens=9000, max_epochs=caps), cells)
    other = count_cells(["source"], [("books",), ("cod",)], [0, 1], [10, 10])
    with pytest.raises(RecipeError, match=r"not in it: cod; not here: code, web"):
        make_plan(Mixture(weights=weights), other)


def test_regmix_from_the_command_line(runs: Path, tmp_path: Path) -> None:
    pytest.importorskip("lightgbm")
    fit = str(tmp_path / "regmix.json")
    result = run("fit-mixture", str(runs), "--out", fit, "--method", "regmix", "--min-correlation", "0.7")
    assert result.exit_code == 0, result.output
    cells = count_cells(["source"], [("books",), ("code",), ("web",)], [0, 1, 2], [10_000, 10_000, 10_000])
    (plan,) = make_plan(Mixture(weights={"kind": "regmix", "file": fit}, budget_tokens=1000), cells).phases
    assert plan.groups[1].share > 0.6
    assert sum(group.tokens for group in plan.groups) == pytest.approx(1000)
    tight = Mixture(weights={"kind": "regmix", "file": fit}, budget_tokens=29_000, max_epochs=1)
    with pytest.raises(RecipeError, match="none of the 4096 best mixtures"):
        make_plan(tight, cells)


def test_runs_that_say_too_little_leave_no_file(runs: Path, tmp_path: Path) -> None:
    lines = runs.read_text().splitlines()
    few, noise = tmp_path / "few.csv", tmp_path / "noise.csv"
    few.write_text("\n".join(lines[:5]))
    random = np.random.default_rng(1)
    noise.write_text("\n".join([lines[0], *(f"{line.rpartition(',')[0]},{random.normal()}" for line in lines[1:])]))
    for path in (few, noise):
        result = run("fit-mixture", str(path), "--out", str(tmp_path / "fit.json"))
        assert isinstance(result.exception, UsageError)  # which main() turns into exit code 2
    assert not (tmp_path / "fit.json").exists()
    assert "are ranked with Spearman" in str(result.exception)


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sources, of 100 and 400 tokens as counted, mixed; the run is done."""
    folder = tmp_path_factory.mktemp("planned")
    for name, documents in (("books", 10), ("web", 40)):
        rows = [json.dumps({"id": f"{name}{n}", "text": f"{name} number {n}", "tokens": 10}) for n in range(documents)]
        (folder / f"{name}.jsonl").write_text("\n".join(rows))
    content = {
        "name": "planned",
        "inputs": [{"source": n, "read": "jsonl", "files": f"{folder}/{n}.jsonl"} for n in ("books", "web")],
        "output": {"path": str(folder / "out")},
        "stages": [{"barrier": "mixture", "mix": {"weights": {"kind": "unimax"}, "budget_tokens": 300}}],
    }
    path = folder / "planned.yaml"
    path.write_text(yaml.safe_dump(content))
    result = run("run", str(path), "--executor", "inline")
    assert result.exit_code == 0, result.output
    return path


def test_a_column_of_estimates_is_not_called_counted(recipe: Path, tmp_path: Path) -> None:
    content = yaml.safe_load(recipe.read_text())
    content["output"]["path"] = str(tmp_path / "out")
    mix = {"mix": "final", "tokens_column": "estimated_tokens"}
    content["stages"] = [{"chain": "count", "steps": ["token_count"]}, mix]
    path = tmp_path / "estimated.yaml"
    path.write_text(yaml.safe_dump(content))
    run("run", str(path), "--executor", "inline")
    assert "50 documents, 150 tokens, tokens estimated for 100.0% of them" in run("plan-mix", str(path)).output


def test_budgets_of_a_run(recipe: Path, tmp_path: Path) -> None:
    svg = tmp_path / "plot.svg"
    for given in (recipe, recipe.parent / "out"):
        arguments = ["--budget", "500", "--budget", "2k", "--budget", "10k", "--svg", str(svg)]
        result = run("plan-mix", str(given), *arguments, "--json")
        assert result.exit_code == 2  # for the third is not possible
        first, second, third = json.loads(result.output)
        assert (first["unique_tokens"], first["effective_tokens"]) == (
            350,
            pytest.approx(250 + float(effective_tokens(100, 2.5))),
        )
        assert second["effective_tokens"] < 2000
        assert [group["tokens"] for group in second["plan"]["phases"][0]["groups"]] == [400, 1600]
        assert "10k tokens is more than the 2k" in third["problem"]
        assert ET.fromstring(svg.read_text()).tag.endswith("svg")
    shown = run("plan-mix", str(recipe), "--parameters", "1M").output
    assert "50 documents, 500 tokens, tokens counted" in shown
    assert "budget 300" in shown
    few = run("plan-mix", str(recipe), "--utilities", "-0.2,-0.1")
    assert "says nothing below 10,000,000 samples or tokens" in str(few.exception)


def test_an_outlook_agrees_with_the_law_of_repeated_data() -> None:
    cells = count_cells(["source"], [("web",)], [0], [25 * 10**9])
    found = outlook(Mixture(max_epochs=10), cells, 242 * 10**9, 6.34e9)
    assert found.loss == pytest.approx(predicted_loss(6.34e9, 242e9, 25e9))
    assert found.loss == pytest.approx(2.2256440889984477)


def test_phases_keep_their_shares_of_another_budget() -> None:
    phases = [{"name": "a", "budget_tokens": 900}, {"name": "b", "budget_tokens": 100}]
    scaled = with_budget(Mixture(phases=phases), 5000)
    assert [phase.share for phase in scaled.phases] == [0.9, 0.1]
    cells = count_cells(["source"], [("web",)], [0], [5000])
    assert [phase.budget_tokens for phase in make_plan(scaled, cells).phases] == [4500, 500]
    assert plot([outlook(Mixture(), cells, 10**9)]) == ""


def test_golden_errors_of_the_law_of_filtering() -> None:
    pools = Pools(0.01, (-0.1,), 2, 0.1)
    found = [predicted_error(pools, 12.8e6, 12.8e6 * passes) for passes in (1, 2, 3, 4)]
    assert found == pytest.approx([1.075616, 1.024168, 1.003614, 0.993458], abs=1e-6)


def test_the_share_to_keep_grows_with_the_budget() -> None:
    pools = Pools(0.01, (-0.3, -0.2, -0.1, -0.05), 2, 0.1)
    kept = [recommend_keep_share(pools, 1e9, budget)[0].share for budget in (1e9, 1e10, 1e11, 1e13)]
    assert kept == sorted(kept)
    assert kept[0] == 0.25
    assert kept[-1] > 0.25
    with pytest.raises(UsageError, match="says nothing below 10,000,000"):
        recommend_keep_share(pools, 1e7, 1e8)
    with pytest.raises(UsageError, match="best"):
        recommend_keep_share(Pools(0.01, (-0.1, -0.2), 2, 0.1), 1e7, 1e8)


def test_entropies_of_files_become_weights(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for name, kinds in (("dull", 2), ("rich", 8)):
        (tmp_path / f"{name}.txt").write_text(" ".join(f"w{n}" for n in random.integers(0, kinds, 5000)))
    inputs = [str(tmp_path / "dull.txt"), str(tmp_path / "rich.txt")]
    result = run("fit-entropy", *inputs, "--out", str(tmp_path / "bits.json"))
    assert result.exit_code == 0, result.output
    cells = count_cells(["source"], [(name,) for name in inputs], [0, 1], [10_000, 10_000])
    with pytest.raises(RecipeError, match="no entropy for"):
        make_plan(Mixture(weights={"kind": "entropy", "entropies": {"web": 1}}), cells)
    weights = {"kind": "entropy", "file": str(tmp_path / "bits.json")}
    (plan,) = make_plan(Mixture(weights=weights, budget_tokens=1000), cells).phases
    assert [round(group.share, 2) for group in plan.groups] == [0.25, 0.75]  # one bit and three


def test_factors_from_a_run(tmp_path: Path) -> None:
    """Pairs of duplicates are kept by the filter that follows, documents without one are not."""
    random = np.random.default_rng(0)
    syllables = [a + b + c for a in "bdfgklmnprst" for b in "aeiou" for c in "lmnrs"]
    texts = [" ".join(random.choice(syllables, 30)) for _ in range(100)]
    lines = [*texts[:40], *texts[:40], *(f"bad {text}" for text in texts[40:])]
    (tmp_path / "a.txt").write_text("".join(f"{line}\n" for line in lines))
    content = {
        "name": "factors",
        "inputs": [{"source": "a", "read": "support:Lines", "files": str(tmp_path / "a.txt")}],
        "output": {"path": str(tmp_path / "out")},
        "stages": [
            {"barrier": "near", "minhash": {"bands": 1, "rows": 16}},
            {"chain": "c", "steps": ["support:without"]},
        ],
    }
    (tmp_path / "factors.yaml").write_text(yaml.safe_dump(content))
    assert run("run", str(tmp_path / "factors.yaml"), "--executor", "inline").exit_code == 0
    options = ["--out", str(tmp_path / "factors.json"), "--max-factor", "4"]
    result = run("fit-rehydration", str(tmp_path / "out"), *options, "--tail", "9")
    assert result.exit_code == 0, result.output
    assert json.loads((tmp_path / "factors.json").read_text()) == {"factors": {"1": 1, "2": 4}}
    within = {"kind": "rehydrate", "file": str(tmp_path / "factors.json")}
    cells = count_cells(["source"], [("a",)], [0, 0, 0], [10, 10, 10], [1, 2, 3])
    plan = make_plan(Mixture(within=within), cells)
    rates = plan.rates("main", np.zeros(3, np.int64), np.array([1.0, 2.0, 3.0]))
    assert rates.tolist() == [1, 4, 4]
