"""How a run tells what it does: a bar on a terminal, plain lines elsewhere, nothing for library use."""

import sys
import time
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from textmill.pipeline.console import plural


class Watcher(Protocol):
    """Told of everything that a run does."""

    def stage(self, name: str, total: int, done: int) -> None:
        """A stage starts; `done` of its `total` shards are there from an earlier run."""

    def shard(self, rows_in: int, rows_out: int) -> None:
        """A shard of the current stage is done."""

    def note(self, message: str) -> None:
        """Something a user should read."""


class Silent:
    """Says nothing."""

    def stage(self, name: str, total: int, done: int) -> None:
        """Nothing."""

    def shard(self, rows_in: int, rows_out: int) -> None:
        """Nothing."""

    def note(self, message: str) -> None:
        """Nothing."""


class PlainLines:
    """A line a stage, and one every few seconds: for logs."""

    def __init__(self, seconds: float = 10.0) -> None:
        self._every = seconds
        self._last = time.monotonic()
        self._name, self._total, self._done = "", 0, 0
        self._rows_in, self._rows_out = 0, 0

    def stage(self, name: str, total: int, done: int) -> None:
        """Say which stage starts."""
        self._name, self._total, self._done = name, total, done
        self._rows_in, self._rows_out = 0, 0
        kept = f", {done} of them done before" if done else ""
        self.note(f"{name}: {plural(total, 'shard')}{kept}")

    def shard(self, rows_in: int, rows_out: int) -> None:
        """Say how far the stage is, now and then."""
        self._done += 1
        self._rows_in += rows_in
        self._rows_out += rows_out
        now = time.monotonic()
        if now - self._last >= self._every:
            self._last = now
            rows = f"{self._rows_in:,} documents, {self._rows_out:,} kept"
            self.note(f"{self._name}: {self._done}/{self._total} shards, {rows}")

    def note(self, message: str) -> None:
        """Print a line to standard error."""
        print(message, file=sys.stderr, flush=True)


class Bars:
    """A progress bar a stage."""

    def __init__(self, console: Console) -> None:
        columns = (
            TextColumn("{task.description:<20}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("shards · {task.fields[rows]:,} documents · {task.fields[kept]} kept"),
            TimeRemainingColumn(),
        )
        self._progress = Progress(*columns, console=console)
        self._task: TaskID | None = None
        self._rows_in, self._rows_out = 0, 0

    def __enter__(self) -> "Bars":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def stage(self, name: str, total: int, done: int) -> None:
        """Add a bar."""
        self._rows_in, self._rows_out = 0, 0
        self._task = self._progress.add_task(name, total=total, completed=done, rows=0, kept="–")

    def shard(self, rows_in: int, rows_out: int) -> None:
        """Move the bar on."""
        self._rows_in += rows_in
        self._rows_out += rows_out
        share = f"{self._rows_out / self._rows_in:.1%}" if self._rows_in else "–"
        if self._task is not None:
            self._progress.update(self._task, advance=1, rows=self._rows_in, kept=share)

    def note(self, message: str) -> None:
        """Print a line above the bars."""
        self._progress.console.print(message, markup=False, highlight=False)
