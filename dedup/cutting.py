"""From units that go to rulings: the spans to cut out of each text, and the texts of which too little is left."""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from textmill.dedup.passages import Passages
from textmill.dedup.sketches import ruling_of
from textmill.pipeline.barrier import CUT, CUTS
from textmill.pipeline.kernels import kernel
from textmill.pipeline.kernels.documents import sum_by_document

STAYS: Final = -1
"""Said of a unit that stays."""


@dataclass(frozen=True)
class Removal:
    """What is said of spans that go, and of documents that leave since more than `max_removed` of them would go."""

    cut_reason: str
    drop_reason: str
    max_removed: float


class Spans(NamedTuple):
    """The spans that go; those of row i stand at ``first[i]:first[i + 1]`` of the others.

    first: int64, rows + 1. start, stop: int64, code points. said: int64, what is said of the units in it.
    """

    first: npt.NDArray[np.int64]
    start: npt.NDArray[np.int64]
    stop: npt.NDArray[np.int64]
    said: npt.NDArray[np.int64]


def rule_passages(
    passages: Passages,
    said: npt.NDArray[np.int64],
    removal: Removal,
    *,
    names: pa.Array | None = None,
    values: npt.NDArray[np.float64] | None = None,
    shares: npt.NDArray[np.float64] | None = None,
) -> pa.Table:
    """The ruling on every row of a portion, as `ruling_of` with cuts.

    said: for each unit `STAYS`, or a number: units that go, stand together and have the same are one span, whose
    `kept_id` and `value` are those of that number in `names` and `values`, where given. A document leaves when
    all of it would go, or when its share is above `max_removed`: that of its code points that would go, or
    the one in `shares`, where given. The share is its `value`; its `kept_id` is that of its spans where they agree.
    """
    spans = find_spans(passages.first, passages.sizes, passages.tails, said)
    chars = sum_by_document(passages.sizes, passages.first)
    lost = sum_by_document(spans.stop - spans.start, spans.first)
    share = lost / np.maximum(chars, 1) if shares is None else shares
    leaves = ((lost > 0) & (lost == chars)) | (share > removal.max_removed)
    kept_id = _named(names, _one_said(spans, leaves))
    ruling = ruling_of(removal.drop_reason, pa.array(leaves), kept_id, pa.nulls(len(leaves), pa.float32()))
    for name, number in (("value", share), ("threshold", removal.max_removed)):
        column = pa.array(np.where(leaves, number, np.nan), from_pandas=True)
        ruling = ruling.set_column(ruling.schema.get_field_index(name), name, column)
    counts = np.where(leaves, 0, np.diff(spans.first))
    stay = np.repeat(~leaves, np.diff(spans.first))
    said = spans.said[stay]
    columns = {
        "start": pa.array(spans.start[stay]),
        "stop": pa.array(spans.stop[stay]),
        "reason": pa.repeat(removal.cut_reason, len(said)),
        "value": pa.nulls(len(said)) if values is None else pa.array(values[said]),
        "kept_id": _named(names, said),
    }
    structs = pa.StructArray.from_arrays([columns[field.name].cast(field.type) for field in CUT], fields=list(CUT))
    first = pa.array(np.concatenate([[0], np.cumsum(counts)]).astype(np.int32))
    cuts = pa.ListArray.from_arrays(first, structs, type=pa.list_(CUT), mask=pa.array(counts == 0))
    return ruling.append_column(CUTS, cuts)


def _one_said(spans: Spans, leaves: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """For each row that leaves what is said of all its spans, where it is the same; else `STAYS`."""
    said = np.full(len(leaves), np.int64(STAYS))
    leaves = leaves & (np.diff(spans.first) > 0)
    rows = np.flatnonzero(leaves)
    if len(rows):  # whose spans alone are looked at, one after another
        own = spans.said[np.repeat(leaves, np.diff(spans.first))]
        begin = np.concatenate([[0], np.cumsum(np.diff(spans.first)[rows])[:-1]])
        low, high = np.minimum.reduceat(own, begin), np.maximum.reduceat(own, begin)
        said[rows] = np.where(low == high, low, STAYS)
    return said


def _named(names: pa.Array | None, said: npt.NDArray[np.int64]) -> pa.Array:
    if names is None:
        return pa.nulls(len(said), pa.string())
    return names.take(pa.array(said, mask=said == STAYS))


@kernel
def find_spans(
    first: npt.NDArray[np.int64],
    sizes: npt.NDArray[np.int64],
    tails: npt.NDArray[np.int64],
    said: npt.NDArray[np.int64],
) -> Spans:
    """Units that go and stand together, of which the same is said, as one span.

    Where the end of a text goes that no whitespace follows, the whitespace before it goes too.
    """
    found, start, stop = np.zeros_like(first), np.empty_like(sizes), np.empty_like(sizes)
    words = np.empty_like(sizes)
    count = 0
    for row in range(len(first) - 1):
        begin, end = first[row], first[row + 1]
        at, run, opened = np.int64(0), begin, count  # run: the first of the units that go up to here; its span
        for unit in range(begin, end):
            if said[unit] == STAYS:
                run, opened = unit + 1, count
            elif unit > run and said[unit] == said[unit - 1]:
                stop[count - 1] = at + sizes[unit]
            else:
                start[count], stop[count], words[count] = at, at + sizes[unit], said[unit]
                count += 1
            at += sizes[unit]
        if begin < run < end and tails[end - 1] == 0:
            start[opened] -= tails[run - 1]
        found[row + 1] = count
    return Spans(found, start[:count], stop[:count], words[:count])
