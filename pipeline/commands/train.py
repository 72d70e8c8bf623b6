"""``textmill train``: models of one's own, from anything that textmill reads."""

from typing import Annotated

import typer

from textmill.pipeline.commands import train_dsir, train_extractor, train_perplexity
from textmill.pipeline.commands.options import ModelOut, stdout

app = typer.Typer(help="Train a model on text of your own.", no_args_is_help=True, rich_markup_mode=None)

app.command()(train_extractor.extractor)
app.command()(train_perplexity.perplexity)
app.command()(train_perplexity.cutoffs)
app.command()(train_dsir.dsir)

Inputs = list[str]


@app.command()
def quality(
    positive: Annotated[
        Inputs, typer.Option(metavar="INPUT", help="Text to find more of: a file, glob, folder or run. Repeatable.")
    ],
    negative: Annotated[
        Inputs, typer.Option(metavar="INPUT", help="Text to select from, after your filters. Repeatable.")
    ],
    out: ModelOut,
    documents: Annotated[int, typer.Option(min=20, help="At most so many documents of each class.")] = 200_000,
    holdout: Annotated[float, typer.Option(min=0.001, max=0.9, help="Share to test on, in whole sites.")] = 0.1,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Passes over the text; by default 5, and up to 50 for small samples.")
    ] = None,
    lr: Annotated[float, typer.Option(min=0.0001, help="Learning rate.")] = 0.1,
    dim: Annotated[int, typer.Option(min=1, help="Size of word vectors.")] = 100,
    word_ngrams: Annotated[int, typer.Option(min=1, help="Longest run of words that is a feature.")] = 2,
    min_count: Annotated[int, typer.Option(min=1, help="Occurrences that make a word a feature.")] = 1,
    buckets: Annotated[int, typer.Option(min=1, help="Hash buckets of runs of words.")] = 2_000_000,
    balance: Annotated[bool, typer.Option(help="Cut the larger class to the size of the smaller.")] = True,
    autotune: Annotated[
        int | None, typer.Option(min=1, help="Look for better settings for so many seconds; not reproducible.")
    ] = None,
    quantize: Annotated[bool, typer.Option(help="Compress the model; the card tells what that costs.")] = False,
    cutoff: Annotated[int, typer.Option(min=1, help="Features that a compressed model keeps.")] = 100_000,
    threads: Annotated[int, typer.Option(min=1, help="With one, the same text gives the same model.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Chooses the sample and the split.")] = 0,
    text_column: Annotated[str, typer.Option(help="Column or field that holds the text.")] = "text",
    language_model: Annotated[
        str | None, typer.Option(metavar="MODEL", help="lid176, or another, to show languages that inputs do not name.")
    ] = None,
) -> None:
    """Train a quality classifier on text you trust and text to select from; print how good it is."""
    from textmill.pipeline.quality_training import train_quality_model
    from textmill.scorers.quality_report import render_card
    from textmill.scorers.quality_training import Settings

    settings = Settings(
        lr=lr,
        epoch=epochs,
        dim=dim,
        word_ngrams=word_ngrams,
        min_count=min_count,
        bucket=buckets,
        threads=threads,
        seed=seed,
        holdout=holdout,
        balance=balance,
        autotune=autotune,
        quantize=quantize,
        cutoff=cutoff,
    )
    card = train_quality_model(
        (positive, negative),
        out,
        settings,
        documents=documents,
        text_column=text_column,
        language_model=language_model,
    )
    render_card(card, stdout)
