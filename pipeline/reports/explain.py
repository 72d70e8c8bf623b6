"""What happened to one document: where it was read, what dropped it and why, or where it stands in the corpus."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from rich.console import Console

from textmill.pipeline import schema
from textmill.pipeline.console import count, plural, say
from textmill.pipeline.io.files import exists, join, open_binary
from textmill.pipeline.mixing.shuffle import MIX_COLUMNS
from textmill.pipeline.reports.lookup import Hit, files_of, part_of, rows_with, search
from textmill.pipeline.reports.mixture_report import copies_of
from textmill.pipeline.run_folder import RunFolder, RunStage, open_run
from textmill.pipeline.stage_folder import part_name, read_json

EXCERPT = 400
"""Characters of a text that are shown."""
SUGGESTIONS = 10
"""Ids shown for one that is not there, and of duplicates that a document stands for."""


@dataclass(frozen=True)
class Event:
    """Something that happened to a document.

    what: ``read`` from `place`, ``dropped`` by a stage, ``edited`` by one, ``kept`` in the file `place`, or
    ``waiting``: past every stage that is done so far, in the file `place`. details: columns of its decision or
    of its row in the corpus; the text as it was then, where it was kept, in `text`. Of an edit: `step`,
    `reason`, `spans`, `characters`, the first `kept_ids`, and as `text` the first span that was cut out. ``mixed``
    by a mix: `phases` as `copies_of` gives them.
    """

    document: str
    what: Literal["read", "dropped", "edited", "mixed", "kept", "waiting"]
    stage: str
    place: str
    details: Mapping[str, Any]


@dataclass(frozen=True)
class Explanation:
    """All that is known of the document asked for and, where it is a duplicate, of those that it left to.

    stands_for: how many were dropped in its favour, and the ids of the first. suggestions: when there are
    no events, ids that hold what was asked for. unfinished: stages that may still come to know it.
    """

    asked: str
    events: Sequence[Event]
    stands_for: tuple[int, Sequence[str]] = (0, ())
    suggestions: Sequence[str] = ()
    unfinished: Sequence[str] = ()


def explain(out: str, document: str) -> Explanation:
    """Look for a document by its id or, if no document has that id, by its URL.

    Reads the id column of decisions and corpus only, and of those the row groups that may hold it. Raises
    InputError when there is no run in `out`, DamagedRunError when a file of it cannot be read.
    """
    run = open_run(out)
    ids = [document]
    events = _lives(run, ids)
    if not events:
        ids = _ids_of_url(run, document)
        events = _lives(run, ids)
    if not events:
        unfinished = [stage.name for stage in run.stages if stage.summary() is None]
        return Explanation(document, (), suggestions=_like(run, document), unfinished=unfinished)
    favoured = [name for stage in run.stages for name in _favoured(stage, ids)]
    return Explanation(document, events, (len(favoured), favoured[:SUGGESTIONS]))


def _lives(run: RunFolder, ids: Sequence[str]) -> list[Event]:
    """The events of all documents with these ids, each followed by those that documents of its id left to."""
    events: list[Event] = []
    seen: set[str] = set()
    ahead = [*reversed(ids)]
    while ahead:
        name = ahead.pop()
        if name not in seen:
            seen.add(name)
            found = list(_life(run, name))
            events += found
            survivors = {event.details["kept_id"] for event in found if event.what == "dropped"} - {None}
            ahead += sorted(survivors, reverse=True)
    return events


def _life(run: RunFolder, document: str) -> Iterator[Event]:
    """The events of every document of an id: first of those that were dropped, by stage, then of the others."""
    edits: list[Event] = []
    dropped: Counter[tuple[int, int]] = Counter()
    for number, stage in enumerate(run.stages):
        edits += _edits(run, number, document)
        for hit in search(stage, "decisions", schema.ID, document):
            dropped[number, hit.part] += 1
            yield _origin(run, document, hit.part)
            yield from _of_part(edits, hit.part)
            yield Event(document, "dropped", stage.name, hit.path, {**hit.row, **_rejected(stage, hit)})
    output = run.stages[-1]
    kept = output.summary() is not None
    for stage, hit in _last_rows(run, document, dropped):
        part = _part_of_row(run, hit) if stage is output else hit.part
        yield _origin(run, document, part)
        yield from _of_part(edits, part)
        if kept and run.mixed:
            yield Event(document, "mixed", run.stages[-3].name, "", {"phases": copies_of(run, hit.row)})
        place = hit.path if stage is output or not kept else join(run.out, "data")
        row = {name: value for name, value in hit.row.items() if not name.startswith(MIX_COLUMNS)}
        yield Event(document, "kept" if kept else "waiting", (output if kept else stage).name, place, row)


def _last_rows(run: RunFolder, document: str, dropped: Mapping[tuple[int, int], int]) -> Iterator[tuple[RunStage, Hit]]:
    """The rows of an id in the corpus or, without one, in what is the last stage so far of each part.

    dropped: how many documents of the id a stage dropped, by its number and the part. Of rows of one part that a
    barrier dropped some of, the first are taken for those that wait.
    """
    output = run.stages[-1]
    if output.summary() is not None:
        corpus = output if run.plain else run.stages[-2]  # whose rows are those of a corpus in any format
        yield from ((corpus, hit) for hit in search(corpus, "data", schema.ID, document))
        return
    told: set[int] = set()
    for number in reversed(range(len(run.stages))):
        by_part = lambda hit: hit.part  # noqa: E731
        found = search(run.stages[number], "data", schema.ID, document)
        for part, hits in groupby(sorted(found, key=by_part), by_part):
            gone = sum(count for (stage, where), count in dropped.items() if where == part and stage > number)
            if part not in told:
                told.add(part)
                rows = list(hits)
                yield from ((run.stages[number], hit) for hit in rows[: max(0, len(rows) - gone)])


def _edits(run: RunFolder, number: int, document: str) -> Iterator[Event]:
    """What stage `number` cut out of a document, an event a reason."""
    stage = run.stages[number]
    found = search(stage, "edits", schema.ID, document)
    before = search(run.stages[number - 1], "data", schema.ID, document) if found else []
    texts = {hit.part: hit.row.get(schema.TEXT) for hit in before}
    by_reason = lambda hit: (hit.part, hit.row["step"], hit.row["reason"])  # noqa: E731
    for (part, step, reason), hits in groupby(sorted(found, key=by_reason), by_reason):
        rows = [hit.row for hit in hits]
        details = {"part": part, "step": step, "reason": reason, "spans": len(rows)}
        details["characters"] = sum(row["stop"] - row["start"] for row in rows)
        details["kept_ids"] = list(dict.fromkeys(row["kept_id"] for row in rows if row["kept_id"] is not None))
        details[schema.TEXT] = (texts.get(part) or "")[rows[0]["start"] : rows[0]["stop"]]
        yield Event(document, "edited", stage.name, stage.file("edits", part), details)


def _of_part(edits: Sequence[Event], part: int) -> list[Event]:
    """Those edits that were made in a part: several documents may have one id."""
    return [event for event in edits if event.details["part"] == part]


def _origin(run: RunFolder, document: str, part: int) -> Event:
    """Where a document was read: a part keeps its number from the first stage to the last chain."""
    first = run.stages[0]
    origin = _manifest(first, part)["origin"]
    return Event(document, "read", first.name, origin["path"], {**origin, "part": part})


def _part_of_row(run: RunFolder, hit: Hit) -> int:
    """The part of the last chain from which a row of the corpus comes."""
    last, output = run.stages[-2:]
    end, part = 0, -1
    for path, first, stop in _manifest(output, hit.part)["origin"]["pieces"]:
        part = part_of(path)
        end += sum(rows for rows, _ in _manifest(last, part)["files"]["data"]["row_groups"][first:stop])
        if hit.number < end:
            break
    return part


def _manifest(stage: RunStage, part: int) -> dict[str, Any]:
    return read_json(join(stage.folder.path, "shards", f"{part_name(part)}.json"))


def _rejected(stage: RunStage, hit: Hit) -> dict[str, Any]:
    """The text and URL of a dropped document, where the sample of rejects holds it."""
    path = stage.file("rejects", hit.part)
    found = rows_with(path, schema.ID, hit.row[schema.ID]) if exists(path) else []
    return {name: found[0].row[name] for name in (schema.URL, schema.TEXT)} if found else {}


def _favoured(stage: RunStage, ids: Sequence[str]) -> list[str]:
    """Ids of the documents that a stage dropped in favour of one of `ids`."""
    return [hit.row[schema.ID] for name in ids for hit in search(stage, "decisions", "kept_id", name)]


def _ids_of_url(run: RunFolder, url: str) -> list[str]:
    """Ids of the documents of that URL: of those that passed the first stage, else of the rejected ones."""
    if "://" not in url:
        return []
    first = run.stages[0]
    for stage, kind in ((first, "data"), *((stage, "rejects") for stage in run.stages)):
        if found := search(stage, kind, schema.URL, url):
            return sorted({hit.row[schema.ID] for hit in found})
    return []


def _like(run: RunFolder, part_of_id: str) -> list[str]:
    """Some ids that hold what was given, in any case of letters."""
    found: dict[str, None] = {}
    for stage in run.stages:
        for kind in ("decisions", "data"):
            for path in files_of(stage, kind):
                for batch in _ids(path):
                    mask = pc.match_substring(batch.column(0), part_of_id, ignore_case=True)
                    found |= dict.fromkeys(batch.filter(mask).column(0).to_pylist())
                    if len(found) >= SUGGESTIONS:
                        return list(found)[:SUGGESTIONS]
    return list(found)


def _ids(path: str) -> Iterator[pa.RecordBatch]:
    with open_binary(path) as stream, pq.ParquetFile(stream) as file:
        yield from file.iter_batches(columns=[schema.ID])


def render_explanation(explanation: Explanation, console: Console) -> None:
    """Print an explanation, a line an event."""
    if not explanation.events:
        say(console, f"no document {explanation.asked!r} in this run")
        if "://" in explanation.asked:
            say(console, "by URL are found: documents that passed the first stage, and rejects that were kept")
        if explanation.suggestions:
            say(console, f"ids that hold it: {', '.join(explanation.suggestions)}")
        if explanation.unfinished:
            say(console, f"not finished, so it may be still to come: {', '.join(explanation.unfinished)}")
    document = ""
    sharing = Counter(event.document for event in explanation.events if event.what == "read")
    for event in explanation.events:
        if event.document != document:
            took = ", which took its place" if document else ""
            document = event.document
            many = f" ({plural(sharing[document], 'document')} of this id)" if sharing[document] > 1 else ""
            say(console, f"{document}{took}{many}")
        say(console, f"  {event.what:<8} {_TOLD[event.what](event)}")
        text = event.details.get(schema.TEXT)
        if text:
            say(console, f"           {text[:EXCERPT]!r}{'…' if len(text) > EXCERPT else ''}")
    favoured, names = explanation.stands_for
    if favoured:
        others = ", ".join([*names, *(["…"] if favoured > len(names) else [])])
        say(console, f"{explanation.events[0].document} took the place of {plural(favoured, 'other')}: {others}")


def _tell_read(event: Event) -> str:
    details = event.details
    piece = f", slice from {details['start']}" if details["start"] or details["stop"] else ""
    return f"from {event.place}{piece} (source {details['source']}, part {details['part']})"


def _tell_dropped(event: Event) -> str:
    details = event.details
    told = f"in stage {event.stage}, by {details['step']}: {details['reason']}"
    for name in ("value", "threshold", "similarity"):
        if details[name] is not None:
            told += f", {name} {details[name]:.6g}"
    if details["kept_id"] is not None:
        told += f", in favour of {details['kept_id']}"
    return told


def _tell_edited(event: Event) -> str:
    details = event.details
    cut = f"{plural(details['characters'], 'character')} cut out in {plural(details['spans'], 'span')}"
    told = f"in stage {event.stage}, by {details['step']}: {cut}, {details['reason']}"
    kept = details["kept_ids"]
    if kept:
        told += f", which {', '.join(kept[:SUGGESTIONS])}{', …' if len(kept) > SUGGESTIONS else ''} kept"
    return told


def _tell_mixed(event: Event) -> str:
    told = (
        f"{count(phase['copies'])} times in phase {phase['phase']}: group {phase['group']} is used "
        f"{phase['epochs']:.2f} times there, for {phase['share']:.1%} of {phase['budget_tokens']:,.0f} tokens"
        for phase in event.details["phases"]
    )
    return f"by stage {event.stage}: " + "; ".join(told)


def _tell_row(event: Event) -> str:
    """The file, and every column but the long ones."""
    hidden = (schema.ID, schema.TEXT, schema.SOURCE, schema.HTML)
    columns = {name: value for name, value in event.details.items() if name not in hidden and value is not None}
    told = "".join(f"\n           {name} {value}" for name, value in columns.items())
    return f"{'in' if event.what == 'kept' else 'after stage ' + event.stage + ', in'} {event.place}{told}"


_TOLD = {
    "read": _tell_read,
    "dropped": _tell_dropped,
    "edited": _tell_edited,
    "mixed": _tell_mixed,
    "kept": _tell_row,
    "waiting": _tell_row,
}
