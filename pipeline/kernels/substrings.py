"""Where given bytes occur: in documents, and at the ends of spans of them."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from textmill.pipeline.kernels import kernel
from textmill.pipeline.kernels.unicode import CODE_POINTS, decode_last

_A: Final = np.uint8(ord("A"))
_Z: Final = np.uint8(ord("Z"))
_LOWER: Final = np.uint8(0x20)
_MOST_PHRASES: Final = 64


def count_substring(data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64], pattern: str) -> npt.NDArray[np.int64]:
    """How often `pattern`, not empty, occurs in each document, as ``str.count`` has it."""
    return _count(data, offsets, _bytes(pattern))


def starts_with(
    data: npt.NDArray[np.uint8], start: npt.NDArray[np.int64], stop: npt.NDArray[np.int64], pattern: str
) -> npt.NDArray[np.bool_]:
    """Whether each of the spans ``data[start:stop]`` begins with `pattern`."""
    return _match(data, start, stop, _bytes(pattern))


def ends_with(
    data: npt.NDArray[np.uint8], start: npt.NDArray[np.int64], stop: npt.NDArray[np.int64], pattern: str
) -> npt.NDArray[np.bool_]:
    """Whether each of the spans ``data[start:stop]`` ends with `pattern`."""
    encoded = _bytes(pattern)
    return _match(data, np.maximum(start, stop - len(encoded)), stop, encoded)


def find_phrases(
    data: npt.NDArray[np.uint8], start: npt.NDArray[np.int64], stop: npt.NDArray[np.int64], phrases: Sequence[str]
) -> npt.NDArray[np.uint64]:
    """For each of the spans ``data[start:stop]`` the phrases that occur in it, bit i for the i-th of at most 64.

    ASCII letters match in any case, all else as it is. Raises ValueError for an empty phrase.
    """
    if len(phrases) > _MOST_PHRASES or "" in phrases:
        raise ValueError(f"expected at most {_MOST_PHRASES} phrases, none of them empty")
    encoded = [phrase.encode().lower() for phrase in phrases]
    begins = np.zeros((256, 256), np.uint64)  # by two bytes of text, the phrases that may begin there
    for number, phrase in enumerate(encoded):
        first, second = ([byte, bytes([byte]).upper()[0]] for byte in (phrase + b" ")[:2])
        begins[np.ix_(first, second if len(phrase) > 1 else range(256))] |= np.uint64(1 << number)
    ends = np.cumsum([0, *map(len, encoded)])
    return _find_phrases(data, start, stop, begins, np.frombuffer(b"".join(encoded), np.uint8), ends)


def ends_in(
    data: npt.NDArray[np.uint8], start: npt.NDArray[np.int64], stop: npt.NDArray[np.int64], characters: str
) -> npt.NDArray[np.bool_]:
    """Whether the last of each of the spans ``data[start:stop]`` is one of `characters`; an empty span has none."""
    wanted = np.zeros(CODE_POINTS, np.bool_)
    wanted[[ord(character) for character in characters]] = True
    return _ends_in(data, start, stop, wanted)


def _bytes(pattern: str) -> npt.NDArray[np.uint8]:
    return np.frombuffer(pattern.encode(), np.uint8)


@kernel
def _count(
    data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64], pattern: npt.NDArray[np.uint8]
) -> npt.NDArray[np.int64]:
    counts = np.zeros(len(offsets) - 1, np.int64)
    for document in range(len(counts)):
        at, end = offsets[document], offsets[document + 1]
        while at < end:
            if data[at] == pattern[0] and _stands_at(data, at, end, pattern):
                counts[document] += 1
                at += len(pattern)
            else:
                at += 1
    return counts


@kernel
def _match(
    data: npt.NDArray[np.uint8],
    start: npt.NDArray[np.int64],
    stop: npt.NDArray[np.int64],
    pattern: npt.NDArray[np.uint8],
) -> npt.NDArray[np.bool_]:
    matches = np.zeros(len(start), np.bool_)
    for span in range(len(start)):
        matches[span] = _stands_at(data, start[span], stop[span], pattern)
    return matches


@kernel
def _stands_at(data: npt.NDArray[np.uint8], at: int, end: int, pattern: npt.NDArray[np.uint8]) -> bool:
    agreeing = 0
    while agreeing < len(pattern) and at + agreeing < end and data[at + agreeing] == pattern[agreeing]:
        agreeing += 1
    return agreeing == len(pattern)


@kernel
def _ends_in(
    data: npt.NDArray[np.uint8],
    start: npt.NDArray[np.int64],
    stop: npt.NDArray[np.int64],
    wanted: npt.NDArray[np.bool_],
) -> npt.NDArray[np.bool_]:
    matches = np.zeros(len(start), np.bool_)
    for span in range(len(start)):
        if start[span] < stop[span]:
            matches[span] = wanted[decode_last(data, start[span], stop[span])[0]]
    return matches


@kernel
def _find_phrases(
    data: npt.NDArray[np.uint8],
    start: npt.NDArray[np.int64],
    stop: npt.NDArray[np.int64],
    begins: npt.NDArray[np.uint64],
    phrases: npt.NDArray[np.uint8],
    ends: npt.NDArray[np.int64],
) -> npt.NDArray[np.uint64]:
    found = np.zeros(len(start), np.uint64)
    for span in range(len(start)):
        for at in range(start[span], stop[span]):
            following = data[at + 1] if at + 1 < stop[span] else 0
            possible = begins[data[at], following] & ~found[span]
            number = 0
            while possible:
                if possible & np.uint64(1) and _says(data, at, stop[span], phrases[ends[number] : ends[number + 1]]):
                    found[span] |= np.uint64(1) << np.uint64(number)
                possible >>= np.uint64(1)
                number += 1
    return found


@kernel
def _says(data: npt.NDArray[np.uint8], at: int, end: int, phrase: npt.NDArray[np.uint8]) -> bool:
    """As `_stands_at`, for a phrase in lower case and text in any."""
    if end - at < len(phrase):
        return False
    for i in range(len(phrase)):
        byte = data[at + i]
        if _A <= byte <= _Z:
            byte |= _LOWER
        if byte != phrase[i]:
            return False
    return True
