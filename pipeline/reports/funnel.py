"""A report for the terminal: the funnel of stages and steps, sources, languages, duplicates, and what went wrong."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from textmill.pipeline.chain import READ
from textmill.pipeline.console import count, duration, group_name, percent, plural, say, size
from textmill.pipeline.reports.mixture_report import render_mixture

Json = Mapping[str, Any]

WIDE = 100
"""Columns of a terminal from which on the funnel also shows characters."""
MOST = 15
"""Rows of the tables of sources and languages; the others are added up."""
FEW = 5
"""Messages of each kind, and clusters of duplicates."""


def render_funnel(report: Json, console: Console) -> None:
    """Print a report as `report.report` makes it; plain text where the console is no terminal."""
    say(console, f"{report['recipe']}: {report['summary']}", "bold")
    console.print(_funnel(report, wide=console.width >= WIDE))
    console.print()
    for title, groups in (("source", report["sources"]), ("language", report["languages"])):
        if len(groups) > 1:
            console.print(_group_table(title, groups))
            console.print()
    if report["mixture"]:
        render_mixture(report["mixture"], console)
    for stage in report["stages"]:
        for title, table in _finding_tables(stage["findings"] or {}):
            say(console, f"{title} {stage['name']}")
            console.print(table)
            console.print()
    for line in _notes(report):
        say(console, line)
    for line in _faults(report):
        say(console, line, "bold red")


def _funnel(report: Json, *, wide: bool) -> Table:
    table = _table("stage / step")
    for name in ("in", "dropped", "", "kept", *(["characters"] if wide else []), "time"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("reasons", overflow="fold")
    work = sum(stage["work_seconds"] or 0 for stage in report["stages"])
    for stage in report["stages"]:
        if not _worth_a_row(stage):
            continue
        chain = stage["kind"] == "chain"
        _add_row(table, stage, "" if chain else _reasons(stage["dropped"]), work, wide=wide)
        if not chain:
            continue
        table.rows[-1].style = "bold"
        for step in stage["steps"]:
            row = {**step, "name": f"  {step['name']}"}
            if step["name"] == READ:
                seconds = step["work_seconds"] + stage["other_work_seconds"]
                row = {**step, "name": "  read, write", "work_seconds": seconds}
            _add_row(table, row, _remarks(step), work, wide=wide)
    return table


def _worth_a_row(stage: Json) -> bool:
    """Whether a stage is more than the chain that passes a barrier's survivors on, or the copy to the corpus."""
    steps = [step for step in stage["steps"] if step["name"] != READ]
    return bool(steps or stage["documents_dropped"] or stage["edited"] or stage["skipped"])


def _add_row(table: Table, flow: Json, reasons: str, work: float, *, wide: bool) -> None:
    seconds = flow.get("work_seconds")
    cells = [
        count(flow["documents_in"]),
        count(flow["documents_dropped"]),
        percent(flow["share_dropped"]),
        count(flow["documents_out"]),
        *([count(flow["characters_out"])] if wide else []),
        "" if seconds is None or not work else percent(seconds / work),
    ]
    table.add_row(Text(flow["name"]), *cells, Text(reasons))


def _remarks(step: Json) -> str:
    """Why documents left, and what else the step counted."""
    tallies = [f"{name} {count(number)}" for name, number in step["tallies"].items()]
    return ", ".join(filter(None, [_reasons(step["dropped"]), *tallies]))


def _group_table(title: str, groups: Json) -> Table:
    table = _table(title)
    for name in ("in", "kept", "", "characters kept"):
        table.add_column(name, justify="right", no_wrap=True)
    ranked = sorted(groups.items(), key=lambda item: (-item[1]["documents_in"], item[0]))
    rest = [group for _, group in ranked[MOST:]]
    if rest:
        sums = {key: sum(group[key] for group in rest) for key in ("documents_in", "documents_out", "characters_out")}
        ranked = [*ranked[:MOST], (f"({len(rest)} others)", sums)]
    for name, group in ranked:
        came, kept = group["documents_in"], group["documents_out"]
        share = percent(kept / came if came else None)
        table.add_row(Text(name or "(unknown)"), count(came), count(kept), share, count(group["characters_out"]))
    return table


def _finding_tables(findings: Json) -> Iterator[tuple[str, Table]]:
    """What barriers found, the first rows; report.html has all."""
    if largest := findings.get("largest"):
        yield "largest clusters of", _cluster_table(largest[:FEW])
    if benchmarks := findings.get("benchmarks"):
        yield "benchmarks found by", _benchmark_table(benchmarks)
    if "of" in findings and (groups := findings["groups"]):
        yield "selection of", _selection_table(findings, groups)


def _benchmark_table(benchmarks: Sequence[Json]) -> Table:
    table = _table("benchmark")
    for name in ("examples", "too short", "found", "", "documents"):
        table.add_column(name, justify="right", no_wrap=True)
    ranked = sorted(benchmarks, key=lambda one: (-one["contaminated"], one["benchmark"]))
    if rest := ranked[MOST:]:
        keys = ("examples", "too_short", "contaminated", "documents")
        sums = {key: sum(one[key] for one in rest) for key in keys}
        ranked = [*ranked[:MOST], {"benchmark": f"({len(rest)} others)", **sums}]
    for one in ranked:
        examples, found = one["examples"], one["contaminated"]
        share = percent(found / examples if examples else None)
        cells = count(examples), count(one["too_short"]), count(found), share, count(one["documents"])
        table.add_row(Text(one["benchmark"]), *cells)
    return table


