"""From YAML to a Recipe: apply overrides, find every name, check every parameter and every column.

All problems are collected and raised as one RecipeError, so that a user mends them in one go.
"""

import itertools
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from textmill.pipeline import catalog, schema
from textmill.pipeline.chain import READ
from textmill.pipeline.errors import InputError, RecipeError, did_you_mean
from textmill.pipeline.io.files import read_text, resolve_packaged
from textmill.pipeline.parameters import Parameters, problems_in
from textmill.pipeline.plugins import Plugin, find_plugin, load_plugin
from textmill.pipeline.recipe import MIX, BarrierStage, ChainStage, Json, Named, Recipe, Settings, input_layout
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
    """Read a recipe from a file, or a packaged one by its name (``configs/quickstart.yaml``, ``quickstart``).

    `overrides` are ``stage.step.parameter=value``, ``inputs.source.parameter=value`` or
    ``output.parameter=value``, with values in YAML. Plugins are looked for beside the recipe, then in
    the working directory. Raises RecipeError with every problem found.
    """
    bare = not Path(path).suffix and not Path(path).is_file()
    found = resolve_packaged(f"{path.rstrip('/')}.yaml" if bare else path)
    try:
        content = yaml.load(read_text(found), _Strict)  # noqa: S506 (it is a safe loader)
    except yaml.YAMLError as error:
        raise RecipeError(f"{path}: not YAML: {error}") from error
    except InputError as error:
        raise RecipeError(_why_missing(path, error)) from error
    if not isinstance(content, dict):
        raise RecipeError(f"recipe {path}: is no mapping with name, inputs and stages")
    beside = [str(Path(found).resolve().parent)] if "://" not in found else []
    return parse_recipe(content, overrides, (*beside, str(Path.cwd())))


def _why_missing(path: str, error: InputError) -> str:
    if Path(path).is_dir():
        return f"recipe {path}: is a folder; name a YAML file in it"
    if "no such file" not in str(error):
        return f"recipe {error}"
    packaged = sorted(file.stem for file in Path(resolve_packaged("configs/quickstart.yaml")).parent.glob("*.yaml"))
    return f"recipe {error}{did_you_mean(Path(path).stem, packaged)} (textmill brings: {', '.join(packaged)})"


def parse_recipe(content: object, overrides: Sequence[str] = (), plugin_folders: Sequence[str] = ()) -> Recipe:
    """A recipe from its YAML content, as `load_recipe` gives it. Raises RecipeError."""
    if not isinstance(content, dict):
        raise RecipeError("a recipe is a mapping with name, inputs and stages")
    reading = _Reading(plugin_folders)
    inputs = [reading.input_entry(raw) for raw in _list(content, "inputs")]
    stages = [stage for raw in _list(content, "stages") if (stage := reading.stage_entry(raw))]
    reading.check_names([entry.label for entry in inputs], stages)
    sections = {key: reading.section(key, content.get(key)) for key in _SECTIONS[1:]}
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
    reading.problems += _expect_problems(sections["expect"], stages)
    if settings is None or reading.problems:
        raise RecipeError(reading.problems)
    return Recipe(
        settings.name,
        readers,
        tuple(built),
        settings.output,
        settings.rejects,
        settings.measures,
        settings.expect,
    )


