"""`textmill replay` and `textmill audit`: what the filters of a recipe do, and would do with other thresholds."""

import json
from typing import Annotated

import typer

from textmill.pipeline.commands.options import Limit, Overrides, RecipePath, RunFolder, folder_to_write, stdout

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]


def replay(out: RunFolder, set_: Overrides = None, as_json: AsJson = False) -> None:
    """Tell what other thresholds would have kept, from what the filters measured; no text is read again.

    textmill replay OUT --set base.gopher_quality.min_words=80
    """
    from textmill.pipeline.reports.replay import render_replay
    from textmill.pipeline.reports.replay import replay as replay_run

    for result in replay_run(out.rstrip("/"), set_ or ()):
        if as_json:
            typer.echo(json.dumps(result.to_json(), ensure_ascii=False))
        else:
            render_replay(result, stdout)


def audit(
    recipe: RecipePath,
    documents: Annotated[int, typer.Option(min=1, help="How many documents to judge.")] = 2000,
    examples: Annotated[int, typer.Option(min=0, help="Documents to show on either side of each threshold.")] = 3,
    set_: Overrides = None,
    limit_shards: Limit = None,
    out: Annotated[
        str,
        typer.Option(callback=folder_to_write, help="Folder for what was measured, which textmill replay reads."),
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Judge a sample by every filter of a recipe and drop nothing: what each drops, alone and beside the others."""
    from textmill.pipeline.recipe_reader import load_recipe
    from textmill.pipeline.reports.audit import audit as audit_recipe
    from textmill.pipeline.reports.audit import save
    from textmill.pipeline.reports.audit_report import render_audit, summarise

    loaded = load_recipe(recipe, set_ or ())
    found = audit_recipe(loaded, documents=documents, limit_shards=limit_shards)
    if out:
        save(found, loaded, out.rstrip("/"))
    summary = summarise(found, examples=examples)
    if as_json:
        typer.echo(json.dumps(summary, ensure_ascii=False))
    else:
        render_audit(summary, stdout)
