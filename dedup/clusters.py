"""From labels to rulings: each cluster keeps its best document, and names it to all others.

Of a cluster that is connected with a document of an index (`known`) nothing stays.

In each portion the best of a cluster speaks for it; the part of the cluster's label chooses among them; word of
the choice goes home to the portions.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from heapq import nlargest
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from textmill.dedup.components import Addresses
from textmill.dedup.keep import RANK
from textmill.dedup.known import NONE, known_documents, names_of
from textmill.dedup.near import REASON, Job, addresses, portions_of, rows_of
from textmill.dedup.sketches import read_sketches, ruling_of, write_rulings
from textmill.dedup.stars import parts_of, read_links
from textmill.pipeline import schema
from textmill.pipeline.arrow import validity
from textmill.pipeline.exchange import Portion, collect, scatter

LARGEST = 20
"""Clusters that are described one by one."""

KNOWN_REASON = "near_duplicate_of_index"
"""Why a document leaves that is in a cluster with a document of an index."""


class Cluster(NamedTuple):
    """How many documents a cluster has, its label, and which of them stays."""

    size: int
    label: int
    kept_id: str


class Chosen(NamedTuple):
    """What a part decided: its largest clusters, and how many it has of each size."""

    largest: list[Cluster]
    sizes: Counter[int]


@dataclass
class Ruled:
    """What a portion's rulings say."""

    paths: list[str]
    came: Counter[str]
    """Documents by source."""
    gone: Counter[str]
    """Dropped ones by source."""
    known: int
    """Those of them that leave for an index."""
    similarities: dict[int, tuple[int, float]]
    """By label: for how many dropped documents the similarity is known, and their sum."""


def claim(job: Job, portion: Portion) -> None:
    """Send the best document that each cluster has in a portion, with the number of its documents there."""
    rows, _ = read_sketches(portion, (schema.ID, job.compared, RANK))
    known = known_documents(job, portion, rows.num_rows)
    members, label = _members(job, portion, known.number)
    number, shared = known.number[members], known.shared[members]
    own = pa.table({"row": members, "label": label, "known": number, "shared": shared})
    scatter(own, np.zeros(len(members), np.int64), 1, job.work.file("members", portion.number))
    claims = rows.take(pa.array(members))
    _, cluster = np.unique(label, return_inverse=True)
    best = job.keep.best_of_each(claims, cluster)
    claims = claims.append_column("address", pa.array(addresses(portion.number, members)))
    claims = claims.append_column("label", pa.array(label))
    claims = claims.append_column("size", pa.array(np.bincount(cluster)[cluster]))
    claims = claims.append_column("known", pa.array(_least(number, cluster)[cluster]))
    claims = claims.filter(best == np.arange(len(best)))
    part = parts_of(claims.column("label").to_numpy(), job.work.parts)
    scatter(claims, part, job.work.parts, job.work.file("claims", portion.number))


def choose(job: Job, part: int) -> Chosen:
    """Choose who stays of each cluster, and tell the portions."""
    claims = collect(job.work.files("claims"), part)
    labels, first, cluster = np.unique(claims.column("label").to_numpy(), return_index=True, return_inverse=True)
    best = pa.array(job.keep.best_of_each(claims, cluster))
    sizes = np.bincount(cluster, claims.column("size").to_numpy(), len(labels)).astype(np.int64)
    known = _least(claims.column("known").to_numpy(), cluster)
    home = portions_of(claims.column("address").to_numpy())
    kept = claims.select(["address", schema.ID, job.compared]).take(best)
    kept = kept.append_column("label", claims.column("label")).append_column("size", pa.array(sizes[cluster]))
    kept = kept.append_column("known", pa.array(known[cluster]))
    scatter(kept, home, job.work.parts, job.work.file("kept", part))
    fresh = np.flatnonzero(known == NONE)
    top = fresh[np.lexsort((labels[fresh], -sizes[fresh]))[:LARGEST]]
    ids = kept.column(schema.ID).take(pa.array(first[top]))
    largest = list(map(Cluster, sizes[top].tolist(), labels[top].tolist(), ids.to_pylist()))
    return Chosen(largest, Counter(sizes[fresh].tolist()))


def largest_of(found: Sequence[Chosen]) -> list[Cluster]:
    """The largest of all that keep a document, of equals those that come first in the corpus."""
    clusters = [cluster for some in found for cluster in some.largest]
    return nlargest(LARGEST, clusters, key=lambda cluster: (cluster.size, -cluster.label))


def rule(job: Job, portion: Portion) -> Ruled:
    """Write the rulings on a portion of shards: on their dropped rows, or on all where they gain a column."""
    rows, sizes = read_sketches(portion, (schema.SOURCE, job.compared))
    members = collect([job.work.file("members", portion.number)], 0)
    row, label = members.column("row").to_numpy(), members.column("label").to_numpy()
    kept = collect(job.work.files("kept"), portion.number).sort_by("label")
    at = np.searchsorted(kept.column("label").to_numpy(), label)
    estimates = job.similarity(rows[job.compared], kept[job.compared], row, at)
    names = names_of(job, portion, members, kept.column("known").to_numpy()[at])
    known = validity(names)
    leaves = known | (kept.column("address").to_numpy()[at] != addresses(portion.number, row))
    if job.against is not None:
        estimates = np.where(known, job.estimate(members.column("shared").to_numpy()), estimates)

    member = np.full(rows.num_rows, -1)
    member[row] = np.arange(len(row))
    where = pa.array(member, mask=member < 0)
    drops = pa.array(leaves).take(where).fill_null(False)
    reason = pc.if_else(pa.array(known), KNOWN_REASON, REASON).take(where)
    kept = kept.select([schema.ID, "size"]).take(pa.array(at))
    kept_id = pc.coalesce(names, kept[schema.ID]).take(where)
    ruling = ruling_of(reason, drops, kept_id, pa.array(estimates, from_pandas=True).take(where))
    if job.size_column is not None:
        ruling = ruling.append_column(job.size_column, pc.fill_null(kept["size"].take(where), 1))
    paths = write_rulings(ruling, portion, sizes, job.work)
    source = rows[schema.SOURCE]
    large = {wanted: _mean_parts(estimates[leaves & (label == wanted)]) for wanted in job.largest}
    return Ruled(paths, count_sources(source), count_sources(source.filter(drops)), int(known.sum()), large)


def _least(number: npt.NDArray[np.int64], cluster: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The least number in each cluster."""
    least = np.full(cluster.max(initial=-1) + 1, NONE)
    np.minimum.at(least, cluster, number)
    return least


def count_sources(sources: pa.ChunkedArray) -> Counter[str]:
    """How many documents each source has."""
    return Counter({entry["values"]: entry["counts"] for entry in pc.value_counts(sources).to_pylist()})


def _mean_parts(estimates: npt.NDArray[np.float64]) -> tuple[int, float]:
    known = estimates[~np.isnan(estimates)]
    return len(known), float(known.sum())


def _members(job: Job, portion: Portion, known: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], Addresses]:
    """The rows of a portion that are in clusters, if only with a known document, ascending, and their labels."""
    found = collect([job.work.file("labels", number) for number in range(job.label_files)], portion.number)
    within = read_links([job.work.file("within", portion.number)])
    rows, labels = rows_of(found.column("address").to_numpy()), found.column("label").to_numpy()
    member, first = rows_of(within.left), rows_of(within.right)
    label = addresses(portion.number, np.arange(len(known)))
    label[rows] = labels
    label[member] = label[first]
    inside = known != NONE
    for some in (rows, member, first):
        inside[some] = True
    members = np.flatnonzero(inside)
    return members, label[members]
