"""Drops near-duplicates: documents that share most of their shingles with another, found by MinHash and LSH."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field, model_validator

from textmill.dedup.clusters import Cluster, Ruled, choose, claim, largest_of, rule
from textmill.dedup.components import BYTES_A_LINK
from textmill.dedup.keep import Keep
from textmill.dedup.links import answer_signatures, ask_signatures, link_keys, send_keys, send_labels, verify
from textmill.dedup.lsh import optimal_bands
from textmill.dedup.near import KEYS, SIGNATURE, Job
from textmill.dedup.normalize import Variant, normalize
from textmill.dedup.signatures import band_keys, permutations, signatures
from textmill.dedup.sketches import GLOBAL, PART_BYTES, Work, scope_columns, scope_seeds
from textmill.dedup.stars import alternate
from textmill.pipeline import schema
from textmill.pipeline.arrow import text_buffers
from textmill.pipeline.barrier import FINDINGS, Barrier
from textmill.pipeline.errors import ExpectationError
from textmill.pipeline.exchange import Portion, portions
from textmill.pipeline.executor import Executor, gather
from textmill.pipeline.io.files import join, write_whole
from textmill.pipeline.kernels.shingles import Shingles, character_shingles, word_shingles

LINK_BYTES = 1 << 30
"""Memory that one task may spend on links; beyond, components are found over files. It does not change the result."""

BLOCK_BYTES = 4 << 20
"""Text, and signatures, that are worked on at once: what a processor's caches hold, more or less."""

MIN_ROWS = 1000
"""A source with fewer documents may lose any share of them: it says little."""


