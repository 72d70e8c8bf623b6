"""A chain: steps one after another over a batch. Only here do rows leave, and each leaves a decision.

A step that raises is tried again on each row alone, and a row that breaks it leaves as `step_error`. A step
that breaks on every row it meets in a shard is itself at fault, and the shard fails.
"""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from textmill.pipeline import schema
from textmill.pipeline.chance import chosen
from textmill.pipeline.errors import StepError, UsageError
from textmill.pipeline.ledger import Ledger, count_chars
from textmill.pipeline.measures import Measures
from textmill.pipeline.step import Filter, Step, take_refusals
from textmill.pipeline.verdict import Verdict

READ = "read"
"""The label under which a reader's own drops are booked."""
STEP_ERROR = "step_error"
"""Reason for a document on which a step raised an exception."""
CRASHED = "crashed"
"""Reason for a document on which a step killed its process."""
TIMED_OUT = "timed_out"
"""Reason for a document on which a step hung."""
ENOUGH = 10
"""Rows that must have broken a step, with none that did not, before the step is blamed and not the rows."""

Apply = Callable[[pa.RecordBatch], tuple[pa.RecordBatch, Verdict | None]]


@dataclass
class Passed:
    """What became of a batch: the rows that go on, decisions on the others, and the books."""

    batch: pa.RecordBatch
    ledger: Ledger
    decisions: list[pa.RecordBatch] = field(default_factory=list)
    rejects: list[pa.RecordBatch] = field(default_factory=list)
    measures: Measures | None = None


@dataclass(frozen=True)
class Chain:
    """Labelled steps of one stage.

    `keep_rejects` is the share of dropped texts to keep for inspection, `keep_measures` that of the documents of
    which to keep what the filters measured. With `judge_only` filters drop nothing, so each of them sees every row.
    """

    stage: str
    steps: Sequence[tuple[str, Step]]
    keep_rejects: float = 0.0
    keep_measures: float = 0.0
    judge_only: bool = False

    def process(self, batch: pa.RecordBatch) -> Passed:
        """Send a batch through all steps. Raises StepError when a step breaks on rows together but on none alone."""
        passed = self.begin(batch)
        for number in range(len(self.steps)):
            passed = self.advance(passed, number)
        return self.finish(passed)

    def begin(self, batch: pa.RecordBatch) -> Passed:
        """Take in a batch, without the rows that its reader refused."""
        passed = Passed(batch, Ledger(rows_in=batch.num_rows))
        self._run(passed, READ, take_refusals)
        if self.keep_measures > 0 and any(isinstance(step, Filter) for _, step in self.steps):
            passed.measures = Measures.of(passed.batch)
        return passed

    def advance(self, passed: Passed, number: int) -> Passed:
        """Apply one step."""
        label, step = self.steps[number]
        self._run(passed, label, step.apply, measure=isinstance(step, Filter))
        if passed.batch.num_rows:
            passed.ledger.step(label).tallies.update(step.tally(passed.batch))
        return passed

    def condemn(self, passed: Passed, number: int, reason: str) -> Passed:
        """Let every row leave at a step, for `reason`; the step itself is not applied."""
        everything = np.ones(passed.batch.num_rows, np.bool_)
        label, _ = self.steps[number]
        for name in passed.batch.column(schema.ID):
            passed.ledger.complain(f"{label}: {name}: {reason}")
        self._run(passed, label, lambda rows: (rows, Verdict.of(rows).drop(reason, everything)))
        return passed

    def finish(self, passed: Passed) -> Passed:
        """Book the rows that are left as kept."""
        passed.ledger.keep(passed.batch)
        if passed.measures is not None:
            n = passed.batch.num_rows
            passed.measures.settle(None, pa.nulls(n), passed.batch, np.ones(n, np.bool_))
        return passed

    def _run(self, passed: Passed, label: str, apply: Apply, *, measure: bool = False) -> None:
        account = passed.ledger.step(label)
        account.rows_in, account.chars_in = passed.batch.num_rows, count_chars(passed.batch)
        start = time.perf_counter()
        if passed.batch.num_rows:  # so that no step ever meets an empty batch
            passed.batch, verdict = self._try(passed, label, apply)
            if measure and verdict is not None and passed.measures is not None:
                passed.measures.add(label, verdict.rules)
            if verdict is not None and verdict.names and not (measure and self.judge_only):
                self._let_go(passed, label, verdict)
        account.seconds = time.perf_counter() - start
        account.rows_out, account.chars_out = passed.batch.num_rows, count_chars(passed.batch)

    def _try(self, passed: Passed, label: str, apply: Apply) -> tuple[pa.RecordBatch, Verdict | None]:
        try:
            return apply(passed.batch)
        except UsageError:
            raise
        except Exception as error:
            if isinstance(error, OSError) and error.errno is not None:  # a disk or a network, not a document
                raise
            culprits = self._culprits(passed, label, apply)
            if not any(culprits):
                raise StepError(f"step {label!r} of stage {self.stage!r}: {error!r}, but on no row alone") from error
        self._let_go(passed, label, Verdict.of(passed.batch).drop(STEP_ERROR, culprits))
        return self._try(passed, label, apply) if passed.batch.num_rows else (passed.batch, None)

    def _culprits(self, passed: Passed, label: str, apply: Apply) -> list[bool | None]:
        """For each row whether the step raises on it alone; the first messages go into the books."""
        broken: list[bool | None] = []
        for row in range(passed.batch.num_rows):
            alone = passed.batch.slice(row, 1)
            try:
                apply(alone)
                broken.append(False)
            except Exception as error:
                broken.append(True)
                passed.ledger.complain(f"{label}: {alone.column(schema.ID)[0]}: {error!r:.500}")
        return broken

    def _let_go(self, passed: Passed, label: str, verdict: Verdict) -> None:
        """Take the rows out that `verdict` drops: into decisions, books and, for a sample, rejects."""
        out = ~verdict.kept
        gone = passed.batch.filter(pa.array(out))
        reasons = pa.array([reason for reason in verdict.reasons if reason is not None], pa.string())
        for reason in verdict.counts():
            passed.ledger.drop(label, reason, gone.filter(pc.equal(reasons, reason)))
        if passed.measures is not None:
            passed.measures.settle(label, reasons, gone, out)
        decisions = self._decisions(gone, label, reasons, verdict.values[out], verdict.thresholds[out])
        passed.decisions.append(decisions)
        if self.keep_rejects > 0:
            passed.rejects.append(_sample(gone, decisions, self.keep_rejects))
        passed.batch = passed.batch.filter(pa.array(verdict.kept))

    def _decisions(
        self, gone: pa.RecordBatch, label: str, reasons: pa.Array, values: object, thresholds: object
    ) -> pa.RecordBatch:
        n = gone.num_rows
        columns = {
            schema.ID: gone.column(schema.ID),
            schema.SOURCE: gone.column(schema.SOURCE),
            "stage": pa.repeat(self.stage, n),
            "step": pa.repeat(label, n),
            "reason": reasons,
            "value": pa.array(values, from_pandas=True),
            "threshold": pa.array(thresholds, from_pandas=True),
        }
        arrays = [columns.get(f.name, pa.nulls(n)).cast(f.type) for f in schema.DECISIONS]
        return pa.RecordBatch.from_arrays(arrays, schema=schema.DECISIONS)


