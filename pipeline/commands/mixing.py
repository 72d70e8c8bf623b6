"""`textmill fit-mixture`, `fit-entropy`, `fit-rehydration`, `plan-mix`: choose a mixture before it is made."""

import json
from enum import StrEnum
from typing import Annotated, Any

import typer

from textmill.pipeline.commands.options import Overrides, RunFolder, file_to_write, stdout
from textmill.pipeline.commands.reading import target_weights
from textmill.pipeline.console import percent, say


class Method(StrEnum):
    """What is fitted to proxy runs."""

    LAW = "law"
    REGMIX = "regmix"


def fit_mixture(
    runs: Annotated[str, typer.Argument(metavar="RUNS", help="Table of proxy runs: *.csv, *.jsonl or *.parquet.")],
    out: Annotated[
        str, typer.Option(callback=file_to_write, help="File for the fit, which weights of a mixture name.")
    ],
    method: Annotated[Method, typer.Option(help="law: exponential mixing law. regmix: boosted trees.")] = Method.LAW,
    target: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=WEIGHT", help="A loss to make small, and its weight. Repeatable; by default all."),
    ] = None,
    min_correlation: Annotated[
        float, typer.Option(min=-1, max=1, help="Least rank correlation on runs held out, else nothing is written.")
    ] = 0.8,
    seed: Annotated[int, typer.Option(min=0, help="Of starts, folds and simulated mixtures.")] = 0,
) -> None:
    """Fit how loss depends on the mixture, from small runs, and tell how well it ranks runs that it has not seen.

    Exit code 2, and no file, when the runs are too few, contradict each other, or are not ranked well.
    """
    from textmill.pipeline.io.files import write_whole
    from textmill.pipeline.mixing.fitting import fit
    from textmill.pipeline.proxy_runs import read_runs

    content = fit(read_runs(runs), method.value, target_weights(target or []), least=min_correlation, seed=seed)
    with write_whole(out) as stream:
        stream.write((json.dumps(content) + "\n").encode())
    say(stdout, f"{content['runs']} runs; held-out runs are ranked with Spearman {content['held_out_correlation']:.4f}")
    best = ", ".join(f"{name} {share:.3f}" for name, share in content["without_caps"].items())
    say(stdout, f"best mixture without caps: {best}")


def fit_entropy(
    inputs: Annotated[list[str], typer.Argument(metavar="INPUT...", help="Files, globs, folders, or runs.")],
    out: Annotated[
        str, typer.Option(callback=file_to_write, help="File for the entropies, which weights of kind entropy name.")
    ],
    by: Annotated[
        list[str] | None, typer.Option(help="Column that makes a group. Repeatable; default: source.")
    ] = None,
    words: Annotated[int, typer.Option(min=1000, help="Pairs of words to measure of each group.")] = 1_000_000,
) -> None:
    """Measure the conditional bigram entropy of each group of texts: weights that need no training.

    All groups are measured on as many words as the smallest has. Without --by, a group is one of the INPUTs, or in
    a run one of its sources.
    """
    from collections import Counter

    from textmill.pipeline.corpus import open_corpus, read_corpus
    from textmill.pipeline.io.files import write_whole
    from textmill.pipeline.mixing.entropy import measure_entropies

    found = measure_entropies(read_corpus(open_corpus(inputs), Counter()), by or ["source"], words)
    with write_whole(out) as stream:
        stream.write((json.dumps({"entropies": found}, ensure_ascii=False) + "\n").encode())
    for name, bits in found.items():
        say(stdout, f"{name}: {bits:.4f} bits a word")


def fit_rehydration(
    run: RunFolder,
    out: Annotated[
        str, typer.Option(callback=file_to_write, help="File for the factors, which `within` of kind rehydrate names.")
    ],
    stage: Annotated[str, typer.Option(metavar="NAME", help="The barrier; by default the last minhash.")] = "",
    max_factor: Annotated[int, typer.Option(min=1, help="How often to use documents of the best size.")] = 10,
    tail: Annotated[
        int | None, typer.Option(min=2, help="Take sizes from here on together; default: where they are few.")
    ] = None,
) -> None:
    """Find how often to use documents by the size of their cluster, from what later filters of a run removed."""
    from textmill.pipeline.io.files import write_whole
    from textmill.pipeline.mixing.rehydrate import rehydration_factors
    from textmill.pipeline.reports.cluster_sizes import judged_by_cluster_size

    judged = judged_by_cluster_size(run.rstrip("/"), stage)
    factors = rehydration_factors(judged.kept, judged.removed, max_factor=max_factor, tail=tail)
    with write_whole(out) as stream:
        stream.write((json.dumps({"factors": factors}) + "\n").encode())
    say(stdout, "factor from a cluster size on: " + ", ".join(f"{size}: {factor}" for size, factor in factors.items()))


