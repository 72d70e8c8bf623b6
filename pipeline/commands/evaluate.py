"""``textmill eval``: how good a part is, on data whose truth is known."""

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from textmill.pipeline.commands.options import file_to_write, note, stdout

if TYPE_CHECKING:
    import pyarrow as pa

    from textmill.pipeline.extraction.evaluation import Candidate

app = typer.Typer(help="Measure a part on data whose truth is known.", no_args_is_help=True, rich_markup_mode=None)

_DEFAULT_ENGINES = ("trafilatura", "resiliparse")


@app.callback()
def _eval() -> None:
    pass


@app.command()
def extractor(
    table: Annotated[str, typer.Argument(metavar="TABLE", help="Parquet file, glob or folder of labelled pages.")],
    engine: Annotated[
        list[str] | None,
        typer.Option(metavar="ENGINE", help='Options of extract_html: "trafilatura favor=precision". Repeatable.'),
    ] = None,
    texts: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=FILE", help="Texts that something else extracted: Parquet, id and text. Repeatable"),
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=NAME", help="A column of another name, such as known=main_text. Repeatable."),
    ] = None,
    json_: Annotated[
        str | None, typer.Option("--json", metavar="FILE", callback=file_to_write, help="Write the whole report.")
    ] = None,
    pages: Annotated[
        str | None,
        typer.Option(metavar="FILE", callback=file_to_write, help="Write texts and scores of every page."),
    ] = None,
    resamples: Annotated[int, typer.Option(min=0, help="Bootstrap samples of sites, for the intervals.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Chooses the samples.")] = 0,
    small: Annotated[int, typer.Option(min=1, help="Fewest pages of a collection that counts in the mean.")] = 10,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first pages, to try things out.")] = None,
) -> None:
    """Compare extractors on pages whose main text, or snippets of it, are known; the first is the yardstick.

    Keys of columns: id html known wanted unwanted collection page_type language site content_type url date.
    """
    import json

    from textmill.pipeline.extraction.evaluation import COLUMNS, Settings, labelled, run_candidates, summarise
    from textmill.pipeline.extraction.evaluation_report import render_evaluation
    from textmill.pipeline.io.files import write_whole

    columns = COLUMNS | dict(_pair(text, COLUMNS, "--column") for text in column or ())
    names = engine if engine or texts else list(_DEFAULT_ENGINES)
    candidates = [_engine(name) for name in names or ()]
    candidates += [_texts(*_pair(text, None, "--texts")) for text in texts or ()]
    done = [0]

    def seen(count: int) -> None:
        done[0] += count
        note(f"{done[0]:,} pages")

    batches = labelled(_read(table, columns, limit), columns)
    found, outcomes = run_candidates(batches, candidates, seen)
    report = summarise(found, candidates, outcomes, Settings(resamples=resamples, seed=seed, small=small))
    render_evaluation(report, stdout)
    if json_:
        with write_whole(json_) as stream:
            stream.write(json.dumps(_without_nan(report), indent=1, ensure_ascii=False).encode())
    if pages:
        _write_pages(pages, found, candidates, outcomes)


def _pair(text: str, known: Any, option: str) -> tuple[str, str]:
    from textmill.pipeline.errors import UsageError, did_you_mean

    key, equals, value = text.partition("=")
    if not equals or not value:
        raise UsageError(f"{option} {text!r}: write it as {'KEY=NAME' if known else 'NAME=FILE'}")
    if known is not None and key not in known:
        raise UsageError(f"{option}: unknown key {key!r}{did_you_mean(key, known) or '; known are ' + ' '.join(known)}")
    return key, value


def _engine(spec: str) -> "Candidate":
    """``NAME [option=value …]`` as an extract_html step. Raises UsageError."""
    import yaml
    from pydantic import ValidationError

    from textmill.pipeline.errors import UsageError
    from textmill.pipeline.extraction.evaluation import Candidate
    from textmill.pipeline.mappers.extract_html import ExtractHtml

    name, *words = spec.split() or [""]
    try:
        options = {"engine": name} | {w.partition("=")[0]: yaml.safe_load(w.partition("=")[2]) for w in words}
        step = ExtractHtml(**options)
    except (ValidationError, yaml.YAMLError) as error:
        problems = error.errors() if isinstance(error, ValidationError) else ()
        told = "; ".join(": ".join([*map(str, p["loc"]), p["msg"]]) for p in problems) or str(error)
        raise UsageError(f"--engine {spec!r}: {told}") from error
    step.prepare()
    return Candidate(spec, step.rewrite, options)


