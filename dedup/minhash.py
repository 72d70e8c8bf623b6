"""Drops near-duplicates: documents that share most of their shingles with another, found by MinHash and LSH."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

import pyarrow as pa
from pydantic import Field, model_validator

from textmill.dedup.banded import KEYS, Banded, Block, fixed_columns
from textmill.dedup.clusters import Chosen, Ruled, choose, claim, largest_of, rule
from textmill.dedup.components import BYTES_A_LINK
from textmill.dedup.guard import guard_sources
from textmill.dedup.keep import Keep
from textmill.dedup.known import answer_names, ask_names, look_up, spans_of
from textmill.dedup.links import answer_compared, ask_compared, link_keys, send_keys, send_labels, verify
from textmill.dedup.near import SHINGLES, SIGNATURE, Job, Verification
from textmill.dedup.signatures import shingle_sets
from textmill.dedup.sketches import PART_BYTES, Work
from textmill.dedup.stars import alternate
from textmill.pipeline.barrier import FINDINGS
from textmill.pipeline.exchange import Portion, portions
from textmill.pipeline.executor import Executor, gather
from textmill.pipeline.io.files import join, write_whole

LINK_BYTES = 1 << 30
"""Memory that one task may spend on links; beyond, components are found over files. It does not change the result."""


class MinHash(Banded):
    """Drop all but one of each cluster of near-duplicates: documents that agree in a band of their signatures.

    Two documents of Jaccard similarity s agree in one with probability 1 − (1 − sʳ)ᵇ; clusters are what is
    connected by such agreements. A document shorter than a shingle has no signature and is nobody's duplicate.
    Of a cluster that an index (`against`) is connected with, nothing stays.
    """

    kind: ClassVar[str] = "minhash"

    verify: Verification = Field(
        "none", description="whether documents that agree in a band are compared by their signatures, or all shingles"
    )
    min_similarity: float = Field(0.7, ge=0, le=1, description="agreement that verification demands")
    keep: Keep = Field(Keep(), description="which document of a cluster stays")
    size_column: str | None = Field(
        "cluster_size", description="new column: how many documents the cluster had; null adds none"
    )

    @model_validator(mode="after")
    def _keys_alone_against_an_index(self) -> "MinHash":
        if self.against is not None and self.verify != "none":
            raise ValueError("an index holds band keys alone, which verify nothing: against goes with verify: none")
        return self

    def reads(self) -> frozenset[str]:
        """The text, and what policy and scope need."""
        return super().reads() | self.keep.reads()

    def adds(self) -> frozenset[str]:
        """The size column, if wanted."""
        return frozenset() if self.size_column is None else frozenset({self.size_column})

    def sketch(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """`keys`, 8 bytes a band, null without a shingle; `signature`, `shingles`, `rank` where they are needed."""
        blocks = list(self.blocks(batch))
        columns = {KEYS: self.keys_column(blocks)}
        if self.verify == "signature":
            width = 4 * self.bands * self.rows
            columns[SIGNATURE] = fixed_columns([(block.signature, block.short) for block in blocks], width)
        if self.verify == "exact":
            columns[SHINGLES] = _shingles_column(blocks)
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

        Its findings are the largest clusters, and how many there are of each size. Raises ExpectationError when a
        source loses more than `max_removed`, InputError for an index of other settings.
        """
        if not sketches:
            return []
        shares = portions(sketches, part_bytes)
        index = self.index()
        job = Job(
            Work(work, len(shares)),
            self.bands,
            self.rows,
            self.keep,
            self.verify,
            self.min_similarity,
            self.size_column,
            index,
            0 if index is None else spans_of(index, len(shares)),
        )
        job = _label(job, _link(job, shares, executor), executor, link_bytes)
        gather(executor, claim, shares, job)
        chosen = gather(executor, choose, range(len(shares)), job)
        job = replace(job, largest=[cluster.label for cluster in largest_of(chosen)])
        if index is not None:
            gather(executor, ask_names, shares, job)
            gather(executor, answer_names, range(len(index.documents)), job)
        ruled = gather(executor, rule, shares, job)
        _describe(job, chosen, ruled)
        came, gone = (sum((getattr(some, name) for some in ruled), Counter[str]()) for name in ("came", "gone"))
        guard_sources(came, gone, self.max_removed)
        return [path for portion in ruled for path in portion.paths]


def _shingles_column(blocks: Sequence[Block]) -> pa.Array:
    """The distinct shingles of each row, four bytes each, ascending."""
    parts = []
    for block in blocks:
        sets = shingle_sets(block.shingles.first, block.shingles.hashes)
        buffers = [None, pa.py_buffer(sets.first * 4), pa.py_buffer(sets.values)]
        parts.append(pa.Array.from_buffers(pa.large_binary(), len(sets.first) - 1, buffers))
    return pa.concat_arrays(parts) if parts else pa.array([], pa.large_binary())


def _link(job: Job, shares: Sequence[Portion], executor: Executor) -> int:
    """Write the links between documents; returns how many there are."""
    gather(executor, send_keys, shares, job)
    links = gather(executor, link_keys, range(len(shares)), job)
    if job.verified:
        gather(executor, ask_compared, shares, job)
        gather(executor, answer_compared, shares, job)
        links = gather(executor, verify, shares, job)
    gather(executor, look_up, range(job.spans), job)
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


def _describe(job: Job, chosen: Sequence[Chosen], ruled: Sequence[Ruled]) -> None:
    """Write what is found out: size, survivor, and mean similarity to it of each large cluster, and all sizes.

    `linked` documents have an estimate; those that share no band key with the survivor, but are linked to it by
    way of others, have none. Clusters that leave whole, for an index, are in neither.
    """
    entries = []
    for size, label, kept_id in largest_of(chosen):
        found = [portion.similarities[label] for portion in ruled]
        linked, total = sum(count for count, _ in found), sum(similarity for _, similarity in found)
        mean = round(total / linked, 3) if linked else None
        entries.append({"size": size, "kept_id": kept_id, "linked": linked, "mean_similarity": mean})
    sizes = sum((some.sizes for some in chosen), Counter[int]())
    rows, gone = (sum(getattr(some, name).total() for some in ruled) for name in ("came", "gone"))
    alone = rows - gone - sizes.total()
    findings: dict[str, object] = {"largest": entries, "cluster_sizes": sorted({1: alone, **sizes}.items())}
    if job.size_column is not None:
        findings["size_column"] = job.size_column
    if job.against is not None:
        known = sum(some.known for some in ruled)
        findings["index"] = {"documents": job.against.present, "removed": known}
    with write_whole(join(job.work.folder, FINDINGS)) as stream:
        stream.write(json.dumps(findings, indent=1, ensure_ascii=False).encode())