def plan_mix(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE_OR_OUT", help="A recipe with a mix, or a run of it.")],
    budget: Annotated[
        list[str] | None, typer.Option(help="Tokens such as 10B. Repeatable; default: the recipe's.")
    ] = None,
    out: Annotated[str, typer.Option(help="Folder of the run, if the recipe does not say.")] = "",
    set_: Overrides = None,
    parameters: Annotated[str, typer.Option(help="Size of the model, such as 7B; default: a 20th of the tokens.")] = "",
    svg: Annotated[str, typer.Option(callback=file_to_write, help="Write a plot to this file.")] = "",
    utilities: Annotated[
        str, typer.Option(help="Utilities of equal quality buckets, best first: also say what share of them to keep.")
    ] = "",
    half_life: Annotated[float, typer.Option(min=0.01, help="Passes after which a utility has halved.")] = 2.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")] = False,
) -> None:
    """Tell what budgets mean for a mixture: unique tokens, epochs, what they are worth, the loss to expect."""
    from textmill.pipeline.commands.options import output_folder
    from textmill.pipeline.io.files import exists, join, write_whole
    from textmill.pipeline.mix_planning import count_run, mix_of
    from textmill.pipeline.mixing.budgets import outlook, plot
    from textmill.pipeline.mixing.mixture import amount
    from textmill.pipeline.recipe_reader import load_recipe

    folder = recipe.rstrip("/")
    is_run = exists(join(folder, "recipe.yaml"))
    loaded = load_recipe(join(folder, "recipe.yaml") if is_run else recipe, set_ or ())
    mix = mix_of(loaded)
    cells, documents, estimated = count_run(folder if is_run else output_folder(loaded, out), mix)
    budgets = [amount(given) for given in budget or []] or [mix.budget_tokens or int(cells.tokens.sum())]
    size = float(amount(parameters)) if parameters else None
    outlooks = [outlook(mix, cells, tokens, size) for tokens in budgets]
    if svg:
        with write_whole(svg) as stream:
            stream.write(plot(outlooks).encode())
    if as_json:
        typer.echo(json.dumps([_as_json(one) for one in outlooks], ensure_ascii=False))
    else:
        share = f", tokens estimated for {percent(estimated / documents)} of them" if estimated else ", tokens counted"
        say(stdout, f"{documents:,} documents, {int(cells.tokens.sum()):,} tokens{share}")
        for one in outlooks:
            _print_outlook(one)
    if utilities:
        _print_keep_share(utilities, half_life, int(cells.tokens.sum()), budgets)
    if any(one.problem for one in outlooks):
        raise typer.Exit(2)


def _print_outlook(one: Any) -> None:
    from rich.table import Table

    from textmill.pipeline.mixing.plan_checks import written

    if one.plan is None:
        say(stdout, f"\nbudget {written(one.budget)}: not possible", "bold red")
        say(stdout, one.problem)
        return
    say(
        stdout,
        f"\nbudget {written(one.budget)}: {written(one.unique)} unique, worth {written(one.effective)} new tokens; "
        f"a model of {written(one.parameters)} parameters is predicted a loss of {one.loss:.4f}",
        "bold",
    )
    table = Table("phase", "group", box=None, pad_edge=False, header_style="dim")
    for name in ("share", "tokens", "unique", "epochs", "so far", "worth"):
        table.add_column(name, justify="right", no_wrap=True)
    for phase in one.plan.phases:
        for group in phase.groups:
            cells = [
                written(group.tokens),
                written(group.unique_tokens),
                f"{group.epochs:.3g}",
                f"{group.epochs_so_far:.3g}",
            ]
            table.add_row(phase.name, group.label, percent(group.share), *cells, written(group.effective_tokens))
    stdout.print(table)
    for warning in one.plan.warnings:
        say(stdout, f"warning: {warning}", "yellow")


def _print_keep_share(utilities: str, half_life: float, tokens: int, budgets: list[int]) -> None:
    from textmill.pipeline.errors import UsageError
    from textmill.pipeline.mixing.plan_checks import written
    from textmill.pipeline.mixing.quality_quantity import Pools, keep_share_lines, recommend_keep_share

    try:
        given = tuple(float(item) for item in utilities.split(","))
    except ValueError:
        raise UsageError(f"--utilities {utilities}: write numbers, such as -0.12,-0.1,-0.05") from None
    for budget in budgets:
        say(stdout, f"\nshare to keep for {written(budget)} tokens, if the utilities are right:", "bold")
        choices = recommend_keep_share(Pools(0.01, given, half_life, 0.1), tokens / len(given), budget)
        for line in keep_share_lines(choices):
            say(stdout, f"  {line}")


def _as_json(one: Any) -> dict[str, Any]:
    return {**one.told(), "plan": None if one.plan is None else one.plan.model_dump(mode="json")}
