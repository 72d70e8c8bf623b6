"""An evaluation of extractors, as tables for people."""

import math
from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.table import Table

from textmill.pipeline.console import say
from textmill.pipeline.extraction.evaluation import GROUPINGS, Json
from textmill.pipeline.extraction.scoring import METRICS

_SHOWN: Final = 12
"""Groups of a grouping that are shown, the largest; the JSON has all."""
_FEW: Final = 5
"""Pages below which a group is not shown."""


def render_evaluation(report: Json, console: Console) -> None:
    """Print all engines side by side, then F1 by group; what differs surely from the first engine has a star."""
    engines = report["engines"]
    say(console, f"{report['pages']:,} pages of {report['sites']:,} sites; in brackets 95 % intervals, by site")
    table = Table("", *(engine["name"] for engine in engines), title="means", title_justify="left")
    means = [_means(engine["scores"]) for engine in engines]
    _add_metrics(table, means)
    table.add_row("refused", *(f"{sum(engine['refused'].values()):,}" for engine in engines))
    speeds = [engine["pages_per_second"] for engine in engines]
    table.add_row("pages/s", *("" if speed is None else f"{speed:,.0f}" for speed in speeds))
    console.print(table)
    say(console, "f1 to paragraphs: mean over collections. kept, leaked: of all snippets. pages/s: of one processor")
    if len(engines) > 1:
        _render_differences(engines, console)
    for by in GROUPINGS:
        _render_groups(report, by, console)


def _render_differences(engines: Sequence[Json], console: Console) -> None:
    title = f"less {engines[0]['name']}, page by page"
    table = Table("", *(engine["name"] for engine in engines[1:]), title=title, title_justify="left")
    _add_metrics(table, [_means(engine["less_first"]) for engine in engines[1:]], sign=True)
    console.print(table)


def _means(parts: Json) -> Json:
    """What stands for all pages: texts as a mean over collections, if there are any, and snippets one by one."""
    return dict(parts["all"]["pages"] | parts["all"].get("collections", {}))


def _add_metrics(table: Table, means: Sequence[Json], *, sign: bool = False) -> None:
    for metric in METRICS:
        cells = [_interval(part.get(metric), sign=sign) for part in means]
        if any(cells):
            table.add_row(metric, *cells)


def _render_groups(report: Json, by: str, console: Console) -> None:
    engines = report["engines"]
    names = [name for name, pages in report["counts"][by].items() if pages >= _FEW][:_SHOWN]
    if not names:
        return
    columns = [engine["name"] for engine in engines]
    table = Table(by.replace("_", " "), "pages", *columns, title=f"f1 by {by.replace('_', ' ')}", title_justify="left")
    for name in names:
        cells = []
        for engine in engines:
            score = engine["scores"][by][name].get("f1")
            less = engine["less_first"][by][name].get("f1")
            sure = less is not None and (less[1] > 0 or less[2] < 0)
            cells.append("" if score is None else f"{_number(score[0])}{'*' if sure else ''}")
        if any(cells):
            table.add_row(name, f"{report['counts'][by][name]:,}", *cells)
    if table.row_count:
        console.print(table)


def _interval(numbers: Sequence[float] | None, *, sign: bool = False) -> str:
    if numbers is None:
        return ""
    value, low, high = numbers
    return f"{_number(value, sign)} [{_number(low, sign)} {_number(high, sign)}]"


def _number(value: float, sign: bool = False) -> str:
    """Three digits, without the zero before the point."""
    if not math.isfinite(value):
        return "?"
    return f"{value:{'+' if sign else ''}.3f}".replace("0.", ".", 1) if abs(value) < 1 else f"{value:.3f}"
