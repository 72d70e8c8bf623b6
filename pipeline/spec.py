"""Readers, chains and barriers as plain data that travels to workers, and how a worker builds them again."""

from dataclasses import dataclass
from functools import lru_cache

from textmill.pipeline import catalog
from textmill.pipeline.barrier import Barrier
from textmill.pipeline.chain import Chain
from textmill.pipeline.io.reader import Reader
from textmill.pipeline.plugins import Plugin, load_plugin
from textmill.pipeline.recipe import Named


@dataclass(frozen=True)
class Spec:
    """A label, the catalog's name or ``module:Name``, parameters as JSON, and the plugin it comes from."""

    label: str
    name: str
    parameters: str
    plugin: Plugin | None = None
    inner_plugins: tuple[Plugin, ...] = ()

    @classmethod
    def of(cls, named: Named) -> "Spec":
        """The plain data of a part of a recipe."""
        return cls(named.label, named.name, named.part.model_dump_json(), named.plugin, named.inner_plugins)


@dataclass(frozen=True)
class ChainSpec:
    """A chain as plain data."""

    stage: str
    steps: tuple[Spec, ...]
    keep_rejects: float = 0.0
    keep_measures: float = 0.0


@lru_cache(maxsize=32)
def build_chain(spec: ChainSpec) -> Chain:
    """The chain, once a worker; its models are loaded."""
    steps = []
    for entry in spec.steps:
        _load(entry)
        step = catalog.step(entry.name).model_validate_json(entry.parameters)
        step.prepare()
        steps.append((entry.label, step))
    return Chain(spec.stage, tuple(steps), spec.keep_rejects, spec.keep_measures)


@lru_cache(maxsize=32)
def build_reader(spec: Spec) -> Reader:
    """The reader, once a worker."""
    _load(spec)
    return catalog.reader(spec.name).model_validate_json(spec.parameters)


@lru_cache(maxsize=32)
def build_barrier(spec: Spec) -> Barrier:
    """The barrier, once a worker."""
    _load(spec)
    return catalog.barrier(spec.name).model_validate_json(spec.parameters)


def _load(spec: Spec) -> None:
    for plugin in (spec.plugin, *spec.inner_plugins):
        if plugin is not None:
            load_plugin(plugin)
