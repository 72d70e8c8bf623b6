"""Trains a quality classifier on inputs of any kind, and writes it beside its card."""

import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from textmill.dedup.banded import KEYS
from textmill.dedup.equal_keys import KEY
from textmill.dedup.exact import Exact
from textmill.dedup.minhash import MinHash
from textmill.pipeline import schema
from textmill.pipeline.corpus import open_corpus, read_corpus
from textmill.pipeline.io.files import write_whole
from textmill.pipeline.io.reader import Skipped
from textmill.scorers.language import Language
from textmill.scorers.quality import NEGATIVE, POSITIVE
from textmill.scorers.quality_card import Json
from textmill.scorers.quality_sample import Gathered, gather
from textmill.scorers.quality_training import Settings, train_quality


def train_quality_model(
    inputs: tuple[Sequence[str], Sequence[str]],
    out: str,
    settings: Settings,
    *,
    documents: int,
    text_column: str = "text",
    language_model: str | None = None,
) -> Json:
    """Write a model to `out` and its card to ``out.json``; return the card.

    inputs: what `open_corpus` takes, for positives and for negatives. At most `documents` of each class are looked at.
    language_model: a model for the step `language`, which tells the card the languages of inputs without them.
    Raises UsageError or InputError for inputs that cannot be read, InputError for too few documents, ModelError for
    a bad `language_model`.
    """
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        skipped: tuple[Skipped, Skipped] = (Counter(), Counter())

        def gathered(given: Sequence[str], label: str, left_out: Skipped) -> Gathered:
            batches = read_corpus(open_corpus(given, text_column=text_column), left_out)
            return gather(
                _with_language(batches, language_model),
                work / label,
                documents,
                seed=settings.seed,
                twin_keys=twin_keys,
            )

        both = (gathered(inputs[0], POSITIVE, skipped[0]), gathered(inputs[1], NEGATIVE, skipped[1]))
        trained = train_quality(both, work, settings)
        for label, given, left_out in zip((POSITIVE, NEGATIVE), inputs, skipped, strict=True):
            about = {"inputs": list(given), "skipped": dict(sorted(left_out.items()))}
            trained.card["data"][label] = {**about, **trained.card["data"][label]}
        with trained.model.open("rb") as source, write_whole(out) as target:
            shutil.copyfileobj(source, target, 1 << 20)
    card = {"model": out, **trained.card}
    with write_whole(f"{out}.json") as stream:
        stream.write(json.dumps(card, indent=2, ensure_ascii=False).encode())
    return card


def _with_language(batches: Iterable[pa.RecordBatch], model: str | None) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        known = model is None or schema.LANGUAGE in batch.schema.names
        yield batch if known else Language(model=model).apply(batch)[0]


def twin_keys(batch: pa.RecordBatch) -> list[pa.Array]:
    """Keys of exact and of near-duplicates, as the barriers `exact` and `minhash` have them by default."""
    return [Exact().sketch(batch).column(KEY), MinHash().sketch(batch).column(KEYS)]
