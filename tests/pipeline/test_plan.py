"""A stage's address changes with what determines its output, and with nothing else."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support import chain, write_lines

from textmill.pipeline.inputs import find_shards
from textmill.pipeline.plan import plan
from textmill.pipeline.recipe_reader import parse_recipe

LISTED = """
from textmill import Filter, Verdict
import pyarrow as pa

class Listed(Filter):
    '''Depends on a word list.'''
    words: str
    revision = {revision}

    def depends_on(self) -> tuple[str, ...]:
        return (self.words,)

    def judge(self, batch: pa.RecordBatch) -> Verdict:
        return Verdict.of(batch)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_lines(tmp_path, one=["a", "b"], two=["c"])
    (tmp_path / "words.lst").write_text("bad\n")
    (tmp_path / "planned_plugin.py").write_text(LISTED.format(revision=1))
    return tmp_path


def content(folder: Path) -> dict[str, Any]:
    return {
        "name": "test",
        "inputs": [{"source": "a", "read": "support:Lines", "files": f"{folder}/*.txt"}],
        "output": {"shard_bytes": 1000},
        "stages": [
            chain("base", "support:MinLength"),
            {"barrier": "firsts", "support:First": {"count": 2}},
            chain("middle", {"planned_plugin:Listed": {"words": f"{folder}/words.lst"}}),
            {"barrier": "lasts", "support:First": {"count": 1}},
            chain("end", "support:length"),
        ],
    }


NAMES = ["base", "firsts", "middle", "lasts", "end", "output"]


def addresses(folder: Path, raw: dict[str, Any], limit: int | None = None) -> dict[str, str]:
    recipe = parse_recipe(raw, (), [str(folder)])
    return {stage.name: stage.address for stage in plan(recipe, "out", find_shards(recipe, limit))}


def changed(folder: Path, edit: Callable[[dict[str, Any]], object]) -> list[str]:
    """Names of the stages whose address an edit of recipe or files changes."""
    before = addresses(folder, content(folder))
    raw = json.loads(json.dumps(content(folder)))
    edit(raw)
    after = addresses(folder, raw)
    assert list(after) == list(before) == NAMES
    return [name for name in NAMES if after[name] != before[name]]


def from_on(name: str) -> list[str]:
    return NAMES[NAMES.index(name) :]


def test_the_same_recipe_has_the_same_addresses_in_whatever_order_its_parameters_stand(folder: Path) -> None:
    assert changed(folder, lambda raw: None) == []
    assert changed(folder, lambda raw: raw["inputs"][0].update(source=raw["inputs"][0].pop("source"))) == []
    assert len(set(addresses(folder, content(folder)).values())) == len(NAMES)


@pytest.mark.parametrize(
    ("edit", "first"),
    [
        (lambda raw: raw["inputs"][0].update(rows=2), "base"),
        (lambda raw: raw["inputs"][0].update(source="b"), "base"),
        (lambda raw: raw["stages"][0]["steps"].append("support:length"), "base"),
        (lambda raw: raw["stages"][0].update(steps=[{"support:MinLength": {"least": 4}}]), "base"),
        (lambda raw: raw["stages"][1]["support:First"].update(count=3), "firsts"),
        (lambda raw: raw["stages"][1].update(barrier="fresh") or raw["stages"][1].update(barrier="firsts"), None),
        (lambda raw: raw["stages"][2]["steps"].insert(0, "support:length"), "middle"),
        (lambda raw: raw["stages"][3]["support:First"].update(number=True), "lasts"),
        (lambda raw: raw["stages"][4].update(steps=[]), "end"),
        (lambda raw: raw["output"].update(shard_bytes=2000), "output"),
        (lambda raw: raw.update(rejects={"keep": 0.5}), "base"),
    ],
)
def test_an_edit_changes_its_stage_and_all_that_follow(
    folder: Path, edit: Callable[[dict[str, Any]], object], first: str | None
) -> None:
    assert changed(folder, edit) == (from_on(first) if first else [])


