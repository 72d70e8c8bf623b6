"""The mixture of a corpus, before and after by group: for report.json, and as a table for the terminal."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
from rich.console import Console
from rich.table import Table
from rich.text import Text

from textmill.pipeline.console import count, percent, say
from textmill.pipeline.mixing.cells import label_of
from textmill.pipeline.mixing.plan_checks import written
from textmill.pipeline.mixing.shuffle import copies_column
from textmill.pipeline.mixing.stage import group_columns
from textmill.pipeline.run_folder import RunFolder

Json = dict[str, Any]

MOST = 25
"""Groups of a phase that are shown, those of the most tokens; the others are added up."""


def mixture_section(run: RunFolder) -> Json | None:
    """What each phase has of each group, and what there was; None for a corpus that is no mixture, or not yet one.

    Of a group: documents and tokens before (`documents`, `unique_tokens`, `share_before`) and in the phase
    (`documents_used`, `copies`, `tokens`, `share_after`), the share that was asked for (`share`), how often it is
    used (`epochs`, and with earlier phases `epochs_so_far`), and what its tokens are worth as new ones
    (`effective_tokens`; Scaling Data-Constrained Language Models): what the plan holds a token of them to be worth.
    `budgets` says what others would be worth.
    """
    mixture = run.mixture()
    if mixture is None:
        return None
    phases = _phases(mixture["phases"])
    mains = [phase for phase in phases if phase["variant_of"] is None]
    total = {key: sum(phase[key] for phase in mains) for key in ("copies", "tokens", "effective_tokens")}
    kept = {key: mixture[key] for key in ("by", "seed", "tokens_from", "warnings")}
    unique = _sum(phases[0]["groups"], "unique_tokens")
    return {**kept, "unique_tokens": unique, **total, "phases": phases, "budgets": mixture.get("budgets", [])}


def copies_of(run: RunFolder, row: Mapping[str, Any]) -> list[Json]:
    """How often a document is in each phase, and why: its group with the epochs and the share it was to have there.

    row: of the last chain.
    """
    mixture = run.mixture()
    assert mixture is not None
    own = pa.RecordBatch.from_pylist([{name: row[name] for name in mixture["by"]}])
    label = label_of(tuple(column[0].as_py() for column in group_columns(mixture["by"], None, own).values()))
    told = []
    for phase in mixture["phases"]:
        group = next(group for group in phase["groups"] if group["group"] == label)
        why = {"group": label, "epochs": group["epochs"], "share": group["share"]}
        copies = row[copies_column(phase["name"])]
        told.append({"phase": phase["name"], "copies": copies, "budget_tokens": phase["budget_tokens"], **why})
    return told


def _phases(planned: Sequence[Mapping[str, Any]]) -> list[Json]:
    """What became of the phases. Those that are drawn count for the later ones, their variants do not."""
    used: Counter[str] = Counter()
    before: dict[str, Counter[str]] = {}
    found = []
    for phase in planned:
        start = before[phase["name"]] = before[phase["variant_of"]] if phase["variant_of"] else Counter(used)
        found.append(_phase(phase, start))
        if phase["variant_of"] is None:
            used.update({group["group"]: group["tokens"] for group in phase["groups"]})
    return found


def _phase(phase: Mapping[str, Any], start: Mapping[str, int]) -> Json:
    """start: tokens that earlier phases used of each group."""
    before = max(1, _sum(phase["groups"], "unique_tokens"))
    after = max(1, phase["tokens"])
    groups = []
    for group in phase["groups"]:
        unique, expected = max(1, group["unique_tokens"]), group["expected_tokens"]
        realised = {
            "epochs": group["tokens"] / unique,
            "epochs_so_far": (start[group["group"]] + group["tokens"]) / unique,
            "effective_tokens": group["tokens"] * group["effective_tokens"] / expected if expected else 0.0,
            "share_before": round(group["unique_tokens"] / before, 6),
            "share_after": round(group["tokens"] / after, 6),
        }
        groups.append({**group, **realised})
    return {**phase, "groups": groups, "effective_tokens": sum(group["effective_tokens"] for group in groups)}


def _sum(groups: Any, key: str) -> int:
    return sum(group[key] for group in groups)


def render_mixture(mixture: Mapping[str, Any], console: Console) -> None:
    """Print a table a phase, and warnings."""
    for phase in mixture["phases"]:
        instead = f" (variant of {phase['variant_of']})" if phase["variant_of"] else ""
        told = f"{written(phase['tokens'])} tokens, {written(phase['budget_tokens'])} asked for"
        worth = written(phase["effective_tokens"])
        say(console, f"phase {phase['name']}{instead}: {told}, worth {worth} new ones")
        console.print(_table(phase, "/".join(mixture["by"])))
        console.print()
    say(console, f"tokens: {mixture['tokens_from']}")
    for warning in mixture["warnings"]:
        say(console, warning, "yellow")


def _table(phase: Mapping[str, Any], by: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column(by, no_wrap=True, overflow="ellipsis", min_width=12)
    for name in ("documents", "tokens", "share", "copies", "tokens", "share", "epochs", "worth"):
        table.add_column(name, justify="right", no_wrap=True)
    ranked = sorted(phase["groups"], key=lambda group: (-group["tokens"], group["group"]))
    for group in ranked[:MOST]:
        _add_row(table, group["group"], group)
    if rest := ranked[MOST:]:
        keys = ("documents", "unique_tokens", "copies", "tokens", "share_before", "share_after", "effective_tokens")
        sums = {key: sum(group[key] for group in rest) for key in keys}
        _add_row(table, f"({len(rest)} others)", {**sums, "epochs": sums["tokens"] / max(1, sums["unique_tokens"])})
    return table


def _add_row(table: Table, name: str, group: Mapping[str, Any]) -> None:
    table.add_row(
        Text(name),
        count(group["documents"]),
        written(group["unique_tokens"]),
        percent(group["share_before"]),
        count(group["copies"]),
        written(group["tokens"]),
        percent(group["share_after"]),
        f"{group['epochs']:.2f}",
        written(group["effective_tokens"]),
    )
