"""A page's bytes as UTF-8, which is what the tokenizer reads; most pages are that already and are not copied."""

from typing import NamedTuple

from textmill.pipeline.io.html import decode_other, is_plain_utf8


class Utf8(NamedTuple):
    """A page in UTF-8.

    data: valid UTF-8 without NUL; the very object that was given where that is so already. charset: Python's name
    of the codec that the page was in. replaced: how many U+FFFD stand for what could not be decoded.
    """

    data: bytes
    charset: str
    replaced: int


def to_utf8(body: bytes, content_type: str | None = None) -> Utf8:
    """A page's bytes as UTF-8; never raises. `content_type` is the HTTP header's value, None where unknown.

    Which charset a page is in is told by `io.html.decode`: the byte order mark, valid UTF-8, the header, the
    page's own declaration, the detected charset, windows-1252, in this order.
    """
    if is_plain_utf8(body, content_type):
        return Utf8(body.replace(b"\0", b"") if b"\0" in body else body, "utf-8", 0)
    text, charset, replaced = decode_other(body, content_type)
    return Utf8(text.replace("\0", "").encode(), charset, replaced)
