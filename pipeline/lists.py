"""Lists that steps look things up in: text files, an entry a line, loaded once a worker."""

import gzip
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from xxhash import xxh3_64_intdigest

from textmill.pipeline.arrow import Bools
from textmill.pipeline.errors import InputError
from textmill.pipeline.io.files import filesystem, is_local, open_binary, resolve_packaged

Collection = TypeVar("Collection")


class HashSet:
    """A set of texts as sorted 64-bit hashes: 8 bytes an entry, so that a worker can hold millions.

    A text that is not in the set is taken for one that is with a chance of entries / 2**64.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self._hashes = np.unique(_hashes(texts))

    def __len__(self) -> int:
        return len(self._hashes)

    def contains(self, texts: Sequence[str]) -> Bools:
        """For each text whether it is in the set."""
        if not len(self):
            return np.zeros(len(texts), np.bool_)
        hashes = _hashes(texts)
        places = np.searchsorted(self._hashes, hashes).clip(max=len(self) - 1)
        return np.asarray(self._hashes[places] == hashes)


def _hashes(texts: Iterable[str]) -> npt.NDArray[np.uint64]:
    return np.fromiter((xxh3_64_intdigest(text.encode()) for text in texts), np.uint64)


def load_lists(
    paths: Sequence[str], normalize: Callable[[str], str], collect: Callable[[Iterable[str]], Collection]
) -> Collection:
    """All entries of the files, each as `normalize` leaves it, as one collection.

    Paths, URLs, or names of lists that textmill brings with it (``configs/lists/…``); gzip where the name
    ends in ``.gz``. A line that starts with # is a comment. The collection is made once a process, and
    again when a file on local disks changes. `normalize` raises ValueError for an entry that is none.
    Raises InputError for a file that is missing, not UTF-8 text, or holds such an entry.
    """
    collection: Collection = _load(tuple(map(_locate, paths)), normalize, collect)
    return collection


def _locate(path: str) -> tuple[str, float]:
    """Where a list is, and when it changed."""
    if not is_local(path):
        return path, 0.0
    _, found = filesystem(resolve_packaged(path))
    try:
        return found, Path(found).stat().st_mtime
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error


@lru_cache(maxsize=64)
def _load(
    files: tuple[tuple[str, float], ...],
    normalize: Callable[[str], str],
    collect: Callable[[Iterable[str]], Collection],
) -> Collection:
    return collect(entry for path, _ in files for entry in _entries(path, normalize))


def _entries(path: str, normalize: Callable[[str], str]) -> Iterator[str]:
    with open_binary(path) as stream:
        lines: Iterable[bytes] = gzip.GzipFile(fileobj=stream) if path.endswith(".gz") else stream
        number = 0
        try:
            for number, line in enumerate(lines, 1):
                entry = line.decode("utf-8-sig" if number == 1 else "utf-8").strip()
                if entry and not entry.startswith("#"):
                    yield normalize(entry)
        except UnicodeDecodeError as error:
            raise InputError(f"{path}: line {number} is not UTF-8 text") from error
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise InputError(f"{path}: damaged after line {number}: {error}") from error
        except ValueError as error:
            raise InputError(f"{path}: line {number}: {error}") from error
