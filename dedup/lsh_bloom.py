"""Drops near-duplicates with Bloom filters: whoever agrees in a band with a document that stayed leaves.

One pass in the order of the corpus, and no links: the memory is declared, a few hundred bits a document that stays.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import ByteSize, Field, model_validator

from textmill.dedup.banded import KEYS, Banded
from textmill.dedup.bloom import Sizing, sift, sizing
from textmill.dedup.bloom_index import Filled, check_room, empty, load
from textmill.dedup.guard import guard_sources
from textmill.dedup.index import Index
from textmill.dedup.sketches import ruling_of
from textmill.pipeline import schema
from textmill.pipeline.arrow import fixed_bytes, validity
from textmill.pipeline.barrier import FINDINGS
from textmill.pipeline.executor import Executor, gather
from textmill.pipeline.io.files import join, open_binary, write_whole
from textmill.pipeline.io.writer import write_parquet

REASON: Final = "near_duplicate"


class LshBloom(Banded):
    """Drop near-duplicates of documents that came before and stayed: those that agree in a band with one of them.

    What is kept of a document is a few bits of one Bloom filter a band, so that no other document, and no
    similarity, can be named; and a strange document is taken for a known one with a probability of
    `false_positives` at most. There are no clusters: a document is compared with those that stayed alone. One
    task sifts all, one document after another; with an index (`against`) the filters start as they are there.
    """

    kind: ClassVar[str] = "lsh_bloom"

    bands: int = Field(9, ge=1, description="bands b of a signature")
    rows: int = Field(13, ge=1, description="values r in a band")
    documents: int = Field(
        ge=1, description="the most documents that will stay, those of the index included; it sets the memory"
    )
    false_positives: float = Field(
        1e-5, gt=0, lt=1, description="largest share of strange documents that may be taken for known ones"
    )
    memory: ByteSize | None = Field(None, gt=0, description="the most that the filters may take, such as 8GB")

    @model_validator(mode="after")
    def _fits(self) -> "LshBloom":
        needed = self.sizing.bytes
        if self.memory is not None and needed > self.memory:
            raise ValueError(
                f"{self.documents} documents at {self.false_positives:g} false positives in {self.bands} bands need "
                f"{needed / 1e9:.2f} GB, more than memory: {self.memory.human_readable(decimal=True)}"
            )
        return self

    @property
    def sizing(self) -> Sizing:
        """How large the filters are."""
        return sizing(self.documents, self.false_positives, self.bands)

    def key_settings(self) -> dict[str, Any]:
        """All that determines the filters."""
        return {**super().key_settings(), "documents": self.documents, "false_positives": self.false_positives}

    def sketch(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """`keys`, 8 bytes a band, null without a shingle."""
        return pa.RecordBatch.from_pydict({KEYS: self.keys_column(list(self.blocks(batch)))})

    def resolve(self, sketches: Sequence[str], work: str, executor: Executor) -> list[str]:
        """Sift the documents in their order.

        Its findings are how full the filters are. Raises ExpectationError for more documents than they are made
        for, or when a source loses more than `max_removed`, InputError for an index of other settings.
        """
        if not sketches:
            return []
        index = self.index()
        (sifted,) = gather(executor, _sift_all, [list(sketches)], _Job(work, self.sizing, index))
        check_room(sifted.filled, self.documents)
        guard_sources(sifted.came, sifted.gone, self.max_removed)
        findings = {
            "filters": {
                "documents": sifted.filled.documents,
                "room": self.documents,
                "bytes": self.sizing.bytes,
                "fill": [round(share, 4) for share in sifted.filled.shares],
                "false_positives": sifted.filled.false_positives,
            }
        }
        with write_whole(join(work, FINDINGS)) as stream:
            stream.write(json.dumps(findings, indent=1).encode())
        return sifted.paths


@dataclass(frozen=True)
class _Job:
    """Where rulings go, and what the filters are."""

    work: str
    sizing: Sizing
    index: Index | None


@dataclass(frozen=True)
class _Sifted:
    """Rulings by sketch, documents and dropped ones by source, and what became of the filters."""

    paths: list[str]
    came: Counter[str]
    gone: Counter[str]
    filled: Filled


def _sift_all(job: _Job, sketches: list[str]) -> _Sifted:
    """Rule on every sketch in order; done again it gives the same, for it starts from the same filters."""
    state = empty(job.sizing) if job.index is None else load(job.index, job.sizing)
    paths, came, gone = [], Counter[str](), Counter[str]()
    for number, sketch in enumerate(sketches):
        paths.append(join(job.work, "rulings", f"{number:06d}.parquet"))
        with open_binary(sketch) as stream:
            rows = pq.read_table(stream, columns=[KEYS, schema.SOURCE])
        column = rows.column(KEYS).combine_chunks()
        signed = np.flatnonzero(validity(column))
        known = np.zeros(rows.num_rows, np.int64)
        added = np.zeros(job.sizing.bands, np.int64)
        known[signed] = sift(state.filters, job.sizing.hashes, fixed_bytes(column).view(np.uint64)[signed], added)
        state.book(added, int((known[signed] == 0).sum()))
        drops = pa.array(known > 0)
        _write_ruling(drops, pa.array(known), paths[-1])
        for count, sources in ((came, rows[schema.SOURCE]), (gone, rows[schema.SOURCE].filter(drops))):
            count.update({entry["values"]: entry["counts"] for entry in pc.value_counts(sources).to_pylist()})
    return _Sifted(paths, came, gone, state.filled())


def _write_ruling(drops: pa.Array, bands: pa.Array, path: str) -> None:
    """The ruling on one shard: rows that leave, with the number of bands in which they are known as `value`."""
    rows = len(drops)
    ruling = ruling_of(REASON, drops, pa.nulls(rows, pa.string()), pa.nulls(rows, pa.float32()))
    at = ruling.schema.get_field_index("value")
    ruling = ruling.set_column(at, ruling.schema.field(at), bands.cast(pa.float64())).filter(drops)
    write_parquet(path, ruling)
