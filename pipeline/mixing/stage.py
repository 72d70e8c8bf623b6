"""The mix that ends a recipe: how often every document is used in each phase, from counts of all of them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import Field

from textmill.pipeline import schema
from textmill.pipeline.barrier import FINDINGS, RULING, Barrier
from textmill.pipeline.errors import RecipeError
from textmill.pipeline.executor import Executor, gather
from textmill.pipeline.io.files import join, open_binary, write_whole
from textmill.pipeline.io.writer import write_parquet
from textmill.pipeline.mixing.budgets import outlook
from textmill.pipeline.mixing.cells import UNKNOWN, Cells, Floats, Group, Ints, count_cells, merge_cells
from textmill.pipeline.mixing.draw import MAX_COPIES, Keys, copies, id_hashes
from textmill.pipeline.mixing.mixture import Mixture
from textmill.pipeline.mixing.plan import MAIN, make_plan
from textmill.pipeline.mixing.plan_model import Plan
from textmill.pipeline.mixing.shuffle import BYTES, TOKENS, copies_column, mix_columns
from textmill.pipeline.token_estimate import ESTIMATE, estimate_tokens

ESTIMATED: Final = "estimated_tokens"
"""The column of the step `token_count` that is no count."""
NOT_SAMPLED: Final = "not_sampled"
"""Reason of a document that no phase uses; its value is how often it would be used on average."""
COUNTED: Final = "mix_counted"
"""In sketches: whether the row's tokens were counted, or estimated from its characters."""
BUDGETS: Final = (0.25, 0.5, 1, 2, 4)
"""Multiples of a mixture's tokens of which the report says what they would be worth."""


