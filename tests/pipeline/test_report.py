"""The report says what the tiny run did, as counted by hand."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from tiny_run import recipe_in, tiny_run, write_inputs

from textmill.pipeline.errors import DamagedRunError, InputError
from textmill.pipeline.executor import Inline
from textmill.pipeline.reports.funnel import render_funnel
from textmill.pipeline.reports.report import report, write_report
from textmill.pipeline.run import run


def rendered(content: dict[str, Any], width: int = 80) -> str:
    console = Console(width=width, record=True, file=io.StringIO())
    render_funnel(content, console)
    return "\n".join(line.rstrip() for line in console.export_text().splitlines())


def with_even_times(content: dict[str, Any]) -> dict[str, Any]:
    """The report with every step taking one second, and reading and writing three."""
    for stage in content["stages"]:
        stage["wall_seconds"] = 60.0
        for step in stage["steps"]:
            step["work_seconds"] = 1.0
        if stage["kind"] == "chain":
            stage["other_work_seconds"] = 3.0
            stage["work_seconds"] = len(stage["steps"]) + 3.0
    content["stages"][0]["input_megabytes_per_second"] = 1.5
    content["corpus"]["bytes"] = 2000
    content["input_bytes"] = 1000
    return content


FUNNEL = """\
tiny: kept 3 of 9 documents (33.3%)
stage / step   in  dropped         kept   time  reasons
base            9        3  33.3%     6  54.5%
  read, write   9        1  11.1%     8  36.4%  bad_json 1
  MinLength     8        1  12.5%     7   9.1%  too_short 1
  without       7        1  14.3%     6   9.1%  bad_word 1
duplicates      6        2  33.3%     4         exact_duplicate 2
scores          4        1  25.0%     3  45.5%
  read, write   4        0   0.0%     4  36.4%
  between       4        1  25.0%     3   9.1%  quality_too_low 1

source        in  kept         characters kept
web            5     1  20.0%               11
books          4     2  50.0%               22

language      in  kept          characters kept
en             5     2   40.0%               22
de             2     0    0.0%                0
(unknown)      1     0    0.0%                0
fr             1     1  100.0%               11

