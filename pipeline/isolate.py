"""Send batches through a chain in a child process, so that a document that kills or hangs it costs only itself.

A batch that the child does not survive is sent again row by row. A row that it does not survive either
is sent step by step, and leaves at the step that the child died of.
"""

from collections.abc import Callable, Iterator

import pyarrow as pa

from textmill.pipeline.chain import CRASHED, TIMED_OUT, Chain, Passed
from textmill.pipeline.errors import StepError
from textmill.pipeline.spec import ChainSpec, build_chain
from textmill.pipeline.worker import Worker


class IsolatedChain:
    """A chain in a child process; a call that takes more than `seconds` counts as hung."""

    def __init__(self, spec: ChainSpec, seconds: float) -> None:
        self._spec = spec
        self._chain: Chain = build_chain(spec)
        self._seconds = seconds
        self._worker = Worker()

    def process(self, batch: pa.RecordBatch) -> Iterator[Passed]:
        """As `Chain.process`, in pieces; rows that kill or hang the child leave as `crashed` or `timed_out`."""
        try:
            passed = self._call(_process, batch)
        except Worker.Died:
            yield from (self._process_row(batch.slice(row, 1)) for row in range(batch.num_rows))
        else:
            yield passed

    def close(self) -> None:
        """Stop the child."""
        self._worker.stop()

    def _process_row(self, row: pa.RecordBatch) -> Passed:
        try:
            return self._call(_process, row)
        except Worker.Died:
            passed = self._chain.begin(row)
        for number in range(len(self._chain.steps)):
            try:
                passed = self._call(_advance, passed, number)
            except Worker.Hung:
                passed = self._chain.condemn(passed, number, TIMED_OUT)
            except Worker.Died:
                passed = self._chain.condemn(passed, number, CRASHED)
        return self._chain.finish(passed)

    def _call(self, task: Callable[..., Passed], *arguments: object) -> Passed:
        """A call in the child, whose start, with imports and models, is not on the clock."""
        if not self._worker.running:
            try:
                self._worker.call(_prepare, self._spec)
            except Worker.Died as death:
                raise StepError(f"stage {self._spec.stage!r} cannot be loaded in isolation: {death}") from death
        return self._worker.call(task, self._spec, *arguments, timeout=self._seconds)


def _prepare(spec: ChainSpec) -> None:
    build_chain(spec)


def _process(spec: ChainSpec, batch: pa.RecordBatch) -> Passed:
    return build_chain(spec).process(batch)


def _advance(spec: ChainSpec, passed: Passed, number: int) -> Passed:
    return build_chain(spec).advance(passed, number)
