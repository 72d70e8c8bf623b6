"""One run at a time in a folder."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from textmill.pipeline.errors import UsageError
from textmill.pipeline.io.files import is_local


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
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{out}: cannot be made a folder: {error.strerror}; choose another with --out") from error
    if not os.access(folder, os.W_OK):
        raise UsageError(f"{out}: cannot be written; choose another folder with --out")
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise UsageError(f"{out}: another run is writing there") from error
    finally:
        os.close(handle)
