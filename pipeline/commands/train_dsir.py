"""``textmill train dsir``: what tells text to find more of from the text to find it in."""

from typing import Annotated

import typer

from textmill.pipeline.commands.options import ModelOut, stdout
from textmill.pipeline.commands.reading import read_inputs
from textmill.pipeline.console import plural, say


def dsir(
    target: Annotated[
        list[str], typer.Option(metavar="INPUT", help="Text to find more of: a file, glob, folder or run. Repeatable.")
    ],
    raw: Annotated[list[str], typer.Option(metavar="INPUT", help="A sample of the text to select from. Repeatable.")],
    out: ModelOut,
    buckets: Annotated[int, typer.Option(min=1, help="Hash buckets of words and pairs of words.")] = 10_000,
    smoothing: Annotated[
        float, typer.Option(min=0, help="Added to the count of every bucket (Laplace), for little text.")
    ] = 0.0,
    max_tokens: Annotated[
        int, typer.Option(min=1, help="Stop reading either text after so many words; the first files count.")
    ] = 1_000_000_000,
    held_out: Annotated[
        float, typer.Option(min=0, max=0.5, help="Share of the documents to test on, 1000 of each at most.")
    ] = 0.05,
    seed: Annotated[int, typer.Option(min=0, help="Chooses the documents held out.")] = 0,
    text_column: Annotated[str, typer.Option(help="Column or field that holds the text.")] = "text",
) -> None:
    """Train an importance model on text to find more of and raw text; print how well it tells them apart."""
    from textmill.scorers.dsir_training import Settings, train_dsir

    settings = Settings(buckets, smoothing, max_tokens, held_out, seed)
    card = train_dsir(read_inputs(target, text_column), read_inputs(raw, text_column), out, settings)
    for name in ("target", "raw"):
        side = card[name]
        say(stdout, f"{name}: {plural(side['documents'], 'document')}, {side['tokens']:,} words")
    say(stdout, f"{out}: divergence {card['divergence']:.3f} nats a word or pair")
    if held := card["held_out"]:
        median = {name: held["per_token_percentiles"][name]["50"] for name in ("target", "raw")}
        say(
            stdout,
            f"held out: AUC {held['auc']:.4f}; median log weight a word {median['target']:.3f} of target, "
            f"{median['raw']:.3f} of raw",
        )
    else:
        say(stdout, "too few documents to hold any out, so nothing tells how good it is")
