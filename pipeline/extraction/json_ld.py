"""What a page says of itself in JSON-LD: the things it describes, in the vocabulary of schema.org."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from html import unescape
from typing import Any, Final, TypeAlias

Thing: TypeAlias = Mapping[str, Any]

MAX_BYTES: Final = 1 << 20
"""A script longer than this is not read."""
_MAX_THINGS: Final = 200

ARTICLES: Final = frozenset(
    {
        *("Article", "NewsArticle", "BlogPosting", "Report", "ReportageNewsArticle", "AnalysisNewsArticle"),
        *("OpinionNewsArticle", "ReviewNewsArticle", "BackgroundNewsArticle", "AskPublicNewsArticle"),
        *("TechArticle", "ScholarlyArticle", "SocialMediaPosting", "DiscussionForumPosting", "LiveBlogPosting"),
        *("AdvertiserContentArticle", "SatiricalArticle", "MedicalScholarlyArticle", "QAPage", "Recipe", "Review"),
    }
)
_NESTED: Final = ("@graph", "mainEntity", "mainEntityOfPage", "itemListElement", "hasPart")
_BEGIN: Final = re.compile(rb"(?<!CDATA)[{\[](?!CDATA)")
_BREAK: Final = re.compile(r"(?:\s*<(?:/?p|/?div|br|/?li|/?h[1-6]|/?[uo]l|/?blockquote)\b[^>]*>)+\s*", re.IGNORECASE)
_TAG: Final = re.compile(r"</?[a-zA-Z][^>]*>")


def read_things(scripts: Iterable[bytes]) -> list[Thing]:
    """Every thing of every script, articles first; a script that is no JSON has none."""
    things: list[Thing] = []
    for raw in scripts:
        script = raw.replace(b"]]>", b"") if b"CDATA" in raw else raw
        begin = _BEGIN.search(script)
        if begin and len(script) <= MAX_BYTES:
            end = script.rfind(b"}" if begin[0] == b"{" else b"]") + 1  # comments and semicolons may follow
            try:
                things += _things(_parse(script[begin.start() : end].decode("utf-8", "replace")))
            except (ValueError, RecursionError):
                continue
    return sorted(things[:_MAX_THINGS], key=lambda thing: not is_article(thing))


def _parse(script: str) -> Any:
    """The value that JSON stands for, without halves of surrogate pairs, which are no text."""
    value = json.loads(script, strict=False)
    if "\\ud" in script or "\\uD" in script:
        value = json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "ignore"))
    return value


def is_article(thing: Thing) -> bool:
    """Whether a thing is a text that a page was made for."""
    return not ARTICLES.isdisjoint(types(thing))


def types(thing: Thing) -> frozenset[str]:
    """The names of its types, without the vocabulary."""
    kinds = thing.get("@type")
    return frozenset(str(kind).rpartition("/")[2] for kind in (kinds if isinstance(kinds, list) else [kinds]))


def _things(value: Any, depth: int = 0) -> Iterator[Thing]:
    """A thing and those in it, to a depth of four."""
    if depth > 4:
        return
    for part in value if isinstance(value, list) else [value]:
        if isinstance(part, dict):
            yield part
            for name in _NESTED:
                if isinstance(part.get(name), (dict, list)):
                    yield from _things(part[name], depth + 1)


def names(value: Any) -> list[str]:
    """The names in a string, a thing with a name, or a list of these."""
    found: list[str] = []
    for part in value if isinstance(value, list) else [value]:
        name = part.get("name") if isinstance(part, dict) else part
        if isinstance(name, list):
            name = name[0] if name else None
        if isinstance(name, str) and name.strip():
            found.append(name)
    return found


def body_text(thing: Thing) -> str:
    """The text of an article, without markup where it has some; "" where there is none."""
    text = thing.get("articleBody")
    if not isinstance(text, str):
        return ""
    text = unescape(text) if "&" in text else text
    if "<" in text:
        text = _TAG.sub("", _BREAK.sub("\n", text))
    return text.strip()
