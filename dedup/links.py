"""From band keys to links: documents that share a key are linked, within a portion of shards and across.

Within a portion linked documents are one from then on, the smallest of them, and of each key one row travels:
so a key that millions of documents share fills no task's memory. Where links are verified that would make the
result depend on the cut into portions, so there all rows travel, and each is compared with the first of its key.
"""

import numpy as np
import pyarrow as pa

from textmill.dedup.banded import KEYS
from textmill.dedup.components import Links, by_part, components, first_equal, link_equal
from textmill.dedup.near import Job, addresses, portions_of, rows_of
from textmill.dedup.sketches import read_sketches
from textmill.dedup.stars import read_links, write_links
from textmill.pipeline.arrow import fixed_bytes, validity
from textmill.pipeline.exchange import Portion, collect, scatter, scatter_ordered


def send_keys(job: Job, portion: Portion) -> None:
    """Send the keys of a portion's documents to the parts of the keys; write the links within the portion."""
    column = read_sketches(portion, (KEYS,))[0].column(KEYS).combine_chunks()
    signed = np.flatnonzero(validity(column))
    keys = np.ascontiguousarray(fixed_bytes(column).view(np.uint64)[signed].T)
    if job.verified:
        label = np.arange(len(signed))
        first = np.tile(label.astype(np.int32), (job.bands, 1))
    else:
        first, label = link_equal(keys)
    members = np.flatnonzero(label != np.arange(len(label)))
    own = addresses(portion.number, signed)
    write_links(Links(own[members], own[label[members]]), job.work.file("within", portion.number))
    sent = by_part(keys, first, own[label], job.work.parts)
    rows = pa.table({"key": sent.keys, "address": sent.owners})
    scatter_ordered(rows, sent.counts, job.work.file("keys", portion.number))


def link_keys(job: Job, part: int) -> int:
    """Link the documents that share a key of this part to the first of them; returns the number of links."""
    rows = collect(job.work.files("keys"), part)
    address = rows.column("address").to_numpy()
    first = address[first_equal(rows.column("key").to_numpy())]
    linked = first != address
    links = Links(first[linked], address[linked])
    if not job.verified:
        return _write(job, links, part)
    _send_pairs(job, links, job.work.file("pairs", part))
    return len(links.left)


def ask_compared(job: Job, portion: Portion) -> None:
    """Ask for what the links to a portion's documents are to be verified with: others' signatures or shingles."""
    first = np.unique(_pairs(job, portion).left)
    asked = pa.table({"address": first, "asker": np.full(len(first), portion.number)})
    scatter(asked, portions_of(first), job.work.parts, job.work.file("asked", portion.number))


def answer_compared(job: Job, portion: Portion) -> None:
    """Send the signatures or shingles that others have asked for."""
    asked = collect(job.work.files("asked"), portion.number)
    compared = read_sketches(portion, (job.compared,))[0].column(job.compared)
    rows = rows_of(asked.column("address").to_numpy())
    answers = pa.table({"address": asked.column("address"), job.compared: compared.take(pa.array(rows))})
    scatter(answers, asked.column("asker").to_numpy(), job.work.parts, job.work.file("answers", portion.number))


def verify(job: Job, portion: Portion) -> int:
    """Keep the links whose documents are similar enough; returns how many."""
    pairs = _pairs(job, portion)
    answers = collect(job.work.files("answers"), portion.number).sort_by("address")
    own = read_sketches(portion, (job.compared,))[0].column(job.compared)
    at = np.searchsorted(answers.column("address").to_numpy(), pairs.left)
    similarity = job.similarity(own, answers.column(job.compared), rows_of(pairs.right), at)
    similar = similarity >= job.min_similarity
    return _write(job, Links(pairs.left[similar], pairs.right[similar]), portion.number)


def send_labels(job: Job, item: tuple[int, list[str]]) -> None:
    """Tell the portions the labels of their documents, from files that hold whole components (or stars)."""
    number, paths = item
    found = components(read_links(paths))
    rows = pa.table({"address": found.nodes, "label": found.labels})
    scatter(rows, portions_of(found.nodes), job.work.parts, job.work.file("labels", number))


def _write(job: Job, links: Links, number: int) -> int:
    fewest = components(links).links()
    write_links(fewest, job.work.file("links", number))
    return len(fewest.left)


def _send_pairs(job: Job, links: Links, path: str) -> None:
    rows = pa.table({"first": links.left, "other": links.right})
    scatter(rows, portions_of(links.right), job.work.parts, path)


def _pairs(job: Job, portion: Portion) -> Links:
    """The links to a portion's documents, each once."""
    rows = collect(job.work.files("pairs"), portion.number).group_by(["first", "other"]).aggregate([])
    return Links(rows.column("first").to_numpy(), rows.column("other").to_numpy())
