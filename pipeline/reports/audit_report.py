"""An audit in numbers and tables: what each filter and each rule drops, alone, first, and together with others."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

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
from textmill.pipeline.errors import UsageError
from textmill.pipeline.measures import FATE, LEFT_REASON, LEFT_STEP
from textmill.pipeline.recipe import Named
from textmill.pipeline.reports.audit import Audit
from textmill.pipeline.reports.thresholds import thresholds_of
from textmill.pipeline.step import Filter

Json = dict[str, Any]


@dataclass
class _Matrix:
    """The measures of documents that every filter saw; rules in columns, `STEP.REASON`."""

    rules: list[str]
    broken: Bools  # (documents, rules)
    values: npt.NDArray[np.float64]  # the same, NaN where a rule does not say


def summarise(found: Audit, *, examples: int = 3) -> Json:
    """The audit in numbers; `examples` documents closest to each threshold on either side of it.

    Of each rule and each filter: `dropped` documents, of them `alone` by nothing else in the recipe, `first` by
    nothing before it in the recipe; `together` counts what two filters would both drop.
    """
    gone = bools(pc.is_valid(found.table.column(LEFT_STEP)))
    refused = Counter(found.table.column(LEFT_REASON).drop_null().to_pylist())
    table = found.table.filter(pa.array(~gone))
    matrix = _matrix(table)
    labels = [rule.rpartition(".")[0] for rule in matrix.rules]
    order = list(dict.fromkeys(labels))
    by_step = np.stack([matrix.broken[:, np.array(labels) == label].any(axis=1) for label in order], axis=1)
    limits = {step.label: _limits(step) for step in found.steps}
    groups = [table.column(name).fill_null("").to_pylist() for name in (schema.SOURCE, schema.LANGUAGE)]
    keys = list(zip(*groups, strict=True))
    rules = []
    for number, (rule, label) in enumerate(zip(matrix.rules, labels, strict=True)):
        reason = rule.removeprefix(f"{label}.")
        limit = limits[label].get(reason)
        effect = _effect(matrix.broken, number, keys)
        near = [] if limit is None else _nearest(matrix, number, limit, examples)
        shown = [_example(found, table, matrix, row, number) for row in near]
        rules.append({"step": label, "reason": reason, "threshold": limit, **effect, "examples": shown})
    together = [
        {"steps": [order[a], order[b]], "documents": int((by_step[:, a] & by_step[:, b]).sum())}
        for a, b in combinations(range(len(order)), 2)
    ]
    return {
        "documents": len(table),
        "kept": int((~matrix.broken.any(axis=1)).sum()),
        "groups": _groups(keys),
        "refused": dict(refused.most_common()),
        "steps": [{"step": label, **_effect(by_step, number, keys)} for number, label in enumerate(order)],
        "rules": rules,
        "together": together,
        "passed_over": found.passed_over,
    }


def _matrix(table: pa.Table) -> _Matrix:
    rules = table.column_names[len(FATE) :]
    columns = [table.column(rule).combine_chunks() for rule in rules]
    broken = [bools(pc.fill_null(pc.struct_field(column, "broken"), False)) for column in columns]
    values = [pc.struct_field(column, "value").to_numpy(zero_copy_only=False) for column in columns]
    return _Matrix(rules, np.stack(broken, axis=1), np.stack(values, axis=1).astype(np.float64))


def _effect(broken: Bools, number: int, keys: Sequence[tuple[str, str]]) -> Json:
    """What column `number` drops."""
    mine = broken[:, number]
    return {
        "dropped": int(mine.sum()),
        "alone": int((mine & (broken.sum(axis=1) == 1)).sum()),
        "first": int((mine & ~broken[:, :number].any(axis=1)).sum()),
        "groups": _groups([key for key, out in zip(keys, mine, strict=True) if out]),
    }


def _groups(keys: Sequence[tuple[str, str]]) -> list[Json]:
    return [
        {"source": source, "language": language, "documents": n}
        for (source, language), n in sorted(Counter(keys).items())
    ]


def _limits(step: Named) -> dict[str, float]:
    try:
        return thresholds_of(step.part) if isinstance(step.part, Filter) else {}
    except UsageError:  # a filter of the user's that cannot be asked
        return {}


def _nearest(matrix: _Matrix, number: int, limit: float, examples: int) -> list[int]:
    """The rows closest to a rule's threshold, kept ones and dropped ones, in the order of their values."""
    values, broken = matrix.values[:, number], matrix.broken[:, number]
    near: list[int] = []
    for side in (broken, ~broken):
        rows = np.flatnonzero(side & ~np.isnan(values))
        near += rows[np.argsort(np.abs(values[rows] - limit), kind="stable")[:examples]].tolist()
    return sorted(near, key=lambda row: (values[row], row))


