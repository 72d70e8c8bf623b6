"""One run at a time in a folder."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from textmill.pipeline.errors import UsageError
from textmill.pipeline.io.files import is_local
from textmill.pipeline.io.writable import check_folder


@contextmanager
def only_one(out: str, inside: str = "stages") -> Iterator[None]:
    """Hold the run's folder against a second run; the lock goes with the process. Local folders only.

    inside: the folder in `out` that is made, if need be, and locked. Raises UsageError when another process
    has it, or when the folder cannot be made or written.
    """
    if not is_local(out):
        yield
        return
    folder = Path(out.removeprefix("file://")) / inside
    check_folder(out)
    check_folder(str(folder))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{out}: cannot be made a folder: {error.strerror}; choose another place") from error
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise UsageError(f"{out}: another run is writing there") from error
    finally:
        os.close(handle)