class MinHash(Barrier):
    """Drop all but one of each cluster of near-duplicates: documents that agree in a band of their signatures.

    Two documents of Jaccard similarity s agree in one with probability 1 − (1 − sʳ)ᵇ; clusters are what is
    connected by such agreements. A document shorter than a shingle has no signature and is nobody's duplicate.
    """

    ngram: int = Field(5, ge=1, description="words (or characters) in a shingle")
    shingle: Literal["word", "character"] = Field("word", description="what shingles are made of")
    normalize: Variant = Field("letters", description="what is put aside before texts are compared")
    bands: int = Field(14, ge=1, description="bands b of a signature")
    rows: int = Field(8, ge=1, description="values r in a band")
    threshold: float | None = Field(
        None, gt=0, lt=1, description="similarity from which on pairs are to be found; sets bands and rows"
    )
    permutations: int = Field(128, ge=1, description="values that bands and rows may take up for a threshold")
    verify: Literal["none", "signature"] = Field(
        "none", description="whether documents that agree in a band are compared by their whole signatures"
    )
    min_similarity: float = Field(0.7, ge=0, le=1, description="agreement that verification demands")
    keep: Keep = Field(Keep(), description="which document of a cluster stays")
    scope: str = Field(GLOBAL, description="`global`, or a column in which duplicates agree")
    size_column: str | None = Field(
        "cluster_size", description="new column: how many documents the cluster had; null adds none"
    )
    max_removed: float | None = Field(
        None, ge=0, le=1, description="largest share of its documents that a source may lose, else the run stops"
    )
    seed: int = Field(1, ge=0, lt=1 << 32, description="which permutations are drawn")

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
        """The text, and what policy and scope need."""
        return frozenset({schema.TEXT}) | self.keep.reads() | scope_columns(self.scope)

    def adds(self) -> frozenset[str]:
        """The size column, if wanted."""
        return frozenset() if self.size_column is None else frozenset({self.size_column})

    def sketch(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """`keys`, 8 bytes a band, null without a shingle; `signature` and `rank` where they are needed."""
        seeds = scope_seeds(batch, self.scope)
        keys = np.zeros((batch.num_rows, self.bands), np.uint64)
        signed = np.zeros((batch.num_rows, self._values if self.verify == "signature" else 0), np.uint32)
        short = np.ones(batch.num_rows, np.bool_)
        for start, stop, shingles in self._shingles(batch.column(schema.TEXT)):
            signature = signatures(shingles, permutations(self._values, self.seed))
            keys[start:stop] = band_keys(signature, self.bands, seeds[start:stop])
            short[start:stop] = np.diff(shingles.first) == 0
            if self.verify == "signature":
                signed[start:stop] = signature
        columns = {KEYS: _fixed_binary(keys, short)}
        if self.verify == "signature":
            columns[SIGNATURE] = _fixed_binary(signed, short)
        return pa.RecordBatch.from_pydict({**columns, **self.keep.sketch(batch)})

    def resolve(
        self,
        sketches: Sequence[str],
        work: str,
        executor: Executor,
        *,
        part_bytes: int = PART_BYTES,
        link_bytes: int = LINK_BYTES,
    ) -> list[str]:
        """Link documents by equal band keys, join links to clusters, drop all but the best of each.

        Its findings are the largest clusters. Raises ExpectationError when a source loses more than `max_removed`.
        """
        if not sketches:
            return []
        shares = portions(sketches, part_bytes)
        verified = self.min_similarity if self.verify == "signature" else None
        job = Job(Work(work, len(shares)), self.bands, self.rows, self.keep, verified, self.size_column)
        job = _label(job, _link(job, shares, executor), executor, link_bytes)
        gather(executor, claim, shares, job)
        largest = largest_of(gather(executor, choose, range(len(shares)), job))
        ruled = gather(executor, rule, shares, replace(job, largest=[cluster.label for cluster in largest]))
        _describe(largest, ruled, join(work, FINDINGS))
        _guard(ruled, self.max_removed)
        return [path for portion in ruled for path in portion.paths]

    @property
    def _values(self) -> int:
        return self.bands * self.rows

    def _shingles(self, texts: pa.Array) -> Iterator[tuple[int, int, Shingles]]:
        """The shingles of rows `start` to `stop`, block by block."""
        shingles = word_shingles if self.shingle == "word" else character_shingles
        for start, stop in _blocks(text_buffers(texts).offsets, max(1, BLOCK_BYTES // (4 * self._values))):
            data, offsets, _ = text_buffers(normalize(texts.slice(start, stop - start), self.normalize))
            yield start, stop, shingles(data, offsets, self.ngram)


def _blocks(offsets: npt.NDArray[np.int64], most: int) -> Iterator[tuple[int, int]]:
    """Cut rows into runs of at most `most` and `BLOCK_BYTES` of text, at least one row each."""
    start, rows = 0, len(offsets) - 1
    while start < rows:
        fitting = int(np.searchsorted(offsets, offsets[start] + BLOCK_BYTES, side="right")) - 1
        stop = min(max(fitting, start + 1), start + most, rows)
        yield start, stop
        start = stop


def _fixed_binary(values: npt.NDArray[np.unsignedinteger], null: npt.NDArray[np.bool_]) -> pa.Array:
    kind = pa.binary(values.shape[1] * values.itemsize)
    mask = pa.py_buffer(np.packbits(~null, bitorder="little"))
    return pa.Array.from_buffers(kind, len(values), [mask, pa.py_buffer(values)])


def _link(job: Job, shares: Sequence[Portion], executor: Executor) -> int:
    """Write the links between documents; returns how many there are."""
    gather(executor, send_keys, shares, job)
    links = gather(executor, link_keys, range(len(shares)), job)
    if job.min_similarity is not None:
        gather(executor, ask_signatures, shares, job)
        gather(executor, answer_signatures, shares, job)
        links = gather(executor, verify, shares, job)
    return sum(links)


def _label(job: Job, links: int, executor: Executor, budget: int) -> Job:
    """Find the components of the links and tell the portions: in one task if the budget allows it."""
    items = [job.work.files("links")]
    if links * BYTES_A_LINK > budget:
        parts = max(2, -(links * BYTES_A_LINK // -budget))
        stars, _ = alternate(items[0], Work(join(job.work.folder, "stars"), parts), executor)
        items = [[path] for path in stars]
    gather(executor, send_labels, list(enumerate(items)), job)
    return replace(job, label_files=len(items))


def _describe(largest: Sequence[Cluster], ruled: Sequence[Ruled], path: str) -> None:
    """Write size, survivor, and mean similarity to it of each large cluster; `linked` have an estimate.

    Documents that share no band key with the survivor, but are linked to it by way of others, have none.
    """
    entries = []
    for size, label, kept_id in largest:
        found = [portion.similarities[label] for portion in ruled]
        linked, total = sum(count for count, _ in found), sum(similarity for _, similarity in found)
        mean = round(total / linked, 3) if linked else None
        entries.append({"size": size, "kept_id": kept_id, "linked": linked, "mean_similarity": mean})
    with write_whole(path) as stream:
        stream.write(json.dumps({"largest": entries}, indent=1, ensure_ascii=False).encode())


def _guard(ruled: Sequence[Ruled], limit: float | None) -> None:
    """Raise ExpectationError when a source loses more than a share `limit` of its documents."""
    if limit is None:
        return
    came, gone = Counter[str](), Counter[str]()
    for portion in ruled:
        came.update(portion.came)
        gone.update(portion.gone)
    shares = {source: gone[source] / count for source, count in sorted(came.items()) if count >= MIN_ROWS}
    problems = [f"{source!r} would lose {share:.4f}" for source, share in shares.items() if share > limit]
    if problems:
        raise ExpectationError(f"max_removed is {limit:g}, but as near-duplicates " + ", ".join(problems))
