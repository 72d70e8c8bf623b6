"""What a run did, in numbers: report.json, made from the manifests alone; docs/runs.md explains every field."""

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from itertools import pairwise, takewhile
from typing import Any, TypeVar

from textmill.pipeline.balance import imbalances
from textmill.pipeline.card import write_card
from textmill.pipeline.chain import READ
from textmill.pipeline.io.files import join
from textmill.pipeline.ledger import EditAccount, Group, Ledger, StepAccount
from textmill.pipeline.reports.mixture_report import mixture_section
from textmill.pipeline.reports.reject_sample import sample_rejects
from textmill.pipeline.reports.report_html import write_page
from textmill.pipeline.run_folder import RunFolder, RunStage, StageBooks, open_run
from textmill.pipeline.stage_folder import write_json
from textmill.pipeline.token_estimate import CHARS_PER_TOKEN

K = TypeVar("K", bound=Hashable)
Key = Callable[[Group], str]
Json = dict[str, Any]
Booked = Sequence[tuple[RunStage, StageBooks]]


def write_report(out: str) -> Json:
    """Make the report, leave it in OUT/report.json, and return it; with it the page and a dataset's card.

    Raises as `report`, and DamagedRunError when kept texts of dropped documents cannot be read.
    """
    content = report(out)
    write_json(join(out, "report.json"), content)
    write_page(out, content, sample_rejects(open_run(out)))
    if content["corpus"] and content["corpus"]["format"] == "hf":
        write_card(out, content)
    return content


def report(out: str) -> Json:
    """The report of a run, finished or not; see docs/runs.md for its fields.

    Raises InputError when there is no run, DamagedRunError when a manifest cannot be read.
    """
    run = open_run(out)
    booked = [(stage, stage.books()) for stage in run.stages]
    last_run = run.last_run or {}
    complete = all(books.complete for _, books in booked)
    read, kept = booked[0][1].ledger.rows_in, booked[-1][1].ledger.rows_out - booked[-1][1].ledger.copies
    problems = _imbalances(booked)
    counted = _counted(booked[:-1] if run.mixed else booked)  # copies are told apart, by the mixture
    content: Json = {
        "recipe": run.recipe,
        "complete": complete,
        "ended": run.last_run is not None,
        "balanced": not problems,
        "imbalances": problems,
        "estimates": {"tokens": f"characters / {CHARS_PER_TOKEN}"},
        "documents_read": read,
        "documents_kept": kept if complete else None,
        "share_kept": _share(kept, read) if complete else None,
        "shards": len(run.stages[0].planned or ()),
        "input_bytes": run.input_bytes,
        "corpus": _corpus(run) if complete else None,
        "stages": [_stage(run, *entry, last_run.get("reused", ())) for entry in booked],
        "sources": _groups(counted, lambda group: group[-2]),
        "languages": _groups(counted, lambda group: group[-1]),
        "mixture": mixture_section(run),
        "failed_shards": last_run.get("failures", []),
    }
    return {"summary": _summary(content), **content}


def _imbalances(booked: Booked) -> list[str]:
    """Where rows in are not rows out plus rows dropped, within stages and from one to the next."""
    problems = [f"stage {stage.name!r}: {text}" for stage, books in booked for text in imbalances(books.ledger)]
    for (before, left), (after, came) in pairwise(booked):
        if came.complete and left.ledger.rows_out != came.ledger.rows_in:
            problems.append(
                f"stage {before.name!r} let {left.ledger.rows_out} rows out, "
                f"but {came.ledger.rows_in} came into {after.name!r}"
            )
    return problems


def _stage(run: RunFolder, stage: RunStage, books: StageBooks, reused: Sequence[str]) -> Json:
    ledger = books.ledger
    first = stage is run.stages[0]
    timed = books.complete and ledger.seconds > 0
    return {
        "name": stage.name,
        "kind": stage.kind,
        "folder": stage.folder.name,
        "complete": books.complete,
        "reused": stage.name in reused,
        "parts": len(books.parts),
        "balanced": not imbalances(ledger),
        **_flow(_whole(ledger)),
        "copies": ledger.copies,
        "dropped": _reasons(ledger),
        "edited": _edits(ledger),
        "skipped": dict(sorted(ledger.skipped.items())),
        "errors": ledger.errors,
        "work_seconds": round(ledger.seconds, 3) if stage.kind == "chain" else None,
        "other_work_seconds": round(_other_seconds(ledger), 3) if stage.kind == "chain" else None,
        "wall_seconds": books.wall_seconds,
        "input_megabytes_per_second": round(run.input_bytes / ledger.seconds / 1e6, 3) if first and timed else None,
        "findings": _findings(stage) if stage.kind == "barrier" and books.complete else None,
        "steps": [_step(ledger, label, account) for label, account in ledger.steps.items()],
    }


def _findings(stage: RunStage) -> Json | None:
    """What a barrier found out; a mixture has a section of its own."""
    found = stage.folder.findings()
    return {key: value for key, value in found.items() if key != "mixture"} or None if found else None


def _step(ledger: Ledger, label: str, account: StepAccount) -> Json:
    return {
        "name": label,
        **_flow(account),
        "dropped": _reasons(ledger, label),
        "edited": _edits(ledger, label),
        "tallies": dict(sorted(account.tallies.items())),
        "work_seconds": round(account.seconds, 3),
        "million_characters_per_second": (
            round(account.chars_in / account.seconds / 1e6, 3)
            if label != READ and account.chars_in and account.seconds
            else None
        ),
    }


