"""A run: every stage of a plan, shard by shard, with what is done already left alone.

A chain's shards are committed one by one, a barrier's all together. When shards fail the others go on,
and the run stops before the next barrier: a rerun does only what is missing.
"""

import errno
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TypeVar

from textmill.pipeline.barrier_task import BarrierJob, RulingItem, commit_ruling
from textmill.pipeline.chain_task import ChainJob, ShardItem, SketchJob, run_shard, write_sketch
from textmill.pipeline.corpus_stage import CorpusStage, shuffle_of
from textmill.pipeline.errors import InputError, TextmillError, UsageError
from textmill.pipeline.executor import Executor, gather
from textmill.pipeline.expect import check_expectations
from textmill.pipeline.inputs import find_shards, number_shards
from textmill.pipeline.io.files import absolute, join, remove, remove_drafts, write_whole
from textmill.pipeline.io.lock import only_one
from textmill.pipeline.ledger import Ledger
from textmill.pipeline.output import refuse_foreign_files, write_output
from textmill.pipeline.plan import OUTPUT, PlannedStage, chain_spec, plan
from textmill.pipeline.progress import Silent, Watcher
from textmill.pipeline.recipe import BarrierStage, ChainStage, Recipe, ends_with_mix, input_layout
from textmill.pipeline.shard import Shard
from textmill.pipeline.spec import Spec, build_barrier
from textmill.pipeline.stage_folder import ShardManifest, parts_in, write_json
from textmill.pipeline.writers.formats import prepare_output

J = TypeVar("J")
I = TypeVar("I")  # noqa: E741

ATTEMPTS = 4
"""How often the worker of a shard may die before the shard fails."""


@dataclass(frozen=True)
class Failure:
    """A shard that failed, and why."""

    stage: str
    part: int
    origin: str
    message: str


@dataclass
class RunResult:
    """How a run ended: the books of each stage that is complete, and the shards that failed."""

    out: str
    books: dict[str, Ledger] = field(default_factory=dict)
    reused: list[str] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)

    @property
    def rows_kept(self) -> int:
        """Documents in the corpus; 0 as long as it is not complete."""
        return self.books[OUTPUT].rows_out if OUTPUT in self.books else 0


def run(
    recipe: Recipe,
    out: str,
    executor: Executor,
    *,
    watcher: Watcher | None = None,
    limit_shards: int | None = None,
    hang_seconds: float = 600.0,
) -> RunResult:
    """Do what a recipe says, and what an earlier run has not done yet.

    Shards that fail are in the result. Raises UsageError for a wrong recipe or input, ExpectationError when
    a share is implausible, and TextmillError when a disk is full or a barrier's worker keeps dying.
    """
    out = absolute(out)
    prepare_output(recipe.output)
    shards = find_shards(recipe, limit_shards)
    stages = plan(recipe, out, shards)
    for stage in recipe.stages:
        for named in stage.steps if isinstance(stage, ChainStage) else (stage.barrier,):
            named.part.prepare()
    with only_one(out):
        items = _begin(recipe, out, stages, shards)
        guard = hang_seconds if executor.guarded else None
        result = _Run(recipe, out, executor, watcher or Silent(), guard).all(stages, items)
        failures = [asdict(failure) for failure in result.failures]
        write_json(join(out, "stages", "last_run.json"), {"reused": result.reused, "failures": failures})
        return result


def _begin(recipe: Recipe, out: str, stages: Sequence[PlannedStage], shards: Sequence[Shard]) -> list[ShardItem]:
    """Write the recipe and the plan; the shards with their part numbers. Raises UsageError for others' data."""
    folder = join(out, "stages")
    refuse_foreign_files(out)
    remove_drafts(out)
    remove_drafts(folder)
    remove(join(folder, "last_run.json"))
    with write_whole(join(out, "recipe.yaml")) as stream:
        stream.write(recipe.to_yaml().encode())
    items = number_shards(shards, folder, stages[0].folder)
    plan_json = {
        "recipe": recipe.name,
        "stages": [{"name": s.name, "kind": s.kind, "folder": s.folder.name} for s in stages],
        "parts": [item.part for item in items],
        "input_bytes": sum(shard.size for shard in shards),
        "corpus": {"format": recipe.output.format, "mixed": ends_with_mix(recipe)},
    }
    write_json(join(folder, "plan.json"), plan_json)
    return items


