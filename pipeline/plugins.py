"""Steps of a user's own: found by module name beside the recipe or in the working directory, shipped as source.

A plugin travels to every worker as the text of its files, is hashed into the address of the stages that
use it, and is loaded without a change to the module search path, so that its folder shadows nothing.
"""

import hashlib
import importlib
import importlib.util
import os
import re
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import requires
from pathlib import Path
from types import ModuleType

from textmill.pipeline.errors import RecipeError

MAX_BYTES = 32 << 20
"""Files of a plugin package travel with every run; more than this is surely data, not code."""
_LOADED = "__textmill_plugin__"


@dataclass(frozen=True)
class Plugin:
    """A module or package by name, with the content of its files by relative path."""

    name: str
    files: tuple[tuple[str, bytes], ...]

    @property
    def digest(self) -> str:
        """A hash of every name and byte in it."""
        state = hashlib.blake2b(self.name.encode(), digest_size=16)
        for path, content in self.files:
            state.update(f"\0{path}\0{len(content)}\0".encode() + content)
        return state.hexdigest()


def find_plugin(module: str, folders: Iterable[str]) -> Plugin | None:
    """The plugin that holds `module` (dotted names by their first part), looked for in `folders`.

    None when it is an installed package, which every worker has. Raises RecipeError when it is nowhere,
    too large to ship, or named like a module of Python's own.
    """
    top = module.partition(".")[0]
    if top == "textmill":
        return None
    for folder in map(Path, folders):
        single, package = folder / f"{top}.py", folder / top / "__init__.py"
        if (single.is_file() or package.is_file()) and top in sys.stdlib_module_names:
            raise RecipeError(f"plugin {top!r} in {folder} has the name of a module of Python's own: rename it")
        if single.is_file():
            return Plugin(top, ((single.name, single.read_bytes()),))
        if package.is_file():
            return Plugin(top, _package_files(folder, top))
    if top.isidentifier() and top != "__main__" and importlib.util.find_spec(top) is not None:
        return None
    places = ", ".join(dict.fromkeys(map(str, folders)))
    raise RecipeError(f"no module {top!r}: there is no {top}.py or {top}/__init__.py in {places}")


def _package_files(folder: Path, top: str) -> tuple[tuple[str, bytes], ...]:
    paths = sorted(p for p in (folder / top).rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    size = sum(path.stat().st_size for path in paths)
    if size > MAX_BYTES:
        raise RecipeError(f"plugin package {top!r} holds {size >> 20} MiB; at most {MAX_BYTES >> 20} travel")
    return tuple((path.relative_to(folder).as_posix(), path.read_bytes()) for path in paths)


def load_plugin(plugin: Plugin) -> None:
    """Make the plugin importable by its name in this process, in place of an earlier version of it.

    Raises RecipeError when its code raises.
    """
    loaded = sys.modules.get(plugin.name)
    if getattr(loaded, _LOADED, None) == plugin.digest:
        return
    for name in [n for n in sys.modules if n == plugin.name or n.startswith(f"{plugin.name}.")]:
        del sys.modules[name]
    path = _unpack(plugin) / plugin.files[0][0].partition("/")[0]
    package = path.is_dir()
    spec = importlib.util.spec_from_file_location(
        plugin.name,
        path / "__init__.py" if package else path,
        submodule_search_locations=[str(path)] if package else None,
    )
    if spec is None or spec.loader is None:
        raise RecipeError(f"plugin {plugin.name!r} cannot be loaded from {path}")
    module = importlib.util.module_from_spec(spec)
    setattr(module, _LOADED, plugin.digest)
    sys.modules[plugin.name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[plugin.name]
        raise RecipeError(f"plugin {plugin.name!r} raises when loaded: {error!r}") from error


def import_module(name: str) -> ModuleType:
    """Import a module of a loaded plugin or an installed package. Raises RecipeError when that fails."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing in ("", name.partition(".")[0]):
            raise RecipeError(f"module {name!r} cannot be imported: {error!r}") from error
        raise RecipeError(
            f"{name} needs {missing}, which is not installed; {_how_to_install(name, missing)}"
        ) from error
    except Exception as error:
        raise RecipeError(f"module {name!r} cannot be imported: {error!r}") from error


def _how_to_install(module: str, library: str) -> str:
    """What to do about a library that a module lacks: of ours, the extra that brings it, if one does."""
    if module.partition(".")[0] != "textmill":
        return "install it"
    for requirement in requires("textmill") or ():
        distribution, _, condition = requirement.partition(";")
        extra = re.search(r"extra == .([\w-]+)", condition)
        named = re.match(r"[\w.-]+", distribution)
        if extra and extra[1] != "dev" and named and named[0].replace("-", "_") == library:
            return f"pip install 'textmill[{extra[1]}]'"
    return "pip install textmill brings it"


def _unpack(plugin: Plugin) -> Path:
    """The plugin's files in a folder of this machine that carries its hash; written once."""
    base = Path(tempfile.gettempdir()) / f"textmill-plugins-{os.getuid()}"
    base.mkdir(mode=0o700, exist_ok=True)
    target = base / plugin.digest
    if not target.exists():
        with tempfile.TemporaryDirectory(dir=base) as scratch:
            draft = Path(scratch) / "draft"
            for path, content in plugin.files:
                (draft / path).parent.mkdir(parents=True, exist_ok=True)
                (draft / path).write_bytes(content)
            try:
                draft.rename(target)
            except OSError:
                if not target.exists():  # another worker may have come first
                    raise
    return target
