"""The kinds of page in a sample crawl, and how many of each: the table to read and to change."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import cycle
from random import Random
from typing import Final, NamedTuple

from textmill.pipeline.sample import serving, writing
from textmill.pipeline.sample.serving import Server
from textmill.pipeline.sample.writing import Writer


class Damage(Enum):
    """What happened to the record of an answer on its way to the archive."""

    NONE = 0
    MEMBER = 1
    """Bytes within its gzip member were overwritten."""
    LENGTH = 2
    """It ends before the length that it declares."""


ALL: Final = ("en", "de", "en", "fr", "en", "es", "en", "ru", "en", "zh", "en", "ja", "en", "ar")
LEGACY: Final = ("ja", "zh", "ru", "ar", "fr", "de", "es")
WESTERN: Final = ("de", "fr", "es")
CASINO: Final = ("www.casino-palace.example", "play.casino-palace.example", "bonus.casino-palace.example")


@dataclass(frozen=True)
class Kind:
    """How pages of a kind are made."""

    share: float
    """Of all documents; 0 for exactly one, whatever their number."""
    write: Writer = writing.article
    serve: Server = serving.well
    languages: tuple[str, ...] = ("en",)
    """Taken in turn."""
    clusters: tuple[int, ...] = ()
    """Sizes, taken in turn, of the groups of pages that share a text."""
    edited: bool = False
    """Whether the members of a cluster differ in a few words."""
    hosts: tuple[str, ...] = ()
    """Where such pages are found; elsewhere unless given."""
    damage: Damage = Damage.NONE
    expect: str | None = None
    """The one reason for which a pipeline drops it, where that is certain."""

    @property
    def has_text(self) -> bool:
        """Whether extraction, if it comes to that, finds a main text."""
        return self.expect in {None, "blocked_domain"}


KINDS: Final[dict[str, Kind]] = {
    "near_duplicate": Kind(0.10, languages=ALL, clusters=(2, 3, 5), edited=True),
    "exact_duplicate": Kind(0.06, languages=ALL, clusters=(2, 3)),
    "short": Kind(0.03, writing.short, languages=ALL),
    "repetitive": Kind(0.03, writing.repetitive, languages=ALL),
    "spam": Kind(0.03, writing.spam),
    "shouting": Kind(0.02, writing.shouting),
    "lorem_ipsum": Kind(0.01, writing.lorem_ipsum),
    "link_list": Kind(0.02, writing.link_list),
    "pii": Kind(0.03, writing.pii),
    "emoji": Kind(0.01, writing.emoji),
    "long_line": Kind(0.002, writing.long_line),
    "blocked": Kind(0.02, hosts=CASINO, expect="blocked_domain"),
    "legacy_charset": Kind(0.03, serve=serving.legacy_charset, languages=LEGACY),
    "wrong_charset": Kind(0.02, serve=serving.wrong_charset, languages=WESTERN),
    "broken_markup": Kind(0.03, serve=serving.broken_markup, languages=ALL),
    "deep_nesting": Kind(0, serve=serving.deep_nesting),
    "empty": Kind(0.01, serve=serving.empty, expect="no_text"),
    "not_html": Kind(0.01, serve=serving.not_html, expect="not_html"),
    "not_found": Kind(0.01, serve=serving.not_found, expect="http_status"),
    "redirect": Kind(0.01, serve=serving.redirect, expect="http_status"),
    "corrupt_member": Kind(0, damage=Damage.MEMBER, expect="corrupt_member"),
    "truncated_record": Kind(0, damage=Damage.LENGTH, expect="truncated_record"),
    "clean": Kind(1, languages=ALL),  # all the rest
}
LAST: Final = "truncated_record"
"""The kind of the last document of a crawl: the crawler stopped while it wrote it."""
FEWEST: Final = 100
"""Documents that it takes to have some of every kind."""


class Planned(NamedTuple):
    """One document to be: the `group`-th text of its kind, and which member of that cluster it is."""

    kind: str
    group: int
    member: int

    @property
    def cluster(self) -> str | None:
        """What it shares with its duplicates, None where it has none."""
        return f"{self.kind}-{self.group}" if KINDS[self.kind].clusters else None


def plan(documents: int, rng: Random) -> list[Planned]:
    """The documents of a crawl in order, at least one (cluster) of every kind; `LAST` at the end."""
    planned: list[Planned] = []
    for name, kind in KINDS.items():
        count = documents - len(planned) if name == "clean" else max(1, round(kind.share * documents))
        planned += _members(name, kind, count)
    rng.shuffle(planned)
    planned.sort(key=lambda document: document.kind == LAST)
    return planned


def _members(name: str, kind: Kind, count: int) -> Iterator[Planned]:
    """`count` documents of a kind, in clusters where it has them; the last cluster takes what is left."""
    sizes = cycle(kind.clusters or (1,))
    smallest = min(kind.clusters, default=1)
    group = 0
    while count:
        size = next(sizes)
        if count - size < smallest:
            size = count
        yield from (Planned(name, group, member) for member in range(size))
        count -= size
        group += 1
