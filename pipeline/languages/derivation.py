"""Derives thresholds for languages from inputs of any kind, and writes a file for each."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from textmill.pipeline.corpus import open_corpus, read_corpus
from textmill.pipeline.errors import UsageError
from textmill.pipeline.io.reader import Skipped
from textmill.pipeline.languages.files import write_language
from textmill.pipeline.languages.parameters import thresholds
from textmill.pipeline.languages.samples import Measured, Sources, measure
from textmill.pipeline.languages.thresholds import Asked, Derived, derive_language


def derive_thresholds(
    languages: Sequence[str],
    inputs: Mapping[str, Sequence[str]],
    out: str,
    asked: Asked | None = None,
    sources: Sources | None = None,
) -> list[Derived]:
    """Write ``out/xx.yaml`` for each language, and return what stands in them.

    inputs: ``reference``, and if there are any ``crawl`` and ``english``, each what `open_corpus` takes. Raises
    UsageError, InputError or ModelError, and UsageError when a language has no reference text at all.
    """
    asked, sources = asked or Asked(), sources or Sources()
    asked.check()
    measured = {
        kind: _measure(given, ["en"] if kind == "english" else languages, sources)
        for kind, given in inputs.items()
        if given
    }
    found = []
    for language in languages:
        reference = measured["reference"][language]
        if not reference.documents:
            raise UsageError(f"the reference has no document in {language}")
        others = {"crawl": measured["crawl"][language]} if "crawl" in measured else {}
        if "english" in measured:
            others["english"] = measured["english"]["en"]
        derived = derive_language(language, reference, others, asked)
        evidence: dict[str, Any] = {"rule": asked.rule}
        if asked.rule == "tail":
            evidence["removes"] = asked.removes
        if sources.about:
            evidence["reference"] = sources.about
        if "crawl" in others:
            evidence["crawl_documents"] = others["crawl"].documents
        write_language(derived, reference, out, also=sources.also.get(language, ()), evidence=evidence)
        found.append(derived)
    return found


def _measure(given: Sequence[str], languages: Sequence[str], sources: Sources) -> dict[str, Measured]:
    skipped: Skipped = Counter()
    return measure(
        read_corpus(open_corpus(given, text_column=sources.text_column), skipped),
        languages,
        {threshold.name: (threshold.step, threshold.reason) for threshold in thresholds()},
        documents=sources.documents,
        model=sources.model,
        language_column=sources.language_column,
    )
