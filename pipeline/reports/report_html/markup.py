"""Pieces of a page: escaped text, tables, bar charts as SVG. Whatever is not marked as markup is escaped."""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from typing import Any, Final, NamedTuple

from textmill.pipeline.console import percent

NAME_CHARS: Final = 400
"""Of a name, an id or a message; what is longer is cut, for one name must not be the page."""
MOST: Final = 100
"""Rows of a table of groups; the others are added up."""

_ROW, _BAR, _LABEL, _WIDE, _WHOLE = 22, 13, 230, 380, 800
_LABEL_CHARS: Final = 30
_ITEMS: Final = 50
_UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)

Json = Mapping[str, Any]


class Html(str):
    """Text that is markup already; any other text is escaped."""

    __slots__ = ()


class Figure(Html):
    """Markup that stands to the right of its cell, as numbers do."""

    __slots__ = ()


class Bar(NamedTuple):
    """A row of a chart: parts are values with the class that gives their colour; `note` stands at its end."""

    label: str
    parts: Sequence[tuple[float, str]]
    note: str


def text(content: str, limit: int = NAME_CHARS) -> Html:
    """A text as markup: cut at `limit` characters; characters that a page may not hold, or hide others, are U+FFFD."""
    more = "…" if len(content) > limit else ""
    return Html(escape(_UNSEEN.sub("\ufffd", content[:limit])) + more)


def html(content: object) -> Html:
    """Anything as markup: numbers with separators, lists joined, nothing for None."""
    match content:
        case Html():
            return content
        case None | bool():
            return Html({None: "", True: "yes", False: "no"}[content])
        case int() | float():
            whole = isinstance(content, int) or abs(content) >= 1000
            return Figure(f"{content:,.0f}" if whole else f"{content:.4g}")
        case list() | tuple() if not any(isinstance(item, list | tuple | Mapping) for item in content):
            rest = ["…"] if len(content) > _ITEMS else []
            return Html(", ".join([*map(html, content[:_ITEMS]), *rest]))
    return text(content if isinstance(content, str) else json.dumps(content, ensure_ascii=False))


def share(value: float | None) -> Figure:
    """A part of a whole, in percent."""
    return Figure(escape(percent(value)))


def element(tag: str, *inner: object, **attributes: str) -> Html:
    """One element; `kind` is its class."""
    given = "".join(f' {"class" if key == "kind" else key}="{escape(value)}"' for key, value in attributes.items())
    return Html(f"<{tag}{given}>{''.join(map(html, inner))}</{tag}>")


def table(columns: Sequence[object], rows: Iterable[Sequence[object]], *, kinds: Sequence[str] = ()) -> Html:
    """A table; nothing without rows. kinds: a class for each row. A column of numbers stands to the right."""
    cells = [[html(value) for value in row] for row in rows]
    if not cells or not columns:
        return Html("")
    right = [all(isinstance(row[n], Figure) or not row[n] for row in cells) for n in range(len(columns))]
    head = "".join(_cell("th", html(name), number) for name, number in zip(columns, right, strict=True))
    body = []
    for row, kind in zip(cells, kinds or [""] * len(cells), strict=True):
        inner = "".join(_cell("td", value, number) for value, number in zip(row, right, strict=True))
        body.append(f'<tr class="{kind}">{inner}</tr>' if kind else f"<tr>{inner}</tr>")
    return Html(f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{"".join(body)}</tbody></table></div>')


def _cell(tag: str, content: Html, number: bool) -> str:
    scope = ' scope="col"' if tag == "th" else ""
    return f'<{tag}{scope} class="n">{content}</{tag}>' if number else f"<{tag}{scope}>{content}</{tag}>"


def most_of(
    groups: Iterable[tuple[str, Json]], keys: Sequence[str], rank: Callable[[Json], float], most: int = MOST
) -> list[tuple[str, Json]]:
    """The largest groups by `rank`, and one that adds up the `keys` of the others."""
    ranked = sorted(groups, key=lambda item: (-rank(item[1]), item[0]))
    if rest := [group for _, group in ranked[most:]]:
        ranked[most:] = [(f"({len(rest):,} others)", {key: sum(group[key] for group in rest) for key in keys})]
    return ranked


def bars(title: str, rows: Sequence[Bar]) -> Html:
    """A chart of horizontal bars on one scale; nothing without a value above 0."""
    largest = max((sum(value for value, _ in row.parts) for row in rows), default=0)
    if largest <= 0:
        return Html("")
    drawn = "".join(_bar(row, number * _ROW, _WIDE / largest) for number, row in enumerate(rows))
    return Html(
        f'<div class="wide"><svg class="bars" role="img" viewBox="0 0 {_WHOLE} {len(rows) * _ROW}" '
        f'width="{_WHOLE}" height="{len(rows) * _ROW}"><title>{text(title)}</title>{drawn}</svg></div>'
    )


def _bar(row: Bar, top: int, scale: float) -> str:
    short = row.label if len(row.label) <= _LABEL_CHARS else f"{row.label[: _LABEL_CHARS - 1]}…"
    base, x, rects = top + 15, float(_LABEL), ""
    for value, kind in row.parts:
        width = value * scale
        rects += f'<rect class="{kind}" x="{x:.1f}" y="{top + 4}" width="{width:.1f}" height="{_BAR}"/>'
        x += width
    return (
        f'<g><title>{text(row.label)}: {text(row.note)}</title><text x="{_LABEL - 8}" y="{base}" text-anchor="end">'
        f'{text(short)}</text>{rects}<text class="note" x="{x + 6:.1f}" y="{base}">{text(row.note)}</text></g>'
    )


def more(summary: object, *inner: object) -> Html:
    """What is shown when its summary is clicked, without any script."""
    return element("details", element("summary", summary), *inner)
