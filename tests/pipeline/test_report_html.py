"""The page says what report.json says, holds no markup but its own, and leaves out what there is nothing of."""

import json
import re
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from mixes import mixed_recipe, write_documents
from tiny_run import recipe_in, stage_folder, tiny_run
from typer.testing import CliRunner

from textmill.pipeline.cli import app
from textmill.pipeline.errors import DamagedRunError
from textmill.pipeline.executor import Inline
from textmill.pipeline.reports import reject_sample
from textmill.pipeline.reports.reject_sample import Reject, sample_rejects
from textmill.pipeline.reports.report import report, write_report
from textmill.pipeline.reports.report_html import page
from textmill.pipeline.reports.verify import verify
from textmill.pipeline.run import run
from textmill.pipeline.run_folder import open_run

HOSTILE = "<script>alert(1)</script>\"'&\0\x1b\u202e</td></pre><img src=x onerror=alert(1)>"


class Page(HTMLParser):
    """A page as it is read: headings, rows of tables as text, text of the elements of each name; checks nesting."""

    def __init__(self, content: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.rows: list[list[str]] = []
        self.texts: dict[str, list[str]] = {}
        self.feed(content)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        self.texts.setdefault(tag, []).append("")
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        for tag in self.open:
            self.texts[tag][-1] += data
        if "td" in self.open or "th" in self.open:
            self.rows[-1][-1] += data


def hostile(content: Any) -> Any:
    """The same with a hostile text behind every text."""
    if isinstance(content, dict):
        return {key: hostile(value) for key, value in content.items()}
    if isinstance(content, list):
        return [hostile(value) for value in content]
    return content + HOSTILE if isinstance(content, str) and content not in ("chain", "barrier", "output") else content


def sections(content: str) -> list[str]:
    return Page(content).texts["h2"]


def numbers_of(flow: dict[str, Any]) -> Iterator[str]:
    for key in ("documents_in", "documents_dropped", "documents_out", "characters_in", "characters_out"):
        yield f"{flow[key]:,}"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> str:
    return tiny_run(tmp_path_factory.mktemp("tiny"))[0]


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("mixed")
    write_documents(folder)
    run(mixed_recipe(folder), str(folder / "out"), Inline())
    return str(folder / "out")


def test_every_number_of_the_funnel_is_in_its_row(tiny: str) -> None:
    content = report(tiny)
    for stage in content["stages"]:  # numbers that are told apart
        for number, flow in enumerate((stage, *stage["steps"])):
            flow |= {key: flow[key] * 1_000_000 + number for key in flow if re.match("documents_|characters_", key)}
            for place, drop in enumerate(flow["dropped"].values()):
                drop |= {"documents": 7_000_000 + place, "characters": 9_000_000 + place}
    rows = Page(page(content)).rows
    for stage in content["stages"]:
        assert [stage["name"], *list(numbers_of(stage))[:2]] in [[*row[:3]] for row in rows]
        for step in stage["steps"]:
            name = "read, write" if step["name"] == "read" and stage["kind"] == "chain" else step["name"]
            assert any(row[0] == name and set(numbers_of(step)) <= set(row) for row in rows)
            for reason, drop in step["dropped"].items():
                told = [stage["name"], step["name"], reason, f"{drop['documents']:,}"]
                assert [f"{drop['characters']:,}"] in [row[6:] for row in rows if row[:4] == told]


def test_the_rows_of_the_tiny_run(tiny: str) -> None:
    rows = Page(page(report(tiny))).rows
    assert ["base", "9", "3", "33.3%", "6", "80", "68", "17"] in rows
    assert ["read, write", "9", "1", "11.1%", "8", "80", "80", "20"] in rows
    assert ["between", "4", "1", "25.0%", "3", "45", "33", "8"] in rows
    assert ["base", "without", "bad_word", "1", "14.3%", "11.1%", "10"] in rows
    assert ["scores", "between", "quality_too_low", "1", "25.0%", "11.1%", "12"] in rows
    assert ["base", "read", "passed over: blank_line", "1"] in rows
    assert ["web", "5", "55.6%", "1", "33.3%", "20.0%", "11"] in [row[:7] for row in rows]
    assert ["books", "4", "44.4%", "2", "66.7%", "50.0%", "22", "exact_duplicate 2"] in rows
    assert ["(unknown)", "1", "11.1%", "0", "0.0%", "0.0%", "0", "bad_json 1"] in rows


def test_a_run_leaves_the_page_and_the_same_run_the_same_bytes(tiny: str, tmp_path: Path) -> None:
    out = shutil.copytree(tiny, tmp_path / "out")
    content = write_report(str(out))
    written = (out / "report.html").read_bytes()
    assert written.decode() == page(content, sample_rejects(open_run(str(out))))
    assert page(json.loads((out / "report.json").read_text()), sample_rejects(open_run(str(out)))).encode() == written
    (out / "report.html").unlink()
    result = CliRunner().invoke(app, ["report", str(out)])
    assert result.exit_code == 0, result.output
    assert (out / "report.html").read_bytes() == written
    assert verify(str(out)).problems == []
    told = CliRunner().invoke(app, ["report", str(out), "--json"])
    assert json.loads(told.stdout) == content


def test_nothing_is_fetched_and_nothing_runs(tiny: str, mixed: str) -> None:
    for out in (tiny, mixed):
        content = page(report(out), sample_rejects(open_run(out)))
        read = Page(content)
        assert read.names.isdisjoint({"script", "link", "img", "iframe", "object", "embed", "base", "form"})
        assert read.attributes.isdisjoint({"src", "srcset", "style", "xlink:href", "action"})
        assert not [name for name in read.attributes if name.startswith("on")]
        assert re.findall(r'href="(?!#)|url\(|@import', content) == []


def test_a_section_with_nothing_in_it_is_left_out(tiny: str, mixed: str) -> None:
    always = ["Funnel", "Reasons", "Sources", "Time"]
    assert sections(page(report(tiny))) == [*always[:3], "Languages", "Time"]
    sample = sample_rejects(open_run(tiny))
    assert sections(page(report(tiny), sample)) == [*always[:3], "Languages", "Time", "Dropped texts, a sample"]
    assert sections(page(report(mixed))) == ["Funnel", "Reasons", "Mixture", "Sources", "Time"]


def test_what_went_wrong_comes_first(tiny: str, tmp_path: Path) -> None:
    content = report(tiny)
    content["ended"] = False
    content["imbalances"] = ["stage 'base': 5 rows in, but 3 out and 1 dropped"]
    content["stages"][0]["errors"] = ["fragile: b3: ValueError('no')"]
    content["failed_shards"] = [{"stage": "base", "part": 1, "origin": "b.txt", "message": "not a text file"}]
    read = Page(page(content))
    assert read.texts["h2"][0] == "What went wrong"
    assert ["base", "1", "b.txt", "not a text file"] in read.rows
    assert ["base", "fragile: b3: ValueError('no')"] in read.rows
    assert "killed" in read.texts["section"][0]
    assert content["imbalances"][0] in read.texts["li"]
    assert "Funnel" not in read.texts["section"][0]


def test_hostile_names_and_texts_stay_text(tiny: str, mixed: str) -> None:
    for out in (tiny, mixed):
        content = report(out)
        content["failed_shards"] = [{"stage": "s", "part": 1, "origin": "o", "message": "m"}]
        for stage in content["stages"]:
            stage["errors"] = ["broken"]
            stage["findings"] = {"largest": [{"size": 2, "kept_id": "w1"}], "odd": {"deep": [["x", {"y": "z"}]]}}
        for place in (content["sources"], content["languages"], *(stage["dropped"] for stage in content["stages"])):
            place |= {key + HOSTILE: place.pop(key) for key in list(place)}
        for step in (step for stage in content["stages"] for step in stage["steps"]):
            step["dropped"] = {key + HOSTILE: drop for key, drop in step["dropped"].items()}
            step["tallies"] = {HOSTILE: 3}
        content = hostile(content)
        stage, step = next((s, t) for s in content["stages"] for t in s["steps"] if t["dropped"])
        one = Reject(HOSTILE, HOSTILE, stage["name"], step["name"], next(iter(step["dropped"])), HOSTILE, HOSTILE, 9)
        written = page(content, [one])
        read = Page(written)
        assert read.names.isdisjoint({"script", "img"})
        assert "onerror" not in read.attributes
        assert not re.search("[\0\x1b\u202e]", written)
        shown = HOSTILE.replace("\0", "\ufffd").replace("\x1b", "\ufffd").replace("\u202e", "\ufffd")
        assert read.texts["h1"] == [content["recipe"][: -len(HOSTILE)] + shown]
        assert read.texts["pre"] == ["\n" + shown]
        assert read.texts["bdi"][0] == shown


def test_what_is_huge_or_no_unicode_is_cut_and_written(tiny: str) -> None:
    content = report(tiny)
    content["recipe"] = "x" * 10_000_000 + "\ud800"
    content["sources"] = {f"source {number}": group for number in range(300) for group in [content["sources"]["web"]]}
    content["sources"]["\ud800 half"] = content["sources"]["source 0"]
    written = page(content).encode()
    assert len(written) < 200_000
    read = Page(written.decode())
    assert read.texts["h1"] == ["x" * 400 + "…"]
    assert ["(201 others)", "1,005"] in [row[:2] for row in read.rows]


def test_findings_of_every_kind_have_tables(tiny: str) -> None:
    content = report(tiny)
    content["stages"][1]["findings"] = {
        "largest": [{"size": 6, "kept_id": "w1", "linked": 4, "mean_similarity": None}],
        "cluster_sizes": [[1, 20], [2, 3], [3, 1], [4, 2], [9, 1]],
        "size_column": "cluster_size",
        "filters": [{"ngrams": 1234, "bytes": 99, "fill": 0.25, "false_positives": 1.5e-9}],
        "made_up": {"things": 3, "yes": True},
        "empty": [],
    }
    content["stages"][2]["findings"] = {
        "of": "tokens",
        "by": ["language", "source"],
        "groups": [
            {"group": ["en", None], "weight": 1000, "kept_weight": 100, "kept_documents": 7, "cuts": [0.5, None]},
            {"group": ["de", "web"], "weight": 3000, "kept_weight": 3000, "kept_documents": 70, "cuts": [None]},
        ],
    }
    content["stages"][3]["findings"] = {
        "benchmarks": [
            {"benchmark": "quiz", "examples": 21, "too_short": 1, "contaminated": 3, "share": 1 / 7, "documents": 4}
            | {"matches": [{"document": "d1", "example": "q5", "coverage": 0.9}]},
            {"benchmark": "none", "examples": 5, "too_short": 0, "contaminated": 0, "share": 0.0, "documents": 0}
            | {"matches": []},
        ]
    }
    rows = Page(page(content)).rows
    for row in (
        ["6", "w1", "4", ""],
        *(["1", "20", "20", "0", "0.0%"], ["2", "3", "6", "3", "15.8%"]),
        *(["3 to 4", "3", "11", "8", "42.1%"], ["9 to 16", "1", "9", "8", "42.1%"]),
        ["1,234", "99", "25.0%", "1.5e-09"],
        *(["things", "yes"], ["3", "yes"]),
        ["de/web", "3,000", "3,000", "100.0%", "70", ""],
        ["en/(unknown)", "1,000", "100", "10.0%", "7", "0.5"],
        *(["quiz", "21", "1", "3", "14.3%", "4"], ["d1", "q5", "90.0%"], ["none", "5", "0", "0", "0.0%", "0"]),
    ):
        assert row in rows, row


def test_what_was_cut_out_is_told(tmp_path: Path) -> None:
    texts = ["same line here\nfirst of its own\n", "same line here\nsecond of its own\n"]
    rows = [{"id": f"d{n}", "text": text} for n, text in enumerate(texts)]
    (tmp_path / "web.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    inputs = [{"source": "web", "read": "jsonl", "files": str(tmp_path / "web.jsonl")}]
    out = str(tmp_path / "out")
    run(recipe_in(tmp_path, inputs=inputs, stages=[{"barrier": "repeated", "lines": {}}]), out, Inline())
    content = report(out)
    (stage,) = [stage for stage in content["stages"] if stage["edited"]]
    ((reason, edit),) = stage["edited"].items()
    assert edit["characters"] >= len("same line here")
    assert ["repeated", "lines", reason, "1", f"{edit['spans']}", f"{edit['characters']}"] in [
        row[:6] for row in Page(page(content)).rows
    ]


def test_a_mixture_before_and_after_and_at_other_budgets(mixed: str) -> None:
    content = report(mixed)
    budgets = content["mixture"]["budgets"]
    assert [one["budget_tokens"] for one in budgets] == [1750, 3500, 7000, 14000, 28000]
    assert [bool(one["problem"]) for one in budgets] == [False, False, False, True, True]
    worth = content["mixture"]["effective_tokens"] / content["mixture"]["tokens"]  # of a token that was drawn
    assert budgets[2]["effective_tokens"] / 7000 == pytest.approx(worth, rel=0.02)
    read = Page(page(content))
    for phase in content["mixture"]["phases"]:
        assert f"Phase {phase['name']}" in read.texts["h3"]
        for group in phase["groups"]:
            told = [
                group["group"],
                f"{group['documents']:,}",
                f"{group['unique_tokens']:,}",
                f"{group['share_before']:.1%}",
            ]
            after = [f"{group[key]:,}" for key in ("documents_used", "copies", "tokens")]
            assert [*told, *after, f"{group['share_after']:.1%}"] in [row[:8] for row in read.rows]
    assert "polyline" in read.names
    assert ["7,000", f"{budgets[2]['unique_tokens']:,.0f}"] in [row[:2] for row in read.rows]
    assert budgets[4]["problem"].splitlines()[0] in next(row[4] for row in read.rows if row[0] == "28,000")


def test_texts_are_shown_with_what_judged_them(tiny: str) -> None:
    sample = {one.id: one for one in sample_rejects(open_run(tiny))}
    texts = {name: one.text for name, one in sample.items()}
    (bad_json,) = texts.keys() - {"w2", "w3", "w4"}
    assert texts == {"w2": "a bad text", "w3": "no", "w4": "another text", bad_json: None}
    assert (sample["w4"].step, sample["w4"].reason, sample["w4"].chars) == ("between", "quality_too_low", 12)
    assert (sample["w4"].value, sample["w4"].threshold) == (0.2, 0.5)
    read = Page(page(report(tiny), list(sample.values())))
    assert read.texts["pre"] == ["\nno", "\na bad text", "\nanother text"]
    assert "scores › between: quality_too_low, 1 dropped, 1 shown" in read.texts["summary"]
    assert "threshold 0.5" in read.texts["bdi"]


def test_a_few_texts_a_reason_the_same_ones_however_they_lie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for files in (1, 7):
        folder = tmp_path / str(files)
        folder.mkdir()
        rows = [{"id": f"d{n}", "quality": 1, "text": "no" if n % 2 else "a bad text" + "𝄞" * 9000} for n in range(60)]
        for file in range(files):
            lines = "".join(json.dumps(row) + "\n" for row in rows[file::files])
            (folder / f"{file}.jsonl").write_text(lines)
        inputs = [{"source": "web", "read": "jsonl", "files": f"{folder}/*.jsonl"}]
        run(recipe_in(folder, inputs=inputs), str(folder / "out"), Inline())
    samples = [sample_rejects(open_run(str(tmp_path / name / "out"))) for name in ("1", "7")]
    assert samples[0] == samples[1]
    assert [one.reason for one in samples[0]] == ["too_short"] * 3 + ["bad_word"] * 3
    assert samples[0][3].chars == 9010
    assert samples[0][3].text == ("a bad text" + "𝄞" * 9000)[: reject_sample.TEXT_CHARS]
    monkeypatch.setattr(reject_sample, "FILES", 3)
    few = sample_rejects(open_run(str(tmp_path / "7/out")))
    assert {int(one.id[1:]) % 7 for one in few} <= {0, 3, 6}


def test_a_run_that_kept_no_texts_has_none_and_a_damaged_file_is_told(tiny: str, tmp_path: Path) -> None:
    out, _ = tiny_run(tmp_path, rejects={"keep": 0})
    assert sample_rejects(open_run(out)) == []
    damaged = str(shutil.copytree(tiny, tmp_path / "damaged"))
    path = next((stage_folder(damaged, "base") / "rejects").iterdir())
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(DamagedRunError, match="textmill verify"):
        write_report(damaged)
    assert (Path(damaged) / "report.json").exists()


def test_rejects_without_decisions_are_shown_without_values(tiny: str, tmp_path: Path) -> None:
    out = str(shutil.copytree(tiny, tmp_path / "out"))
    shutil.rmtree(stage_folder(out, "scores") / "decisions")
    (one,) = [one for one in sample_rejects(open_run(out)) if one.step == "between"]
    assert (one.text, one.value) == ("another text", None)
