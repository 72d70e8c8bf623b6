"""Tasks on a Ray cluster: embedded in this machine by default, or one that runs already."""

import itertools
import os
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

import pyarrow as pa
import ray as _ray

from textmill.pipeline.errors import TextmillError, UsageError
from textmill.pipeline.executor import Outcome, Task
from textmill.pipeline.memory import Memory

ray: Any = _ray  # parts of Ray's API carry no types
C = TypeVar("C")
I = TypeVar("I")  # noqa: E741
R = TypeVar("R")

OBJECT_STORE_BYTES = 128 << 20
"""Tasks pass paths and counts; Ray's default is 30 % of the machine's memory."""


_LOOK_SECONDS = 10.0
"""How long to wait for tasks on GPUs before looking whether a GPU is left."""


class RayExecutor:
    """One CPU a task, at most twice as many tasks in flight as the cluster has CPUs.

    gpus: GPUs, or the share of one, for each task that can use one; from tasks that ask for none Ray may hide them.
    memory: what a task of a barrier may take.
    Raises UsageError when a cluster at `address` cannot be reached, or has no node with so many GPUs.
    """

    guarded = True

    def __init__(
        self,
        address: str | None = None,
        workers: int | None = None,
        gpus: float = 0.0,
        *,
        memory: Memory | None = None,
    ) -> None:
        self.memory = memory or Memory()
        quiet: dict[str, Any] = {"logging_level": "ERROR", "log_to_driver": False}
        try:
            if address is not None:
                ray.init(address=address, **quiet)
            elif not ray.is_initialized():
                cpus = workers or len(os.sched_getaffinity(0))
                own: dict[str, Any] = {"include_dashboard": False, "object_store_memory": OBJECT_STORE_BYTES}
                # by default Ray joins what an earlier `ray start`, or one that crashed, left a note of
                ray.init(address="local", num_cpus=cpus, **own, **quiet)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise UsageError(f"no Ray cluster at {address or 'this machine'}: {error}") from error
        self._workers = workers
        self._gpus = gpus
        if gpus > self.gpus_of_a_node:
            most = self.gpus_of_a_node
            self.close()
            has = f"no node with more than {most:g}" if most else "no GPU"
            raise UsageError(f"--gpus {gpus:g}: the cluster has {has}; give fewer, or none to compute on CPUs")

    @property
    def nodes(self) -> int:
        """Machines in the cluster."""
        return sum(bool(node["Alive"]) for node in ray.nodes())

    @property
    def gpus_of_a_node(self) -> float:
        """The most GPUs that a machine of the cluster has."""
        return max((node["Resources"].get("GPU", 0.0) for node in ray.nodes() if node["Alive"]), default=0.0)

    def map(self, task: Task[C, I, R], items: Iterable[I], context: C, *, gpu: bool = False) -> Iterator[Outcome[I, R]]:
        """One outcome an item, as they come. The death of a worker or node is reported, not retried.

        Raises TextmillError when tasks wait for GPUs of which the cluster has lost the last.
        """
        gpus = self._gpus if gpu else 0.0
        call: Any = ray.remote(num_cpus=1, num_gpus=gpus, max_retries=0)(_call)
        shared = ray.put((task, context))
        waiting = iter(items)
        running: dict[Any, I] = {}
        while True:
            for item in itertools.islice(waiting, max(0, self._limit() - len(running))):
                running[call.remote(shared, item)] = item
            if not running:
                return
            found = ray.wait(list(running), num_returns=1, timeout=_LOOK_SECONDS if gpus else None)[0]
            for done in found:
                yield _outcome(running.pop(done), done)
            if not found and gpus > self.gpus_of_a_node:
                raise TextmillError("the cluster lost its GPUs; run again when it has some, what is done is kept")

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
