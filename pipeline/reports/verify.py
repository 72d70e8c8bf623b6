"""Does what lies in a run's folder agree with its books, file by file and from stage to stage?

What is wrong is a problem; a stage that is not complete is no problem, only unfinished.
"""

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from rich.console import Console

from textmill.pipeline.balance import imbalances
from textmill.pipeline.barrier import FINDINGS
from textmill.pipeline.console import plural, say, size
from textmill.pipeline.corpus_stage import CARD, CUTS, indexes
from textmill.pipeline.errors import DamagedRunError, InputError
from textmill.pipeline.io.files import exists, join, list_folder, list_tree, read_text
from textmill.pipeline.ledger import Ledger
from textmill.pipeline.output import written_files
from textmill.pipeline.plan import OUTPUT
from textmill.pipeline.reports.verify_files import check_corpus, check_part
from textmill.pipeline.reports.verify_mix import check_mix
from textmill.pipeline.run_folder import RunFolder, RunStage, open_run
from textmill.pipeline.stage_folder import KINDS, ShardManifest, part_name, part_number, read_json
from textmill.pipeline.writers.formats import PARQUET

_THREADS = 8
"""Parts checked at once: hashing and Arrow run without Python's lock, and stores answer many requests at a time."""
SHOWN = 50
"""Problems printed."""


@dataclass(frozen=True)
class Problem:
    """Something wrong: in which file or stage, and what."""

    where: str
    what: str


