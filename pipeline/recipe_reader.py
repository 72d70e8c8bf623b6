"""From YAML to a Recipe: apply overrides, find every name, check every parameter and every column.

All problems are collected and raised as one RecipeError, so that a user mends them in one go.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from textmill.pipeline import catalog
from textmill.pipeline.errors import InputError, RecipeError, did_you_mean
from textmill.pipeline.io.files import read_text, resolve_packaged
from textmill.pipeline.parameters import Parameters
from textmill.pipeline.plugins import Plugin, find_plugin, load_plugin
from textmill.pipeline.recipe import BarrierStage, ChainStage, Json, Named, Recipe, Settings
from textmill.pipeline.step import Mapper

M = TypeVar("M", bound=BaseModel)


@dataclass
class Entry:
    """A reader, step or barrier as YAML has it; `home` is how overrides and messages call it."""

    home: str
    label: str
    name: str
    parameters: Json


@dataclass
class StageEntry:
    """A stage as YAML has it."""

    name: str
    is_chain: bool
    entries: list[Entry] = field(default_factory=list)


def load_recipe(path: str, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe from a file, or a packaged one by its name (``configs/quickstart.yaml``).

    `overrides` are ``stage.step.parameter=value``, ``inputs.source.parameter=value`` or
    ``output.parameter=value``, with values in YAML. Plugins are looked for beside the recipe, then in
    the working directory. Raises RecipeError with every problem found.
    """
    found = resolve_packaged(path)
    try:
        content = yaml.safe_load(read_text(found))
    except yaml.YAMLError as error:
        raise RecipeError(f"{path}: not YAML: {error}") from error
    except InputError as error:
        raise RecipeError(f"recipe {error}") from error
    beside = [str(Path(found).resolve().parent)] if "://" not in found else []
    return parse_recipe(content, overrides, (*beside, str(Path.cwd())))


def parse_recipe(content: object, overrides: Sequence[str] = (), plugin_folders: Sequence[str] = ()) -> Recipe:
    """A recipe from its YAML content, as `load_recipe` gives it. Raises RecipeError."""
    if not isinstance(content, dict):
        raise RecipeError("a recipe is a mapping with name, inputs and stages")
    reading = _Reading(plugin_folders)
    inputs = [reading.input_entry(raw) for raw in _list(content, "inputs")]
    stages = reading.number([reading.stage_entry(raw) for raw in _list(content, "stages")])
    sections = {key: dict(content.get(key) or {}) for key in ("output", "rejects", "expect")}
    homes = {entry.home: entry.parameters for entry in [*inputs, *(e for s in stages for e in s.entries)]}
    for override in overrides:
        reading.override(override, {**sections, **homes})
    settings = reading.validated(Settings, {**content, **sections}, "recipe")
    readers = tuple(reading.built(inputs, catalog.reader))
    built: list[ChainStage | BarrierStage] = []
    for stage in stages:
        parts = tuple(reading.built(stage.entries, catalog.step if stage.is_chain else catalog.barrier))
        if stage.is_chain:
            built.append(ChainStage(stage.name, parts))
        elif parts:
            built.append(BarrierStage(stage.name, parts[0]))
    if not reading.problems:
        reading.problems += _column_problems(readers, built)
    reading.problems += _expect_problems(sections["expect"], built)
    if settings is None or reading.problems:
        raise RecipeError(reading.problems)
    return Recipe(settings.name, readers, tuple(built), settings.output, settings.rejects, settings.expect)


