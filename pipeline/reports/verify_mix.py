"""Is a mixed corpus the one that was planned? Copies by id, drawn again; tokens of each group against its target."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from textmill.pipeline import schema
from textmill.pipeline.io.files import join, open_binary
from textmill.pipeline.mixing.draw import id_hashes
from textmill.pipeline.mixing.plan_model import Plan
from textmill.pipeline.mixing.shuffle import TOKENS, copies_column
from textmill.pipeline.mixing.stage import draw, group_columns, group_rows
from textmill.pipeline.reports.verify_files import Wrong
from textmill.pipeline.rulings import read_batches
from textmill.pipeline.run_folder import RunFolder, RunStage
from textmill.pipeline.writers.formats import PARQUET

HASHES = 1 << 24
"""Ids looked at together: 256 MiB of hashes and counts; more ids take more passes."""
SIGMAS = 3

Hashes = npt.NDArray[np.uint64]
Counts = npt.NDArray[np.int64]


@dataclass
class CheckedMix:
    """What is wrong with a mixture, and what is only unlikely."""

    problems: list[Wrong] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def check_mix(run: RunFolder, parts: Iterable[int], files: Iterable[str]) -> CheckedMix:
    """Check a mixed corpus whose files are sound.

    parts: of the last chain, in which the mix's columns say how often each document is used. files: paths of the
    corpus within its folder; ids are read from formats that are Parquet.
    """
    checked = CheckedMix()
    mixture = run.mixture()
    if mixture is None:
        checked.problems.append((run.stages[-3].folder.path, "the mix left no findings.json"))
        return checked
    plan = Plan.model_validate(mixture["plan"])
    chained = _with_rows(run.stages[-2], parts)
    tokens = np.zeros((len(plan.phases), len(plan.groups)), np.int64)
    for path in chained:
        tokens += _check_draw(path, plan, mixture["seed"], checked)
    for phase, sums in zip(mixture["phases"], tokens.tolist(), strict=True):
        _check_shares(run.stages[-3].folder.path, phase, sums, checked)
        if run.format in PARQUET:
            corpus = [join(run.out, "data", name) for name in files if name.startswith(f"{phase['name']}/")]
            where = join(run.out, "data", phase["name"])
            checked.problems += [(where, wrong) for wrong in _wrong_ids(chained, corpus, copies_column(phase["name"]))]
    return checked


def _with_rows(last: RunStage, parts: Iterable[int]) -> list[str]:
    """Files of the last chain; a part without rows has none."""
    manifests = last.folder.manifests()
    return [last.file("data", part) for part in sorted(parts) if "data" in manifests[part].files]


def _check_draw(path: str, plan: Plan, seed: int, checked: CheckedMix) -> Counts:
    """Draw the copies of a file's rows again; tokens of each phase and group."""
    names = [copies_column(phase.name) for phase in plan.phases]
    wanted = {schema.ID, *plan.by, *names, TOKENS, *([plan.value_column] if plan.value_column else [])}
    sums = np.zeros((len(names), len(plan.groups)), np.int64)
    for batch in read_batches(path, columns=sorted(wanted)):
        columns = group_columns(plan.by, plan.value_column, batch) | {TOKENS: batch.column(TOKENS)}
        rows = group_rows(plan.by, plan.value_column, pa.table(columns))
        times = draw(plan, seed, id_hashes(batch.column(schema.ID)), rows)[0]
        said = np.array([batch.column(name).to_numpy() for name in names])
        wrong = np.flatnonzero((times != said).any(axis=0))
        if len(wrong):
            row = int(wrong[0])
            told = f"{batch.column(schema.ID)[row]}: {said[:, row].tolist()}, not {times[:, row].tolist()}"
            what = f"{len(wrong)} rows have other copies than the plan and their ids give, such as {told}"
            checked.problems.append((path, what))
        place = np.array([plan.groups.index(key) for key in rows.keys], np.int64)[rows.codes]
        for number, count in enumerate(said):
            np.add.at(sums[number], place, count * rows.tokens)
    return sums


def _check_shares(where: str, phase: Mapping[str, Any], tokens: Sequence[int], checked: CheckedMix) -> None:
    """Compare tokens with what the mix wrote down, and with what it was to give on average."""
    for group, found in zip(phase["groups"], tokens, strict=True):
        name = f"phase {phase['name']}, group {group['group']}"
        if found != group["tokens"]:
            checked.problems.append((where, f"{name}: {found} tokens, but {group['tokens']} are in its findings"))
        off = abs(found - group["expected_tokens"])
        if off > SIGMAS * group["sigma_tokens"] + 1:  # of 370 groups one, by chance alone
            checked.warnings.append(
                f"{name}: {found:,} tokens, {off:,.0f} from the {group['expected_tokens']:,.0f} that were asked for, "
                f"more than {SIGMAS} standard deviations of {group['sigma_tokens']:,.0f}"
            )


def _wrong_ids(chained: Sequence[str], corpus: Sequence[str], column: str) -> Iterator[str]:
    """Whether every id is in a phase's files as often as the last chain says in `column`."""
    passes = max(1, -(-sum(_rows(path) for path in corpus) // HASHES))
    for number in range(passes):
        wanted = _summed(pair for path in chained for pair in _hashes(path, column, number, passes))
        found = _summed(pair for path in corpus for pair in _hashes(path, None, number, passes))
        values, sums = _summed([wanted, (found[0], -found[1])])
        wrong = values[sums != 0]
        if len(wrong):
            name = _name_of(wrong[0], [*chained, *corpus])
            told = f"{name}: {_count(found, wrong[0])} copies, not {_count(wanted, wrong[0])}"
            yield f"{len(wrong)} ids are not in this phase as often as the mix says, such as {told}"
            return


def _rows(path: str) -> int:
    with open_binary(path) as stream:
        return int(pq.read_metadata(stream).num_rows)


def _hashes(path: str, column: str | None, number: int, passes: int) -> Iterator[tuple[Hashes, Counts]]:
    """Hashes of ids, and how often each counts: once, or as `column` says; of several passes, those of one."""
    for batch in read_batches(path, columns=[schema.ID, *([column] if column else [])]):
        hashes = id_hashes(batch.column(schema.ID))
        counts = batch.column(column).to_numpy() if column else np.ones(len(hashes), np.int64)
        mine = (hashes % np.uint64(passes) == number) & (counts > 0)
        yield hashes[mine], counts[mine].astype(np.int64)


def _summed(pairs: Iterable[tuple[Hashes, Counts]]) -> tuple[Hashes, Counts]:
    """Every hash once, ascending, with the sum of its counts."""
    given = [(np.empty(0, np.uint64), np.empty(0, np.int64)), *pairs]
    values, place = np.unique(np.concatenate([hashes for hashes, _ in given]), return_inverse=True)
    sums = np.zeros(len(values), np.int64)
    np.add.at(sums, place, np.concatenate([counts for _, counts in given]))
    return values, sums


def _count(counts: tuple[Hashes, Counts], value: np.uint64) -> int:
    return int(counts[1][counts[0] == value].sum())


def _name_of(value: np.uint64, paths: Sequence[str]) -> str:
    """The id of a hash that is somewhere in `paths`."""
    names = (
        batch.column(schema.ID)[int(row)].as_py()
        for path in paths
        for batch in read_batches(path, columns=[schema.ID])
        for row in np.flatnonzero(id_hashes(batch.column(schema.ID)) == value)
    )
    return str(next(names))