class Mix(Mixture, Barrier):
    """Use documents as often as a mixture of their groups asks for, in one phase or several, and shuffle them."""

    seed: int = Field(0, ge=0, description="of the draw and the order; the same seed gives the same corpus")

    def phase_names(self) -> tuple[str, ...]:
        """Names of the phases and their variants; only a plan knows the variants."""
        return tuple(phase.name for phase in self.phases) or (MAIN,)

    def reads(self) -> frozenset[str]:
        """What it groups by; a column of tokens that has another name than usual must be there."""
        return super().reads() | ({self.tokens_column} if self.tokens_column != "tokens" else set())

    def adds(self) -> frozenset[str]:
        """What the shuffle needs; none of it is in the corpus."""
        return frozenset(mix_columns(self.phase_names()))

    def sketch(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Groups, score, tokens and bytes of each row."""
        columns = group_columns(self.by, self.value_column, batch)
        counted = pa.nulls(batch.num_rows, pa.int64())
        if self.tokens_column in batch.schema.names:
            counted = batch.column(self.tokens_column).cast(pa.int64())
        columns[COUNTED] = pc.is_valid(counted)
        if counted.null_count:
            counted = pc.coalesce(counted, pa.array(estimate_tokens(batch)))
        columns[TOKENS] = counted
        columns[BYTES] = pc.fill_null(pc.binary_length(batch.column(schema.TEXT)), 0).cast(pa.int64())
        return pa.RecordBatch.from_pydict(columns)

    def resolve(self, sketches: Sequence[str], work: str, executor: Executor) -> Sequence[str]:
        """Count, plan, draw. Raises RecipeError for a mixture that the documents do not allow."""
        counted = gather(executor, _count, sketches, self)
        if not counted:
            raise RecipeError("mixture: there is nothing to mix: no document is left")
        cells = merge_cells([one.cells for one in counted])
        plan = make_plan(self, cells)
        paths = [join(work, f"{number}.parquet") for number in range(len(sketches))]
        drawn = gather(executor, _draw, list(zip(sketches, paths, strict=True)), _Draw(self, plan))
        estimated = sum(one.estimated for one in counted)
        found = {**_findings(self, plan, drawn, estimated), "budgets": _budgets(self, plan, cells)}
        with write_whole(join(work, FINDINGS)) as stream:
            stream.write(json.dumps({"mixture": found}).encode())
        return paths


@dataclass(frozen=True)
class _Count:
    """What one sketch holds; `estimated`: documents whose tokens were not counted."""

    cells: Cells
    estimated: int


@dataclass(frozen=True)
class Rows:
    """Rows of a sketch: number of their group in `keys`, score (NaN without one) if a phase goes by one, tokens."""

    keys: list[Group]
    codes: Ints
    values: Floats | None
    tokens: Ints


def group_columns(by: Sequence[str], value_column: str | None, batch: pa.RecordBatch) -> dict[str, pa.Array]:
    """What decides on the copies of each row, as sketches have it: the columns of `by` as text, and the score."""
    columns = {name: pc.fill_null(batch.column(name).cast(pa.string()), UNKNOWN) for name in by}
    if value_column is not None:
        columns[value_column] = batch.column(value_column).cast(pa.float64())
    return columns


def group_rows(by: Sequence[str], value_column: str | None, table: pa.Table) -> Rows:
    """The group of each row of a sketch, by number; keys are those of this sketch alone, in any order."""
    keys: list[Group] = [()]
    codes = np.zeros(table.num_rows, np.int64)
    for name in by:
        column = pc.dictionary_encode(table.column(name).combine_chunks())
        names = column.dictionary.to_pylist()
        pairs, codes = np.unique(codes * (len(names) + 1) + column.indices.to_numpy(), return_inverse=True)
        keys = [(*keys[pair // (len(names) + 1)], names[pair % (len(names) + 1)]) for pair in pairs.tolist()]
    values = None if value_column is None else table.column(value_column).to_numpy()
    return Rows(keys, codes, values, table.column(TOKENS).to_numpy())


def _read(path: str) -> pa.Table:
    with open_binary(path) as stream:
        return pq.read_table(stream)


def _count(mix: Mix, path: str) -> _Count:
    """Documents and tokens of a sketch by group and score."""
    table = _read(path)
    rows = group_rows(mix.by, mix.value_column, table)
    cells = count_cells(mix.by, rows.keys, rows.codes, rows.tokens, rows.values)
    return _Count(cells, table.num_rows - int(pc.sum(table.column(COUNTED)).as_py() or 0))


@dataclass(frozen=True)
class _Draw:
    """A mix with the plan that was made of it."""

    mix: Mix
    plan: Plan


@dataclass(frozen=True)
class Drawn:
    """What a draw gave, and what was expected: arrays of shape (phases, groups), summed over documents."""

    documents: Ints
    copies: Ints
    tokens: Ints
    expected: Floats
    variance: Floats


def draw(plan: Plan, seed: int, hashes: Keys, rows: Rows) -> tuple[Ints, Floats]:
    """Copies of each document in each phase, and how many there are on average: shape (phases, n)."""
    codes = _places(plan, rows)
    rates = {phase.name: np.minimum(plan.rates(phase.name, codes, rows.values), MAX_COPIES) for phase in plan.phases}
    times = []
    for phase in plan.phases:
        before = sum((rates[name] for name in plan.before(phase.name)), np.zeros(len(codes)))
        times.append(copies(hashes, before, rates[phase.name], seed))
    return np.array(times), np.array(list(rates.values()))


def _places(plan: Plan, rows: Rows) -> Ints:
    """The number of each row's group in the plan."""
    number = {key: place for place, key in enumerate(plan.groups)}
    return np.array([number[key] for key in rows.keys], np.int64)[rows.codes]


def _draw(job: _Draw, item: tuple[str, str]) -> Drawn:
    """Write the ruling on one sketch."""
    source, target = item
    table = _read(source)
    rows = group_rows(job.mix.by, job.mix.value_column, table)
    times, rates = draw(job.plan, job.mix.seed, id_hashes(table.column(schema.ID)), rows)
    used = times.sum(axis=0) > 0
    main = np.array([phase.variant_of is None for phase in job.plan.phases])  # a variant takes its phase's place
    n = table.num_rows
    columns = {
        "row": pa.array(np.arange(n)),
        "reason": pa.array([None if one else NOT_SAMPLED for one in used.tolist()], pa.string()),
        "value": pa.array(rates[main].sum(axis=0), mask=used),
        **{name: pa.nulls(n, RULING.field(name).type) for name in ("threshold", "kept_id", "similarity")},
        TOKENS: table.column(TOKENS),
        BYTES: table.column(BYTES),
    }
    for phase, count in zip(job.plan.phases, times, strict=True):
        columns[copies_column(phase.name)] = pa.array(count.astype(np.int32))
    write_parquet(target, pa.table(columns))
    return _sums(job.plan, rows, times, rates)


def _sums(plan: Plan, rows: Rows, times: Ints, rates: Floats) -> Drawn:
    codes, groups = _places(plan, rows), len(plan.groups)

    def add_up(weights: npt.NDArray[Any]) -> Floats:
        return np.array([np.bincount(codes, row, groups) for row in np.atleast_2d(weights)])

    whole = rates.astype(np.int64)
    spread = rows.tokens.astype(np.float64) ** 2 * (rates - whole) * (1 - rates + whole)
    return Drawn(
        add_up(times > 0).astype(np.int64),
        add_up(times).astype(np.int64),
        add_up(times * rows.tokens).astype(np.int64),
        add_up(rates * rows.tokens),
        add_up(spread),
    )


def _findings(mix: Mix, plan: Plan, drawn: Sequence[Drawn], estimated: int) -> dict[str, Any]:
    """The plan and what became of it, for people, for `verify` and for the report; see docs/mixing.md."""
    sums = {name: sum(getattr(one, name) for one in drawn) for name in Drawn.__dataclass_fields__}
    documents = sum(group.documents for group in plan.phases[0].groups)
    counts = f"column {mix.tokens_column}" if estimated < documents else ESTIMATE
    if mix.tokens_column == ESTIMATED:
        counts = ESTIMATE
    phases = []
    for number, phase in enumerate(plan.phases):
        groups = [
            {
                **group.model_dump(include=_TOLD),
                "group": group.label,
                "documents_used": int(sums["documents"][number, place]),
                "copies": int(sums["copies"][number, place]),
                "tokens": int(sums["tokens"][number, place]),
                "expected_tokens": round(float(sums["expected"][number, place]), 3),
                "sigma_tokens": round(float(sums["variance"][number, place]) ** 0.5, 3),
            }
            for place, group in enumerate(phase.groups)
        ]
        told = phase.model_dump(include={"name", "variant_of", "left_out", "budget_tokens"})
        totals = {key: sum(group[key] for group in groups) for key in ("copies", "tokens")}
        phases.append({**told, **totals, "effective_tokens": phase.effective_tokens, "groups": groups})
    return {
        "seed": mix.seed,
        "by": list(plan.by),
        "tokens_from": counts if estimated in (0, documents) else f"{counts}; {estimated} of {documents} {ESTIMATE}",
        "warnings": list(plan.warnings),
        "phases": phases,
        "plan": plan.model_dump(mode="json"),
    }


def _budgets(mix: Mix, plan: Plan, cells: Cells) -> list[dict[str, Any]]:
    """What the mixture would be worth at a quarter to four times its tokens, where the documents allow that."""
    tokens = sum(phase.budget_tokens for phase in plan.phases if phase.variant_of is None)
    outlooks = [outlook(mix, cells, max(1, round(tokens * times))) for times in BUDGETS]
    return [one.told() for one in outlooks]


_TOLD: Final = {"documents", "unique_tokens", "share", "epochs", "epochs_so_far", "effective_tokens"}
