"""``textmill fit-weights``: put scores on one scale, and weigh them, for `combine`."""

import json
from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Any

import typer

from textmill.pipeline.commands.options import file_to_write, stdout
from textmill.pipeline.commands.reading import read_inputs, target_weights
from textmill.pipeline.console import plural, say
from textmill.pipeline.errors import UsageError


class Regression(StrEnum):
    """What is fitted to proxy runs."""

    QUADRATIC = "quadratic"
    TREES = "trees"


def fit_weights(
    scores: Annotated[
        list[str], typer.Option(metavar="INPUT", help="Scored text, such as a run: a file, glob or folder. Repeatable.")
    ],
    columns: Annotated[str, typer.Option(metavar="A,B,…", help="Columns of scores, the dearest first.")],
    out: Annotated[
        str, typer.Option(metavar="FILE", callback=file_to_write, help="Where statistics and weights go, as JSON.")
    ],
    runs: Annotated[
        str | None,
        typer.Option(metavar="TABLE", help="Proxy runs: *.csv, *.jsonl or *.parquet with weight.COLUMN and loss.NAME."),
    ] = None,
    method: Annotated[
        Regression, typer.Option(help="quadratic: ridge regression. trees: LightGBM, as Meta-rater.")
    ] = Regression.QUADRATIC,
    target: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=WEIGHT", help="A loss to make small, and its weight. Repeatable; by default all."),
    ] = None,
    min_correlation: Annotated[
        float, typer.Option(min=-1, max=1, help="Least rank correlation on runs held out, else nothing is written.")
    ] = 0.8,
    most_alike: Annotated[
        float, typer.Option(min=0, max=1, help="A column that correlates more with an earlier one is left out.")
    ] = 0.95,
    documents: Annotated[int, typer.Option(min=10, help="Size of the sample of documents.")] = 1_000_000,
    seed: Annotated[int, typer.Option(min=0, help="Of sample, folds and candidates.")] = 0,
) -> None:
    """Measure score columns for `combine`; with proxy runs, find the weights that make their loss small.

    Exit code 2, and no file, when the runs are too few, contradict each other, or are not ranked well.
    """
    from textmill.pipeline.io.files import write_whole
    from textmill.pipeline.proxy_runs import read_runs
    from textmill.scorers.score_statistics import measure_scores
    from textmill.scorers.weight_fitting import fit_weights as fit

    names = [name.strip() for name in columns.split(",") if name.strip()]
    if len(names) < 1 or len(set(names)) < len(names):
        raise UsageError(f"--columns {columns}: name each column once")
    proxies = read_runs(runs, "weight") if runs else None
    if proxies is not None and (strange := sorted(set(proxies.names) - set(names))):
        raise UsageError(f"{runs} weighs {', '.join(strange)}, which --columns does not name")
    content = measure_scores(read_inputs(scores), names, documents=documents, most_alike=most_alike, seed=seed)
    content |= {"weights": None, "fit": None}
    if proxies is not None:
        content |= fit(proxies, method.value, target_weights(target or []), least=min_correlation, seed=seed)
    with write_whole(out) as stream:
        stream.write((json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode())
    for line in _summary(content):
        say(stdout, line)


def _summary(content: dict[str, Any]) -> Iterator[str]:
    yield f"sample: {plural(content['documents'], 'document')}"
    for name, one in content["columns"].items():
        missing = content["documents"] - one["documents"]
        without = f"; {missing:,} without" if missing else ""
        yield f"{name}: mean {one['mean']:.6g}, deviation {one['deviation']:.6g}{without}"
    for name, twin in content["dropped"].items():
        stays = content["weights"] and name in content["weights"]
        fate = "the runs weigh it, so it stays" if stays else "left out"
        yield f"note: {name} says what {twin['like']} says (correlation {twin['correlation']:.3f}): {fate}"
    if fit := content["fit"]:
        yield f"{fit['runs']} runs; held-out runs are ranked with Spearman {fit['held_out_correlation']:.4f}"
        yield (
            f"predicted loss {fit['predicted_loss']:.4f}; best run {fit['best_run_loss']:.4f}, "
            f"mean of the runs {fit['mean_run_loss']:.4f}"
        )
        yield "weights: " + ", ".join(f"{name} {weight:.4f}" for name, weight in content["weights"].items())
