"""The step `dsir` beside its method in plain Python, as the paper's code has it, on the same text, CPU time.

Run ``TEXTMILL_TEST_DATA=… python tests/bench/bench_dsir.py``; without the folder it makes up its text. Plain Python
cuts words by a regular expression, hashes each word and pair by SHA-256, and adds up a numpy array of counts.
"""

import hashlib
import re
import tempfile
from itertools import pairwise
from pathlib import Path

import numpy as np
from bench_quality import load_texts
from timing import processor_seconds

from textmill.pipeline.testing import batch_of
from textmill.scorers.dsir import Dsir
from textmill.scorers.dsir_training import Settings, train_dsir

BUCKETS = 10_000
WORDS = re.compile(r"\w+|[^\w\s]+")


def main() -> None:
    """Print how fast both are, and the ratio."""
    texts = load_texts()
    some = texts[: max(1, len(texts) // 20)]
    with tempfile.TemporaryDirectory() as folder:
        out = str(Path(folder) / "model.npz")
        train_dsir([batch_of(texts[::2])], [batch_of(texts[1::2])], out, Settings(BUCKETS))
        step, batch = Dsir(model=out), batch_of(texts)
        ours = processor_seconds(lambda: step.score(batch)) / size_of(texts)
        worth = np.random.default_rng(0).normal(size=BUCKETS)
        theirs = processor_seconds(lambda: [weigh(text, worth) for text in some], 2) / size_of(some)
    print(f"dsir: {1e-6 / ours:.0f} MB/s, plain Python {1e-6 / theirs:.2f} MB/s; ratio {theirs / ours:.0f}")


def size_of(texts: list[str]) -> int:
    """Bytes of the texts."""
    return sum(len(text.encode()) for text in texts)


def weigh(text: str, worth: np.ndarray) -> float:
    """The log weight of a document, given what each bucket is worth."""
    words = WORDS.findall(text.lower())
    counts = np.zeros(len(worth))
    for feature in (*words, *pairwise(words)):
        key = hashlib.sha256(str(feature).encode(), usedforsecurity=False).hexdigest()
        counts[int(key, 16) % len(worth)] += 1
    return float(counts @ worth)


if __name__ == "__main__":
    main()
