"""What the barriers that cut repeated passages out of texts have in common: parameters, sketch, resolution."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field

from textmill.dedup.cutting import Removal
from textmill.dedup.normalize import normalize
from textmill.dedup.passages import Keys, sketch_passages, unit_texts
from textmill.dedup.repeats import KeepFirst, Repeats, cut_repeats
from textmill.dedup.sketches import GLOBAL, GROWTH, scope_columns, scope_seeds, shares_of
from textmill.pipeline import schema
from textmill.pipeline.arrow import text_buffers
from textmill.pipeline.barrier import Barrier
from textmill.pipeline.executor import Executor
from textmill.pipeline.kernels.documents import count_code_points
from textmill.pipeline.kernels.hashing import hash_texts
from textmill.pipeline.kernels.units import Units
from textmill.pipeline.kernels.words import words_in_spans


class Repeated(Barrier):
    """Cut out of texts what the corpus has already; the documents stay, unless nothing else is in them."""

    growth: ClassVar[int] = GROWTH
    """What a byte of its sketch files is taken to need of a task's memory."""

    normalize: Literal["whitespace", "lowercase", "letters"] = Field(
        "letters", description="what is put aside before passages are compared"
    )
    keep: KeepFirst = Field("first", description="`first`: the first occurrence stays; `none`: none does")
    scope: str = Field(GLOBAL, description="`global`, or a column in which the documents must agree")
    max_removed: float = Field(
        1.0, gt=0, le=1, description="a document of which a larger share of characters would go leaves altogether"
    )

    @abstractmethod
    def split(self, data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64]) -> Units:
        """Cut texts into units."""

    @abstractmethod
    def repeats(self) -> Repeats:
        """What counts as a repeat."""

    def least(self) -> tuple[int, int]:
        """Words and characters that a unit needs to count."""
        return 0, 0

    def reads(self) -> frozenset[str]:
        """The text, and what the scope needs."""
        return frozenset({schema.TEXT}) | scope_columns(self.scope)

    def sketch(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """`keys`, `sizes` and `tails` of a text's units, as `passages.sketch_passages`."""
        seeds = scope_seeds(batch, self.scope)
        return sketch_passages(batch.column(schema.TEXT), self.split, self.find_keys, seeds)

    def resolve(
        self, sketches: Sequence[str], work: str, executor: Executor, *, part_bytes: int | None = None
    ) -> list[str]:
        """Rule that what stands in the corpus already is cut."""
        return cut_repeats(shares_of(sketches, executor, part_bytes, self.growth), work, executor, self.repeats())

    def removal(self, what: str) -> Removal:
        """The reasons that decisions and edits give."""
        return Removal(f"repeated_{what}", f"only_repeated_{what}s", self.max_removed)

    def find_keys(self, data: npt.NDArray[np.uint8], units: Units) -> Keys:
        """What units are compared by; 0 for those that count for nothing."""
        folded, offsets, _ = text_buffers(normalize(unit_texts(data, units), self.normalize))
        keys = np.maximum(hash_texts(folded, offsets), 1)
        counts = np.diff(offsets) > 0
        words, chars = self.least()
        if words:
            counts &= words_in_spans(data, units.offsets[:-1], units.offsets[1:]).words >= words
        if chars:
            counts &= count_code_points(folded, offsets) >= chars
        return np.where(counts, keys, np.uint64(0))
