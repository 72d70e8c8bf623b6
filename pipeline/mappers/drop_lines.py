"""`drop_lines`: lines that say nothing, by pattern, phrase or the characters they are made of."""

import re
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, field_validator

from textmill.pipeline import schema
from textmill.pipeline.arrow import Bools, bools, replace_text, set_column
from textmill.pipeline.kernels.lines import Lines
from textmill.pipeline.step import Mapper
from textmill.pipeline.text import Text, text_of

_NEWLINE: Final = np.uint8(ord("\n"))
_SPACES: Final = r"\s\pZ\x0b\x{1c}-\x{1f}\x{85}"
"""Whitespace as ``str.isspace`` has it, for RE2."""


class DropLines(Mapper):
    """Drop lines, and leave all others as they are, blank ones too. A text may be left empty."""

    patterns: tuple[str, ...] = Field(
        (), description="lines in which one of these RE2 patterns is found; ^ and $ anchor"
    )
    phrases: tuple[str, ...] = Field((), description="lines in which one of these stands, character for character")
    characters: str = Field("|", description="lines of nothing but these and spaces, as tables leave them")
    ignore_case: bool = Field(False, description="patterns and phrases match in any case")

    @field_validator("patterns")
    @classmethod
    def _none_matches_all(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in patterns:
            try:
                matches_nothing = pc.match_substring_regex(pa.scalar(""), pattern).as_py()
            except pa.ArrowInvalid as error:
                raise ValueError(f"{pattern!r}: {error}") from error
            if matches_nothing:
                raise ValueError(f"{pattern!r} is found in every line, or in blank ones, which stay")
        return patterns

    @field_validator("phrases")
    @classmethod
    def _none_is_empty(cls, phrases: tuple[str, ...]) -> tuple[str, ...]:
        if "" in phrases:
            raise ValueError("an empty phrase stands in every line")
        return phrases

    def rewrite(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """A line is judged without the whitespace around it, and goes with its newline."""
        column = batch.column(schema.TEXT)
        text = text_of(column)
        lines = text.lines()
        dropped = self._drops(text, lines)
        if not dropped.any():
            return batch
        data, offsets = _without(text, lines.start[dropped])
        return set_column(batch, schema.TEXT, replace_text(column, data, offsets))

    def _drops(self, text: Text, lines: Lines) -> Bools:
        found = np.zeros(len(lines.start), np.bool_)
        if len(found) == 0:
            return found
        # Lines and what lies between them, by turns, are one Arrow column over the same bytes.
        borders = np.stack([lines.start, lines.stop], axis=1).ravel()
        pieces = pa.LargeStringArray.from_buffers(len(borders) - 1, pa.py_buffer(borders), pa.py_buffer(text.data))
        for pattern in self._all_patterns():
            found |= bools(pc.match_substring_regex(pieces, pattern, ignore_case=self.ignore_case))[::2]
        return found

    def _all_patterns(self) -> list[str]:
        residue = [rf"\A[{re.escape(self.characters)}{_SPACES}]+\z"] if self.characters else []
        return [*self.patterns, *map(re.escape, self.phrases), *residue]


def _without(text: Text, inside: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """The bytes and offsets of documents less the lines, with their newlines, in which the given bytes stand."""
    start, end = text.offsets[0], text.offsets[-1]
    ends = np.union1d(np.flatnonzero(text.data[start:end] == _NEWLINE) + start + 1, text.offsets)  # of all lines
    which = np.searchsorted(ends, inside, "right")
    keeps = np.ones(end - start, np.bool_)
    for begin, stop in zip((ends[which - 1] - start).tolist(), (ends[which] - start).tolist(), strict=True):
        keeps[begin:stop] = False
    kept = np.concatenate([[0], np.cumsum(keeps)])
    return text.data[start:end][keeps], kept[text.offsets - start]
