"""Training of the extractor: pages with known text in, the weights of the model and an honest report out.

Everything that is told of a page in the report comes from models that saw no page of its domain.
"""

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from textmill.pipeline.extraction.alignment import align, words_of
from textmill.pipeline.extraction.analysis import describe, new_room, tables
from textmill.pipeline.extraction.assembly import TABLES, Source, assemble
from textmill.pipeline.extraction.choice import choose
from textmill.pipeline.extraction.features import FEATURES
from textmill.pipeline.extraction.hints import HINTS
from textmill.pipeline.extraction.layout import Layout
from textmill.pipeline.extraction.learning import Learner
from textmill.pipeline.extraction.measures import WORDS
from textmill.pipeline.extraction.model import Model
from textmill.pipeline.extraction.nodes import HINT, HINT_END, PARENT
from textmill.pipeline.extraction.noscript import without_noscript
from textmill.pipeline.extraction.pen import CHARS, FROM, IN_NODE, TO
from textmill.pipeline.extraction.second import ALL_FEATURES, fill_second, threshold
from textmill.pipeline.extraction.sums import sum_up
from textmill.pipeline.extraction.tokenizer import Tokens

Floats: TypeAlias = npt.NDArray[np.float32]

_MIN_ORACLE: Final = 0.6
"""Word-F1 that the best choice of blocks must reach; below it the known text is not of this page as we have it."""
_BASE: Final = 0.35  # share of a page's text that is main content, about
_PRIOR: Final = 3.0  # pages without any hint of an author's, to be outweighed by those with it


@dataclass(frozen=True)
class Example:
    """A page with known text. groups: what the report tells apart, such as its collection and language.

    A page whose known text is empty is not learnt from; it has an extracted text all the same.
    """

    html: bytes
    """UTF-8; see `decoding`."""
    known: str
    domain: str
    groups: tuple[str, ...] = ()
    weight: float = 1.0


@dataclass(frozen=True)
class _Page:
    """An example taken apart. labels: float32, by block, the share that is known."""

    example: Example
    tokens: Tokens
    layout: Layout
    measures: Floats
    labels: Floats
    fold: int
    is_usable: bool


@dataclass(frozen=True)
class Trained:
    """What training gives.

    scores: float64, word-F1 of each example, from models that saw none of its domain; nan for those without a block.
    expected: float64, what the model expected it to be. texts: what was extracted.
    """

    model: Model
    scores: npt.NDArray[np.float64]
    expected: npt.NDArray[np.float64]
    texts: Sequence[str]
    usable: int

    def first(self, count: int) -> "Trained":
        """The same, of the first examples alone."""
        return replace(self, scores=self.scores[:count], expected=self.expected[:count], texts=self.texts[:count])


def train(
    examples: Iterable[Example], *, folds: int = 4, trees: tuple[int, int] = (120, 160), seed: int = 0
) -> Trained:
    """Train both stages on all examples, and on all but those of each fold for the report."""
    room = _Rooms()
    pages = [_take_apart(example, folds, room) for example in examples]
    fold = np.array([page.fold for page in pages])
    hints = [_weigh_hints([page for page in pages if page.fold != k]) for k in range(folds)]
    sizes = np.array([len(page.labels) for page in pages])
    of_page = np.repeat(np.arange(len(pages)), sizes)
    table = np.concatenate([_features(page, hints[page.fold], room) for page in pages])
    labels = np.concatenate([page.labels for page in pages])
    weights = np.concatenate([_block_weights(page) for page in pages])
    learner = Learner(table, labels > 0.5, weights, fold[of_page], seed)
    first, likely = learner.stage(FEATURES, trees[0], folds)
    ends = np.cumsum(sizes)
    for page, end, size in zip(pages, ends, sizes, strict=True):
        _fill_second(page, table[end - size : end], likely[end - size : end], hints[page.fold], room)
    second, likely = learner.stage(ALL_FEATURES, trees[1], folds)
    results = [_score(page, likely[end - size : end], room) for page, end, size in zip(pages, ends, sizes, strict=True)]
    found, expected, texts = zip(*results, strict=True)
    model = Model(_weigh_hints(pages), first, second)
    return Trained(model, np.array(found), np.array(expected), texts, sum(page.is_usable for page in pages))


class _Rooms:
    """One room that grows with the pages that it meets."""

    def __init__(self) -> None:
        self._size = (0, 0)
        self.of((1 << 18, 1 << 14))

    def of(self, size: tuple[int, int]) -> Any:
        if size[0] > self._size[0] or size[1] > self._size[1]:
            self._size = (max(size[0], 2 * self._size[0]), max(size[1], 2 * self._size[1]))
            self._room = new_room(*self._size)
        return self._room


def _size(html: bytes) -> tuple[int, int]:
    return len(html), html.count(b"<")


