"""Tasks on a Ray cluster: embedded in this machine by default, or one that runs already."""

import itertools
import os
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

import pyarrow as pa
import ray as _ray

from textmill.pipeline.errors import UsageError
from textmill.pipeline.executor import Outcome, Task

ray: Any = _ray  # parts of Ray's API carry no types
C = TypeVar("C")
I = TypeVar("I")  # noqa: E741
R = TypeVar("R")

OBJECT_STORE_BYTES = 128 << 20
"""Tasks pass paths and counts; Ray's default is 30 % of the machine's memory."""


class RayExecutor:
    """One CPU a task, at most twice as many tasks in flight as the cluster has CPUs.

    Raises UsageError when a cluster at `address` cannot be reached.
    """

    guarded = True

    def __init__(self, address: str | None = None, workers: int | None = None) -> None:
        quiet: dict[str, Any] = {"logging_level": "ERROR", "log_to_driver": False}
        try:
            if address is not None:
                ray.init(address=address, **quiet)
            elif not ray.is_initialized():
                cpus = workers or len(os.sched_getaffinity(0))
                ray.init(num_cpus=cpus, include_dashboard=False, object_store_memory=OBJECT_STORE_BYTES, **quiet)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise UsageError(f"no Ray cluster at {address or 'this machine'}: {error}") from error
        self._workers = workers

    @property
    def nodes(self) -> int:
        """Machines in the cluster."""
        return sum(bool(node["Alive"]) for node in ray.nodes())

    def map(self, task: Task[C, I, R], items: Iterable[I], context: C) -> Iterator[Outcome[I, R]]:
        """One outcome an item, as they come. The death of a worker or node is reported, not retried."""
        call: Any = ray.remote(num_cpus=1, max_retries=0)(_call)
        shared = ray.put((task, context))
        waiting = iter(items)
        running: dict[Any, I] = {}
        while True:
            for item in itertools.islice(waiting, max(0, self._limit() - len(running))):
                running[call.remote(shared, item)] = item
            if not running:
                return
            for done in ray.wait(list(running), num_returns=1)[0]:
                yield _outcome(running.pop(done), done)

    def close(self) -> None:
        """Leave the cluster; an embedded one ends."""
        ray.shutdown()

    def _limit(self) -> int:
        return self._workers or 2 * max(1, int(ray.cluster_resources().get("CPU", 1)))


def _call(shared: tuple[Task[C, I, R], C], item: I) -> tuple[R | None, Exception | None]:
    """On a worker. An error is a value, so that only deaths are exceptions of Ray's."""
    pa.set_cpu_count(1)
    task, context = shared
    try:
        return task(context, item), None
    except Exception as error:
        return None, error


def _outcome(item: I, done: Any) -> Outcome[I, Any]:
    try:
        value, error = ray.get(done)
    except ray.exceptions.RayTaskError as failure:  # could not be unpickled here or there
        return Outcome(item, error=failure)
    except ray.exceptions.RayError as death:
        return Outcome(item, died=f"{type(death).__name__}: {str(death).splitlines()[0]}")
    return Outcome(item, value, error)
