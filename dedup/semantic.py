"""Drops documents that mean much the same as another, by their embeddings (SemDeDup)."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from math import isqrt
from typing import ClassVar, Final, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field

from textmill.dedup import semantic_tasks as tasks
from textmill.dedup.embeddings import rounded
from textmill.dedup.groups import BINS, Groups, grouped
from textmill.dedup.guard import guard_sources
from textmill.dedup.keep import Keep
from textmill.dedup.sketches import Work, shares_of
from textmill.pipeline.barrier import FINDINGS, Barrier
from textmill.pipeline.errors import InputError
from textmill.pipeline.exchange import Portion
from textmill.pipeline.executor import Executor, gather
from textmill.pipeline.io.files import join, write_whole

_SAMPLE_A_CLUSTER: Final = 40
"""Documents of the sample for each cluster, where their number is not given: fewer fit a centroid badly."""


class Semantic(Barrier):
    """Drop documents whose embedding is more than 1 − `epsilon` like (cosine) that of one that stays in its cluster.

    SemDeDup: spherical k-means, then each cluster's documents one after another, first those that are least like
    the centroid. The embeddings are a column that any input or scorer supplies, lists of up to 4,096 numbers;
    a document without one (null, zeros, no finite numbers, other dimensions than most) is nobody's duplicate.
    """

    revision: ClassVar[int] = 3

    column: str = Field("embedding", description="the column of embeddings, lists of numbers")
    epsilon: float = Field(0.05, gt=0, lt=2, description="documents go that are more than 1 - epsilon like another")
    clusters: int | None = Field(
        None, ge=1, description="clusters of k-means; null: the root of the number of documents, or sample / 40"
    )
    keep: Literal["hard", "easy"] | Keep = Field(
        "hard", description="who stays: `hard`, far from the centroid, `easy`, near it, or a policy of other barriers"
    )
    sample: int = Field(100_000, ge=100, description="documents, about, that centroids are fitted to")
    iterations: int = Field(20, ge=1, description="rounds of k-means, unless nothing changes any more")
    max_cluster: int = Field(50_000, ge=2, description="documents compared at once: larger clusters are cut")
    seed: int = Field(1, ge=0, lt=1 << 32, description="which documents are the sample")
    max_removed: float | None = Field(
        None, ge=0, le=1, description="largest share of its documents that a source may lose, else the run stops"
    )

    def reads(self) -> frozenset[str]:
        """The embedding, and what the policy needs."""
        return frozenset({self.column}) | (self.keep.reads() if isinstance(self.keep, Keep) else frozenset())

    def sketch(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """`embedding`, two bytes a dimension, null for one without direction; `rank` where it is needed.

        Raises InputError for a column that does not hold lists of numbers.
        """
        rank = self.keep.sketch(batch) if isinstance(self.keep, Keep) else {}
        try:
            return pa.RecordBatch.from_pydict({tasks.EMBEDDING: rounded(batch.column(self.column)), **rank})
        except TypeError as error:
            raise InputError(f"semantic: column {self.column!r}: {error}") from error

    def resolve(
        self, sketches: Sequence[str], work: str, executor: Executor, *, part_bytes: int | None = None
    ) -> list[str]:
        """Cluster the embeddings, and thin each cluster.

        Its findings are the clusters' sizes, and the documents that most others left for. Raises ExpectationError
        when a source loses more than `max_removed`.
        """
        if not sketches:
            return []
        shares = shares_of(sketches, executor, part_bytes)
        job = tasks.Job(Work(work, len(shares)), self.keep, 1 - self.epsilon, self.seed, iterations=self.iterations)
        counts = sum(gather(executor, tasks.count_dimensions, shares, job), Counter[int]())
        usual = max((size for size in counts if size), key=lambda size: (counts[size], size), default=0)
        sizes, thick = np.zeros(0, np.int64), list[tasks.Thick]()
        if usual:
            job = replace(job, dimensions=usual)
            sizes = self._cluster(job, shares, executor, counts[usual])
            groups = self._group(job, sizes, shares, executor)
            job = replace(job, groups=groups)
            gather(executor, tasks.send, shares, job)
            thick = sum(gather(executor, tasks.compare, range(groups.tasks), job), thick)
        ruled = gather(executor, tasks.rule, shares, job)
        _describe(job, counts, sizes, tasks.thickest(thick))
        came, gone = (sum((getattr(some, name) for some in ruled), Counter[str]()) for name in ("came", "gone"))
        guard_sources(came, gone, self.max_removed)
        return [path for portion in ruled for path in portion.paths]

    def _cluster(
        self, job: tasks.Job, shares: Sequence[Portion], executor: Executor, documents: int
    ) -> npt.NDArray[np.int64]:
        """Fit clusters and assign all documents; returns the size of each."""
        clusters = self.clusters or max(1, min(isqrt(documents), self.sample // _SAMPLE_A_CLUSTER))
        every = np.iinfo(np.uint64).max
        below = int(every) if documents <= self.sample else int(every) * self.sample // documents
        job = replace(job, below=below, clusters=clusters)
        gather(executor, tasks.sample, shares, job)
        gather(executor, tasks.fit_clusters, [0], job)
        return np.asarray(sum(gather(executor, tasks.assign, shares, job)), np.int64)

    def _group(
        self, job: tasks.Job, sizes: npt.NDArray[np.int64], shares: Sequence[Portion], executor: Executor
    ) -> Groups:
        """Cut the large clusters."""
        large = np.flatnonzero(sizes > self.max_cluster).tolist()
        bins = np.zeros((len(large), BINS), np.int64)
        for counts in gather(executor, tasks.count_bins, shares if large else [], (job, large)):
            bins += counts
        return grouped(sizes, dict(zip(large, bins, strict=True)), self.max_cluster)


def _describe(job: tasks.Job, counts: Counter[int], sizes: npt.NDArray[np.int64], thick: Sequence[tasks.Thick]) -> None:
    """Write what is found out: embeddings, the sizes of clusters, and the documents that most others left for."""
    largest = [
        {"size": one.gone + 1, "kept_id": one.kept_id, "mean_similarity": round(one.similarity / one.gone, 4)}
        for one in thick
    ]
    embeddings = {
        "dimensions": job.dimensions,
        "documents": counts[job.dimensions] if job.dimensions else 0,
        "without": counts[0],
        "of_other_dimensions": counts.total() - counts[0] - (counts[job.dimensions] if job.dimensions else 0),
    }
    quantiles = np.quantile(sizes, [0, 0.25, 0.5, 0.75, 1], method="lower").tolist() if len(sizes) else []
    clusters = {"count": len(sizes), "size_quartiles": quantiles}
    findings = {"largest": largest, "embeddings": embeddings, "clusters": clusters}
    with write_whole(join(job.work.folder, FINDINGS)) as stream:
        stream.write(json.dumps(findings, indent=1, ensure_ascii=False).encode())
