"""How good extractors are on pages whose main text is known: all on the same pages, with what chance may add."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from textmill.pipeline import schema
from textmill.pipeline.extraction.resampling import Floats, Resamples, interval, ratios, resample
from textmill.pipeline.extraction.scoring import METRICS, TEXT_METRICS, Scores, score_pages

Json: TypeAlias = dict[str, Any]
Extract: TypeAlias = Callable[[pa.RecordBatch], pa.RecordBatch]
"""Pages to `text`, and `drop_reason` where a page was refused: what `extract_html` does to a batch."""

COLUMNS: Final = {
    "id": "id",
    "html": "html",
    "known": "gold_text",
    "wanted": "with_snippets",
    "unwanted": "without_snippets",
    "collection": "set",
    "page_type": "page_type",
    "language": "lang",
    "site": "domain",
    "content_type": "content_type",
    "url": "url",
    "date": "date",
}
"""Names of the columns of a labelled table; only `html`, and either `known` or the snippets, must be there."""
GROUPINGS: Final = ("collection", "page_type", "language")
_STRINGS: Final = ("id", "known", "collection", "page_type", "language", "site", "content_type", "url", "date")


class Candidate(NamedTuple):
    """An extractor to evaluate. options: what the report shows of it. is_timed: whether its time means anything."""

    name: str
    extract: Extract
    options: Json
    is_timed: bool = True


@dataclass
class Outcome:
    """What an extractor gave, page by page. refused: pages without text, by reason."""

    scores: list[Scores] = field(default_factory=list)
    texts: list[pa.Array] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0


@dataclass(frozen=True)
class Settings:
    """How to average. small: a collection of fewer pages is shown and is no part of the mean over collections."""

    resamples: int = 1000
    seed: int = 0
    small: int = 10


def labelled(batches: Iterable[pa.RecordBatch], columns: Mapping[str, str]) -> Iterator[pa.RecordBatch]:
    """Batches with the keys of `COLUMNS` as names; absent columns are empty, and an absent id is the row's number."""
    row = 0
    for batch in batches:
        found = {name: batch.column(of) for name, of in columns.items() if of in batch.schema.names}
        count = batch.num_rows
        found.setdefault("id", pa.array([str(row + n) for n in range(count)]))
        for name in _STRINGS:
            column = found.get(name, pa.nulls(count, pa.string()))
            found[name] = column.cast(pa.string())
        for name in ("wanted", "unwanted"):
            found.setdefault(name, pa.array([[]] * count, pa.list_(pa.string())))
        found["html"] = found["html"].cast(pa.binary())
        row += count
        yield pa.RecordBatch.from_pydict(found)


def run_candidates(
    batches: Iterable[pa.RecordBatch], candidates: Sequence[Candidate], seen: Callable[[int], None]
) -> tuple[pa.Table, list[Outcome]]:
    """Extract every page with every candidate, and score it; `seen` is told how many pages are done.

    Returns what the averages need of the pages (id, groupings, site), and an outcome a candidate. The time is that
    of this process's processor, decoding and limits included; the first page runs once before, untimed.
    """
    outcomes = [Outcome() for _ in candidates]
    pages: list[pa.RecordBatch] = []
    for batch in batches:
        input_ = _as_input(batch)
        for candidate, outcome in zip(candidates, outcomes, strict=True):
            if not pages:
                candidate.extract(input_.slice(0, 1))
            start = time.process_time()
            result = candidate.extract(input_)
            outcome.seconds += time.process_time() - start
            _note(outcome, result, batch)
        pages.append(batch.select(["id", "site", *GROUPINGS]))
        seen(batch.num_rows)
    return pa.Table.from_batches(pages), outcomes


def _as_input(batch: pa.RecordBatch) -> pa.RecordBatch:
    names = {schema.ID: "id", schema.HTML: "html", schema.CONTENT_TYPE: "content_type", schema.URL: "url"}
    names[schema.DATE] = "date"
    return pa.RecordBatch.from_pydict({name: batch.column(of) for name, of in names.items()})


def _note(outcome: Outcome, result: pa.RecordBatch, batch: pa.RecordBatch) -> None:
    texts = result.column(schema.TEXT).cast(pa.string()).fill_null("")
    if schema.DROP_REASON in result.schema.names:
        outcome.refused.update(result.column(schema.DROP_REASON).drop_null().to_pylist())
    wanted, unwanted = ([part or [] for part in batch.column(n).to_pylist()] for n in ("wanted", "unwanted"))
    outcome.scores.append(score_pages(texts, batch.column("known").fill_null(""), wanted, unwanted))
    outcome.texts.append(texts)