@dataclass
class _Run:
    """A run in progress."""

    recipe: Recipe
    out: str
    executor: Executor
    watcher: Watcher
    hang_seconds: float | None

    def __post_init__(self) -> None:
        self.result = RunResult(self.out)
        self.started = time.monotonic()

    def all(self, stages: Sequence[PlannedStage], items: list[ShardItem]) -> RunResult:
        """Every stage in order, until one has failures."""
        for number, planned in enumerate(stages):
            self.started = time.monotonic()
            match planned.stage:
                case ChainStage() as chain:
                    items = self._chain(planned, chain, stages[number + 1], items)
                case BarrierStage() as barrier:
                    items = self._barrier(planned, barrier, items)
                case None:
                    check_expectations(self.recipe.expect, self.result.books)
                    self._output(planned, stages[:number], items)
            if self.result.failures:
                break
        return self.result

    def _chain(
        self, planned: PlannedStage, stage: ChainStage, after: PlannedStage, items: list[ShardItem]
    ) -> list[ShardItem]:
        barrier = after.stage.barrier if isinstance(after.stage, BarrierStage) else None
        job = ChainJob(
            chain_spec(self.recipe, stage),
            planned.folder,
            readers=tuple(Spec.of(reader) for reader in self.recipe.inputs),
            layout=input_layout(self.recipe.inputs) if items and items[0].shard else None,
            barrier=Spec.of(barrier) if barrier else None,
            sketches=after.folder if barrier else None,
            hang_seconds=self.hang_seconds,
        )
        manifests = planned.folder.manifests()
        planned.folder.sweep(manifests)
        todo = [item for item in items if item.part not in manifests]
        self.watcher.stage(planned.name, len(items), len(items) - len(todo))
        if todo:
            planned.folder.reopen()
        manifests |= self._shards(job, todo, gpu=stage.uses_gpu)
        planned.folder.sweep(manifests)
        self._finish(planned, [item.part for item in items], manifests, fresh=bool(todo))
        return [
            ShardItem(
                item.part,
                data=planned.folder.file("data", item.part),
                rows=manifest.ledger.rows_out,
                chars=manifest.ledger.kept_chars.total(),
            )
            for item in items
            if (manifest := manifests.get(item.part)) and manifest.ledger.rows_out
        ]

    def _shards(self, job: ChainJob, todo: list[ShardItem], *, gpu: bool) -> dict[int, ShardManifest]:
        """Do shards; those whose worker died are done again with every document in isolation.

        There no document can kill the worker, but the loss of a node can, so that is tried again too.
        """
        done: dict[int, ShardManifest] = {}
        for attempt in range(ATTEMPTS):
            died = []
            for outcome in self.executor.map(run_shard, todo, replace(job, isolate=attempt > 0), gpu=gpu):
                if outcome.value is not None:
                    done[outcome.item.part] = outcome.value
                    self.watcher.shard(outcome.value.ledger.rows_in, outcome.value.ledger.rows_out)
                elif outcome.died is not None and attempt + 1 < ATTEMPTS:
                    self.watcher.note(f"{_origin(outcome.item)}: {outcome.died}; trying again in isolation")
                    died.append(outcome.item)
                else:
                    self._fail(job.chain.stage, outcome.item, outcome.error or outcome.died)
            todo = died
        return done

    def _fail(self, stage: str, item: ShardItem, error: Exception | str | None) -> None:
        """Note a failed shard; errors that no shard can escape end the run."""
        if isinstance(error, UsageError) and not isinstance(error, InputError):
            raise error
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise TextmillError(f"{self.out}: no space left; make some and run again, what is done is kept") from error
        message = str(error) if isinstance(error, (TextmillError, str)) else repr(error)
        origin = _origin(item)
        failure = Failure(stage, item.part, origin, message.removeprefix(f"{origin}: "))
        self.result.failures.append(failure)
        self.watcher.note(f"failed: {failure.origin}: {failure.message}")

    def _barrier(self, planned: PlannedStage, stage: BarrierStage, items: list[ShardItem]) -> list[ShardItem]:
        folder, parts = planned.folder, [item.part for item in items]
        done = folder.manifests()
        fresh = folder.summary() is None or done.keys() != set(parts)
        folder.sweep({} if fresh else done, parts)
        self.watcher.stage(planned.name, len(items), 0 if fresh else len(items))
        if fresh:
            folder.reopen()
            there = parts_in(join(folder.path, "sketch"))
            chained_before = [item for item in items if item.part not in there]  # this barrier came or changed
            gather(self.executor, write_sketch, chained_before, SketchJob(Spec.of(stage.barrier), folder))
            rulings = build_barrier(Spec.of(stage.barrier)).resolve(
                [folder.file("sketch", part) for part in parts], folder.work, self.executor
            )
            todo = [RulingItem(item.part, ruling, item.rows or 0) for item, ruling in zip(items, rulings, strict=True)]
            done = self._all(commit_ruling, todo, BarrierJob(stage.name, stage.barrier.label, folder))
            folder.keep_findings()
            remove(folder.work)
        self._finish(planned, parts, done, fresh=fresh)
        return [
            replace(
                item,
                ruling=folder.file("rulings", item.part) if "rulings" in done[item.part].files else "",
                rows=done[item.part].ledger.rows_out,
                chars=done[item.part].ledger.kept_chars.total(),
            )
            for item in items
        ]

    def _output(self, planned: PlannedStage, stages: Sequence[PlannedStage], items: list[ShardItem]) -> None:
        """Write the corpus; an older corpus, of another recipe or input, goes first."""
        last, kept = stages[-1].folder, stages[-1].folder.manifests()
        mixed = ends_with_mix(self.recipe)
        corpus = CorpusStage(
            self.recipe.output,
            self.out,
            planned.folder,
            last,
            [kept[item.part] for item in items],
            shuffle_of(stages[-2].folder) if mixed else None,
        )
        done = corpus.sweep()
        packed = corpus.items(self.executor)
        todo = [item for item in packed if item.part not in done]
        self.watcher.stage(planned.name, len(packed), len(done))
        if todo:
            planned.folder.reopen()
            done |= self._all(write_output, todo, corpus.job(self.executor, packed))
        corpus.close(done)
        self._finish(planned, [item.part for item in packed], done, fresh=bool(todo))

    def _all(self, task: Callable[[J, I], ShardManifest], items: list[I], job: J) -> dict[int, ShardManifest]:
        """Tasks that no document can break; their manifests by part."""
        manifests = gather(self.executor, task, items, job)
        for manifest in manifests:
            self.watcher.shard(manifest.ledger.rows_in, manifest.ledger.rows_out)
        return {manifest.part: manifest for manifest in manifests}

    def _finish(self, planned: PlannedStage, parts: list[int], done: dict[int, ShardManifest], *, fresh: bool) -> None:
        """Add up the books of a stage and declare it done, unless shards failed."""
        if self.result.failures:
            return
        books = Ledger()
        for part in parts:
            books.add(done[part].ledger)
        self.result.books[planned.name] = books
        summary = planned.folder.summary()
        if not fresh and summary is not None and summary["parts"] == parts:
            self.result.reused.append(planned.name)
            return
        planned.folder.finish(
            {
                "stage": planned.name,
                "address": planned.address,
                "parts": parts,
                "wall_seconds": round(time.monotonic() - self.started, 3),
                "ledger": books.to_json(),
            }
        )


def _origin(item: ShardItem) -> str:
    if item.shard is None:
        return item.data
    piece = f" from {item.shard.start}" if item.shard.start else ""
    return f"{item.shard.path}{piece}"
