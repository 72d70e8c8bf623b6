"""How numbers and lines are written for people, on a terminal or not."""

from collections.abc import Sequence

from rich.console import Console

_PREFIXES = "kMGT"


def say(console: Console, line: str, style: str = "") -> None:
    """Print a line as it is: long ones are not broken, and brackets are no markup."""
    console.print(line, style=style, markup=False, highlight=False, soft_wrap=True)


def plural(number: int, noun: str) -> str:
    """``1 file``, ``2 files``."""
    return f"{count(number)} {noun}{'' if number == 1 else 's'}"


def count(number: int) -> str:
    """Exact up to seven digits, then rounded to three: ``1,234,567``, ``12.3M``."""
    return f"{number:,}" if number < 10_000_000 else _scaled(number)


def size(number: int) -> str:
    """Bytes: ``512 B``, ``1.5 MB``."""
    return f"{number} B" if number < 1000 else _scaled(number, " ") + "B"


def _scaled(number: float, space: str = "") -> str:
    power = 1
    while number / 1000**power >= 999.5 and power < len(_PREFIXES):
        power += 1
    return f"{number / 1000**power:.3g}{space}{_PREFIXES[power - 1]}"


def group_name(values: Sequence[str | None]) -> str:
    """A group by the values of its columns: ``books/en``; the one group of no columns is ``(all)``."""
    return "/".join("(unknown)" if value is None else value for value in values) or "(all)"


def percent(share: float | None) -> str:
    """``12.3%``; what is there but rounds to nothing is ``<0.1%``."""
    if share is None:
        return ""
    return "<0.1%" if 0 < share < 0.0005 else f"{share:.1%}"


def duration(seconds: float) -> str:
    """``0.4 s``, ``12 min``, ``3.5 h``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.3g} min" if seconds < 3600 else f"{seconds / 3600:.3g} h"
