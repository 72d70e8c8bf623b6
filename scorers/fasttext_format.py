"""Tells a whole fastText classifier from anything else, before fastText reads it.

fastText itself does not: from a truncated file it takes whatever memory holds for the missing part,
and answers with it. The layout (version 12, little endian) is that of `FastText::saveModel`.
"""

import mmap
import struct
from pathlib import Path
from typing import Final

from textmill.pipeline.errors import ModelError

_MAGIC: Final = struct.pack("<ii", 793712314, 12)
_SUPERVISED: Final = 3


def check_classifier(path: Path) -> None:
    """Raises ModelError when the file is no fastText classifier, or not all of one."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        if stream.read(len(_MAGIC)) != _MAGIC:
            raise ModelError(f"{path}: not a fastText model")
        with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
            try:
                announced = _announced_size(path, data)
            except (struct.error, ValueError):  # the header itself is cut off
                announced = size + 1
    if announced > size:
        raise ModelError(f"{path}: truncated; it has {size:,} bytes, fewer than its header announces")


def _announced_size(path: Path, data: mmap.mmap) -> int:
    arguments = struct.unpack_from("<12id", data, len(_MAGIC))
    if arguments[7] != _SUPERVISED:
        raise ModelError(f"{path}: holds word vectors, not a classifier")
    at = len(_MAGIC) + 56
    entries, _, _, _, pruned = struct.unpack_from("<iiiqq", data, at)
    at += 28
    for _ in range(entries):
        at = _after_entry(data, at)
    at += 8 * max(pruned, 0)
    (quantised_input,) = struct.unpack_from("<?", data, at)
    at = _after_matrix(data, at + 1, quantised=quantised_input)
    (quantised_output,) = struct.unpack_from("<?", data, at)
    return _after_matrix(data, at + 1, quantised=quantised_input and quantised_output)


def _after_entry(data: mmap.mmap, at: int) -> int:
    """A word, its count (8 bytes) and its kind (1 byte)."""
    end = data.find(b"\0", at)
    if end < 0:
        raise ValueError("a word without end")
    return end + 1 + 9


def _after_matrix(data: mmap.mmap, at: int, *, quantised: bool) -> int:
    if not quantised:
        rows, columns = struct.unpack_from("<qq", data, at)
        return int(at + 16 + 4 * rows * columns)
    with_norms, rows, _, codes = struct.unpack_from("<?qqi", data, at)
    at = _after_quantiser(data, at + 21 + codes)
    return _after_quantiser(data, at + rows) if with_norms else at


def _after_quantiser(data: mmap.mmap, at: int) -> int:
    (dimension,) = struct.unpack_from("<i", data, at)
    return int(at + 16 + 4 * 256 * dimension)
