"""Run every filter of a recipe on one sample and drop nothing, so that each is seen alone and beside the others.

Mappers and scorers do their work, so a filter judges the text that it would judge in a run; what a mapper
refuses leaves. Barriers need all documents and are passed over, with the steps that read their columns.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from textmill.pipeline import schema
from textmill.pipeline.arrow import one_batch, widen
from textmill.pipeline.chain import Chain
from textmill.pipeline.errors import UsageError
from textmill.pipeline.inputs import find_shards
from textmill.pipeline.io.files import join, write_whole
from textmill.pipeline.io.reader import Reader, Skipped
from textmill.pipeline.io.writer import parquet_sink
from textmill.pipeline.measures import AUDIT_FILE, join_measures
from textmill.pipeline.recipe import ChainStage, Named, Recipe, input_layout
from textmill.pipeline.shard import Shard
from textmill.pipeline.step import Filter

SNIPPET: Final = 100
"""Characters of an example's text."""


@dataclass
class Audit:
    """What the filters of a recipe do to a sample.

    table: their measures, as in `pipeline.measures`, with steps named ``STAGE.STEP``. texts: the beginning of each
    document that reached the end, by id. passed_over: stages and steps that an audit cannot run, and why.
    """

    steps: list[Named]
    table: pa.Table
    texts: dict[str, str]
    passed_over: dict[str, str] = field(default_factory=dict)


def audit(recipe: Recipe, *, documents: int, limit_shards: int | None = None) -> Audit:
    """Judge the first `documents` that the inputs' shards give in turn, of each input at most `limit_shards`.

    Raises UsageError when the recipe has no filter or nothing reaches one, and StepError for a step at fault.
    """
    steps, passed_over = _runnable(recipe)
    if not any(isinstance(step.part, Filter) for step in steps):
        raise UsageError("the recipe has no filter to audit")
    for step in steps:
        step.part.prepare()
    parts = tuple((step.label, step.part) for step in steps)
    chain = Chain("audit", parts, keep_measures=1.0, judge_only=True)  # type: ignore[arg-type]
    tables: list[pa.Table] = []
    texts: dict[str, str] = {}
    for batch in _documents(recipe, documents, limit_shards):
        passed = chain.process(batch)
        assert passed.measures is not None
        tables.append(passed.measures.table(1.0))
        texts |= _snippets(passed.batch)
    if not texts:
        raise UsageError("no document of the sample got as far as the end of the recipe")
    return Audit(steps, join_measures(tables), texts, passed_over)


def _runnable(recipe: Recipe) -> tuple[list[Named], dict[str, str]]:
    """The steps of all chains, and what is left out: barriers, and steps that need a column of theirs."""
    columns = set(input_layout(recipe.inputs).names)
    steps: list[Named] = []
    passed_over: dict[str, str] = {}
    for stage in recipe.stages:
        if not isinstance(stage, ChainStage):
            passed_over[stage.name] = "needs every document"
            continue
        for step in stage.steps:
            label = f"{stage.name}.{step.label}"
            if missing := step.part.reads() - columns:
                passed_over[label] = f"reads {', '.join(sorted(missing))}, which nothing before it adds here"
                continue
            columns |= step.part.adds()
            steps.append(replace(step, label=label))
    return steps, passed_over


def _documents(recipe: Recipe, documents: int, limit_shards: int | None) -> Iterator[pa.RecordBatch]:
    """The first rows of the inputs, a batch of each shard in turn."""
    layout = input_layout(recipe.inputs)
    readers = {named.label: named.part for named in recipe.inputs if isinstance(named.part, Reader)}
    streams = [_read(readers[shard.source], shard) for shard in find_shards(recipe, limit_shards)]
    while streams and documents > 0:
        going = []
        for stream in streams:
            if documents > 0 and (batch := next(stream, None)) is not None:
                yield widen(batch.slice(0, documents), layout)
                documents -= batch.num_rows
                going.append(stream)
        streams = going


def _read(reader: Reader, shard: Shard) -> Iterator[pa.RecordBatch]:
    skipped: Skipped = Counter()
    for batch in reader.read(shard, skipped):
        for start in range(0, batch.num_rows, 64):  # small, so that many shards come into a small sample
            yield batch.slice(start, 64)


def _snippets(batch: pa.RecordBatch) -> dict[str, str]:
    begun = pc.utf8_slice_codeunits(pc.fill_null(batch.column(schema.TEXT), ""), 0, 4 * SNIPPET).to_pylist()
    names = batch.column(schema.ID).to_pylist()
    return {name: " ".join(text.split())[:SNIPPET] for name, text in zip(names, begun, strict=True)}


def save(found: Audit, recipe: Recipe, folder: str) -> None:
    """Write `recipe.yaml` and `measures.parquet`, from which `textmill replay` tells other thresholds."""
    with write_whole(join(folder, "recipe.yaml")) as stream:
        stream.write(recipe.to_yaml().encode())
    with parquet_sink(join(folder, AUDIT_FILE)) as sink:
        sink.write(one_batch(found.table))
