"""The stages of a run and their addresses: a stage is addressed by what determines its output.

Edit the last stage and only its address changes, so only it runs again. The first chain's address leaves the
list of inputs out, for each of its shards depends on its own file alone: more files, or a mended one, cost
only themselves there.
"""

import hashlib
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version

from textmill.pipeline.io.files import find_files, join, resolve_packaged
from textmill.pipeline.io.writer import checksum
from textmill.pipeline.parameters import Parameters
from textmill.pipeline.recipe import BarrierStage, ChainStage, Named, Recipe, input_layout
from textmill.pipeline.shard import Shard
from textmill.pipeline.spec import ChainSpec, Spec
from textmill.pipeline.stage_folder import StageFolder
from textmill.scorers.tokenizers import library_of

ENGINE = 1
"""Rises whenever the engine itself would give another output for the same stage."""
OUTPUT = "output"


@dataclass(frozen=True)
class PlannedStage:
    """A stage with the folder that its address names; the last one has no entry in the recipe and is the output."""

    name: str
    address: str
    folder: StageFolder
    stage: ChainStage | BarrierStage | None

    @property
    def kind(self) -> str:
        """``chain``, ``barrier`` or ``output``."""
        return OUTPUT if self.stage is None else "barrier" if isinstance(self.stage, BarrierStage) else "chain"


def plan(recipe: Recipe, out: str, shards: Sequence[Shard]) -> list[PlannedStage]:
    """Every stage of a run in order. A chain follows every barrier, so that its rulings are applied.

    Raises InputError or ModelError for a file that a step depends on and that is not there.
    """
    layout = str(input_layout(recipe.inputs))
    address = _hash(["inputs", ENGINE, layout, [_identity(item) for item in recipe.inputs]])
    planned: list[PlannedStage] = []
    for number, stage in enumerate(_alternating(recipe.stages)):
        parts = stage.steps if isinstance(stage, ChainStage) else (stage.barrier,)
        aside = [recipe.rejects.keep, recipe.measures.keep] if isinstance(stage, ChainStage) else None
        address = _hash([address, type(stage).__name__, stage.name, aside, [_identity(part) for part in parts]])
        planned.append(PlannedStage(stage.name, address, _folder(out, number, stage.name, address), stage))
        if number == 0:  # its shards stand on their own; what follows depends on all of them
            address = _hash([address, [shard.to_json() for shard in shards]])
    output = recipe.output
    tokenizer = [_content(output.tokenizer), version(library_of(output.tokenizer))] if output.tokenizer else []
    address = _hash([address, OUTPUT, json.loads(output.model_dump_json(exclude={"path"})), tokenizer])
    return [*planned, PlannedStage(OUTPUT, address, _folder(out, len(planned), OUTPUT, address), None)]


def chain_spec(recipe: Recipe, stage: ChainStage) -> ChainSpec:
    """A chain as plain data."""
    return ChainSpec(
        stage.name, tuple(Spec.of(step) for step in stage.steps), recipe.rejects.keep, recipe.measures.keep
    )


def _alternating(stages: Sequence[ChainStage | BarrierStage]) -> Iterator[ChainStage | BarrierStage]:
    """The stages with an empty chain before, between and after barriers where the recipe has none."""
    at_barrier = True
    before = "read"
    for stage in stages:
        if isinstance(stage, BarrierStage):
            if at_barrier:
                yield ChainStage(before, ())
            before = f"after_{stage.name}"
        at_barrier = isinstance(stage, BarrierStage)
        yield stage
    if at_barrier:
        yield ChainStage(before, ())


def _folder(out: str, number: int, name: str, address: str) -> StageFolder:
    return StageFolder(join(out, "stages", f"{number:02d}-{name}-{address}"))


def _identity(named: Named) -> list[object]:
    """What determines the output of a reader, step or barrier."""
    part = named.part
    return [
        named.label,
        named.name,
        type(part).revision,
        json.loads(part.model_dump_json()),
        [_content(path) for path in part.depends_on()],
        [f"{library} {version(library)}" for library in part.libraries()],
        named.plugin.digest if named.plugin else _source_of(part),
        *([type(inner).revision, _source_of(inner)] for inner in part.inner_parts()),
        *(plugin.digest for plugin in named.inner_plugins),
    ]


def _content(path: str) -> str:
    """A hash of a file's content; computed once as long as the file does not change."""
    (file,) = find_files([resolve_packaged(path)])
    return _checksum(file.path, file.stamp)


@lru_cache(maxsize=1024)
def _checksum(path: str, stamp: str) -> str:  # noqa: ARG001 (the stamp is part of the key)
    return checksum(path)


def _source_of(part: Parameters) -> str:
    """For a step from an installed package of the user's: the version of its module file."""
    module = type(part).__module__
    if module.startswith("textmill."):
        return ""
    path = getattr(sys.modules.get(module), "__file__", None)
    return checksum(path) if path else ""


def _hash(content: object) -> str:
    data = json.dumps(content, sort_keys=True, ensure_ascii=False).encode()
    return hashlib.blake2b(data, digest_size=6).hexdigest()
