"""Files on this machine or in an object store, through fsspec: find, open, and write whole or not at all."""

import errno
import os
import re
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from itertools import takewhile
from pathlib import Path
from typing import IO, Any, TypeVar

import fsspec
from fsspec.implementations.local import LocalFileSystem
from fsspec.spec import AbstractBufferedFile

from textmill.pipeline.errors import InputError

T = TypeVar("T")


@dataclass(frozen=True)
class FileInfo:
    """A file as a listing shows it. `stamp` changes when the content does."""

    path: str
    size: int
    stamp: str


def filesystem(path: str) -> tuple[fsspec.AbstractFileSystem, str]:
    """The store that holds `path`, and the path as that store writes it.

    Raises InputError for a protocol that is unknown or whose package is missing.
    """
    try:
        return fsspec.core.url_to_fs(path)  # type: ignore[no-any-return]
    except (ImportError, ValueError) as error:
        raise InputError(f"{path}: {error}") from error


def is_local(path: str) -> bool:
    """Whether `path` is on this machine's disks."""
    return isinstance(filesystem(path)[0], LocalFileSystem)


def absolute(path: str) -> str:
    """The path from the root for a local one, so that it means the same in every process; a URL as it is."""
    fs, name = filesystem(path)
    return name if isinstance(fs, LocalFileSystem) else path


def join(folder: str, *names: str) -> str:
    """A path below `folder`, for paths and URLs alike."""
    return "/".join([folder.rstrip("/"), *names])


def find_files(patterns: Iterable[str]) -> list[FileInfo]:
    """All files that match any of `patterns` (paths, globs, folders are not files), sorted, each once.

    Raises InputError naming the pattern that matches nothing or cannot be listed, or a link that leads nowhere.
    """
    found: dict[str, FileInfo] = {}
    for pattern in patterns:
        fs, path = filesystem(pattern)
        try:
            matches = fs.glob(path, detail=True) if fsspec.core.has_magic(path) else {path: fs.info(path)}
        except FileNotFoundError as error:
            if unreached := _unreached(fs, error):
                raise InputError(f"{pattern}: cannot be reached: {unreached}") from error
            matches = {}
        except Exception as error:  # stores raise what their libraries do: no credentials, no such bucket
            raise InputError(f"{pattern}: cannot be listed: {error}") from error
        for name, info in matches.items():
            if info["type"] == "other" and info.get("islink"):  # skipping it would lose documents in silence
                raise InputError(f"{name}: a link that leads to no file")
        files = {p: info for p, info in matches.items() if info["type"] == "file"}
        if not files:
            is_folder = any(info["type"] == "directory" for info in matches.values())
            raise InputError(f"{pattern}: " + ("a folder; name files, as in FOLDER/*" if is_folder else "no such file"))
        for name, info in files.items():
            url = name if isinstance(fs, LocalFileSystem) else fs.unstrip_protocol(name)
            found[url] = FileInfo(url, int(info["size"] or 0), _stamp(info))
    return [found[path] for path in sorted(found)]


def shared_folder(patterns: Iterable[str]) -> str:
    """The folder that all of `patterns` share before their first wildcard, written as `find_files` writes paths."""
    folders = []
    for pattern in patterns:
        fs, path = filesystem(pattern)
        url = path if isinstance(fs, LocalFileSystem) else fs.unstrip_protocol(path)
        folders.append(re.split(r"[*?\[]", url, maxsplit=1)[0].split("/")[:-1])
    alike = takewhile(lambda names: len(set(names)) == 1, zip(*folders, strict=False))
    return "/".join(names[0] for names in alike)


def _stamp(info: dict[str, Any]) -> str:
    changed = info.get("ETag") or info.get("etag") or info.get("mtime") or info.get("LastModified") or ""
    return f"{info['size']}-{changed}"


def open_binary(path: str) -> IO[bytes]:
    """Open for reading, seekable. Raises InputError when it is missing or forbidden, OSError when nobody answers."""
    fs, name = filesystem(path)
    with _clear_errors(path, fs):
        return fs.open(name, "rb")  # type: ignore[no-any-return]


def read_head(path: str, size: int) -> bytes:
    """The first `size` bytes of a file, or all it has, and nothing else is transferred. Raises as `open_binary`."""
    fs, name = filesystem(path)
    with _clear_errors(path, fs):
        return fs.cat_file(name, start=0, end=size)  # type: ignore[no-any-return]


@contextmanager
def _clear_errors(path: str, fs: fsspec.AbstractFileSystem) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        if unreached := _unreached(fs, error):
            raise ConnectionError(errno.EHOSTUNREACH, f"cannot be reached: {unreached}", path) from error
        raise InputError(f"{path}: no such file") from error
    except PermissionError as error:
        raise InputError(f"{path}: not readable: {error}") from error
    except IsADirectoryError as error:
        raise InputError(f"{path}: is a folder, not a file") from error
    except OSError:
        raise
    except Exception as error:  # stores raise what their libraries do where no error of Python's fits
        raise InputError(f"{path}: cannot be read: {error}") from error


