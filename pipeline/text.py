"""Words and lines of a text column, found once for all steps of a chain that look at the same documents.

A process remembers the documents that it was last asked about. Whoever then asks about some of them in the
same order, as the step after one that dropped rows does, gets what is known of them. Documents are known
by their bytes: nothing can be out of date and nobody passes anything on.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from textmill.pipeline.arrow import text_buffers
from textmill.pipeline.kernels.documents import find_in_order
from textmill.pipeline.kernels.lines import Lines, Spans, join_paragraphs, read_lines, split_lines
from textmill.pipeline.kernels.words import Words, split_words

Part = TypeVar("Part", Words, Lines, Spans)


@dataclass(frozen=True, eq=False)
class Text:
    """Documents as UTF-8 bytes and n + 1 offsets into them, and what is known of them."""

    data: npt.NDArray[np.uint8]
    offsets: npt.NDArray[np.int64]
    _known: dict[str, Any] = field(default_factory=dict)

    def words(self, *, by_spaces_only: bool = False) -> Words:
        """Their words, as `kernels.words.split_words` has them."""
        name = "words by spaces" if by_spaces_only else "words"
        return self._find(name, lambda: split_words(self.data, self.offsets, by_spaces_only=by_spaces_only))

    def lines(self) -> Lines:
        """Where their lines are."""
        return self._find("lines", lambda: split_lines(self.data, self.offsets))

    def line_texts(self) -> Spans:
        """What their lines say."""
        return self._find("line texts", lambda: read_lines(self.data, self.lines()))

    def paragraphs(self) -> Spans:
        """What their paragraphs say."""
        return self._find("paragraphs", lambda: join_paragraphs(self.data, self.lines(), self.line_texts()))

    def _find(self, name: str, find: Callable[[], Part]) -> Part:
        if name not in self._known:
            self._known[name] = find()
        part: Part = self._known[name]
        return part

    def known_of(self, other: "Text") -> "Text | None":
        """`other` with all that is known of its documents, or None unless all are among these, in this order."""
        rows = find_in_order(self.data, self.offsets, other.data, other.offsets)
        if len(rows) < len(other.offsets) - 1:
            return None
        if len(rows) == len(self.offsets) - 1:
            return self
        moved = other.offsets[:-1] - self.offsets[rows]
        return Text(other.data, other.offsets, {name: _pick(part, rows, moved) for name, part in self._known.items()})


def text_of(column: pa.Array) -> Text:
    """The documents of a string column; a null one is empty. Raises TypeError for other columns.

    `data` may be other memory than the column's, with the same documents in it.
    """
    data, offsets, _ = text_buffers(column)
    text = Text(data, offsets)
    for recent in _RECENT:
        text = recent.known_of(text) or text
    _RECENT[:] = [text]
    return text


_RECENT: Final[list[Text]] = []
"""The last text asked for, if there was any; it lives until the next."""


def _pick(part: Part, rows: npt.NDArray[np.int64], moved: npt.NDArray[np.int64]) -> Part:
    """What `part` has on some documents, whose bytes have moved so much."""
    counts = np.diff(part.first)
    picked = np.zeros(len(counts), np.bool_)
    picked[rows] = True
    items = np.repeat(picked, counts)
    first = np.concatenate([[0], np.cumsum(counts[rows])])
    columns = {name: column[items] for name, column in part._asdict().items() if name != "first"}
    if isinstance(part, Lines):
        shift = np.repeat(moved, counts[rows])
        columns |= {name: column + shift for name, column in columns.items()}
    return part._replace(first=first, **columns)
