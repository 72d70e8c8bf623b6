"""The books of a shard: what came in, what each step dropped and why, what went out.

A ledger is filled batch by batch, can be added to another, and becomes the shard's manifest.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from textmill.pipeline import schema
from textmill.pipeline.errors import ConservationError


@dataclass
class StepAccount:
    """Documents, characters and seconds of one step, and what else it counted, by name."""

    rows_in: int = 0
    rows_out: int = 0
    chars_in: int = 0
    chars_out: int = 0
    seconds: float = 0.0
    tallies: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.tallies = Counter(self.tallies)  # JSON has but plain dicts

    def add(self, other: "StepAccount") -> None:
        """Add another account of the same step."""
        for name, amount in vars(other).items():
            setattr(self, name, getattr(self, name) + amount)


@dataclass
class EditAccount:
    """Documents that a step cut spans out of, the spans, and their characters."""

    rows: int = 0
    spans: int = 0
    chars: int = 0

    def add(self, other: "EditAccount") -> None:
        """Add another account of the same kind."""
        self.rows, self.spans, self.chars = self.rows + other.rows, self.spans + other.spans, self.chars + other.chars


Group = tuple[str, ...]
"""Kept rows are grouped by (source, language), dropped and edited ones by (step, reason, source, language)."""


@dataclass
class Ledger:
    """Counts of one shard in one stage, keyed by group; `seconds` of a chain hold reading and writing too.

    copies: rows that went out beside those that came in, in a corpus that has documents more than once.
    """

    rows_in: int = 0
    copies: int = 0
    steps: dict[str, StepAccount] = field(default_factory=dict)
    kept_rows: Counter[Group] = field(default_factory=Counter)
    kept_chars: Counter[Group] = field(default_factory=Counter)
    dropped_rows: Counter[Group] = field(default_factory=Counter)
    dropped_chars: Counter[Group] = field(default_factory=Counter)
    edited: dict[Group, EditAccount] = field(default_factory=dict)
    skipped: Counter[str] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def rows_out(self) -> int:
        """Rows that went on to the next stage."""
        return self.kept_rows.total()

    @property
    def rows_dropped(self) -> int:
        """Rows that left, for whatever reason."""
        return self.dropped_rows.total()

    @property
    def chars_in(self) -> int:
        """Characters that came to the first step; before there are steps, 0."""
        return next((account.chars_in for account in self.steps.values()), 0)

    def reasons(self) -> Counter[str]:
        """Dropped rows by reason."""
        tally: Counter[str] = Counter()
        for (_, reason, *_), rows in self.dropped_rows.items():
            tally[reason] += rows
        return tally

    def step(self, label: str) -> StepAccount:
        """The account of a step, opened when first asked for."""
        return self.steps.setdefault(label, StepAccount())

    def keep(self, batch: pa.RecordBatch) -> None:
        """Book rows that go on."""
        for group, rows, chars in _groups(batch):
            self.kept_rows[group] += rows
            self.kept_chars[group] += chars

    def drop(self, step: str, reason: str, batch: pa.RecordBatch) -> None:
        """Book rows that leave at `step` for `reason`."""
        for group, rows, chars in _groups(batch):
            self.dropped_rows[(step, reason, *group)] += rows
            self.dropped_chars[(step, reason, *group)] += chars

    def cut(self, step: str, reason: str, batch: pa.Table, spans: pa.ChunkedArray, chars: pa.ChunkedArray) -> None:
        """Book that `step` cut so many spans, of so many characters, out of each of some rows for `reason`."""
        table = pa.table([*_labels(batch), spans, chars], names=["source", "language", "spans", "chars"])
        totals = table.group_by(["source", "language"], use_threads=False).aggregate(
            [("spans", "count"), ("spans", "sum"), ("chars", "sum")]
        )
        for row in totals.to_pylist():
            group = (step, reason, row["source"], row["language"])
            more = EditAccount(row["spans_count"], row["spans_sum"], row["chars_sum"])
            self.edited.setdefault(group, EditAccount()).add(more)

    def complain(self, message: str) -> None:
        """Keep an error message, as long as there are few."""
        if len(self.errors) < MAX_ERRORS:
            self.errors.append(message)

    def add(self, other: "Ledger") -> None:
        """Add another ledger of the same stage."""
        self.rows_in += other.rows_in
        self.copies += other.copies
        for label, account in other.steps.items():
            self.step(label).add(account)
        self.kept_rows.update(other.kept_rows)
        self.kept_chars.update(other.kept_chars)
        self.dropped_rows.update(other.dropped_rows)
        self.dropped_chars.update(other.dropped_chars)
        for group, edits in other.edited.items():
            self.edited.setdefault(group, EditAccount()).add(edits)
        self.skipped.update(other.skipped)
        self.seconds += other.seconds
        for message in other.errors:
            self.complain(message)

    def check(self, where: str) -> None:
        """Raise ConservationError unless every row that came in went out, copies apart, or was dropped."""
        if self.rows_in + self.copies != self.rows_out + self.rows_dropped:
            raise ConservationError(
                f"{where}: {self.rows_in} rows in, but {self.rows_out} out and {self.rows_dropped} dropped"
            )

    def to_json(self) -> dict[str, Any]:
        """A plain dict, the reverse of `from_json`."""
        return {
            "rows_in": self.rows_in,
            "copies": self.copies,
            "rows_out": self.rows_out,
            "rows_dropped": self.rows_dropped,
            "steps": {label: vars(account) for label, account in self.steps.items()},
            "kept": [[*g, n, self.kept_chars[g]] for g, n in sorted(self.kept_rows.items())],
            "dropped": [[*g, n, self.dropped_chars[g]] for g, n in sorted(self.dropped_rows.items())],
            "edited": [[*g, e.rows, e.spans, e.chars] for g, e in sorted(self.edited.items())],
            "skipped": dict(sorted(self.skipped.items())),
            "errors": self.errors,
            "seconds": self.seconds,
        }

    @classmethod
    def from_json(cls, json: dict[str, Any]) -> "Ledger":
        """Read back what `to_json` gave."""
        ledger = cls(
            rows_in=json["rows_in"],
            copies=json.get("copies", 0),
            skipped=Counter(json["skipped"]),
            errors=json["errors"],
        )
        ledger.seconds = json["seconds"]
        ledger.steps = {label: StepAccount(**account) for label, account in json["steps"].items()}
        for rows, chars, entries in (
            (ledger.kept_rows, ledger.kept_chars, json["kept"]),
            (ledger.dropped_rows, ledger.dropped_chars, json["dropped"]),
        ):
            for *group, n, characters in entries:
                rows[tuple(group)] = n
                chars[tuple(group)] = characters
        for *group, n, spans, characters in json.get("edited", ()):
            ledger.edited[tuple(group)] = EditAccount(n, spans, characters)
        return ledger


MAX_ERRORS = 20
"""Error messages kept for each shard; the counts are complete."""


def count_chars(batch: pa.RecordBatch) -> int:
    """Characters (code points) of the text of all rows; 0 before there is text."""
    return int(pc.sum(lengths(batch)).as_py() or 0)


def _groups(batch: pa.RecordBatch) -> list[tuple[Group, int, int]]:
    """(source, language), rows, characters of each group in a batch; "" where a column is null or missing."""
    if batch.num_rows == 0:
        return []
    table = pa.table([*_labels(batch), lengths(batch)], names=["source", "language", "chars"])
    totals = table.group_by(["source", "language"], use_threads=False).aggregate([("chars", "count"), ("chars", "sum")])
    columns = (totals.column(name).to_pylist() for name in ("source", "language", "chars_count", "chars_sum"))
    return [((source, language), rows, chars) for source, language, rows, chars in zip(*columns, strict=True)]


def lengths(batch: pa.RecordBatch) -> pa.Array:
    """Characters of each row: of its text, else as a sketch remembers them, else 0."""
    if schema.TEXT in batch.schema.names:
        return pc.fill_null(pc.utf8_length(batch.column(schema.TEXT)), 0)
    if schema.CHARS in batch.schema.names:
        return batch.column(schema.CHARS)
    return pa.array([0] * batch.num_rows, pa.int32())


def _labels(batch: pa.RecordBatch | pa.Table) -> list[pa.Array]:
    """Source and language of each row, "" where a column is null or missing."""
    return [
        pc.fill_null(pc.cast(batch.column(name), pa.string()), "")
        if name in batch.schema.names
        else pa.array([""] * batch.num_rows, pa.string())
        for name in (schema.SOURCE, schema.LANGUAGE)
    ]
