"""Slow, obvious twin of the kernels that read the attributes of start tags."""

import re

WORD_ATTRIBUTES = {"class": 0, "id": 0, "role": 3, "itemprop": 4, "data-testid": 5, "data-type": 5, "data-role": 5}
COMMENT_WORDS = {"comment", "comments", "commentlist", "respond", "disqus", "replies", "commenter"}
_ATTRIBUTE = re.compile(
    rb"""[\x00-\x20/]*([^\x00-\x20=/]*)(?:[\x00-\x20]*=[\x00-\x20]*(?:"([^"]*)"?|'([^']*)'?|([^\x00-\x20]*)))?"""
)


def attributes_of(tag: bytes) -> list[tuple[str, bytes]]:
    """Names in lower case and raw values, as often as they are there."""
    found, at = [], re.match(rb"[^\x00-\x20/]*", tag).end()
    while at < len(tag) and (match := _ATTRIBUTE.match(tag, at)) and match.end() > at:
        at = match.end()
        value = next((group for group in match.groups()[1:] if group is not None), b"")
        found.append((match[1].decode("latin-1").lower(), value))
    return found


def href(tag: bytes) -> bytes:
    return dict(reversed(attributes_of(tag))).get("href", b"")


def hints_of(value: bytes, seed: int) -> list[int]:
    """Of each word, and of each two neighbours that no white space divides."""
    found = []
    for run in re.split(rb"[\x00-\x20]+", value):
        before = None
        for word in re.findall(rb"[A-Za-z]{2,}", re.sub(rb"([a-z])(?=[A-Z])", rb"\1 ", run)):
            key = seeded_key(word.lower(), seed)
            found.append(key)
            if before is not None:
                found.append((before * 31 + key) % 2**64)
            before = key
    return [(key * 0x9E3779B97F4A7C15 % 2**64) >> 49 for key in found]


def seeded_key(word: bytes, seed: int) -> int:
    key = 0xCBF29CE484222325 + seed
    for byte in word:
        key = (key ^ byte) * 0x100000001B3 % 2**64
    return key
