"""Slow, obvious twins of the extractor's kernels."""

import re

from textmill.pipeline.extraction.tags import CUSTOM, RAW, number_of, tag_table
from textmill.pipeline.extraction.tokenizer import END, RAW_TEXT, START, TEXT

_TAG = re.compile(rb"<(/?)([A-Za-z][^\x00-\x20/>]*)")
_TAG_REST = re.compile(rb"""(?>=[\x00-\x20]*+(?>"[^"]*"|'[^']*'|)|[^>=])*+>""")
_DECLARATION = re.compile(rb"<[!?]|</(?=.)", re.DOTALL)
_COMMENT = re.compile(rb"<!--(?:-?>|.*?--!?>|.*)", re.DOTALL)
_CDATA = re.compile(rb"<!\[C.*?\]\]>", re.DOTALL)
_OTHER = re.compile(rb"<[^>]*>?", re.DOTALL)


def tokens(page: bytes) -> list[tuple[int, int, int, int]]:
    """Kind, tag, start and end of each token, as `tokenize` gives them."""
    found: list[tuple[int, int, int, int]] = []
    at = text = 0

    def end_text(at: int) -> None:
        if at > text:
            found.append((TEXT, 0, text, at))

    while (at := page.find(b"<", at)) >= 0:
        tag = _TAG.match(page, at)
        if not tag and not _DECLARATION.match(page, at):
            at += 1
            continue
        end_text(at)
        if not tag:
            at = text = _markup_end(page, at)
            continue
        rest = _TAG_REST.match(page, tag.end())
        if not rest:
            return found
        name = tag[2].decode("latin-1").lower()
        number, span = _number(name), (tag.start(2), rest.end() - 1)
        found.append((END if tag[1] else START, number, *span))
        at = text = rest.end()
        ends_itself = name in ("svg", "math") and page[span[1] - 1 : span[1]] == b"/"
        if tag[1] or tag_table().kinds[number] != RAW or ends_itself:
            continue
        close = re.compile(rb"</" + re.escape(tag[2]) + rb"(?![A-Za-z])", re.IGNORECASE).search(page, at)
        if close:
            found.append((RAW_TEXT, number, at, close.start()))
            at = text = _markup_end(page, close.start())
        elif name in ("script", "style"):
            return found
    end_text(len(page))
    return found


def _number(name: str) -> int:
    try:
        return number_of(name)
    except KeyError:
        return CUSTOM if "-" in name else 0


def _markup_end(page: bytes, at: int) -> int:
    for pattern in (_COMMENT, _CDATA, _OTHER):
        if match := pattern.match(page, at):
            return match.end()
    raise AssertionError(page[at : at + 20])
