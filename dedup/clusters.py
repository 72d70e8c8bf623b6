"""From labels to rulings: each cluster keeps its best document, and names it to all others.

In each portion the best of a cluster speaks for it; the part of the cluster's label chooses among them; word of
the choice goes home to the portions.
"""

from collections import Counter
from dataclasses import dataclass
from heapq import nlargest
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from textmill.dedup.components import Addresses
from textmill.dedup.keep import RANK
from textmill.dedup.near import REASON, Job, addresses, portions_of, rows_of
from textmill.dedup.sketches import read_sketches, ruling_of, write_rulings
from textmill.dedup.stars import parts_of, read_links
from textmill.pipeline import schema
from textmill.pipeline.exchange import Portion, collect, scatter

LARGEST = 20
"""Clusters that are described one by one."""


class Cluster(NamedTuple):
    """How many documents a cluster has, its label, and which of them stays."""

    size: int
    label: int
    kept_id: str


@dataclass
class Ruled:
    """What a portion's rulings say."""

    paths: list[str]
    came: Counter[str]
    """Documents by source."""
    gone: Counter[str]
    """Dropped ones by source."""
    similarities: dict[int, tuple[int, float]]
    """By label: for how many dropped documents the similarity is known, and their sum."""


def claim(job: Job, portion: Portion) -> None:
    """Send the best document that each cluster has in a portion, with the number of its documents there."""
    rows, _ = read_sketches(portion, (schema.ID, job.compared, RANK))
    members, label = _members(job, portion, rows.num_rows)
    own = pa.table({"row": members, "label": label})
    scatter(own, np.zeros(len(members), np.int64), 1, job.work.file("members", portion.number))
    claims = rows.take(pa.array(members))
    _, cluster = np.unique(label, return_inverse=True)
    best = job.keep.best_of_each(claims, cluster)
    claims = claims.append_column("address", pa.array(addresses(portion.number, members)))
    claims = claims.append_column("label", pa.array(label))
    claims = claims.append_column("size", pa.array(np.bincount(cluster)[cluster]))
    claims = claims.filter(best == np.arange(len(best)))
    part = parts_of(claims.column("label").to_numpy(), job.work.parts)
    scatter(claims, part, job.work.parts, job.work.file("claims", portion.number))


def choose(job: Job, part: int) -> list[Cluster]:
    """Choose who stays of each cluster, and tell the portions; returns the largest clusters."""
    claims = collect(job.work.files("claims"), part)
    labels, first, cluster = np.unique(claims.column("label").to_numpy(), return_index=True, return_inverse=True)
    best = pa.array(job.keep.best_of_each(claims, cluster))
    sizes = np.bincount(cluster, claims.column("size").to_numpy(), len(labels)).astype(np.int64)
    home = portions_of(claims.column("address").to_numpy())
    kept = claims.select(["address", schema.ID, job.compared]).take(best)
    kept = kept.append_column("label", claims.column("label")).append_column("size", pa.array(sizes[cluster]))
    scatter(kept, home, job.work.parts, job.work.file("kept", part))
    top = np.lexsort((labels, -sizes))[:LARGEST]
    ids = kept.column(schema.ID).take(pa.array(first[top]))
    return list(map(Cluster, sizes[top].tolist(), labels[top].tolist(), ids.to_pylist()))


def largest_of(found: list[list[Cluster]]) -> list[Cluster]:
    """The largest of all, of equals those that come first in the corpus."""
    clusters = [cluster for some in found for cluster in some]
    return nlargest(LARGEST, clusters, key=lambda cluster: (cluster.size, -cluster.label))


def rule(job: Job, portion: Portion) -> Ruled:
    """Write the rulings on a portion of shards: on their dropped rows, or on all where they gain a column."""
    rows, sizes = read_sketches(portion, (schema.SOURCE, job.compared))
    members = collect([job.work.file("members", portion.number)], 0)
    row, label = members.column("row").to_numpy(), members.column("label").to_numpy()
    kept = collect(job.work.files("kept"), portion.number).sort_by("label")
    at = np.searchsorted(kept.column("label").to_numpy(), label)
    leaves = kept.column("address").to_numpy()[at] != addresses(portion.number, row)
    estimates = job.similarity(job.values(rows[job.compared]), job.values(kept[job.compared]), row, at)

    drops, similarity, word = np.zeros(rows.num_rows, np.bool_), np.zeros(rows.num_rows), np.full(rows.num_rows, -1)
    drops[row], similarity[row], word[row] = leaves, estimates, at
    kept = kept.select([schema.ID, "size"]).take(pa.array(word, mask=word < 0))
    ruling = ruling_of(REASON, pa.array(drops), kept[schema.ID], pa.array(similarity, from_pandas=True))
    if job.size_column is not None:
        ruling = ruling.append_column(job.size_column, pc.fill_null(kept["size"], 1))
    paths = write_rulings(ruling, portion, sizes, job.work)
    source = rows[schema.SOURCE]
    large = {wanted: _mean_parts(estimates[leaves & (label == wanted)]) for wanted in job.largest}
    return Ruled(paths, _count(source), _count(source.filter(pa.array(drops))), large)


def _count(sources: pa.ChunkedArray) -> Counter[str]:
    return Counter({entry["values"]: entry["counts"] for entry in pc.value_counts(sources).to_pylist()})


def _mean_parts(estimates: npt.NDArray[np.float64]) -> tuple[int, float]:
    known = estimates[~np.isnan(estimates)]
    return len(known), float(known.sum())


def _members(job: Job, portion: Portion, count: int) -> tuple[npt.NDArray[np.int64], Addresses]:
    """The rows of a portion that are in clusters, ascending, and the labels of these."""
    found = collect([job.work.file("labels", number) for number in range(job.label_files)], portion.number)
    within = read_links([job.work.file("within", portion.number)])
    rows, labels = rows_of(found.column("address").to_numpy()), found.column("label").to_numpy()
    member, first = rows_of(within.left), rows_of(within.right)
    label = addresses(portion.number, np.arange(count))
    label[rows] = labels
    label[member] = label[first]
    inside = np.zeros(count, np.bool_)
    for some in (rows, member, first):
        inside[some] = True
    members = np.flatnonzero(inside)
    return members, label[members]
