"""What the tasks that resolve near-duplicates have in common: settings, files, and addresses of documents.

An address numbers a document in shard order: its portion in the high bits, its row there in the low ones.
Where the cut into portions differs addresses do too, but never their order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from textmill.dedup.banded import KEYS
from textmill.dedup.components import Addresses
from textmill.dedup.index import Index
from textmill.dedup.keep import Keep
from textmill.dedup.lsh import estimated_similarity
from textmill.dedup.signatures import ShingleSets, agreements, jaccard
from textmill.dedup.sketches import Work
from textmill.pipeline.arrow import fixed_bytes, text_buffers

REASON: Final = "near_duplicate"
SIGNATURE: Final = "signature"
SHINGLES: Final = "shingles"
FINGERPRINT: Final = "fingerprint"
FINGERPRINT_BITS: Final = 64

Verification: TypeAlias = Literal["none", "signature", "exact"]
COMPARED: Final[dict[Verification | Literal["hamming"], str]] = {
    "none": KEYS,
    "signature": SIGNATURE,
    "exact": SHINGLES,
    "hamming": FINGERPRINT,
}
"""The column of a sketch that tells how similar two documents are."""

_ROW_BITS: Final = 32


@dataclass(frozen=True)
class Job:
    """Settings of the barrier and where its tasks meet.

    bands, rows: of a signature, where there are some. against: the index of earlier documents, if any.
    spans: tasks that look keys up in it. largest: labels of the clusters whose mean similarity is wanted.
    """

    work: Work
    keep: Keep
    verify: Verification | Literal["hamming"]
    min_similarity: float
    size_column: str | None
    bands: int = 0
    rows: int = 0
    against: Index | None = None
    spans: int = 0
    label_files: int = 0
    largest: Sequence[int] = ()

    @property
    def verified(self) -> bool:
        """Whether a link takes more than a key."""
        return self.verify != "none"

    @property
    def compared(self) -> str:
        """The column that tells how similar two documents are."""
        return COMPARED[self.verify]

    def similarity(
        self,
        some: pa.ChunkedArray,
        others: pa.ChunkedArray,
        which_some: npt.NDArray[np.int64],
        which_other: npt.NDArray[np.int64],
    ) -> npt.NDArray[np.float64]:
        """That of pairs of rows of two compared columns; NaN for documents that share no band key.

        Estimates, but for exact verification, and for fingerprints the share of equal bits.
        """
        if self.verify == "exact":
            return jaccard(_sets(some), _sets(others), which_some, which_other)
        if self.verify == "hamming":
            one, other = (_values(column, np.uint64)[:, 0] for column in (some, others))
            return 1 - np.bitwise_count(one[which_some] ^ other[which_other]) / FINGERPRINT_BITS
        kind = np.uint32 if self.verified else np.uint64
        equal = agreements(_values(some, kind), _values(others, kind), which_some, which_other)
        if self.verified:
            return np.asarray(equal / (self.bands * self.rows))
        return self.estimate(equal)

    def estimate(self, shared: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """The similarity of documents that share so many band keys; NaN for none."""
        return np.where(shared > 0, estimated_similarity(shared, self.bands, self.rows), np.nan)


def _values(column: pa.ChunkedArray, kind: type[np.unsignedinteger]) -> npt.NDArray[np.unsignedinteger]:
    return fixed_bytes(column.combine_chunks()).view(kind)


def _sets(column: pa.ChunkedArray) -> ShingleSets:
    data, offsets, _ = text_buffers(column.combine_chunks())
    first = offsets // 4
    return ShingleSets(first - first[0], data[offsets[0] : offsets[-1]].view(np.uint32))


def addresses(portion: int, rows: npt.NDArray[np.integer]) -> Addresses:
    """The addresses of rows of a portion."""
    return np.int64(portion << _ROW_BITS) | rows.astype(np.int64)


def portions_of(found: Addresses) -> npt.NDArray[np.int64]:
    """The portion that each address is in."""
    return found >> _ROW_BITS


def rows_of(found: Addresses) -> npt.NDArray[np.int64]:
    """The row that each address has in its portion."""
    return found & ((1 << _ROW_BITS) - 1)
