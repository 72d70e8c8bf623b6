"""How fast perplexity is on one core, beside kenlm alone on the same tokens; what normalisation costs.

``python tests/bench/bench_perplexity.py`` trains on half of the texts of the folder named by TEXTMILL_TEST_DATA, else
of a synthetic crawl, and scores the other half. All ratios are of processor times measured in this one run.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from bench_filters import documents
from timing import processor_seconds

from textmill.pipeline.testing import batch_of
from textmill.scorers.kenlm_model import load_model
from textmill.scorers.kenlm_text import Normalization, read_sentences
from textmill.scorers.perplexity import Perplexity
from textmill.scorers.perplexity_training import Settings, train_perplexity

sys.path.insert(0, str(Path(__file__).parent.parent))
ROWS = 1000  # a batch, about as readers make them
TIMES = 6


def main() -> None:
    """Print tokens/s and ratios for models of words and of pieces, probing and quantised."""
    texts = [text for text, _ in documents()]
    pages = batch_of(texts[1::2])
    megabytes = sum(len(text.encode()) for text in texts[1::2]) / 1e6
    print(f"{pages.num_rows} texts, {megabytes:.1f} MB to score")
    for form in ("cc_net", "words"):
        normalizing(form, pages.column("text"), megabytes)
    with tempfile.TemporaryDirectory() as folder:
        for name, settings in {
            "words": Settings(),
            "words, quantised": Settings(quantize=True, prune=(0, 0, 1)),
            "pieces": Settings(normalize="cc_net", pieces=8000),
        }.items():
            model = f"{folder}/{name}.bin"
            train_perplexity([batch_of(texts[::2])], model, settings)
            beside_kenlm(name, model, pages)


def normalizing(form: Normalization, column: pa.Array, megabytes: float) -> None:
    """The kernel beside its slow twin."""
    import naive_perplexity

    some = [text for text in column.to_pylist() if len(text) < 20_000][:200]
    ours = processor_seconds(lambda: read_sentences(column, form))
    twin = processor_seconds(lambda: [naive_perplexity.sentences(text, form, "document") for text in some], 1)
    theirs = sum(len(text.encode()) for text in some) / 1e6 / twin
    print(f"normalize {form}: {megabytes / ours:.0f} MB/s; plain Python {theirs:.1f}")


def beside_kenlm(name: str, model: str, pages: pa.RecordBatch) -> None:
    """The step on batches, beside kenlm on sentences that are ready."""
    loaded = load_model(model, None, None, None)
    tokens = loaded.tokenize(pages.column("text"))
    step = Perplexity(model=model)
    parts = [pages.slice(start, ROWS) for start in range(0, pages.num_rows, ROWS)]
    sentences = [text.decode() for text in read_sentences(pages.column("text"), loaded.normalize).texts]
    spans = []
    for _ in range(TIMES):  # in turns, as the machine has better and worse moments
        alone = processor_seconds(lambda: [loaded.kenlm.score(text) for text in tokens.texts], 1)
        split = 0.0
        if loaded.tokenizer is not None:
            split = processor_seconds(lambda: loaded.tokenizer.encode(sentences, out_type=str), 1)
        spans.append((alone, split, processor_seconds(lambda: [step.score(part) for part in parts], 1)))
    alone, split, ours = np.array(spans[1:]).T
    rate = (tokens.counts.sum() + len(tokens.counts)) / 1e6 / np.median(ours)
    print(f"{name} ({Path(model).stat().st_size / 1e6:.0f} MB): {rate:.2f} million tokens/s", end="; ")
    print(f"beside kenlm alone {spread(alone / ours)}", end="; " if split.any() else "\n")
    if split.any():
        print(f"beside SentencePiece and kenlm alone {spread((alone + split) / ours)}")


def spread(ratios: npt.NDArray[np.float64]) -> str:
    """The median, and between what the middle half lies."""
    low, middle, high = np.percentile(ratios, (25, 50, 75))
    return f"{middle:.2f} ({low:.2f} – {high:.2f})"


if __name__ == "__main__":
    main()
