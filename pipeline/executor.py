"""The one seam to the machine: an executor maps a function over items and reports what became of each."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from textmill.pipeline.errors import TextmillError
from textmill.pipeline.io.files import patiently
from textmill.pipeline.memory import Memory
from textmill.pipeline.worker import Worker

C = TypeVar("C")
I = TypeVar("I")  # noqa: E741
R = TypeVar("R")

Task = Callable[[C, I], R]
"""A module-level function of (context, item): the context is the same for all items and sent once."""


@dataclass(frozen=True)
class Outcome(Generic[I, R]):
    """What became of an item: a value, an error that the task raised, or the death of its worker."""

    item: I
    value: R | None = None
    error: Exception | None = None
    died: str | None = None


class Executor(Protocol):
    """Where tasks run. Items and values are small (paths, counts), never documents."""

    guarded: bool
    """Whether a task that kills its process leaves the run alive."""

    memory: Memory
    """What a task of a barrier may take."""

    def map(self, task: Task[C, I, R], items: Iterable[I], context: C, *, gpu: bool = False) -> Iterator[Outcome[I, R]]:
        """One outcome an item, in any order, as they come. gpu: the task computes on a GPU where it is let."""

    def close(self) -> None:
        """Stop the workers."""


class Inline:
    """In this process, one after another: for tests and debuggers."""

    guarded = False

    def __init__(self, memory: Memory | None = None) -> None:
        self.memory = memory or Memory()

    def map(
        self,
        task: Task[C, I, R],
        items: Iterable[I],
        context: C,
        *,
        gpu: bool = False,  # noqa: ARG002
    ) -> Iterator[Outcome[I, R]]:
        """One outcome an item, in order; tasks see the GPUs that the machine has."""
        for item in items:
            try:
                outcome = Outcome[I, R](item, task(context, item))
            except Exception as error:
                outcome = Outcome(item, error=error)
            yield outcome

    def close(self) -> None:
        """Nothing to stop."""


class Serial:
    """In one child process, one after another: the reference. A death costs the item, not the run."""

    guarded = True

    def __init__(self, memory: Memory | None = None) -> None:
        self.memory = memory or Memory()
        self._worker = Worker()

    def map(
        self,
        task: Task[C, I, R],
        items: Iterable[I],
        context: C,
        *,
        gpu: bool = False,  # noqa: ARG002
    ) -> Iterator[Outcome[I, R]]:
        """One outcome an item, in order; tasks see the GPUs that the machine has."""
        for item in items:
            try:
                outcome = Outcome[I, R](item, self._worker.call(task, context, item))
            except Worker.Died as death:
                outcome = Outcome(item, died=str(death))
            except Exception as error:
                outcome = Outcome(item, error=error)
            yield outcome

    def close(self) -> None:
        """Stop the child process."""
        self._worker.stop()


def gather(executor: Executor, task: Task[C, I, R], items: Iterable[I], context: C) -> list[R]:
    """The values in the order of `items`, for tasks that no single document can break and that may be done again.

    A transient I/O error is retried after a while, a death twice. Raises the first other error, or
    TextmillError for an item whose worker keeps dying.
    """
    todo = dict(enumerate(items))
    values: dict[int, R] = {}
    for attempt in range(3):
        for outcome in executor.map(_numbered, list(todo.items()), (task, context)):
            number, item = outcome.item
            if outcome.error is not None:
                raise outcome.error
            if outcome.died is None:
                values[number] = outcome.value  # type: ignore[assignment]
                del todo[number]
            elif attempt == 2:
                raise TextmillError(f"the worker of {task.__name__} died three times: {outcome.died} ({item})")
    return [values[number] for number in sorted(values)]


def _numbered(context: tuple[Task[C, I, R], C], item: tuple[int, I]) -> R:
    task, shared = context
    return patiently(lambda: task(shared, item[1]))
