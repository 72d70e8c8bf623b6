"""The memory that a task of a barrier may take: one number, of which each kind of data has its share.

What a barrier holds at once follows from it, and what it rules does not: the corpus is the same with any.
"""

from dataclasses import dataclass
from typing import Final

from textmill.pipeline.errors import UsageError

LIBRARIES_BYTES: Final = 384 << 20
"""What libraries and compiled kernels take of a task, whatever it does (docs/dedup.md has what was measured)."""
LEAST_BYTES: Final = 512_000_000
"""The least that can be declared: beside libraries it leaves room for a few MB of sketches."""


@dataclass(frozen=True)
class Memory:
    """What the data of a task may take.

    data: bytes. declared: whether somebody said so; then what needs more is an error. Otherwise a task takes on at
    least one file, however large it is.
    """

    data: int = 1 << 30
    declared: bool = False


def declare(total: int) -> Memory:
    """A task may take `total` bytes, libraries and all. Raises UsageError for fewer than `LEAST_BYTES`."""
    if total < LEAST_BYTES:
        raise UsageError(f"--memory {megabytes(total)}: too little for a task to work with; give {total_of(0)} or more")
    return Memory(total - LIBRARIES_BYTES, declared=True)


def total_of(data: int) -> str:
    """What to declare so that a task has so many bytes for its data, rounded up: ``700MB``."""
    return megabytes(max(LEAST_BYTES, data + LIBRARIES_BYTES))


def megabytes(size: int) -> str:
    """Rounded up, as it can be declared."""
    return f"{-(-size // 1_000_000)}MB"