def blame(stage: str, ledger: Ledger) -> None:
    """Raise StepError for a step that broke, crashed or hung on each of the `ENOUGH` rows or more that it met."""
    broken: Counter[str] = Counter()
    for (label, reason, *_), rows in ledger.dropped_rows.items():
        broken[label] += rows if reason in (STEP_ERROR, CRASHED, TIMED_OUT) else 0
    for label, rows in broken.items():
        if rows >= ENOUGH and rows == ledger.steps[label].rows_in:
            examples = [message for message in ledger.errors if message.startswith(f"{label}: ")]
            raise StepError(f"step {label!r} of stage {stage!r} broke on all of {rows} rows, as in: {examples[0]:.500}")


def _sample(gone: pa.RecordBatch, decisions: pa.RecordBatch, share: float) -> pa.RecordBatch:
    """The dropped rows whose id falls into the sample, with reason and text; the same on every run."""
    lucky = pa.array(chosen(gone.column(schema.ID), share, "rejects"))
    columns = [decisions.column(name) for name in REJECTS.names if name in decisions.schema.names]
    for name in (schema.URL, schema.TEXT):
        has = name in gone.schema.names
        columns.append(gone.column(name).cast(pa.string()) if has else pa.nulls(len(lucky), pa.string()))
    return pa.RecordBatch.from_arrays(columns, schema=REJECTS).filter(lucky)


REJECTS = pa.schema(
    [
        *(schema.DECISIONS.field(name) for name in (schema.ID, schema.SOURCE, "stage", "step", "reason")),
        (schema.URL, pa.string()),
        (schema.TEXT, pa.string()),
    ]
)
"""A sample of the dropped documents with their text as it was when they left."""
