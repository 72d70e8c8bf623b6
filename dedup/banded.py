"""What barriers that compare MinHash bands have in common: how a text becomes band keys."""

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Final, Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field, model_validator

from textmill.dedup.index import Index, index_manifest, open_index, open_matching
from textmill.dedup.lsh import optimal_bands
from textmill.dedup.normalize import Variant, normalize
from textmill.dedup.signatures import band_keys, permutations, signatures
from textmill.dedup.sketches import GLOBAL, scope_columns, scope_seeds
from textmill.pipeline import schema
from textmill.pipeline.arrow import text_buffers
from textmill.pipeline.barrier import Barrier
from textmill.pipeline.kernels.shingles import Shingles, character_shingles, word_shingles

KEYS: Final = "keys"
"""The column of a sketch that holds a document's band keys, 8 bytes each; null for one without a shingle."""

ShingleKind: TypeAlias = Literal["word", "character"]

BLOCK_BYTES = 4 << 20
"""Text, and signatures, that are worked on at once: what a processor's caches hold, more or less."""


class Block(NamedTuple):
    """Consecutive rows of a batch: their shingles, signatures, band keys, and which of them have none.

    signature: uint32, shape (n, bands · rows). keys: uint64, shape (n, bands). short: bool, length n.
    """

    shingles: Shingles
    signature: npt.NDArray[np.uint32]
    keys: npt.NDArray[np.uint64]
    short: npt.NDArray[np.bool_]


class Banded(Barrier):
    """A barrier whose sketch holds the keys of a document's bands.

    Two documents of Jaccard similarity s agree in a band with probability 1 − (1 − sʳ)ᵇ.
    A document shorter than a shingle has no signature and is nobody's duplicate.
    """

    kind: ClassVar[str] = ""
    """What an index for this barrier is called."""

    keys_revision: ClassVar[int] = 1
    """Rises whenever the same text and settings would give other keys: then kept indexes are of no use."""

    ngram: int = Field(5, ge=1, description="words (or characters) in a shingle")
    shingle: ShingleKind = Field("word", description="what shingles are made of")
    normalize: Variant = Field("letters", description="what is put aside before texts are compared")
    bands: int = Field(14, ge=1, description="bands b of a signature")
    rows: int = Field(8, ge=1, description="values r in a band")
    threshold: float | None = Field(
        None, gt=0, lt=1, description="similarity from which on pairs are to be found; sets bands and rows"
    )
    permutations: int = Field(128, ge=1, description="values that bands and rows may take up for a threshold")
    scope: str = Field(GLOBAL, description="`global`, or a column in which duplicates agree")
    seed: int = Field(1, ge=0, lt=1 << 32, description="which permutations are drawn")
    against: str | None = Field(
        None, description="an index of earlier documents (`textmill index`); what matches one of them leaves too"
    )
    max_removed: float | None = Field(
        None, ge=0, le=1, description="largest share of its documents that a source may lose, else the run stops"
    )

    @model_validator(mode="before")
    @classmethod
    def _bands_for_threshold(cls, given: Any) -> Any:
        """Bands and rows follow from a threshold, where there is one."""
        if not isinstance(given, dict):
            return given
        threshold, count = given.get("threshold"), given.get("permutations", 128)
        if not (isinstance(threshold, float) and 0 < threshold < 1 and isinstance(count, int) and count > 0):
            return given
        bands, rows = optimal_bands(threshold, count)
        if (given.get("bands", bands), given.get("rows", rows)) != (bands, rows):
            raise ValueError(f"give bands and rows or a threshold; for {threshold} they are {bands} and {rows}")
        return {**given, "bands": bands, "rows": rows}

    def reads(self) -> frozenset[str]:
        """The text, and what the scope needs."""
        return frozenset({schema.TEXT}) | scope_columns(self.scope)

    def depends_on(self) -> tuple[str, ...]:
        """What the index holds. Raises InputError where there is none."""
        if self.against is None:
            return ()
        open_index(self.against)
        return (index_manifest(self.against),)

    def prepare(self) -> None:
        """Look whether the index is for keys of the same settings. Raises InputError."""
        self.index()

    def index(self) -> Index | None:
        """The index, if any. Raises InputError for one of other settings."""
        return None if self.against is None else open_matching(self.against, self.kind, self.key_settings())

    def key_settings(self) -> dict[str, Any]:
        """All that determines the keys of a text: keys of other settings have nothing in common with these."""
        names = ("ngram", "shingle", "normalize", "bands", "rows", "scope", "seed")
        return {**{name: getattr(self, name) for name in names}, "revision": self.keys_revision}

    def blocks(self, batch: pa.RecordBatch) -> Iterator[Block]:
        """What is compared of each row, block by block."""
        texts, seeds = batch.column(schema.TEXT), scope_seeds(batch, self.scope)
        permuted = permutations(self.bands * self.rows, self.seed)
        how, most = Shingling(self.normalize, self.shingle, self.ngram), max(1, BLOCK_BYTES // permuted.factors.nbytes)
        for rows, found in shingle_blocks(texts, how, most):
            signature = signatures(found, permuted)
            keys = band_keys(signature, self.bands, seeds[rows])
            yield Block(found, signature, keys, np.diff(found.first) == 0)

    def keys_column(self, blocks: Sequence[Block]) -> pa.Array:
        """The column `KEYS` of some blocks."""
        return fixed_columns([(block.keys, block.short) for block in blocks], 8 * self.bands)


class Shingling(NamedTuple):
    """How a text becomes shingles: what is put aside, what they are made of, and of how many."""

    normalize: Variant
    shingle: ShingleKind
    size: int


def shingle_blocks(texts: pa.Array, how: Shingling, most: int) -> Iterator[tuple[slice, Shingles]]:
    """The shingles of texts, in blocks of consecutive rows: at most `most` of them, and of `BLOCK_BYTES` of text."""
    cut = word_shingles if how.shingle == "word" else character_shingles
    for start, stop in _cuts(text_buffers(texts).offsets, most):
        data, offsets, _ = text_buffers(normalize(texts.slice(start, stop - start), how.normalize))
        yield slice(start, stop), cut(data, offsets, how.size)


def fixed_columns(
    parts: Sequence[tuple[npt.NDArray[np.unsignedinteger], npt.NDArray[np.bool_]]], width: int
) -> pa.Array:
    """One column of `width` bytes a row from parts: values, shape (n, any), a row each, and which rows are null."""
    kind = pa.binary(width)
    masks = [pa.py_buffer(np.packbits(~null, bitorder="little")) for _, null in parts]
    arrays = [
        pa.Array.from_buffers(kind, len(values), [mask, pa.py_buffer(values)])
        for (values, _), mask in zip(parts, masks, strict=True)
    ]
    return pa.concat_arrays(arrays) if arrays else pa.array([], kind)


def _cuts(offsets: npt.NDArray[np.int64], most: int) -> Iterator[tuple[int, int]]:
    """Cut rows into runs of at most `most` and `BLOCK_BYTES` of text, at least one row each."""
    start, rows = 0, len(offsets) - 1
    while start < rows:
        fitting = int(np.searchsorted(offsets, offsets[start] + BLOCK_BYTES, side="right")) - 1
        stop = min(max(fitting, start + 1), start + most, rows)
        yield start, stop
        start = stop
