"""A cheap and a dear scorer for cascades, which tests name in recipes as ``cascade_scorers:Cheap``."""

import pyarrow as pa

from textmill import Scorer

ASKED: list[str] = []


class Cheap(Scorer):
    """The number that a text begins with; null for one that begins with none."""

    def adds(self) -> frozenset[str]:
        return frozenset({"cheap"})

    def score(self, batch: pa.RecordBatch) -> dict[str, pa.Array]:
        words = [text.split()[0] for text in batch.column("text").to_pylist()]
        return {"cheap": pa.array([None if word == "?" else float(word) for word in words], pa.float64())}


class Dear(Scorer):
    """The number that a text ends with, doubled if asked; remembers what it was asked."""

    factor: float = 1.0

    def adds(self) -> frozenset[str]:
        return frozenset({"dear"})

    def score(self, batch: pa.RecordBatch) -> dict[str, pa.Array]:
        texts = batch.column("text").to_pylist()
        ASKED.extend(texts)
        return {"dear": pa.array([float(text.split()[-1]) * self.factor for text in texts], pa.float64())}
