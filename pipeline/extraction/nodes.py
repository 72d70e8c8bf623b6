"""The tree of a page's block elements, grown tag by tag with the ends that authors leave out.

Inline elements are no nodes. No element opens deeper than `MAX_DEPTH`: what is below belongs to the one at that depth.
Likewise nothing opens beyond `MAX_NODES` elements. So every loop up the tree is short and memory is bounded.
"""

from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from textmill.pipeline.extraction.tags import NAMES, number_of
from textmill.pipeline.kernels import part

Int32s: TypeAlias = npt.NDArray[np.int32]
Int64s: TypeAlias = npt.NDArray[np.int64]

MAX_DEPTH: Final = 250
MAX_NODES: Final = 1 << 18

NAV: Final = 1 << 0
ASIDE: Final = 1 << 1
FOOTER: Final = 1 << 2
HEADER: Final = 1 << 3
FORM: Final = 1 << 4
ARTICLE: Final = 1 << 5
MAIN: Final = 1 << 6
HIDDEN: Final = 1 << 7
FIGURE: Final = 1 << 8
TABLE: Final = 1 << 9
LIST: Final = 1 << 10
QUOTE: Final = 1 << 11
PRE: Final = 1 << 12
BUTTON: Final = 1 << 13
DEFINITIONS: Final = 1 << 14
FLAGS: Final = 15
"""How many flags there are above; an element has those of all elements that it is in."""
COMMENT: Final = 1 << 16
"""A section of readers' comments, by its class or id."""

_FLAG_OF: Final = np.zeros(len(NAMES), np.int64)
for _names, _flag in (
    ("nav menu", NAV),
    ("aside", ASIDE),
    ("footer", FOOTER),
    ("header", HEADER),
    ("form", FORM),
    ("article", ARTICLE),
    ("main", MAIN),
    ("figure figcaption", FIGURE),
    ("table", TABLE),
    ("ul ol", LIST),
    ("blockquote", QUOTE),
    ("pre listing", PRE),
    ("button", BUTTON),
    ("dl", DEFINITIONS),
):
    for _name in _names.split():
        _FLAG_OF[number_of(_name)] = _flag

P: Final = number_of("p")
LI: Final = number_of("li")
DT: Final = number_of("dt")
DD: Final = number_of("dd")
TR: Final = number_of("tr")
TD: Final = number_of("td")
TH: Final = number_of("th")
TABLE_TAG: Final = number_of("table")
H1: Final = number_of("h1")
H6: Final = number_of("h6")
BUTTON_TAG: Final = number_of("button")
_LISTS: Final = tuple(number_of(name) for name in ("ul", "ol", "menu", "dl", "td", "th", "table", "nav"))


# Columns of a table of nodes: int64, a row a block element in the order of the start tags; the first is the page.
PARENT: Final = 0
"""The number of the element that it is in; of the first, its own."""
TAG: Final = 1
DEPTH: Final = 2
FLAG: Final = 3
"""Flags, see above."""
TOKEN: Final = 4
"""Its start tag."""
SIGNATURE: Final = 5
"""Equal for elements of the same name and class."""
HINT: Final = 6
"""The first of its own hints among the page's (words of class, id, role)."""
HINT_END: Final = 7
CHILDREN: Final = 8
NODE_COLUMNS: Final = 9


@part
def add_node(nodes: Int64s, number: int, parent: int, tag: int, token: int) -> None:
    """Write node `number`; flags and hints of its own are added later."""
    nodes[number] = 0
    nodes[number, PARENT] = parent
    nodes[number, TAG] = tag
    nodes[number, DEPTH] = nodes[parent, DEPTH] + 1
    nodes[number, FLAG] = nodes[parent, FLAG] | _FLAG_OF[tag]
    nodes[number, TOKEN] = token
    nodes[parent, CHILDREN] += 1


@part
def depth_before(nodes: Int64s, stack: Int32s, depth: int, tag: int) -> int:
    """How deep the stack of open elements is when this one opens: those that it ends are gone.

    stack: numbers of the open nodes up to ``stack[depth]``, the page itself first.
    """
    if depth > 0 and nodes[stack[depth], TAG] == P and tag != BUTTON_TAG:
        depth -= 1
    if tag in (LI, DT, DD):
        for level in range(depth, 0, -1):
            other = nodes[stack[level], TAG]
            if (tag == LI and other == LI) or (tag != LI and other in (DT, DD)):
                return level - 1
            if other in _LISTS:
                break
    elif tag in (TR, TD, TH):
        for level in range(depth, 0, -1):
            other = nodes[stack[level], TAG]
            if (tag == TR and other == TR) or (tag != TR and other in (TD, TH)):
                return level - 1
            if other == TABLE_TAG or (tag != TR and other == TR):
                break
    return depth


@part
def depth_after(nodes: Int64s, stack: Int32s, depth: int, tag: int) -> int:
    """How deep the stack is after this end tag: as before where no such element is open in the same cell."""
    of_table = tag in (TABLE_TAG, TR, TD, TH)
    for level in range(depth, 0, -1):
        other = nodes[stack[level], TAG]
        if other == tag:
            return level - 1
        if not of_table and other in (TD, TH, TABLE_TAG):
            break
    return depth
