"""Send batches through a chain in a child process, so that a document that kills or hangs it costs only itself.

A batch that the child does not survive is sent again row by row. A row that it does not survive either
is sent step by step, and leaves at the step that the child died of.
"""

import pyarrow as pa

from textmill.pipeline.chain import Chain, Passed
from textmill.pipeline.spec import ChainSpec, build_chain
from textmill.pipeline.worker import Worker

CRASHED = "crashed"
TIMED_OUT = "timed_out"


class IsolatedChain:
    """A chain in a child process; a call that takes more than `seconds` counts as hung."""

    def __init__(self, spec: ChainSpec, seconds: float) -> None:
        self._spec = spec
        self._chain: Chain = build_chain(spec)
        self._seconds = seconds
        self._worker = Worker()

    def process(self, batch: pa.RecordBatch) -> list[Passed]:
        """As `Chain.process`; rows that kill or hang the child leave as `crashed` or `timed_out`."""
        try:
            return [self._worker.call(_process, self._spec, batch, timeout=self._seconds)]
        except Worker.Died:
            return [self._process_row(batch.slice(row, 1)) for row in range(batch.num_rows)]

    def close(self) -> None:
        """Stop the child."""
        self._worker.stop()

    def _process_row(self, row: pa.RecordBatch) -> Passed:
        try:
            return self._worker.call(_process, self._spec, row, timeout=self._seconds)
        except Worker.Died:
            passed = self._chain.begin(row)
        for number in range(len(self._chain.steps)):
            try:
                passed = self._worker.call(_advance, self._spec, passed, number, timeout=self._seconds)
            except Worker.Hung:
                passed = self._chain.condemn(passed, number, TIMED_OUT)
            except Worker.Died:
                passed = self._chain.condemn(passed, number, CRASHED)
        return self._chain.finish(passed)


def _process(spec: ChainSpec, batch: pa.RecordBatch) -> Passed:
    return build_chain(spec).process(batch)


def _advance(spec: ChainSpec, passed: Passed, number: int) -> Passed:
    return build_chain(spec).advance(passed, number)
