"""Slow, obvious twin of the kernels that lay a page out: its tree, its blocks, what its attributes say."""

import codecs
import html
import re
from dataclasses import dataclass, field
from html.entities import html5

import naive_extraction
from naive_hints import COMMENT_WORDS, WORD_ATTRIBUTES, attributes_of, hints_of, href

from textmill.pipeline.extraction import nodes as flag
from textmill.pipeline.extraction.tags import BLOCK, BREAK, KINDS, LINK, NAMES, ROOT, RULE
from textmill.pipeline.extraction.tokenizer import END, RAW_TEXT, START, TEXT
from textmill.pipeline.kernels.unicode import UNSPACED, unicode_tables

ELEMENT_FLAGS = {
    name: bit
    for names, bit in {
        "nav menu": flag.NAV,
        "aside": flag.ASIDE,
        "footer": flag.FOOTER,
        "header": flag.HEADER,
        "form": flag.FORM,
        "article": flag.ARTICLE,
        "main": flag.MAIN,
        "figure figcaption": flag.FIGURE,
        "table": flag.TABLE,
        "ul ol": flag.LIST,
        "blockquote": flag.QUOTE,
        "pre listing": flag.PRE,
        "button": flag.BUTTON,
        "dl": flag.DEFINITIONS,
    }.items()
    for name in names.split()
}
NO_UTF_8 = "\udc80"
codecs.register_error("drop_short", lambda e: ("\ufffd" if e.end - e.start > 2 else NO_UTF_8, e.end))

_REFERENCE = re.compile(r"&#[xX][0-9a-fA-F]+;?|&#[0-9]+;?|&[A-Za-z0-9]{1,32};?|.", re.DOTALL)


@dataclass(eq=False)
class Node:
    """A block element. hints: numbers of the words of its attributes. kind: its name and class."""

    tag: str
    parent: "Node | None" = None
    token: int = 0
    flags: int = 0
    hints: list[int] = field(default_factory=list)
    kind: bytes = b""
    children: int = 0

    @property
    def depth(self) -> int:
        return self.parent.depth + 1 if self.parent else 0


@dataclass
class Block:
    """A block of text with marks. joined: whether one line break divides it from the one before."""

    node: Node
    joined: bool
    first_link: int
    text: str = ""
    size: int = 0
    linked: int = 0
    bold: int = 0
    breaks: int = 0
    anchors: int = 0
    headings: int = 0


def read_attributes(node: Node, tag: bytes) -> None:
    """Add what a start tag says of its element."""
    node.kind = re.match(rb"[^\x00-\x20/]*", tag)[0].lower()
    for name, value in attributes_of(tag):
        is_hiding = re.search(rb"display[\x00-\x20]*:[\x00-\x20]*none", value, re.IGNORECASE)
        if name == "hidden" or (name == "aria-hidden" and value[:1].lower() == b"t") or (name == "style" and is_hiding):
            node.flags |= flag.HIDDEN
        elif name in WORD_ATTRIBUTES and len(value) < 400:
            node.hints += hints_of(value, WORD_ATTRIBUTES[name])
            if name == "class":
                node.kind += value
            if name in ("class", "id"):
                words = re.findall(rb"[A-Za-z]+", re.sub(rb"([a-z])(?=[A-Z])", rb"\1 ", value))
                if any(word.decode().lower() in COMMENT_WORDS for word in words):
                    node.flags |= flag.COMMENT


def letters(text: bytes) -> list[tuple[str, str]]:
    """What each character or reference stands for, and itself."""
    found = []
    for piece in _REFERENCE.findall(text.decode("utf-8", "drop_short")):
        meaning = html.unescape(piece)
        parts = [meaning] if html5.get(piece[1:]) == meaning else list(meaning) or [""]
        found += [("" if part == NO_UTF_8 else part, piece) for part in parts]
    return found


def is_invisible(letter: str) -> bool:
    return letter[:1] in ("", "\u00ad", "\ufeff") or "\x7f" <= letter[0] < "\xa0"


