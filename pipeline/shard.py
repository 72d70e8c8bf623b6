"""One unit of work: a file of an input, or a slice of one."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Shard:
    """A file, or the slice [start, stop) of one; what the numbers count (bytes, row groups) its reader knows.

    Attributes:
        source: the input's `source`.
        path: path or URL of the file.
        start: first unit of the slice.
        stop: end of the slice; None reads to the end of the file.
        size: bytes of the slice as stored, for progress and estimates.
        stamp: what tells that the file changed: its size and time of change, or the store's checksum.
        detail: what its reader settled when the input was split, in the reader's own notation: the columns
            of a table, the files of a group.
    """

    source: str
    path: str
    start: int = 0
    stop: int | None = None
    size: int = 0
    stamp: str = ""
    detail: str = ""

    def to_json(self) -> dict[str, Any]:
        """A plain dict, the reverse of ``Shard(**json)``."""
        return asdict(self)