passed over by readers: blank_line 1
time on the clock: base 1 min, duplicates 1 min, scores 1 min, output 1 min
input: 1 kB in 3 shards, 1.5 MB/s a worker
corpus: 1 file, 2 kB, 3 documents, 33 characters, ~8 tokens (estimate: characters / 4)
books balance: every document that came into a stage left it, or was dropped for a reason"""


def test_the_funnel_of_the_tiny_run(tmp_path: Path) -> None:
    out, _ = tiny_run(tmp_path)
    assert rendered(with_even_times(report(out))) == FUNNEL


def test_a_wide_terminal_also_shows_characters(tmp_path: Path) -> None:
    out, _ = tiny_run(tmp_path)
    lines = rendered(with_even_times(report(out)), 120).splitlines()
    assert lines[1].split()[2:] == ["step", "in", "dropped", "kept", "characters", "time", "reasons"]
    assert "  without       7        1  14.3%     6          68   9.1%  bad_word 1" in lines


def test_every_count_of_the_json(tmp_path: Path) -> None:
    out, _ = tiny_run(tmp_path)
    content = write_report(out)
    assert content == json.loads((Path(out) / "report.json").read_text())
    assert (content["documents_read"], content["documents_kept"], content["share_kept"]) == (9, 3, 0.333333)
    assert content["complete"]
    assert content["balanced"]
    assert content["imbalances"] == []
    base = content["stages"][0]
    # "a good text" twice, "another text" twice, "a bad text", "no", "chapter one", "chapter two"
    assert base["steps"][0]["characters_out"] == 11 + 11 + 12 + 12 + 10 + 2 + 11 + 11
    assert base["characters_out"] == 11 + 11 + 12 + 12 + 11 + 11
    assert base["estimated_tokens_out"] == 68 // 4
    assert base["dropped"] == {
        "bad_json": {"documents": 1, "share": 0.111111, "characters": 0},
        "bad_word": {"documents": 1, "share": 0.111111, "characters": 10},
        "too_short": {"documents": 1, "share": 0.111111, "characters": 2},
    }
    assert base["skipped"] == {"blank_line": 1}
    assert content["corpus"] == {
        "format": "parquet",
        "files": 1,
        "bytes": (Path(out) / "data/part-00000.parquet").stat().st_size,
        "documents": 3,
        "copies": 0,
        "characters": 33,
        "estimated_tokens": 8,
    }
    assert content["languages"]["de"] == {
        "documents_in": 2,
        "documents_out": 0,
        "share_out": 0.0,
        "characters_out": 0,
        "dropped": [
            {"stage": "duplicates", "step": "exact", "reason": "exact_duplicate", "documents": 1, "characters": 12},
            {"stage": "scores", "step": "between", "reason": "quality_too_low", "documents": 1, "characters": 12},
        ],
    }
    assert content["input_bytes"] == sum(path.stat().st_size for path in tmp_path.glob("*.jsonl"))


def test_every_group_accounts_for_all_documents(tmp_path: Path) -> None:
    out, _ = tiny_run(tmp_path)
    content = report(out)
    for groups in (content["sources"], content["languages"]):
        assert sum(group["documents_in"] for group in groups.values()) == content["documents_read"]
        assert sum(group["documents_out"] for group in groups.values()) == content["documents_kept"]
        for group in groups.values():
            dropped = sum(drop["documents"] for drop in group["dropped"])
            assert group["documents_in"] == group["documents_out"] + dropped


def test_a_rerun_says_what_it_reused(tmp_path: Path) -> None:
    out, _ = tiny_run(tmp_path)
    assert not any(stage["reused"] for stage in report(out)["stages"])
    run(recipe_in(tmp_path, output={"shard_bytes": 1}), out, Inline())
    content = report(out)
    assert [stage["name"] for stage in content["stages"] if stage["reused"]] == ["base", "duplicates", "scores"]
    assert "reused from an earlier run: base, duplicates, scores" in rendered(content)
    assert content["corpus"]["files"] == 3


def test_a_run_that_keeps_nothing_says_so(tmp_path: Path) -> None:
    stages = [{"chain": "base", "steps": [{"support:MinLength": {"least": 50}}]}]
    out, _ = tiny_run(tmp_path, stages=stages)
    content = report(out)
    assert content["summary"] == "nothing was kept: all 9 documents were dropped, most of them in stage 'base'"
    assert content["corpus"]["files"] == 0
    assert content["summary"] in rendered(content)


def test_a_run_that_reads_nothing_says_so(tmp_path: Path) -> None:
    write_inputs(tmp_path)
    for path in tmp_path.glob("*.jsonl"):
        path.write_text("\n")
    out = str(tmp_path / "out")
    run(recipe_in(tmp_path, stages=[{"chain": "base", "steps": []}]), out, Inline())
    content = report(out)
    assert content["summary"] == "nothing was kept, for nothing was read: the inputs hold no document"
    assert "passed over by readers: blank_line 3" in rendered(content)


def test_a_run_with_a_failed_shard_is_not_complete(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.txt").write_text("one document\n")
    (tmp_path / "in/b.txt").write_text("\0 no text file\n")
    inputs = [{"source": "a", "read": "support:Lines", "files": str(tmp_path / "in/*.txt")}]
    out, _ = tiny_run(tmp_path, inputs=inputs, stages=[{"chain": "base", "steps": ["support:without"]}])
    content = report(out)
    assert not content["complete"]
    assert content["documents_kept"] is None
    assert content["corpus"] is None
    assert content["summary"] == (
        "not complete: stage 'base' is unfinished (1 of 2 parts done, 1 failed); run again to go on"
    )
    assert content["failed_shards"][0]["origin"].endswith("b.txt")
    assert content["sources"]["a"]["documents_in"] == 1
    assert "not a text file" in rendered(content)


def test_a_run_whose_files_lost_a_manifest_is_not_complete(tmp_path: Path) -> None:
    out, _ = tiny_run(tmp_path)
    for path in Path(out).glob("stages/*-scores-*/manifest.json"):
        path.unlink()
    (Path(out) / "stages/last_run.json").unlink()
    content = report(out)
    assert content["summary"] == "not complete: stage 'scores' is unfinished (3 parts done); run again to go on"
    assert "killed or stopped" in rendered(content)


def test_documents_that_broke_a_step_are_told_with_the_error(tmp_path: Path) -> None:
    steps = [{"support:fragile": {"word": "chapter one"}}]
    out, _ = tiny_run(tmp_path, stages=[{"chain": "base", "steps": steps}])
    assert "base: fragile: b3: ValueError(\"cannot bear 'chapter one'\")" in rendered(report(out))


def test_books_that_do_not_balance_are_told(tmp_path: Path) -> None:
    out, _ = tiny_run(tmp_path)
    (path,) = Path(out).glob("stages/*-scores-*/manifest.json")
    path.write_text(path.read_text().replace('"rows_in": 4', '"rows_in": 5', 1))
    content = report(out)
    assert not content["balanced"]
    assert "stage 'scores': 5 rows in, but 3 out and 1 dropped" in content["imbalances"]
    assert "stage 'duplicates' let 4 rows out, but 5 came into 'scores'" in content["imbalances"]
    assert "books do not balance" in rendered(content)


def test_numbers_of_a_large_run_fit_a_narrow_terminal(tmp_path: Path) -> None:
    out, _ = tiny_run(tmp_path)
    content = with_even_times(report(out))
    for flow in (*content["stages"], *(step for stage in content["stages"] for step in stage["steps"])):
        flow |= {key: flow[key] * 123_456_789 for key in ("documents_in", "documents_out", "documents_dropped")}
    table = rendered(content).splitlines()[1:11]
    assert all(len(line) <= 80 for line in table)
    assert "  without       864M     123M  14.3%  741M   9.1%  bad_word 1" in table


NEAR = [{"barrier": "near_duplicates", "minhash": {"ngram": 2}}]


def test_the_largest_clusters_of_near_duplicates_are_told(tmp_path: Path) -> None:
    out, _ = tiny_run(tmp_path, stages=NEAR)
    content = report(out)
    stage = next(stage for stage in content["stages"] if stage["name"] == "near_duplicates")
    assert all(other["findings"] is None for other in content["stages"] if other is not stage)
    assert stage["findings"]["largest"] == [
        {"size": 2, "kept_id": "w1", "linked": 1, "mean_similarity": 1.0},
        {"size": 2, "kept_id": "w4", "linked": 1, "mean_similarity": 1.0},
    ]
    assert (
        "\n\nlargest clusters of near_duplicates\n"
        "size  mean similarity  kept\n"
        "   2            1.000  w1\n"
        "   2            1.000  w4\n\n"
    ) in rendered(content)


def test_five_clusters_are_shown_and_ids_stay_whole_on_a_narrow_terminal(tmp_path: Path) -> None:
    out, _ = tiny_run(tmp_path, stages=NEAR)
    content = report(out)
    stage = next(stage for stage in content["stages"] if stage["findings"])
    name = "https://example.org/" + "[x]" * 40
    stage["findings"]["largest"] = [{"size": 123_456_789, "kept_id": name, "mean_similarity": None}] * 20
    lines = rendered(content).partition("largest clusters of near_duplicates\n")[2].partition("\n\n")[0].splitlines()
    assert lines[0].split() == ["size", "mean", "similarity", "kept"]
    assert max(map(len, lines)) <= 80
    assert "".join(line.split()[-1] for line in lines[1:]) == name * 5
    assert sum(line.startswith("123M ") for line in lines) == 5


def test_a_folder_without_a_run_and_a_damaged_manifest_are_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no run here"):
        report(str(tmp_path))
    out, _ = tiny_run(tmp_path)
    next(Path(out).glob("stages/*-base-*/manifest.json")).write_text("{}")
    with pytest.raises(DamagedRunError, match="textmill verify"):
        report(out)


def test_a_name_in_brackets_is_no_markup_and_pipes_get_no_colour(tmp_path: Path) -> None:
    out, _ = tiny_run(tmp_path)
    content = report(out)
    content["stages"][0]["steps"][1]["name"] = "[red]odd[/red]"
    with (tmp_path / "piped.txt").open("w") as pipe:
        render_funnel(content, Console(file=pipe, width=80))
    written = (tmp_path / "piped.txt").read_text()
    assert "[red]odd[/red]" in written
    assert "\x1b" not in written


def test_benchmarks_and_selections_are_told_in_short(tmp_path: Path) -> None:
    out, _ = tiny_run(tmp_path)
    content = report(out)
    content["stages"][1]["findings"] = {
        "benchmarks": [
            {"benchmark": "clean", "examples": 5, "too_short": 0, "contaminated": 0, "documents": 0, "matches": []},
            {"benchmark": "quiz[x]", "examples": 20, "too_short": 1, "contaminated": 3, "documents": 4, "matches": []},
        ]
    }
    groups = [(["en"], 100, 10, 7, [0.5]), *((["x", None], 5, 1, 2, [None]) for _ in range(7))]
    names = ("group", "weight", "kept_weight", "kept_documents", "cuts")
    content["stages"][2]["findings"] = {
        "of": "tokens",
        "by": ["language", "source"],
        "groups": [dict(zip(names, group, strict=True)) for group in groups],
    }
    shown = rendered(content)
    assert (
        "\n\nbenchmarks found by duplicates\n"
        "benchmark     examples  too short  found         documents\n"
        "quiz[x]             20          1      3  15.0%          4\n"
        "clean                5          0      0   0.0%          0\n\n"
    ) in shown
    assert (
        "\n\nselection of scores\n"
        "language/source  tokens  kept         documents kept  cut at\n"
        "en                  100    10  10.0%               7     0.5\n"
        + "x/(unknown)           5     1  20.0%               2\n" * 4
        + "(3 others)           15     3  20.0%               6\n\n"
    ) in shown