@dataclass
class Findings:
    """What a check of a run found.

    problems: damage. warnings: what is odd but not damaged. incomplete: stages that a rerun has to finish,
    and what they left lying about. parts, files, bytes: how much was checked. documents: rows of the corpus.
    """

    quick: bool
    problems: list[Problem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    incomplete: list[str] = field(default_factory=list)
    parts: int = 0
    files: int = 0
    bytes: int = 0
    documents: int = 0

    def blame(self, where: str, *what: str) -> None:
        """Note problems of one file or stage."""
        self.problems += [Problem(where, text) for text in what]


@dataclass(frozen=True)
class _Read:
    """A stage with the manifests of its parts that could be read, and whether it is complete."""

    stage: RunStage
    manifests: Mapping[int, ShardManifest]
    complete: bool

    @property
    def parts(self) -> Iterable[int]:
        """The parts of this run; the first stage may hold others beside, of earlier inputs."""
        return self.manifests.keys() if self.stage.planned is None else self.stage.planned

    def chars(self, part: int) -> int | None:
        """Characters that a part let out; None for a part that is not there."""
        return self.manifests[part].ledger.kept_chars.total() if part in self.manifests else None

    def rows(self, part: int) -> int | None:
        """Rows that a part let out; None for a part that is not there."""
        return self.manifests[part].ledger.rows_out if part in self.manifests else None


def verify(out: str, *, quick: bool = False) -> Findings:
    """Check every stage of the run in `out`, and the corpus.

    `quick` reads manifests, sizes and Parquet footers, but no content: no checksums, no count of the
    decisions by reason, no search for repeated ids. Raises InputError when there is no run in `out`.
    """
    run = open_run(out)
    findings = Findings(quick)
    if not exists(join(out, "recipe.yaml")):
        findings.blame(join(out, "recipe.yaml"), "is missing")
    stages: list[_Read] = []
    for stage in run.stages:
        stages.append(_read_stage(stage, findings))
        _check_files(stages[-1], findings)
    _check_strays(None, stages[0], findings)
    for before, here in pairwise(stages):
        _check_flow(before, here, findings)
        _check_strays(before, here, findings)
    _check_output(run, stages[-2], stages[-1], findings)
    return findings


def _read_stage(stage: RunStage, findings: Findings) -> _Read:
    """Every manifest of a stage. Those that are broken become problems."""
    folder = join(stage.folder.path, "shards")
    manifests = {}
    for name in list_folder(folder):
        part = part_number(name)
        if part is None or not name.endswith(".json"):
            continue  # a stray file, found as such
        try:
            raw = read_json(join(folder, name))
            manifest = ShardManifest.from_json(raw)
            if stage.kind == OUTPUT:  # its file is not in the stage's own folder, so the engine keeps it apart
                manifest.files = written_files(manifest)
            findings.blame(join(folder, name), *_contradictions(raw, manifest, part))
            manifests[part] = manifest
        except (DamagedRunError, InputError, KeyError, TypeError, AttributeError) as error:
            findings.blame(join(folder, name), f"is no manifest: {error}")
    try:
        summary = stage.summary()
        if summary is not None:
            findings.blame(
                join(stage.folder.path, "manifest.json"),
                *_sum_contradictions(summary, manifests, exact=stage.planned is None),
            )
    except (DamagedRunError, InputError, KeyError, TypeError, AttributeError) as error:
        findings.blame(join(stage.folder.path, "manifest.json"), f"is no manifest: {error}")
        summary = {}
    if summary is None:
        done = f"{plural(len(manifests), 'part')} done" if manifests else "not begun"
        findings.incomplete.append(f"stage {stage.name!r} is not complete: {done}")
    findings.parts += len(manifests)
    return _Read(stage, manifests, summary is not None)


def _contradictions(raw: Mapping[str, Any], manifest: ShardManifest, part: int) -> Iterator[str]:
    """Where a shard's manifest contradicts its own name or entries."""
    if manifest.part != part:
        yield f"says that it is part {manifest.part}"
    totals = manifest.ledger.to_json()
    for name in ("rows_out", "rows_dropped"):
        if raw["ledger"][name] != totals[name]:
            yield f"{name} is {raw['ledger'][name]}, but its groups add up to {totals[name]}"
    yield from imbalances(manifest.ledger)


def _sum_contradictions(
    summary: Mapping[str, Any], manifests: Mapping[int, ShardManifest], *, exact: bool
) -> Iterator[str]:
    """Where a stage's manifest is not the sum of those of its parts; `exact`: there may be no others."""
    listed = set(summary["parts"])
    for part in sorted(manifests.keys() - listed) if exact else ():
        yield f"does not list part {part}"
    for part in sorted(listed - manifests.keys()):
        yield f"lists part {part}, whose manifest is missing or broken"
    if not listed <= manifests.keys():
        return
    books = Ledger()
    for part in summary["parts"]:
        books.add(manifests[part].ledger)
    said, true = _counts(summary["ledger"]), _counts(books.to_json())
    for name in true:
        if said[name] != true[name]:
            shown = f" is {said[name]}, but they add up to {true[name]}" if isinstance(true[name], int) else ""
            yield f"is not the sum of its parts: {name!r}{shown or ' differs'}"


def _counts(ledger: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a ledger that adds up exactly: everything but seconds and messages."""
    steps = {label: {k: v for k, v in account.items() if k != "seconds"} for label, account in ledger["steps"].items()}
    return {k: v for k, v in {**ledger, "steps": steps}.items() if k not in ("seconds", "errors")}


def _check_flow(before: _Read, here: _Read, findings: Findings) -> None:
    """What a part let out must have come into the same part of the next stage, and all of it into the corpus."""
    folder, name = here.stage.folder.path, before.stage.name
    if here.stage.kind == OUTPUT:
        left = sum(before.rows(part) or 0 for part in before.parts)
        came = sum(manifest.ledger.rows_in for manifest in here.manifests.values())  # copies of a row not counted
        if here.complete and left != came:
            findings.blame(folder, f"{left} rows left stage {name!r}, but {came} came into the corpus")
        return
    for part, manifest in here.manifests.items():
        if before.rows(part) != manifest.ledger.rows_in:
            findings.blame(
                join(folder, "shards", f"{part_name(part)}.json"),
                f"{manifest.ledger.rows_in} rows came in, but {before.rows(part)} left stage {name!r}",
            )
        elif manifest.ledger.steps and before.chars(part) != manifest.ledger.chars_in:
            findings.blame(
                join(folder, "shards", f"{part_name(part)}.json"),
                f"{manifest.ledger.chars_in} characters came in, but {before.chars(part)} left stage {name!r}",
            )
    for part in before.parts if here.complete else ():
        if before.rows(part) and part not in here.manifests:
            findings.blame(folder, f"part {part} is missing; {before.rows(part)} rows of it left stage {name!r}")


def _check_files(here: _Read, findings: Findings) -> None:
    """Every file that a manifest vouches for."""
    manifests = [manifest for _, manifest in sorted(here.manifests.items())]
    with ThreadPoolExecutor(_THREADS) as pool:
        for part in pool.map(lambda manifest: check_part(here.stage, manifest, quick=findings.quick), manifests):
            findings.files += part.files
            findings.bytes += part.bytes
            for where, what in part.problems:
                findings.blame(where, what)


def _check_strays(before: _Read | None, here: _Read, findings: Findings) -> None:
    """Files that no manifest vouches for: damage in a complete stage, leftovers in one that is not."""
    stage = here.stage
    vouched = {"manifest.json", FINDINGS, CUTS}
    for part, manifest in here.manifests.items():
        vouched.add(f"shards/{part_name(part)}.json")
        vouched |= {f"{kind}/{part_name(part)}.parquet" for kind in manifest.files if stage.kind != OUTPUT}
    if stage.kind == "barrier" and before is not None:
        vouched |= {f"sketch/{part_name(part)}.parquet" for part in before.manifests}
    folders = (*KINDS, "shards")
    found = [name for name in list_folder(stage.folder.path) if name not in folders]
    found += [f"{kind}/{name}" for kind in folders for name in list_folder(join(stage.folder.path, kind))]
    strays = [name for name in found if name not in vouched]
    if here.complete:
        for name in strays:
            findings.blame(join(stage.folder.path, name), "is not in any manifest")
    elif strays:
        findings.incomplete.append(
            f"stage {stage.name!r} holds {plural(len(strays), 'file')} of a part that was not finished, "
            f"such as {strays[0]}"
        )


def _check_output(run: RunFolder, last: _Read, here: _Read, findings: Findings) -> None:
    """The corpus as a whole: no other files beside it, one schema, the documents that it is to have."""
    data = join(run.out, "data")
    index = indexes(run.format, here.manifests.values())
    known = {name for manifest in here.manifests.values() for name in manifest.files} | index.keys() | {CARD}
    strays = [name for name in list_tree(data) if name not in known]
    if not here.complete:
        if strays:
            findings.incomplete.append(f"{data} still holds {plural(len(strays), 'file')} of an earlier corpus")
        return
    for name in strays:
        findings.blame(join(data, name), "is not in any manifest")
    for name, content in index.items():
        if not exists(join(data, name)) or read_text(join(data, name)).encode() != content:
            findings.blame(join(data, name), "is missing, or does not describe the files beside it")
    findings.documents = sum(manifest.ledger.rows_out for manifest in here.manifests.values())
    bad = {problem.where for problem in findings.problems}
    paths = [join(data, name) for _, part in sorted(here.manifests.items()) for name in part.files]
    sound = [path for path in paths if run.format in PARQUET and path not in bad]
    corpus = check_corpus(sound, repeated=not findings.quick and not run.mixed)
    for where, what in corpus.problems:
        findings.blame(where, what)
    if corpus.repeated:
        findings.warnings.append(
            f"{plural(len(corpus.repeated), 'id')} of the corpus stand for more than one document, "
            f"such as {', '.join(corpus.repeated[:3])}: the inputs repeat them"
        )
    if run.mixed and not findings.quick and not findings.problems:
        checked = check_mix(run, last.parts, [name for part in here.manifests.values() for name in part.files])
        findings.warnings += checked.warnings
        for where, what in checked.problems:
            findings.blame(where, what)


def render_findings(findings: Findings, console: Console) -> None:
    """Print what was found, and what was checked."""
    for problem in findings.problems[:SHOWN]:
        say(console, f"{problem.where}: {problem.what}", "red")
    if len(findings.problems) > SHOWN:
        say(console, f"… and {len(findings.problems) - SHOWN} more")
    if findings.problems:
        say(console, "to mend it, delete the files that are named and run the recipe again: it makes anew what is gone")
    for line in (*findings.warnings, *findings.incomplete):
        say(console, line, "yellow")
    how = "names, sizes and row counts" if findings.quick else "content"
    checked = (
        f"{plural(findings.parts, 'part')}, {plural(findings.files, 'file')}, {size(findings.bytes)} "
        f"checked by {how}; {plural(findings.documents, 'document')} in the corpus"
    )
    verdict = plural(len(findings.problems), "problem") if findings.problems else "clean"
    unfinished = ", not complete: a rerun goes on" if findings.incomplete else ""
    say(console, f"{verdict}{unfinished}: {checked}", "bold")
