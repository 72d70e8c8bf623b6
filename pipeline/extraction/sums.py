"""What the elements of a page hold, summed up the tree, and what their classes and ids are worth."""

from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from textmill.pipeline.extraction.layout import Layout
from textmill.pipeline.extraction.measures import COMMAS, SENTENCES, STOPS, UNSPACED_LETTERS, WORDS
from textmill.pipeline.extraction.nodes import HINT, HINT_END, MAX_NODES, PARENT, SIGNATURE
from textmill.pipeline.extraction.pen import CHARS, IN_NODE, LINK_CHARS, MAX_BLOCKS
from textmill.pipeline.kernels import kernel, part

Int32s: TypeAlias = npt.NDArray[np.int32]
Int64s: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float32]

# Columns of sums: float32, a row a node.
SUM_CHARS: Final = 0
SUM_LINKED: Final = 1
SUM_WORDS: Final = 2
SUM_BLOCKS: Final = 3
SUM_PARAGRAPHS: Final = 4
"""Characters outside links in blocks that read like prose."""
SUM_STOPS: Final = 5
SCORE: Final = 6
"""What paragraphs give to the element that they are in and to those above, as in Readability."""
ON_PATH: Final = 7
"""1 for the element with the best score and all that it is in."""
SUM_LIKELY: Final = 8
"""Characters times probability by the first stage."""
SUMS: Final = 9

# Columns of the worth of hints: float32, a row a node; sums of the logarithms of odds of single words.
OWN_WORST: Final = 0
OWN_BEST: Final = 1
OWN: Final = 2
PATH_WORST: Final = 3
PATH_BEST: Final = 4
PATH: Final = 5
"""Of all elements that it is in, the farther the less."""
WORTHS: Final = 6
_FADING: Final = np.float32(0.7)

GROUPS: Final = 1 << 14
"""Elements of the same name and class make a group, known by their signature modulo this.

Columns of groups: float32, how many elements, their characters, their paragraphs.
"""


class Scratch(NamedTuple):
    """Room for what is computed of a page. sums, worths: float32, by node. groups: float32, (16384, 3)."""

    sums: Floats
    worths: Floats
    groups: Floats
    table: Floats
    first: Floats
    second: Floats


def new_scratch(opening: int, features: int) -> Scratch:
    """Room for a page with as many "<", and a table of features for its blocks."""
    nodes, blocks = min(opening + 1, MAX_NODES), min(2 * opening + 2, MAX_BLOCKS)
    return Scratch(
        np.zeros((nodes, SUMS), np.float32),
        np.zeros((nodes, WORTHS), np.float32),
        np.zeros((GROUPS, 3), np.float32),
        np.zeros((blocks, features), np.float32),
        np.zeros(blocks, np.float32),
        np.zeros(blocks, np.float32),
    )


class Whole(NamedTuple):
    """Sums over the page: characters, those in links, words, stop words, paragraphs and their characters; the node with
    the best score.
    """

    chars: float
    linked: float
    words: float
    stops: float
    paragraphs: float
    prose: float
    top: int


@part
def group_of(nodes: Int64s, node: int) -> int:
    """The group of elements that this one belongs to."""
    return int(nodes[node, SIGNATURE] & (GROUPS - 1))


@part
def is_paragraph(block: Int32s, measures: Floats) -> bool:
    """Whether a block reads like prose: 60 characters outside links, and signs of sentences."""
    if block[CHARS] - block[LINK_CHARS] < 60 or measures[SENTENCES] == 0:
        return False
    return bool(measures[STOPS] >= 3 or measures[UNSPACED_LETTERS] > 10 or measures[COMMAS] > 0)


@kernel
def sum_up(layout: Layout, measures: Floats, weights: Floats, scratch: Scratch) -> Whole:
    """Fill sums, worths and groups. weights: float32, by hint, what it is worth."""
    nodes, blocks, sums = layout.nodes, layout.blocks, scratch.sums
    count = len(nodes)
    sums[:count] = 0
    _weigh_hints(nodes, layout.hints, weights, scratch.worths)
    paragraphs = prose = 0.0
    for number in range(len(blocks)):
        block, own, node = blocks[number], measures[number], blocks[number, IN_NODE]
        into = sums[node]
        into[SUM_CHARS] += block[CHARS]
        into[SUM_LINKED] += block[LINK_CHARS]
        into[SUM_WORDS] += own[WORDS]
        into[SUM_STOPS] += own[STOPS]
        into[SUM_BLOCKS] += 1
        if is_paragraph(block, own):
            chars = block[CHARS] - block[LINK_CHARS]
            paragraphs += 1
            prose += chars
            into[SUM_PARAGRAPHS] += chars
            score = 1 + own[COMMAS] + min(chars / 100, 4.0)
            parent = nodes[node, PARENT]
            sums[node, SCORE] += score / 2
            sums[parent, SCORE] += score
            if parent > 0:
                sums[nodes[parent, PARENT], SCORE] += score / 2
    for node in range(count - 1, 0, -1):
        parent = nodes[node, PARENT]
        for column in range(SUM_STOPS + 1):
            sums[parent, column] += sums[node, column]
    _group(nodes, sums, scratch.groups)
    top = _mark_best(nodes, sums)
    root = sums[0]
    return Whole(root[SUM_CHARS], root[SUM_LINKED], root[SUM_WORDS], root[SUM_STOPS], paragraphs, prose, top)


@part
def _weigh_hints(nodes: Int64s, hints: Int32s, weights: Floats, worths: Floats) -> None:
    for node in range(len(nodes)):
        worst = best = np.float32(0)
        for hint in hints[nodes[node, HINT] : nodes[node, HINT_END]]:
            worst, best = min(worst, weights[hint]), max(best, weights[hint])
        own, above = worths[node], worths[nodes[node, PARENT]]
        own[OWN_WORST], own[OWN_BEST], own[OWN] = worst, best, worst + best
        if node:
            own[PATH_WORST], own[PATH_BEST] = min(above[PATH_WORST], worst), max(above[PATH_BEST], best)
            own[PATH] = _FADING * above[PATH] + worst + best
        else:
            own[PATH_WORST], own[PATH_BEST], own[PATH] = worst, best, worst + best


@part
def _group(nodes: Int64s, sums: Floats, groups: Floats) -> None:
    for node in range(len(nodes)):
        groups[group_of(nodes, node)] = 0
    for node in range(len(nodes)):
        group = groups[group_of(nodes, node)]
        group[0] += 1
        group[1] += sums[node, SUM_CHARS]
        group[2] += sums[node, SUM_PARAGRAPHS]


@part
def _mark_best(nodes: Int64s, sums: Floats) -> int:
    """The node of the best score, less where links are; it and what it is in are marked ON_PATH."""
    top, best = 0, np.float32(-1)
    for node in range(len(nodes)):
        score = sums[node, SCORE] * (1 - sums[node, SUM_LINKED] / max(np.float32(1), sums[node, SUM_CHARS]))
        if score > best:
            top, best = node, score
    node = top
    sums[node, ON_PATH] = 1
    while node > 0:
        node = nodes[node, PARENT]
        sums[node, ON_PATH] = 1
    return top
