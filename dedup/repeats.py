"""Cuts out of texts what stands in the corpus already: passages of one unit (lines) or of several (sentences, words).

A window of so many consecutive units is a repeat if an equal one stands earlier in the corpus. Units in repeats go.
So each unit that goes has an equal one before it, that one too if it goes, and in the end one that stays.

Windows meet by key; the part of a key tells each portion whose window is not the first, and the portion with
the first is asked for the id of its document. Only one window a key and portion travels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from textmill.dedup.components import first_equal
from textmill.dedup.cutting import Removal, rule_passages
from textmill.dedup.near import addresses, portions_of, rows_of
from textmill.dedup.passages import KEYS, SIZES, TAILS, Passages, read_passages, window_keys
from textmill.dedup.sketches import Work, write_rulings
from textmill.dedup.winnow import candidates, meet_grams, send_grams
from textmill.pipeline.exchange import Portion, collect, scatter
from textmill.pipeline.executor import Executor, gather
from textmill.pipeline.kernels import kernel

KeepFirst: TypeAlias = Literal["first", "none"]

NOBODY: Final = -1


@dataclass(frozen=True)
class Repeats:
    """What counts as a repeat, and what becomes of it.

    window: units. keep: the first of equal windows, or none of them. within: whether a document repeats itself.
    gram: where windows are long, the units of the grams by which those that may have an equal are told; else 0.
    """

    window: int
    removal: Removal
    keep: KeepFirst = "first"
    within: bool = True
    gram: int = 0


def cut_repeats(shares: Sequence[Portion], work: str, executor: Executor, repeats: Repeats) -> list[str]:
    """Write the rulings that cut repeats out of texts, and drop texts of nothing else; return their paths."""
    job = Job(repeats, Work(work, len(shares)))
    parts = range(len(shares))
    if repeats.gram:
        gather(executor, _send_grams, shares, job)
        gather(executor, _meet_grams, parts, job)
    gather(executor, _send_windows, shares, job)
    gather(executor, _meet_windows, parts, job)
    gather(executor, _ask_names, shares, job)
    gather(executor, _answer_names, shares, job)
    return [path for paths in gather(executor, _rule, shares, job) for path in paths]


@dataclass(frozen=True)
class Job:
    """What all tasks have in common."""

    repeats: Repeats
    work: Work


def _send_grams(job: Job, portion: Portion) -> None:
    passages = read_passages(portion, (KEYS,))
    send_grams(job.work, portion, passages, job.repeats.window, job.repeats.gram)


def _meet_grams(job: Job, part: int) -> None:
    meet_grams(job.work, part)


def _send_windows(job: Job, portion: Portion) -> None:
    """Send the first window of each key in a portion to the part of the key; put all that may be repeated down."""
    passages, repeats = read_passages(portion, (KEYS,)), job.repeats
    keys = window_keys(passages.first, passages.keys, repeats.window)
    wanted = keys != 0
    if repeats.gram:
        wanted &= candidates(job.work, portion, passages, repeats.window, repeats.gram)
    units = np.flatnonzero(wanted)
    keys = keys[units]
    heads = first_equal(keys)
    own = pa.table({"unit": units, "head": heads})
    scatter(own, np.zeros(len(units), np.int64), 1, job.work.file("own", portion.number))
    head = np.flatnonzero(heads == np.arange(len(heads)))
    part = ((keys[head] >> np.uint64(32)).astype(np.int64) * job.work.parts) >> 32
    rows = pa.table({"key": keys[head], "address": addresses(portion.number, units[head])})
    scatter(rows, part, job.work.parts, job.work.file("windows", portion.number))


def _meet_windows(job: Job, part: int) -> None:
    """Tell each portion which of its windows stand elsewhere earlier; where none is to stay, also the first ones."""
    rows = collect(job.work.files("windows"), part)
    address = rows.column("address").to_numpy()
    first = first_equal(rows.column("key").to_numpy())
    copies = np.bincount(first, minlength=len(first))[first]
    told = first != np.arange(len(first)) if job.repeats.keep == "first" else copies > 1
    links = pa.table({"address": address[told], "holder": address[first[told]]})
    scatter(links, portions_of(address[told]), job.work.parts, job.work.file("links", part))


class _Going(NamedTuple):
    """Windows that go: the units that they begin with, and the addresses of the first windows that equal them."""

    units: npt.NDArray[np.int64]
    holders: npt.NDArray[np.int64]


def _going(job: Job, portion: Portion) -> _Going:
    """The windows of a portion that go."""
    own = collect([job.work.file("own", portion.number)], 0)
    units, heads = own.column("unit").to_numpy(), own.column("head").to_numpy()
    goes = heads != np.arange(len(heads))
    if job.repeats.keep == "none":
        goes = np.bincount(heads, minlength=len(heads))[heads] > 1
    holders = addresses(portion.number, units)[heads]
    links = collect(job.work.files("links"), portion.number).sort_by("address")
    linked = links.column("address").to_numpy()
    if len(linked):
        at = np.minimum(np.searchsorted(linked, holders), len(linked) - 1)
        found = linked[at] == holders
        holders = np.where(found, links.column("holder").to_numpy()[at], holders)
        goes = goes | found
    return _Going(units[goes], holders[goes])


def _leaders(going: _Going, window: int) -> npt.NDArray[np.int64]:
    """For each window the holder of the first of those around it that move along with theirs: in the same document.

    Between the last window of a document and the first of the next stand units with which none begins, but for
    windows of one unit, which lead themselves.
    """
    if window == 1 or not len(going.units):
        return going.holders
    along = (np.diff(going.units) == 1) & (np.diff(going.holders) == 1)
    first = np.concatenate([[True], ~along])
    return np.asarray(going.holders[np.maximum.accumulate(np.where(first, np.arange(len(first)), 0))])


def _ask_names(job: Job, portion: Portion) -> None:
    """Ask for the ids of the documents that hold the first of equal windows."""
    holders = np.unique(_leaders(_going(job, portion), job.repeats.window))
    asked = holders[portions_of(holders) != portion.number]
    rows = pa.table({"address": asked, "asker": np.full(len(asked), portion.number)})
    scatter(rows, portions_of(asked), job.work.parts, job.work.file("asked", portion.number))


def _answer_names(job: Job, portion: Portion) -> None:
    """Send the ids that others have asked for."""
    asked = collect(job.work.files("asked"), portion.number)
    passages = read_passages(portion, (TAILS,))
    row = np.searchsorted(passages.first, rows_of(asked.column("address").to_numpy()), side="right") - 1
    answers = pa.table({"address": asked.column("address"), "name": passages.ids.take(pa.array(row))})
    scatter(answers, asked.column("asker").to_numpy(), job.work.parts, job.work.file("names", portion.number))


def _rule(job: Job, portion: Portion) -> list[str]:
    """Write the rulings on a portion of shards."""
    passages = read_passages(portion, (SIZES, TAILS))
    going = _going(job, portion)
    units, holders = going.units, _leaders(going, job.repeats.window)
    if not job.repeats.within:
        others = _others(portion, passages, units, holders)
        units, holders = units[others], holders[others]
    said, names = np.full(len(passages.sizes), NOBODY), None
    if job.repeats.keep == "first":
        answers = collect(job.work.files("names"), portion.number).sort_by("address")
        known = np.unique(holders)
        names, number = _names(portion, passages, known, answers)
        said[units] = number[np.searchsorted(known, holders)]
    else:  # whose holders go too
        said[units] = 0
    said = cover(passages.first, said, job.repeats.window)
    ruling = rule_passages(passages, said, job.repeats.removal, names=names)
    return write_rulings(ruling, portion, passages.shards, job.work)


def _others(
    portion: Portion, passages: Passages, units: npt.NDArray[np.int64], holders: npt.NDArray[np.int64]
) -> npt.NDArray[np.bool_]:
    """Whether the holder of a window is in another document."""
    row = np.searchsorted(passages.first, units, side="right")
    other = np.searchsorted(passages.first, rows_of(holders), side="right")
    return np.asarray((portions_of(holders) != portion.number) | (row != other))


def _names(
    portion: Portion, passages: Passages, holders: npt.NDArray[np.int64], answers: pa.Table
) -> tuple[pa.Array, npt.NDArray[np.int64]]:
    """Ids of documents, each once, and for each of the `holders` the number of its document's."""
    own = portions_of(holders) == portion.number
    row = np.searchsorted(passages.first, rows_of(holders[own]), side="right") - 1
    other = np.searchsorted(answers.column("address").to_numpy(), holders[~own])
    ids = pa.concat_arrays(
        [passages.ids.take(pa.array(row)), answers.column("name").take(pa.array(other)).combine_chunks()]
    ).dictionary_encode()
    number = np.empty(len(holders), np.int64)
    number[own], number[~own] = np.split(ids.indices.to_numpy().astype(np.int64), [len(row)])
    return ids.dictionary, number


@kernel
def cover(first: npt.NDArray[np.int64], said: npt.NDArray[np.int64], window: int) -> npt.NDArray[np.int64]:
    """What is said of windows, by the unit that each begins with, said of all their units; of several the first."""
    covered = np.full(len(said), np.int64(NOBODY))
    for row in range(len(first) - 1):
        end = first[row]
        for unit in range(first[row], first[row + 1]):
            if said[unit] != NOBODY:
                for other in range(max(end, unit), unit + window):
                    covered[other] = said[unit]
                end = unit + window
    return covered
