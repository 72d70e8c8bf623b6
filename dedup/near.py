"""What the tasks that resolve near-duplicates have in common: settings, files, and addresses of documents.

An address numbers a document in shard order: its portion in the high bits, its row there in the low ones.
Where the cut into portions differs addresses do too, but never their order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from textmill.dedup.components import Addresses
from textmill.dedup.keep import Keep
from textmill.dedup.lsh import estimated_similarity
from textmill.dedup.signatures import agreements
from textmill.dedup.sketches import Work
from textmill.pipeline.arrow import fixed_bytes

REASON: Final = "near_duplicate"
KEYS: Final = "keys"
SIGNATURE: Final = "signature"

_ROW_BITS: Final = 32


@dataclass(frozen=True)
class Job:
    """Settings of the barrier and where its tasks meet. `min_similarity` is null where links are not verified."""

    work: Work
    bands: int
    rows: int
    keep: Keep
    min_similarity: float | None
    size_column: str | None
    label_files: int = 0
    largest: Sequence[int] = ()
    """Labels of the clusters whose mean similarity is wanted."""

    @property
    def compared(self) -> str:
        """The column that tells how similar two documents are."""
        return KEYS if self.min_similarity is None else SIGNATURE

    def values(self, column: pa.ChunkedArray) -> npt.NDArray[np.unsignedinteger]:
        """The content of the compared column: band keys (uint64) or signatures (uint32), one row a document."""
        return fixed_bytes(column.combine_chunks()).view(np.uint64 if self.compared == KEYS else np.uint32)

    def similarity(
        self,
        some: npt.NDArray[np.unsignedinteger],
        others: npt.NDArray[np.unsignedinteger],
        which_some: npt.NDArray[np.int64],
        which_other: npt.NDArray[np.int64],
    ) -> npt.NDArray[np.float64]:
        """Estimates for pairs of rows of `some` and `others`; NaN for documents that share no band key."""
        equal = agreements(some, others, which_some, which_other)
        if self.compared == SIGNATURE:
            return np.asarray(equal / (self.bands * self.rows))
        return np.where(equal > 0, estimated_similarity(equal, self.bands, self.rows), np.nan)


def addresses(portion: int, rows: npt.NDArray[np.integer]) -> Addresses:
    """The addresses of rows of a portion."""
    return np.int64(portion << _ROW_BITS) | rows.astype(np.int64)


def portions_of(found: Addresses) -> npt.NDArray[np.int64]:
    """The portion that each address is in."""
    return found >> _ROW_BITS


def rows_of(found: Addresses) -> npt.NDArray[np.int64]:
    """The row that each address has in its portion."""
    return found & ((1 << _ROW_BITS) - 1)
