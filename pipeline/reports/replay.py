"""What other thresholds would keep, told from what the filters measured; no text is read.

On which side of its threshold a rule is broken, the measured rows themselves show.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from rich.console import Console
from rich.table import Table
from rich.text import Text

from textmill.pipeline import schema
from textmill.pipeline.arrow import Bools, bools
from textmill.pipeline.console import count, percent, plural, say
from textmill.pipeline.errors import InputError, UsageError
from textmill.pipeline.io.files import exists, join
from textmill.pipeline.measures import AUDIT_FILE, FATE, LEFT_REASON, LEFT_STEP
from textmill.pipeline.recipe import ChainStage, Named, Recipe
from textmill.pipeline.recipe_reader import load_recipe
from textmill.pipeline.reports.thresholds import Change, changes_of
from textmill.pipeline.rulings import read_table
from textmill.pipeline.run_folder import RunStage, open_run
from textmill.pipeline.step import Filter, Mapper

Values = npt.NDArray[np.float64]
Group = tuple[str, str]
"""Source and language; "" where unknown."""
Part = Callable[[], pa.Table | None]
"""Reads the measures of a shard; None where it has none."""

NOTHING: Final = "nothing to replay: give --set STAGE.STEP.PARAMETER=VALUE with the parameter of a filter"
_SIDES: Final = {">": np.greater, "<": np.less, ">=": np.greater_equal, "<=": np.less_equal}
"""How a value that breaks a rule may lie to the threshold, the most usual first."""


@dataclass
class Replay:
    """What a stage kept, and what it would keep: documents by (source, language), drops by (step, reason).

    `maybe` are documents that the new thresholds would free, but that steps never saw which come after the
    step where they left. `sampled` is the share of the documents that were measured.
    """

    stage: str
    changes: list[Change]
    sampled: float = 1.0
    measured: Counter[Group] = field(default_factory=Counter)
    kept: Counter[Group] = field(default_factory=Counter)
    would_keep: Counter[Group] = field(default_factory=Counter)
    maybe: Counter[Group] = field(default_factory=Counter)
    dropped: Counter[tuple[str, str]] = field(default_factory=Counter)
    would_drop: Counter[tuple[str, str]] = field(default_factory=Counter)

    def to_json(self) -> dict[str, Any]:
        """A plain dict, for scripts."""
        names = ("measured", "kept", "would_keep", "maybe")
        groups = [
            {"source": source, "language": language, **{name: getattr(self, name)[source, language] for name in names}}
            for source, language in sorted(self.measured)
        ]
        reasons = [
            {"step": step, "reason": reason, "dropped": self.dropped[key], "would_drop": self.would_drop[key]}
            for key in sorted(self.dropped.keys() | self.would_drop.keys())
            for step, reason in [key]
        ]
        totals = {name: getattr(self, name).total() for name in names}
        changes = [change._asdict() for change in self.changes]
        return {
            "stage": self.stage,
            "changes": changes,
            "sampled": self.sampled,
            **totals,
            "groups": groups,
            "reasons": reasons,
        }


def replay(out: str, overrides: Sequence[str]) -> list[Replay]:
    """What each chain whose filters `overrides` change would keep of what it met in the run in `out`.

    Raises UsageError for an override that changes more than thresholds, or a run that measured nothing.
    """
    if exists(join(out, AUDIT_FILE)):
        return [_replay_audit(out, overrides)]
    run = open_run(out)
    path = join(out, "recipe.yaml")
    old, new = load_recipe(path), load_recipe(path, overrides)
    stages = {stage.name: stage for stage in run.stages}
    found = []
    for before, after in zip(old.stages, new.stages, strict=True):
        if before == after:
            continue
        if not (isinstance(before, ChainStage) and isinstance(after, ChainStage)):
            raise UsageError(
                f"{before.name} is a barrier: what other parameters would give is not stored; run it again"
            )
        found.append(_replay_stage(stages[before.name], old, before, after))
    if not found or old.inputs != new.inputs:
        raise UsageError(NOTHING)
    return found


def _replay_stage(stage: RunStage, recipe: Recipe, before: ChainStage, after: ChainStage) -> Replay:
    changes = [change for pair in zip(before.steps, after.steps, strict=True) for change in changes_of(*pair)]
    result = Replay(stage.name, changes, recipe.measures.keep)
    paths = [stage.file("measures", part) for part in stage.parts()]
    replay_tables(result, before.steps, [partial(_read, path) for path in paths])
    return result


def _replay_audit(folder: str, overrides: Sequence[str]) -> Replay:
    """What the filters of an audited recipe would keep; nothing is left open, for each of them saw every document."""
    path = join(folder, "recipe.yaml")
    pairs = list(zip(_steps(load_recipe(path)), _steps(load_recipe(path, overrides)), strict=True))
    changes = [change for pair in pairs for change in changes_of(*pair)]
    if not changes:
        raise UsageError(NOTHING)
    now, then = Replay("audit", []), Replay("audit", changes)
    for result in (now, then):
        replay_tables(result, [old for old, _ in pairs], [partial(_read, join(folder, AUDIT_FILE))])
    return replace(then, kept=now.would_keep, dropped=now.would_drop)


def _steps(recipe: Recipe) -> list[Named]:
    """All steps, labelled as in an audit."""
    chains = [stage for stage in recipe.stages if isinstance(stage, ChainStage)]
    return [replace(step, label=f"{stage.name}.{step.label}") for stage in chains for step in stage.steps]


def _read(path: str) -> pa.Table | None:
    try:
        return read_table(path)
    except InputError:  # a part without rows has no measures
        return None


def replay_tables(result: Replay, steps: Sequence[Named], parts: Sequence[Part]) -> None:
    """Add to `result` what the measures in `parts` tell, each read twice.

    A mapper that refused no document is taken to refuse none that is freed. Raises UsageError when there are no
    measures, or when a rule is not decided by its threshold alone.
    """
    sides = {change.column: list(_SIDES) for change in result.changes}
    refusing: set[str] = set()
    for table in _tables(parts):
        refusing.update(pc.unique(table.column(LEFT_STEP)).drop_null().to_pylist())
        for change in result.changes:
            sides[change.column] = [side for side in sides[change.column] if _agrees(table, change, side)]
    for column, possible in sides.items():
        if not possible:
            raise UsageError(f"{column} is not decided by its threshold alone; run it again with the other parameter")
    breaks = {
        change.column: _Test(possible[0], change.after)
        for change in result.changes
        if (possible := sides[change.column])
    }
    blind = {step.label for step in steps if isinstance(step.part, Mapper)} & refusing
    blind |= {step.label for step in steps if isinstance(step.part, Filter)}
    for table in _tables(parts):
        _add(result, table, [(step.label, _judged(table, step, breaks), step.label in blind) for step in steps])
    if not result.measured:
        raise UsageError(f"stage {result.stage!r} kept no measures; measures.keep in the recipe says of how many to")


class _Test(NamedTuple):
    """How a value breaks a rule: the side of the threshold on which it lies; none where it is not applied."""

    side: str
    threshold: float | None


class _Judged(NamedTuple):
    """What a step would say of each row: whether its rules were measured, and the first that is broken, or ""."""

    seen: Bools
    reasons: npt.NDArray[np.object_]


def _tables(parts: Sequence[Part]) -> Iterator[pa.Table]:
    return (table for part in parts if (table := part()) is not None)


def _agrees(table: pa.Table, change: Change, side: str) -> bool:
    """Whether every measured row of a rule is broken just where its value lies on that side of the threshold."""
    if change.column not in table.column_names:
        return True
    seen, values, broken = _measure(table, change.column)
    return np.array_equal(_SIDES[side](values[seen], change.before), broken[seen])


def _judged(table: pa.Table, step: Named, breaks: Mapping[str, _Test]) -> _Judged:
    """What a filter would say of each row; of other steps nothing was measured."""
    judged = _Judged(np.zeros(len(table), np.bool_), np.full(len(table), "", object))
    for column in table.column_names[len(FATE) :]:
        label, _, reason = column.rpartition(".")
        if label != step.label:
            continue
        seen, values, broken = _measure(table, column)
        if (test := breaks.get(column)) is not None:
            broken = np.zeros(len(table), np.bool_)
            if test.threshold is not None:
                broken = _SIDES[test.side](values, test.threshold) & seen
        judged.seen[seen] = True
        judged.reasons[broken & (judged.reasons == "")] = reason
    return judged


def _measure(table: pa.Table, column: str) -> tuple[Bools, Values, Bools]:
    """Of one rule, for each row: whether it was measured, its value (NaN where none), whether the row broke it."""
    found = table.column(column).combine_chunks()
    values, broken = pc.struct_field(found, "value"), pc.fill_null(pc.struct_field(found, "broken"), False)
    return bools(pc.is_valid(found)), np.asarray(values.to_numpy(zero_copy_only=False), np.float64), bools(broken)


def _add(result: Replay, table: pa.Table, steps: Sequence[tuple[str, _Judged, bool]]) -> None:
    """Follow every row through the steps, each with what it would say and whether it is blind to what is freed."""
    left_step, left_reason = _strings(table, LEFT_STEP), _strings(table, LEFT_REASON)
    alive, nothing = np.ones(len(table), np.bool_), np.zeros(len(table), np.bool_)
    freed, lost = nothing.copy(), nothing.copy()
    for label, judged, blind in steps:
        here = left_step == label
        unknown = alive & freed & ~judged.seen if blind else nothing
        drops = alive & ((judged.reasons != "") | (here & ~judged.seen))
        names = np.where(judged.reasons != "", judged.reasons, left_reason)
        result.would_drop.update((label, name) for name in names[drops])
        lost |= unknown
        freed |= alive & here & ~drops
        alive &= ~(drops | unknown)
    gone = left_step != ""
    result.dropped.update(zip(left_step[gone], left_reason[gone], strict=True))
    groups = list(zip(_strings(table, schema.SOURCE), _strings(table, schema.LANGUAGE), strict=True))
    for tally, rows in (
        (result.measured, ~nothing),
        (result.kept, ~gone),
        (result.would_keep, alive),
        (result.maybe, lost),
    ):
        tally.update(groups[row] for row in np.flatnonzero(rows))


def _strings(table: pa.Table, name: str) -> npt.NDArray[np.object_]:
    return np.asarray(pc.fill_null(table.column(name), "").to_numpy(zero_copy_only=False), object)


def render_replay(result: Replay, console: Console) -> None:
    """Print what would be kept by source and language, and which drops would change."""
    for change in result.changes:
        after = "not applied" if change.after is None else f"{change.after:g}"
        say(console, f"{result.stage}.{change.column}: {change.before:g} -> {after}", "bold")
    groups = _table("source", "language", "documents", "kept", "would be kept", "")
    for group in sorted(result.measured):
        _add_group(groups, group, [tally[group] for tally in _tallies(result)])
    if len(result.measured) > 1:
        _add_group(groups, ("all", ""), [tally.total() for tally in _tallies(result)])
    console.print(groups)
    drops = _table("step", "reason", "dropped", "would be dropped")
    for key in sorted(result.dropped.keys() | result.would_drop.keys()):
        if result.dropped[key] != result.would_drop[key]:
            drops.add_row(*key, count(result.dropped[key]), count(result.would_drop[key]))
    if drops.row_count:
        console.print(drops)
    if result.maybe:
        say(
            console,
            f"{plural(result.maybe.total(), 'document')} would be freed that later steps never saw: hence the range",
        )
    if result.sampled < 1:
        say(console, f"measured on {percent(result.sampled)} of the documents, sampled by id")


def _add_group(table: Table, group: Group, tallies: Sequence[int]) -> None:
    measured, kept, would, maybe = tallies
    span = f"{count(would)} to {count(would + maybe)}" if maybe else count(would)
    table.add_row(*map(Text, group), count(measured), count(kept), span, percent(would / measured))


def _tallies(result: Replay) -> tuple[Counter[Group], ...]:
    return result.measured, result.kept, result.would_keep, result.maybe


def _table(*names: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for name in names:
        words = name in ("source", "language", "step", "reason")
        table.add_column(name, justify="left" if words else "right", no_wrap=True)
    return table
