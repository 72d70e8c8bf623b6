"""What a page says of itself, beside its text: title, author, day, address, site and language."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from html import unescape
from typing import Final, TypeAlias
from urllib.parse import urljoin

import numpy as np

from textmill.pipeline.extraction.dates import parse_day
from textmill.pipeline.extraction.json_ld import Thing, body_text, is_article, names, read_things, types
from textmill.pipeline.extraction.tags import NAMES, number_of
from textmill.pipeline.extraction.tokenizer import RAW_TEXT, START, Tokens, attributes

Span: TypeAlias = tuple[int, int]

FIELDS: Final = ("title", "author", "published", "canonical_url", "site_name", "page_language")
"""What can be asked for. published: a day, YYYY-MM-DD. page_language: a BCP 47 tag such as ``pt-BR``."""

_MAX_CHARS: Final = 500
"""A title or name that is longer is none."""

_MAX_ELEMENTS: Final = 10_000
"""Elements that are looked at; of 3,000 real pages the most has 256."""

# Names of meta elements (name, property or itemprop, in lower case), the most trustworthy first.
_TITLES: Final = ("og:title", "twitter:title", "citation_title", "dc.title", "dcterms.title", "headline", "title")
_AUTHORS: Final = (
    *("author", "article:author", "citation_author", "dc.creator", "dcterms.creator", "parsely-author"),
    *("sailthru.author", "byl", "article:author_name", "og:article:author"),
)
_DAYS: Final = (
    *("article:published_time", "og:article:published_time", "datepublished", "citation_publication_date"),
    *("dc.date.issued", "dcterms.issued", "dc.date.created", "dcterms.created", "dc.date", "dcterms.date"),
    *("parsely-pub-date", "sailthru.date", "pubdate", "publishdate", "publish-date", "publish_date", "pub_date"),
    *("publication_date", "published_time", "article.published", "datecreated", "date", "og:published_time"),
    *("cxenseparse:recs:publishtime", "rnews:datepublished", "article_date_original", "originalpublicationdate"),
)
_SITES: Final = (
    "og:site_name",
    "application-name",
    "dc.publisher",
    "citation_journal_title",
    "apple-mobile-web-app-title",
)
_LANGUAGES: Final = ("content-language", "og:locale", "dc.language", "inlanguage", "language")
_ADDRESSES: Final = ("og:url", "twitter:url")
_WANTED: Final = frozenset({*_TITLES, *_AUTHORS, *_DAYS, *_SITES, *_LANGUAGES, *_ADDRESSES})
_NAMED: Final = re.compile(rb"(?i)[\s\"'](?:property|name|itemprop|http-equiv)\s*=\s*[\"']?([^\"'>]+)")
_LANGUAGE: Final = re.compile(r"([A-Za-z]{2,3})((?:-[A-Za-z0-9]{2,8})*)")
_MARKED_TIME: Final = re.compile(rb"(?i)pubdate|datepublished|entry-date|post-date|published|dt-published")
_NO_NAME: Final = re.compile(r"https?://|www\.|@|^\W*$")
_BY: Final = re.compile(r"\A(?:[Bb][Yy] |\W+(?=\w))")
_SEPARATOR: Final = re.compile(r"\s+(?:[|–—·•»«]|-|::)\s+")
_STATE: Final = re.compile(
    rb"__(?:NEXT_DATA|NUXT|NUXT_DATA|INITIAL_STATE|PRELOADED_STATE|APOLLO_STATE|remixContext|INITIAL_DATA)__?"
    rb"|<app-root\b|<div\s+id=[\"']?(?:root|app|__next|__nuxt)[\"']?\s*>\s*</div>"
)


@dataclass
class Head:
    """What a page's elements say. metas: by name, in the page's order. times: of `<time>`; marked: as publication."""

    html_language: str = ""
    canonical: str = ""
    title: str = ""
    metas: dict[str, list[str]] = field(default_factory=dict)
    marked: list[str] = field(default_factory=list)
    times: list[str] = field(default_factory=list)
    scripts: list[bytes] = field(default_factory=list)


def _is_wanted() -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    wanted = np.zeros(len(NAMES), np.bool_)
    for name in ("html", "meta", "link", "time", "script", "title"):
        wanted[number_of(name)] = True
    return wanted


_WANTED_TAGS: Final = _is_wanted()


def read_head(page: bytes, tokens: Tokens) -> Head:
    """Gather what elements say of the page, wherever they stand: many pages have them in the body."""
    head = Head()
    for at in np.flatnonzero(_WANTED_TAGS[tokens.tag] & (tokens.kind == START))[:_MAX_ELEMENTS].tolist():
        span = int(tokens.start[at]), int(tokens.end[at])
        name = NAMES[tokens.tag[at]]
        if name == "script":
            if b"ld+json" in page[slice(*span)] and (raw := _raw(page, tokens, at)):
                head.scripts.append(raw)
        elif name != "title":
            _NOTES[name](page, span, head)
        elif not head.title:
            head.title = unescape(_raw(page, tokens, at).decode("utf-8", "replace"))
    return head


def _raw(page: bytes, tokens: Tokens, at: int) -> bytes:
    """What the raw element with this START holds."""
    if at + 1 < len(tokens.kind) and tokens.kind[at + 1] == RAW_TEXT and tokens.tag[at + 1] == tokens.tag[at]:
        return page[tokens.start[at + 1] : tokens.end[at + 1]]
    return b""


def _note_meta(page: bytes, span: Span, head: Head) -> None:
    keys = (key for keys in _NAMED.findall(page, *span) for key in keys.decode("utf-8", "replace").lower().split())
    wanted = dict.fromkeys(key for key in keys if key in _WANTED)
    if wanted and (content := attributes(page, *span).get("content", "").strip()):
        for key in wanted:
            head.metas.setdefault(key, []).append(content)


def _note_link(page: bytes, span: Span, head: Head) -> None:
    if not head.canonical and b"canonical" in page[slice(*span)].lower():
        found = attributes(page, *span)
        head.canonical = found.get("href", "") if "canonical" in found.get("rel", "").lower().split() else ""


def _note_time(page: bytes, span: Span, head: Head) -> None:
    if moment := attributes(page, *span).get("datetime"):
        (head.marked if _MARKED_TIME.search(page, *span) else head.times).append(moment)


def _note_html(page: bytes, span: Span, head: Head) -> None:
    if not head.html_language:
        found = attributes(page, *span)
        head.html_language = found.get("lang") or found.get("xml:lang", "")


_NOTES: Final = {"meta": _note_meta, "link": _note_link, "time": _note_time, "html": _note_html}


def find_metadata(
    page: bytes, tokens: Tokens, wanted: Sequence[str], *, url: str | None = None, latest: date = date.max
) -> dict[str, str | None]:
    """The fields of `FIELDS` that are wanted, None where the page does not say.

    page: UTF-8, with its tokens. url: where the page is, for relative addresses. latest: the day of the crawl,
    after which nothing was published.
    """
    head = read_head(page, tokens)
    things = read_things(head.scripts) if head.scripts else []
    site = _site(head, things)
    finders: dict[str, Callable[[], str | None]] = {
        "title": lambda: _title(head, things, site),
        "author": lambda: _author(head, things),
        "published": lambda: _published(head, things, latest),
        "canonical_url": lambda: _address(head, url),
        "site_name": lambda: site,
        "page_language": lambda: _language(head, things),
    }
    return {name: finders[name]() for name in wanted}


def _metas(head: Head, names_: Sequence[str]) -> Iterator[str]:
    for name in names_:
        yield from head.metas.get(name, ())


def _first(candidates: Iterator[str]) -> str | None:
    """The first that is a line of some words, with single spaces."""
    for candidate in candidates:
        line = " ".join(unescape(candidate).split())
        if line and len(line) <= _MAX_CHARS:
            return line
    return None


def _site(head: Head, things: Sequence[Thing]) -> str | None:
    def candidates() -> Iterator[str]:
        yield from _metas(head, _SITES[:1])
        for thing in things:
            if "WebSite" in types(thing):
                yield from names(thing.get("name"))
        for thing in things:
            if is_article(thing):
                yield from names(thing.get("publisher"))
        yield from _metas(head, _SITES[1:])

    return _first(candidates())


def _title(head: Head, things: Sequence[Thing], site: str | None) -> str | None:
    def candidates() -> Iterator[str]:
        yield from _metas(head, _TITLES[:1])
        for thing in things:
            if is_article(thing):
                yield from names(thing.get("headline") or thing.get("name"))
        yield from _metas(head, _TITLES[1:-1])
        yield head.title
        yield from _metas(head, _TITLES[-1:])

    title = _first(candidates())
    return _without_site(title, site) if title and site else title


def _without_site(title: str, site: str) -> str:
    """A title less the name of its site before or behind a separator."""
    marks = list(_SEPARATOR.finditer(title))
    if marks and title[marks[-1].end() :].casefold() == site.casefold():
        return title[: marks[-1].start()]
    if marks and title[: marks[0].start()].casefold() == site.casefold():
        return title[marks[0].end() :]
    return title


def _author(head: Head, things: Sequence[Thing]) -> str | None:
    """Names, divided by "; "."""
    for thing in things:
        if is_article(thing) and (found := _people(names(thing.get("author") or thing.get("creator")))):
            return found
    for name in _AUTHORS:
        if found := _people(head.metas.get(name, ())):
            return found
    return None


def _people(candidates: Sequence[str]) -> str | None:
    people = [_BY.sub("", " ".join(unescape(name).split())).rstrip(" ,;|") for name in candidates]
    people = [name for name in people if name and len(name) <= _MAX_CHARS and not _NO_NAME.search(name)]
    return "; ".join(dict.fromkeys(people)) or None


def _published(head: Head, things: Sequence[Thing], latest: date) -> str | None:
    def candidates() -> Iterator[str]:
        for thing in things:
            yield from names(thing.get("datePublished") if is_article(thing) else None)
        yield from _metas(head, _DAYS)
        yield from head.marked
        if len({moment[:10] for moment in head.times}) == 1:  # else they belong to other articles, or to comments
            yield head.times[0]
        for thing in things:
            yield from names(thing.get("datePublished") or thing.get("uploadDate"))

    return next((day for text in candidates() if (day := parse_day(text, latest))), None)


def _address(head: Head, url: str | None) -> str | None:
    for candidate in (head.canonical, *_metas(head, _ADDRESSES)):
        try:
            address = urljoin(url or "", candidate.strip())
        except ValueError:  # no address, such as http://[
            continue
        if candidate.strip() and re.match(r"https?://[^/\s?#\[\]]+\S*\Z", address):
            return address
    return None


def _language(head: Head, things: Sequence[Thing]) -> str | None:
    said = (text for thing in things for text in names(thing.get("inLanguage")))
    for candidate in (head.html_language, *_metas(head, _LANGUAGES), *said):
        found = _LANGUAGE.fullmatch(re.split(r"[,;\s.@]", candidate.strip())[0].replace("_", "-"))
        if found and found[1].lower() not in ("und", "mul", "zxx"):
            return found[1].lower() + found[2]
    return None


def article_body(page: bytes, tokens: Tokens) -> str:
    """The text that a page's JSON-LD gives as that of its article; "" where it gives none."""
    if b"articleBody" not in page:
        return ""
    bodies = (body_text(thing) for thing in read_things(read_head(page, tokens).scripts))
    return max(bodies, key=len, default="")


def is_script_only(page: bytes) -> bool:
    """Whether a page without text is one that scripts fill: it carries their state, or the empty element to fill."""
    return _STATE.search(page) is not None
