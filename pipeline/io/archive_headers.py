"""How a record of a web archive begins: the header of WARC, or the one line of ARC, told in WARC's words.

ARC is what crawlers wrote before 2009, and Common Crawl until 2012: ``URL IP DATE TYPE LENGTH`` on a line,
with more fields before the length in version 2, and then the answer as it came.
"""

import re
from typing import Final

_WARC: Final = rb"WARC/\d{1,4}\.\d{1,4}[ \t]{0,8}\r{0,8}\n"
_ARC: Final = rb"[a-z][a-z0-9+.-]{1,15}:[^\r\n]{1,4096} \d{14} [^\r\n]{1,512} \d{1,18}\r{0,8}\n"

FIRST_LINE: Final = re.compile(_WARC + b"|" + _ARC)
"""The first line of a record."""
NEXT_FIRST_LINE: Final = re.compile(b"\n(?:" + FIRST_LINE.pattern + b")")
"""The same with the end of the line before it."""
LONGEST_FIRST_LINE: Final = 5000
"""More bytes than either can match."""

_WARC_END: Final = re.compile(rb"\n\r{0,8}\n")
_LONGEST: Final = 1 << 20
_LEADING_BLANK: Final = re.compile(rb"[\r\n]{0,8}")


def begins_record(content: bytes) -> bool:
    """Whether the first line of `content` that is not blank is the first line of a record."""
    blank = _LEADING_BLANK.match(content)
    return FIRST_LINE.match(content, blank.end() if blank else 0) is not None


def holds_record(content: bytes) -> bool:
    """Whether a record starts anywhere in `content`."""
    return begins_record(content) or NEXT_FIRST_LINE.search(content) is not None


def header_end(held: bytes, start: int) -> int | None:
    """Index behind the header that starts at index `start`; None when it is not all there."""
    line = FIRST_LINE.match(held, start)
    if line is None:
        return None
    if not line[0].startswith(b"WARC/"):
        return line.end()
    end = _WARC_END.search(held, line.end() - 1, start + _LONGEST)
    return end.end() if end else None


def parse_header(header: bytes) -> dict[str, str]:
    """The fields of a header by lower-case name, the first of each name."""
    text = header.decode("utf-8", "replace")
    return _parse_warc(text) if text.startswith("WARC/") else _parse_arc(text.split())


def _parse_warc(text: str) -> dict[str, str]:
    headers: dict[str, str] = {}
    name = ""
    for line in text.split("\n")[1:]:
        if line[:1] in (" ", "\t") and name:
            headers[name] = f"{headers[name]} {line.strip()}".strip()
            continue
        name, colon, value = line.partition(":")
        name = name.strip().lower() if colon else ""
        if name:
            headers.setdefault(name, value.strip())
    return headers


def _parse_arc(fields: list[str]) -> dict[str, str]:
    """The fields around the date, which is told by its form: a URL may hold spaces, and the address be missing."""
    at = next(i for i, field in enumerate(fields) if i and len(field) == 14 and field.isdigit())
    url = " ".join(fields[: max(1, at - 1)])
    date = fields[at]
    return {
        "warc-type": "warcinfo" if url.startswith("filedesc:") else "response",
        "warc-target-uri": url,
        "warc-date": f"{date[:4]}-{date[4:6]}-{date[6:8]}T{date[8:10]}:{date[10:12]}:{date[12:]}Z",
        "content-type": "application/http" if url.startswith("http") else fields[at + 1],
        "content-length": fields[-1],
    }