def _example(found: Audit, table: pa.Table, matrix: _Matrix, row: int, number: int) -> Json:
    name = table.column(schema.ID)[row].as_py()
    value, dropped = float(matrix.values[row, number]), bool(matrix.broken[row, number])
    return {"id": name, "dropped": dropped, "value": value, "text": found.texts.get(name, "")}


def render_audit(summary: Json, console: Console) -> None:
    """Print the filters, their overlap, what each does by source and language, and the examples."""
    total, kept = summary["documents"], count(summary["kept"])
    say(console, f"{plural(total, 'document')} judged by every filter; all of them together keep {kept}", "bold")
    table = _table("filter / rule", "threshold", "dropped", "", "alone", "")
    for step in summary["steps"]:
        _add(table, step["step"], "", step, total, style="bold")
        for rule in summary["rules"]:
            if rule["step"] == step["step"]:
                limit = "" if rule["threshold"] is None else f"{rule['threshold']:g}"
                _add(table, f"  {rule['reason']}", limit, rule, total)
    console.print(table)
    console.print(_overlap(summary))
    for key in ("source", "language"):
        if len({group[key] for group in summary["groups"]}) > 1:
            console.print(_by(summary, key))
    _say_examples(summary, console)
    for name, why in summary["passed_over"].items():
        say(console, f"passed over: {name}, which {why}")
    if summary["refused"]:
        refused = ", ".join(f"{reason} {count(n)}" for reason, n in summary["refused"].items())
        say(console, f"never reached the filters: {refused}")


def _say_examples(summary: Json, console: Console) -> None:
    for rule in summary["rules"]:
        if not (rule["examples"] and rule["dropped"]):
            continue
        say(console, f"closest to {rule['step']}.{rule['reason']} ({rule['threshold']:g})", "bold")
        for example in rule["examples"]:
            fate = "dropped" if example["dropped"] else "kept   "
            say(console, f"  {fate} {example['value']:<8.4g} {example['id']}  {example['text']}")


def _add(table: Table, name: str, limit: str, effect: Json, total: int, style: str = "") -> None:
    dropped, alone = effect["dropped"], effect["alone"]
    shares = [percent(number / total) for number in (dropped, alone)]
    table.add_row(Text(name), limit, count(dropped), shares[0], count(alone), shares[1], style=style)


def _overlap(summary: Json) -> Table:
    """Of what the filter in a row drops, the share that the filter in a column drops too."""
    both = {tuple(pair["steps"]): pair["documents"] for pair in summary["together"]}
    drops = {step["step"]: step["dropped"] for step in summary["steps"] if step["dropped"]}
    table = _table("of these drops, also dropped by", *(f"({number})" for number in range(1, len(drops) + 1)))
    for number, (row, dropped) in enumerate(drops.items(), 1):
        shares = [both.get((row, other), both.get((other, row), 0)) / dropped for other in drops]
        cells = ["" if other == row else percent(share) for other, share in zip(drops, shares, strict=True)]
        table.add_row(Text(f"({number}) {row}"), *cells)
    return table


def _by(summary: Json, key: str) -> Table:
    """Share that each filter drops of each source, or language."""
    totals = _totals(summary["groups"], key)
    table = _table(key, "documents", *(step["step"].rpartition(".")[2] for step in summary["steps"]))
    drops = [_totals(step["groups"], key) for step in summary["steps"]]
    for group, total in totals.most_common(15):
        shares = [percent(dropped[group] / total) for dropped in drops]
        table.add_row(Text(group or "(unknown)"), count(total), *shares)
    return table


def _totals(groups: Sequence[Json], key: str) -> Counter[str]:
    totals: Counter[str] = Counter()
    for group in groups:
        totals[group[key]] += group["documents"]
    return totals


def _table(first: str, *names: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column(first, no_wrap=True)
    for name in names:
        table.add_column(name, justify="right")
    return table
