"""How a server answers with a page: well, in another encoding, broken, or not with a page at all.

A server makes an answer of a page: ``server(page, rng) -> Response``.
"""

import re
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from typing import TypeAlias

from textmill.pipeline.sample.page import Page


@dataclass(frozen=True)
class Response:
    """What came back: `body` without transfer or content encoding."""

    body: bytes
    content_type: str = "text/html; charset=utf-8"
    status: str = "200 OK"
    location: str | None = None


Server: TypeAlias = Callable[[Page, Random], Response]


def well(page: Page, rng: Random) -> Response:
    """In UTF-8, declared in the page and mostly in the header too."""
    header = rng.choice(["text/html; charset=utf-8", "text/html; charset=UTF-8", "text/html"])
    return Response(page.html().encode(), header)


def legacy_charset(page: Page, rng: Random) -> Response:
    """In the encoding of old pages of that language, declared in the page, in the header or in both."""
    legacy = page.legacy
    return _encoded(page, *rng.choice([(legacy, legacy), (legacy, None), (None, legacy)]))


def wrong_charset(page: Page, rng: Random) -> Response:
    """In that encoding, declared as UTF-8 throughout or in the page only, or not declared."""
    return _encoded(page, *rng.choice([("utf-8", "utf-8"), ("utf-8", page.legacy), (None, None)]))


def _encoded(page: Page, in_page: str | None, in_header: str | None) -> Response:
    body = replace(page, charset=in_page).html().encode(page.legacy)
    return Response(body, f"text/html; charset={in_header}" if in_header else "text/html")


def broken_markup(page: Page, rng: Random) -> Response:
    """Closing tags missing or crossed, stray brackets, unquoted attributes, a page cut off after its text."""
    html = re.sub(r"</(p|li|td|tr|div)>", lambda tag: tag[0] if rng.random() < 0.5 else "", page.html())
    html = re.sub(r'class="([\w-]+)"', r"class=\1", html)
    html = html.replace("<p>", "<p><b><i></b></i>", 2).replace("</h1>", "</h1></span><", 1)
    if rng.random() < 0.5:
        html = html[: html.rindex(page.blocks[-1].text[-1]) + 1]
    return Response(html.encode())


def deep_nesting(page: Page, _: Random) -> Response:
    """The text within three thousand nested elements."""
    before, after = page.html().split("<h1", 1)
    return Response((before + "<div>" * 3000 + "<h1" + after).encode())


def empty(page: Page, rng: Random) -> Response:
    """No bytes, or a page with nothing to read."""
    html = f"{page.head()}<body><script>start()</script></body></html>"
    return Response(rng.choice([b"", html.encode()]))


def not_html(_: Page, rng: Random) -> Response:
    """An image or a PDF."""
    return rng.choice([Response(_png(rng), "image/png"), Response(_PDF, "application/pdf")])


def not_found(page: Page, _: Random) -> Response:
    """An error page."""
    html = f"{page.head()}<body><h1>404</h1><p>{page.words['missing'][0]}</p></body></html>"
    return Response(html.encode(), status="404 Not Found")


def redirect(page: Page, _: Random) -> Response:
    """A permanent move to the same path elsewhere."""
    to = page.url.replace("://", "://new.", 1)
    html = f'<html><head><title>301 Moved</title></head><body><a href="{to}">here</a></body></html>'
    return Response(html.encode(), "text/html", "301 Moved Permanently", to)


_PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n%%EOF\n"


def _png(rng: Random) -> bytes:
    """A picture of eight by eight grey dots."""
    size = struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 0)
    dots = zlib.compress(b"".join(b"\0" + rng.randbytes(8) for _ in range(8)))
    chunks = (b"IHDR" + size, b"IDAT" + dots, b"IEND")
    packed = (struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)
