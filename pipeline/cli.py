"""The command line.

Exit codes: 0 done; 1 some shards failed, or a check found fault; 2 the recipe or the input is wrong.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console

from textmill.pipeline.console import plural, say
from textmill.pipeline.errors import RecipeError, TextmillError, UsageError
from textmill.pipeline.executor import Executor, Inline, Serial
from textmill.pipeline.io.files import is_local
from textmill.pipeline.progress import Bars, PlainLines, Watcher
from textmill.pipeline.recipe import Recipe
from textmill.pipeline.recipe_reader import load_recipe

app = typer.Typer(
    help="Curate a pretraining corpus: crawls in, a filtered and deduplicated corpus out, every drop accounted for.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    epilog="To try it out: textmill sample runs/sample, then textmill run quickstart.",
)
stdout = Console(markup=False, emoji=False, highlight=False)  # ids, paths and texts are printed as they are
stderr = Console(markup=False, emoji=False, highlight=False, stderr=True)


class ExecutorName(StrEnum):
    """Where tasks run."""

    RAY = "ray"
    SERIAL = "serial"
    INLINE = "inline"


RecipePath = Annotated[str, typer.Argument(metavar="RECIPE", help="YAML file, or a packaged one such as quickstart.")]
RunFolder = Annotated[str, typer.Argument(metavar="OUT", help="Folder or URL of a run.")]
Out = Annotated[str, typer.Option(help="Folder or URL of the run; takes the place of output.path in the recipe.")]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PATH=VALUE", help="Override a parameter: base.language.min_score=0.5. Repeatable."),
]
Limit = Annotated[int | None, typer.Option(min=1, help="Only the first N shards of each input, to try things out.")]
Where = Annotated[
    ExecutorName,
    typer.Option(help="ray: all cores, or a cluster. serial: one worker. inline: this process, for a debugger."),
]
Address = Annotated[str | None, typer.Option(help="Address of a Ray cluster that is running; auto finds it.")]
Workers = Annotated[int | None, typer.Option(min=1, help="Worker processes; by default every core.")]
HangSeconds = Annotated[float, typer.Option(min=1, help="A batch of documents that takes longer is taken to hang.")]


@app.command()
def run(
    recipe: RecipePath,
    out: Out = "",
    set_: Overrides = None,
    executor: Where = ExecutorName.RAY,
    address: Address = None,
    workers: Workers = None,
    limit_shards: Limit = None,
    hang_seconds: HangSeconds = 600.0,
) -> None:
    """Run a recipe. What an earlier run did already is left alone, so this also resumes."""
    from textmill.pipeline.funnel import render_funnel
    from textmill.pipeline.report import write_report
    from textmill.pipeline.run import run as run_recipe

    loaded = load_recipe(recipe, set_ or ())
    folder = _output(loaded, out)
    with _executor(executor, address, workers, folder) as machine, _watcher() as watcher:
        result = run_recipe(
            loaded, folder, machine, watcher=watcher, limit_shards=limit_shards, hang_seconds=hang_seconds
        )
    render_funnel(write_report(folder), stdout)
    if result.failures:
        _say(f"{plural(len(result.failures), 'shard')} failed; the others are done. Mend the cause and run again.")
        raise typer.Exit(1)


@app.command()
def check(recipe: RecipePath, out: Out = "", set_: Overrides = None, limit_shards: Limit = None) -> None:
    """Find every problem of a recipe before anything starts; print the plan and what a rerun would reuse."""
    from textmill.pipeline.check import check as check_recipe
    from textmill.pipeline.check import render_check

    loaded = load_recipe(recipe, set_ or ())
    render_check(check_recipe(loaded, _output(loaded, out), limit_shards), stdout)


@app.command()
def report(out: RunFolder) -> None:
    """Print the funnel of a run, and write its report.json."""
    from textmill.pipeline.funnel import render_funnel
    from textmill.pipeline.report import write_report

    render_funnel(write_report(out), stdout)


@app.command()
def explain(out: RunFolder, document: Annotated[str, typer.Argument(metavar="ID", help="Id of a document.")]) -> None:
    """Tell everything that happened to one document."""
    from textmill.pipeline.explain import explain as explain_document
    from textmill.pipeline.explain import render_explanation

    explanation = explain_document(out, document)
    render_explanation(explanation, stdout)
    if not explanation.events:
        raise typer.Exit(2)


@app.command()
def verify(
    out: RunFolder, quick: Annotated[bool, typer.Option(help="Trust sizes; do not read files for checksums.")] = False
) -> None:
    """Check conservation, checksums and schemas of a run. Exit code 1 when something is wrong."""
    from textmill.pipeline.verify import render_findings
    from textmill.pipeline.verify import verify as verify_run

    findings = verify_run(out, quick=quick)
    render_findings(findings, stdout)
    if findings.problems:
        raise typer.Exit(1)


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
    model: Annotated[str, typer.Argument(metavar="MODEL", help="lid176: fastText's language identification.")],
) -> None:
    """Fetch a model that textmill uses by name, and verify it."""
    from textmill.pipeline.models import fetch as fetch_model

    say(stdout, f"{model}: {fetch_model(model)}")


def main() -> None:
    """Entry point of the command: errors become one message and an exit code."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        app()
    except RecipeError as error:
        for problem in error.problems:
            _say(problem)
        raise SystemExit(2) from None
    except TextmillError as error:
        _say(str(error))
        raise SystemExit(2 if isinstance(error, UsageError) else 1) from None


def _say(message: str) -> None:
    say(stderr, message)


def _output(recipe: Recipe, out: str) -> str:
    folder = (out or recipe.output.path).rstrip("/")
    if not folder:
        raise RecipeError("the recipe has no output.path; give --out DIR")
    return folder


@contextmanager
def _executor(name: ExecutorName, address: str | None, workers: int | None, folder: str) -> Iterator[Executor]:
    executor = _start(name, address, workers, folder)
    try:
        yield executor
    except KeyboardInterrupt:
        _say("stopped; what is done is kept, and the same command goes on from there")
        raise
    finally:
        executor.close()


def _start(name: ExecutorName, address: str | None, workers: int | None, folder: str) -> Executor:
    if name is ExecutorName.RAY:
        from textmill.pipeline.ray_executor import RayExecutor

        cluster = RayExecutor(address, workers)
        if cluster.nodes > 1 and is_local(folder):
            _say(f"{folder} must be storage that all {cluster.nodes} nodes of the cluster see")
        return cluster
    if address is not None or workers is not None:
        raise UsageError(f"--address and --workers are for --executor ray; {name} has one worker")
    return Serial() if name is ExecutorName.SERIAL else Inline()


@contextmanager
def _watcher() -> Iterator[Watcher]:
    if stderr.is_terminal:
        with Bars(stderr) as bars:
            yield bars
    else:
        yield PlainLines()
