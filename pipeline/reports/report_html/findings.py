"""What barriers found, on the page: duplicates by size of cluster, selections by group, benchmarks, and anything else.

A finding that this file does not know is a table of what it holds, so that a new barrier needs no change here.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from textmill.pipeline.console import group_name
from textmill.pipeline.reports.report_html.markup import (
    MOST,
    Bar,
    Html,
    Json,
    bars,
    element,
    html,
    more,
    most_of,
    share,
    table,
)

_TITLES: Final = {
    "largest": "Largest clusters",
    "cluster_sizes": "Removed, by size of the cluster",
    "groups": "Selection by group",
    "benchmarks": "Benchmarks found in the documents",
    "filters": "How full the filters are",
    "index": "Known from an index",
}


def findings(report: Json) -> Iterator[Html]:
    """A heading for every barrier that found something, and its findings in their order."""
    for stage in report["stages"]:
        found = stage["findings"]
        if found:
            yield element("h3", f"Stage {stage['name']}")
            yield from _of_stage(found)


def _of_stage(found: Json) -> Iterator[Html]:
    for key, value in found.items():
        shown = Html("".join(_one(key, value, found)))
        if shown:
            yield element("h4", _TITLES.get(key, key.replace("_", " ").capitalize()))
            yield shown


def _one(key: str, value: Any, found: Json) -> Iterator[Html]:
    match key, value:
        case "cluster_sizes", [[int(), int()], *_]:
            yield from _cluster_sizes(value)
            if found.get("size_column"):
                yield element("p", "textmill clusters OUT tells what later steps removed, by size of the cluster.")
        case "groups", [{}, *_] if "of" in found:
            yield from _selection(value, found)
        case (("size_column" | "of" | "by"), _) if "cluster_sizes" in found or "groups" in found:
            return  # told with the tables that they belong to
        case _, [{}, *_] if all(isinstance(row, Mapping) for row in value):
            yield from _records(value)
        case _, {}:
            yield from _records([value])
        case _, (None | [] | ""):
            return
        case _:
            yield element("p", html(value))


def _records(rows: Sequence[Json]) -> Iterator[Html]:
    """A table of what has the same keys; a key that holds tables is shown below it, row by row."""
    keys = list(dict.fromkeys(key for row in rows for key in row))
    nested = [key for key in keys if any(_is_table(row.get(key)) for row in rows)]
    plain = [key for key in keys if key not in nested]
    shown = rows[:MOST]
    yield table(
        [key.replace("_", " ") for key in plain], [[_value(key, row.get(key)) for key in plain] for row in shown]
    )
    if len(rows) > len(shown):
        yield element("p", f"{len(rows) - len(shown):,} more are in report.json.")
    for row in shown:
        for key in nested:
            if row.get(key):
                name = next((row[first] for first in plain if isinstance(row.get(first), str)), "")
                yield more(f"{name}: {key.replace('_', ' ')}" if name else key, *_records(row[key]))


def _is_table(value: object) -> bool:
    return isinstance(value, list) and any(isinstance(item, Mapping) for item in value)


def _value(key: str, value: object) -> object:
    shares = ("share", "fill", "coverage")
    return share(value) if key in shares and isinstance(value, int | float) else value


def _cluster_sizes(sizes: Sequence[tuple[int, int]]) -> Iterator[Html]:
    """Clusters by size, in ranges that double: of each cluster one document stays."""
    clusters, documents = Counter[int](), Counter[int]()
    for size, number in sizes:
        step = (size - 1).bit_length()
        clusters[step] += number
        documents[step] += size * number
    gone = documents.total() - clusters.total()
    rows = [(step, _range(step), clusters[step], documents[step]) for step in sorted(clusters) if clusters[step]]
    yield bars(
        "Documents that stayed and were removed, by size of the cluster",
        [
            Bar(f"size {name}", ((kept, "kept"), (came - kept, "gone")), f"{kept:,} kept, {came - kept:,} removed")
            for _, name, kept, came in rows
        ],
    )
    yield table(
        ("size of the cluster", "clusters", "documents", "removed", "of all removed"),
        [
            [name, kept, came, came - kept, share((came - kept) / gone if gone else None)]
            for _, name, kept, came in rows
        ],
    )


def _range(step: int) -> str:
    """``1``, ``2``, ``3 to 4``, ``5 to 8``."""
    low, high = (1 << step - 1) + 1 if step else 1, 1 << step
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _selection(groups: Sequence[Json], found: Json) -> Iterator[Html]:
    """What a selection by rank kept of each group, and the score at its cuts."""
    unit = found["of"]
    keys = ("weight", "kept_weight", "kept_documents")
    named = [(group_name(group["group"]), group) for group in groups]
    yield table(
        ("/".join(found["by"]) or "group", unit, f"{unit} kept", "share", "documents kept", "cut at"),
        [
            [
                *(name, group["weight"], group["kept_weight"]),
                share(group["kept_weight"] / group["weight"] if group["weight"] else None),
                *(group["kept_documents"], [cut for cut in group.get("cuts", ()) if cut is not None]),
            ]
            for name, group in most_of(named, keys, lambda group: group["weight"])
        ],
    )
