"""Writes the sample crawl: WARC files, and the truth about every document in them."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from textmill.pipeline.errors import UsageError
from textmill.pipeline.io.files import join, write_whole
from textmill.pipeline.sample import warc
from textmill.pipeline.sample.kinds import FEWEST, KINDS, Damage, Planned, plan
from textmill.pipeline.sample.page import LAYOUTS, Page
from textmill.pipeline.sample.prose import Article, Language, load
from textmill.pipeline.sample.warc import Fetch
from textmill.pipeline.sample.writing import Writing

TRUTH = "truth.jsonl"
START = datetime(2024, 3, 1, tzinfo=UTC)
CUT = 400
"""Bytes that the truncated record lacks."""


@dataclass(frozen=True)
class Truth:
    """A line of ``truth.jsonl``: what one response of the crawl is."""

    id: str
    """The id of the WARC record."""
    url: str
    file: str
    kind: str
    language: str | None
    cluster: str | None
    """Shared by the documents that are duplicates of one another."""
    expect: str | None
    """The reason for which a pipeline drops it, where only one is possible."""
    text: str | None
    """The main text that extraction should find."""


@dataclass(frozen=True)
class Document:
    """One fetch of the crawl."""

    planned: Planned
    page: Page
    fetch: Fetch


@dataclass(frozen=True)
class Summary:
    """What `generate` has written."""

    folder: Path
    files: tuple[str, ...]
    kinds: Counter[str]
    """Documents of each kind."""

    def __str__(self) -> str:
        return (
            f"{self.kinds.total()} documents of {len(self.kinds)} kinds in {len(self.files)} WARC files below "
            f"{self.folder}; what each of them is stands in {self.folder / TRUTH}"
        )


def generate(folder: str | Path, *, documents: int = 400, seed: int = 0, files: int = 4) -> Summary:
    """Write a crawl of `documents` pages into `files` WARC files in a folder, and ``truth.jsonl``.

    The same arguments give the same bytes. Raises UsageError for fewer than 100 documents, for more
    files than documents, and for a folder that holds WARC files of another crawl.
    """
    folder = Path(folder)
    names = tuple(f"crawl-{n:05}.warc.gz" for n in range(files))
    _check(folder, documents, names)
    (folder / TRUTH).unlink(missing_ok=True)  # it comes last again: no truth beside half a crawl
    key = f"sample-{seed}"
    planned = plan(documents, Random(key))
    with write_whole(join(str(folder), TRUTH)) as truth:
        for n, name in enumerate(names):
            with write_whole(join(str(folder), name)) as stream:
                stream.write(warc.member(warc.warcinfo(name, key, START)))
                for number in range(documents * n // files, documents * (n + 1) // files):
                    document = _document(key, number, planned[number])
                    stream.writelines(_members(document))
                    truth.write(_line(_truth(document, name)))
    return Summary(folder, names, Counter(document.kind for document in planned))


def _check(folder: Path, documents: int, names: tuple[str, ...]) -> None:
    if documents < FEWEST:
        raise UsageError(f"a sample needs at least {FEWEST} documents to hold every kind, not {documents}")
    if not 0 < len(names) <= documents:
        raise UsageError(f"{documents} documents fill 1 to {documents} files, not {len(names)}")
    others = {path.name for path in folder.glob("*.warc.gz")} - set(names)
    if others:
        raise UsageError(f"{folder} holds another crawl ({min(others)}); name an empty folder")


def _document(key: str, number: int, planned: Planned) -> Document:
    """All about a document follows from the seed in `key` and its place in the plan.

    Members of a cluster share the randomness of what they say, never that of the page around it.
    """
    kind = KINDS[planned.kind]
    shared = Random(f"{key}/{planned.kind}/{planned.group}")
    own = Random(f"{key}/{planned.kind}/{planned.group}/{planned.member}")
    language = load(kind.languages[planned.group % len(kind.languages)])
    draft = Article.compose(language, shared)
    if kind.edited and planned.member:
        draft = draft.edited(planned.member, own)
    page = _page(language, kind.write(draft, shared), kind.hosts, number, own)
    page = replace(page, comments=()) if planned.cluster else page
    answer = kind.serve(page, own)
    return Document(planned, page, Fetch(f"{key}/{number}", page.url, START + timedelta(seconds=number), answer))


def _page(language: Language, writing: Writing, hosts: tuple[str, ...], number: int, rng: Random) -> Page:
    """A page around a text, on a site in its language or on one of `hosts`."""
    words = language.words
    site = rng.choice(words["host"])
    host = rng.choice(hosts or (f"{site}.example", f"www.{site}.example", f"blog.{site}.example"))
    year, month, day = rng.randint(2009, 2023), rng.randint(1, 12), rng.randint(1, 28)
    return Page(
        layout=rng.choice(LAYOUTS),
        language=writing.language,
        words=words,
        title=writing.title,
        blocks=writing.blocks,
        site=f"{site.replace('-', ' ').title()} {words['site'][0]}",
        author=rng.choice(words["person"]),
        date=f"{year}-{month:02}-{day:02}",
        url=f"https://{host}/{year}/{month:02}/{number:06}.html",
        related=tuple(language.say(rng.choice(language.topics).titles, rng) for _ in range(4)),
        comments=tuple(language.say(language.comments.sentences, rng) for _ in range(rng.randrange(4))),
    )


def _members(document: Document) -> Iterator[bytes]:
    """The gzip members of its records; a crawler that stopped has no metadata to write."""
    fetch, damage = document.fetch, KINDS[document.planned.kind].damage
    rng = Random(fetch.key)
    yield warc.member(warc.request(fetch))
    if damage is Damage.LENGTH:
        yield warc.member(warc.response(fetch, rng, cut=CUT))
        return
    member = warc.member(warc.response(fetch, rng))
    yield _overwritten(member) if damage is Damage.MEMBER else member
    yield warc.member(warc.metadata(fetch, rng))


def _overwritten(member: bytes) -> bytes:
    """A gzip member with 64 bytes in its middle lost."""
    middle = len(member) // 2
    return member[:middle] + b"\xff" * 64 + member[middle + 64 :]


def _truth(document: Document, file: str) -> Truth:
    kind = KINDS[document.planned.kind]
    return Truth(
        id=document.fetch.record_id("response"),
        url=document.fetch.url,
        file=file,
        kind=document.planned.kind,
        language=document.page.language if kind.has_text else None,
        cluster=document.planned.cluster,
        expect=kind.expect,
        text=document.page.text if kind.has_text else None,
    )


def _line(truth: Truth) -> bytes:
    return json.dumps(asdict(truth), ensure_ascii=False).encode() + b"\n"
