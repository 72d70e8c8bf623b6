"""Slow, obvious twin of the kernels that tell the trees of blocks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from naive_assembly import HEADINGS, elements_around
from naive_hints import seeded_key
from naive_layout import Block, Node, Writer
from naive_measures import Measures, measure, title_keys

from textmill.pipeline.extraction import nodes as flag
from textmill.pipeline.extraction.tags import NAMES

FAR = 999
Row = dict[str, float]


def share(part: float, whole: float) -> float:
    return part / max(1.0, whole)


@dataclass(eq=False)
class Sums:
    """What an element holds, all in it included; what its hints are worth."""

    chars: int = 0
    linked: int = 0
    words: float = 0
    stops: int = 0
    blocks: int = 0
    prose: int = 0
    score: np.float32 = field(default_factory=lambda: np.float32(0))
    likely: float = 0
    worth: tuple[float, float, float] = (0, 0, 0)
    path: tuple[float, float, float] = (0, 0, 0)


class Page:
    """A page and all that its features are made of. weights: what each hint is worth."""

    def __init__(self, laid: Writer, weights: Sequence[float]) -> None:
        self.laid, self.blocks = laid, laid.blocks
        title = title_keys(laid)
        self.measures = [measure(block.text, title) for block in laid.blocks]
        self.sums = {node: Sums() for node in laid.nodes}
        self.number = {node: number for number, node in enumerate(laid.nodes)}
        for node in laid.nodes:
            self.weigh(node, weights)
        for block, own in zip(laid.blocks, self.measures, strict=True):
            self.add(block, own)
        self.whole = self.sums[laid.nodes[0]]
        standing = [
            float(s.score) * (1 - np.float32(s.linked) / np.float32(max(1, s.chars))) for s in self.sums.values()
        ]
        self.top = laid.nodes[int(np.argmax(standing))]
        self.on_path = {self.top, *elements_around(self.top), laid.nodes[0]}

    def up(self, node: Node) -> Node:
        return node.parent or node

    def weigh(self, node: Node, weights: Sequence[float]) -> None:
        own, above = self.sums[node], self.sums[self.up(node)]
        values = [float(weights[hint]) for hint in node.hints]
        worst, best = min([0.0, *values]), max([0.0, *values])
        own.worth = (worst, best, worst + best)
        own.path = own.worth
        if node.parent:
            own.path = (min(above.path[0], worst), max(above.path[1], best), 0.7 * above.path[2] + worst + best)

    def add(self, block: Block, own: Measures) -> None:
        is_prose = self.is_prose(block, own)
        for node in [*elements_around(block.node), self.laid.nodes[0]]:
            sums = self.sums[node]
            sums.chars += block.size
            sums.linked += block.linked
            sums.words += own.words
            sums.stops += own.stops
            sums.blocks += 1
            sums.prose += block.size - block.linked if is_prose else 0
        if is_prose:
            score = 1 + own.commas + min((block.size - block.linked) / 100, 4.0)
            parent = self.up(block.node)
            self.sums[block.node].score += np.float32(score / 2)
            self.sums[parent].score += np.float32(score)
            if parent.parent:
                self.sums[parent.parent].score += np.float32(score / 2)

    @staticmethod
    def is_prose(block: Block, own: Measures) -> bool:
        is_long = block.size - block.linked >= 60 and own.sentences > 0
        return is_long and (own.stops >= 3 or own.unspaced > 10 or own.commas > 0)

    def group(self, node: Node) -> list[Node]:
        """Elements of the same name and class."""
        return [other for other in self.laid.nodes if group_key(other) == group_key(node)]

    def features(self) -> list[Row]:
        """The first stage's, by name, a row a block."""
        rows = [self.of_itself(block, own) for block, own in zip(self.blocks, self.measures, strict=True)]
        for number, row in enumerate(rows):
            before = list(zip(self.blocks, self.measures, strict=True))[:number]
            prose = sum(block.size - block.linked for block, own in before if self.is_prose(block, own))
            row.update(self.place(self.blocks[number].node) | self.above(self.blocks[number]))
            row.update(
                index=number,
                index_share=number / len(rows),
                chars_before=share(sum(block.size for block, _ in before), self.whole.chars),
                prose_before=share(prose, self.whole.prose),
            )
        for number, row in enumerate(rows):
            row.update(self.near(rows, number) | self.comments(number))
        return rows

    def of_itself(self, block: Block, own: Measures) -> Row:
        paragraphs = sum(self.is_prose(b, m) for b, m in zip(self.blocks, self.measures, strict=True))
        return {
            "chars": block.size,
            "words": own.words,
            "linked": share(block.linked, block.size),
            "anchors": block.anchors,
            "stops": share(own.stops, own.words),
            "commas": own.commas,
            "sentences": own.sentences,
            "digits": share(own.digits, block.size),
            "capitalized": share(own.capitalized, own.words),
            "word_chars": block.size / max(1.0, own.words),
            "unspaced": share(own.unspaced, block.size),
            "title_share": share(own.title_words, own.words),
            "title_words": own.title_words,
            "last": own.last,
            "first": own.first,
            "breaks": block.breaks,
            "bold": share(block.bold, block.size),
            "headings": block.headings,
            "joined": block.joined,
            "page_blocks": len(self.blocks),
            "page_chars": self.whole.chars,
            "page_linked": share(self.whole.linked, self.whole.chars),
            "page_prose": self.whole.prose,
            "page_prose_share": share(self.whole.prose, self.whole.chars),
            "page_paragraphs": paragraphs,
            "page_stops": share(self.whole.stops, self.whole.words),
        }

    def place(self, node: Node) -> Row:
        parent = self.up(node)
        grand = self.up(parent)
        return {
            "tag": NAMES.index(node.tag or "?"),
            "parent_tag": NAMES.index(parent.tag or "?"),
            "grandparent_tag": NAMES.index(grand.tag or "?"),
            "depth": node.depth,
            **{f"flag_{bit}": node.flags >> bit & 1 for bit in range(flag.FLAGS)},
            "hints": self.sums[node].worth[2],
            "parent_hints": self.sums[parent].worth[2],
            "grandparent_hints": self.sums[grand].worth[2],
            "great_hints": self.sums[self.up(grand)].worth[2],
            "hints_worst": self.sums[node].path[0],
            "hints_best": self.sums[node].path[1],
            "hints_path": self.sums[node].path[2],
        }

    def above(self, block: Block) -> Row:
        """What the elements hold that it is in, and those like them."""
        row: Row = {}
        above = node = block.node
        for level in range(4):
            above = self.up(above)
            sums = self.sums[above]
            row |= {
                f"above_{level}_chars": sums.chars,
                f"above_{level}_linked": share(sums.linked, sums.chars),
                f"above_{level}_prose_share": share(sums.prose, self.whole.prose),
                f"above_{level}_blocks": sums.blocks,
                f"above_{level}_children": above.children,
                f"above_{level}_stops": share(sums.stops, sums.words),
            }
        for level in range(3):
            group = self.group(node)
            row |= {
                f"group_{level}_size": len(group),
                f"group_{level}_chars": share(sum(self.sums[other].chars for other in group), len(group)),
                f"group_{level}_prose_share": share(sum(self.sums[other].prose for other in group), self.whole.prose),
            }
            node = self.up(node)
        common = next(n for n in [*elements_around(block.node), self.laid.nodes[0]] if n in self.on_path)
        top = self.sums[self.top]
        return row | {
            "below_top": self.top.depth - common.depth,
            "above_top": block.node.depth - common.depth,
            "top_prose": share(top.prose, self.whole.prose),
            "top_share": share(max(1, block.size), top.chars),
        }

    def near(self, rows: Sequence[Row], number: int) -> Row:
        headings = {NAMES.index(name) for name in HEADINGS}
        places = [at for at, row in enumerate(rows) if row["tag"] in headings]
        row: Row = {
            "since_heading": min([number - at for at in places if at <= number], default=FAR + number),
            "to_heading": min([at - number for at in places if at > number], default=FAR + len(rows) - 1 - number),
            "tag_after": rows[number + 1]["tag"] if number + 1 < len(rows) else -1,
            "tag_before": rows[number - 1]["tag"] if number else -1,
            "same_before": self.kinship(number, number - 1),
            "same_after": self.kinship(number, number + 1),
        }
        for name, other in (
            *(("2_before", number - 2), ("1_before", number - 1)),
            *(("1_after", number + 1), ("2_after", number + 2)),
        ):
            for what in ("chars", "linked", "stops"):
                row[f"near_{name}_{what}"] = rows[other][what] if 0 <= other < len(rows) else -1
        window = self.blocks[max(0, number - 5) : number + 6]
        chars = sum(block.size for block in window)
        return row | {"window_chars": chars, "window_linked": share(sum(block.linked for block in window), chars)}

    def kinship(self, number: int, other: int) -> int:
        if not 0 <= other < len(self.blocks):
            return 0
        node, sibling = self.blocks[number].node, self.blocks[other].node
        return 1 if node is sibling else 2 * (self.up(node) is self.up(sibling))

    def comments(self, number: int) -> Row:
        inside = [bool(block.node.flags & flag.COMMENT) for block in self.blocks]
        prose = [self.is_prose(*pair) for pair in zip(self.blocks, self.measures, strict=True)]
        sizes = [block.size for block in self.blocks]
        first = inside.index(True) if any(inside) else len(inside)
        return {
            "comment": inside[number],
            "page_comments": share(sum(s for s, i in zip(sizes, inside, strict=True) if i), self.whole.chars),
            "outside_comments": sum(s for s, i, p in zip(sizes, inside, prose, strict=True) if p and not i),
            "comments_before": number - first,
            "prose_outside": sum(p and not i for i, p in zip(inside[:number], prose[:number], strict=True)),
            "top_in_comments": bool(self.top.flags & flag.COMMENT),
        }

    def second(self, likely: Sequence[float]) -> list[Row]:
        """What the second stage is told besides; likely: the first stage's probabilities."""
        return [self.of_likely(likely, number) for number in range(len(likely))]

    def of_likely(self, likely: Sequence[float], number: int) -> Row:
        count, sizes = len(likely), [block.size for block in self.blocks]
        chosen = [at for at, value in enumerate(likely) if value > 0.5]
        chars = sum(p * size for p, size in zip(likely, sizes, strict=True))
        before = sum(p * size for p, size in zip(likely[:number], sizes[:number], strict=True))
        own = likely[number] * sizes[number]

        def at(other: int) -> float:
            return likely[other] if 0 <= other < count else -1

        def mean(where: Mapping[int, int] | Sequence[int]) -> float:
            return sum(likely[i] * sizes[i] for i in where) / (1 + sum(sizes[i] for i in where))

        node, above = self.blocks[number].node, {}
        for level in range(5):
            others = [i for i, b in enumerate(self.blocks) if node in [*elements_around(b.node), self.laid.nodes[0]]]
            above[f"likely_above_{level}"] = self.mean_without(likely, others, number)
            node = self.up(node)
        key = group_key(self.blocks[number].node)
        alike = [i for i, block in enumerate(self.blocks) if group_key(block.node) == key]
        return above | {
            "likely": likely[number],
            "likely_1_before": at(number - 1),
            "likely_2_before": at(number - 2),
            "likely_1_after": at(number + 1),
            "likely_2_after": at(number + 2),
            "likely_before": mean(range(max(0, number - 6), number)),
            "likely_after": mean(range(number + 1, min(count, number + 7))),
            "likely_group": self.mean_without(likely, alike, number),
            "best_of_page": max(likely),
            "likely_chars": chars,
            "likely_blocks": len(chosen),
            "since_first": number - (chosen[0] if chosen else count),
            "to_last": (chosen[-1] if chosen else -1) - number,
            "share_before": share(before + own / 2, chars),
            "share": share(own, chars),
        }

    def mean_without(self, likely: Sequence[float], among: Sequence[int], number: int) -> float:
        """Mean probability of a character of the other blocks; -1 where there is none."""
        others = [i for i in among if i != number]
        chars = sum(self.blocks[i].size for i in others)
        return sum(likely[i] * self.blocks[i].size for i in others) / chars if chars else -1


def group_key(node: Node) -> int:
    return seeded_key(node.kind, 0) % 16384 if node.parent else 0


def best_choice(likely: Sequence[float], words: Sequence[float]) -> tuple[float, float]:
    """The best expected word-F1 of all choices of the likeliest blocks, and the words of that choice."""
    order = sorted(range(len(likely)), key=lambda i: -likely[i])
    expected = sum(p * w for p, w in zip(likely, words, strict=True))
    found = [sum(likely[i] * words[i] for i in order[:count]) for count in range(len(order) + 1)]
    kept = [sum(words[i] for i in order[:count]) for count in range(len(order) + 1)]
    return max((2 * f / max(1e-9, k + expected), k) for f, k in zip(found, kept, strict=True))
