"""A few of the dropped texts that a run kept, for each reason, drawn by id: the same of the same run."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from textmill.pipeline import schema
from textmill.pipeline.chance import draw
from textmill.pipeline.errors import DamagedRunError
from textmill.pipeline.io.files import exists, open_binary
from textmill.pipeline.reports.lookup import files_of, part_of
from textmill.pipeline.run_folder import RunFolder, RunStage

A_REASON = 3
"""Documents of each stage, step and reason."""
FILES = 16
"""Of a stage that are looked at, spread over its parts: of a large run these are enough to draw a few from."""
TEXT_CHARS = 4000
"""Of a text that are read into memory."""
_THREADS = 8

Reason = tuple[str, str]


@dataclass(frozen=True)
class Reject:
    """A dropped document: what judged it, with value and threshold where there are any, and the start of its text.

    chars: of the whole text, in code points. text: None for what was dropped before it had one.
    """

    id: str
    source: str
    stage: str
    step: str
    reason: str
    url: str | None
    text: str | None
    chars: int
    value: float | None = None
    threshold: float | None = None


class _Place(NamedTuple):
    """A row of a file of rejects; the smallest draws are taken."""

    draw: int
    path: str
    row: int


def sample_rejects(run: RunFolder) -> list[Reject]:
    """Up to `A_REASON` documents of each stage, step and reason that ``rejects: {keep}`` kept.

    Reads three columns of some files, then only the rows it takes. Raises DamagedRunError for a file that is no
    whole Parquet.
    """
    with ThreadPoolExecutor(_THREADS) as pool:
        return [reject for stage in run.stages if stage.kind == "chain" for reject in _of_stage(stage, pool)]


def _of_stage(stage: RunStage, pool: ThreadPoolExecutor) -> list[Reject]:
    paths = files_of(stage, "rejects")
    spread = paths[:: max(1, -(len(paths) // -FILES))]
    drawn = defaultdict[Reason, list[_Place]](list)
    for places in pool.map(_draw, spread):
        for reason, some in places.items():
            drawn[reason] = sorted([*drawn[reason], *some])[:A_REASON]
    rows = defaultdict[str, list[_Place]](list)
    for place in (place for reason in sorted(drawn) for place in drawn[reason]):
        rows[place.path].append(place)
    found = pool.map(lambda path: _read(stage, path, rows[path]), sorted(rows))
    ranked = sorted(
        (pair for pairs in found for pair in pairs), key=lambda pair: (pair[1].step, pair[1].reason, pair[0])
    )
    return [reject for _, reject in ranked]


def _draw(path: str) -> dict[Reason, list[_Place]]:
    """The rows of a file that have the smallest draws of their reason."""
    places = defaultdict[Reason, list[_Place]](list)
    table = _columns(path, [schema.ID, "step", "reason"])
    draws = draw(table.column(schema.ID), "report")
    reasons = list(zip(table.column("step").to_pylist(), table.column("reason").to_pylist(), strict=True))
    for row in np.argsort(draws, kind="stable").tolist():
        some = places[reasons[row]]
        if len(some) < A_REASON:
            some.append(_Place(int(draws[row]), path, row))
    return places


def _columns(path: str, columns: Sequence[str]) -> pa.Table:
    try:
        with open_binary(path) as stream:
            return pq.read_table(stream, columns=list(columns))
    except pa.ArrowInvalid as error:
        raise DamagedRunError(f"{path}: no whole Parquet file ({error}); see textmill verify") from error


def _read(stage: RunStage, path: str, places: Sequence[_Place]) -> list[tuple[_Place, Reject]]:
    """Those rows of a file, with what the decisions say of them."""
    rows = _take(path, sorted(place.row for place in places))
    judged = _judged(stage.file("decisions", part_of(path)), rows)
    by_row = {place.row: place for place in places}
    return [
        (by_row[number], _reject(row, *judged.get((row[schema.ID], row["step"], row["reason"]), (None, None))))
        for number, row in zip(sorted(by_row), rows, strict=True)
    ]


def _take(path: str, numbers: Sequence[int]) -> list[dict[str, object]]:
    """Rows by number, in that order; only row groups that hold one are read, and only the start of their texts."""
    found: list[dict[str, object]] = []
    start = 0
    with open_binary(path) as stream, pq.ParquetFile(stream) as file:
        for group in range(file.num_row_groups):
            stop = start + file.metadata.row_group(group).num_rows
            here = [number - start for number in numbers if start <= number < stop]
            if here:
                table = file.read_row_group(group).take(here)
                texts = table.column(schema.TEXT)
                table = table.append_column("chars", pc.fill_null(pc.utf8_length(texts), 0))
                cut = pc.utf8_slice_codeunits(texts, 0, TEXT_CHARS)
                found += table.set_column(table.schema.get_field_index(schema.TEXT), schema.TEXT, cut).to_pylist()
            start = stop
    return found


def _judged(path: str, rows: Iterable[dict[str, object]]) -> dict[tuple[object, ...], tuple[float, float]]:
    """Value and threshold of dropped documents, by id, step and reason."""
    if not exists(path):
        return {}
    table = _columns(path, [schema.ID, "step", "reason", "value", "threshold"])
    wanted = pa.array([row[schema.ID] for row in rows], pa.string())
    found = table.filter(pc.is_in(table.column(schema.ID), value_set=wanted)).to_pylist()
    return {(row[schema.ID], row["step"], row["reason"]): (row["value"], row["threshold"]) for row in found}


def _reject(row: dict[str, object], value: float | None, threshold: float | None) -> Reject:
    return Reject(**row, value=value, threshold=threshold)  # type: ignore[arg-type]
