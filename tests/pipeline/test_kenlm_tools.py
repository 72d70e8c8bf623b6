"""Where kenlm's tools are looked for, and what is said when they are not there."""

from pathlib import Path

import pytest

from textmill.pipeline import kenlm_tools
from textmill.pipeline.errors import ModelError


def executable(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o755)
    return path


def test_a_tool_on_the_path_comes_before_one_that_was_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.prefix", str(tmp_path / "env"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(ModelError, match="textmill fetch kenlm"):
        kenlm_tools.find_tool("lmplz")
    built = executable(tmp_path / "env/share/textmill/kenlm/bin/lmplz")
    assert kenlm_tools.find_tool("lmplz") == built
    assert kenlm_tools.find_tool("lmplz") != (found := executable(tmp_path / "bin/lmplz"))
    assert kenlm_tools.find_tool("lmplz") == found


def test_tools_that_are_there_are_not_built_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.prefix", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "no_compiler"))
    with pytest.raises(ModelError, match=r"no C\+\+ compiler"):
        kenlm_tools.build_tools()
    for name in kenlm_tools.TOOLS:
        executable(tmp_path / "share/textmill/kenlm/bin" / name)
    assert kenlm_tools.build_tools() == tmp_path / "share/textmill/kenlm/bin"
