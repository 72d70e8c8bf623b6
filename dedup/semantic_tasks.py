"""The tasks of semantic deduplication: sample, fit, assign, send, compare, rule.

A group of documents is a cluster, or a piece of one that is too large for a task.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from textmill.dedup.clusters import LARGEST, count_sources
from textmill.dedup.embeddings import Points, points_of
from textmill.dedup.groups import BINS, Groups, bins_of
from textmill.dedup.keep import RANK, Keep
from textmill.dedup.kmeans import fit, nearest, thin
from textmill.dedup.near import addresses, portions_of, rows_of
from textmill.dedup.sketches import Work, read_sketches, ruling_of, write_rulings
from textmill.pipeline import schema
from textmill.pipeline.chance import draw
from textmill.pipeline.exchange import Portion, collect, scatter

REASON: Final = "semantic_duplicate"
EMBEDDING: Final = "embedding"
SIMILARITY: Final = "similarity"


_GONE: Final = pa.schema([("address", pa.int64()), ("kept_id", pa.string()), (SIMILARITY, pa.float64())])


@dataclass(frozen=True)
class Job:
    """Settings of the barrier, and what its driver has learned so far.

    dimensions: of the embeddings that count, 0 where there are none. below: the highest number drawn from its id of
    a document in the sample.
    """

    work: Work
    keep: Keep | str
    limit: float
    seed: int
    dimensions: int = 0
    below: int = 0
    clusters: int = 0
    iterations: int = 0
    groups: Groups | None = None


class Thick(NamedTuple):
    """A document that stayed, and how many left for it, with the sum of their similarities."""

    gone: int
    kept_id: str
    similarity: float


@dataclass
class Ruled:
    """What a portion's rulings say: paths, and documents and dropped ones by source."""

    paths: list[str]
    came: Counter[str] = field(default_factory=Counter)
    gone: Counter[str] = field(default_factory=Counter)


