"""Compares documents with those of an index, range of keys by range of keys, so that no task holds more than a run.

Whoever shares a key with a document of the index is known by it; of several the one with the least number. Which
others leave with it is told by the links among the new documents: a way that leads to the index leads through them
until it first meets a known one.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from textmill.dedup.banded import KEYS
from textmill.dedup.index import Index
from textmill.dedup.index_files import KEY, NUMBER, bounds_of, read_ids, scan
from textmill.dedup.near import Job, portions_of
from textmill.dedup.sketches import read_sketches
from textmill.pipeline import schema
from textmill.pipeline.arrow import fixed_bytes, validity
from textmill.pipeline.exchange import Portion, collect, scatter

NONE: Final = np.iinfo(np.int64).max
"""Stands for no document of the index."""

SPAN_KEYS = 1 << 26
"""Keys of the index that one task looks through."""


class Known(NamedTuple):
    """For each row the least document of the index that shares a key with it, or NONE, and how many keys it shares."""

    number: npt.NDArray[np.int64]
    shared: npt.NDArray[np.int64]


def spans_of(index: Index, parts: int) -> int:
    """Into how many ranges of keys the work is cut: a multiple of `parts`."""
    return parts * max(1, -(-sum(file.rows for file in index.keys) // (parts * SPAN_KEYS)))


def look_up(job: Job, span: int) -> None:
    """Tell the portions which of their keys in this range the index has, and the least document that has them."""
    assert job.against is not None
    rows = collect(job.work.files("keys"), span * job.work.parts // job.spans)
    lowest, highest = bounds_of(span, job.spans)
    key, home = rows.column("key").to_numpy(), portions_of(rows.column("address").to_numpy())
    inside = (key >= np.uint64(lowest)) & (key <= np.uint64(highest))
    key, home = key[inside], home[inside]
    wanted, which = np.unique(key, return_inverse=True)
    found = np.full(len(wanted), NONE)
    for keys, numbers in scan(job.against, lowest, highest) if len(wanted) else ():
        some = slice(np.searchsorted(wanted, keys[0]), np.searchsorted(wanted, keys[-1], side="right"))
        at = np.searchsorted(keys, wanted[some])
        hit = keys[at] == wanted[some]
        found[some] = np.where(hit, np.minimum(found[some], numbers[at]), found[some])
    hit = found[which] != NONE
    answers = pa.table({KEY: key[hit], NUMBER: found[which[hit]]})
    scatter(answers, home[hit], job.work.parts, job.work.file("known", span))


def known_documents(job: Job, portion: Portion, rows: int) -> Known:
    """Which documents of the index a portion's documents share keys with."""
    known = Known(np.full(rows, NONE), np.zeros(rows, np.int64))
    if job.against is None:
        return known
    answers = collect([job.work.file("known", span) for span in range(job.spans)], portion.number)
    if not answers.num_rows:
        return known
    key, first = np.unique(answers.column(KEY).to_numpy(), return_index=True)
    number = answers.column(NUMBER).to_numpy()[first]
    column = read_sketches(portion, (KEYS,))[0].column(KEYS).combine_chunks()
    signed = validity(column)
    own = fixed_bytes(column).view(np.uint64)[signed]
    at = np.minimum(np.searchsorted(key, own), len(key) - 1)
    numbers = np.where(key[at] == own, number[at], NONE)
    least = numbers.min(axis=1)
    known.number[signed] = least
    known.shared[signed] = np.where(least == NONE, 0, (numbers == least[:, None]).sum(axis=1))
    return known


def ask_names(job: Job, portion: Portion) -> None:
    """Ask the index for the ids of the documents that a portion's rulings name."""
    assert job.against is not None
    members = collect([job.work.file("members", portion.number)], 0)
    kept = collect(job.work.files("kept"), portion.number)
    numbers = np.unique(np.concatenate([rows.column("known").to_numpy() for rows in (members, kept)]))
    numbers = numbers[numbers != NONE]
    files = job.against.documents
    file = np.searchsorted([entry.lowest for entry in files], numbers, side="right") - 1
    asked = pa.table({NUMBER: numbers, "asker": np.full(len(numbers), portion.number)})
    scatter(asked, file, len(files), job.work.file("asked_names", portion.number))


def answer_names(job: Job, file: int) -> None:
    """Send the ids in one file of the index."""
    assert job.against is not None
    asked = collect(job.work.files("asked_names"), file)
    ids = read_ids(job.against, file, asked.column(NUMBER).to_numpy())
    answers = pa.table({NUMBER: asked.column(NUMBER), schema.ID: ids})
    scatter(answers, asked.column("asker").to_numpy(), job.work.parts, job.work.file("names", file))


def names_of(job: Job, portion: Portion, members: pa.Table, by_cluster: npt.NDArray[np.int64]) -> pa.Array:
    """For each member of a cluster the id of the document of the index that it leaves for, or null.

    The one that it shares a key with, else the one that its cluster is known by (`by_cluster`: number or NONE).
    """
    if job.against is None:
        return pa.nulls(members.num_rows, pa.string())
    own = members.column("known").to_numpy()
    number = np.where(own == NONE, by_cluster, own)
    files = range(len(job.against.documents))
    names = collect([job.work.file("names", file) for file in files], portion.number).sort_by(NUMBER)
    at = np.searchsorted(names.column(NUMBER).to_numpy(), number)
    return names.column(schema.ID).combine_chunks().take(pa.array(at, mask=number == NONE))
