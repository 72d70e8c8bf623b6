"""What pages say: articles with headings, lists and tables, and the texts that a curator would drop.

A writer makes its text of the draft of an article: ``writer(draft, rng) -> Writing``.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from random import Random
from typing import Final, TypeAlias

from textmill.pipeline.sample.page import Block
from textmill.pipeline.sample.prose import Article, Language

LONG_LINE: Final = 1200
"""Sentences in a long line, which make about 120,000 characters."""


@dataclass(frozen=True)
class Writing:
    """A title and the parts of a main text."""

    language: str
    title: str
    blocks: tuple[Block, ...]


Writer: TypeAlias = Callable[[Article, Random], Writing]


def article(draft: Article, rng: Random) -> Writing:
    """The draft with a heading and, now and then, a list, a quotation, a table or code."""
    language, general = draft.language, draft.language.general
    blocks = [Block("p", text) for text in draft.texts()]
    blocks.insert(rng.randrange(1, len(blocks)), Block("h2", language.say(general.headings, rng)))
    if rng.random() < 0.25:
        blocks.append(Block("ul", "\n".join(language.say(general.sentences, rng) for _ in range(3))))
    if rng.random() < 0.15:
        blocks.insert(2, Block("blockquote", language.say(draft.topic.sentences, rng)))
    if rng.random() < 0.15:
        blocks.append(Block("table", _table(language, rng)))
    if draft.topic.code and rng.random() < 0.6:
        blocks.insert(1, Block("pre", language.say(draft.topic.code, rng)))
    return Writing(language.code, draft.title, tuple(blocks))


def _table(language: Language, rng: Random) -> str:
    words = language.words
    names = rng.sample(words["person"], 4)
    rows = [words["columns"], *((name, rng.choice(words["n"]), rng.choice(words["year"])) for name in names)]
    return "\n".join("\t".join(row) for row in rows)


def _paragraphs(draft: Article, texts: Iterable[str], language: str | None = None) -> Writing:
    """Other text under the title of the draft."""
    return Writing(language or draft.language.code, draft.title, tuple(Block("p", text) for text in texts))


def short(draft: Article, _: Random) -> Writing:
    """Two sentences."""
    return _paragraphs(draft, [draft.language.space.join(draft.paragraphs()[0][:2])])


def repetitive(draft: Article, rng: Random) -> Writing:
    """The same two sentences again and again, as paragraphs or within one."""
    sentences = draft.paragraphs()[0][:2] * rng.randint(10, 20)
    return _paragraphs(draft, sentences if rng.random() < 0.5 else [draft.language.space.join(sentences)])


def shouting(draft: Article, _: Random) -> Writing:
    """An article in capitals."""
    return _paragraphs(draft, map(str.upper, draft.texts()))


def spam(draft: Article, rng: Random) -> Writing:
    """Keywords for search engines, no sentences."""
    return _paragraphs(draft, (" ".join(rng.choices(draft.language.words["keyword"], k=40)) for _ in range(4)))


def lorem_ipsum(draft: Article, rng: Random) -> Writing:
    """Filler text."""
    fillers = (" ".join(rng.choices(draft.language.words["filler"], k=40)) for _ in range(5))
    return _paragraphs(draft, (f"Lorem ipsum {filler}." for filler in fillers), "la")


def link_list(draft: Article, rng: Random) -> Writing:
    """Thirty titles of other pages, each a link."""
    language = draft.language
    titles = (language.say(rng.choice(language.topics).titles, rng) for _ in range(30))
    return Writing(language.code, draft.title, (Block("links", "\n".join(titles)),))


def pii(draft: Article, rng: Random) -> Writing:
    """An article with ways to reach a person, all of them reserved for documentation."""
    name = rng.choice(draft.language.words["person"])
    mail = f"{name.replace(' ', '.').lower()}{rng.randrange(100)}@example.{rng.choice(['com', 'net', 'org'])}"
    contact = (
        f"Questions go to {name}, by mail to {mail} or by phone at (212) 555-01{rng.randrange(100):02}. "
        f"From abroad, dial +44 20 7946 0{rng.randrange(1000):03}. "
        f"The last login came from {rng.choice(['192.0.2', '198.51.100', '203.0.113'])}.{rng.randrange(1, 255)}."
    )
    return _paragraphs(draft, [*draft.texts(), contact])


def emoji(draft: Article, rng: Random) -> Writing:
    """An article with characters outside the Basic Multilingual Plane between the sentences."""
    signs = draft.language.words["emoji"]
    return _paragraphs(draft, (" ".join(f"{s} {rng.choice(signs)}" for s in p) for p in draft.paragraphs()))


def long_line(draft: Article, rng: Random) -> Writing:
    """A whole book in one paragraph, which is one line of text."""
    return _paragraphs(draft, [" ".join(Article.compose(draft.language, rng, LONG_LINE).texts())])
