"""The README's code runs, its recipe is sound, and its links lead somewhere."""

import re
from pathlib import Path

import pytest
import yaml

from textmill.pipeline import catalog
from textmill.pipeline.recipe_reader import load_recipe, parse_recipe

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (code,) = blocks("python")
    exec(compile(code, "README.md", "exec"), {"__name__": "readme"})


def test_the_recipe_loads_with_the_filter_beside_it(tmp_path: Path) -> None:
    (recipe,), (code,) = blocks("yaml"), blocks("python")
    (tmp_path / "my_filters.py").write_text(code)
    (tmp_path / "recipe.yaml").write_text(recipe)
    (tmp_path / "books").mkdir()
    (tmp_path / "books" / "a.jsonl").write_text('{"body": "text"}\n')
    content = yaml.safe_load(recipe)
    content["inputs"][1]["files"] = f"{tmp_path}/books/*.jsonl"
    loaded = parse_recipe(content, plugin_folders=[str(tmp_path)])
    assert [stage.name for stage in loaded.stages] == ["base", "near_duplicates"]


def test_links_lead_somewhere() -> None:
    targets = re.findall(r"\]\(([^)#]+)\)", README)
    assert targets
    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_it_is_short() -> None:
    assert len(README.splitlines()) < 150


def test_every_command_it_names_exists() -> None:
    from textmill.pipeline.cli import app

    known = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
    known |= {group.name for group in app.registered_groups if group.name}
    assert set(re.findall(r"textmill (\w+)", "\n".join(blocks("console")))) <= known


@pytest.mark.parametrize("path", sorted((ROOT / "configs").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_packaged_recipe_loads(path: Path) -> None:
    recipe = load_recipe(f"configs/{path.name}")
    assert recipe.name == path.stem
    assert load_recipe(str(path)) == recipe


@pytest.mark.parametrize("name", sorted({**catalog.READERS, **catalog.STEPS, **catalog.BARRIERS}))
def test_every_name_of_the_catalog_has_a_page_worth_reading(name: str) -> None:
    table = next(t for t in (catalog.READERS, catalog.STEPS, catalog.BARRIERS) if name in t)
    find = {id(catalog.READERS): catalog.reader, id(catalog.STEPS): catalog.step, id(catalog.BARRIERS): catalog.barrier}
    part = find[id(table)](name)
    assert part.__doc__
    undescribed = [field for field, info in part.model_fields.items() if not info.description]
    assert undescribed == []
