"""What a run would do: every problem at once, which stages an earlier run has done, and what it will need."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from textmill.pipeline.console import plural, say
from textmill.pipeline.errors import RecipeError, UsageError
from textmill.pipeline.inputs import find_shards
from textmill.pipeline.io.writable import check_folder
from textmill.pipeline.output import refuse_foreign_files
from textmill.pipeline.plan import PlannedStage, plan
from textmill.pipeline.recipe import ChainStage, Named, Recipe
from textmill.pipeline.shard import Shard
from textmill.pipeline.writers.formats import prepare_output

TEXT_PER_INPUT_BYTE = {"warc": 0.12, "html": 0.05, "jsonl": 0.4, "parquet": 1.0}
"""Bytes of Parquet that a chain writes for a byte of input as stored, if it kept every document.

Measured on real crawl files (gzip WARC) and document collections; a guess for planning, no bound.
"""
WORKER_BYTES = 700 << 20
"""Peak memory of a worker on 64 MiB shards of WARC with trafilatura and the lid.176 model, rounded up."""


@dataclass(frozen=True)
class StageStatus:
    """A stage, how many of its parts an earlier run has done, and whether all are."""

    name: str
    kind: str
    folder: str
    parts_done: int
    complete: bool


@dataclass(frozen=True)
class Check:
    """A recipe that could run: its inputs, the state of its stages, and estimates in bytes."""

    shards: Sequence[Shard]
    stages: Sequence[StageStatus]
    input_bytes: int
    disk_bytes: int
    worker_bytes: int


def check(recipe: Recipe, out: str, limit_shards: int | None = None) -> Check:
    """Look at everything a run would need. Raises RecipeError with every problem found."""
    problems: list[str] = []
    for named in _parts(recipe):
        try:
            named.part.prepare()
        except UsageError as error:
            problems.append(f"{named.label}: {error}")
    try:
        prepare_output(recipe.output)
    except UsageError as error:
        problems.append(f"output: {error}")
    try:
        check_folder(out)
        refuse_foreign_files(out)
    except UsageError as error:
        problems.append(f"output: {error}")
    try:
        shards = find_shards(recipe, limit_shards)
        stages = plan(recipe, out, shards) if not problems else []
    except UsageError as error:
        problems.append(str(error))
    if problems:
        raise RecipeError(problems)
    readers = {named.label: named.name for named in recipe.inputs}
    text = sum(shard.size * TEXT_PER_INPUT_BYTE.get(readers[shard.source], 1.0) for shard in shards)
    chains = sum(isinstance(planned.stage, ChainStage) for planned in stages)
    return Check(
        shards,
        [_status(planned, None if number else shards) for number, planned in enumerate(stages)],
        sum(shard.size for shard in shards),
        int(text * (chains + 1)),
        WORKER_BYTES,
    )


def _parts(recipe: Recipe) -> Iterator[Named]:
    yield from recipe.inputs
    for stage in recipe.stages:
        yield from stage.steps if isinstance(stage, ChainStage) else (stage.barrier,)


def _status(planned: PlannedStage, shards: Sequence[Shard] | None) -> StageStatus:
    """`shards` are those of the first stage, of which a part counts only as long as its file is what it was."""
    manifests = planned.folder.manifests().values()
    complete, done = planned.folder.summary() is not None, len(manifests)
    if shards is not None:
        current = {_frozen(shard.to_json()) for shard in shards}
        done = sum(_frozen(manifest.origin) in current for manifest in manifests)
        complete = complete and done == len(shards)
    return StageStatus(planned.name, planned.kind, planned.folder.path, done, complete)


def _frozen(origin: Mapping[str, Any]) -> frozenset[tuple[str, Any]]:
    return frozenset(origin.items())


def render_check(found: Check, console: Console) -> None:
    """Print the plan for a person."""
    table = Table(
        "stage", "kind", "a rerun would", "folder", title=plural(len(found.shards), "shard"), title_justify="left"
    )
    stale = False
    for stage in found.stages:
        if stage.complete and not stale:
            todo = "reuse it"
        elif stage.parts_done:
            todo = f"reuse {plural(stage.parts_done, 'part')}"
        else:
            todo, stale = "do it", True
        table.add_row(stage.name, stage.kind, todo, stage.folder.rpartition("/")[2])
    console.print(table)
    mebi = 1 << 20
    say(
        console,
        f"input {found.input_bytes / mebi:,.1f} MiB; about {found.disk_bytes / mebi:,.0f} MiB of disk if every "
        f"document were kept; about {found.worker_bytes / mebi:,.0f} MiB of memory a worker",
    )
