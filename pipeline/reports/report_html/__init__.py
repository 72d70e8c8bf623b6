"""A report as one page of HTML: no script, nothing fetched, made from report.json and a sample of the rejects."""

from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Any

from textmill.pipeline.console import plural, size
from textmill.pipeline.io.files import join, write_whole
from textmill.pipeline.reports.reject_sample import Reject
from textmill.pipeline.reports.report_html.findings import findings
from textmill.pipeline.reports.report_html.flow import edits, faults, funnel, reasons, time
from textmill.pipeline.reports.report_html.groups import groups, mixture
from textmill.pipeline.reports.report_html.markup import Html, element, html, text
from textmill.pipeline.reports.report_html.rejects import rejects

Json = Mapping[str, Any]

PAGE = "report.html"


def write_page(out: str, report: Json, sample: Sequence[Reject] = ()) -> None:
    """Write ``report.html`` of a run: the same report and sample give the same bytes."""
    with write_whole(join(out, PAGE)) as stream:
        stream.write(page(report, sample).encode())


def page(report: Json, sample: Sequence[Reject] = ()) -> str:
    """The page of a report as `report.report` makes it. Sections with nothing in them are left out."""
    sections = {
        "What went wrong": faults(report),
        "Funnel": funnel(report),
        "Reasons": reasons(report),
        "Mixture": mixture(report),
        "Sources": groups(report, "sources"),
        "Languages": groups(report, "languages"),
        "What barriers found": findings(report),
        "Cut out of documents": edits(report),
        "Time": time(report),
        "Dropped texts, a sample": rejects(report, sample),
    }
    found = {title: content for title, parts in sections.items() if (content := Html("".join(parts)))}
    links = [Html(f'<a href="#{_anchor(title)}">{html(title)}</a>') for title in found]
    body = [
        element("h1", report["recipe"]),
        element("p", report["summary"], kind="lead"),
        *(element("p", line) for line in _facts(report)),
        element("nav", *links),
        *(_section(title, content) for title, content in found.items()),
    ]
    style = (files(__package__) / "style.css").read_text(encoding="utf-8")
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{text(report['recipe'])}: textmill report</title><style>\n{style}</style></head>\n<body>\n"
        + "\n".join(body)
        + "\n</body></html>\n"
    )


def _section(title: str, content: Html) -> Html:
    kind = {"kind": "fault"} if title == "What went wrong" else {}
    return element("section", element("h2", title), content, id=_anchor(title), **kind)


def _anchor(title: str) -> str:
    return title.lower().replace(",", "").replace(" ", "-")


def _facts(report: Json) -> Iterator[str]:
    """The run in a few lines: input, corpus, books."""
    stored = f"{size(report['input_bytes'])} in {plural(report['shards'], 'shard')}"
    yield f"Input: {stored}, {report['documents_read']:,} documents."
    corpus = report["corpus"]
    if corpus is not None:
        repeats = f", of which {corpus['copies']:,} repeat others" if corpus["copies"] else ""
        yield (
            f"Corpus: {plural(corpus['files'], 'file')} ({corpus['format']}), {size(corpus['bytes'])}, "
            f"{corpus['documents']:,} documents{repeats}, {corpus['characters']:,} characters, "
            f"about {corpus['estimated_tokens']:,} tokens (estimate: {report['estimates']['tokens']})."
        )
    if report["balanced"]:
        yield "Books balance: every document that came into a stage left it, or was dropped for a reason."
