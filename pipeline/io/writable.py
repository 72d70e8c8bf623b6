"""Whether a file or folder can be written, told before the work whose result is to go there.

Nothing is made. An object store shows its rights only when it is written to, so of a URL no more is looked at than
whether its protocol is known.
"""

import os
from pathlib import Path

from textmill.pipeline.errors import UsageError
from textmill.pipeline.io.files import filesystem, is_local


def check_file(path: str) -> None:
    """Raise UsageError, which says why and what to do, when no file can be written there."""
    place = _local(path)
    if place is None:
        return
    if place.is_dir():
        raise UsageError(f"{path}: is a folder; name a file in it")
    _check_parents(path, place.parent)


def check_folder(path: str) -> None:
    """Raise UsageError, which says why and what to do, when no files can be written into a folder there."""
    place = _local(path)
    if place is not None:
        _check_parents(path, place)


def _local(path: str) -> Path | None:
    """Where it is on this machine's disks. Raises InputError for an unknown protocol."""
    return Path(filesystem(path)[1]) if is_local(path) else None


def _check_parents(path: str, folder: Path) -> None:
    """Whether `folder` can be written, or be made in what is there of the folders above it."""
    there = next(place for place in (folder, *folder.parents) if os.path.lexists(place))
    if not there.is_dir():
        raise UsageError(f"{path}: {there} is no folder; choose another place")
    if not os.access(there, os.W_OK | os.X_OK):
        raise UsageError(f"{path}: the folder {there} cannot be written; choose another place")
