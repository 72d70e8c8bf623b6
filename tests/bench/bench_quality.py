"""The step `quality` beside fastText's own predict on the same text, one core, CPU time.

Run ``TEXTMILL_TEST_DATA=… python tests/bench/bench_quality.py``; without the folder it makes up its text. It trains a
model of fastText's default size of vectors, prints documents a second, and the ratio, for it and for it compressed.
"""

import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import fasttext
import pyarrow as pa
import zstandard

from textmill.scorers.quality import Quality


def main() -> None:
    """Train, then score the same documents both ways."""
    texts = load_texts()
    with tempfile.TemporaryDirectory() as folder:
        train = Path(folder) / "train.txt"
        lines = [text.replace("\n", " ").replace("</s>", " ") for text in texts]
        train.write_text(
            "".join(f"__label__{'positive' if i % 2 else 'negative'} {line}\n" for i, line in enumerate(lines))
        )
        model = fasttext.train_supervised(str(train), wordNgrams=2, bucket=200_000, thread=1, epoch=1, verbose=0)
        for name in ("whole", "quantised"):
            if name == "quantised":
                model.quantize(str(train), cutoff=100_000, retrain=False)
            path = Path(folder) / f"{name}.bin"
            model.save_model(str(path))
            compare(name, str(path), texts)


def compare(name: str, path: str, texts: list[str]) -> None:
    """Print how fast fastText and the step are."""
    model, step = fasttext.load_model(path), Quality(model=path)
    batch = pa.record_batch({"text": texts})
    theirs, ours = cpu_seconds(
        lambda: model.predict([text.replace("\n", " ") for text in texts], k=-1), lambda: step.score(batch)
    )
    chars = sum(map(len, texts)) / 1e6
    print(f"{name}: {chars / ours:.1f} M characters/s, fastText {chars / theirs:.1f}; ratio {theirs / ours:.3f}")


def cpu_seconds(*runs: Callable[[], object], times: int = 5) -> list[float]:
    """The best of several turns of each, so that what else the machine does meets all alike."""
    best = [float("inf")] * len(runs)
    for _ in range(times):
        for number, run in enumerate(runs):
            start = time.process_time()
            run()
            best[number] = min(best[number], time.process_time() - start)
    return best


def load_texts() -> list[str]:
    """Real texts of the web, of books and of an encyclopaedia, or made up ones."""
    folder = os.environ.get("TEXTMILL_TEST_DATA")
    if not folder:
        return [f"Document {i} says something of no great interest.\n" * (1 + i % 50) for i in range(3000)]
    texts = []
    for name in ("web/c4_sample", "web/swecore_registers", "wiki/boolq_passages"):
        with zstandard.open(Path(folder) / "text" / f"{name}.jsonl.zst", "rt", encoding="utf-8") as rows:
            texts += [json.loads(row)["text"] for row in rows]
    return texts


if __name__ == "__main__":
    main()
