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
from textmill.dedup.passages import Keys, Passages, read_passages, window_keys
from textmill.dedup.sketches import Work, write_rulings
from textmill.dedup.winnow import candidates, meet_grams, send_grams
from textmill.pipeline.exchange import Portion, collect, portions, scatter
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


def cut_repeats(
    sketches: Sequence[str], work: str, executor: Executor, repeats: Repeats, *, part_bytes: int
) -> list[str]:
    """Write the rulings that cut repeats out of texts, and drop texts of nothing else; return their paths."""
    shares = portions(sketches, part_bytes)
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


class _Windows(NamedTuple):
    """The windows of a portion that may be repeats: which units they begin with, their keys, the first equal ones."""

    units: npt.NDArray[np.int64]
    keys: Keys
    heads: npt.NDArray[np.int64]


def _send_grams(job: Job, portion: Portion) -> None:
    send_grams(job.work, portion, read_passages(portion), job.repeats.window, job.repeats.gram)


def _meet_grams(job: Job, part: int) -> None:
    meet_grams(job.work, part)


def _windows(job: Job, portion: Portion, passages: Passages) -> _Windows:
    keys = window_keys(passages.first, passages.keys, job.repeats.window)
    wanted = keys != 0
    if job.repeats.gram:
        wanted &= candidates(job.work, portion, passages, job.repeats.window, job.repeats.gram)
    units = np.flatnonzero(wanted)
    return _Windows(units, keys[units], first_equal(keys[units]).astype(np.int64))


def _send_windows(job: Job, portion: Portion) -> None:
    """Send the first window of each key in a portion, and whether it has equals there, to the part of the key."""
    windows = _windows(job, portion, read_passages(portion))
    copies = np.bincount(windows.heads, minlength=len(windows.heads))
    head = np.flatnonzero(copies)
    sent = {"key": windows.keys[head], "address": addresses(portion.number, windows.units[head])}
    part = ((windows.keys[head] >> np.uint64(32)).astype(np.int64) * job.work.parts) >> 32
    rows = pa.table({**sent, "again": pa.array(copies[head] > 1)})
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


def _holders(job: Job, portion: Portion, passages: Passages) -> npt.NDArray[np.int64]:
    """For each unit the address of the first window equal to the one that begins there, if that one is to go.

    `NOBODY` for a window that stays. Shape: units of the portion.
    """
    windows = _windows(job, portion, passages)
    own = addresses(portion.number, windows.units)
    holder = own[windows.heads]
    goes = windows.heads != np.arange(len(windows.heads))
    if job.repeats.keep == "none":
        goes = np.bincount(windows.heads, minlength=len(windows.heads))[windows.heads] > 1
    links = collect(job.work.files("links"), portion.number).sort_by("address")
    linked = links.column("address").to_numpy()
    if len(linked):
        at = np.minimum(np.searchsorted(linked, holder), len(linked) - 1)
        found = linked[at] == holder
        holder = np.where(found, links.column("holder").to_numpy()[at], holder)
        goes = goes | found
    if not job.repeats.within:
        goes &= ~_same_document(portion, passages, windows.units, holder)
    holders = np.full(len(passages.keys), NOBODY)
    holders[windows.units[goes]] = holder[goes]
    return holders


def _same_document(
    portion: Portion, passages: Passages, units: npt.NDArray[np.int64], holder: npt.NDArray[np.int64]
) -> npt.NDArray[np.bool_]:
    """Whether the holder of a window is in its own document."""
    row = np.searchsorted(passages.first, units, side="right")
    other = np.searchsorted(passages.first, rows_of(holder), side="right")
    return np.asarray((portions_of(holder) == portion.number) & (row == other))


def _ask_names(job: Job, portion: Portion) -> None:
    """Ask for the ids of the documents that hold the first of equal windows."""
    holders = np.unique(_holders(job, portion, read_passages(portion)))
    asked = holders[(holders != NOBODY) & (portions_of(holders) != portion.number)]
    rows = pa.table({"address": asked, "asker": np.full(len(asked), portion.number)})
    scatter(rows, portions_of(asked), job.work.parts, job.work.file("asked", portion.number))


def _answer_names(job: Job, portion: Portion) -> None:
    """Send the ids that others have asked for."""
    asked = collect(job.work.files("asked"), portion.number)
    passages = read_passages(portion)
    row = np.searchsorted(passages.first, rows_of(asked.column("address").to_numpy()), side="right") - 1
    answers = pa.table({"address": asked.column("address"), "name": passages.ids.take(pa.array(row))})
    scatter(answers, asked.column("asker").to_numpy(), job.work.parts, job.work.file("names", portion.number))


def _rule(job: Job, portion: Portion) -> list[str]:
    """Write the rulings on a portion of shards."""
    passages = read_passages(portion)
    holders = _holders(job, portion, passages)
    goes = holders != NOBODY
    said, names = np.full(len(holders), NOBODY), None
    if job.repeats.keep == "first":
        answers = collect(job.work.files("names"), portion.number).sort_by("address")
        known = np.unique(holders[goes])
        names, number = _names(portion, passages, known, answers)
        said[goes] = number[np.searchsorted(known, holders[goes])]
    else:  # whose holders go too
        said[goes] = 0
    said = cover(passages.first, said, job.repeats.window)
    ruling = rule_passages(passages, said, job.repeats.removal, names=names)
    return write_rulings(ruling, portion, passages.shards, job.work)


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
