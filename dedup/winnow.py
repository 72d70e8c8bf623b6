"""Which long windows may have an equal one: those whose smallest gram stands elsewhere too.

A window's grams are its runs of fewer units; equal windows have the same smallest gram. That is one in every so
many grams (winnowing: Schleimer, Wilkerson, Aiken 2003), so that few keys travel, and no repeat is missed.
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from textmill.dedup.components import first_equal
from textmill.dedup.near import addresses, portions_of, rows_of
from textmill.dedup.passages import Keys, Passages, window_keys
from textmill.dedup.sketches import Work
from textmill.pipeline.exchange import Portion, collect, scatter
from textmill.pipeline.kernels import kernel


def send_grams(work: Work, portion: Portion, passages: Passages, window: int, gram: int) -> None:
    """Send each gram that is the smallest of a window, once, to the part of its key."""
    grams = window_keys(passages.first, passages.keys, gram)
    units = _places(smallest_grams(passages.first, grams, window, gram))
    heads = first_equal(grams[units])
    first = units[heads == np.arange(len(heads))]
    keys = grams[first]
    part = ((keys >> np.uint64(32)).astype(np.int64) * work.parts) >> 32
    rows = pa.table({"key": keys, "address": addresses(portion.number, first)})
    scatter(rows, part, work.parts, work.file("grams", portion.number))


def meet_grams(work: Work, part: int) -> None:
    """Tell each portion which of the grams it sent another portion sent too."""
    rows = collect(work.files("grams"), part)
    first = first_equal(rows.column("key").to_numpy())
    shared = np.bincount(first, minlength=len(first))[first] > 1
    address = rows.column("address").to_numpy()[shared]
    scatter(pa.table({"address": address}), portions_of(address), work.parts, work.file("shared", part))


def candidates(work: Work, portion: Portion, passages: Passages, window: int, gram: int) -> npt.NDArray[np.bool_]:
    """For each unit whether the window that begins there may have an equal one."""
    grams = window_keys(passages.first, passages.keys, gram)
    smallest = smallest_grams(passages.first, grams, window, gram)
    units = _places(smallest)
    heads = first_equal(grams[units])
    repeated = np.bincount(heads, minlength=len(units))[heads] > 1
    shared = rows_of(collect(work.files("shared"), portion.number).column("address").to_numpy())
    repeated |= np.isin(units[heads], shared)
    told = np.zeros(len(passages.keys) + 1, np.bool_)
    told[units[repeated]] = True
    return told[smallest]  # the last entry, false, is for windows that are none


def _places(smallest: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The units with which smallest grams begin, each once, ascending."""
    told = np.zeros(len(smallest) + 1, np.bool_)
    told[smallest] = True
    return np.flatnonzero(told[:-1])  # without the entry of the windows that are none


@kernel
def smallest_grams(first: npt.NDArray[np.int64], grams: Keys, window: int, gram: int) -> npt.NDArray[np.int64]:
    """For each unit where the smallest gram of the window that begins there begins; -1 where no window does.

    Of equal grams in a window the last, so that a gram is the smallest of as many windows as may be.
    """
    smallest = np.full(len(grams), np.int64(-1))
    width = window - gram + 1
    queue = np.empty(len(grams) + 1, np.int64)  # grams, each smaller than all after it
    for row in range(len(first) - 1):
        head, tail = 0, 0
        for unit in range(first[row], first[row + 1] - gram + 1):
            while tail > head and grams[queue[tail - 1]] >= grams[unit]:
                tail -= 1
            queue[tail] = unit
            tail += 1
            begin = unit - width + 1
            if queue[head] < begin:
                head += 1
            if begin >= first[row]:
                smallest[begin] = queue[head]
    return smallest
