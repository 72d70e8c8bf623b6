"""Derives thresholds for languages from inputs of any kind, and writes a file for each."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from textmill.pipeline.corpus import open_corpus, read_corpus
from textmill.pipeline.errors import UsageError
from textmill.pipeline.io.reader import Skipped
from textmill.pipeline.language_files import write_language
from textmill.pipeline.language_parameters import thresholds
from textmill.pipeline.language_samples import FEW, Measured, measure
from textmill.pipeline.language_thresholds import Derived, derive_language


def derive_thresholds(
    languages: Sequence[str],
    inputs: Mapping[str, Sequence[str]],
    out: str,
    *,
    rule: str = "tail",
    options: Mapping[str, Any] | None = None,
) -> list[Derived]:
    """Write ``out/xx.yaml`` for each language, and return what stands in them.

    inputs: ``reference``, and if there are any ``crawl`` and ``english``, each what `open_corpus` takes. options:
    removes, min_documents, off (as `derive_language`), documents (at most so many of a language from each input), model,
    language_column, text_column, also (other labels, by language) and about (what the file says of its sources).
    Raises UsageError, InputError or ModelError, and UsageError when a language has no reference text at all.
    """
    chosen: dict[str, Any] = {
        "removes": 0.05,
        "min_documents": FEW,
        "documents": 40_000,
        "model": "lid176",
        "language_column": "language",
        "text_column": "text",
        "also": {},
        "about": {},
        "off": (),
    } | dict(options or {})
    measured = {
        kind: _measure(given, ["en"] if kind == "english" else languages, chosen)
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
        derived = derive_language(
            language,
            reference,
            others,
            rule,
            removes=chosen["removes"],
            min_documents=chosen["min_documents"],
            off=chosen["off"],
        )
        _write(derived, reference, others, {"rule": rule, **chosen}, out)
        found.append(derived)
    return found


def _measure(given: Sequence[str], languages: Sequence[str], chosen: Mapping[str, Any]) -> dict[str, Measured]:
    skipped: Skipped = Counter()
    return measure(
        read_corpus(open_corpus(given, text_column=chosen["text_column"]), skipped),
        languages,
        {threshold.name: (threshold.step, threshold.reason) for threshold in thresholds()},
        documents=chosen["documents"],
        model=chosen["model"],
        language_column=chosen["language_column"],
    )


def _write(
    derived: Derived, reference: Measured, others: Mapping[str, Measured], chosen: Mapping[str, Any], out: str
) -> None:
    evidence: dict[str, Any] = {
        "rule": chosen["rule"],
        **({"removes": chosen["removes"]} if chosen["rule"] == "tail" else {}),
        **chosen["about"],
    }
    if "crawl" in others:
        evidence["crawl_documents"] = others["crawl"].documents
    write_language(derived, reference, out, also=chosen["also"].get(derived.language, ()), evidence=evidence)
