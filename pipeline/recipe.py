"""A recipe: what to do, never how; workers and addresses are options of the command line."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from string import Formatter
from typing import Any, Literal

import pyarrow as pa
import yaml
from pydantic import BaseModel, ByteSize, ConfigDict, Field, field_validator, model_validator

from textmill.pipeline.arrow import unite
from textmill.pipeline.errors import InputError
from textmill.pipeline.io.reader import Reader
from textmill.pipeline.mixing.mixture import Tokens
from textmill.pipeline.parameters import Parameters
from textmill.pipeline.plugins import Plugin

Json = dict[str, Any]

MIX = "mix"
"""The barrier that a recipe writes as a stage of its own, ``mix: NAME``, with its parameters beside the name."""


Format = Literal["parquet", "hf", "jsonl", "mds", "megatron", "lengths"]
TOKEN_FORMATS = ("megatron", "lengths")


class Prefix(BaseModel):
    """What some texts of the corpus begin with, so that a model learns to tell where text comes from."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    template: str = Field(default="{url}\n\n", description="columns of the document in braces, and {domain} of its url")
    share: float = Field(default=1.0, ge=0, le=1, description="share of documents that have it, chosen by id")

    @field_validator("template")
    @classmethod
    def _fields(cls, value: str) -> str:
        try:
            names = [name for _, name, _, _ in Formatter().parse(value) if name is not None]
        except ValueError as error:
            raise ValueError(f"{value!r} is no template: {error}") from error
        if not all(re.fullmatch(r"\w+", name) for name in names):
            raise ValueError(f"{value!r}: braces hold the names of columns, such as {{url}}")
        return value


class Output(BaseModel):
    """Where the corpus goes, and how large its files are."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    path: str = Field(default="", description="folder or URL of the run; --out sets it")
    format: Format = Field(default="parquet", description="what a trainer reads")
    shard_bytes: ByteSize = Field(ByteSize(512_000_000), gt=0, description="size of a corpus file, such as 512MB")
    shard_tokens: Tokens | None = Field(default=None, description="tokens of a corpus file, such as 100M, after a mix")
    tokenizer: str = Field(default="", description="file of the tokenizer, for formats of tokens")
    pattern: str = Field(default="", description="how a tiktoken file splits text, as in the step token_count")
    end_token: str | int | None = Field(default=None, description="token after each document: its name or number")
    prefix: Prefix | None = Field(default=None, description="what a share of the texts begins with, such as their URL")

    @model_validator(mode="after")
    def _has_tokenizer(self) -> "Output":
        if self.format in TOKEN_FORMATS and not self.tokenizer:
            raise ValueError(f"format {self.format} holds tokens: name the file of the tokenizer, tokenizer: FILE")
        if self.tokenizer and self.format not in TOKEN_FORMATS:
            raise ValueError(f"format {self.format} holds text; a tokenizer is for {' and '.join(TOKEN_FORMATS)}")
        return self


class Rejects(BaseModel):
    """How much of the dropped text to keep for inspection."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    keep: float = Field(default=0.0, ge=0, le=1, description="share of dropped documents, chosen by id")


class MeasuresKept(BaseModel):
    """Of how many documents to keep what the filters measured, for `textmill replay`."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    keep: float = Field(default=1.0, ge=0, le=1, description="share of all documents, chosen by id")


class Settings(BaseModel):
    """The top level of a recipe, as YAML has it, before names are looked up."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str = Field(pattern=r"^[\w.-]+$")
    inputs: list[Json] = Field(min_length=1)
    output: Output = Output()
    rejects: Rejects = Rejects()
    measures: MeasuresKept = MeasuresKept()
    stages: list[Json] = Field(min_length=1)
    expect: dict[str, tuple[float, float]] = {}

    @field_validator("expect")
    @classmethod
    def _ranges(cls, value: dict[str, tuple[float, float]]) -> dict[str, tuple[float, float]]:
        for key, (low, high) in value.items():
            if not 0 <= low <= high <= 1:
                raise ValueError(f"{key}: [{low:g}, {high:g}] is no range of shares, from low to high, within 0 and 1")
        return value


@dataclass(frozen=True)
class Named:
    """A reader, step or barrier with the name and label that the recipe gives it.

    The label names it in decisions and overrides: an input's source, a step's name (with a number
    when the chain has it twice), a barrier's name.
    """

    label: str
    name: str
    part: Parameters
    plugin: Plugin | None = None
    inner_plugins: tuple[Plugin, ...] = ()
    """Those of the steps among its parameters."""

    def to_yaml(self) -> Json:
        """Its entry in a resolved recipe: the name with every parameter."""
        return {self.name: self.part.model_dump(mode="json")}


@dataclass(frozen=True)
class ChainStage:
    """Steps that rows pass one after another."""

    name: str
    steps: tuple[Named, ...]

    @property
    def uses_gpu(self) -> bool:
        """Whether one of its steps computes on a GPU where it finds one."""
        return any(step.part.uses_gpu() for step in self.steps)

    def to_yaml(self) -> Json:
        """Its entry in a resolved recipe."""
        return {"chain": self.name, "steps": [step.to_yaml() for step in self.steps]}


@dataclass(frozen=True)
class BarrierStage:
    """A barrier between chains."""

    name: str
    barrier: Named

    def to_yaml(self) -> Json:
        """Its entry in a resolved recipe."""
        entry = self.barrier.to_yaml()
        return {MIX: self.name, **entry[MIX]} if self.barrier.name == MIX else {"barrier": self.name, **entry}


@dataclass(frozen=True)
class Recipe:
    """A recipe whose every name has been found and every parameter checked."""

    name: str
    inputs: tuple[Named, ...]
    stages: tuple[ChainStage | BarrierStage, ...]
    output: Output = field(default_factory=Output)
    rejects: Rejects = field(default_factory=Rejects)
    measures: MeasuresKept = field(default_factory=MeasuresKept)
    expect: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def to_yaml(self) -> str:
        """The recipe with every default spelled out; reading it gives the same recipe."""
        content = {
            "name": self.name,
            "inputs": [{"read": item.name, **item.part.model_dump(mode="json")} for item in self.inputs],
            "output": self.output.model_dump(mode="json"),
            "rejects": self.rejects.model_dump(mode="json"),
            "measures": self.measures.model_dump(mode="json"),
            "stages": [stage.to_yaml() for stage in self.stages],
            "expect": {key: list(bounds) for key, bounds in self.expect.items()},
        }
        return yaml.safe_dump(content, sort_keys=False, allow_unicode=True)


def ends_with_mix(recipe: Recipe) -> bool:
    """Whether the corpus is a mixture: documents come as often as its last stage says, in the order of their keys."""
    last = recipe.stages[-1] if recipe.stages else None
    return isinstance(last, BarrierStage) and last.barrier.name == MIX


def input_layout(readers: Sequence[Named]) -> pa.Schema:
    """The columns of all inputs; every batch has them, null where its own input lacks one.

    Raises InputError when two inputs disagree on a type, or when a file that would tell is not there.
    """
    try:
        return unite(reader.part.layout() for reader in readers if isinstance(reader.part, Reader))
    except TypeError as error:
        raise InputError(f"inputs disagree on a column, rename one with columns: {error}") from error