def scores_of(outcome: Outcome) -> Scores:
    """All pages of an outcome in one."""
    return Scores(*(np.vstack([getattr(part, name) for part in outcome.scores]) for name in Scores._fields))


def summarise(
    pages: pa.Table, candidates: Sequence[Candidate], outcomes: Sequence[Outcome], settings: Settings
) -> Json:
    """The report: for each candidate its averages, and the differences from the first, with 95 % intervals."""
    sites = [site or f"page {n}" for n, site in enumerate(pages["site"].to_pylist())]
    resamples = resample(sites, settings.resamples, settings.seed)
    groups = {by: _groups(pages[by]) for by in GROUPINGS}
    drawn = [_statistics(resamples, scores_of(outcome), groups, settings.small) for outcome in outcomes]
    engines = []
    for candidate, outcome, statistics in zip(candidates, outcomes, drawn, strict=True):
        found = {part: _intervals(rows) for part, rows in statistics.items()}
        less_first = {
            part: _intervals({g: {m: row[m] - drawn[0][part][g][m] for m in row} for g, row in rows.items()})
            for part, rows in statistics.items()
        }
        speed = len(pages) / outcome.seconds if candidate.is_timed and outcome.seconds > 0 else None
        engines.append(
            {
                "name": candidate.name,
                "options": candidate.options,
                "refused": dict(sorted(outcome.refused.items())),
                "cpu_seconds": round(outcome.seconds, 3) if candidate.is_timed else None,
                "pages_per_second": None if speed is None else round(speed, 1),
                "scores": found,
                "less_first": less_first,
            }
        )
    counts = {by: {name: int(mask.sum()) for name, mask in members.items()} for by, members in groups.items()}
    return {
        "pages": len(pages),
        "sites": len(set(sites)),
        "counts": counts,
        "resamples": settings.resamples,
        "seed": settings.seed,
        "engines": engines,
    }


def _groups(column: pa.ChunkedArray) -> dict[str, npt.NDArray[np.bool_]]:
    """The pages of each value, the largest group first; of what has no value, none."""
    values = np.asarray(pc.fill_null(column, "").to_pylist(), dtype=object)
    often = Counter(value for value in values if value)
    return {name: values == name for name, _ in sorted(often.items(), key=lambda item: (-item[1], item[0]))}


Statistics: TypeAlias = dict[str, dict[str, dict[str, Floats]]]
"""grouping -> group -> metric -> the statistic in each resample."""


def _statistics(
    resamples: Resamples, scores: Scores, groups: Mapping[str, Mapping[str, npt.NDArray[np.bool_]]], small: int
) -> Statistics:
    everywhere = np.ones(len(scores.value), np.bool_)
    found: Statistics = {"all": {"pages": _ratios(resamples, scores, everywhere)}}
    for by, members in groups.items():
        found[by] = {name: _ratios(resamples, scores, mask) for name, mask in members.items()}
    large = [
        found["collection"][name]
        for name, mask in groups["collection"].items()
        if scores.weight[mask, METRICS.index("f1")].sum() >= small
    ]
    if large:
        found["all"]["collections"] = {
            metric: _mean([row[metric] for row in large if metric in row])
            for metric in TEXT_METRICS
            if any(metric in row for row in large)
        }
    return found


def _ratios(resamples: Resamples, scores: Scores, mask: npt.NDArray[np.bool_]) -> dict[str, Floats]:
    """The metrics that say something of these pages."""
    return {
        metric: ratios(resamples, scores.value[:, at] * mask, scores.weight[:, at] * mask)
        for at, metric in enumerate(METRICS)
        if scores.weight[mask, at].any()
    }


def _mean(rows: Sequence[Floats]) -> Floats:
    """Over collections; a resample that has no page of one is left out by `interval`."""
    return np.asarray(np.mean(rows, axis=0))


def _intervals(rows: Mapping[str, Mapping[str, Floats]]) -> Json:
    return {
        group: {metric: [round(number, 5) for number in interval(values)] for metric, values in row.items()}
        for group, row in rows.items()
    }
