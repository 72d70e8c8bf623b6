"""A page's bytes as a list of tokens: texts, start tags, end tags and the insides of raw elements.

One pass, linear in the bytes whatever they are. Nothing is copied: a token names a span of the bytes.
The rules are those of the tokenizer in WHATWG HTML, section 13.2.5, with three leniencies: a quoted attribute
value that never ends is taken to end at the next ">"; a raw element other than script and style that never ends
is taken to be empty; "<![CDATA[" lasts up to "]]>". Comments, doctypes and processing instructions give no token.
"""

import re
from html import unescape
from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from textmill.pipeline.extraction.tags import (
    CUSTOM,
    KEY_PRIME,
    KEY_SEED,
    RAW,
    SLOTS,
    TagTable,
    number_of,
    tag_table,
)
from textmill.pipeline.kernels import kernel, part, wide
from textmill.pipeline.kernels.borrowed import borrowed

Bytes: TypeAlias = npt.NDArray[np.uint8]

TEXT: Final = 0
START: Final = 1
END: Final = 2
RAW_TEXT: Final = 3

_SCRIPT: Final = number_of("script")
_STYLE: Final = number_of("style")
_SVG: Final = number_of("svg")
_MATH: Final = number_of("math")
_ATTRIBUTE: Final = re.compile(
    r"""([^\s=>/"'][^\s=>/]*)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]*)))?""",
)


class Tokens(NamedTuple):
    """The tokens of a page in order, a column an array of the same length.

    kind: uint8. TEXT: text between tags, entities and all. START: a start tag. END: an end tag.
    RAW_TEXT: what stands in a raw element (script, style, title, noscript, svg …); it follows the START of
    that element, and no END does. A raw element that never ends, or ends itself, has no RAW_TEXT.
    tag: int16, the element's number in `tags.NAMES`; 0 where it is unknown and for TEXT.
    start, end: int32, the span of bytes. Of START and END: what stands between "<" or "</" and ">", so the name
    comes first; see `attributes`.

    What stands in a page's head, for example, and its values::

        number = tags.number_of("meta")
        for at in np.flatnonzero((tokens.kind == START) & (tokens.tag == number)):
            values = attributes(page, tokens.start[at], tokens.end[at])

    The title is the first RAW_TEXT with the tag ``title``; JSON-LD is the RAW_TEXT behind a START of ``script`` whose
    attribute ``type`` says so.
    """

    kind: npt.NDArray[np.uint8]
    tag: npt.NDArray[np.int16]
    start: npt.NDArray[np.int32]
    end: npt.NDArray[np.int32]


def tokenize(page: bytes) -> Tokens:
    """The tokens of a page in UTF-8. What is not UTF-8 does no harm. A page has less than 2 GiB."""
    return tokenize_bytes(np.frombuffer(page, np.uint8), tag_table(), token_room(count_opening(page)))


def count_opening(page: bytes) -> int:
    """How many "<" a page has; several times as fast as ``page.count``."""
    return int(np.count_nonzero(np.frombuffer(page, np.uint8) == 60))


def token_room(opening: int) -> Tokens:
    """Room for the tokens of a page with as many "<".

    Every "<" yields a tag and a text before it at most; a raw element has two "<" and one more token.
    """
    most = 2 * opening + 2
    start, end = np.empty(most, np.int32), np.empty(most, np.int32)
    return Tokens(np.empty(most, np.uint8), np.empty(most, np.int16), start, end)


def attributes(page: bytes, start: int, end: int) -> dict[str, str]:
    """The attributes of the START token with this span: names in lower case, entities decoded.

    Of attributes with the same name the first counts; one without a value has "".
    """
    tag = page[start:end].decode("utf-8", "replace")
    found: dict[str, str] = {}
    name = re.match(r"[^\s/>]*", tag)
    for match in _ATTRIBUTE.finditer(tag, name.end() if name else 0):
        value = match[2] or match[3] or match[4] or ""
        found.setdefault(match[1].lower(), unescape(value))
    return found


@kernel
def tokenize_bytes(data: Bytes, table: TagTable, tokens: Tokens) -> Tokens:
    """`tokenize` for kernels, into a room that is large enough; see `token_room`."""
    known = TagTable(borrowed(table.keys), borrowed(table.numbers), borrowed(table.kinds))
    count = _tokenize(borrowed(data), known, borrowed_tokens(tokens))
    return Tokens(tokens.kind[:count], tokens.tag[:count], tokens.start[:count], tokens.end[:count])


@part
def borrowed_tokens(tokens: Tokens) -> Tokens:
    """The same tokens, uncounted; see `kernels.borrowed`."""
    return Tokens(borrowed(tokens.kind), borrowed(tokens.tag), borrowed(tokens.start), borrowed(tokens.end))


