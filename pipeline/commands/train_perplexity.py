"""``textmill train perplexity`` and ``textmill train cutoffs``: kenlm models of one's own, and where to cut."""

import json
import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import typer

from textmill.pipeline.commands.options import ModelOut, file_to_write, memory_bytes, stdout
from textmill.pipeline.commands.reading import read_inputs
from textmill.pipeline.console import plural, say
from textmill.pipeline.errors import UsageError

Inputs = Annotated[
    list[str], typer.Option("--text", metavar="INPUT", help="Text: a file, glob, folder or run. Repeatable.")
]
Mixed = Annotated[
    list[str] | None,
    typer.Option(
        "--threshold-on",
        metavar="INPUT",
        help="Text of which some is like that trained on: fits the threshold between the two. Repeatable.",
    ),
]


def perplexity(
    text: Inputs,
    out: ModelOut,
    order: Annotated[int, typer.Option(min=2, max=6, help="Words of the longest n-gram.")] = 5,
    normalize: Annotated[
        Literal["cc_net", "words", "none"] | None,
        typer.Option(help="How text is prepared; by default words, or cc_net where there is a tokenizer."),
    ] = None,
    sentences: Annotated[Literal["document", "line"], typer.Option(help="What is one sentence.")] = "document",
    pieces: Annotated[
        int | None, typer.Option(min=32, help="Train a SentencePiece tokenizer of so many pieces; CCNet has 65536.")
    ] = None,
    tokenizer: Annotated[str | None, typer.Option(metavar="FILE", help="Use this SentencePiece model.")] = None,
    prune: Annotated[
        str, typer.Option(help="Leave out n-grams of at most so many occurrences, by order: 0,0,1; the last goes on.")
    ] = "",
    quantize: Annotated[bool, typer.Option(help="A smaller file: a trie with 8 bits a number.")] = False,
    discount_fallback: Annotated[
        bool | None,
        typer.Option(help="Fixed discounts where they cannot be estimated; by default where there is a tokenizer."),
    ] = None,
    memory: Annotated[str, typer.Option(help="What lmplz may take for sorting, as in 500MB, 8GB or 50%.")] = "1GB",
    held_out: Annotated[float, typer.Option(min=0, max=0.9, help="Share of the documents to test on.")] = 0.05,
    seed: Annotated[int, typer.Option(min=0, help="Chooses the documents held out.")] = 0,
    threshold_on: Mixed = None,
    text_column: Annotated[str, typer.Option(help="Column or field that holds the text.")] = "text",
) -> None:
    """Train a kenlm model on text you trust, or on harmful text; print how well it foresees documents held out."""
    from textmill.scorers.perplexity_training import Settings, train_perplexity

    if pieces is not None and tokenizer is not None:
        raise UsageError("--pieces trains a tokenizer and --tokenizer names one: give one of them")
    of_words = pieces is None and tokenizer is None
    settings = Settings(
        order=order,
        normalize=normalize or ("words" if of_words else "cc_net"),
        unit=sentences,
        pieces=pieces,
        tokenizer=tokenizer,
        prune=_counts(prune, order),
        quantize=quantize,
        discount_fallback=not of_words if discount_fallback is None else discount_fallback,
        memory=_size(memory),
        held_out=held_out,
        seed=seed,
    )
    mixed = read_inputs(threshold_on, text_column) if threshold_on else None
    card = train_perplexity(read_inputs(text, text_column), out, settings, mixed)
    for line in _summary(out, card):
        say(stdout, line)


def cutoffs(
    text: Annotated[
        list[str], typer.Option("--text", metavar="INPUT", help="Text with the two columns, as a run's. Repeatable.")
    ],
    out: Annotated[str, typer.Option(metavar="FILE", callback=file_to_write, help="Where the cut points go, as JSON.")],
    column: Annotated[str, typer.Option(help="Column of perplexities.")] = "perplexity",
    head: Annotated[float, typer.Option(min=0, max=100, help="Percentile below which a document is head.")] = 30,
    middle: Annotated[float, typer.Option(min=0, max=100, help="Percentile below which it is middle.")] = 60,
) -> None:
    """Find the perplexities between head, middle and tail of each language, and of all languages."""
    from textmill.pipeline.io.files import write_whole
    from textmill.scorers.cutoffs import Histogram

    if head > middle:
        raise UsageError(f"--head {head} is above --middle {middle}")
    histogram = Histogram()
    for batch in read_inputs(text, "text"):
        names = batch.schema.names
        if column not in names:
            raise UsageError(f"the text has no column {column!r}; it has {', '.join(names)}")
        values = batch.column(column).cast("float64").to_numpy(zero_copy_only=False)
        languages = batch.column("language").to_pylist() if "language" in names else [None] * batch.num_rows
        histogram.add(values, languages)
    found = histogram.cutoffs(head, middle)
    if not found:
        raise UsageError(f"no document has a {column}")
    with write_whole(out) as stream:
        stream.write((json.dumps(found, indent=2, ensure_ascii=False) + "\n").encode())
    for language, (first, second) in found.items():
        say(stdout, f"{language}: head below {first:g}, middle below {second:g}")


def _counts(prune: str, order: int) -> tuple[int, ...]:
    try:
        counts = tuple(int(part) for part in prune.split(",")) if prune else ()
    except ValueError:
        raise UsageError(f"--prune takes numbers, as in 0,0,1, not {prune!r}") from None
    if counts and (counts[0] != 0 or list(counts) != sorted(counts) or len(counts) > order):
        raise UsageError(f"--prune {prune}: begin with 0, do not fall, and give at most {order} numbers")
    return counts


def _size(memory: str) -> str:
    """An amount of memory as lmplz wants it: bytes, or a share of all there is."""
    if not memory.endswith("%"):
        return f"{memory_bytes(memory, ', or a share of all memory, such as 50%')}b"
    if not re.fullmatch(r"0*([1-9]\d?|100)%", memory):
        raise UsageError(f"--memory {memory}: write a share from 1% to 100%, or a size such as 500MB or 8GB")
    return memory


def _summary(out: str, card: dict[str, Any]) -> Iterator[str]:
    trained, held, left = card["trained_on"], card["held_out"], card["left_out"]
    yield (
        f"{out}: order {card['order']}, trained on {plural(trained['documents'], 'document')}, {trained['tokens']:,} "
        f"tokens, {trained['vocabulary']:,} different ones; {plural(left['duplicates'], 'duplicate')} left out"
    )
    if held is None:
        yield "no document was held out, so nothing tells how good it is"
    else:
        yield (
            f"held-out perplexity {held['perplexity']:.2f}: {plural(held['documents'], 'document')}, "
            f"{held['tokens']:,} tokens, {held['unknown_words']:.2%} of the words unknown"
        )
    if "threshold" in card and card["threshold"] is None:
        yield "no threshold: the text does not fall into two kinds by this model; set one in the recipe"
    elif "threshold" in card:
        mixture = card["mixture"]
        documents = plural(mixture["documents"], "document")
        below, apart = mixture["documents_below"], mixture["separation"]
        yield f"threshold {card['threshold']:g}: {below:,} of {documents} are below (separation {apart:.2f})"
