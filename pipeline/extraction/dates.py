"""Days written for machines, and in English for people; what could be read in two ways is no day."""

import re
from datetime import date
from typing import Final

EARLIEST: Final = date(1990, 1, 1)
"""No page is older than the web."""

_NUMBERS: Final = re.compile(
    r"((?:19|20)\d\d)([-/.]?)(\d\d?)\2(\d\d?)(?!\d)(?=$|[T\s,;+Z.(-])|((?:19|20)\d\d)(\d\d)(\d\d)(?=$|T)"
)
_DAY_FIRST: Final = re.compile(
    r"(?:\w+,?\s+)?(\d\d?)(?:st|nd|rd|th)?[\s-]+([a-z]{3,9})\.?,?[\s-]+((?:19|20)\d\d)\b", re.I
)
_MONTH_FIRST: Final = re.compile(r"(?:\w+,?\s+)?([a-z]{3,9})\.?\s+(\d\d?)(?:st|nd|rd|th)?,?\s+((?:19|20)\d\d)\b", re.I)
_MONTHS: Final = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)


def parse_day(text: str, latest: date) -> str | None:
    """The day at the start of `text` as YYYY-MM-DD; None if there is none, or one before `EARLIEST` or after `latest`.

    Read are years first in digits (2023-05-17, 20230517, 2023/5/17, with a time or without), and days or months
    first with the month's English name (RFC 5322, "May 17, 2023"). 05/06/2023 is not: no one knows its month.
    """
    text = text.strip()[:64]
    if found := _NUMBERS.match(text):
        year, _, month, day, *whole = found.groups()
        parts = whole if year is None else [year, month, day]
        return _day(int(parts[0]), int(parts[1]), int(parts[2]), latest)
    if found := _DAY_FIRST.match(text):
        return _day(int(found[3]), _month(found[2]), int(found[1]), latest)
    if found := _MONTH_FIRST.match(text):
        return _day(int(found[3]), _month(found[1]), int(found[2]), latest)
    return None


def _month(name: str) -> int:
    """1 to 12; 0 for what is no month. Three letters or more are enough, and "Sept" is one."""
    name = name.lower()
    return next((n for n, month in enumerate(_MONTHS, 1) if month.startswith(name)), 0)


def _day(year: int, month: int, day: int, latest: date) -> str | None:
    try:
        found = date(year, month, day)
    except ValueError:
        return None
    return found.isoformat() if EARLIEST <= found <= latest else None