def _unreached(fs: fsspec.AbstractFileSystem, error: FileNotFoundError) -> BaseException | None:
    """Why nobody could say whether a file is there: over HTTP fsspec calls it missing whatever went wrong."""
    cause = error.__cause__
    if cause is None or "http" not in fs.protocol:
        return None
    from aiohttp import ClientResponseError  # what fsspec's HTTP needs; it takes a moment to import

    return None if isinstance(cause, ClientResponseError) and cause.status in (404, 410) else cause


@contextmanager
def write_whole(path: str) -> Iterator[IO[bytes]]:
    """Open for writing; the file appears under its name when the block ends without error, or never.

    On local disks: a temporary name beside it, sync, rename, sync of the folder. On object stores
    the put at close is atomic already.
    """
    fs, name = filesystem(path)
    if not isinstance(fs, LocalFileSystem):
        stream = fs.open(name, "wb")
        try:
            yield stream
        except BaseException:
            _forget(stream)
            raise
        stream.close()
        return
    target = Path(name)
    temporary = target.with_name(f"{target.name}.{uuid.uuid4().hex[:12]}.tmp")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        opened = temporary.open("wb")
    except OSError as error:
        error.filename = str(target)  # what was asked for, not a name of ours
        raise
    try:
        with opened as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(target)
        sync_folder(target.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _forget(stream: IO[bytes]) -> None:
    """Give up a file that an object store has not got yet."""
    if isinstance(stream, AbstractBufferedFile):
        stream.discard()
        stream.closed = True  # or it would finish the upload when it is collected


def sync_folder(folder: Path) -> None:
    """Make the names in a local folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_text(path: str) -> str:
    """A whole UTF-8 file. Raises InputError when it is missing or not UTF-8."""
    with open_binary(path) as stream:
        try:
            return stream.read().decode("utf-8")
        except UnicodeDecodeError as error:
            raise InputError(f"{path}: not UTF-8 text: {error}") from error


def exists(path: str) -> bool:
    """Whether a file or folder is there. Raises InputError for a store that does not let us look."""
    fs, name = filesystem(path)
    with _clear_errors(path, fs):
        return bool(fs.exists(name))


def list_folder(folder: str) -> list[str]:
    """Names (not paths) of the files in a folder, sorted; empty when there is no such folder.

    Raises InputError for a store that does not let us look.
    """
    fs, name = filesystem(folder)
    fs.invalidate_cache()
    with _clear_errors(folder, fs):
        try:
            return sorted(p.rstrip("/").rsplit("/", 1)[-1] for p in fs.ls(name, detail=False))
        except (FileNotFoundError, NotADirectoryError):
            return []


def list_tree(folder: str) -> list[str]:
    """Paths, within a folder, of all files in it and its folders, sorted; empty when there is no such folder."""
    fs, name = filesystem(folder)
    fs.invalidate_cache()
    with _clear_errors(folder, fs):
        root = name.rstrip("/") + "/"
        return sorted(path.removeprefix(root) for path in fs.find(name))


def remove(path: str) -> None:
    """Delete a file or a folder with all it holds; nothing when it is not there."""
    fs, name = filesystem(path)
    if fs.exists(name):
        fs.rm(name, recursive=True)


def remove_drafts(folder: str) -> None:
    """Delete what `write_whole` had not finished in a folder when it was killed."""
    for name in list_folder(folder):
        if re.search(r"\.[0-9a-f]{12}\.tmp$", name):
            remove(join(folder, name))


def resolve_packaged(path: str) -> str:
    """`path` as given if it exists, else the file or folder of that name that textmill brings with it, else `path`.

    ``configs/quickstart.yaml`` names the packaged recipe wherever textmill is installed.
    """
    if exists(path) or "://" in path:
        return path
    packaged = Path(str(resources.files("textmill.configs"))) / path.removeprefix("configs/")
    return str(packaged) if packaged.exists() else path


_PASSING = {
    errno.EAGAIN,
    errno.ECONNABORTED,
    errno.ECONNREFUSED,
    errno.ECONNRESET,
    errno.EHOSTUNREACH,
    errno.EIO,
    errno.ENETUNREACH,
    errno.EPIPE,
    errno.ESTALE,
    errno.ETIMEDOUT,
}


def is_transient(error: OSError) -> bool:
    """Whether trying again may help: time-outs and broken connections, and whatever a store gives no number."""
    return isinstance(error, (ConnectionError, TimeoutError)) or error.errno is None or error.errno in _PASSING


RETRY_DELAYS = (1.0, 5.0, 25.0)
"""Seconds to wait before each new attempt at what failed with a transient error."""


def patiently(attempt: Callable[[], T], delays: Iterable[float] = RETRY_DELAYS) -> T:
    """``attempt()``, which may be done again after a transient I/O error; that of the last attempt is raised."""
    for delay in delays:
        try:
            return attempt()
        except OSError as error:
            if not is_transient(error):
                raise
            time.sleep(delay)
    return attempt()