class Writer:
    """Takes a page apart, token by token. links: tokens of their start tags. title: its span."""

    def __init__(self, page: bytes) -> None:
        self.page = page
        self.nodes = [Node("")]
        self.open = [self.nodes[0]]
        self.blocks: list[Block] = []
        self.links: list[int] = []
        self.title = (0, 0)
        self.excess = self.link_depth = self.headings = self.bold = 0
        self.link: int | None = None
        self.is_marked = False
        self.first_link = 0
        self.saw_body = False
        self.begin()
        self.tokens = naive_extraction.tokens(page)
        for number, token in enumerate(self.tokens):
            self.take(number, *token)
        self.end_block()

    def begin(self, *, joined: bool = False) -> None:
        self.block = Block(self.open[-1], joined, self.first_link)
        self.has_space, self.line_breaks = False, 0

    def take(self, number: int, kind: int, tag: int, start: int, end: int) -> None:
        text = self.page[start:end]
        if kind == TEXT:
            (self.verbatim if self.open[-1].flags & flag.PRE else self.prose)(text)
        elif kind == START:
            self.start_tag(number, NAMES[tag], text)
        elif kind == END:
            self.end_tag(NAMES[tag])
        elif kind == RAW_TEXT and NAMES[tag] == "title" and not self.title[1]:
            self.title = (start, end)

    def start_tag(self, number: int, name: str, tag: bytes) -> None:
        kind = KINDS[NAMES.index(name)]
        if kind in (BLOCK, RULE, ROOT):
            self.end_block()
        if kind == BLOCK:
            self.bold = 0
            self.headings += name == "h1"
            if name != "-" or not tag.endswith(b"/"):
                self.push(number, name, tag)
        elif kind == LINK:
            self.block.anchors += 1
            self.end_link()
            if href(tag):
                self.link, self.link_depth = number, len(self.open)
        elif kind == BREAK:
            self.line_breaks += 1
        elif name == "body" and not self.saw_body and len(self.nodes) == 1:
            self.saw_body = True
            body = Node("body")
            read_attributes(body, tag)
            self.nodes[0].hints = body.hints
        self.bold += name in ("b", "strong")

    def end_tag(self, name: str) -> None:
        kind = KINDS[NAMES.index(name)]
        if kind == LINK:
            self.end_link()
        elif kind in (BLOCK, ROOT):
            self.end_block()
        if kind == BREAK:
            self.line_breaks += 1
        if kind == BLOCK:
            self.bold = 0
            if self.excess:
                self.excess -= 1
            else:
                self.settle(self.open[: self.closed_by(name)])
        if name in ("b", "strong"):
            self.bold = max(0, self.bold - 1)

    def push(self, number: int, name: str, tag: bytes) -> None:
        stay = self.open[: self.open_before(name)]
        if len(stay) == flag.MAX_DEPTH + 1:
            self.excess += 1
            return
        parent = stay[-1]
        node = Node(name, parent, number, parent.flags | ELEMENT_FLAGS.get(name, 0))
        parent.children += 1
        read_attributes(node, tag)
        self.nodes.append(node)
        self.settle([*stay, node])

    def open_before(self, name: str) -> int:
        """How many elements stay open when this one opens."""
        stay = len(self.open)
        if self.open[-1].tag == "p" and name != "button":
            stay -= 1
        ended, walls = {
            "li": ({"li"}, {"ul", "ol", "menu", "dl", "td", "th", "table", "nav"}),
            "dt": ({"dt", "dd"}, {"ul", "ol", "menu", "dl", "td", "th", "table", "nav"}),
            "dd": ({"dt", "dd"}, {"ul", "ol", "menu", "dl", "td", "th", "table", "nav"}),
            "tr": ({"tr"}, {"table"}),
            "td": ({"td", "th"}, {"table", "tr"}),
            "th": ({"td", "th"}, {"table", "tr"}),
        }.get(name, (set(), set()))
        for level in reversed(range(1, stay)):
            if self.open[level].tag in ended:
                return level
            if not ended or self.open[level].tag in walls:
                break
        return stay

    def closed_by(self, name: str) -> int:
        """How many elements stay open after this end tag; no cell is left by the end of what is no part of tables."""
        for level in reversed(range(1, len(self.open))):
            if self.open[level].tag == name:
                return level
            if name not in ("table", "tr", "td", "th") and self.open[level].tag in ("td", "th", "table"):
                break
        return len(self.open)

    def settle(self, stack: list[Node]) -> None:
        self.open = stack
        self.block.node = stack[-1]
        if len(stack) < self.link_depth:
            self.link_depth = 0
            self.end_link()

    def end_link(self) -> None:
        self.end_mark()
        self.link = None

    def end_mark(self) -> None:
        if self.is_marked:
            self.block.text += "\2"
        self.is_marked = False

    def end_block(self, *, joined: bool = False) -> None:
        if self.block.size:
            self.end_mark()
            self.block.headings = self.headings
            self.blocks.append(self.block)
            self.first_link = len(self.links)
        self.begin(joined=joined)

    def prose(self, text: bytes) -> None:
        """Text where white space is only what divides words."""
        shown = text.lstrip(bytes(range(33)))
        self.has_space |= shown != text
        if not shown:
            return
        self.break_line()
        size = 0
        for letter, piece in letters(shown):
            if piece <= " " or letter.isspace():
                self.has_space = True
            elif letter > " " and not is_invisible(letter):
                if self.has_space and self.block.size + size:
                    self.block.text += " "
                self.has_space = False
                if self.link is not None and not self.is_marked:
                    self.block.text += "\1"
                    self.links.append(self.link)
                    self.is_marked = True
                self.block.text += letter
                size += 2 if is_unspaced(letter) else 1
        self.count(size)

    def break_line(self) -> None:
        """One line break is a new line; several, or one after much text, a new block."""
        breaks, self.line_breaks = self.line_breaks, 0
        if not breaks or not self.block.size:
            return
        if breaks > 1 or self.block.size > 300:
            self.end_block(joined=breaks == 1)
        else:
            self.block.text += "\n"
            self.has_space = False
            self.block.breaks += 1

    def verbatim(self, text: bytes) -> None:
        """Text where white space stays."""
        if self.block.size:
            self.block.text += "\n" * self.line_breaks
        self.line_breaks, self.has_space = 0, False
        size, all_ = 0, letters(text)
        for number, (meaning, _) in enumerate(all_):
            letter = meaning
            if letter == "\r":
                letter = "" if number + 1 < len(all_) and all_[number + 1][1] == "\n" else "\n"
            if is_invisible(letter) or (letter < " " and letter not in "\t\n"):
                continue
            if letter.isspace() and letter > " ":
                letter = " "
            if letter == "\n" and not self.block.size + size:
                self.block.text = ""
                continue
            self.block.text += letter
            size += not letter.isspace()
        self.count(size)

    def count(self, size: int) -> None:
        self.block.size += size
        self.block.linked += size if self.link is not None else 0
        self.block.bold += size if self.bold else 0


def is_unspaced(letter: str) -> bool:
    return bool(unicode_tables().classes[ord(letter[0])] & UNSPACED)
