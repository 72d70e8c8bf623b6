"""A child process that runs functions and may die of it without harm to its parent."""

import subprocess
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection, Pipe
from typing import Any, TypeVar

R = TypeVar("R")

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

    def call(self, function: Callable[..., R], *arguments: object, timeout: float | None = None) -> R:
        """``function(*arguments)`` in the child; its exceptions are raised here.

        Everything passes by pickle. Raises Died, or Hung after `timeout` seconds.
        """
        pipe = self._start()
        try:
            pipe.send((function, arguments))
            if not pipe.poll(timeout):
                self.stop()
                raise Worker.Hung(f"no answer in {timeout:g} s")
            ok, value = pipe.recv()
        except (EOFError, ConnectionError) as error:
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
            self._process = subprocess.Popen([sys.executable, "-P", "-c", code], pass_fds=[far_end.fileno()])
            far_end.close()
        return self._pipe

    def _cause_of_death(self) -> str:
        process = self._process
        code = process.wait() if process is not None else 0
        self.stop()
        return f"killed by signal {-code}" if code < 0 else f"exited with code {code}"


def serve(fd: int, paths: list[str]) -> None:
    """The child's side: answer calls until the parent closes the pipe."""
    sys.path[:] = paths
    pipe: Connection[Any, Any] = Connection(fd)
    while True:
        try:
            function, arguments = pipe.recv()
        except EOFError:
            return
        try:
            answer = (True, function(*arguments))
        except Exception as error:
            answer = (False, error)
        try:
            pipe.send(answer)
        except BrokenPipeError:
            return