class _Strict(yaml.SafeLoader):
    """YAML in which no key stands twice in a mapping: the first would be lost without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = next((key for key in keys if keys.count(key) > 1), None)
        if twice is not None:
            raise yaml.constructor.ConstructorError(None, None, f"{twice!r} stands here twice", node.start_mark)
        return super().construct_mapping(node, deep)


@dataclass
class _Reading:
    """One pass over a recipe, and the problems it met."""

    plugin_folders: Sequence[str]
    problems: list[str] = field(default_factory=list)

    def section(self, key: str, raw: object) -> Json:
        if raw is not None and not isinstance(raw, dict):
            self.problems.append(f"{key} is a mapping, not {raw!r}")
        return dict(raw) if isinstance(raw, dict) else {}

    def input_entry(self, raw: object) -> Entry:
        parameters = dict(raw) if isinstance(raw, dict) else {}
        source, name = str(parameters.get("source", "")), parameters.pop("read", None)
        if not name:
            self.problems.append(f"input {source or raw!r} does not say how to read it: add read: warc, for example")
        return Entry(f"inputs.{source}", source, str(name or ""), parameters)

    def stage_entry(self, raw: object) -> StageEntry | None:
        content = dict(raw) if isinstance(raw, dict) else {}
        if "chain" in content:
            return self._chain_entry(str(content.pop("chain")), content)
        if "barrier" in content:
            stage = StageEntry(str(content.pop("barrier")), is_chain=False)
            if len(content) != 1:
                wanted = "exactly one entry beside its name, such as exact; `textmill steps` lists them"
                self.problems.append(f"barrier {stage.name!r} needs {wanted}")
            stage.entries = [self._entry(stage.name, {name: value}) for name, value in content.items()]
            return stage
        if MIX in content:
            name = str(content.pop(MIX))
            return StageEntry(name, is_chain=False, entries=[Entry(f"{name}.{MIX}", MIX, MIX, content)])
        self.problems.append(f"a stage starts with chain: NAME or barrier: NAME, or ends all as mix: NAME, not {raw!r}")
        return None

    def _chain_entry(self, name: str, content: Json) -> StageEntry:
        steps = content.pop("steps", None) or []
        if content or not isinstance(steps, list):
            self.problems.append(f"chain {name!r} has one list, steps; found {', '.join(content) or 'no list'}")
            steps = []
        stage = StageEntry(name, is_chain=True)
        for raw in steps:
            entry = self._entry(name, raw)
            taken = {READ, *(other.label for other in stage.entries)}
            numbered = (f"{entry.label}_{number}" for number in itertools.count(2))
            entry.label = next(label for label in itertools.chain([entry.label], numbered) if label not in taken)
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

    def check_names(self, sources: Sequence[str], stages: Sequence[StageEntry]) -> None:
        """Complain of names that are shared: overrides, books and folders could not tell them apart."""
        for source in sorted({source for source in sources if source and sources.count(source) > 1}):
            self.problems.append(f"source {source!r} is taken; every input needs a source of its own")
        for stage in stages[:-1]:
            if any(entry.name == MIX for entry in stage.entries):
                self.problems.append(f"mix {stage.name!r} is not the last stage: what follows would undo its shares")
        names = [stage.name for stage in stages]
        taken = {*_SECTIONS, READ, *(f"after_{stage.name}" for stage in stages if not stage.is_chain)}
        for name in sorted({name for name in names if names.count(name) > 1 or name in taken}):
            self.problems.append(f"stage name {name!r} is taken; every stage needs a name of its own")
        for name in names:
            if not re.fullmatch(r"[\w-]+", name):
                self.problems.append(f"stage name {name!r}: write letters, digits, _ and -")

    def override(self, text: str, targets: dict[str, Json]) -> None:
        path, equals, value = text.partition("=")
        home, _, parameter = path.rpartition(".")
        if not equals or home not in targets:
            hint = did_you_mean(home, targets)
            known = ", ".join(targets)
            self.problems.append(f"--set {text}: write stage.step.parameter=value{hint} (there are: {known})")
            return
        try:
            targets[home][parameter] = yaml.safe_load(value)
        except yaml.YAMLError:
            self.problems.append(f"--set {text}: the value is not YAML")

    def built(self, entries: Iterable[Entry], find: Callable[[str], type[Parameters]]) -> Iterable[Named]:
        """The readers, steps or barriers of entries; those with problems are left out."""
        for entry in entries:
            if not entry.name:  # complained of already
                continue
            try:
                plugin = self._plugin(entry.name)
                kind = find(entry.name)
                inner = [self._plugin(name) for name in kind.inner_names(entry.parameters)]
            except RecipeError as error:
                self.problems += [f"{entry.home}: {problem}" for problem in error.problems]
                continue
            part = self.validated(kind, entry.parameters, entry.home)
            if part is not None:
                yield Named(entry.label, entry.name, part, plugin, tuple(filter(None, inner)))

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
            self.problems += [f"{where}: {problem}" for problem in problems_in(error, model)]
            return None


_SECTIONS = ("inputs", "output", "rejects", "measures", "expect")


def _list(content: Json, key: str) -> list[Any]:
    value = content.get(key)
    return value if isinstance(value, list) else []


def _expect_problems(expect: Json, stages: Sequence[StageEntry]) -> list[str]:
    """Names in `expect` that are neither ``kept`` nor a stage nor ``stage.step``."""
    known = {"kept", *(stage.name for stage in stages), *(entry.home for stage in stages for entry in stage.entries)}
    return [f"expect names {key!r}, which is no stage{did_you_mean(key, known)}" for key in expect if key not in known]


def _column_problems(readers: Sequence[Named], stages: Sequence[ChainStage | BarrierStage]) -> list[str]:
    """Columns that a step reads though nothing before it adds them."""
    problems = []
    try:
        columns = frozenset(input_layout(readers).names)
    except InputError as error:
        return [str(error)]
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
            else:
                taken = sorted(step.part.adds() & {schema.ID, schema.TEXT, schema.SOURCE})
                problems += [f"{step.label} adds {name!r}, which every document has; choose another" for name in taken]
            columns |= step.part.adds()
            added += sorted(step.part.adds() - set(added))
    return problems
