"""Evaluation sets as an index of runs of words, to find them in a corpus."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, Field, field_validator

from textmill.dedup.gram_scan import gram_hashes
from textmill.pipeline.arrow import text_buffers
from textmill.pipeline.errors import InputError, did_you_mean
from textmill.pipeline.io.files import FileInfo, find_files, open_binary
from textmill.pipeline.io.lines import read_lines
from textmill.pipeline.kernels.placed_words import Hashes, Numbers, placed_words
from textmill.pipeline.shard import Shard

_LONGEST_LINE: Final = 64 << 20
_FILTER_BITS: Final = 16
"""Entries of the first look for each gram: one look-up in so many is in vain."""


class Benchmark(BaseModel):
    """An evaluation set: an example a line (JSONL) or a row (Parquet)."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    files: tuple[str, ...] = Field(description="paths, URLs or globs of JSONL or Parquet files")
    fields: tuple[str, ...] = Field(("text",), min_length=1, description="what is looked for; a.b is b within a")
    id_field: str = Field("id", description="names an example; without it, its number does")

    @field_validator("files", mode="before")
    @classmethod
    def _one_will_do(cls, files: object) -> object:
        return (files,) if isinstance(files, str) else files


@dataclass(frozen=True)
class Item:
    """A field of an example: what is looked for. words: how many it has; size: in runs of how many it is sought."""

    benchmark: str
    example: str
    field: str
    words: int
    size: int


@dataclass(frozen=True, eq=False)
class Index:
    """All runs of words of all items.

    grams: uint64, sorted. Postings of gram g, the item and the word at which it stands there, are at
    ``first[g]:first[g + 1]`` of `item` and `at`. examples, too_short: of each benchmark the examples, and those
    that have no item of enough words.
    """

    items: list[Item]
    grams: Hashes
    first: Numbers
    item: Numbers
    at: Numbers
    sizes: Numbers
    possible: npt.NDArray[np.bool_]
    examples: Counter[str]
    too_short: Counter[str]

    @cached_property
    def item_words(self) -> Numbers:
        """`Item.words` of each item."""
        return np.array([item.words for item in self.items], np.int64)

    @cached_property
    def item_sizes(self) -> Numbers:
        """`Item.size` of each item."""
        return np.array([item.size for item in self.items], np.int64)

    @cached_property
    def fields_of(self) -> Counter[tuple[str, str]]:
        """How many items each example has, by benchmark and name."""
        return Counter((item.benchmark, item.example) for item in self.items)


def build_index(benchmarks: Mapping[str, Benchmark], ngram: int, min_words: int) -> Index:
    """Index every field of `min_words` words or more: by runs of `ngram` of them, or as a whole if it has fewer.

    Made once a process, and again when a file changes. Raises InputError for a file that is missing or that lacks a
    field.
    """
    files = tuple((name, *_stamps(benchmark)) for name, benchmark in benchmarks.items())
    return _build(tuple(benchmarks.items()), files, ngram, min_words)


def _stamps(benchmark: Benchmark) -> tuple[tuple[str, str], ...]:
    return tuple((file.path, file.stamp) for file in find_files(benchmark.files))


@lru_cache(maxsize=4)
def _build(
    benchmarks: tuple[tuple[str, Benchmark], ...],
    files: tuple[object, ...],  # noqa: ARG001 (part of the key)
    ngram: int,
    min_words: int,
) -> Index:
    items: list[Item] = []
    hashes, owners, places = [], [], []
    examples, too_short = Counter[str](), Counter[str]()
    for name, benchmark in benchmarks:
        for example, texts in _examples(benchmark):
            examples[name] += 1
            usable = 0
            for field, text in zip(benchmark.fields, texts, strict=True):
                keys = _keys(text)
                if len(keys) < min_words:
                    continue
                usable += 1
                size = min(ngram, len(keys))
                found = gram_hashes(keys, size)
                hashes.append(found)
                owners.append(np.full(len(found), len(items)))
                places.append(np.arange(len(found)))
                items.append(Item(name, example, field, len(keys), size))
            too_short[name] += usable == 0
    if not items:
        raise InputError(f"no example of {', '.join(examples) or 'the benchmarks'} has {min_words} words or more")
    every = np.concatenate(hashes)
    order = np.argsort(every, kind="stable")
    grams, counts = np.unique(every, return_counts=True)
    return Index(
        items,
        grams,
        np.concatenate([[0], np.cumsum(counts)]),
        np.concatenate(owners)[order],
        np.concatenate(places)[order],
        np.unique([item.size for item in items]),
        _first_look(grams),
        examples,
        too_short,
    )


def _first_look(grams: Hashes) -> npt.NDArray[np.bool_]:
    possible = np.zeros(1 << max(12, int(_FILTER_BITS * len(grams)).bit_length()), np.bool_)
    possible[grams & np.uint64(len(possible) - 1)] = True
    return possible


def _keys(text: str) -> Hashes:
    data, offsets, _ = text_buffers(pa.array([text]))
    return placed_words(data, offsets).keys


def _examples(benchmark: Benchmark) -> Iterator[tuple[str, list[str]]]:
    """The name and the fields of every example."""
    for file in find_files(benchmark.files):
        for number, row in enumerate(_rows(file)):
            name = row.get(benchmark.id_field)
            texts = [_field(row, field, file.path) for field in benchmark.fields]
            yield (str(name) if name is not None else f"{file.path.rpartition('/')[2]}:{number}"), texts


def _rows(file: FileInfo) -> Iterator[dict[str, Any]]:
    if file.path.endswith(".parquet"):
        with open_binary(file.path) as stream:
            yield from pq.read_table(stream).to_pylist()
        return
    with open_binary(file.path) as stream:
        for line in read_lines(stream, Shard("", file.path, size=file.size), _LONGEST_LINE):
            if line.content is None or line.content.strip():
                yield _row(line.content, file.path, line.offset)


def _row(content: bytes | None, path: str, offset: int) -> dict[str, Any]:
    try:
        row = json.loads(content or b"")
    except ValueError as error:
        raise InputError(f"{path}: no JSON at byte {offset}: {error}") from error
    if not isinstance(row, dict):
        raise InputError(f"{path}: no JSON object at byte {offset}")
    return row


def _field(row: Mapping[str, Any], field: str, path: str) -> str:
    """The text of a field; of a list its members, of what is missing in an example nothing."""
    value: Any = row
    for name in field.split("."):
        if not isinstance(value, Mapping) or name not in value:
            known: Iterable[str] = value if isinstance(value, Mapping) else ()
            names: Sequence[str] = list(known)
            raise InputError(f"{path}: an example has no {field!r}{did_you_mean(name, names)}: {', '.join(names)}")
        value = value[name]
    return " ".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)