def _other_seconds(ledger: Ledger) -> float:
    """What a chain's shards took beside its steps: reading, writing, loading of models, the books."""
    return max(0.0, ledger.seconds - sum(account.seconds for account in ledger.steps.values()))


def _whole(ledger: Ledger) -> StepAccount:
    """A stage as if it were one step."""
    kept = ledger.kept_chars.total()
    chars_in = next((account.chars_in for account in ledger.steps.values()), kept)
    return StepAccount(ledger.rows_in, ledger.rows_out - ledger.copies, chars_in, kept, ledger.seconds)


def _flow(account: StepAccount) -> Json:
    """What came and what went, of a step or a stage."""
    return {
        "documents_in": account.rows_in,
        "documents_out": account.rows_out,
        "documents_dropped": account.rows_in - account.rows_out,
        "share_dropped": _share(account.rows_in - account.rows_out, account.rows_in),
        "characters_in": account.chars_in,
        "characters_out": account.chars_out,
        "estimated_tokens_in": _tokens(account.chars_in),
        "estimated_tokens_out": _tokens(account.chars_out),
    }


def _reasons(ledger: Ledger, step: str | None = None) -> Json:
    """Drops by reason, most frequent first; shares are of the documents that came to the step or stage."""
    came = ledger.rows_in if step is None else ledger.steps[step].rows_in
    here = {group: rows for group, rows in ledger.dropped_rows.items() if step in (None, group[0])}
    rows = _sums(here, lambda group: group[1])
    chars = _sums({group: ledger.dropped_chars[group] for group in here}, lambda group: group[1])
    return {
        reason: {"documents": count, "share": _share(count, came), "characters": chars[reason]}
        for reason, count in sorted(rows.items(), key=lambda item: (-item[1], item[0]))
    }


def _edits(ledger: Ledger, step: str | None = None) -> Json:
    """What was cut out of documents that stayed, by reason, the most characters first."""
    accounts: dict[str, EditAccount] = {}
    for (label, reason, *_), edits in ledger.edited.items():
        if step in (None, label):
            accounts.setdefault(reason, EditAccount()).add(edits)
    return {
        reason: {"documents": edits.rows, "spans": edits.spans, "characters": edits.chars}
        for reason, edits in sorted(accounts.items(), key=lambda item: (-item[1].chars, item[0]))
    }


def _counted(booked: Booked) -> Booked:
    """The stages whose books say something about every document: all up to the last complete one.

    While the first stage is at work, it is that one.
    """
    complete = list(takewhile(lambda entry: entry[1].complete, booked))
    return complete or booked[:1]


def _groups(booked: Booked, key: Key) -> Json:
    """What became of the documents of each source or language, by name; drops in the order of the steps."""
    last = booked[-1][1].ledger
    rows, chars = _sums(last.kept_rows, key), _sums(last.kept_chars, key)
    drops: dict[str, list[Json]] = {name: [] for name in rows}
    for stage, books in booked:
        order = list(books.ledger.steps)
        dropped_rows = _sums(books.ledger.dropped_rows, lambda group: (key(group), *group[:2]))
        dropped_chars = _sums(books.ledger.dropped_chars, lambda group: (key(group), *group[:2]))
        for place, count in sorted(dropped_rows.items(), key=lambda item: (order.index(item[0][1]), -item[1], item[0])):
            name, step, reason = place
            drop = {"stage": stage.name, "step": step, "reason": reason}
            drops.setdefault(name, []).append({**drop, "documents": count, "characters": dropped_chars[place]})
    return {name: _group(rows[name], chars[name], drops[name]) for name in sorted(drops)}


def _group(kept: int, chars: int, drops: Sequence[Json]) -> Json:
    came = kept + sum(drop["documents"] for drop in drops)
    return {
        "documents_in": came,
        "documents_out": kept,
        "share_out": _share(kept, came),
        "characters_out": chars,
        "dropped": drops,
    }


def _sums(groups: Mapping[Group, int], key: Callable[[Group], K]) -> Counter[K]:
    """Counts of groups, added up by `key`."""
    sums = Counter[K]()
    for group, count in groups.items():
        sums[key(group)] += count
    return sums


def _corpus(run: RunFolder) -> Json:
    output = run.stages[-1]
    files = [file for part in output.folder.manifests().values() for file in part.origin["files"].values()]
    ledger = output.books().ledger
    chars = ledger.kept_chars.total()
    return {
        "format": run.format,
        "files": len(files),
        "bytes": sum(file["bytes"] for file in files),
        "documents": ledger.rows_out,
        "copies": ledger.copies,
        "characters": chars,
        "estimated_tokens": _tokens(chars),
    }


def _summary(content: Mapping[str, Any]) -> str:
    """The run in one line."""
    read, kept = content["documents_read"], content["documents_kept"]
    if not content["complete"]:
        stage = next(stage for stage in content["stages"] if not stage["complete"])
        of = f" of {content['shards']}" if stage is content["stages"][0] else ""
        failed = f", {len(content['failed_shards'])} failed" if content["failed_shards"] else ""
        done = f"{stage['parts']}{of} parts done{failed}"
        return f"not complete: stage {stage['name']!r} is unfinished ({done}); run again to go on"
    if not read:
        return "nothing was kept, for nothing was read: the inputs hold no document"
    if not kept:
        worst = max(content["stages"], key=lambda stage: stage["documents_dropped"])
        return f"nothing was kept: all {read:,} documents were dropped, most of them in stage {worst['name']!r}"
    return f"kept {kept:,} of {read:,} documents ({kept / read:.1%})"


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 6) if whole else None


def _tokens(chars: int) -> int:
    return chars // CHARS_PER_TOKEN
