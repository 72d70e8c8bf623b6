"""A run that ends with a mix: the corpus is what was planned, whoever did it, and every row is accounted for."""

import io
import itertools
import json
import re
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from mixes import GROUPS, MIX, PHASES, findings, ids_in_order, mixed_recipe, shares, tokens_of, write_documents
from rich.console import Console
from support import Log, decisions

from textmill.pipeline.errors import RecipeError
from textmill.pipeline.executor import Inline, Serial
from textmill.pipeline.recipe_reader import parse_recipe
from textmill.pipeline.reports.explain import explain, render_explanation
from textmill.pipeline.reports.funnel import render_funnel
from textmill.pipeline.reports.report import report
from textmill.pipeline.reports.verify import verify
from textmill.pipeline.run import run
from textmill.pipeline.step_help import render_one


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("documents")
    write_documents(folder)
    return folder


@pytest.fixture(scope="module")
def out(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("mixed") / "out"
    run(mixed_recipe(folder, output={"shard_tokens": 2100}), str(out), Inline())
    return out


@pytest.fixture
def broken(out: Path, tmp_path: Path) -> Path:
    """A copy to break."""
    return Path(shutil.copytree(out, tmp_path / "out"))


def data_of(out: Path) -> dict[str, bytes]:
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in (out / "data").rglob("*") if path.is_file()}


def test_every_document_is_in_each_phase_about_as_often_as_its_group_asks_for(out: Path, folder: Path) -> None:
    tokens = tokens_of(folder)
    unique = shares(list(tokens), tokens)
    for phase, budget, wanted in (
        ("stable", 6000, {"books": 0.3, "code": 0.3, "web": 0.4}),
        ("anneal", 1000, {group: count / sum(unique.values()) for group, count in unique.items()}),
    ):
        ids = ids_in_order(out, phase)
        times = Counter(ids)
        for group, found in shares(ids, tokens).items():
            rate = budget * wanted[group] / unique[group]
            part = rate % 1
            spread = sum(n * n for name, n in tokens.items() if name.startswith(group)) * part * (1 - part)
            assert abs(found - budget * wanted[group]) <= 3 * spread**0.5 + 1
            assert {times[name] for name in tokens if name.startswith(group)} <= {int(rate), int(rate) + 1}


def test_documents_of_no_phase_leave_with_a_reason_and_the_books_balance(out: Path, folder: Path) -> None:
    used = {name for phase in PHASES for name in ids_in_order(out, phase)}
    left = decisions(out)
    assert {row["reason"] for row in left} == {"not_sampled"}
    assert used | {row["id"] for row in left} == tokens_of(folder).keys()
    assert len(used) + len(left) == sum(GROUPS.values())
    (summary,) = out.glob("stages/*-output-*/manifest.json")
    books = json.loads(summary.read_text())["ledger"]
    assert books["rows_in"] == len(used)
    assert books["rows_in"] + books["copies"] == books["rows_out"] == sum(len(ids_in_order(out, p)) for p in PHASES)


