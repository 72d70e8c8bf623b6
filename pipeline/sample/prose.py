"""Prose with variety: sentences with alternatives, put together into articles on one topic.

A sentence is written ``[In spring|After the frost] sow the [beans|{n} peas] with {person}.``: square
brackets hold alternatives, curly ones name a list of the language (`person`, `place`, `month`) or a
number (`n`, `year`). The same `Random` gives the same words.
"""

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from random import Random
from typing import TypeAlias

_NAME = re.compile(r"\{(\w+)\}")
_BRACKETS = re.compile(r"\[([^\]]*)\]")
_NUMBERS = {
    "n": tuple(str(n) for n in range(3, 60)),
    "year": tuple(str(year) for year in range(1780, 1990)),
}

Words: TypeAlias = Mapping[str, tuple[str, ...]]
Template: TypeAlias = tuple[tuple[str, ...], ...]
"""A sentence as the alternatives for each of its parts."""


@dataclass(frozen=True)
class Topic:
    """What can be said about one thing."""

    titles: tuple[Template, ...]
    headings: tuple[Template, ...]
    sentences: tuple[Template, ...]
    code: tuple[Template, ...]


@dataclass(frozen=True)
class Language:
    """What pages in one language are made of; written down in ``languages/CODE.txt``."""

    code: str
    """As fastText's lid.176 names it."""
    words: Words
    """Names to fill in, and the labels of a page (`menu`, `consent`, …)."""
    general: Topic
    """What fits any topic."""
    comments: Topic
    topics: tuple[Topic, ...]

    @property
    def charset(self) -> str:
        """The encoding of pages from before UTF-8, by a name that Python and browsers share."""
        return self.words["charset"][0]

    @property
    def space(self) -> str:
        """What stands between two sentences."""
        return "" if "unspaced" in self.words else " "

    def pick(self, template: Template, rng: Random) -> "Sentence":
        """One of the sentences that `template` stands for."""
        return Sentence(template, tuple(self._fill(rng.choice(part), rng) for part in template))

    def say(self, templates: tuple[Template, ...], rng: Random) -> str:
        """One of the sentences that any of `templates` stands for."""
        return str(self.pick(rng.choice(templates), rng))

    def edit(self, sentence: "Sentence", rng: Random) -> "Sentence":
        """The same sentence with one of its parts worded otherwise."""
        at = rng.choice([i for i, part in enumerate(sentence.template) if len(part) > 1])
        said = sentence.parts[at]
        while said == sentence.parts[at]:
            said = self._fill(rng.choice(sentence.template[at]), rng)
        return replace(sentence, parts=(*sentence.parts[:at], said, *sentence.parts[at + 1 :]))

    def _fill(self, text: str, rng: Random) -> str:
        if "{" not in text:
            return text
        return _NAME.sub(lambda name: rng.choice(self.words[name[1]]), text)


@dataclass(frozen=True)
class Sentence:
    """A template, and what was picked for each of its parts."""

    template: Template
    parts: tuple[str, ...]

    def __str__(self) -> str:
        return "".join(self.parts)


@dataclass(frozen=True)
class Article:
    """A title, and sentences on one topic in paragraphs."""

    language: Language
    topic: Topic
    title: str
    sentences: tuple[Sentence, ...]
    per_paragraph: int

    @classmethod
    def compose(cls, language: Language, rng: Random, length: int = 0) -> "Article":
        """An article of `length` sentences, or of as many as is usual in the language.

        No two are made from the same template until all have been used.
        """
        topic, general = rng.choice(language.topics), language.general
        length = length or int(rng.choice(language.words["sentences"]))
        own = rng.sample(topic.sentences, min(len(topic.sentences), length * 2 // 3))
        shared = rng.sample(general.sentences, min(len(general.sentences), length - len(own)))
        more = rng.choices(topic.sentences, k=length - len(own) - len(shared))
        templates = own + shared + more
        rng.shuffle(templates)
        sentences = tuple(language.pick(template, rng) for template in templates)
        return cls(language, topic, language.say(topic.titles, rng), sentences, rng.randint(3, 5))

    def edited(self, at: int, rng: Random) -> "Article":
        """The same article with part of the sentence number `at` worded otherwise."""
        sentence = self.language.edit(self.sentences[at], rng)
        return replace(self, sentences=(*self.sentences[:at], sentence, *self.sentences[at + 1 :]))

    def paragraphs(self) -> list[list[str]]:
        """The sentences of each paragraph."""
        said = [str(sentence) for sentence in self.sentences]
        return [said[i : i + self.per_paragraph] for i in range(0, len(said), self.per_paragraph)]

    def texts(self) -> list[str]:
        """The paragraphs, each a line."""
        return [self.language.space.join(sentences) for sentences in self.paragraphs()]


@cache
def load(code: str) -> Language:
    """The language of ``languages/CODE.txt``: sections ``== name``, then ``key: a | b`` or a sentence a line."""
    file = resources.files("textmill.pipeline.sample") / "languages" / f"{code}.txt"
    sections: dict[str, list[str]] = {}
    for line in filter(None, file.read_text("utf-8").splitlines()):
        if line.startswith("== "):
            lines = sections[line.removeprefix("== ")] = []
        else:
            lines.append(line)
    keyed = (line.split(": ", 1) for line in sections.pop("words"))
    words = _NUMBERS | {key: tuple(value.split(" | ")) for key, value in keyed}
    general, comments = _topic(sections.pop("general")), _topic(sections.pop("comments"))
    return Language(code, words, general, comments, tuple(map(_topic, sections.values())))


def _topic(lines: list[str]) -> Topic:
    """Lines that start with ``title:``, ``heading:`` or ``code:`` are that, the others are sentences."""
    kinds: defaultdict[str, list[Template]] = defaultdict(list)
    for line in lines:
        kind, _, rest = line.partition(": ")
        if kind not in {"title", "heading", "code"}:
            kind, rest = "sentence", line
        kinds[kind].append(_parse(rest.replace("\\n", "\n")))
    return Topic(*(tuple(kinds[kind]) for kind in ("title", "heading", "sentence", "code")))


def _parse(line: str) -> Template:
    """The parts of a sentence: what stands outside brackets has one alternative."""
    parts = enumerate(_BRACKETS.split(line))
    return tuple(tuple(part.split("|")) if i % 2 else (part,) for i, part in parts if part)