def count_dimensions(job: Job, portion: Portion) -> Counter[int]:  # noqa: ARG001
    """How many documents of a portion have embeddings of so many dimensions; 0: none that has a direction."""
    return Counter((_sizes(read_sketches(portion, (EMBEDDING,))[0]) // 2).tolist())


def sample(job: Job, portion: Portion) -> None:
    """Send the documents that take part in fitting, by a draw from their ids."""
    rows, _ = read_sketches(portion, (schema.ID, EMBEDDING))
    number = draw(rows[schema.ID], "k-means", job.seed)
    chosen = pa.array((number <= np.uint64(job.below)) & (_sizes(rows) == 2 * job.dimensions))
    table = rows.select([EMBEDDING]).append_column("number", pa.array(number)).filter(chosen)
    scatter(table, np.zeros(table.num_rows, np.int64), 1, job.work.file("sample", portion.number))


def fit_clusters(job: Job, _: int) -> int:
    """Fit centroids to the sample, whatever order it came in; returns how many there are."""
    rows = collect(job.work.files("sample"), 0).sort_by([("number", "ascending"), (EMBEDDING, "ascending")])
    centroids = fit(points_of(rows[EMBEDDING], job.dimensions), job.clusters, job.iterations)
    table = pa.table({EMBEDDING: pa.array([point.tobytes() for point in centroids], pa.large_binary())})
    scatter(table, np.zeros(table.num_rows, np.int64), 1, job.work.file("centroids", 0))
    return len(centroids)


def assign(job: Job, portion: Portion) -> npt.NDArray[np.int64]:
    """Find the cluster of each document; returns how many of the portion each has."""
    rows, points = _points(job, portion, ())
    centroids = points_of(collect([job.work.file("centroids", 0)], 0)[EMBEDDING], job.dimensions)
    found = nearest(points, centroids)
    table = pa.table({"row": rows["row"], "cluster": found.cluster, SIMILARITY: found.similarity})
    scatter(table, np.zeros(table.num_rows, np.int64), 1, job.work.file("assigned", portion.number))
    return np.bincount(found.cluster, minlength=len(centroids))


def count_bins(context: tuple[Job, Sequence[int]], portion: Portion) -> npt.NDArray[np.int64]:
    """How many documents of some clusters are in each range of similarity, shape (clusters, BINS)."""
    job, wanted = context
    found = _assigned(job, portion)
    cluster, bins = found["cluster"].to_numpy(), bins_of(found[SIMILARITY].to_numpy())
    return np.array([np.bincount(bins[cluster == some], minlength=BINS) for some in wanted])


def send(job: Job, portion: Portion) -> None:
    """Send each document to the task that compares its group."""
    assert job.groups is not None
    rows, _ = _points(job, portion, (schema.ID, RANK))
    found = _assigned(job, portion)
    number = draw(rows[schema.ID], "pieces of a cluster", job.seed)
    group = job.groups.of(found["cluster"].to_numpy(), found[SIMILARITY].to_numpy(), number)
    rows = rows.append_column(SIMILARITY, found[SIMILARITY]).append_column("group", pa.array(group))
    rows = rows.append_column("address", pa.array(addresses(portion.number, rows["row"].to_numpy()))).drop("row")
    scatter(rows, job.groups.task[group], job.groups.tasks, job.work.file("sent", portion.number))


def compare(job: Job, task: int) -> list[Thick]:
    """Thin the groups of a task, one after another, and tell the portions; returns who stayed for the most others."""
    rows = collect(job.work.files("sent"), task)
    rows = rows.take(pa.array(_best_first(rows, job.keep)))
    group = rows["group"].to_numpy()
    order = np.argsort(group, kind="stable")
    edges = np.flatnonzero(np.diff(group[order], prepend=-1, append=-1)) if len(order) else order
    points = points_of(rows[EMBEDDING], job.dimensions)
    owner, similarity = np.full(len(group), -1), np.zeros(len(group))
    for start, stop in pairwise(edges):
        members = order[start:stop]
        found = thin(points[members], job.limit)
        gone = np.flatnonzero(found.owner >= 0)
        owner[members[gone]] = members[found.owner[gone]]
        similarity[members[gone]] = found.similarity[gone]
    gone = np.flatnonzero(owner >= 0)
    left, stayed = rows["address"].take(pa.array(gone)), rows[schema.ID].take(pa.array(owner[gone]))
    table = pa.table([left, stayed, similarity[gone]], schema=_GONE)
    scatter(table, portions_of(table["address"].to_numpy()), job.work.parts, job.work.file("gone", task))
    return _thickest(rows[schema.ID], owner[gone], similarity[gone])


def rule(job: Job, portion: Portion) -> Ruled:
    """Write the rulings on a portion of shards."""
    rows, sizes = read_sketches(portion, (schema.SOURCE,))
    files = [job.work.file("gone", task) for task in range(0 if job.groups is None else job.groups.tasks)]
    gone = collect(files, portion.number) if files else _GONE.empty_table()
    where = np.full(rows.num_rows, -1)
    where[rows_of(gone["address"].to_numpy())] = np.arange(gone.num_rows)
    at = pa.array(where, mask=where < 0)
    drops = pa.array(where >= 0)
    ruling = ruling_of(REASON, drops, gone["kept_id"].take(at), gone[SIMILARITY].take(at))
    source = rows[schema.SOURCE]
    paths = write_rulings(ruling, portion, sizes, job.work)
    return Ruled(paths, count_sources(source), count_sources(source.filter(drops)))


def thickest(found: Sequence[Thick]) -> list[Thick]:
    """Those that most others left for; of equals by id."""
    return sorted(found, key=lambda one: (-one.gone, one.kept_id))[:LARGEST]


def _thickest(ids: pa.ChunkedArray, owner: npt.NDArray[np.int64], similarity: npt.NDArray[np.float64]) -> list[Thick]:
    owners, which = np.unique(owner, return_inverse=True)
    counts, sums = np.bincount(which), np.bincount(which, similarity)
    names = ids.take(pa.array(owners)).to_pylist()
    return thickest(list(map(Thick, counts.tolist(), names, sums.tolist())))


def _best_first(rows: pa.Table, keep: Keep | str) -> npt.NDArray[np.int64]:
    """Row numbers in the order in which documents are compared; of equals the earlier row."""
    if isinstance(keep, Keep):
        return keep.best_first(rows)
    similarity = rows[SIMILARITY].to_numpy()
    return np.argsort(similarity if keep == "hard" else -similarity, kind="stable")


def _sizes(rows: pa.Table) -> npt.NDArray[np.int64]:
    """Bytes of each embedding, 0 for null."""
    return np.asarray(pc.fill_null(pc.binary_length(rows[EMBEDDING]), 0).to_numpy(), np.int64)


def _points(job: Job, portion: Portion, columns: Sequence[str]) -> tuple[pa.Table, Points]:
    """The documents of a portion that have an embedding, with their row numbers, and the embeddings themselves."""
    rows, _ = read_sketches(portion, (*columns, EMBEDDING))
    rows = rows.append_column("row", pa.array(np.arange(rows.num_rows)))
    rows = rows.filter(pa.array(_sizes(rows) == 2 * job.dimensions))
    return rows, points_of(rows[EMBEDDING], job.dimensions)


def _assigned(job: Job, portion: Portion) -> pa.Table:
    return collect([job.work.file("assigned", portion.number)], 0)
