"""Where a text gives away a person: e-mail addresses, public IP addresses, phone numbers.

What is reserved for examples or for private networks leads to nobody and is not found; so masks are made of it.
All searches take time linear in the text, whatever it holds.
"""

import re
from collections.abc import Callable, Iterator
from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final, NamedTuple, TypeAlias

Span: TypeAlias = tuple[int, int]


class Kind(NamedTuple):
    """One kind of personal data.

    hint: an RE2 pattern that is in every text with such data, and in few others. find: candidates, from left to right,
    none overlapping. leads_to_somebody: whether a candidate is to be masked, given up to 50 characters before it.
    """

    hint: str
    find: Callable[[str], Iterator[Span]]
    leads_to_somebody: Callable[[str, str], bool]


BEFORE: Final = 50
"""Characters before a candidate that may tell what it is."""


def mask(text: str, kind: Kind, stand_in: Callable[[str], str]) -> tuple[str, int]:
    """The text with `stand_in` of each item in its place, and how many there were.

    What is before an item is seen masked, so that a second run, which sees nothing else, decides alike.
    """
    pieces, before, end, count = [], "", 0, 0
    for start, stop in kind.find(text):
        found = text[start:stop]
        before = (before + text[end:start])[-BEFORE:]
        if kind.leads_to_somebody(found, before):
            found = stand_in(found)
            count += 1
        pieces += [text[end:start], found]
        before += found
        end = stop
    return "".join([*pieces, text[end:]]), count


_LETTERS: Final = "A-Za-z\u00c0-\u052f"
"""Latin, Greek and Cyrillic; in scripts without spaces an address could not be told from the words around it."""
_LABEL: Final = f"[{_LETTERS}0-9](?:[{_LETTERS}0-9-]{{0,61}}[{_LETTERS}0-9])?"
_LOCAL_PUNCTUATION: Final = "._%+'-"
_LOCAL: Final = _LOCAL_PUNCTUATION + "".join(filter(re.compile(f"[{_LETTERS}0-9]").match, map(chr, range(0x530))))
_DOMAIN: Final = rf"@(?>(?:{_LABEL}\.)+(?:xn--[A-Za-z0-9-]{{1,58}}[A-Za-z0-9]|[{_LETTERS}]{{2,63}}))"
_AT_DOMAIN: Final = re.compile(rf"(?:{_DOMAIN})++")
"""Of a@b.com@d.net all, lest a mask become the domain of what stands before it."""
_RESERVED: Final = re.compile(r"(?:^|\.)(?:example\.(?:com|net|org)|example|test|invalid|localhost)\Z", re.IGNORECASE)
"""Domains without mailboxes, by RFC 2606 and RFC 6761."""


def _find_emails(text: str) -> Iterator[Span]:
    """From each @ to both sides, since few texts hold one and most words begin like an address."""
    end = 0
    for domain in _AT_DOMAIN.finditer(text):
        head = text[end : domain.start()]
        local = head[len(head.rstrip(_LOCAL)) :].lstrip(_LOCAL_PUNCTUATION)
        end = domain.end()
        if local:
            yield domain.start() - len(local), end


def _is_mailbox(found: str, _: str) -> bool:
    local, _, domain = found.rpartition("@")
    return len(local) <= 64 and len(domain) <= 255 and not _RESERVED.search(domain)  # the limits are RFC 5321's


_IPV4: Final = re.compile(r"(?<!\w)(?<!\d\.)\d{1,3}(?:\.\d{1,3}){3}(?!\w|\.\d)", re.ASCII)
_IPV6: Final = re.compile(r"(?<!\w)[23][0-9a-f]{3}(?::{1,2}[0-9a-f]{1,4}+){1,7}+(?:::)?+(?!\w|\.\d)", re.ASCII | re.I)
"""Public addresses are all in 2000::/3, and this writes out the first group."""

_NOT_PUBLIC_V4: Final = tuple(
    IPv4Network(block)
    for block in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24"),
        *("203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
    )
)
_NOT_PUBLIC_V6: Final = tuple(
    map(IPv6Network, ("2001:2::/48", "2001:10::/28", "2001:20::/28", "2001:db8::/32", "3fff::/20"))
)
"""IANA's special-purpose registries; not `is_global`, which changes from one Python to the next."""


def _is_public_ipv4(found: str, _: str) -> bool:
    try:
        address = IPv4Address(found)
    except AddressValueError:
        return False
    return not any(address in block for block in _NOT_PUBLIC_V4)


def _is_public_ipv6(found: str, _: str) -> bool:
    try:
        address = IPv6Address(found)
    except AddressValueError:
        return False
    return not any(address in block for block in _NOT_PUBLIC_V6)


_GAP: Final = r"[-. \u00a0\u2010\u2011\u2013]"
_PHONE: Final = re.compile(
    r"(?<![\w+])(?<!\d[-.])(?:"
    rf"\+[1-9](?:(?:{_GAP}|[()]){{0,2}}\d){{7,14}}+"  # E.164: 8 to 15 digits
    rf"|(?:1{_GAP}?)?(?:[2-9]\d\d|\([2-9]\d\d\)){_GAP}{{0,3}}[2-9]\d\d{_GAP}?\d{{4}}"  # North America
    r")(?!\w|[-.]?[+(]?\d)",  # nor may a number be glued to another
    re.ASCII,
)
_FICTIONAL: Final = re.compile(rf"555{_GAP}?01\d\d", re.ASCII)


def _is_phone(found: str, before: str) -> bool:
    """WIMBD's rule; and 555-0100 to 555-0199 are nobody's."""
    return not _FICTIONAL.search(found) and not any(mark in before.lower() for mark in ("isbn", "doi", "#"))


def _spans(pattern: re.Pattern[str]) -> Callable[[str], Iterator[Span]]:
    return lambda text: (match.span() for match in pattern.finditer(text))


EMAIL: Final = Kind("@", _find_emails, _is_mailbox)
IPV4: Final = Kind(r"\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]", _spans(_IPV4), _is_public_ipv4)
IPV6: Final = Kind(r":[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:]", _spans(_IPV6), _is_public_ipv6)
PHONE: Final = Kind(r"[0-9][^0-9]?[0-9]{4}|\+[1-9]", _spans(_PHONE), _is_phone)
