"""A child process that runs functions and may die of it without harm to its parent."""

import os
import pickle
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection, Pipe
from typing import Any, TypeVar

from textmill.pipeline.errors import TextmillError

R = TypeVar("R")

_STDERR = 2
"""What a step prints is no part of the command's output, and the terminal's input is not for it to read."""
_START = "from textmill.pipeline.worker import serve; serve({fd}, {paths!r})"


class Worker:
    """A child process, started at the first call and again after each death."""

    class Died(Exception):  # noqa: N818
        """The child ended, or had to be ended, before it answered."""

    class Hung(Died):
        """The child did not answer in time and was killed."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._pipe: Connection[Any, Any] | None = None

    @property
    def running(self) -> bool:
        """Whether the child has been started and has not been stopped since."""
        return self._pipe is not None

    def call(self, function: Callable[..., R], *arguments: object, timeout: float | None = None) -> R:
        """``function(*arguments)`` in the child; its exceptions are raised here.

        Everything passes by pickle. Raises Died, or Hung after `timeout` seconds.
        """
        pipe = self._start()
        try:
            pipe.send((function, arguments))
            if not pipe.poll(timeout):
                raise Worker.Hung(f"no answer in {timeout:g} s")
            ok, value = pipe.recv()
        except (EOFError, OSError) as error:  # OSError: it died in the middle of a message
            raise Worker.Died(self._cause_of_death()) from error
        except BaseException:
            self.stop()
            raise
        if not ok:
            raise value
        return value  # type: ignore[no-any-return]

    def stop(self) -> None:
        """Kill the child, if there is one."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        if self._pipe is not None:
            self._pipe.close()
        self._process = self._pipe = None

    def _start(self) -> "Connection[Any, Any]":
        if self._pipe is None:
            self._pipe, far_end = Pipe()
            paths = [path for path in sys.path if path]
            code = _START.format(fd=far_end.fileno(), paths=paths)
            command = [sys.executable, "-P", "-c", code]
            self._process = subprocess.Popen(
                command, pass_fds=[far_end.fileno()], stdin=subprocess.DEVNULL, stdout=_STDERR
            )
            far_end.close()
        return self._pipe

    def _cause_of_death(self) -> str:
        process = self._process
        code = process.wait() if process is not None else 0
        self.stop()
        return f"killed by signal {-code}" if code < 0 else f"exited with code {code}"


def serve(fd: int, paths: list[str]) -> None:
    """The child's side: answer calls until the parent closes the pipe, and end at once when the parent dies."""
    sys.path[:] = paths
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent to decide
    threading.Thread(target=_end_with_parent, args=(fd,), daemon=True).start()
    pipe: Connection[Any, Any] = Connection(fd)
    while True:
        try:
            function, arguments = pipe.recv()
        except EOFError:
            return
        try:
            answer = (True, function(*arguments))
        except Exception as error:
            answer = (False, _portable(error))
        try:
            pipe.send(answer)
        except BrokenPipeError:
            return


def _end_with_parent(fd: int) -> None:
    """Nothing of a run that was killed may go on to write into its folder."""
    pipe = select.poll()
    pipe.register(fd, 0)  # a hang-up is reported whatever is asked for
    pipe.poll()
    os._exit(1)


def _portable(error: Exception) -> Exception:
    """`error`, or what it says where it does not survive pickling; many libraries' errors do not."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 (made a line earlier)
    except Exception:
        return TextmillError(repr(error))
    return error