@dataclass
class _Reading:
    """One pass over a recipe, and the problems it met."""

    plugin_folders: Sequence[str]
    problems: list[str] = field(default_factory=list)

    def input_entry(self, raw: object) -> Entry:
        parameters = dict(raw) if isinstance(raw, dict) else {}
        source, name = str(parameters.get("source", "")), parameters.pop("read", None)
        if not name:
            self.problems.append(f"input {source or raw!r} does not say how to read it: add read: warc, for example")
        return Entry(f"inputs.{source}", source, str(name or ""), parameters)

    def stage_entry(self, raw: object) -> StageEntry:
        content = dict(raw) if isinstance(raw, dict) else {}
        if "chain" in content:
            return self._chain_entry(str(content.pop("chain")), content)
        if "barrier" in content:
            stage = StageEntry(str(content.pop("barrier")), is_chain=False)
            if len(content) != 1:
                kinds = ", ".join(sorted(catalog.BARRIERS))
                self.problems.append(f"barrier {stage.name!r} needs exactly one entry beside its name, such as {kinds}")
            stage.entries = [self._entry(stage.name, {name: value}) for name, value in content.items()]
            return stage
        self.problems.append(f"a stage starts with chain: NAME or barrier: NAME, not {raw!r}")
        return StageEntry("", is_chain=True)

    def _chain_entry(self, name: str, content: Json) -> StageEntry:
        steps = content.pop("steps", None) or []
        if content or not isinstance(steps, list):
            self.problems.append(f"chain {name!r} has one list, steps; found {', '.join(content) or 'no list'}")
            steps = []
        stage = StageEntry(name, is_chain=True)
        for raw in steps:
            entry = self._entry(name, raw)
            twins = sum(other.name == entry.name for other in stage.entries)
            entry.label += f"_{twins + 1}" if twins else ""
            entry.home = f"{name}.{entry.label}"
            stage.entries.append(entry)
        return stage

    def _entry(self, stage: str, raw: object) -> Entry:
        """``gopher_quality`` or ``{gopher_quality: {min_words: 80}}``."""
        if isinstance(raw, str):
            raw = {raw: {}}
        if not isinstance(raw, dict) or len(raw) != 1 or not isinstance(next(iter(raw.values())) or {}, dict):
            self.problems.append(f"stage {stage!r}: write a step as name or name: {{parameters}}, not {raw!r}")
            raw = {"": {}}
        name, parameters = next(iter(raw.items()))
        label = str(name).rpartition(":")[2]
        return Entry(f"{stage}.{label}", label, str(name), dict(parameters or {}))

    def number(self, stages: list[StageEntry]) -> list[StageEntry]:
        """Complain of names that two stages share: overrides and decisions could not tell them apart."""
        names = [stage.name for stage in stages]
        for name in sorted({name for name in names if names.count(name) > 1 or name in _SECTIONS}):
            self.problems.append(f"stage name {name!r} is taken; every stage needs a name of its own")
        return stages

    def override(self, text: str, targets: dict[str, Json]) -> None:
        path, equals, value = text.partition("=")
        home, _, parameter = path.rpartition(".")
        if not equals or home not in targets:
            hint = did_you_mean(home, targets)
            known = ", ".join(targets)
            self.problems.append(f"--set {text}: write stage.step.parameter=value{hint} (there are: {known})")
            return
        targets[home][parameter] = yaml.safe_load(value)

    def built(self, entries: Iterable[Entry], find: Callable[[str], type[Parameters]]) -> Iterable[Named]:
        """The readers, steps or barriers of entries; those with problems are left out."""
        for entry in entries:
            try:
                plugin = self._plugin(entry.name)
                kind = find(entry.name)
            except RecipeError as error:
                self.problems += [f"{entry.home}: {problem}" for problem in error.problems]
                continue
            part = self.validated(kind, entry.parameters, entry.home)
            if part is not None:
                yield Named(entry.label, entry.name, part, plugin)

    def _plugin(self, name: str) -> Plugin | None:
        module, colon, _ = name.partition(":")
        plugin = find_plugin(module, self.plugin_folders) if colon else None
        if plugin is not None:
            load_plugin(plugin)
        return plugin

    def validated(self, model: type[M], content: Json, where: str) -> M | None:
        try:
            return model.model_validate(content)
        except ValidationError as error:
            known = list(model.model_fields)
            for detail in error.errors():
                self.problems.append(f"{where}: {_explain(detail, known)}")
            return None


_SECTIONS = ("inputs", "output", "rejects", "expect")


def _list(content: Json, key: str) -> list[Any]:
    value = content.get(key)
    return value if isinstance(value, list) else []


def _explain(detail: Any, known: list[str]) -> str:
    path = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "extra_forbidden":
        return f"unknown parameter {path!r}{did_you_mean(path, known)} (there are: {', '.join(known)})"
    if detail["type"] == "missing":
        return f"parameter {path!r} is missing"
    return f"{path}: {detail['msg'].removeprefix('Value error, ')}" if path else str(detail["msg"])


def _expect_problems(expect: Json, stages: Sequence[ChainStage | BarrierStage]) -> list[str]:
    """Names in `expect` that are neither ``kept`` nor a stage nor ``stage.step``."""
    known = {"kept", *(stage.name for stage in stages)}
    known |= {f"{s.name}.{step.label}" for s in stages if isinstance(s, ChainStage) for step in s.steps}
    return [f"expect names {key!r}, which is no stage{did_you_mean(key, known)}" for key in expect if key not in known]


def _column_problems(readers: Sequence[Named], stages: Sequence[ChainStage | BarrierStage]) -> list[str]:
    """Columns that a step reads though nothing before it adds them."""
    problems = []
    columns = frozenset.intersection(*(reader.part.adds() for reader in readers))
    added: list[str] = []
    for stage in stages:
        for step in stage.steps if isinstance(stage, ChainStage) else (stage.barrier,):
            for missing in sorted(step.part.reads() - columns):
                known, those = ("earlier steps add", added) if added else ("the input has", sorted(columns))
                earlier = f"{known}: {', '.join(those)}"
                hint = did_you_mean(missing, columns)
                problems.append(f"{step.label} reads {missing!r}, which no earlier step adds ({earlier}){hint}")
            if isinstance(step.part, Mapper):
                columns -= step.part.removes()
            columns |= step.part.adds()
            added += sorted(step.part.adds() - set(added))
    return problems
