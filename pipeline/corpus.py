"""Text from anything textmill reads, for commands that are no runs: training, fitting, indexing.

An INPUT is a file, a glob, a folder, or the folder of a run, whose corpus is meant. The ending of a file's name
tells its format; pages are extracted as `extract_html` does by default.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from textmill.pipeline import schema
from textmill.pipeline.catalog import reader
from textmill.pipeline.errors import UsageError
from textmill.pipeline.io.files import exists, filesystem, find_files, join
from textmill.pipeline.io.reader import Reader, Skipped
from textmill.pipeline.mappers.extract_html import ExtractHtml
from textmill.pipeline.step import take_refusals

_FORMATS: Final = {
    "parquet": (".parquet",),
    "jsonl": (".json", ".jsonl", ".ndjson"),
    "warc": (".warc", ".arc", ".wet"),
    "html": (".html", ".htm", ".xhtml"),
    "text": (".txt",),
}
"""Readers by the endings of the files they read; endings of compression, such as .gz, are looked through."""
_COMPRESSED: Final = (".gz", ".zst", ".zstd")


def open_corpus(inputs: Sequence[str], *, text_column: str = "text") -> list[Reader]:
    """A reader for each format in each of `inputs`; the rows of one have it as their `source`.

    Raises UsageError for a file whose ending tells no format, InputError for one that is not there.
    """
    readers = []
    for given in inputs:
        by_format = defaultdict(list)
        for path in _files(given):
            by_format[_format(path)].append(path)
        for name, paths in sorted(by_format.items()):
            options: dict[str, Any] = {"text_column": text_column} if name in ("jsonl", "parquet") else {}
            readers.append(reader(name)(source=given, files=tuple(paths), **options))
    return readers


def read_corpus(readers: Sequence[Reader], skipped: Skipped) -> Iterator[pa.RecordBatch]:
    """Batches with `id`, `source`, `text` and what else the readers give; rows without text are left out.

    `skipped` counts what is left out, by reason. The order is that of the files' names.
    """
    extract = ExtractHtml()
    for part in readers:
        for shard in part.shards():
            for batch in part.read(shard, skipped):
                yield from _texts(batch, extract, skipped)


def _texts(batch: pa.RecordBatch, extract: ExtractHtml, skipped: Skipped) -> Iterator[pa.RecordBatch]:
    for step in (None, extract):
        if step is not None and schema.HTML in batch.schema.names:
            batch = step.rewrite(batch)
        batch, verdict = take_refusals(batch)
        if verdict is not None:
            skipped.update(verdict.counts())
            batch = batch.filter(pa.array(verdict.kept))
    present = pc.is_valid(batch.column(schema.TEXT))
    if missing := batch.num_rows - (pc.sum(present).as_py() or 0):
        skipped["no_text"] += missing
    if batch.num_rows > missing:
        yield batch.filter(present)


def _files(given: str) -> list[str]:
    """The files that an INPUT means."""
    if exists(join(given, "stages", "plan.json")):
        return [file.path for file in find_files([join(given, "data", "*.parquet")])]
    fs, path = filesystem(given)
    pattern = join(given, "**") if fs.isdir(path) else given
    return [file.path for file in find_files([pattern])]


def _format(path: str) -> str:
    name = PurePosixPath(path.lower())
    while name.suffix in _COMPRESSED:
        name = name.with_suffix("")
    for form, endings in _FORMATS.items():
        if name.suffix in endings:
            return form
    known = " ".join(ending for endings in _FORMATS.values() for ending in endings)
    raise UsageError(f"{path}: its ending tells no format; known are {known}, also with .gz or .zst")
