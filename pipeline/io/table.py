"""What readers of tables (JSONL, Parquet) share: which input column becomes which, and of what type.

The columns are settled once for an input, from its first file, and travel in every shard, so all batches of
all shards have one schema.
"""

import base64
from abc import abstractmethod
from collections.abc import Sequence
from typing import Final, NamedTuple

import pyarrow as pa
from pydantic import Field, field_validator

from textmill.pipeline import schema
from textmill.pipeline.errors import InputError, did_you_mean
from textmill.pipeline.io.files import FileInfo, find_files
from textmill.pipeline.io.reader import Reader

_OWN: Final = (schema.ID, schema.SOURCE, schema.DROP_REASON, schema.DROP_VALUE)
"""Columns that a reader fills itself."""


class Column(NamedTuple):
    """A column as it goes on: its name, the name that the input has for it, its type."""

    name: str
    origin: str
    type: pa.DataType


class TableReader(Reader):
    """A reader of tables. Columns that are not mapped keep their name and go on as they are.

    A name that textmill fills itself (`source`, `drop_reason`, `drop_value`), or that the mapping gives to
    another column, becomes ``NAME_original``.
    """

    text_column: str | None = Field("text", description="the input's name for `text`; null where pages come as `html`")
    id_column: str | None = Field(None, description="the input's name for `id`; null for `id` if there is one")
    columns: dict[str, str] = Field({}, description="other columns to rename, {new name: the input's name}")

    @field_validator("columns")
    @classmethod
    def _no_own_names(cls, columns: dict[str, str]) -> dict[str, str]:
        for name in columns:
            if name in (schema.TEXT, *_OWN):
                option = {schema.TEXT: "; say text_column", schema.ID: "; say id_column"}.get(name, "")
                raise ValueError(f"{name!r} is filled by the reader{option}")
        return columns

    @property
    def content(self) -> str:
        """The column that a row cannot do without."""
        return schema.HTML if self.text_column is None else schema.TEXT

    @abstractmethod
    def found_columns(self, file: FileInfo) -> pa.Schema | None:
        """Names and types in a file; None when it has no row to tell them from. Raises InputError."""

    def layout(self) -> pa.Schema:
        """The columns of the files that are there now; of files without rows, what a row would hold at least.

        Raises InputError when there are no files.
        """
        columns = {name: schema.TYPES[name] for name in (schema.ID, schema.SOURCE)}
        settled = self.settled(self.survey(find_files(self.patterns)))
        columns |= {column.name: column.type for column in settled} or {self.content: schema.TYPES[self.content]}
        return pa.schema(columns.items())

    def survey(self, found: Sequence[FileInfo]) -> str:
        """The columns of the first file that has any, in Arrow's serialisation."""
        for file in found:
            columns = self.found_columns(file)
            if columns is not None:
                self.arrange(columns, file.path)
                plain = pa.schema([(field.name, _plain(field.type)) for field in columns])
                return base64.b64encode(plain.serialize()).decode()
        return ""

    def settled(self, detail: str) -> list[Column]:
        """The columns that `survey` found, as they go on."""
        if not detail:
            return []
        return self.arrange(pa.ipc.read_schema(pa.BufferReader(base64.b64decode(detail))))

    def arrange(self, found: pa.Schema, path: str = "") -> list[Column]:
        """The columns that go on. Raises InputError when one that is asked for is not among those found."""
        origins = self._mapping(found.names)
        for name, origin in origins.items():
            if found.names.count(origin) != 1:
                raise InputError(f"{path}: {_missing(name, origin, found.names)}")
        used = {*_OWN, *origins}
        for name in found.names:
            if name not in origins.values():
                new = name
                while new in used:
                    new += "_original"
                used.add(new)
                origins[new] = name
        return [Column(name, origin, _type(name, found.field(origin), path)) for name, origin in origins.items()]

    def _mapping(self, found: Sequence[str]) -> dict[str, str]:
        """Our names of the columns that are asked for, with the input's."""
        mapping = dict(self.columns)
        if self.text_column is not None:
            mapping[schema.TEXT] = self.text_column
        elif schema.HTML not in mapping:
            mapping[schema.HTML] = schema.HTML
        if self.id_column is not None or schema.ID in found:
            mapping[schema.ID] = self.id_column or schema.ID
        return mapping


def output_schema(columns: Sequence[Column]) -> pa.Schema:
    """The schema of a reader's batches: `id`, `source`, the input's columns, `drop_reason`, `drop_value`."""
    first = [(name, schema.TYPES[name]) for name in (schema.ID, schema.SOURCE)]
    last = [(name, schema.TYPES[name]) for name in (schema.DROP_REASON, schema.DROP_VALUE)]
    return pa.schema([*first, *((c.name, c.type) for c in columns if c.name != schema.ID), *last])


def _missing(name: str, origin: str, found: Sequence[str]) -> str:
    if origin in found:
        return f"two columns are named {origin!r}"
    advice = ". Say which with text_column (of a command: --text-column)" if origin == name == schema.TEXT else ""
    there = ", ".join(found) or "none"
    return f"no column {origin!r} for {name}{did_you_mean(origin, found)}; there are: {there}{advice}"


def _type(name: str, found: pa.Field, path: str) -> pa.DataType:
    """The type in which a column goes on. Raises InputError when textmill knows the name with quite another."""
    plain = _plain(found.type)
    known = schema.TYPES.get(name, plain)
    try:
        pa.nulls(0, plain).cast(known)
    except pa.ArrowException as error:
        raise InputError(f"{path}: column {found.name!r} is {plain}, but {name} has to be {known}") from error
    return known


def _plain(kind: pa.DataType) -> pa.DataType:
    """The type that columns go on in: no dictionaries, no 64-bit offsets, no views."""
    if pa.types.is_dictionary(kind):
        return _plain(kind.value_type)
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pa.string()
    if pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind):
        return pa.binary()
    return kind