def _selection_table(findings: Json, groups: Sequence[Json]) -> Table:
    table = _table("/".join(findings["by"]) or "group")
    for name in (findings["of"], "kept", "", "documents kept", "cut at"):
        table.add_column(name, justify="right", no_wrap=True)
    ranked = sorted(
        ((group_name(group["group"]), group) for group in groups), key=lambda one: (-one[1]["weight"], one[0])
    )
    if rest := [group for _, group in ranked[FEW:]]:
        sums = {key: sum(group[key] for group in rest) for key in ("weight", "kept_weight", "kept_documents")}
        ranked = [*ranked[:FEW], (f"({len(rest)} others)", {**sums, "cuts": []})]
    for name, group in ranked:
        came, kept = group["weight"], group["kept_weight"]
        cuts = ", ".join(f"{cut:.4g}" for cut in group["cuts"] if cut is not None)
        share = percent(kept / came if came else None)
        table.add_row(Text(name), count(came), count(kept), share, count(group["kept_documents"]), cuts)
    return table


def _cluster_table(clusters: Sequence[Json]) -> Table:
    table = _bare_table()
    table.add_column("size", justify="right", no_wrap=True)
    table.add_column("mean similarity", justify="right", no_wrap=True)
    table.add_column("kept", overflow="fold")  # an id is of use only if it is whole
    for cluster in clusters:
        similarity = cluster["mean_similarity"]
        table.add_row(
            count(cluster["size"]), "" if similarity is None else f"{similarity:.3f}", Text(cluster["kept_id"])
        )
    return table


def _table(first: str) -> Table:
    table = _bare_table()
    table.add_column(first, no_wrap=True, overflow="ellipsis", min_width=12)
    return table


def _bare_table() -> Table:
    return Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")


def _notes(report: Json) -> Iterator[str]:
    stages = report["stages"]
    skipped: dict[str, int] = {}
    for stage in stages:
        for kind, times in stage["skipped"].items():
            skipped[kind] = skipped.get(kind, 0) + times
    if skipped:
        yield f"passed over by readers: {_most(skipped, 8)}"
    yield from _cut_out(stages)
    reused = [stage["name"] for stage in stages if stage["reused"]]
    if reused:
        yield f"reused from an earlier run: {', '.join(reused)}"
    clocks = [f"{s['name']} {duration(s['wall_seconds'])}" for s in stages if s["wall_seconds"] is not None]
    if clocks:
        yield f"time on the clock: {', '.join(clocks)}"
    speed = stages[0]["input_megabytes_per_second"]
    if speed is not None:
        yield f"input: {size(report['input_bytes'])} in {plural(report['shards'], 'shard')}, {speed:.3g} MB/s a worker"
    corpus = report["corpus"]
    if corpus is not None:
        yield (
            f"corpus: {plural(corpus['files'], 'file')}, {size(corpus['bytes'])}, "
            f"{plural(corpus['documents'], 'document')}{_copies(corpus)}, {count(corpus['characters'])} characters, "
            f"~{count(corpus['estimated_tokens'])} tokens (estimate: {report['estimates']['tokens']})"
        )
    if report["balanced"]:
        yield "books balance: every document that came into a stage left it, or was dropped for a reason"


def _cut_out(stages: Sequence[Json]) -> Iterator[str]:
    for stage in stages:
        for reason, edits in stage["edited"].items():
            spans, documents = plural(edits["spans"], "span"), plural(edits["documents"], "document")
            chars = count(edits["characters"])
            yield f"cut out by {stage['name']}: {chars} characters in {spans} of {documents}, {reason}"


def _copies(corpus: Json) -> str:
    return f" of which {count(corpus['copies'])} repeat others" if corpus["copies"] else ""


def _faults(report: Json) -> Iterator[str]:
    errors = [f"{stage['name']}: {text}" for stage in report["stages"] for text in stage["errors"]]
    failed = [f"{f['stage']}: {f['origin']}: {f['message']}" for f in report["failed_shards"]]
    for title, messages in (
        ("documents that broke a step", errors),
        ("failed shards", failed),
        ("books do not balance; this is a bug or a damaged run", report["imbalances"]),
    ):
        if messages:
            more = f", the first {FEW}" if len(messages) > FEW else ""
            yield f"{title}{more}:"
            yield from (f"  {message}" for message in messages[:FEW])
    if not report["ended"]:
        yield "the latest run was killed or stopped by an error before its end"


def _reasons(dropped: Json) -> str:
    return _most({reason: drop["documents"] for reason, drop in dropped.items()}, 3)


def _most(counts: Mapping[str, int], limit: int) -> str:
    """``too_short 12, no_text 3, +2 more``."""
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    shown = [f"{name} {count(times)}" for name, times in ranked[:limit]]
    return ", ".join([*shown, *([f"+{len(ranked) - limit} more"] if len(ranked) > limit else [])])
