"""Where a block of text stands: in which list, table, quotation, heading or listing."""

from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from textmill.pipeline.extraction.nodes import CHILDREN, H1, H6, LI, PARENT, TABLE_TAG, TAG, TD, TH, TR
from textmill.pipeline.extraction.pen import CHARS, IN_NODE
from textmill.pipeline.extraction.sums import SUM_BLOCKS, SUM_CHARS
from textmill.pipeline.extraction.tags import number_of
from textmill.pipeline.kernels import part, wide

Int32s: TypeAlias = npt.NDArray[np.int32]
Int64s: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float32]

# Columns of a place: int64; nodes are given by number, 0 for none.
LEVEL: Final = 0
"""Of the heading, 1 to 6; 0 for none."""
LISTING: Final = 1
"""The preformatted element."""
ITEM: Final = 2
"""The list item."""
LIST_DEPTH: Final = 3
OUTER_LIST: Final = 4
ORDERED: Final = 5
QUOTES: Final = 6
"""How many quotations it is in."""
CELL: Final = 7
ROW: Final = 8
DATA_TABLE: Final = 9
"""The table, if it shows data; none for a table that only lays out the page."""
PLACE: Final = 10

_PRE: Final = number_of("pre")
_LISTING: Final = number_of("listing")
_UL: Final = number_of("ul")
_OL: Final = number_of("ol")
_QUOTE: Final = number_of("blockquote")
_MAX_ITEM_BLOCKS: Final = 6
_MAX_ITEM_CHARS: Final = 1500
_MAX_CELL_CHARS: Final = 150


@part
def data_tables(nodes: Int64s, sums: Floats) -> npt.NDArray[np.bool_]:
    """Which nodes are tables of data: no table in them, two rows of several cells, little in a cell on average."""
    count = len(nodes)
    rows, cells = np.zeros(count, np.int32), np.zeros(count, np.int32)
    nested, of_data = np.zeros(count, np.bool_), np.zeros(count, np.bool_)
    owner = np.zeros(count, np.int32)  # the innermost table that a node is or is in
    for node in range(1, count):
        above = owner[nodes[node, PARENT]]
        owner[node] = above
        if nodes[node, TAG] == TABLE_TAG:
            nested[above] = True
            owner[node] = node
        elif nodes[node, TAG] == TR:
            rows[above] += nodes[node, CHILDREN] > 1
        elif nodes[node, TAG] in (TD, TH):
            cells[above] += 1
    for node in range(1, count):
        if nodes[node, TAG] == TABLE_TAG and not nested[node] and rows[node] > 1:
            of_data[node] = sums[node, SUM_CHARS] <= _MAX_CELL_CHARS * cells[node]
    return of_data


@part
def whole_tables(nodes: Int64s, blocks: Int32s, of_data: npt.NDArray[np.bool_], kept: npt.NDArray[np.bool_]) -> None:
    """Keep all cells of a table of data where more than half of its characters are kept, else none of them."""
    owner, balance = np.zeros(len(nodes), np.int32), np.zeros(len(nodes), np.int64)
    for node in range(1, len(nodes)):
        owner[node] = node if of_data[node] else owner[nodes[node, PARENT]]
    for number in range(len(blocks)):
        chars = wide(blocks[number, CHARS])
        balance[owner[blocks[number, IN_NODE]]] += chars if kept[number] else -chars
    for number in range(len(blocks)):
        table = owner[blocks[number, IN_NODE]]
        if table:
            kept[number] = balance[table] > 0


@part
def find_place(nodes: Int64s, sums: Floats, of_data: npt.NDArray[np.bool_], node: int, place: Int64s) -> None:
    """Write the place of a block that stands in `node`."""
    place[:] = 0
    cell = row = 0
    while node > 0:
        tag = nodes[node, TAG]
        if H1 <= tag <= H6 and place[LEVEL] == 0:
            place[LEVEL] = tag - H1 + 1
        elif tag in (_PRE, _LISTING):
            place[LISTING] = node
        elif tag == LI and place[ITEM] == 0 and _is_short(sums, node):
            place[ITEM] = node
        elif tag in (_UL, _OL) and place[ITEM]:
            place[ORDERED] = tag == _OL if place[LIST_DEPTH] == 0 else place[ORDERED]
            place[LIST_DEPTH] += 1
            place[OUTER_LIST] = node
        elif tag == _QUOTE:
            place[QUOTES] += 1
        elif tag in (TD, TH) and not cell:
            cell = node
        elif tag == TR and not row:
            row = node
        elif tag == TABLE_TAG and place[DATA_TABLE] == 0 and of_data[node]:
            place[CELL], place[ROW], place[DATA_TABLE] = cell, row, node
        node = nodes[node, PARENT]


@part
def _is_short(sums: Floats, item: int) -> bool:
    """Whether a list item is one, and not an article in a list of articles."""
    return bool(sums[item, SUM_BLOCKS] <= _MAX_ITEM_BLOCKS and sums[item, SUM_CHARS] <= _MAX_ITEM_CHARS)
