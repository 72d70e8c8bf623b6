"""Brings texts into a common form before they are compared, so that trifles do not hide a duplicate."""

import unicodedata
from functools import cache
from typing import Final, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from textmill.pipeline.arrow import text_buffers
from textmill.pipeline.kernels import kernel
from textmill.pipeline.kernels.unicode import CODE_POINTS, SPACE, decode, unicode_tables

Bytes: TypeAlias = npt.NDArray[np.uint8]
Offsets: TypeAlias = npt.NDArray[np.int64]
Codes: TypeAlias = npt.NDArray[np.int32]

Variant: TypeAlias = Literal["none", "whitespace", "lowercase", "letters"]

_BLANK: Final = 0x20
_NOTHING: Final = -1


def normalize(column: pa.Array, variant: Variant) -> pa.Array:
    """The texts of a string column in a common form, as a new column; nulls stay null.

    none: as they are.
    whitespace: runs of white space (``str.isspace``) become one space, none at either end.
    lowercase: whitespace, and in lower case (one code point for one, ς as σ).
    letters: lowercase, and without diacritics (NFD less Mn); a digit is ``0``, every other code
    point that is neither letter nor mark counts as white space, invisible ones (Cf) as nothing.

    Where a text is not UTF-8, U+FFFD stands in, as with ``bytes.decode("utf-8", "replace")``.
    """
    if variant == "none":
        return column
    data, offsets, valid = text_buffers(column)
    out, out_offsets = _fold_texts(data, offsets, _fold_table(variant))
    mask = None if valid.all() else pa.py_buffer(np.packbits(valid, bitorder="little"))
    buffers = [mask, pa.py_buffer(out_offsets), pa.py_buffer(out)]
    return pa.Array.from_buffers(pa.large_string(), len(column), buffers)


@cache
def _fold_table(variant: Variant) -> Codes:
    """What stands for each code point: another, a space, or nothing."""
    tables = unicode_tables()
    fold = np.arange(CODE_POINTS, dtype=np.int32)
    if variant == "letters":
        fold = np.fromiter(map(_bare_letter, map(chr, fold)), np.int32, CODE_POINTS)
    if variant != "whitespace":
        cased = (fold >= 0) & (fold < len(tables.lower))
        fold[cased] = tables.lower[fold[cased]]
    fold[(tables.classes & SPACE) > 0] = _BLANK
    return fold


def _bare_letter(char: str) -> int:
    base = [c for c in unicodedata.normalize("NFD", char) if unicodedata.category(c) != "Mn"]
    if not base:
        return _NOTHING
    if len(base) == 1:  # else a syllable of Hangul, or the like: it stays whole
        char = base[0]
    kind = unicodedata.category(char)
    if kind == "Cf":
        return _NOTHING
    if kind == "Nd":
        return ord("0")
    return ord(char) if kind[0] in "LM" else _BLANK


@kernel
def _fold_texts(data: Bytes, offsets: Offsets, fold: Codes) -> tuple[Bytes, Offsets]:
    """Each text with its code points folded and its spaces collapsed: UTF-8 bytes and offsets from 0."""
    out = np.empty((offsets[-1] - offsets[0]) * 3, np.uint8)  # at worst each byte becomes U+FFFD
    out_offsets = np.zeros(offsets.size, np.int64)
    at = 0
    for i in range(offsets.size - 1):
        begin, gap = at, False
        j, stop = offsets[i], offsets[i + 1]
        while j < stop:
            if data[j] < 0x80:  # spares most text a call, and doubles the speed
                code, j = fold[data[j]], j + 1
            else:
                code, j = decode(data, j, stop)
                code = fold[code]
            if code == _BLANK:
                gap = at > begin
            elif code != _NOTHING:
                if gap:
                    out[at] = _BLANK
                    at += 1
                    gap = False
                at = _encode(code, out, at)
        out_offsets[i + 1] = at
    return out[:at], out_offsets


@kernel
def _encode(code: np.int32, out: Bytes, at: int) -> int:
    """Write a code point as UTF-8; returns where the next goes."""
    if code < 0x80:
        out[at] = code
        return at + 1
    if code < 0x800:
        out[at] = 0xC0 | (code >> 6)
    elif code < 0x10000:
        out[at] = 0xE0 | (code >> 12)
        out[at + 1] = 0x80 | ((code >> 6) & 0x3F)
        at += 1
    else:
        out[at] = 0xF0 | (code >> 18)
        out[at + 1] = 0x80 | ((code >> 12) & 0x3F)
        out[at + 2] = 0x80 | ((code >> 6) & 0x3F)
        at += 2
    out[at + 1] = 0x80 | (code & 0x3F)
    return at + 2
