"""Tells which URLs stand for the same page: addresses as lists compare them, and one canonical form for each."""

import re
from collections.abc import Callable, Iterable
from functools import partial
from typing import Final, NamedTuple
from urllib.parse import quote, unquote

_URL: Final = re.compile(
    r"(?:([A-Za-z][A-Za-z0-9+.-]*:)?(//))?"  # scheme
    r"(?:[^/?#]*@)?"  # user
    r"(\[[^\]/?#]*\]|[^/?#:]*)"  # host
    r"(?::([0-9]*))?"  # port
    r"([^?#]*)"  # path
    r"(\?[^#]*)?"  # query
)
_NOT_IN_HOSTS: Final = re.compile(r"[\x00-\x20\x7f\s/?#@:\[\]%\\<>^|]")
_DOTS: Final = ".\u3002\uff0e\uff61"
"""What separates the labels of a host (IDNA, RFC 3490, 3.1)."""

_SECOND_LEVEL: Final = frozenset(
    ["ac", "co", "com", "edu", "gob", "gouv", "gov", "go", "mil", "ne", "net", "or", "org", "sch"]
)
"""Under the endings of countries, names that many sites share."""

_WEB: Final = {"http:", "https:"}
_WEB_PORTS: Final = {"", "80", "443"}

_PLAIN: Final = r"A-Za-z0-9._~!$&'()*+,;=:@/?-"
_TO_QUOTE: Final = re.compile(rf"[^{_PLAIN}]")
_QUOTED: Final = re.compile(rf"%[0-9A-Fa-f]{{2}}|[^{_PLAIN}]")
_UNRESERVED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")

TRACKING: Final = (
    *("utm_*", "gclid", "gclsrc", "dclid", "gbraid", "wbraid", "srsltid", "_ga", "_gl"),  # Google
    *("fbclid", "igshid", "msclkid", "twclid", "ttclid", "li_fat_id", "epik", "yclid", "ysclid", "_openstat"),
    *("mc_cid", "mc_eid", "mkt_tok", "_hsenc", "_hsmi", "vero_id", "oly_anon_id", "oly_enc_id"),  # newsletters
)
"""Query parameters that tell where a visitor came from, and nothing about the page."""


class Address(NamedTuple):
    """A URL in the form in which documents and lists are compared.

    host: lower case, in the ASCII form of IDNA. rest: path and query, lower case, percent signs
    decoded, without final slash. Scheme, user, port and fragment are gone.
    """

    host: str
    rest: str


def address_of(url: str) -> Address:
    """The address that a URL, with or without scheme, stands for; any string has one."""
    _, _, host, _, path, query = _parts_of(url)
    rest = (path + query).lower()
    return Address(_host_of(host), (unquote(rest) if "%" in rest else rest).rstrip("/"))


def without_www(host: str) -> str:
    """A host less its ``www.``: with and without, hosts usually show the same page. ``www.com`` stays."""
    while host.startswith("www.") and "." in host[4:]:
        host = host[4:]
    return host


def site_of(host: str) -> str:
    """The registered domain of a host, near enough to keep the pages of a site together: ``news.a.co.uk``, ``a.co.uk``.

    It is the last two labels, or three after such as ``co.uk``; an address of numbers is its own.
    """
    labels = host.split(".")
    if host.startswith("[") or labels[-1].isdigit():
        return host
    shared = len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _SECOND_LEVEL
    return ".".join(labels[-3 if shared else -2 :])


def canonical_urls(
    urls: Iterable[str | None], *, ignore: Iterable[str] = TRACKING, ignore_www: bool = True, sort_query: bool = True
) -> list[str | None]:
    """One string for all URLs of a page, which is a URL itself and its own canonical form; docs/dedup.md has the rules.

    ignore: names of query parameters to leave out, in any case of letters; a final ``*`` stands for any ending.
    None where a URL is None, or none that has a scheme (or ``//``) and a host: a path, a DOI, "unknown".
    """
    names = [re.escape(name.removesuffix("*")) + (".*" if name.endswith("*") else "") for name in ignore]
    ignored = re.compile("|".join(names) or r"(?!)", re.IGNORECASE | re.DOTALL).fullmatch
    canonical = partial(_canonical, ignored=ignored, ignore_www=ignore_www, sort_query=sort_query)
    return [None if url is None else canonical(url) for url in urls]


def _canonical(url: str, *, ignored: Callable[[str], object], ignore_www: bool, sort_query: bool) -> str | None:
    scheme, slashes, host, port, path, query = _parts_of(url)
    host = _host_of(host)
    if not slashes or not host or (host[0] != "[" and _NOT_IN_HOSTS.search(host)) or path[:1] not in ("", "/"):
        return None
    scheme, port = scheme.lower() or "http:", port.lstrip("0")
    if scheme in _WEB:
        scheme = "http:"
        port = "" if port in _WEB_PORTS else port
    if ignore_www:
        host = without_www(host)
    path = _quote(path)
    if "/." in path:
        path = _without_dots(path)
    return f"{scheme}//{host}{':' if port else ''}{port}{path.rstrip('/')}{_query_of(query, ignored, sort_query)}"


def _query_of(query: str, ignored: Callable[[str], object], sort_query: bool) -> str:
    """The query, with its question mark, less ignored and empty parameters; those of one name keep their order."""
    if len(query) < 2:
        return ""
    pairs = [(pair.partition("=")[0], pair) for pair in _quote(query[1:]).split("&") if pair]
    pairs = [pair for pair in pairs if not ignored(pair[0])]
    if sort_query:
        pairs.sort(key=lambda pair: pair[0])
    return "?" + "&".join(pair for _, pair in pairs) if pairs else ""


def _parts_of(url: str) -> tuple[str, ...]:
    """Scheme with its colon, slashes, host, port, path, and query with its question mark, as they are written."""
    parts = _URL.match(url.strip())
    assert parts, "every part of the pattern is optional"
    return parts.groups("")


def _host_of(host: str) -> str:
    """A host in lower case and the ASCII form of IDNA, without percent signs and final dot; else as near as it gets."""
    host = host.lower()
    if "%" in host and not _NOT_IN_HOSTS.search(decoded := unquote(host)):
        host = decoded.lower()
    host = host.rstrip(_DOTS)
    if host.isascii():
        return host
    try:
        encoded = host.encode("idna").decode().lower().rstrip(".")
    except UnicodeError:  # no host that could be registered; it still has words
        return host
    return host if _NOT_IN_HOSTS.search(encoded) else encoded


def _quote(text: str) -> str:
    """Percent signs where RFC 3986 needs them and nowhere else, in upper case."""
    return _QUOTED.sub(_requote, text) if _TO_QUOTE.search(text) else text


def _requote(found: re.Match[str]) -> str:
    text = found[0]
    if len(text) == 1:
        return quote(text)
    char = chr(int(text[1:], 16))
    return char if char in _UNRESERVED else text.upper()


def _without_dots(path: str) -> str:
    """A path less its segments ``.`` and ``..`` (RFC 3986, 5.2.4)."""
    kept: list[str] = []
    for segment in path.split("/")[1:]:
        if segment == "..":
            kept = kept[:-1]
        elif segment != ".":
            kept.append(segment)
    return "/" + "/".join(kept)
