"""``textmill index``: documents of earlier crawls, for barriers that compare new ones with them."""

from typing import Annotated

import typer

from textmill.pipeline.commands.options import (
    Address,
    ExecutorName,
    Where,
    Workers,
    executing,
    note,
    stdout,
)
from textmill.pipeline.console import plural, say

app = typer.Typer(
    help="Keep an index of earlier documents, for minhash and lsh_bloom with against: INDEX.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

IndexFolder = Annotated[str, typer.Argument(metavar="INDEX", help="Folder or URL of the index.")]


@app.command()
def add(
    index: IndexFolder,
    inputs: Annotated[
        list[str], typer.Argument(metavar="INPUT...", help="Runs, or text: files, globs, folders. In this order.")
    ],
    barrier: Annotated[
        str, typer.Option(help='What a new index is for, as in a recipe: "minhash: {bands: 9, rows: 13}".')
    ] = "",
    text_column: Annotated[str, typer.Option(help="Column or field that holds the text.")] = "text",
) -> None:
    """Add documents. Of a run it takes the keys of all that reached its barrier; its texts are not read again."""
    from textmill.pipeline.indexing import add_to_index

    change = add_to_index(index, inputs, barrier=barrier, text_column=text_column)
    for given, documents in change.added.items():
        say(stdout, f"{given}: " + (f"{plural(documents, 'document')} added" if documents else "nothing new"))
    for reason, count in sorted(change.skipped.items()):
        note(f"left out: {count} {reason}")


@app.command()
def remove(
    index: IndexFolder,
    ids: Annotated[str, typer.Option(metavar="FILE", help="Ids of the documents to take down, one a line.")],
) -> None:
    """Take documents down: they count for nothing from now on. `compact` erases their keys and ids."""
    from textmill.pipeline.indexing import remove_from_index
    from textmill.pipeline.io.files import read_text

    wanted = [line for line in read_text(ids).splitlines() if line]
    changed, missing = remove_from_index(index, wanted)
    say(
        stdout,
        f"{plural(len(set(wanted)) - len(missing), 'id')} taken down; {plural(changed.present, 'document')} left",
    )
    for name in missing:
        note(f"not in the index: {name}")
    if missing:
        raise typer.Exit(1)


@app.command()
def compact(
    index: IndexFolder,
    executor: Where = ExecutorName.SERIAL,
    address: Address = None,
    workers: Workers = None,
) -> None:
    """Merge what was added bit by bit, and erase what was taken down. No run may use the index meanwhile."""
    from textmill.pipeline.indexing import compact_index

    with executing(executor, address, workers, index) as machine:
        changed = compact_index(index, machine)
    say(stdout, f"{plural(changed.present, 'document')} in {plural(len(changed.files), 'file')}")


@app.command()
def stats(index: IndexFolder) -> None:
    """Tell what an index is for and what it holds."""
    from textmill.pipeline.indexing import index_stats

    for name, value in index_stats(index):
        say(stdout, f"{name}: {value}")
