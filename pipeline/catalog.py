"""What a recipe may name: readers, steps and barriers, each ``name -> "module:Class"``.

Steps of your own are written ``module:Name`` in the recipe and need no entry here.
"""

import inspect
from typing import TypeVar

from textmill.pipeline.barrier import Barrier
from textmill.pipeline.errors import RecipeError, did_you_mean
from textmill.pipeline.io.reader import Reader
from textmill.pipeline.parameters import Parameters
from textmill.pipeline.plugins import import_module
from textmill.pipeline.step import Step

READERS = {
    "html": "textmill.pipeline.io.htmlfolder:HtmlFolder",
    "jsonl": "textmill.pipeline.io.jsonl:Jsonl",
    "parquet": "textmill.pipeline.io.parquet:ParquetFiles",
    "text": "textmill.pipeline.io.textlines:TextLines",
    "warc": "textmill.pipeline.io.warc:Warc",
}

STEPS = {
    "between": "textmill.filters.columns:Between",
    "blocked_url": "textmill.filters.url:BlockedUrl",
    "c4_bad_words": "textmill.filters.bad_words:C4BadWords",
    "c4_lines": "textmill.pipeline.mappers.c4_lines:C4Lines",
    "c4_quality": "textmill.filters.c4:C4Quality",
    "cascade": "textmill.pipeline.cascade:Cascade",
    "chinese_web": "textmill.filters.chinese:ChineseWeb",
    "code_quality": "textmill.filters.code:CodeQuality",
    "combine": "textmill.scorers.combine:Combine",
    "confusable_language": "textmill.filters.confusable_language:ConfusableLanguage",
    "date_range": "textmill.filters.registers:DateRange",
    "drop_lines": "textmill.pipeline.mappers.drop_lines:DropLines",
    "dsir": "textmill.scorers.dsir:Dsir",
    "embedding": "textmill.scorers.embedding:Embedding",
    "extract_html": "textmill.pipeline.mappers.extract_html:ExtractHtml",
    "fineweb_quality": "textmill.filters.fineweb:FinewebQuality",
    "fix_text": "textmill.pipeline.mappers.fix_text:FixText",
    "gopher_quality": "textmill.filters.gopher:GopherQuality",
    "gopher_repetition": "textmill.filters.repetition:GopherRepetition",
    "harmful_perplexity": "textmill.scorers.harmful_perplexity:HarmfulPerplexity",
    "language": "textmill.scorers.language:Language",
    "language_threshold": "textmill.filters.language_threshold:LanguageThreshold",
    "letter_pairs": "textmill.filters.letter_pairs:LetterPairs",
    "length": "textmill.filters.length:Length",
    "licence": "textmill.filters.registers:Licence",
    "mask_pii": "textmill.pipeline.mappers.mask_pii:MaskPii",
    "mc4_paragraphs": "textmill.filters.c4:Mc4Paragraphs",
    "normalize_whitespace": "textmill.pipeline.mappers.normalize_whitespace:NormalizeWhitespace",
    "one_of": "textmill.filters.columns:OneOf",
    "opt_out": "textmill.filters.registers:OptOut",
    "pareto_keep": "textmill.scorers.sample_by:ParetoKeep",
    "perplexity": "textmill.scorers.perplexity:Perplexity",
    "quality": "textmill.scorers.quality:Quality",
    "quality_signals": "textmill.scorers.quality_signals:QualitySignals",
    "refinedweb_lines": "textmill.pipeline.mappers.refinedweb_lines:RefinedwebLines",
    "script_of_text": "textmill.scorers.script:ScriptOfText",
    "token_count": "textmill.scorers.tokens:TokenCount",
    "toxic_words": "textmill.scorers.toxic_words:ToxicWords",
    "transformer": "textmill.scorers.transformer:Transformer",
    "unigram_logprob": "textmill.filters.unigram:UnigramLogprob",
    "url_category": "textmill.scorers.url_category:UrlCategory",
}