def _texts(name: str, path: str) -> "Candidate":
    """Texts by id as an engine that only looks up. Raises InputError."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from textmill.pipeline.errors import InputError
    from textmill.pipeline.extraction.evaluation import Candidate
    from textmill.pipeline.io.files import open_binary

    with open_binary(path) as stream:
        try:
            rows = pq.read_table(stream, columns=["id", "text"])
        except pa.ArrowInvalid as error:
            raise InputError(f"{path}: {error}") from error
    if missing := {"id", "text"} - set(rows.column_names):
        raise InputError(f"{path}: has no column {' and no '.join(sorted(missing))}")
    known = dict(zip(rows["id"].to_pylist(), rows["text"].to_pylist(), strict=True))

    def look_up(batch: pa.RecordBatch) -> pa.RecordBatch:
        ids = batch.column("id").to_pylist()
        reasons = [None if i in known else "not_among_texts" for i in ids]
        return pa.RecordBatch.from_pydict(
            {"text": pa.array([known.get(i) for i in ids], pa.string()), "drop_reason": pa.array(reasons, pa.string())}
        )

    return Candidate(name, look_up, {"texts": path}, is_timed=False)


def _read(table: str, columns: dict[str, str], limit: int | None) -> Iterator["pa.RecordBatch"]:
    """The columns that are there, some pages at a time. Raises InputError."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from textmill.pipeline.errors import InputError, did_you_mean
    from textmill.pipeline.io.files import filesystem, find_files, join, open_binary

    fs, name = filesystem(table)
    left = limit
    for file in find_files([join(table, "**.parquet") if fs.isdir(name) else table]):
        with open_binary(file.path) as stream:
            try:
                reader = pq.ParquetFile(stream)
            except pa.ArrowInvalid as error:
                raise InputError(f"{file.path}: {error}") from error
            there = reader.schema_arrow.names
            if columns["html"] not in there:
                advice = did_you_mean(columns["html"], there) or f"; it has {' '.join(there)}"
                raise InputError(f"{file.path}: has no column {columns['html']!r}{advice}")
            if not {columns["known"], columns["wanted"]} & set(there):
                raise InputError(f"{file.path}: has neither {columns['known']!r} nor {columns['wanted']!r}")
            for batch in reader.iter_batches(128, columns=[c for c in set(columns.values()) if c in there]):
                part = batch if left is None else batch.slice(0, left)
                left = None if left is None else left - part.num_rows
                if part.num_rows:
                    yield part


def _write_pages(path: str, pages: "pa.Table", candidates: "Sequence[Candidate]", outcomes: Sequence[Any]) -> None:
    """One row for each page and engine: id, engine, text, and each metric, null where it says nothing."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    from textmill.pipeline.extraction.evaluation import scores_of
    from textmill.pipeline.extraction.scoring import METRICS
    from textmill.pipeline.io.files import write_whole

    tables = []
    for candidate, outcome in zip(candidates, outcomes, strict=True):
        value, weight = scores_of(outcome)
        shares = {
            metric: pa.array(value[:, at] / np.maximum(weight[:, at], 1), mask=weight[:, at] == 0)
            for at, metric in enumerate(METRICS)
        }
        texts = pa.chunked_array(outcome.texts)
        tables.append(pa.table({"id": pages["id"], "engine": [candidate.name] * len(pages), "text": texts, **shares}))
    with write_whole(path) as stream:
        pq.write_table(pa.concat_tables(tables), stream, compression="zstd")


def _without_nan(value: Any) -> Any:
    """NaN has no place in JSON: null stands for it."""
    if isinstance(value, dict):
        return {key: _without_nan(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_without_nan(part) for part in value]
    return None if isinstance(value, float) and math.isnan(value) else value
