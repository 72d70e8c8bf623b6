"""What cannot be written is refused before any work, with what to do: every command, the same rule."""

import os
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from textmill.pipeline.cli import app
from textmill.pipeline.errors import InputError, UsageError
from textmill.pipeline.io.writable import check_file, check_folder

BY_THE_RECIPE = {"run", "check", "plan-mix"}
"""Their --out takes the place of output.path in a recipe, and is looked at with it."""


def commands_that_write() -> list[list[str]]:
    """Words of every other command with an option --out."""
    root = typer.main.get_command(app)
    found, todo = [], [([], root)]
    while todo:
        words, command = todo.pop()
        todo += [([*words, name], inner) for name, inner in getattr(command, "commands", {}).items()]
        if any("--out" in parameter.opts for parameter in command.params) and words[-1] not in BY_THE_RECIPE:
            found.append(words)
    return sorted(found)


def test_there_are_as_many_commands_as_we_think() -> None:
    assert len(commands_that_write()) == 12


@pytest.mark.parametrize("words", commands_that_write(), ids=" ".join)
def test_a_command_refuses_before_it_looks_at_anything_else(words: list[str], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    told = CliRunner().invoke(app, [*words, "--out", str(tmp_path / "file" / "below")])
    assert isinstance(told.exception, UsageError)
    assert str(told.exception).startswith(f"{tmp_path}/file/below: {tmp_path}/file is no folder")


@pytest.mark.parametrize(
    "words", [["eval", "extractor", "--json"], ["eval", "extractor", "--pages"], ["train", "extractor", "--texts"]]
)
def test_so_do_other_options_that_name_a_file(words: list[str], tmp_path: Path) -> None:
    told = CliRunner().invoke(app, [*words, str(tmp_path)])
    assert isinstance(told.exception, UsageError)
    assert "is a folder; name a file in it" in str(told.exception)


def test_a_place_that_is_not_there_yet_will_do_and_is_not_made(tmp_path: Path) -> None:
    check_file(str(tmp_path / "a" / "b" / "model.bin"))
    check_folder(str(tmp_path / "a" / "b"))
    check_folder(str(tmp_path))
    (tmp_path / "model.bin").touch()
    check_file(str(tmp_path / "model.bin"))
    assert [path.name for path in tmp_path.iterdir()] == ["model.bin"]


def test_a_file_is_no_folder_and_a_folder_no_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="is no folder; choose another place"):
        check_folder(str(tmp_path / "file"))
    with pytest.raises(UsageError, match="is a folder; name a file in it"):
        check_file(str(tmp_path))


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_folder_without_the_right_to_write_is_named(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir(mode=0o500)
    for check in (check_file, check_folder):
        with pytest.raises(UsageError, match=r"the folder .*/mine cannot be written"):
            check(str(tmp_path / "mine" / "new"))


def test_of_a_url_the_protocol_is_looked_at() -> None:
    check_file("memory://bucket/model.bin")
    with pytest.raises(InputError, match="s4"):
        check_folder("s4://bucket/run")