@pytest.mark.parametrize(
    "edit",
    [
        lambda raw: raw.update(name="another"),
        lambda raw: raw["output"].update(path="elsewhere"),
        lambda raw: raw.update(expect={"kept": [0.1, 0.9]}),
        lambda raw: raw["stages"][0].update(steps=[{"support:MinLength": {"least": 3}}]),  # its default
    ],
)
def test_what_does_not_determine_the_output_changes_nothing(
    folder: Path, edit: Callable[[dict[str, Any]], object]
) -> None:
    assert changed(folder, edit) == []


def test_the_content_of_a_file_that_a_step_depends_on_counts_and_not_its_date(folder: Path) -> None:
    words = folder / "words.lst"
    assert changed(folder, lambda raw: os.utime(words, (0, 0))) == []
    assert changed(folder, lambda raw: words.write_text("worse\n")) == from_on("middle")


def test_the_output_depends_on_its_format_and_the_content_of_its_tokenizer(folder: Path) -> None:
    (folder / "words.json").write_text("{}")

    def tokens(raw: dict[str, Any]) -> None:
        raw["output"] = {"format": "megatron", "tokenizer": f"{folder}/words.json"}

    assert changed(folder, tokens) == ["output"]
    raw = content(folder)
    tokens(raw)
    before = addresses(folder, raw)
    (folder / "words.json").write_text("[]")
    assert [name for name, address in addresses(folder, raw).items() if address != before[name]] == ["output"]


def test_the_source_of_a_plugin_counts_and_so_does_a_revision(folder: Path) -> None:
    plugin = folder / "planned_plugin.py"
    comment = plugin.read_text() + "# a comment\n"
    assert changed(folder, lambda raw: plugin.write_text(comment)) == from_on("middle")
    assert changed(folder, lambda raw: plugin.write_text(LISTED.format(revision=2))) == from_on("middle")


def test_the_first_chain_stands_on_its_own_files_and_the_rest_on_all_of_them(folder: Path) -> None:
    assert changed(folder, lambda raw: write_lines(folder, three=["d"])) == from_on("firsts")
    assert changed(folder, lambda raw: write_lines(folder, one=["a", "b", "c"])) == from_on("firsts")
    assert changed(folder, lambda raw: os.utime(folder / "two.txt", (0, 0))) == from_on("firsts")
    whole, limited = (addresses(folder, content(folder), limit) for limit in (None, 1))
    assert [name for name in NAMES if whole[name] != limited[name]] == from_on("firsts")


@pytest.mark.parametrize(
    ("stages", "expected"),
    [
        (["chain:x"], ["chain x", "output output"]),
        (["barrier:b"], ["chain read", "barrier b", "chain after_b", "output output"]),
        (
            ["barrier:b", "barrier:c"],
            ["chain read", "barrier b", "chain after_b", "barrier c", "chain after_c", "output output"],
        ),
        (["chain:x", "chain:y"], ["chain x", "chain y", "output output"]),
        (["chain:x", "barrier:b", "chain:y"], ["chain x", "barrier b", "chain y", "output output"]),
    ],
)
def test_a_chain_stands_before_between_and_after_barriers(folder: Path, stages: list[str], expected: list[str]) -> None:
    raw = content(folder)
    made = {"chain": chain, "barrier": lambda name: {"barrier": name, "support:First": {}}}
    raw["stages"] = [made[stage.split(":")[0]](stage.split(":")[1]) for stage in stages]
    recipe = parse_recipe(raw)
    planned = plan(recipe, "s3://bucket/out", find_shards(recipe))
    assert [f"{stage.kind} {stage.name}" for stage in planned] == expected
    for number, stage in enumerate(planned):
        assert stage.folder.path == f"s3://bucket/out/stages/{number:02d}-{stage.name}-{stage.address}"
