"""Thresholds that differ by language: files of numbers, a language each, looked up row by row.

`textmill derive-thresholds` writes such files; docs/languages.md says how.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar, Final, Self, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from textmill.pipeline import schema
from textmill.pipeline.errors import InputError
from textmill.pipeline.io.files import find_files, is_local, join, read_text, resolve_packaged
from textmill.pipeline.parameters import problems_in
from textmill.pipeline.step import Filter

Rows: TypeAlias = npt.NDArray[np.int64]
Stamps: TypeAlias = tuple[tuple[str, float], ...]
Limit: TypeAlias = float | npt.NDArray[np.float64] | None

PACKAGED: Final = "configs/languages"


class LanguageFile(BaseModel):
    """What a file says of one language.

    thresholds: parameters by filter; of a filter with several definitions, by definition below it. also: other labels
    of the language, such as ``cmn_Hani``. notes: what a reader should know of single parameters. evidence: what the
    thresholds were derived from; nothing reads it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    language: str
    also: tuple[str, ...] = ()
    thresholds: dict[str, dict[str, Any]]
    notes: tuple[str, ...] = ()
    evidence: dict[str, Any] = {}


class PerLanguage(Filter):
    """A filter whose parameters may depend on the document's language."""

    section: ClassVar[str]
    """Name of its parameters in the files."""

    per_language: bool = Field(False, description="take the parameters that a file states for the document's language")
    languages: str = Field(PACKAGED, description="folder of these files, one a language, such as de.yaml")

    def reads(self) -> frozenset[str]:
        """The text, and the language where it matters."""
        return frozenset({schema.TEXT, schema.LANGUAGE} if self.per_language else {schema.TEXT})

    def depends_on(self) -> tuple[str, ...]:
        """The files."""
        return _files(self.languages) if self.per_language else ()

    def prepare(self) -> None:
        """Load the files. Raises InputError for one that is wrong, or was made for another definition."""
        if self.per_language:
            self.by_language()

    def tally(self, batch: pa.RecordBatch) -> dict[str, int]:
        """Documents that were judged by the recipe's own thresholds, for want of a file for their language."""
        if not self.per_language:
            return {}
        known = pa.array(list(load_languages(self.languages)), pa.string())
        found = pc.sum(pc.is_in(batch.column(schema.LANGUAGE), known)).as_py() or 0
        return {"without_language_file": batch.num_rows - found}

    def for_rows(self, batch: pa.RecordBatch) -> "ForRows":
        """The parameters as they hold for each row."""
        if not self.per_language:
            return ForRows((self,), np.zeros(batch.num_rows, np.int64))
        known = self.by_language()
        labels = pc.dictionary_encode(pc.fill_null(batch.column(schema.LANGUAGE).cast(pa.string()), ""))
        present = labels.dictionary.to_pylist()
        variants = [self, *(known[label] for label in present if label in known)]
        places = np.cumsum([label in known for label in present]) * [label in known for label in present]
        codes = labels.indices.to_numpy(zero_copy_only=False)
        return ForRows(tuple(variants), np.asarray(places, np.int64)[codes])

    def by_language(self) -> Mapping[str, Self]:
        """The filter with the parameters that a file states, by label; a rule that the recipe switches off stays off.

        Raises InputError for parameters that are wrong, or were made for another definition.
        """
        return _variants(type(self), self.model_dump_json(), *_stamped(self.languages))

    def for_language(self, label: str, known: LanguageFile) -> Self:
        """The same for one label. Raises InputError."""
        stated = known.thresholds.get(self.section, {})
        definition = getattr(self, "definition", None)
        if definition is not None and stated:
            if definition not in stated:
                given = ", ".join(stated)
                raise InputError(
                    f"{self.languages}: {label}: {self.section} has thresholds for definition {given}, "
                    f"not for {definition}; derive them with textmill derive-thresholds"
                )
            stated = stated[definition]
        own = {name: getattr(self, name) for name in type(self).model_fields}
        off = {name for name in own if own[name] is None}
        try:
            return self.model_validate(own | {name: stated[name] for name in stated if name not in off})
        except ValidationError as error:
            problems = "; ".join(problems_in(error, type(self)))
            raise InputError(f"{self.languages}: {label}: {self.section}: {problems}") from error


@dataclass(frozen=True)
class ForRows:
    """A filter as it is for each row: `which` of the `variants`, of which the first is the recipe's own."""

    variants: tuple[PerLanguage, ...]
    which: Rows

    def limit(self, name: str) -> Limit:
        """A threshold: one number, or one a row with NaN where the rule is not applied; None where it nowhere is."""
        stated = [getattr(variant, name) for variant in self.variants]
        if all(value is None for value in stated):
            return None
        if len(stated) == 1:
            return float(stated[0])
        return np.array([np.nan if value is None else value for value in stated], np.float64)[self.which]

    def groups(self, name: str) -> Iterator[tuple[Any, Rows]]:
        """Each value of a parameter that is no number, with the rows for which it holds."""
        for i, variant in enumerate(self.variants):
            rows = np.flatnonzero(self.which == i)
            if len(rows):
                yield getattr(variant, name), rows


def load_languages(folder: str) -> dict[str, LanguageFile]:
    """The files of a folder, by each label of their language. Raises InputError.

    Read once a process, and again when a file on local disks changes.
    """
    return _load(*_stamped(folder))


def _stamped(folder: str) -> tuple[str, Stamps]:
    """Where the folder is, and when its files on local disks were changed."""
    found = resolve_packaged(folder)
    if not is_local(found) or not Path(found).is_dir():
        return found, ()
    with os.scandir(found) as entries:
        return found, tuple(sorted((e.path, e.stat().st_mtime) for e in entries if e.name.endswith(".yaml")))


@lru_cache(maxsize=64)
def _variants(kind: type[PerLanguage], own: str, folder: str, stamps: Stamps) -> Mapping[str, Any]:
    """The filter of these parameters as it is for each label; made once, for batches come by thousands."""
    recipes = kind.model_validate_json(own)
    return {label: recipes.for_language(label, known) for label, known in _load(folder, stamps).items()}


@lru_cache(maxsize=16)
def _load(folder: str, stamps: Stamps) -> dict[str, LanguageFile]:
    paths = [path for path, _ in stamps] or _files(folder)
    by_label: dict[str, LanguageFile] = {}
    for path in paths:
        try:
            known = LanguageFile.model_validate(yaml.safe_load(read_text(path)))
        except yaml.YAMLError as error:
            raise InputError(f"{path}: not YAML: {error}") from error
        except ValidationError as error:
            raise InputError(f"{path}: {'; '.join(problems_in(error, LanguageFile))}") from error
        for label in (known.language, *known.also):
            if label in by_label:
                raise InputError(f"{path}: {label} has a file already")
            by_label[label] = known
    return by_label


def _files(folder: str) -> tuple[str, ...]:
    return tuple(file.path for file in find_files([join(resolve_packaged(folder), "*.yaml")]))
