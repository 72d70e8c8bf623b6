"""Plans a mixture: how much of each group in each phase, how often, within the caps.

Pure functions of counts and settings: nothing is read but the files that the settings name, and nothing written.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np

from textmill.pipeline.arrow import Bools
from textmill.pipeline.errors import RecipeError, did_you_mean
from textmill.pipeline.mixing import plan_checks
from textmill.pipeline.mixing.cells import Cells, Floats, label_of
from textmill.pipeline.mixing.curves import Curve, curve_for, most_tokens, natural_tokens
from textmill.pipeline.mixing.mixture import Mixture, Phase, Unimax
from textmill.pipeline.mixing.plan_checks import Stock
from textmill.pipeline.mixing.plan_model import GroupPlan, PhasePlan, Plan
from textmill.pipeline.mixing.repetition import effective_tokens
from textmill.pipeline.mixing.weights import Supply, shares_of, under_caps

MAIN: Final = "main"
"""The one phase of a mixture that names none."""
DEFAULT_EPOCHS: Final = 4.0


class _Used(NamedTuple):
    """What earlier phases used: how often each cell, and tokens of each group."""

    rates: Floats
    tokens: Floats


class _Task(NamedTuple):
    """A phase to plan, or a variant of one, with its tokens."""

    phase: Phase
    budget: float
    variant_of: str | None = None


def make_plan(mixture: Mixture, cells: Cells) -> Plan:
    """Plan every phase and variant; `cells` are counted by the columns of `mixture.by`, in their order.

    Raises RecipeError, with every number that matters, for weights that do not fit the groups, and for a budget
    that the caps do not allow.
    """
    labels = [label_of(group) for group in cells.groups]
    if not cells.tokens.sum():
        raise RecipeError(f"mixture: there is nothing to mix: {cells.documents.sum()} documents without a token")
    if twins := sorted({label for label in labels if labels.count(label) > 1}):
        raise RecipeError(f"mixture: several groups are called {', '.join(twins)}; rename values that hold a slash")
    caps = _caps(mixture, labels)
    used = _Used(np.zeros(len(cells.value)), np.zeros(len(labels)))
    phases: list[PhasePlan] = []
    for task in _tasks(mixture, cells):
        planned = _plan_phase(mixture, task, cells, caps, used)
        phases += [planned, *(_plan_phase(mixture, variant, cells, caps, used) for variant in _variants(task, cells))]
        used = _after(used, cells, planned)
    names = [phase.name for phase in phases]
    if len(set(names)) < len(names):
        raise RecipeError(f"mixture: phases and variants share a name: {', '.join(names)}")
    warnings = tuple(plan_checks.warnings(phases, mixture.value_column))
    return Plan(by=cells.by, value_column=mixture.value_column, phases=tuple(phases), warnings=warnings)


def _caps(mixture: Mixture, labels: Sequence[str]) -> Floats:
    """Epochs that each group may be used in all."""
    if not isinstance(mixture.max_epochs, dict):
        return np.full(len(labels), mixture.max_epochs)
    given = dict(mixture.max_epochs)
    default = given.pop("default", DEFAULT_EPOCHS)
    if strange := [f"{name!r}{did_you_mean(name, labels)}" for name in given if name not in labels]:
        raise RecipeError(f"max_epochs: there is no group {', '.join(strange)} (groups: {', '.join(labels)})")
    return np.array([given.get(label, default) for label in labels])


def _tasks(mixture: Mixture, cells: Cells) -> Iterator[_Task]:
    """Each phase with its tokens."""
    phases = mixture.phases or (Phase(name=MAIN),)
    whole, given = mixture.budget_tokens, [phase.budget_tokens for phase in phases]
    if whole is not None and all(given) and sum(tokens or 0 for tokens in given) != whole:
        parts = " + ".join(f"{tokens or 0:,}" for tokens in given)
        raise RecipeError(f"phases: {parts} tokens are not the mixture's budget of {whole:,}")
    for phase in phases:
        total = whole if whole is not None else _all_tokens(mixture, phase, cells)
        yield _Task(phase, float(phase.budget_tokens or total * (phase.share or 1.0)))


def _variants(task: _Task, cells: Cells) -> Iterator[_Task]:
    """The phase without each value of the column that it names for that."""
    phase = task.phase
    if phase.leave_one_out:
        column = cells.by.index(phase.leave_one_out)
        for value in sorted({group[column] for group in cells.groups} - set(phase.leave_out)):
            plain = re.sub(r"[^\w.-]+", "_", value)
            variant = phase.model_copy(
                update={"name": f"{phase.name}-without-{plain}", "leave_out": (*phase.leave_out, value)}
            )
            yield task._replace(phase=variant, variant_of=phase.name)


def _all_tokens(mixture: Mixture, phase: Phase, cells: Cells) -> float:
    within = phase.within or mixture.within
    parts = [cells.of(number) for number in np.flatnonzero(_taking_part(phase, cells)).tolist()]
    return sum(natural_tokens(within, values, tokens) for values, _, tokens in parts)


def _plan_phase(mixture: Mixture, task: _Task, cells: Cells, caps: Floats, used: _Used) -> PhasePlan:
    within = task.phase.within or mixture.within
    stock = _stock(mixture, task.phase, cells, caps, used)
    targets = _shares(mixture, task, stock) * task.budget
    groups = []
    for number, target in enumerate(targets.tolist()):
        values, _, tokens = cells.of(number)
        curve = curve_for(within, values, tokens, target)
        group = _plan_group(cells, number, curve, used, target)
        groups.append(group.model_copy(update={"share": target / task.budget}))
    return PhasePlan(
        name=task.phase.name,
        budget_tokens=task.budget,
        groups=tuple(groups),
        variant_of=task.variant_of,
        left_out=task.phase.leave_out,
    )


def _stock(mixture: Mixture, phase: Phase, cells: Cells, caps: Floats, used: _Used) -> Stock:
    within = phase.within or mixture.within
    parts = [cells.of(number) for number in range(len(cells.groups))]
    unique = np.array([float(tokens.sum()) for _, _, tokens in parts])
    natural = np.array([natural_tokens(within, values, tokens) for values, _, tokens in parts])
    curves_allow = np.array([most_tokens(within, values, tokens) for values, _, tokens in parts])
    taking = _taking_part(phase, cells)
    room = np.where(taking, np.minimum(np.maximum(caps * unique - used.tokens, 0), curves_allow), 0.0)
    return Stock([label_of(group) for group in cells.groups], unique, natural, room, taking)


def _taking_part(phase: Phase, cells: Cells) -> Bools:
    """Which groups are not left out."""
    out = set(phase.leave_out)
    names = {name for group in cells.groups for name in (label_of(group), *group)}
    if strange := sorted(out - names):
        hints = [f"{name!r}{did_you_mean(name, names)}" for name in strange]
        raise RecipeError(f"phase {phase.name}: leave_out: there is no group {', '.join(hints)}")
    taking = np.array([label_of(group) not in out and out.isdisjoint(group) for group in cells.groups])
    if not taking.any():
        raise RecipeError(f"phase {phase.name}: without {', '.join(sorted(out))} no group is left")
    return taking


def _shares(mixture: Mixture, task: _Task, stock: Stock) -> Floats:
    """The share of every group, within its room."""
    phase, budget = task.phase, task.budget
    weights = phase.weights or mixture.weights
    plan_checks.check_budget(phase.name, budget, stock.labels, stock.unique, stock.room)
    members = np.flatnonzero(stock.taking)
    supply = Supply(
        labels=[stock.labels[number] for number in members.tolist()],
        natural=stock.natural[members],
        room=stock.room[members],
        budget=budget,
        absent=[stock.labels[number] for number in np.flatnonzero(~stock.taking).tolist()],
    )
    shares = np.zeros(len(stock.labels))
    shares[members] = shares_of(weights, supply)
    over = np.flatnonzero(shares * budget > stock.room * plan_checks.SLACK)
    if len(over) and mixture.over_cap == "refuse" and not isinstance(weights, Unimax):
        plan_checks.refuse_over_caps(phase.name, budget, shares, over, stock)
    if len(over):
        plan_checks.check_takers(phase.name, budget, shares, stock)
        shares = under_caps(shares, stock.room / budget)
    return shares


def _plan_group(cells: Cells, number: int, curve: Curve, used: _Used, target: float) -> GroupPlan:
    values, documents, tokens = cells.of(number)
    start = int(np.searchsorted(cells.group, number))
    before = used.rates[start : start + len(values)]
    gain = effective_tokens(tokens, before + curve.at(values)) - effective_tokens(tokens, before)
    unique = int(tokens.sum())
    return GroupPlan(
        group=cells.groups[number],
        documents=int(documents.sum()),
        unique_tokens=unique,
        tokens=target,
        epochs=target / unique if unique else 0.0,
        epochs_so_far=(target + float(used.tokens[number])) / unique if unique else 0.0,
        effective_tokens=float(gain.sum()),
        edges=tuple(curve.edges.tolist()),
        rates=tuple(curve.rates.tolist()),
        unknown=float(curve.unknown),
    )


def _after(used: _Used, cells: Cells, phase: PhasePlan) -> _Used:
    rates = used.rates.copy()
    for number, group in enumerate(phase.groups):
        start, stop = np.searchsorted(cells.group, [number, number + 1])
        rates[start:stop] += group.at(cells.value[start:stop])
    return _Used(rates, used.tokens + np.array([group.tokens for group in phase.groups]))
