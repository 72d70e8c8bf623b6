"""The command line.

Exit codes: 0 done; 1 some shards failed, or a check found fault; 2 the recipe or the input is wrong; 3 what there is
of a run is sound, but the run is not complete.
"""

import os
import signal
from typing import Annotated

import typer

from textmill.pipeline.commands import clusters, evaluate, fit_weights, index, languages, mixing, train, tuning
from textmill.pipeline.commands.options import (
    Address,
    ExecutorName,
    Gpus,
    HangSeconds,
    Limit,
    Out,
    Overrides,
    RecipePath,
    RunFolder,
    TaskMemory,
    Where,
    Workers,
    executing,
    note,
    output_folder,
    stdout,
    watching,
)
from textmill.pipeline.console import plural, say
from textmill.pipeline.errors import RecipeError, TextmillError, UsageError, did_you_mean
from textmill.pipeline.recipe import ChainStage
from textmill.pipeline.recipe_reader import load_recipe

app = typer.Typer(
    help="Curate a pretraining corpus: crawls in, a filtered and deduplicated corpus out, every drop accounted for.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    epilog="To try it out: textmill sample runs/sample, then textmill run quickstart.",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        say(stdout, f"textmill {version('textmill')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version, and nothing else.", callback=_print_version, is_eager=True),
    ] = False,
) -> None:
    pass


@app.command()
def run(
    recipe: RecipePath,
    out: Out = "",
    set_: Overrides = None,
    executor: Where = ExecutorName.RAY,
    address: Address = None,
    workers: Workers = None,
    gpus: Gpus = 0.0,
    memory: TaskMemory = None,
    limit_shards: Limit = None,
    hang_seconds: HangSeconds = 600.0,
) -> None:
    """Run a recipe. What an earlier run did already is left alone, so this also resumes."""
    from textmill.pipeline.reports.funnel import render_funnel
    from textmill.pipeline.reports.report import write_report
    from textmill.pipeline.run import run as run_recipe

    loaded = load_recipe(recipe, set_ or ())
    folder = output_folder(loaded, out)
    wants_gpu = any(isinstance(stage, ChainStage) and stage.uses_gpu for stage in loaded.stages)
    with (
        executing(executor, address, workers, folder, gpus=gpus, wants_gpu=wants_gpu, memory=memory) as machine,
        watching() as watcher,
    ):
        result = run_recipe(
            loaded, folder, machine, watcher=watcher, limit_shards=limit_shards, hang_seconds=hang_seconds
        )
    render_funnel(write_report(folder), stdout)
    if result.failures:
        note(f"{plural(len(result.failures), 'shard')} failed; the others are done. Mend the cause and run again.")
        raise typer.Exit(1)


@app.command()
def check(recipe: RecipePath, out: Out = "", set_: Overrides = None, limit_shards: Limit = None) -> None:
    """Find every problem of a recipe before anything starts; print the plan and what a rerun would reuse."""
    from textmill.pipeline.check import check as check_recipe
    from textmill.pipeline.check import render_check

    loaded = load_recipe(recipe, set_ or ())
    render_check(check_recipe(loaded, output_folder(loaded, out), limit_shards), stdout)


@app.command()
def report(
    out: RunFolder,
    as_json: Annotated[bool, typer.Option("--json", help="Print report.json instead of the funnel.")] = False,
) -> None:
    """Print the funnel of a run, and write its report.json and report.html."""
    import json

    from textmill.pipeline.reports.funnel import render_funnel
    from textmill.pipeline.reports.report import write_report

    content = write_report(out)
    if as_json:
        typer.echo(json.dumps(content, ensure_ascii=False))
    else:
        render_funnel(content, stdout)


@app.command()
def explain(out: RunFolder, document: Annotated[str, typer.Argument(metavar="ID", help="Id of a document.")]) -> None:
    """Tell everything that happened to one document."""
    from textmill.pipeline.reports.explain import explain as explain_document
    from textmill.pipeline.reports.explain import render_explanation

    explanation = explain_document(out, document)
    render_explanation(explanation, stdout)
    if not explanation.events:
        raise typer.Exit(2)


@app.command()
def verify(
    out: RunFolder, quick: Annotated[bool, typer.Option(help="Trust sizes; do not read files for checksums.")] = False
) -> None:
    """Check conservation, checksums and schemas of a run.

    Exit code 1 when something is wrong, 3 when nothing is but the run is not complete.
    """
    from textmill.pipeline.reports.verify import render_findings
    from textmill.pipeline.reports.verify import verify as verify_run

    findings = verify_run(out, quick=quick)
    render_findings(findings, stdout)
    if findings.problems or findings.incomplete:
        raise typer.Exit(1 if findings.problems else 3)


@app.command()
def steps(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="A reader, step or barrier.")] = None,
) -> None:
    """List every step, or show the parameters and the source of one."""
    from textmill.pipeline.step_help import render_list, render_one

    if name is None:
        render_list(stdout)
    else:
        render_one(name, stdout)


@app.command()
def sample(
    folder: Annotated[str, typer.Argument(metavar="DIR", help="Where to write it.")],
    documents: Annotated[int, typer.Option(min=100, help="How many pages.")] = 400,
    files: Annotated[int, typer.Option(min=1, help="WARC files to spread them over.")] = 4,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 0,
) -> None:
    """Write a small synthetic crawl whose every page is known, for trying things out."""
    from textmill.pipeline.sample import generate

    say(stdout, str(generate(folder, documents=documents, files=files, seed=seed)))


@app.command()
def fetch(
    model: Annotated[
        str,
        typer.Argument(
            metavar="NAME", help="lid176: fastText's language identification. kenlm: the tools that train perplexity."
        ),
    ],
) -> None:
    """Fetch a model that textmill uses by name, and verify it; or build kenlm's tools from their source."""
    from textmill.pipeline.kenlm_tools import build_tools
    from textmill.pipeline.models import KNOWN
    from textmill.pipeline.models import fetch as fetch_model

    if model not in (*KNOWN, "kenlm"):
        hint = did_you_mean(model, [*KNOWN, "kenlm"]) or ". Other models are named by path or URL in a recipe"
        raise UsageError(f"nothing to fetch is called {model!r}{hint} (there are: {', '.join([*KNOWN, 'kenlm'])})")
    say(stdout, f"{model}: {build_tools() if model == 'kenlm' else fetch_model(model)}")


app.add_typer(train.app, name="train")
app.add_typer(evaluate.app, name="eval")
app.add_typer(index.app, name="index")
app.command()(clusters.clusters)

app.command()(tuning.replay)
app.command()(languages.derive_thresholds)
app.command()(languages.precision_words)
app.command()(tuning.audit)
app.command()(mixing.fit_mixture)
app.command()(mixing.fit_entropy)
app.command()(mixing.fit_rehydration)
app.command()(mixing.plan_mix)
app.command()(fit_weights.fit_weights)


def main() -> None:
    """Entry point of the command: errors become one message and an exit code."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        app()
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):  # whoever reads, such as head, has enough
            raise SystemExit(128 + signal.SIGPIPE) from None
        raise
    except RecipeError as error:
        for problem in error.problems:
            note(problem)
        raise SystemExit(2) from None
    except TextmillError as error:
        note(str(error))
        raise SystemExit(2 if isinstance(error, UsageError) else 1) from None
    except OSError as error:
        if error.filename is None:
            raise
        note(f"{error.filename}: {error.strerror}")
        raise SystemExit(2) from None
