"""Web pages around a text, with the boilerplate that real sites put about an article."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib import resources
from string import Template
from typing import Final, NamedTuple

from textmill.pipeline.sample.prose import Words

LAYOUTS: Final = ("blog", "news", "nineties", "manual")
"""The files ``layouts/NAME.html``."""


class Block(NamedTuple):
    """A part of the main text, of one of these kinds.

    `p`, `h2`, `blockquote`, `pre`; `ul` and `links` with a line an item; `table` with a line a row
    and tabs between the cells.
    """

    tag: str
    text: str

    def html(self) -> str:
        """The block as a browser gets it."""
        text = escape(self.text, quote=False)
        match self.tag:
            case "ul":
                return "<ul>\n" + "\n".join(f"<li>{line}</li>" for line in text.split("\n")) + "\n</ul>"
            case "links":
                return f"<ul>\n{_links(text.splitlines())}\n</ul>"
            case "table":
                rows = (line.replace("\t", "</td><td>") for line in text.split("\n"))
                return "<table>\n" + "\n".join(f"<tr><td>{row}</td></tr>" for row in rows) + "\n</table>"
            case "pre":
                return f"<pre><code>{text}</code></pre>"
            case tag:
                return f"<{tag}>{text}</{tag}>"


@dataclass(frozen=True)
class Page:
    """A text and what stands around it on a site."""

    layout: str
    language: str
    words: Words
    """Labels in the language of the site: `menu`, `consent`, `related`, …"""
    title: str
    blocks: tuple[Block, ...]
    site: str
    author: str
    date: str
    url: str
    related: tuple[str, ...]
    """Titles of other articles, linked from this one."""
    comments: tuple[str, ...]
    charset: str | None = "utf-8"
    """What the page itself declares."""

    @property
    def legacy(self) -> str:
        """The encoding of old pages in the language of the site, by a name that Python and browsers share."""
        return self.words["charset"][0]

    @property
    def text(self) -> str:
        """The main text: the title and the blocks, a line each."""
        return "\n".join([self.title, *(block.text for block in self.blocks)])

    def html(self) -> str:
        """The whole page."""
        words = self.words
        return _layout(self.layout).substitute(
            self._fields(),
            head=self.head(),
            text="\n".join(block.html() for block in self.blocks),
            comments=_discussion(self.comments, words) if self.comments else "",
            author=self.author,
            date=self.date,
            related=_links(self.related),
            by=words["by"][0],
            see_also=words["related"][0],
            consent=words["consent"][0],
            accept=_links(words["accept"]),
            menu=_links(words["menu"]),
            footer=_links(words["footer"]),
        )

    def head(self) -> str:
        """Everything up to the body."""
        return _layout("head").substitute(self._fields())

    def _fields(self) -> dict[str, str]:
        return {
            "language": self.language,
            "charset": f'<meta charset="{self.charset}">\n' if self.charset else "",
            "title": escape(self.title),
            "site": self.site,
            "url": self.url,
        }


@cache
def _layout(name: str) -> Template:
    file = resources.files("textmill.pipeline.sample") / "layouts" / f"{name}.html"
    return Template(file.read_text("utf-8"))


def _links(labels: Iterable[str]) -> str:
    items = (f'<li><a href="/{n}">{escape(label)}</a></li>' for n, label in enumerate(labels))
    return "\n".join(items)


def _discussion(comments: Iterable[str], words: Words) -> str:
    reply = words["reply"][0]
    items = "\n".join(
        f'<li class="comment"><div class="comment-body"><p>{escape(text, quote=False)}</p>'
        f'<a class="comment-reply-link" href="#c{n}">{reply}</a></div></li>'
        for n, text in enumerate(comments)
    )
    return (
        f'<section id="comments" class="comments">\n<h3>{words["comments"][0]}</h3>\n'
        f'<ol class="comment-list">\n{items}\n</ol>\n</section>'
    )
