"""The funnel on the page: stages and steps, why documents left, where the time went, what was cut out of texts."""

from collections.abc import Iterator

from textmill.pipeline.chain import READ
from textmill.pipeline.console import duration
from textmill.pipeline.reports.report_html.markup import Bar, Figure, Html, Json, bars, element, html, share, table

_SPEED = "million_characters_per_second"
_COLUMNS = (
    "stage / step",
    "documents in",
    "dropped",
    "share",
    "documents out",
    "characters in",
    "characters out",
    "tokens out (estimate)",
)


def funnel(report: Json) -> Iterator[Html]:
    """A bar a stage and each of its steps that dropped anything, and the table of all."""
    yield bars("Documents kept and dropped, by stage and step", list(_funnel_bars(report)))
    yield _key(("kept", "kept"), ("gone", "dropped"))
    rows, kinds = [], []
    for stage in report["stages"]:
        rows += [_row(stage["name"], stage), *(_row(_timed(stage, step)[0], step) for step in stage["steps"])]
        kinds += ["stage", *("step" for _ in stage["steps"])]
    yield table(_COLUMNS, rows, kinds=kinds)
    yield element("p", f"Tokens are an estimate: {report['estimates']['tokens']}.")


def _funnel_bars(report: Json) -> Iterator[Bar]:
    for stage in report["stages"]:
        if stage is report["stages"][0] or stage["documents_dropped"]:
            yield _flow_bar(stage["name"], stage)
        if stage["kind"] == "chain":
            for step in stage["steps"]:
                if step["documents_dropped"]:
                    yield _flow_bar(f"{stage['name']} › {_timed(stage, step)[0]}", step)


def _flow_bar(label: str, flow: Json) -> Bar:
    kept, gone = flow["documents_out"], flow["documents_dropped"]
    return Bar(label, ((kept, "kept"), (gone, "gone")), f"{kept:,} kept, {gone:,} dropped")


def _row(name: str, flow: Json) -> list[object]:
    return [
        name,
        flow["documents_in"],
        flow["documents_dropped"],
        share(flow["share_dropped"]),
        flow["documents_out"],
        flow["characters_in"],
        flow["characters_out"],
        flow["estimated_tokens_out"],
    ]


def _timed(stage: Json, step: Json) -> tuple[str, float]:
    """A step's name and seconds; reading goes with all that no step used, as in the terminal."""
    if step["name"] == READ and stage["kind"] == "chain":
        return "read, write", step["work_seconds"] + stage["other_work_seconds"]
    return step["name"], step["work_seconds"]


def reasons(report: Json) -> Iterator[Html]:
    """Every reason of every step, with documents, shares and characters; and what else the steps counted."""
    read = report["documents_read"]
    places = [(stage, step) for stage in report["stages"] for step in stage["steps"]]
    yield table(
        ("stage", "step", "reason", "documents", "of those that came", "of all read", "characters"),
        [
            [
                *(stage["name"], step["name"], reason, drop["documents"], share(drop["share"])),
                *(share(drop["documents"] / read if read else None), drop["characters"]),
            ]
            for stage, step in places
            for reason, drop in step["dropped"].items()
        ],
    )
    tallies = [
        [stage["name"], step["name"], name, number]
        for stage, step in places
        for name, number in step["tallies"].items()
    ]
    skipped = [
        [stage["name"], READ, f"passed over: {name}", number]
        for stage in report["stages"]
        for name, number in stage["skipped"].items()
    ]
    if tallies or skipped:
        yield element("h3", "Also counted")
        yield table(("stage", "step", "what", "times"), [*skipped, *tallies])


def edits(report: Json) -> Iterator[Html]:
    """What was cut out of documents that stayed."""
    yield table(
        ("stage", "step", "reason", "documents", "spans", "characters cut out", "of those that came"),
        [
            [
                *(stage["name"], step["name"], reason, edit["documents"], edit["spans"], edit["characters"]),
                share(edit["characters"] / step["characters_in"] if step["characters_in"] else None),
            ]
            for stage in report["stages"]
            for step in stage["steps"]
            for reason, edit in step["edited"].items()
        ],
    )


def time(report: Json) -> Iterator[Html]:
    """Seconds of all workers by step, and what each stage took on the clock."""
    chains = [stage for stage in report["stages"] if stage["kind"] == "chain"]
    steps = [(stage["name"], *_timed(stage, step), step) for stage in chains for step in stage["steps"]]
    work = sum(seconds for _, _, seconds, _ in steps)
    yield bars(
        "Seconds of work by step",
        [Bar(f"{stage} › {name}", ((seconds, "time"),), duration(seconds)) for stage, name, seconds, _ in steps],
    )
    yield table(
        ("stage", "step", "seconds of work", "share", "million characters / s"),
        [
            [stage, name, Figure(f"{seconds:,.1f}"), share(seconds / work if work else None), step[_SPEED]]
            for stage, name, seconds, step in steps
        ],
    )
    yield table(
        ("stage", "kind", "parts", "seconds of work", "seconds on the clock", "input MB/s a worker", "reused"),
        [
            [
                *(stage["name"], stage["kind"], stage["parts"], stage["work_seconds"], stage["wall_seconds"]),
                *(stage["input_megabytes_per_second"], "yes" if stage["reused"] else ""),
            ]
            for stage in report["stages"]
        ],
    )


def faults(report: Json) -> Iterator[Html]:
    """Whatever went wrong: nothing is hidden because a run looks fine otherwise."""
    if not report["ended"]:
        yield element("p", "The latest run was killed, or stopped by an error, before its end.")
    if report["imbalances"]:
        yield element("p", "Books do not balance; this is a bug or a damaged run:")
        yield _list(report["imbalances"])
    if report["failed_shards"]:
        yield element("h3", "Failed shards")
        rows = [
            [failed["stage"], failed["part"], failed["origin"], failed["message"]] for failed in report["failed_shards"]
        ]
        yield table(("stage", "part", "origin", "message"), rows)
    errors = [[stage["name"], message] for stage in report["stages"] for message in stage["errors"]]
    if errors:
        yield element("h3", "Documents that broke a step, the first messages")
        yield table(("stage", "message"), errors)
    for stage in report["stages"]:
        if not stage["complete"]:
            yield element("p", f"Stage {stage['name']} is not complete: {stage['parts']:,} parts are done.")


def _list(lines: list[str]) -> Html:
    return element("ul", *(element("li", line) for line in lines))


def _key(*entries: tuple[str, str]) -> Html:
    return element("p", *(Html(f'<span class="key {kind}"></span>{html(name)}') for kind, name in entries))
