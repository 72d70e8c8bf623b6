"""Brings texts into the form that a kenlm model was trained on: one sentence a document, or one a line.

``cc_net`` is the text normalisation of CCNet (Wenzek et al., arXiv 1911.00359; `text_normalizer.normalize` in its
code): strip, lower case, no accents (NFD less Mn), digits as 0, Unicode punctuation as ASCII, no control characters.
Newlines are control characters, so that the last word of a line and the first of the next become one; a
SentencePiece model is meant to follow.

``words`` is the same for models of words: white space of any kind separates words, and every punctuation mark and
symbol is a word, as is every letter of the scripts that are written without spaces.

``none`` leaves text that is tokenised already, but for what kenlm cannot read: a NUL becomes a space.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import chain
from typing import Final, Literal, NamedTuple, TypeAlias, overload

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from textmill.pipeline.arrow import text_buffers
from textmill.pipeline.kernels import kernel
from textmill.pipeline.kernels.lines import split_at_newlines, split_lines
from textmill.pipeline.kernels.unicode import CODE_POINTS, REPLACEMENT, UNSPACED, decode, unicode_tables

Normalization: TypeAlias = Literal["cc_net", "words", "none"]
Unit: TypeAlias = Literal["document", "line"]
Bytes: TypeAlias = npt.NDArray[np.uint8]
Integers: TypeAlias = npt.NDArray[np.int64]

_ITSELF: Final = np.uint8(255)
_BLANK: Final = np.uint8(0x20)
_ALONE: Final = np.uint8(1)
_CONTEXT: Final = np.uint8(2)
_GAP: Final = np.uint8(128)  # no byte of ASCII
_SIGMA: Final = 0x3A3
_SPACES: Final = (0x00, 0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x20)
"""What kenlm splits words at, and the NUL at which it would stop reading."""
_PUNCTUATION: Final = {
    **dict.fromkeys("„”“«»」「《》", '"'),
    **dict(zip("´’，、∶：–━►。？！（）；～％〈〉【】", "'',,::---.?!();~%<>[]", strict=True)),
    "—": " - ",
    "．": ". ",
    "…": "...",
}


class Sentences(NamedTuple):
    """The sentences of a column that have a word; those of document i stand at ``first[i]:first[i + 1]``.

    first: int64, length n + 1. texts: each sentence in UTF-8. words: int64, how many words kenlm sees in each.
    """

    first: Integers
    texts: Sequence[bytes]
    words: Integers


class _Texts(Sequence[bytes]):
    """Stretches of a buffer, each copied when it is asked for: memory just used is still in the cache."""

    def __init__(self, data: Bytes, start: Integers, stop: Integers, instead: dict[int, bytes]) -> None:
        self._data, self._bounds, self._instead = data.data, (start.tolist(), stop.tolist()), instead

    def __len__(self) -> int:
        return len(self._bounds[0])

    @overload
    def __getitem__(self, at: int) -> bytes: ...
    @overload
    def __getitem__(self, at: slice) -> list[bytes]: ...
    def __getitem__(self, at: int | slice) -> bytes | list[bytes]:
        if isinstance(at, slice):
            return [self[k] for k in range(*at.indices(len(self)))]
        start, stop = self._bounds
        return self._instead[at] if at in self._instead else bytes(self._data[start[at] : stop[at]])


def read_sentences(column: pa.Array, normalize: Normalization, unit: Unit = "document") -> Sentences:
    """The sentences of a text column. A null has none; what is not UTF-8 becomes U+FFFD."""
    data, offsets, _ = text_buffers(column)
    collapse = normalize != "cc_net"
    if unit == "line":
        first, start, stop = split_lines(data, offsets)
    elif collapse:
        first, start, stop = np.arange(len(offsets)), offsets[:-1], offsets[1:]
    else:  # the same without the white space around it
        first, start, stop = split_at_newlines(data, offsets, np.iinfo(np.int64).max, strip=True)
    form = _form(normalize)
    out, bounds, words, doubtful = _prepare(data, start, stop, form, collapse)
    resolved = {}
    for k in np.flatnonzero(doubtful):
        again = _resolve(data[start[k] : stop[k]].tobytes())
        again_out, _, again_words, _ = _prepare(again, np.array([0]), np.array([len(again)]), form, collapse)
        resolved[k], words[k] = again_out.tobytes(), again_words[0]
    has_words = words > 0
    place = np.concatenate([[0], np.cumsum(has_words)])
    instead = {int(place[k]): text for k, text in resolved.items() if has_words[k]}
    texts = _Texts(out, bounds[:-1][has_words], bounds[1:][has_words], instead)
    return Sentences(place[first], texts, words[has_words])


def _resolve(text: bytes) -> Bytes:
    """A text in which what depends on neighbours is done: in lower case and decomposed, marks in order."""
    lower = text.decode("utf-8", "replace").lower()
    return np.frombuffer(unicodedata.normalize("NFD", lower).encode(), np.uint8)


class _Form(NamedTuple):
    """What stands for each code point.

    kinds: uint8, flags `_ALONE` (a word of its own) and `_CONTEXT` (what becomes of it depends on its neighbours).
    sizes: uint8, how many bytes stand for it, at ``starts`` of ``pieces``; `_ITSELF`: it stays. direct, lone: the same
    of ASCII at a glance: the one byte that stands for it, `_GAP`, or 0 for more than that; whether it is a word.
    """

    kinds: npt.NDArray[np.uint8]
    sizes: npt.NDArray[np.uint8]
    starts: npt.NDArray[np.int32]
    pieces: Bytes
    direct: Bytes
    lone: npt.NDArray[np.bool_]


@cache
def _form(normalize: Normalization) -> _Form:
    kinds = np.zeros(CODE_POINTS, np.uint8)
    sizes = np.full(CODE_POINTS, _ITSELF)
    starts = np.zeros(CODE_POINTS, np.int32)
    pieces = bytearray()
    for code in range(128) if normalize == "none" else _touched():
        if normalize == "none":
            folded = " " if code in _SPACES else chr(code)
        else:
            folded = _fold(chr(code)) if normalize == "cc_net" else _fold_to_words(chr(code))
            kinds[code] = _CONTEXT if _depends_on_neighbours(chr(code)) else 0
        if folded != chr(code) or folded == " ":
            encoded = folded.encode()
            starts[code], sizes[code] = len(pieces), len(encoded)
            pieces += encoded
    if normalize == "words":
        kinds[(unicode_tables().classes & UNSPACED) > 0] |= _ALONE
    stand_in = " \ufffd ".encode() if normalize == "words" else "\ufffd".encode()
    starts[REPLACEMENT], sizes[REPLACEMENT] = len(pieces), len(stand_in)  # spelled out: it also stands for bad bytes
    pieces += stand_in
    whole = np.frombuffer(bytes(pieces), np.uint8)
    direct, lone = np.zeros(256, np.uint8), np.zeros(256, np.bool_)
    for code in range(128):
        piece = bytes(whole[starts[code] : starts[code] + sizes[code]]) if sizes[code] != _ITSELF else bytes([code])
        if piece == b" " and normalize != "cc_net":
            direct[code] = _GAP
        elif len(piece.strip()) == 1 or piece == b" ":
            direct[code], lone[code] = (piece.strip() or piece)[0], len(piece) == 3
    return _Form(kinds, sizes, starts, whole, direct, lone)


def _touched() -> Iterator[int]:
    """All code points that normalisation might change; the others are ideographs, private or not assigned."""
    blocks = (
        (0, 0x3400),
        (0x4DC0, 0x4E00),
        (0xA000, 0xD800),
        (0xF900, 0x20000),
        (0x2F800, 0x2FA20),
        (0xE0000, 0xE0200),
    )
    return chain.from_iterable(range(first, end) for first, end in blocks)


def _fold(char: str) -> str:
    """What CCNet makes of a character that stands alone."""
    letters = [c for c in unicodedata.normalize("NFD", char.lower()) if unicodedata.category(c) != "Mn"]
    printed = [c for c in letters if unicodedata.category(c) != "Cc"]
    return "".join("0" if unicodedata.category(c) == "Nd" else _PUNCTUATION.get(c, c) for c in printed)


def _fold_to_words(char: str) -> str:
    """The same with spaces around punctuation marks and symbols, and for white space."""
    if char.isspace():
        return " "
    parts = unicodedata.normalize("NFD", char.lower())
    return "".join(f" {_fold(c)} " if unicodedata.category(c)[0] in "PS" else _fold(c) for c in parts)


def _depends_on_neighbours(char: str) -> bool:
    """Whether it is a mark that NFD may move, or the letter whose lower case depends on where it stands."""
    moves = unicodedata.combining(char) and unicodedata.category(char) != "Mn"
    return char == chr(_SIGMA) or bool(moves)


class _Prepared(NamedTuple):
    """Sentences as bytes with n + 1 offsets, their words, and whether a character needs a look at its neighbours."""

    data: Bytes
    offsets: Integers
    words: Integers
    doubtful: npt.NDArray[np.bool_]


@kernel
def _prepare(data: Bytes, start: Integers, stop: Integers, form: _Form, collapse: bool) -> _Prepared:
    count = len(start)
    out = np.empty(4 * (stop - start).sum() + 1, np.uint8)  # at worst a byte becomes U+FFFD, a word of its own
    offsets, words = np.zeros(count + 1, np.int64), np.zeros(count, np.int64)
    doubtful = np.zeros(count, np.bool_)
    at = 0
    for sentence in range(count):
        begin, gap = at, False
        i, end = start[sentence], stop[sentence]
        while i < end:
            byte, alone = form.direct[data[i]], form.lone[data[i]]
            if byte == _GAP:
                gap, i = True, i + 1
                continue
            if byte:
                at, gap, i = _close(out, begin, at, gap or alone), alone, i + 1
                out[at] = byte
                at += 1
                continue
            here = i
            code, i = decode(data, i, end)
            if form.kinds[code] & _CONTEXT:
                doubtful[sentence] |= code != _SIGMA or _may_be_final(data, start[sentence], here, i, end)
            alone = form.kinds[code] & _ALONE != 0
            if form.sizes[code] == _ITSELF:
                at, gap = _spell(data[here:i], out, begin, at, gap or alone, False)
            else:
                piece = form.pieces[form.starts[code] : form.starts[code] + form.sizes[code]]
                at, gap = _spell(piece, out, begin, at, gap or alone, collapse)
            gap |= alone
        words[sentence] = _count_words(out, begin, at)
        offsets[sentence + 1] = at
    return _Prepared(out[:at], offsets, words, doubtful)


@kernel
def _spell(piece: Bytes, out: Bytes, begin: int, at: int, gap: bool, collapse: bool) -> tuple[int, bool]:
    """Write a piece, a gap before it closed; returns where the next byte goes, and whether a gap is open."""
    for byte in piece:
        if collapse and byte == _BLANK:
            gap = True
        else:
            at, gap = _close(out, begin, at, gap), False
            out[at] = byte
            at += 1
    return at, gap


@kernel
def _close(out: Bytes, begin: int, at: int, gap: bool) -> int:
    """Write the space that a gap asks for; returns where the next byte goes."""
    if gap and at > begin:
        out[at] = _BLANK
        return at + 1
    return at


@kernel
def _count_words(text: Bytes, begin: int, end: int) -> int:
    words, before = 0, _BLANK
    for k in range(begin, end):
        words += (text[k] != _BLANK) & (before == _BLANK)
        before = text[k]
    return words


@kernel
def _may_be_final(data: Bytes, begin: int, here: int, after: int, end: int) -> bool:
    """Whether the Σ at `here` may end a word; no where a space or nothing is before it, or a Greek letter after it."""
    if here == begin or data[here - 1] in (0x20, 0x0A):
        return False
    if after >= end:
        return True
    code, _ = decode(data, after, end)
    return not (0x391 <= code <= 0x3A9 or 0x3B1 <= code <= 0x3C9)
