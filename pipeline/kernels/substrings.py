"""Where given bytes occur: in documents, and at the ends of spans of them."""

import numpy as np
import numpy.typing as npt

from textmill.pipeline.kernels import kernel
from textmill.pipeline.kernels.unicode import CODE_POINTS, decode_last


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
