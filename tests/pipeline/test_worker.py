"""A child process may raise, die or hang; its parent learns which, and goes on with the next call."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from textmill.pipeline.errors import InputError, TextmillError
from textmill.pipeline.worker import Worker


class TwoArgumentsError(Exception):
    """As many libraries write them: it does not survive pickling."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code}: {text}")


def add(a: int, b: int) -> int:
    return a + b


def process_id() -> int:
    return os.getpid()


def fail(error: Exception) -> None:
    raise error


def fail_oddly() -> None:
    raise TwoArgumentsError(7, "odd")


def die(number: int) -> None:
    os.kill(os.getpid(), number)


def leave(code: int) -> None:
    os._exit(code)


def modules() -> set[str]:
    return set(sys.modules)


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    worker = Worker()
    yield worker
    worker.stop()


def test_calls_are_answered_by_one_child(worker: Worker) -> None:
    assert worker.call(add, 1, 2) == 3
    child = worker.call(process_id)
    assert child != os.getpid()
    assert worker.call(process_id) == child


def test_errors_of_the_function_are_raised_here_and_the_child_lives(worker: Worker) -> None:
    child = worker.call(process_id)
    with pytest.raises(InputError, match="no such file"):
        worker.call(fail, InputError("no such file"))
    with pytest.raises(TextmillError, match="7: odd"):
        worker.call(fail_oddly)
    assert worker.call(process_id) == child


def test_a_death_is_told_and_the_next_call_gets_a_new_child(worker: Worker) -> None:
    child = worker.call(process_id)
    with pytest.raises(Worker.Died, match=f"killed by signal {signal.SIGKILL}"):
        worker.call(die, signal.SIGKILL)
    assert not worker.running
    with pytest.raises(Worker.Died, match="exited with code 7"):
        worker.call(leave, 7)
    assert worker.call(process_id) != child


def test_a_child_that_hangs_is_ended(worker: Worker) -> None:
    child = worker.call(process_id)
    with pytest.raises(Worker.Hung, match=r"no answer in 0\.1 s"):
        worker.call(time.sleep, 60, timeout=0.1)
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)
    assert worker.call(add, 1, 1, timeout=60) == 2


def test_a_child_takes_nothing_from_the_working_directory(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(str(tmp_path))
    for name in ("json", "textmill", "pipeline"):
        with open(f"{name}.py", "w") as file:
            file.write("raise RuntimeError('shadowed')")
    worker = Worker()
    try:
        assert "textmill.pipeline.worker" in worker.call(modules)
    finally:
        worker.stop()


ORPHAN = """
import time
from textmill.pipeline.worker import Worker
worker = Worker()
worker.call(time.sleep, 0)
print("started", flush=True)
worker.call(time.sleep, 600)
"""


def test_a_child_ends_with_its_parent_whatever_it_is_at() -> None:
    parent = subprocess.Popen([sys.executable, "-c", ORPHAN], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    assert parent.stdout.readline() == b"started\n"
    parent.kill()
    assert parent.stdout.read() == b""  # which ends when nobody holds the pipe, the child included
    parent.wait()