def test_files_have_the_size_asked_for_and_no_column_of_the_mix(out: Path) -> None:
    paths = sorted((out / "data").rglob("*.parquet"))
    total = findings(out)["phases"][0]["tokens"]
    count = -(-total // 2100)
    assert [path.relative_to(out / "data").as_posix() for path in paths] == [
        "anneal/part-00000.parquet",
        *(f"stable/part-0000{number}.parquet" for number in range(count)),
    ]
    sizes = [sum(pq.read_table(path).column("tokens").to_pylist()) for path in paths[1:]]
    assert all(abs(size - total / count) <= 25 for size in sizes)  # a document has 25 tokens at most
    assert pq.read_schema(paths[0]).names == ["id", "source", "text", "tokens", "url"]


def test_copies_are_far_apart_and_documents_of_all_groups_are_everywhere(out: Path) -> None:
    ids = ids_in_order(out, "stable")
    places: dict[str, list[int]] = {}
    for place, name in enumerate(ids):
        places.setdefault(name, []).append(place)
    apart = [(b - a) / len(ids) for found in places.values() for a, b in itertools.pairwise(found)]
    whole = {len(found) for name, found in places.items() if name.startswith("books")}
    assert whole <= {2, 3, 4}
    assert sum(apart) / len(apart) > 0.2
    quarter = len(ids) // 4
    for start in range(0, 4 * quarter, quarter):
        assert {name.partition("-")[0] for name in ids[start : start + quarter]} == set(GROUPS)


@pytest.mark.parametrize("files", [1, 3])
def test_the_corpus_does_not_depend_on_how_documents_are_spread_over_files(
    out: Path, tmp_path: Path, files: int
) -> None:
    write_documents(tmp_path, files=files)
    run(mixed_recipe(tmp_path, output={"shard_tokens": 2100}), str(tmp_path / "out"), Inline())
    assert data_of(tmp_path / "out") == data_of(out)


def test_a_worker_in_a_process_of_its_own_gives_the_same_bytes(out: Path, folder: Path, tmp_path: Path) -> None:
    executor = Serial()
    run(mixed_recipe(folder, output={"shard_tokens": 2100}), str(tmp_path / "out"), executor)
    executor.close()
    assert data_of(tmp_path / "out") == data_of(out)


@pytest.mark.ray
def test_workers_on_ray_give_the_same_bytes(out: Path, folder: Path, tmp_path: Path) -> None:
    from textmill.pipeline.ray_executor import RayExecutor

    executor = RayExecutor(None, 2)
    run(mixed_recipe(folder, output={"shard_tokens": 2100}), str(tmp_path / "out"), executor)
    executor.close()
    assert data_of(tmp_path / "out") == data_of(out)


def test_another_seed_gives_another_corpus(out: Path, folder: Path, tmp_path: Path) -> None:
    run(mixed_recipe(folder, seed=1, output={"shard_tokens": 2100}), str(tmp_path / "out"), Inline())
    assert ids_in_order(tmp_path / "out", "stable") != ids_in_order(out, "stable")


def test_a_second_run_does_nothing_and_another_file_size_only_the_output(out: Path, folder: Path, broken: Path) -> None:
    log = Log()
    again = run(mixed_recipe(folder, output={"shard_tokens": 2100}), str(broken), Inline(), watcher=log)
    assert set(log.done.values()) == {0}
    assert again.reused == ["read", "final", "after_final", "output"]
    other = run(mixed_recipe(folder, output={"shard_tokens": 500}), str(broken), Inline())
    assert other.reused == ["read", "final", "after_final"]
    assert len(list((broken / "data/stable").iterdir())) in (12, 13)
    assert ids_in_order(broken, "stable") == ids_in_order(out, "stable")


def test_a_corpus_file_that_is_gone_comes_back_as_it_was(out: Path, folder: Path, broken: Path) -> None:
    (broken / "data/stable/part-00001.parquet").unlink()
    run(mixed_recipe(folder, output={"shard_tokens": 2100}), str(broken), Inline())
    assert data_of(broken) == data_of(out)


def test_a_sound_corpus_is_verified(out: Path) -> None:
    found = verify(str(out))
    assert (found.problems, found.warnings, found.incomplete) == ([], [], [])
    assert found.documents == sum(len(ids_in_order(out, phase)) for phase in PHASES)


def test_copies_that_the_plan_does_not_give_are_found(broken: Path) -> None:
    (path,) = broken.glob("stages/*-final-*/findings.json")
    content = json.loads(path.read_text())
    content["mixture"]["seed"] = 1
    path.write_text(json.dumps(content))
    told = [problem.what for problem in verify(str(broken)).problems]
    assert any("rows have other copies than the plan and their ids give, such as" in what for what in told)


def test_a_document_that_took_the_place_of_another_is_found(broken: Path) -> None:
    """Such as a bug of the shuffle would leave it: every file vouched for, the wrong documents in it."""
    from textmill.pipeline.reports.verify_mix import _wrong_ids

    path = broken / "data/anneal/part-00000.parquet"
    table = pq.read_table(path)
    first, second = table.column("id")[0].as_py(), table.column("id")[1].as_py()
    ids = table.column("id").to_pylist()
    ids[1] = first
    pq.write_table(table.set_column(0, "id", [ids]), path)
    chained = sorted(str(file) for file in broken.glob("stages/*-after_final-*/data/*.parquet"))
    (told,) = _wrong_ids(chained, [str(path)], "mix_copies_anneal")
    assert told.startswith("2 ids are not in this phase as often as the mix says, such as")
    assert first in told or second in told


def test_findings_tell_what_was_asked_for_and_what_came_of_it(out: Path, folder: Path) -> None:
    told, tokens = findings(out), tokens_of(folder)
    assert (told["by"], told["seed"], told["tokens_from"]) == (["source"], 0, "column tokens")
    for phase in told["phases"]:
        ids = ids_in_order(out, phase["name"])
        assert phase["copies"] == len(ids)
        assert {group["group"]: group["tokens"] for group in phase["groups"]} == shares(ids, tokens)
    stable = told["phases"][0]["groups"][0]
    assert stable["group"] == "books"
    assert stable["documents_used"] <= stable["documents"] == 40
    assert stable["epochs"] == pytest.approx(1800 / stable["unique_tokens"])


def test_tokens_are_estimated_where_nothing_counted_them_and_called_so(folder: Path, tmp_path: Path) -> None:
    recipe = mixed_recipe(folder, counted="counts", phases=[{"name": "main", "budget_tokens": 1000}])
    run(recipe, str(tmp_path / "out"), Inline())
    assert findings(tmp_path / "out")["tokens_from"] == "estimated from characters by script"


def test_a_column_of_tokens_that_nothing_adds_is_told(folder: Path) -> None:
    with pytest.raises(RecipeError, match="reads 'counts', which no earlier step adds"):
        mixed_recipe(folder, tokens_column="counts")
    assert mixed_recipe(folder, counted="counts", tokens_column="counts").stages


def test_variants_without_a_source_stand_beside_their_phase(folder: Path, tmp_path: Path) -> None:
    phases = [
        {"name": "stable", "budget_tokens": 2000, "weights": {"kind": "proportional"}},
        {
            "name": "anneal",
            "budget_tokens": 500,
            "weights": {"kind": "proportional"},
            "leave_one_out": "source",
        },
    ]
    run(mixed_recipe(folder, phases=phases), str(tmp_path / "out"), Inline())
    assert sorted(path.name for path in (tmp_path / "out/data").iterdir()) == [
        "anneal",
        *(f"anneal-without-{group}" for group in GROUPS),
        "stable",
    ]
    assert not any(name.startswith("web") for name in ids_in_order(tmp_path / "out", "anneal-without-web"))
    rate = 2500 / sum(tokens_of(folder).values())  # variants stand in for anneal, and add nothing
    left = [row["value"] for row in decisions(tmp_path / "out")]
    assert left
    assert left == pytest.approx([rate] * len(left))
    assert verify(str(tmp_path / "out")).problems == []


def test_a_mixture_that_the_documents_do_not_allow_says_which_numbers_are_at_odds(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"a budget of 1M tokens is more than the .* that caps .* leave: web"):
        run(mixed_recipe(folder, phases=[{"name": "main", "budget_tokens": "1M"}]), str(tmp_path / "out"), Inline())


def test_a_mix_ends_a_recipe() -> None:
    inputs = [{"source": "a", "read": "support:Lines", "files": "*.txt"}]
    stages = [MIX, {"chain": "late", "steps": ["support:length"]}]
    with pytest.raises(RecipeError, match="mix 'final' is not the last stage"):
        parse_recipe({"name": "test", "inputs": inputs, "stages": stages})


def test_a_resolved_recipe_reads_back_as_the_same(folder: Path) -> None:
    import yaml

    recipe = mixed_recipe(folder)
    assert parse_recipe(yaml.safe_load(recipe.to_yaml())) == recipe
    assert yaml.safe_load(recipe.to_yaml())["stages"][0]["mix"] == "final"


def told(render: Callable[[Console], None]) -> str:
    console = Console(width=100, record=True, file=io.StringIO())
    render(console)
    return console.export_text()


def test_the_report_tells_each_group_before_and_after(out: Path, folder: Path) -> None:
    content, tokens = report(str(out)), tokens_of(folder)
    unique = shares(list(tokens), tokens)
    used = {name for phase in PHASES for name in ids_in_order(out, phase)}
    rows = sum(len(ids_in_order(out, phase)) for phase in PHASES)
    assert (content["documents_kept"], content["corpus"]["documents"]) == (len(used), rows)
    assert content["corpus"]["copies"] == rows - len(used)
    assert content["balanced"]
    assert {name: group["documents_in"] for name, group in content["sources"].items()} == GROUPS
    mixture = content["mixture"]
    assert mixture["unique_tokens"] == sum(tokens.values())
    for phase in mixture["phases"]:
        after = shares(ids_in_order(out, phase["name"]), tokens)
        for group in phase["groups"]:
            name = group["group"]
            assert group["share_before"] == pytest.approx(unique[name] / sum(unique.values()), abs=1e-6)
            assert group["share_after"] == pytest.approx(after[name] / sum(after.values()), abs=1e-6)
            assert group["epochs"] == pytest.approx(after[name] / unique[name])
            assert group["effective_tokens"] <= after[name] * (1 + 1e-6)  # used tokens are worth no more than new ones
        assert phase["effective_tokens"] == pytest.approx(sum(group["effective_tokens"] for group in phase["groups"]))
    for name in unique:
        used_up = [next(g for g in phase["groups"] if g["group"] == name) for phase in mixture["phases"]]
        assert used_up[-1]["epochs_so_far"] == pytest.approx(sum(group["epochs"] for group in used_up))
    text = told(lambda console: render_funnel(content, console))
    assert re.search(r"phase stable: \d\.\d+k tokens, 6,?0?0?0?k? asked for, worth \d\.\d+k new ones", text)
    assert re.search(r"documents of which [\d,]+ repeat others", text)


def test_explain_tells_how_many_copies_and_why(out: Path) -> None:
    times = {phase: Counter(ids_in_order(out, phase)) for phase in PHASES}
    name = next(name for name in times["stable"] if name.startswith("books") and times["anneal"][name])
    events = explain(str(out), name).events
    assert [event.what for event in events] == ["read", "mixed", "kept"]
    phases = {phase["phase"]: phase for phase in events[1].details["phases"]}
    assert {phase: phases[phase]["copies"] for phase in PHASES} == {phase: times[phase][name] for phase in PHASES}
    assert (phases["stable"]["group"], phases["stable"]["share"]) == ("books", 0.3)
    assert not any(column.startswith("mix_") for column in events[2].details)
    text = told(lambda console: render_explanation(explain(str(out), name), console))
    assert f"{times['stable'][name]} times in phase stable: group books is used" in text
    dropped = next(row["id"] for row in decisions(out))
    assert explain(str(out), dropped).events[-1].details["reason"] == "not_sampled"


def test_a_mixture_in_an_object_store_is_the_same(store: Any, out: Path, folder: Path) -> None:
    recipe = mixed_recipe(folder, output={"shard_tokens": 2100})
    run(recipe, "s3://bucket/mixed", Inline())
    assert verify("s3://bucket/mixed").problems == []
    there = {path.removeprefix("bucket/mixed/"): store.cat(path) for path in store.find("bucket/mixed/data")}
    assert there == data_of(out)
    assert store.find("bucket/mixed/stages") == [
        path for path in store.find("bucket/mixed/stages") if "exchange" not in path
    ]
    assert set(run(recipe, "s3://bucket/mixed", Inline()).reused) == {"read", "final", "after_final", "output"}


def test_the_help_of_the_mix_shows_types_as_an_author_would_say_them() -> None:
    text = told(lambda console: render_one("mix", console))
    assert "int | None" in text
    assert not re.search(r"0x|Annotat|FieldInfo", text)
