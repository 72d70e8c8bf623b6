"""Where kenlm's tools are (lmplz, build_binary, query), and how they are built from its own source.

The Python package brings what reads a model; what makes one has to be compiled, with Boost.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from typing import Final

from textmill.pipeline.errors import ModelError
from textmill.pipeline.models import model_folder

TOOLS: Final = {
    "lmplz": "lm/builder/lmplz_main.cc",
    "build_binary": "lm/build_binary_main.cc",
    "query": "lm/query_main.cc",
}
"""The tools, and the file of kenlm's source that holds each one's main function."""
_KENLM: Final = "kenlm==0.3.0"
_SHA256: Final = "c4628bb9fb63c8a6f9240035b8b037385cfc404cb72e933cf48878291edac1e8"
_BOOST: Final = "cmeel-boost==1.83.0"
_SOURCES: Final = ("util", "util/double-conversion", "util/stream", "lm", "lm/common", "lm/builder")
_LIBRARIES: Final = ("program_options", "thread")
_FLAGS: Final = ("-O3", "-DNDEBUG", "-DKENLM_MAX_ORDER=6", "-std=c++11", "-w", "-I.")


def find_tool(name: str) -> Path:
    """A tool from the PATH, or else from where `build_tools` puts it.

    Raises ModelError, which says what to do, when it is in neither place.
    """
    if found := shutil.which(name):
        return Path(found)
    built = _home() / "bin" / name
    if not built.is_file():
        raise ModelError(f"kenlm's {name} is not on this machine; build it with: textmill fetch kenlm (about a minute)")
    return built


def build_tools() -> Path:
    """Compile the tools, unless they are there, and return the folder that holds them.

    Source and Boost come through pip from the package registry. Raises ModelError when pip cannot get them or the
    compiler (``c++``) is missing or fails.
    """
    home = _home()
    if all((home / "bin" / name).is_file() for name in TOOLS):
        return home / "bin"
    if shutil.which("c++") is None:
        raise ModelError("kenlm's tools cannot be built: no C++ compiler (c++) on the PATH")
    home.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home.parent) as folder:
        work = Path(folder)
        source, boost = _get_source(work), _get_boost(work)
        (work / "kenlm" / "bin").mkdir(parents=True)
        (work / "kenlm" / "lib").mkdir()
        for library in _LIBRARIES:
            for file in (boost / "lib").glob(f"libboost_{library}.so.*"):
                shutil.copy(file, work / "kenlm" / "lib")
        _compile(source, boost / "include", work / "kenlm")
        shutil.copy(source / "COPYING", work / "kenlm")
        shutil.rmtree(home, ignore_errors=True)
        (work / "kenlm").rename(home)
    return home / "bin"


def _home() -> Path:
    return model_folder() / "kenlm"


def _get_source(work: Path) -> Path:
    """kenlm's source distribution, unpacked and verified."""
    archive = _download(_KENLM, work, "--no-binary", "kenlm")
    if hashlib.sha256(archive.read_bytes()).hexdigest() != _SHA256:
        raise ModelError(f"{archive.name} is not the expected source of {_KENLM}: its sha256 differs")
    shutil.unpack_archive(archive, work)
    return work / archive.name.removesuffix(".tar.gz")


def _get_boost(work: Path) -> Path:
    """A folder with Boost's `include` and `lib`; the wheel's Python does not matter, only its headers and libraries."""
    archive = _download(_BOOST, work, "--only-binary", ":all:", "--python-version", "3.11")
    shutil.unpack_archive(archive, work / "boost", "zip")
    return work / "boost" / "cmeel.prefix"


def _download(distribution: str, work: Path, *options: str) -> Path:
    target = work / distribution
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    _run([*pip, *options, "--dest", str(target), distribution], work, f"pip could not download {distribution}")
    return next(target.iterdir())


def _compile(source: Path, include: Path, target: Path) -> None:
    names = chain.from_iterable((source / folder).glob("*.cc") for folder in _SOURCES)
    library = [name for name in names if not name.stem.endswith(("_main", "_test"))]
    objects = source / "objects"
    objects.mkdir()

    def compile_one(file: Path) -> Path:
        made = objects / f"{file.relative_to(source).as_posix().replace('/', '_')}.o"
        command = ["c++", *_FLAGS, "-isystem", str(include), "-c", str(file), "-o", str(made)]
        _run(command, source, f"{file.relative_to(source)} does not compile")
        return made

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        mains = dict(zip(TOOLS, pool.map(compile_one, (source / main for main in TOOLS.values())), strict=True))
        shared = list(pool.map(compile_one, sorted(library)))
    boost = [f"-l:{file.name}" for file in sorted((target / "lib").iterdir())]
    for name, main in mains.items():
        run_path = ["-L", str(target / "lib"), "-Wl,-rpath,$ORIGIN/../lib", "-Wl,--as-needed"]
        command = [
            "c++",
            str(main),
            *map(str, shared),
            *run_path,
            *boost,
            "-lpthread",
            "-o",
            str(target / "bin" / name),
        ]
        _run(command, source, f"{name} cannot be linked")


def _run(command: Sequence[str], folder: Path, complaint: str) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ModelError(f"{complaint}: {done.stderr.strip()[-2000:]}")