BARRIERS = {
    "decontaminate": "textmill.dedup.decontaminate:Decontaminate",
    "exact": "textmill.dedup.exact:Exact",
    "lines": "textmill.dedup.lines:Lines",
    "lsh_bloom": "textmill.dedup.lsh_bloom:LshBloom",
    "keep_band": "textmill.scorers.keep_top:KeepBand",
    "keep_top": "textmill.scorers.keep_top:KeepTop",
    "minhash": "textmill.dedup.minhash:MinHash",
    "mix": "textmill.pipeline.mixing.stage:Mix",
    "ngram_bloom": "textmill.dedup.ngram_bloom:NgramBloom",
    "paragraphs": "textmill.dedup.lines:Paragraphs",
    "sample_by": "textmill.scorers.sample_by:SampleBy",
    "semantic": "textmill.dedup.semantic:Semantic",
    "sentences": "textmill.dedup.sentences:Sentences",
    "simhash": "textmill.dedup.simhash:SimHash",
    "substrings": "textmill.dedup.substrings:Substrings",
    "url": "textmill.dedup.url:UniqueUrl",
}

P = TypeVar("P", bound=Parameters)


def reader(name: str) -> type[Reader]:
    """The reader class of that name. Raises RecipeError."""
    return _find(name, READERS, Reader, "reader")  # type: ignore[type-abstract]


def step(name: str) -> type[Step]:
    """The step class of that name, or of ``module:Name``. Raises RecipeError."""
    return _find(name, STEPS, Step, "step")  # type: ignore[type-abstract]


def barrier(name: str) -> type[Barrier]:
    """The barrier class of that name, or of ``module:Name``. Raises RecipeError."""
    return _find(name, BARRIERS, Barrier, "barrier")  # type: ignore[type-abstract]


def _find(name: str, table: dict[str, str], base: type[P], kind: str) -> type[P]:
    address = table.get(name, name)
    module, colon, attribute = address.partition(":")
    if not colon:
        for other, names in (("reader", READERS), ("step", STEPS), ("barrier", BARRIERS)):
            if name in names:
                raise RecipeError(f"{name!r} is a {other}, not a {kind}")
        advice = f" Your own {kind}s are written module:Name."
        if kind == "reader":
            advice = f" There are: {', '.join(sorted(table))}."
        raise RecipeError(f"unknown {kind} {name!r}{did_you_mean(name, table) or '.'}{advice}")
    home = import_module(module)
    found = getattr(home, attribute, None)
    if found is None:
        raise RecipeError(f"module {module!r} has no {attribute!r}{did_you_mean(attribute, dir(home))}")
    if not (isinstance(found, type) and issubclass(found, base)):
        bases = "Filter, Scorer or Mapper, or mark a function @doc_filter or @doc_scorer"
        raise RecipeError(f"{name!r} is no {kind}: derive it from {bases if base is Step else base.__name__}")
    if inspect.isabstract(found):
        raise RecipeError(f"{name!r} is no whole {kind}: it lacks {', '.join(sorted(found.__abstractmethods__))}")
    if advice := _misfit(found):
        raise RecipeError(f"{name!r} is no whole {kind}: {advice}")
    return found


def _misfit(found: type[Parameters]) -> str:
    """What to write in place of a method that does not take what it will be given; ``""`` when there is none."""
    for ancestor in found.__mro__[1:]:
        for method in sorted(getattr(ancestor, "__abstractmethods__", ())):
            asked, own = (inspect.getattr_static(part, method) for part in (ancestor, found))
            if not (inspect.isfunction(asked) and inspect.isfunction(own)):
                continue
            given = list(inspect.signature(asked).parameters)
            try:
                inspect.signature(own).bind(*given)
            except TypeError:
                takes = ", ".join(inspect.signature(own).parameters)
                return f"write {method}({', '.join(given)}), not {method}({takes})"
    return ""