def _take_apart(example: Example, folds: int, rooms: _Rooms) -> _Page:
    room = rooms.of(_size(example.html))
    data = np.frombuffer(example.html, np.uint8)
    tokens, layout, measures = describe(data, tables(), np.zeros(HINTS, np.float32), room)
    opened = without_noscript(example.html, tokens, len(layout.text))
    if opened is not None:  # what extraction sees of such a page, since all that it finds is less than all there is
        return _take_apart(replace(example, html=opened), folds, rooms)
    layout = Layout._make([array.copy() for array in layout])
    texts = block_texts(layout)
    labels = align(texts, example.known)
    kept = [text for text, label in zip(texts, labels, strict=True) if label > 0.5]
    is_usable = word_f1("\n".join(kept), example.known) > _MIN_ORACLE
    fold = zlib.crc32(example.domain.encode()) % folds
    return _Page(example, Tokens._make([array.copy() for array in tokens]), layout, measures, labels, fold, is_usable)


def block_texts(layout: Layout) -> list[str]:
    """The text of each block, without marks."""
    text = layout.text.tobytes()
    spans = layout.blocks[:, [FROM, TO]].tolist()
    return [text[start:end].translate(None, b"\1\2").decode("utf-8", "replace") for start, end in spans]


def word_f1(found: str, known: str) -> float:
    """F1 of the multiset of words; letters are words in scripts without spaces."""
    ours, theirs = _counts(found), _counts(known)
    same = sum(min(count, theirs.get(word, 0)) for word, count in ours.items())
    return 2 * same / max(1, sum(ours.values()) + sum(theirs.values()))


def _counts(text: str) -> dict[str, int]:
    counts: dict[str, int] = {}
    for word in words_of(text):
        counts[word] = counts.get(word, 0) + 1
    return counts


def _weigh_hints(pages: Sequence[_Page]) -> Floats:
    """By hint, the logarithm of how the odds of main content change in an element that has it."""
    shares, seen = np.zeros(HINTS), np.zeros(HINTS)
    for page in pages:
        if not page.is_usable:
            continue
        nodes, blocks = page.layout.nodes, page.layout.blocks
        kept, all_ = np.zeros(len(nodes)), np.zeros(len(nodes))
        chars = np.maximum(blocks[:, CHARS], 1) * (page.labels >= 0)
        np.add.at(kept, blocks[:, IN_NODE], chars * (page.labels > 0.5))
        np.add.at(all_, blocks[:, IN_NODE], chars)
        for node in range(len(nodes) - 1, 0, -1):
            kept[nodes[node, PARENT]] += kept[node]
            all_[nodes[node, PARENT]] += all_[node]
        totals: dict[int, list[float]] = {}
        for node in np.flatnonzero(all_).tolist():
            for hint in set(page.layout.hints[nodes[node, HINT] : nodes[node, HINT_END]].tolist()):
                total = totals.setdefault(hint, [0.0, 0.0])
                total[0] += kept[node]
                total[1] += all_[node]
        for hint, (inside, whole) in totals.items():
            shares[hint] += page.example.weight * inside / whole
            seen[hint] += page.example.weight
    share = np.clip((shares + _PRIOR * _BASE) / (seen + _PRIOR), 0.01, 0.99)
    worth = np.log(share / (1 - share)) - np.log(_BASE / (1 - _BASE))
    worth[seen == 0] = 0
    return np.asarray(worth.astype(np.float16), np.float32)


def _features(page: _Page, hints: Floats, rooms: _Rooms) -> Floats:
    """The table of a page's blocks, the second stage's columns empty."""
    room = rooms.of(_size(page.example.html))
    known = tables()
    data = np.frombuffer(page.example.html, np.uint8)
    describe(data, known, hints, room)
    table: Floats = room.scratch.table[: len(page.labels)].copy()
    table[:, FEATURES:] = 0
    return table


def _fill_second(page: _Page, table: Floats, likely: Floats, hints: Floats, rooms: _Rooms) -> None:
    scratch = rooms.of(_size(page.example.html)).scratch
    sum_up(page.layout, page.measures, hints, scratch)
    scratch.first[: len(likely)] = likely
    fill_second(page.layout, scratch)
    table[:, FEATURES:] = scratch.table[: len(likely), FEATURES:]


def _block_weights(page: _Page) -> Floats:
    """Weights so that every page counts the same: what matters is the mean over pages."""
    words = np.maximum(page.measures[:, WORDS], 0.5) ** 0.7
    own = max(20.0, float(words[page.labels > 0.5].sum()))
    return np.asarray(words / own * 30 * (page.labels >= 0) * page.is_usable * page.example.weight, np.float32)


def _score(page: _Page, likely: Floats, rooms: _Rooms) -> tuple[float, float, str]:
    if not len(likely):
        return 0.0, 0.0, ""
    scratch = rooms.of(_size(page.example.html)).scratch
    sum_up(page.layout, page.measures, np.zeros(HINTS, np.float32), scratch)
    limit, expected = threshold(likely, page.measures[:, WORDS])
    data = np.frombuffer(page.example.html, np.uint8)
    kept = choose(page.layout, page.measures, likely, limit, TABLES)
    source = Source(data, page.tokens, page.layout, scratch.sums, kept)
    text = assemble(source, TABLES).tobytes().decode("utf-8", "replace")
    return word_f1(text, page.example.known), expected, text
