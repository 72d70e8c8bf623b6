"""Slow, obvious twin of the kernels that write kept blocks as text; see `pipeline/extraction/assembly.py`."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from naive_hints import href
from naive_layout import Block, Node, Writer

from textmill.pipeline.extraction.assembly import LINKS, MARKDOWN, TABLES

HEADINGS = ["h1", "h2", "h3", "h4", "h5", "h6"]


@dataclass
class Place:
    """Where a block stands. item, listing, table …: the element, if it is in one."""

    level: int
    listing: Node | None
    item: Node | None
    lists: list[Node]
    quotes: int
    table: Node | None
    row: Node | None
    cell: Node | None


def elements_around(node: Node) -> Iterator[Node]:
    """An element and those that it is in, from the innermost; not the page itself."""
    while node.parent:
        yield node
        node = node.parent


def blocks_in(page: Writer, node: Node) -> list[Block]:
    return [block for block in page.blocks if node in elements_around(block.node)]


def innermost(around: Sequence[Node], *tags: str) -> Node | None:
    return next((node for node in around if node.tag in tags), None)


def place_of(page: Writer, block: Block) -> Place:
    around = list(elements_around(block.node))
    heading = innermost(around, *HEADINGS)
    listings = [node for node in around if node.tag in ("pre", "listing")]
    item = next((node for node in around if node.tag == "li" and is_item(page, node)), None)
    beyond = around[around.index(item) :] if item else []
    table = next((node for node in around if node.tag == "table" and shows_data(page, node)), None)
    inside = around[: around.index(table)] if table else []
    return Place(
        level=HEADINGS.index(heading.tag) + 1 if heading else 0,
        listing=listings[-1] if listings else None,
        item=item,
        lists=[node for node in beyond if node.tag in ("ul", "ol")],
        quotes=sum(node.tag == "blockquote" for node in around),
        table=table,
        row=innermost(inside, "tr"),
        cell=innermost(inside, "td", "th"),
    )


def is_item(page: Writer, item: Node) -> bool:
    """A list item, and not an article in a list of articles."""
    blocks = blocks_in(page, item)
    return len(blocks) <= 6 and sum(block.size for block in blocks) <= 1500


def shows_data(page: Writer, table: Node) -> bool:
    """Two rows of several cells, little in a cell, and no table in it."""
    inside = [node for node in page.nodes[1:] if node is not table and table in elements_around(node)]
    rows = sum(node.tag == "tr" and node.children > 1 for node in inside)
    cells = sum(node.tag in ("td", "th") for node in inside)
    chars = sum(block.size for block in blocks_in(page, table))
    return all(node.tag != "table" for node in inside) and rows > 1 and chars <= 150 * cells


def is_shown(page: Writer, number: int, place: Place, kept: Sequence[bool]) -> bool:
    """Whether a block is kept; of a table of data all or none are, as the most characters are."""
    if not place.table:
        return kept[number]
    cells = [at for at, block in enumerate(page.blocks) if place.table in elements_around(block.node)]
    return sum(page.blocks[at].size for at in cells if kept[at]) * 2 > sum(page.blocks[at].size for at in cells)


def written(page: Writer, kept: Sequence[bool], options: int) -> str:
    """The kept blocks as text. options: MARKDOWN, LINKS and TABLES, or-ed."""
    shown = []
    for number, block in enumerate(page.blocks):
        place = place_of(page, block)
        if is_shown(page, number, place, kept) and not (place.table and not options & TABLES):
            shown.append((number, block, place))
    text = ""
    quotes = 0  # of the line that is being written
    for at, (number, block, place) in enumerate(shown):
        last, before = shown[at - 1][::2] if at else (None, None)
        is_next_line = last == number - 1 and block.joined
        now = place.quotes if options & MARKDOWN else 0
        if before is None:
            text += "> " * now
        elif place.table and place.row is before.row and place.table is before.table:
            text += " " if place.cell is before.cell else " | "
        else:
            close = is_next_line or is_close(before, place)
            if not close or before.listing is not place.listing:
                text += ending(before, options, quotes)
            elif before.table and before.row is not place.row and options & MARKDOWN:
                text += " |"
            quotes = min(quotes, now)
            text += ("\n" + "> " * quotes) * (1 if close else 2) + "> " * (now - quotes)
        if before is None or not (place.table and place.row is before.row and place.table is before.table):
            quotes = now
        if not is_next_line:
            text += beginning(page, before, place, options, quotes)
        line_end = " " if place.table else "\n" + "> " * quotes
        text += contents(page, block, options).replace("\n", line_end)
    return text + ending(shown[-1][2], options, quotes) if shown else ""


def is_close(before: Place, place: Place) -> bool:
    """Whether only a line end divides two blocks: lines of one listing, items of one list, rows of one table."""
    outer, outer_before = place.lists[-1:], before.lists[-1:]
    return bool(
        (place.listing and place.listing is before.listing)
        or (outer and outer_before and outer[0] is outer_before[0])
        or (place.table and place.table is before.table)
    )


def beginning(page: Writer, before: Place | None, place: Place, options: int, quotes: int) -> str:
    """The marks of a row, an item, a heading or a listing that begins."""
    is_markdown = bool(options & MARKDOWN)
    if place.table:
        is_same_row = before and before.row is place.row and before.table is place.table
        return "| " if is_markdown and not is_same_row else ""
    text = ""
    if place.item:
        text += "  " * (len(place.lists) - 1)
        if before and before.item is place.item:
            text += "  "
        elif is_markdown and place.lists and place.lists[0].tag == "ol":
            items = [node for node in page.nodes if node.tag == "li" and node.parent is place.item.parent]
            text += f"{items.index(place.item) + 1}. "
        else:
            text += "- "
    if is_markdown and place.level:
        text += "#" * place.level + " "
    if is_markdown and place.listing and not (before and before.listing is place.listing):
        text += "```\n" + "> " * quotes
    return text


def ending(before: Place, options: int, quotes: int) -> str:
    """What ends a listing or a row."""
    if options & MARKDOWN and before.listing:
        return "\n" + "> " * quotes + "```"
    return " |" if options & MARKDOWN and before.table else ""


def contents(page: Writer, block: Block, options: int) -> str:
    """A block's text, its links marked or not."""
    targets = iter(page.links[block.first_link :])

    def mark(match: re.Match[str]) -> str:
        target = target_of(page, next(targets))
        return f"[{match[1]}]({target})" if options & LINKS else match[1]

    return re.sub("\1([^\2]*)\2", mark, block.text.rstrip("\t\n "))


def target_of(page: Writer, token: int) -> str:
    start, end = page.tokens[token][2:]
    target = href(page.page[start:end]).replace(b"&amp;", b"&")
    return "".join("" if byte <= 32 else chr(byte) if byte < 128 else f"%{byte:02X}" for byte in target)