@part
def _tokenize(data: Bytes, table: TagTable, tokens: Tokens) -> int:
    """How many tokens there are; all arrays are borrowed."""
    size = len(data)
    unended = np.zeros(len(table.kinds), np.bool_)  # raw elements of which no end tag is left
    missing = np.zeros(256, np.bool_)  # quotes, and the "]" of "]]>", of which none is left
    count = at = text = wide(0)
    while at < size:
        if data[at] != 60:
            at += 1
            continue
        is_end = at + 1 < size and data[at + 1] == 47
        name = at + 1 + is_end
        is_tag = name < size and is_letter(data[name])
        if not is_tag and not _is_declaration(data, at + 1):
            at += 1  # a "<" that is text
            continue
        count = _put(tokens, count, (TEXT, 0), text, at)
        if not is_tag:
            at = text = _after_declaration(data, at + 1, missing)
            continue
        number, after = tag_number(data, name, table)
        close = _tag_end(data, after, missing)
        at = text = min(close + 1, size)
        if close >= size:
            break  # a tag that the page's end cuts off
        count = _put(tokens, count, (END if is_end else START, number), name, close)
        if table.kinds[number] == RAW and not is_end and not unended[number] and not _ends_itself(data, close, number):
            stop = _raw_end(data, close, name, after)
            unended[number] = stop == size
            if stop < size:
                count = _put(tokens, count, (RAW_TEXT, number), at, stop)
                at = text = _after_declaration(data, stop, missing)
            elif number in (_SCRIPT, _STYLE):
                at = text = size
    return _put(tokens, count, (TEXT, 0), text, size)


@part
def _put(tokens: Tokens, count: int, what: tuple[int, int], start: int, end: int) -> int:
    """Add a token, kind and tag given as `what`, and tell how many there are now; a TEXT that is empty is none."""
    if (what[0] == TEXT and start >= end) or count >= len(tokens.kind):
        return count
    tokens.kind[count], tokens.tag[count] = what
    tokens.start[count], tokens.end[count] = start, end
    return count + 1


@part
def _is_declaration(data: Bytes, at: int) -> bool:
    """Whether "!", "?" or "/" and one more byte are at `at`: no tag, but no text either."""
    if at >= len(data):
        return False
    return data[at] in (33, 63) or (data[at] == 47 and at + 1 < len(data))


@part
def is_letter(byte: int) -> bool:
    """Whether it is an ASCII letter."""
    return 97 <= byte <= 122 or 65 <= byte <= 90


@part
def lower(byte: int) -> int:
    """The ASCII letter in lower case; any other byte as it is."""
    return byte + 32 if 65 <= byte <= 90 else byte


@part
def tag_number(data: Bytes, at: int, table: TagTable) -> tuple[int, int]:
    """The number of the element whose name begins at `at`, and where the name ends."""
    key = KEY_SEED
    hyphen = False
    while at < len(data) and data[at] > 32 and data[at] != 47 and data[at] != 62:
        hyphen |= data[at] == 45
        key = (key ^ np.uint64(lower(int(data[at])))) * KEY_PRIME
        at += 1
    slot = np.int64(key & np.uint64(SLOTS - 1))
    while table.keys[slot] != 0:
        if table.keys[slot] == key:
            return wide(table.numbers[slot]), at
        slot = (slot + 1) & (SLOTS - 1)
    return (CUSTOM if hyphen else 0), at


@part
def _tag_end(data: Bytes, at: int, missing: npt.NDArray[np.bool_]) -> int:
    """Where the ">" of a tag stands, from behind its name; the page's size without one."""
    size = len(data)
    while at < size and data[at] != 62:
        if data[at] != 61:
            at += 1
            continue
        at += 1
        while at < size and data[at] <= 32:
            at += 1
        if at < size and (data[at] == 34 or data[at] == 39) and not missing[data[at]]:
            close = at + 1
            while close < size and data[close] != data[at]:
                close += 1
            if close == size:
                missing[data[at]] = True
                at += 1
            else:
                at = close + 1
    return at


@part
def _ends_itself(data: Bytes, close: int, number: int) -> bool:
    return number in (_SVG, _MATH) and data[close - 1] == 47


@part
def _raw_end(data: Bytes, close: int, name: int, name_end: int) -> int:
    """Where the "</" stands that ends the raw element whose start tag ends at `close`; the page's size without one."""
    size, length = len(data), name_end - name
    for start in range(close + 1, size - length - 1):
        if data[start] != 60 or data[start + 1] != 47:
            continue
        same = 0
        while same < length and lower(int(data[start + 2 + same])) == lower(int(data[name + same])):
            same += 1
        behind = start + 2 + length
        if same == length and (behind == size or not is_letter(data[behind])):
            return start
    return size


@part
def _after_declaration(data: Bytes, at: int, missing: npt.NDArray[np.bool_]) -> int:
    """Where markup goes on after a comment, CDATA, doctype, instruction or bogus end tag; `at` is behind its "<"."""
    size = len(data)
    if at + 2 < size and data[at] == 33 and data[at + 1] == 45 and data[at + 2] == 45:
        return _after_comment(data, at + 3)
    if at + 2 < size and data[at] == 33 and data[at + 1] == 91 and data[at + 2] == 67 and not missing[93]:  # "![C"
        for stop in range(at + 3, size - 2):
            if data[stop] == 93 and data[stop + 1] == 93 and data[stop + 2] == 62:
                return stop + 3
        missing[93] = True
    while at < size and data[at] != 62:
        at += 1
    return min(at + 1, size)


@part
def _after_comment(data: Bytes, at: int) -> int:
    """Behind the "-->" or "--!>" of a comment, or its abrupt ">" and "->"; the page's size without one."""
    size = len(data)
    if at < size and data[at] == 62:
        return at + 1
    if at + 1 < size and data[at] == 45 and data[at + 1] == 62:
        return at + 2
    while at + 2 < size:
        if data[at] == 45 and data[at + 1] == 45:
            if data[at + 2] == 62:
                return at + 3
            if data[at + 2] == 33 and at + 3 < size and data[at + 3] == 62:
                return at + 4
        at += 1
    return size
