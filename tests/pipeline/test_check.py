"""What a rerun would reuse is told as it is, for any reader."""

from pathlib import Path

import pytest
from support import chain, recipe_of, write_lines

from textmill.pipeline.check import Check, check
from textmill.pipeline.errors import RecipeError
from textmill.pipeline.executor import Inline
from textmill.pipeline.recipe import Recipe
from textmill.pipeline.run import run


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    (tmp_path / "in").mkdir()
    write_lines(tmp_path / "in", a=["one", "two"], b=["three"])
    return recipe_of(tmp_path / "in", chain("base"), {"barrier": "firsts", "support:First": {}})


def done(found: Check) -> dict[str, tuple[int, bool]]:
    return {stage.name: (stage.parts_done, stage.complete) for stage in found.stages}


def test_what_an_earlier_run_did_counts_as_long_as_its_input_is_what_it_was(recipe: Recipe, tmp_path: Path) -> None:
    names, out = ["base", "firsts", "after_firsts", "output"], str(tmp_path / "out")
    before = check(recipe, out)
    assert done(before) == dict.fromkeys(names, (0, False))
    assert (len(before.shards), before.input_bytes) == (2, len("one\ntwo\nthree\n"))
    assert not (tmp_path / "out").exists()
    run(recipe, out, Inline())
    assert done(check(recipe, out)) == {**dict.fromkeys(names, (2, True)), "output": (1, True)}
    write_lines(tmp_path / "in", b=["mended"], c=["new"])
    assert done(check(recipe, out)) == {"base": (1, False), **dict.fromkeys(names[1:], (0, False))}


def test_a_folder_that_a_run_could_not_write_is_told(recipe: Recipe, tmp_path: Path) -> None:
    (tmp_path / "out").touch()
    with pytest.raises(RecipeError, match=r"output: .*/out: .*/out is no folder; choose another place"):
        check(recipe, str(tmp_path / "out"))
    (tmp_path / "other" / "data").mkdir(parents=True)
    (tmp_path / "other" / "data" / "mine").touch()
    with pytest.raises(RecipeError, match=r"output: .*/other/data holds files that no run wrote"):
        check(recipe, str(tmp_path / "other"))


def test_an_input_that_is_gone_is_told(recipe: Recipe, tmp_path: Path) -> None:
    for path in (tmp_path / "in").iterdir():
        path.unlink()
    with pytest.raises(RecipeError, match=r"\*\.txt: no such file"):
        check(recipe, str(tmp_path / "out"))
