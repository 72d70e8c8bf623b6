"""``textmill derive-thresholds`` and ``textmill precision-words``: what filters need to know of a language."""

from typing import Annotated

import typer

from textmill.pipeline.commands.options import folder_to_write, note, stdout
from textmill.pipeline.errors import UsageError

Inputs = list[str]
LanguageNames = Annotated[
    list[str], typer.Option("--language", metavar="LABEL", help="A language, as the model labels it. Repeatable.")
]
LanguageModel = Annotated[
    str, typer.Option("--model", metavar="MODEL", help="Tells languages, where inputs do not, and how sure they are.")
]
LanguageColumn = Annotated[
    str, typer.Option(metavar="NAME", help="Column or field of inputs that states the language.")
]
TextColumn = Annotated[str, typer.Option(metavar="NAME", help="Column or field that holds the text.")]


def derive_thresholds(
    reference: Annotated[
        Inputs,
        typer.Option(metavar="INPUT", help="Clean text, such as an encyclopedia: file, glob, folder, run. Repeatable."),
    ],
    language: LanguageNames,
    out: Annotated[
        str, typer.Option(metavar="DIR", callback=folder_to_write, help="Folder for the files, one a language.")
    ],
    crawl: Annotated[
        Inputs | None, typer.Option(metavar="INPUT", help="Crawled text, for the language score and to see what goes.")
    ] = None,
    english: Annotated[
        Inputs | None, typer.Option(metavar="INPUT", help="English text, which median_ratio compares with.")
    ] = None,
    rule: Annotated[
        str, typer.Option(help="tail, quantile, ten_tail, mean_std, median_ratio or english; docs/languages.md.")
    ] = "tail",
    removes: Annotated[
        float,
        typer.Option(min=0, max=0.5, help="With tail: the share of the reference that may go, all rules together."),
    ] = 0.05,
    min_documents: Annotated[
        int, typer.Option(min=1, help="With fewer reference documents a language keeps the published thresholds.")
    ] = 1000,
    documents: Annotated[int, typer.Option(min=1, help="At most so many documents of a language.")] = 40_000,
    also: Annotated[
        list[str] | None,
        typer.Option(metavar="LABEL=OTHER", help="Another label of a language: zh=cmn_Hani. Repeatable."),
    ] = None,
    off: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PARAMETER", help="A rule that the reference can say nothing of: fineweb_quality.max_newline_ratio."
        ),
    ] = None,
    about: Annotated[str, typer.Option(help="What the evidence says of the reference.")] = "",
    model: LanguageModel = "lid176",
    language_column: LanguageColumn = "language",
    text_column: TextColumn = "text",
) -> None:
    """Derive the thresholds of filters for languages from text in them; write a file for each, with the evidence."""
    from textmill.pipeline.languages.derivation import derive_thresholds as derive
    from textmill.pipeline.languages.report import render_derived
    from textmill.pipeline.languages.samples import Sources
    from textmill.pipeline.languages.thresholds import Asked

    labels: dict[str, list[str]] = {}
    for pair in also or ():
        name, _, other = pair.partition("=")
        if not (name and other):
            raise UsageError(f"--also {pair}: write LABEL=OTHER, such as zh=cmn_Hani")
        labels.setdefault(name, []).append(other)
    inputs = {"reference": reference, "crawl": crawl or [], "english": english or []}
    asked = Asked(rule, removes, min_documents, tuple(off or ()))
    sources = Sources(documents, model, language_column, text_column, labels, about)
    for derived in derive(language, inputs, out, asked, sources):
        render_derived(derived, stdout)
        for warning in derived.warnings:
            note(f"warning: {warning}")


def precision_words(
    reference: Annotated[
        Inputs, typer.Option(metavar="INPUT", help="Text in all the languages: file, glob, folder, run. Repeatable.")
    ],
    language: LanguageNames,
    out: Annotated[
        str, typer.Option(metavar="DIR", callback=folder_to_write, help="Folder for the lists, one a language.")
    ],
    among: Annotated[
        list[str] | None, typer.Option(metavar="LABEL", help="A language to tell them from. Repeatable.")
    ] = None,
    affinity: Annotated[
        float, typer.Option(min=0.5, max=1, help="Share of a word's use that must be the language's.")
    ] = 0.85,
    percentile: Annotated[float, typer.Option(min=0, max=100, help="How frequent a word must be in it.")] = 95,
    documents: Annotated[int, typer.Option(min=1, help="At most so many documents of a language.")] = 40_000,
    model: LanguageModel = "lid176",
    language_column: LanguageColumn = "language",
    text_column: TextColumn = "text",
) -> None:
    """List the words that tell languages from their neighbours, for the filter confusable_language."""
    from textmill.pipeline.console import percent, say
    from textmill.pipeline.languages.precision import Wanted, write_precision_words
    from textmill.pipeline.languages.samples import Sources

    sources = Sources(documents, model, language_column, text_column)
    wanted = Wanted(affinity, percentile)
    for found in write_precision_words(language, among or [], reference, out, wanted, sources):
        say(stdout, f"{found.language}: {len(found.words)} words; in {percent(found.confirmed)} of its documents")
        for other, share in found.mistaken.items():
            say(stdout, f"  and in {percent(share)} of those in {other}")
