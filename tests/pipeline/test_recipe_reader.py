"""From YAML to a recipe: every problem at once, each saying what was wrong, where, and what to do."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from support import MinLength

from textmill.pipeline.errors import RecipeError
from textmill.pipeline.recipe import BarrierStage, ChainStage, Recipe, input_layout
from textmill.pipeline.recipe_reader import load_recipe, parse_recipe

INPUT = {"source": "a", "read": "support:Lines", "files": "*.txt"}
THERE_ARE = "There are: html, jsonl, parquet, text, warc."


def content(*steps: object, **top: object) -> dict[str, object]:
    return {"name": "test", "inputs": [INPUT], "stages": [{"chain": "base", "steps": list(steps)}], **top}


def problems(raw: object, *overrides: str) -> list[str]:
    with pytest.raises(RecipeError) as caught:
        parse_recipe(raw, overrides)
    return caught.value.problems


def only_problem(raw: object, *overrides: str) -> str:
    (problem,) = problems(raw, *overrides)
    return problem


def steps_of(recipe: Recipe) -> dict[str, Any]:
    (stage,) = recipe.stages
    assert isinstance(stage, ChainStage)
    return {step.label: step.part for step in stage.steps}


def test_a_small_recipe_with_its_defaults() -> None:
    recipe = parse_recipe(content("support:MinLength", {"support:without": {"word": "x"}}, {"support:length": None}))
    assert [named.label for named in recipe.inputs] == ["a"]
    assert steps_of(recipe)["MinLength"] == MinLength(least=3)
    assert steps_of(recipe)["without"].word == "x"
    assert list(steps_of(recipe)) == ["MinLength", "without", "length"]
    assert (recipe.output.path, recipe.output.shard_bytes, recipe.rejects.keep) == ("", 512_000_000, 0)
    assert [step.plugin for step in recipe.stages[0].steps] == [None] * 3


def test_a_misspelt_step() -> None:
    assert only_problem(content("gopher_qualty")) == (
        "base.gopher_qualty: unknown step 'gopher_qualty'; did you mean 'gopher_quality'? "
        "Your own steps are written module:Name."
    )


def test_names_that_are_nothing_like_any_other() -> None:
    assert only_problem(content("zzz")) == "base.zzz: unknown step 'zzz'. Your own steps are written module:Name."
    wrong = content(inputs=[{"source": "a", "read": "wrac", "files": "x"}])
    assert only_problem(wrong) == f"inputs.a: unknown reader 'wrac'; did you mean 'warc'? {THERE_ARE}"
    wrong = content(stages=[{"barrier": "dedup", "exat": {}}])
    assert only_problem(wrong).startswith("dedup.exat: unknown barrier 'exat'; did you mean 'exact'?")


def test_a_column_that_nothing_adds() -> None:
    missing = {"between": {"column": "lengt", "min": 1}}
    assert only_problem(content("support:length", missing)) == (
        "between reads 'lengt', which no earlier step adds (earlier steps add: length); did you mean 'length'?"
    )
    assert only_problem(content(missing, "support:length")) == (
        "between reads 'lengt', which no earlier step adds (the input has: id, source, text)"
    )


def test_a_new_column_may_not_take_the_place_of_what_every_document_has() -> None:
    raw = content()
    for name in ("id", "text", "source"):
        raw["stages"] = [{"barrier": "near", "minhash": {"size_column": name}}]
        assert only_problem(raw) == f"minhash adds {name!r}, which every document has; choose another"


def test_a_column_of_one_input_of_several_may_be_read() -> None:
    two = [INPUT, {**INPUT, "source": "b", "extra": "stars"}]
    recipe = parse_recipe(content({"between": {"column": "stars", "min": 1}}, inputs=two))
    assert input_layout(recipe.inputs).names == ["id", "source", "text", "stars"]


def test_parameters_unknown_missing_and_wrong() -> None:
    wrong = content({"support:MinLength": {"lest": 5}}, {"support:MinLength": {"least": "many"}}, "support:mortal")
    assert problems(wrong) == [
        "base.MinLength: unknown parameter 'lest'; did you mean 'least'? (there are: least)",
        "base.MinLength_2: least: Input should be a valid integer, unable to parse string as an integer",
        "base.mortal: parameter 'flag' is missing",
    ]


def test_a_parameter_of_a_section_is_explained_with_those_of_that_section() -> None:
    assert only_problem(content(output={"pth": "x"})) == (
        "recipe: unknown parameter 'output.pth'; did you mean 'path'? "
        "(there are: path, format, shard_bytes, shard_tokens, tokenizer, pattern, end_token, prefix)"
    )
    assert only_problem(content(output={"shard_bytes": "12 apples"})) == (
        "recipe: output.shard_bytes: could not interpret byte unit: apples"
    )
    assert "rejects.keep" in only_problem(content(rejects={"keep": 2}))
    assert only_problem(content(rejects=0.1)) == "rejects is a mapping, not 0.1"
    assert only_problem(content(outputs={})).startswith("recipe: unknown parameter 'outputs'; did you mean 'output'?")


def test_every_problem_is_told_at_once() -> None:
    wrong = {
        "name": "two words",
        "inputs": [{"source": "a", "files": "x"}, {"source": "b", "read": "wrac", "files": "x"}],
        "stages": [
            {"chain": "base", "steps": ["gopher_qualty", {"support:MinLength": {"lest": 5}}, ["a", "list"]]},
            {"chain": "base", "step": []},
            {"steps": ["support:length"]},
            {"barrier": "dedup"},
        ],
        "expect": {"kepd": [0, 1]},
    }
    found = problems(wrong, "base.nothing=1", "nonsense")
    beginnings = [
        "input 'a' does not say how to read it: add read: warc, for example",
        "stage 'base': write a step as name or name: {parameters}, not ['a', 'list']",
        "chain 'base' has one list, steps; found step",
        "a stage starts with chain: NAME or barrier: NAME, or ends all as mix: NAME, not {'steps': ['support:length']}",
        "barrier 'dedup' needs exactly one entry beside its name, such as exact",
        "stage name 'base' is taken; every stage needs a name of its own",
        "--set base.nothing=1: write stage.step.parameter=value",
        "--set nonsense: write stage.step.parameter=value",
        "recipe: name: String should match pattern",
        f"inputs.b: unknown reader 'wrac'; did you mean 'warc'? {THERE_ARE}",
        "base.gopher_qualty: unknown step 'gopher_qualty'; did you mean 'gopher_quality'?",
        "base.MinLength: unknown parameter 'lest'; did you mean 'least'?",
        "expect names 'kepd', which is no stage; did you mean 'kept'?",
    ]
    assert len(found) == len(beginnings)
    for problem, beginning in zip(found, beginnings, strict=True):
        assert problem.startswith(beginning)


@pytest.mark.parametrize("raw", [None, [], "text", 5])
def test_what_is_no_mapping_is_no_recipe(raw: object) -> None:
    assert only_problem(raw) == "a recipe is a mapping with name, inputs and stages"


def test_a_recipe_needs_inputs_and_stages() -> None:
    found = problems({"name": "x"})
    assert found == ["recipe: parameter 'inputs' is missing", "recipe: parameter 'stages' is missing"]
    assert all("at least 1 item" in problem for problem in problems({"name": "x", "inputs": [], "stages": []}))


def test_steps_of_one_name_are_numbered_whatever_module_they_come_from() -> None:
    twins = ["support:MinLength", {"support:MinLength": {"least": 7}}, {"support:without": {}}]
    assert steps_of(parse_recipe(content(*twins)))["MinLength_2"] == MinLength(least=7)


def test_same_names_from_two_modules_are_told_apart(tmp_path: Path) -> None:
    source = "from textmill import doc_filter\n\n@doc_filter\ndef {}(text: str) -> str | None: ...\n"
    (tmp_path / "twin_of_support.py").write_text(source.format("without") + source.format("without_2"))
    steps = ["support:without", "twin_of_support:without_2", "twin_of_support:without"]
    labels = list(steps_of(parse_recipe(content(*steps), (), [str(tmp_path)])))
    assert labels == ["without", "without_2", "without_3"]


def test_overrides_reach_steps_inputs_and_sections() -> None:
    raw = content({"support:MinLength": {"least": 1}}, "support:MinLength", expect={"kept": [0, 1]})
    overrides = (
        "base.MinLength.least=8",
        "base.MinLength_2.least=9",
        "inputs.a.rows=2",
        "output.shard_bytes=1MB",
        "rejects.keep=0.5",
        "expect.kept=[0.5, 0.75]",
    )
    recipe = parse_recipe(raw, overrides)
    assert steps_of(recipe) == {"MinLength": MinLength(least=8), "MinLength_2": MinLength(least=9)}
    assert recipe.inputs[0].part.model_dump()["rows"] == 2
    assert (recipe.output.shard_bytes, recipe.rejects.keep) == (1_000_000, 0.5)
    assert recipe.expect == {"kept": (0.5, 0.75)}
    assert raw["stages"] == content({"support:MinLength": {"least": 1}}, "support:MinLength")["stages"]  # as it was


def test_overrides_that_reach_nothing() -> None:
    raw = content("support:MinLength")
    assert only_problem(raw, "base.MinLenth.least=8").startswith(
        "--set base.MinLenth.least=8: write stage.step.parameter=value; did you mean 'base.MinLength'? ("
    )
    assert only_problem(raw, "base.MinLength.lest=8").startswith("base.MinLength: unknown parameter 'lest'")
    assert only_problem(raw, "base.MinLength.least=[8") == "--set base.MinLength.least=[8: the value is not YAML"


def test_stages_in_a_row() -> None:
    raw = content(stages=[{"barrier": "firsts", "support:First": {"count": 2}}, {"chain": "end", "steps": []}])
    barrier, chain = parse_recipe(raw).stages
    assert isinstance(barrier, BarrierStage)
    assert (barrier.name, barrier.barrier.label) == ("firsts", "First")
    assert chain == ChainStage("end", ())
    assert parse_recipe(raw, ["firsts.First.count=5"]).stages[0] != barrier


@pytest.mark.parametrize("name", ["output", "inputs", "read", "after_firsts", "firsts"])
def test_names_that_are_taken(name: str) -> None:
    stages = [{"barrier": "firsts", "support:First": {}}, {"chain": name, "steps": []}]
    assert only_problem(content(stages=stages)) == (
        f"stage name {name!r} is taken; every stage needs a name of its own"
    )


@pytest.mark.parametrize("name", ["a.b", "a/b", "../up", "two words", ""])
def test_names_that_no_folder_or_override_could_carry(name: str) -> None:
    problem = only_problem(content(stages=[{"chain": name, "steps": []}]))
    assert problem == f"stage name {name!r}: write letters, digits, _ and -"


def test_two_inputs_of_one_source_are_refused() -> None:
    assert only_problem(content(inputs=[INPUT, INPUT])) == (
        "source 'a' is taken; every input needs a source of its own"
    )


def test_expectations_name_stages_and_steps_and_give_ranges() -> None:
    stages = [{"chain": "base", "steps": ["support:MinLength"]}, {"barrier": "firsts", "support:First": {}}]
    good = {"kept": [0, 1], "base": [0, 0.5], "base.MinLength": [0.1, 0.1], "firsts": [0.5, 1], "firsts.First": [0, 1]}
    assert parse_recipe(content(stages=stages, expect=good)).expect["base"] == (0, 0.5)
    assert only_problem(content(stages=stages, expect={"base.MinLegth": [0, 1]})) == (
        "expect names 'base.MinLegth', which is no stage; did you mean 'base.MinLength'?"
    )
    for bounds in ([0.6, 0.05], [0, 60], [-1, 1]):
        problem = only_problem(content(stages=stages, expect={"kept": bounds}))
        assert "is no range of shares, from low to high, within 0 and 1" in problem


def test_a_class_that_is_no_step() -> None:
    advice = "derive it from Filter, Scorer or Mapper, or mark a function @doc_filter or @doc_scorer"
    assert only_problem(content("support:Lines")) == f"base.Lines: 'support:Lines' is no step: {advice}"
    assert only_problem(content("textmill:judge")) == f"base.judge: 'textmill:judge' is no step: {advice}"
    assert only_problem(content("textmill:Filter")) == "base.Filter: 'textmill:Filter' is no whole step: it lacks judge"
    assert only_problem(content("support:MinLenth")) == (
        "base.MinLenth: module 'support' has no 'MinLenth'; did you mean 'MinLength'?"
    )


def test_a_recipe_file_that_is_missing_or_no_yaml(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"recipe .*missing\.yaml: no such file"):
        load_recipe(str(tmp_path / "missing.yaml"))
    (tmp_path / "broken.yaml").write_text("name: [1")
    with pytest.raises(RecipeError, match=r"broken\.yaml: not YAML: "):
        load_recipe(str(tmp_path / "broken.yaml"))
    (tmp_path / "latin.yaml").write_bytes(b"name: caf\xe9")
    with pytest.raises(RecipeError, match=r"^recipe .*latin\.yaml: not UTF-8 text: [^(]*$"):
        load_recipe(str(tmp_path / "latin.yaml"))
    (tmp_path / "list.yaml").write_text("- name")
    with pytest.raises(RecipeError, match=r"recipe .*list\.yaml: is no mapping with name, inputs and stages"):
        load_recipe(str(tmp_path / "list.yaml"))
    with pytest.raises(RecipeError, match=f"recipe {tmp_path}: is a folder; name a YAML file in it"):
        load_recipe(str(tmp_path))
    with pytest.raises(RecipeError, match=r"quikstart\.yaml: no such file; did you mean 'quickstart'\?"):
        load_recipe("quikstart")


def test_a_folder_does_not_hide_the_packaged_recipe_of_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gopher").mkdir()
    monkeypatch.chdir(tmp_path)
    assert load_recipe("gopher").name == "gopher"


def test_a_plugin_is_found_beside_the_recipe_before_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = (
        "from textmill import doc_filter\n\n"
        "@doc_filter\n"
        "def where(text: str, *, place: str = '{}') -> str | None: ...\n"
    )
    beside, here = tmp_path / "beside", tmp_path / "here"
    for folder in (beside, here):
        folder.mkdir()
        (folder / "placed_plugin.py").write_text(source.format(folder.name))
    recipe_text = yaml.safe_dump(content("placed_plugin:where"))
    (beside / "recipe.yaml").write_text(recipe_text)
    monkeypatch.chdir(here)
    recipe = load_recipe(str(beside / "recipe.yaml"))
    assert steps_of(recipe)["where"].place == "beside"
    (step,) = recipe.stages[0].steps
    assert step.plugin.name == "placed_plugin"
    (beside / "placed_plugin.py").unlink()
    assert steps_of(load_recipe(str(beside / "recipe.yaml")))["where"].place == "here"


def test_a_packaged_recipe_is_found_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = {load_recipe(name).name for name in ("configs/quickstart.yaml", "quickstart.yaml", "quickstart")}
    assert len(names) == 1
    (tmp_path / "quickstart").mkdir()  # such as a run's folder; a recipe is a file
    assert load_recipe("quickstart").name in names


def test_a_key_that_stands_twice_is_told_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text("name: twice\nstages:\n  - chain: a\n    steps: [x]\n    steps: [y]\n")
    with pytest.raises(RecipeError, match=r"'steps' stands here twice(.|\n)*line 3"):
        load_recipe(str(path))
