"""Trains the models of `dsir`: counts words and pairs of target and raw text, and tells both apart on text held out."""

import hashlib
import heapq
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa

from textmill.pipeline import schema
from textmill.pipeline.arrow import text_buffers
from textmill.pipeline.chance import draw
from textmill.pipeline.errors import InputError
from textmill.pipeline.io.files import write_whole
from textmill.scorers.dsir_kernels import Floats, count_features, weigh_features
from textmill.scorers.dsir_model import ImportanceModel
from textmill.scorers.quality_card import auc
from textmill.scorers.signal_kernels import Numbers

APART: Final = 1000
"""At most so many documents of each kind are held out."""
PERCENTILES: Final = (5, 25, 50, 75, 95)


@dataclass(frozen=True)
class Settings:
    """How to train. max_tokens: words of each kind, after which no more is read; held_out: share of documents."""

    buckets: int = 10_000
    smoothing: float = 0.0
    max_tokens: int = 1_000_000_000
    held_out: float = 0.05
    seed: int = 0


def train_dsir(
    target: Iterable[pa.RecordBatch], raw: Iterable[pa.RecordBatch], out: str, settings: Settings
) -> dict[str, Any]:
    """Write a model to `out` and its card to ``out.json``; return the card.

    The same text in the same order gives the same bytes. Raises InputError for a kind of text without a word.
    """
    sides = {name: _read(batches, settings) for name, batches in (("target", target), ("raw", raw))}
    for name, side in sides.items():
        if not side.tokens:
            raise InputError(f"the {name} text has no words to learn from")
    model = ImportanceModel(sides["target"].counts, sides["raw"].counts, settings.smoothing)
    content = model.to_bytes()
    with write_whole(out) as stream:
        stream.write(content)
    card = {
        "kind": "dsir",
        "model": out,
        "sha256": hashlib.sha256(content).hexdigest(),
        "settings": asdict(settings),
        **{name: {"documents": side.documents, "tokens": side.tokens} for name, side in sides.items()},
        "divergence": round(model.divergence(), 6),
        "held_out": _judge(model, sides["target"].apart, sides["raw"].apart),
    }
    with write_whole(f"{out}.json") as stream:
        stream.write((json.dumps(card, indent=2) + "\n").encode())
    return card


@dataclass
class _Side:
    """One kind of text: the counts of its buckets, documents and words in them; the texts held out."""

    counts: Numbers
    documents: int
    tokens: int
    apart: list[bytes]

    def count(self, texts: list[bytes]) -> None:
        """Learn from these documents."""
        offsets = np.cumsum([0, *map(len, texts)], dtype=np.int64)
        counts, words = count_features(np.frombuffer(b"".join(texts), np.uint8), offsets, len(self.counts))
        self.counts += counts
        self.documents += len(texts)
        self.tokens += words


def _read(batches: Iterable[pa.RecordBatch], settings: Settings) -> _Side:
    """Count every document but those held out: the ones whose draws from their ids are the lowest."""
    side = _Side(np.zeros(settings.buckets, np.int64), 0, 0, [])
    lowest: list[tuple[int, int, bytes]] = []  # a heap of the negative draw, the place in the input, the text
    place = 0
    for batch in batches:
        learn = []
        for number, text in _documents(batch, settings.seed):
            place += 1
            entry = (-number, -place, text)
            if len(lowest) < APART:
                heapq.heappush(lowest, entry)
            else:
                learn.append(heapq.heappushpop(lowest, entry)[2])
        side.count(learn)
        if side.tokens >= settings.max_tokens:
            break
    best = sorted(lowest, reverse=True)
    kept = min(APART, int(settings.held_out * place))
    side.apart = [text for *_, text in best[:kept]]
    side.count([text for *_, text in best[kept:]])
    return side


def _documents(batch: pa.RecordBatch, seed: int) -> Iterator[tuple[int, bytes]]:
    draws = draw(batch.column(schema.ID), "dsir", seed).tolist()
    texts = batch.column(schema.TEXT).cast(pa.large_binary()).to_pylist()
    return ((number, text) for number, text in zip(draws, texts, strict=True) if text)


def _judge(model: ImportanceModel, target: list[bytes], raw: list[bytes]) -> dict[str, Any] | None:
    """How well weights a word tell documents held out apart; None where a kind has none with a word."""
    found = [_per_token(texts, model.worth()) for texts in (target, raw)]
    if not all(map(len, found)):
        return None
    spread = [
        dict(zip(map(str, PERCENTILES), np.percentile(one, PERCENTILES).round(4).tolist(), strict=True))
        for one in found
    ]
    return {
        "documents": [len(one) for one in found],
        "auc": round(auc(*found), 6),
        "per_token_percentiles": {"target": spread[0], "raw": spread[1]},
    }


def _per_token(texts: list[bytes], worth: Floats) -> Floats:
    column = pa.array(texts, pa.large_binary())
    data, offsets, _ = text_buffers(column)
    found = weigh_features(data, offsets, worth)
    worded = found.words > 0
    return np.asarray(found.sums[worded] / found.words[worded])
