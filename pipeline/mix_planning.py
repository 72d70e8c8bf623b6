"""Counts for planning a mixture before it is made: from the sketches of a run's mix, or from its corpus."""

from collections import Counter
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq

from textmill.pipeline.corpus import open_corpus, read_corpus
from textmill.pipeline.errors import UsageError
from textmill.pipeline.io.files import join, open_binary
from textmill.pipeline.mixing.cells import Cells, count_cells, merge_cells
from textmill.pipeline.mixing.shuffle import TOKENS
from textmill.pipeline.mixing.stage import COUNTED, ESTIMATED, Mix, group_rows
from textmill.pipeline.recipe import BarrierStage, Recipe
from textmill.pipeline.run_folder import open_run


def mix_of(recipe: Recipe) -> Mix:
    """The mix of a recipe. Raises UsageError when there is none."""
    for stage in recipe.stages:
        if isinstance(stage, BarrierStage) and isinstance(stage.barrier.part, Mix):
            return stage.barrier.part
    raise UsageError(f"recipe {recipe.name} has no mix; add a stage such as  - {{mix: final, by: [source]}}")


def count_run(out: str, mix: Mix) -> tuple[Cells, int, int]:
    """Counts of the documents of a run, how many there are, and of how many the tokens are estimated.

    Documents are those that come to the run's mix, or else its corpus. Raises InputError where there is no run,
    UsageError where it has no such column, or no documents yet.
    """
    parts, documents, estimated = [], 0, 0
    for table in _sketches(out, mix):
        if missing := [name for name in (*mix.by, mix.value_column) if name and name not in table.column_names]:
            raise UsageError(f"{out}: there is no column {', '.join(missing)} among {', '.join(table.column_names)}")
        rows = group_rows(mix.by, mix.value_column, table)
        parts.append(count_cells(mix.by, rows.keys, rows.codes, rows.tokens, rows.values))
        documents += table.num_rows
        estimated += table.num_rows - sum(bool(counted) for counted in table.column(COUNTED).to_pylist())
    if not documents:
        raise UsageError(f"{out}: no documents are there to plan with; run the recipe up to its mix first")
    return merge_cells(parts), documents, documents if mix.tokens_column == ESTIMATED else estimated


def _sketches(out: str, mix: Mix) -> Iterator[pa.Table]:
    run = open_run(out)
    wanted = {*mix.by, TOKENS, COUNTED} | ({mix.value_column} if mix.value_column else set())
    for stage, before in zip(run.stages[1:], run.stages, strict=False):
        if stage.kind == "barrier":
            paths = [stage.file("sketch", part) for part in before.parts()]
            tables = [_read(path) for path in paths[:1]]
            if tables and wanted <= set(tables[0].column_names):
                yield from (_read(path) for path in paths)
                return
    for batch in read_corpus(open_corpus([join(out, "data")]), Counter()):
        if missing := sorted(mix.reads() - set(batch.schema.names)):
            raise UsageError(f"{out}: its corpus has no column {', '.join(missing)}: {', '.join(batch.schema.names)}")
        yield pa.Table.from_batches([mix.sketch(batch)])


def _read(path: str) -> pa.Table:
    with open_binary(path) as stream:
        return pq.read_table(stream)
