"""What barriers that select by a score share: groups, units, the unscored, and a random control beside the best."""

import json
from abc import abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Literal, Self, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import Field, model_validator

from textmill.pipeline import schema
from textmill.pipeline.arrow import bools
from textmill.pipeline.barrier import FINDINGS, RULING, Barrier
from textmill.pipeline.chance import chosen, draw
from textmill.pipeline.errors import RecipeError
from textmill.pipeline.executor import Executor, gather
from textmill.pipeline.io.files import join, open_binary, write_whole
from textmill.pipeline.io.writer import write_parquet
from textmill.pipeline.ledger import lengths
from textmill.scorers.ranking import (
    DRAW,
    GROUP,
    SCORE,
    WEIGHT,
    Cut,
    Name,
    Rank,
    Rows,
    at_least,
    find_cuts,
    read_rows,
    total_weights,
)

NOT_SCORED: Final = "not_scored"
CONTROL: Final = "control"
_PURPOSE: Final = "selection"

Kept: TypeAlias = dict[str, tuple[int, int]]
"""Documents kept of each group, and what they weigh."""


class Selection(Barrier):
    """Keep documents by their place in a ranking, of each group on its own.

    Documents with equal scores are ranked by a hash of their id. A document without score leaves as `not_scored`, or
    stays, and counts for nothing either way. Every selection is exact, for any number of shards and workers.
    """

    column: str = Field(description="what documents are ranked by")
    of: Literal["documents", "characters", "tokens"] = Field("documents", description="what the shares are shares of")
    tokens_column: str = Field("tokens", description="where the number of tokens is, for of: tokens")
    by: tuple[str, ...] = Field((), description="columns; each combination of their values is selected from alone")
    unscored: Literal["drop", "keep"] = Field("drop", description="what becomes of documents without score")
    control: float = Field(
        0.0, ge=0, le=1, description="share of the documents to keep whatever their score, marked in `control`"
    )

    def reads(self) -> frozenset[str]:
        """The score, the columns of the groups, and what is weighed."""
        weighed = {"documents": (), "characters": (schema.TEXT,), "tokens": (self.tokens_column,)}[self.of]
        return frozenset({self.column, *self.by, *weighed})

    def adds(self) -> frozenset[str]:
        """`control`, if there is one."""
        return frozenset({CONTROL} if self.control else ())

    @property
    @abstractmethod
    def reason(self) -> str:
        """Why those leave that are not selected."""

    @abstractmethod
    def wanted(self, total: int) -> list[int]:
        """What documents above each cut of a group are to weigh, of `total`."""

    @abstractmethod
    def selected(self, above: Sequence[npt.NDArray[np.bool_]]) -> npt.NDArray[np.bool_]:
        """Which documents stay, from those above each cut."""

    def direction(self) -> int:
        """1 where a high score is good, -1 where a low one is."""
        return 1

    def rank(self, sketches: Sequence[str], executor: Executor) -> Rank | None:  # noqa: ARG002
        """What turns scores into what documents are ranked by; None leaves them."""
        return None

    def sketch(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """`group`, `score` (null where there is none), `weight` and `draw`, and `control` if wanted."""
        ids = batch.column(schema.ID)
        score = self._scores(batch).to_numpy(zero_copy_only=False) * self.direction()
        columns = {
            GROUP: _groups(batch, self.by),
            SCORE: pa.array(score, from_pandas=True),
            WEIGHT: self._weights(batch),
            DRAW: pa.array(draw(ids, _PURPOSE)),
        }
        if self.control:
            columns[CONTROL] = pa.array(chosen(ids, self.control, CONTROL))
        return pa.RecordBatch.from_pydict(columns)

    def _scores(self, batch: pa.RecordBatch) -> pa.Array:
        column = batch.column(self.column)
        if pa.types.is_nested(column.type) or pa.types.is_large_string(column.type) or pa.types.is_string(column.type):
            raise RecipeError(f"column {self.column!r}, the scores to select by, is {column.type}, not a number")
        return pc.cast(column, pa.float64())

    def _weights(self, batch: pa.RecordBatch) -> pa.Array:
        if self.of == "documents":
            return pa.array(np.ones(batch.num_rows, np.int64))
        counts = lengths(batch) if self.of == "characters" else batch.column(self.tokens_column)
        return pc.fill_null(pc.cast(counts, pa.int64()), 0)

    def resolve(self, sketches: Sequence[str], work: str, executor: Executor) -> Sequence[str]:
        """Find the cuts, and write who is on the wrong side of them."""
        rank = self.rank(sketches, executor)
        totals = total_weights(sketches, executor, rank)
        wanted = {
            (group, number): weight
            for group, total in totals.items()
            for number, weight in enumerate(self.wanted(total))
        }
        cuts = find_cuts(sketches, executor, wanted, totals, rank)
        job = _Job(self, work, cuts, len(self.wanted(1)), rank)
        ruled = gather(executor, _rule, list(enumerate(sketches)), job)
        _write_findings(job, totals, [kept for _, kept in ruled])
        return [path for path, _ in ruled]


class SelectBest(Selection):
    """Keep what is ranked first: a share of each group, or so much of it.

    The fewest documents that make it up stay: the last of them may go beyond it.
    """

    share: float | None = Field(None, gt=0, le=1, description="of each group")
    count: int | None = Field(None, gt=0, description="documents, characters or tokens of each group")

    @model_validator(mode="after")
    def _one_amount(self) -> Self:
        if (self.share is None) == (self.count is None):
            raise ValueError("give share or count")
        return self

    def wanted(self, total: int) -> list[int]:
        """One cut."""
        return [self.count if self.count is not None else shares(total, self.share or 0)]

    def selected(self, above: Sequence[npt.NDArray[np.bool_]]) -> npt.NDArray[np.bool_]:
        """Those above it."""
        return above[0]


def shares(total: int, share: float) -> int:
    """That share of a whole number, rounded up; 0.1 means a tenth."""
    part = Fraction(str(share)) * total
    return -(-part.numerator // part.denominator)


@dataclass(frozen=True)
class _Job:
    """What all tasks of the last pass have in common."""

    selection: Selection
    work: str
    cuts: Mapping[Name, Cut]
    cuts_of_each: int
    rank: Rank | None


def _groups(batch: pa.RecordBatch, by: Sequence[str]) -> pa.Array:
    """The values of the columns as one JSON list a row."""
    if not by:
        return pa.repeat("[]", batch.num_rows)
    values = [pc.cast(batch.column(name), pa.string()) for name in by]
    table = pa.table(values, names=list(by)).append_column("row", pa.array(range(batch.num_rows)))
    found = table.group_by(list(by), use_threads=False).aggregate([("row", "list")])
    names = np.empty(batch.num_rows, object)
    for *group, rows in zip(*(found.column(name).to_pylist() for name in (*by, "row_list")), strict=True):
        names[rows] = json.dumps(group, ensure_ascii=False)
    return pa.array(names, pa.string())


def _rule(job: _Job, item: tuple[int, str]) -> tuple[str, Kept]:
    """Write the ruling on one shard; its path, and what of each group it keeps: documents and weight."""
    number, path = item
    rows = read_rows(path, job.rank)
    with open_binary(path) as stream, pq.ParquetFile(stream) as file:
        total = file.metadata.num_rows
        has_control = CONTROL in file.schema_arrow.names
        control = bools(file.read([CONTROL]).column(CONTROL)) if has_control else np.zeros(total, np.bool_)
    above = [at_least(rows, job.cuts, cut) for cut in range(job.cuts_of_each)]
    stays = np.full(total, job.selection.unscored == "keep")
    stays[rows.place] = job.selection.selected(above)
    stays |= control
    ruling = _ruling(job, rows, stays)
    if has_control:
        ruling = ruling.append_column(CONTROL, pa.array(control))
    else:
        ruling = ruling.filter(pc.is_valid(ruling.column("reason")))
    out = join(job.work, "rulings", f"{number:06d}.parquet")
    write_parquet(out, ruling)
    return out, _kept(rows, stays[rows.place])


def _ruling(job: _Job, rows: Rows, stays: npt.NDArray[np.bool_]) -> pa.Table:
    """A ruling on every row: those that are not ranked are not scored, the others not selected."""
    n, sign = len(stays), job.selection.direction()
    reason = np.full(n, NOT_SCORED, object)
    reason[rows.place] = job.selection.reason
    value, limit = np.full(n, np.nan), np.full(n, np.nan)
    value[rows.place] = rows.score * sign
    limits = np.array([job.cuts[group, 0].score for group in rows.groups], np.float64) * sign
    limit[rows.place] = np.where(np.isfinite(limits), limits, np.nan)[rows.group]
    columns = {
        "row": pa.array(np.arange(n)),
        "reason": pa.array(reason, pa.string(), mask=stays),
        "value": pa.array(value, mask=stays | np.isnan(value)),
        "threshold": pa.array(limit, mask=stays | np.isnan(limit)),
    }
    arrays = [columns.get(field.name, pa.nulls(n)).cast(field.type) for field in RULING]
    return pa.table(arrays, schema=RULING)


def _kept(rows: Rows, stays: npt.NDArray[np.bool_]) -> Kept:
    documents = np.bincount(rows.group[stays], minlength=len(rows.groups))
    weights = np.zeros(len(rows.groups), np.int64)
    np.add.at(weights, rows.group[stays], rows.weight[stays])
    return dict(zip(rows.groups, zip(documents.tolist(), weights.tolist(), strict=True), strict=True))


def _write_findings(job: _Job, totals: Mapping[str, int], kept: Sequence[Kept]) -> None:
    """Of each group what it weighs, what is kept of it, and the score at each cut."""
    documents, weights = Counter[str](), Counter[str]()
    for part in kept:
        for group, (rows, weight) in part.items():
            documents[group] += rows
            weights[group] += weight
    sign = job.selection.direction()
    groups = [
        {
            "group": json.loads(group),
            "weight": total,
            "kept_weight": weights[group],
            "kept_documents": documents[group],
            "cuts": [
                cut.score * sign if np.isfinite(cut.score) else None
                for number in range(job.cuts_of_each)
                for cut in [job.cuts[group, number]]
            ],
        }
        for group, total in sorted(totals.items())
    ]
    found = {"of": job.selection.of, "by": list(job.selection.by), "groups": groups}
    with write_whole(join(job.work, FINDINGS)) as stream:
        stream.write(json.dumps(found, ensure_ascii=False).encode())
