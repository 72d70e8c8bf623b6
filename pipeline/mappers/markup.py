"""How many tags a page has and how deep its elements nest, told from its bytes before anything parses it.

Parsers pay for depth: libxml2 drops what lies below level 255, resiliparse takes quadratic time.
"""

from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from textmill.pipeline.kernels import kernel

Bytes: TypeAlias = npt.NDArray[np.uint8]
Ints: TypeAlias = npt.NDArray[np.int64]

_NAME_BYTES: Final = 8
_VOID: Final = 1
_RAW: Final = 2
_FORMATTING: Final = 3
_FOREIGN: Final = 4
_CONTAINER: Final = 5
_ITEM: Final = 6  # and above: a number for each group of items
_P: Final = 6

_TAGS: Final = {
    "area base basefont bgsound br col command embed frame hr img input keygen link meta param source track wbr": _VOID,
    "iframe noembed noframes script style textarea title xmp": _RAW,
    "a b big code em font i nobr s small span strike strong tt u": _FORMATTING,
    "math svg": _FOREIGN,
    "dir dl menu ol select table ul": _CONTAINER,
    "p": _P,
    "li": 7,
    "dd dt": 8,
    "td th": 9,
    "tr": 10,
    "tbody tfoot thead": 11,
    "option": 12,
    "optgroup": 13,
}
"""Elements that are more than something with a start and an end tag.

Void ones hold nothing; raw ones hold no markup; the end tag of a formatting element leaves open what
was opened inside it; in foreign ones "/>" ends an element; an item ends the one before it, of the same
group, in its container, whatever is open in there.
"""


def _packed(name: str) -> int:
    """The first eight bytes of a tag's name as one integer, as `_name` reads them."""
    return int.from_bytes(name.encode()[:_NAME_BYTES], "big")


_KIND_OF: Final = sorted((_packed(name), kind) for names, kind in _TAGS.items() for name in names.split())
_NAMES: Final = np.array([name for name, _ in _KIND_OF], np.int64)
_KINDS: Final = np.array([kind for _, kind in _KIND_OF], np.int64)


def tags_and_depth(markup: bytes, limit: int) -> tuple[int, int]:
    """The number of "<", and of elements open at once at the deepest point, counted up to ``limit + 1``.

    The depth is an estimate from the tags alone: on 96 % of 5,000 real pages within 1 of the parsed
    tree's. Work is bounded by the bytes, plus `limit` for each tag.
    """
    data = np.frombuffer(markup, np.uint8)
    tags = np.flatnonzero(data == ord("<"))
    return len(tags), _depth(data, tags, limit, _NAMES, _KINDS)


@kernel
def _depth(data: Bytes, tags: Ints, limit: int, names: Ints, kinds: Ints) -> int:
    """`tags`: where each "<" stands."""
    stack = np.empty((2, limit + 1), np.int64)  # names and kinds of the open elements
    depth = deepest = at = 0
    while at < len(tags) and deepest <= limit:
        start = tags[at] + 1
        at += 1
        if start == len(data):
            break
        if data[start] == ord("!"):
            at = int(np.searchsorted(tags, _after_comment(data, start + 1)))
        elif data[start] == ord("/"):
            name, _ = _name(data, start + 1)
            depth = _close(stack, depth, name)
        elif _is_letter(data[start]):
            name, end = _name(data, start)
            kind = _kind(name, names, kinds)
            if kind == _RAW:
                at = _after_raw(data, tags, at, name)
            elif kind != _VOID and not _ends_itself(data, end, kind, stack[1, :depth]):
                depth = _place(stack[1, :depth], kind)
                stack[0, depth] = name
                stack[1, depth] = kind
                depth += 1
                deepest = max(deepest, depth)
    return deepest


@kernel
def _place(kinds: Ints, kind: int) -> int:
    """The depth at which an element of this kind opens: an item, in the place of the one before it."""
    for level in range(len(kinds) - 1, -1, -1):
        if kind < _ITEM or kinds[level] == _CONTAINER or kinds[level] == _FOREIGN:
            break
        if kinds[level] == kind:
            return level
        if kind == _P and kinds[level] != _FORMATTING:
            break
    return len(kinds)


@kernel
def _close(stack: Ints, depth: int, name: int) -> int:
    """Depth after an end tag: as before where nothing of that name is open."""
    for level in range(depth - 1, -1, -1):
        if stack[0, level] == name:
            if stack[1, level] != _FORMATTING:
                return level
            stack[:, level : depth - 1] = stack[:, level + 1 : depth].copy()
            return depth - 1
    return depth


@kernel
def _ends_itself(data: Bytes, end: int, kind: int, kinds: Ints) -> bool:
    """Whether a start tag in foreign content, its name ending at `end`, is closed by "/>"."""
    if kind != _FOREIGN and _FOREIGN not in kinds:
        return False
    while end < len(data) and data[end] != ord(">") and data[end] != ord("<"):
        end += 1
    return end < len(data) and data[end] == ord(">") and data[end - 1] == ord("/")


@kernel
def _name(data: Bytes, start: int) -> tuple[int, int]:
    """The tag's name from `start`, lowercased and packed, and where it ends."""
    name, end = 0, start
    while end < len(data) and data[end] > ord(" ") and not _is_delimiter(data[end]):
        if end < start + _NAME_BYTES:
            is_upper = ord("A") <= data[end] <= ord("Z")
            name = (name << 8) | (int(data[end]) + 32 * is_upper)
        end += 1
    return name, end


@kernel
def _is_delimiter(byte: int) -> bool:
    # "<" ends no tag's name in HTML; here it must, or "<a<a<a…" would take quadratic time.
    return byte == ord("/") or byte == ord(">") or byte == ord("<")


@kernel
def _kind(name: int, names: Ints, kinds: Ints) -> int:
    at = np.searchsorted(names, name)
    return int(kinds[at]) if at < len(names) and names[at] == name else 0


@kernel
def _is_letter(byte: int) -> bool:
    return ord("a") <= byte <= ord("z") or ord("A") <= byte <= ord("Z")


@kernel
def _after_raw(data: Bytes, tags: Ints, at: int, name: int) -> int:
    """The index in `tags` behind the end tag of a raw element; the end of `tags` without one."""
    while at < len(tags):
        start = tags[at] + 1
        at += 1
        if start < len(data) and data[start] == ord("/") and _name(data, start + 1)[0] == name:
            break
    return at


@kernel
def _after_comment(data: Bytes, start: int) -> int:
    """Where markup goes on after "<!": behind the "-->" or "--!>" of a comment, else at once."""
    if start + 1 >= len(data) or data[start] != ord("-") or data[start + 1] != ord("-"):
        return start
    for at in range(start, len(data) - 2):
        if data[at] == ord("-") and data[at + 1] == ord("-"):
            if data[at + 2] == ord(">"):
                return at + 3
            if at + 3 < len(data) and data[at + 2] == ord("!") and data[at + 3] == ord(">"):
                return at + 4
    return len(data)
