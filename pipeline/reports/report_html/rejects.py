"""A sample of the texts that were dropped, on the page: what one looks at to judge a filter."""

from collections.abc import Iterator, Sequence

from textmill.pipeline.reports.reject_sample import Reject
from textmill.pipeline.reports.report_html.markup import Html, Json, element, html, more, text

TEXT_CHARS = 1500
"""Of a text that are shown."""


def rejects(report: Json, sample: Sequence[Reject]) -> Iterator[Html]:
    """Texts by stage, step and reason, in the order of the funnel."""
    found: dict[tuple[str, str, str], list[Reject]] = {}
    for one in sample:
        found.setdefault((one.stage, one.step, one.reason), []).append(one)
    for stage in report["stages"]:
        for step in stage["steps"]:
            for reason, drop in step["dropped"].items():
                shown = found.get((stage["name"], step["name"], reason), [])
                if shown:
                    told = (
                        f"{stage['name']} › {step['name']}: {reason}, {drop['documents']:,} dropped, {len(shown)} shown"
                    )
                    yield more(told, *map(_document, shown))


def _document(one: Reject) -> Html:
    judged = "" if one.value is None else f"value {one.value:.6g}"
    limit = "" if one.threshold is None else f"threshold {one.threshold:.6g}"
    head = [part for part in (one.id, one.source, one.url, judged, limit) if part]
    size, body = "no text yet", Html("")
    if one.text is not None:
        size = f"{one.chars:,} characters" + (f", of which the first {TEXT_CHARS:,}" if one.chars > TEXT_CHARS else "")
        body = element("pre", Html("\n"), text(one.text, TEXT_CHARS), dir="auto")  # the first newline is not shown
    told = [element("bdi", html(part)) for part in (*head, size)]
    return element("div", element("div", Html(" · ".join(told)), kind="dim"), body, kind="document")
