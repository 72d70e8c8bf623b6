"""Steps of a user's own: found where they are written, loaded again when edited, hashed in full, shadowing nothing."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from textmill.pipeline.errors import RecipeError
from textmill.pipeline.plugins import MAX_BYTES, Plugin, find_plugin, import_module, load_plugin

STEP = """
from textmill import doc_filter

@doc_filter
def where(text: str, *, place: str = "{}") -> str | None:
    return place
"""


@pytest.fixture(autouse=True)
def loaded_modules() -> Iterator[None]:
    before = dict(sys.modules)
    yield
    for name in [name for name in sys.modules if name not in before]:
        del sys.modules[name]
    sys.modules.update(before)


def write(folder: Path, **files: str) -> None:
    folder.mkdir(exist_ok=True)
    for name, source in files.items():
        (folder / f"{name}.py").write_text(source)


def write_package(folder: Path, name: str, **files: str) -> None:
    write(folder / name, **files)


def found(module: str, *folders: object) -> Plugin:
    plugin = find_plugin(module, [str(folder) for folder in folders])
    assert plugin is not None
    return plugin


def place(module: str) -> str:
    return import_module(module).where().place  # type: ignore[no-any-return]


def test_a_single_file(tmp_path: Path) -> None:
    write(tmp_path, my_step=STEP.format("file"))
    plugin = found("my_step", tmp_path)
    assert [path for path, _ in plugin.files] == ["my_step.py"]
    load_plugin(plugin)
    assert place("my_step") == "file"


def test_a_package_with_several_modules_that_import_each_other(tmp_path: Path) -> None:
    steps = "from my_package.words import WORD\nfrom .deep.more import MORE\n" + STEP.format("in")
    write_package(tmp_path, "my_package", __init__="", words="WORD = 'package'", steps=steps + "\nPLACE = WORD + MORE")
    write_package(tmp_path / "my_package", "deep", __init__="", more="MORE = '!'")
    (tmp_path / "my_package" / "list.txt").write_text("data travels too")
    (tmp_path / "my_package" / "__pycache__").mkdir()
    (tmp_path / "my_package" / "__pycache__" / "steps.pyc").write_bytes(b"but no compiled code")
    plugin = found("my_package.steps", tmp_path)
    assert [path for path, _ in plugin.files] == [
        "my_package/__init__.py",
        "my_package/deep/__init__.py",
        "my_package/deep/more.py",
        "my_package/list.txt",
        "my_package/steps.py",
        "my_package/words.py",
    ]
    load_plugin(plugin)
    module = import_module("my_package.steps")
    assert (module.PLACE, module.where().place) == ("package!", "in")
    assert (Path(str(module.__file__)).parent / "list.txt").read_text() == "data travels too"


def test_the_first_folder_wins_and_an_installed_package_needs_no_shipping(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        write(tmp_path / folder, my_place=STEP.format(folder))
    load_plugin(found("my_place", tmp_path / "one", tmp_path / "two"))
    assert place("my_place") == "one"
    assert find_plugin("yaml.nodes", [str(tmp_path)]) is None
    assert find_plugin("textmill.filters", [str(Path(__file__).parents[2])]) is None  # not even beside its source


def test_an_edit_is_loaded_and_an_old_version_can_come_back(tmp_path: Path) -> None:
    steps = STEP.format("{}") + "\nfrom my_edited.words import WORD\n"
    versions = {}
    for word in ("old", "new"):
        write_package(tmp_path, "my_edited", __init__="", words=f"WORD = '{word}'", steps=steps)
        versions[word] = found("my_edited", tmp_path)
    for word in ("old", "new", "old"):
        load_plugin(versions[word])
        assert word == import_module("my_edited.steps").WORD


def test_loading_what_is_loaded_changes_nothing(tmp_path: Path) -> None:
    write(tmp_path, my_stable=STEP.format("x"))
    load_plugin(found("my_stable", tmp_path))
    first = sys.modules["my_stable"]
    load_plugin(found("my_stable", tmp_path))
    assert sys.modules["my_stable"] is first


def test_the_digest_covers_every_name_and_byte(tmp_path: Path) -> None:
    versions = [
        Plugin("p", (("p/a.py", b"x"), ("p/b.py", b""))),
        Plugin("p", (("p/a.py", b""), ("p/b.py", b"x"))),
        Plugin("p", (("p/a.py", b"x"), ("p/c.py", b""))),
        Plugin("p", (("p/a.py", b"x"),)),
        Plugin("q", (("p/a.py", b"x"),)),
    ]
    assert len({plugin.digest for plugin in versions}) == len(versions)
    assert Plugin("p", (("p/a.py", b"x"),)).digest == versions[3].digest


def test_folders_named_like_ours_shadow_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = importlib.import_module("textmill.filters")
    for name in ("filters", "pipeline"):
        write_package(tmp_path, name, __init__=STEP.format(f"my own {name}"))
    monkeypatch.chdir(tmp_path)
    load_plugin(found("filters", tmp_path))
    load_plugin(found("pipeline", tmp_path))
    assert place("filters") == "my own filters"
    assert importlib.import_module("textmill.filters") is ours
    assert str(tmp_path) not in sys.path


def test_a_plugin_takes_the_place_of_nothing_that_others_use(tmp_path: Path) -> None:
    write(tmp_path, json=STEP, textmill=STEP)
    with pytest.raises(RecipeError, match=r"plugin 'json' in .* has the name of a module of Python's own: rename it"):
        find_plugin("json", [str(tmp_path)])
    assert find_plugin("textmill", [str(tmp_path)]) is None


def test_a_module_that_is_nowhere(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"no module 'my_nothing': there is no my_nothing\.py or my_nothing/__init__"):
        find_plugin("my_nothing.sub", [str(tmp_path)])


@pytest.mark.parametrize("name", ["__main__", "", ".relative"])
def test_what_can_be_no_module_of_a_recipe(tmp_path: Path, name: str) -> None:
    with pytest.raises(RecipeError, match="no module"):
        find_plugin(name, [str(tmp_path)])


@pytest.mark.parametrize("source", ["import no_such_thing", "1 / 0", "def broken(:", "raise SystemExit"])
def test_a_plugin_that_raises_is_named(tmp_path: Path, source: str) -> None:
    write(tmp_path, my_broken=source)
    with pytest.raises(RecipeError, match="plugin 'my_broken' raises when loaded: "):
        load_plugin(found("my_broken", tmp_path))
    assert "my_broken" not in sys.modules


def test_a_module_of_a_package_that_raises_is_named(tmp_path: Path) -> None:
    write_package(tmp_path, "my_half", __init__="", steps="1 / 0")
    load_plugin(found("my_half.steps", tmp_path))
    with pytest.raises(RecipeError, match=r"module 'my_half\.steps' cannot be imported: ZeroDivisionError"):
        import_module("my_half.steps")


def test_a_package_that_holds_data_is_too_large_to_travel(tmp_path: Path) -> None:
    write_package(tmp_path, "my_large", __init__="")
    with (tmp_path / "my_large" / "model.bin").open("wb") as stream:
        stream.truncate(MAX_BYTES + (1 << 20))
    with pytest.raises(RecipeError, match="plugin package 'my_large' holds 33 MiB; at most 32 travel"):
        find_plugin("my_large", [str(tmp_path)])
