"""Is a selection worth having? What a language model learns from the best tenth of web text, beside a random tenth.

``python tests/bench/judge_selection.py [SEEDS]`` needs TEXTMILL_TEST_DATA, the folder of real data. For each seed the
clean text is halved. On one half a perplexity and a quality model are trained (the latter against web text); each
ranks the English web text, and the best documents are taken until they hold a tenth of its tokens; as many tokens are
drawn at random. A 5-gram model of each selection then foresees the other half of the clean text. All of these models
count in the same SentencePiece pieces, so that their perplexities compare.
"""

import os
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from scipy import stats

from textmill.pipeline.corpus import open_corpus, read_corpus
from textmill.pipeline.quality_training import train_quality_model
from textmill.pipeline.testing import batch_of, score
from textmill.scorers.dsir import Dsir
from textmill.scorers.dsir_training import Settings as DsirSettings
from textmill.scorers.dsir_training import train_dsir
from textmill.scorers.kenlm_model import LanguageModel, read_kenlm, read_tokenizer
from textmill.scorers.language import Language
from textmill.scorers.perplexities import log10_probabilities
from textmill.scorers.perplexity import Perplexity
from textmill.scorers.perplexity_training import Settings, train_perplexity
from textmill.scorers.quality import Quality
from textmill.scorers.quality_training import Settings as QualitySettings

CLEAN = ("text/wiki/*.zst", "text/news/extraction_gold_news.jsonl.zst")
WEB = ("pages/*.warc.gz", "text/web/c4_sample.jsonl.zst", "text/web/dclm_human_quality.jsonl.zst")
SHARE = 0.1
PIECES = 2000
PIECE_MODEL = Settings(normalize="cc_net", discount_fallback=True, held_out=0, memory="200M")

Order: TypeAlias = npt.NDArray[np.int64]


def main() -> None:
    """Print the perplexity of held-out clean text after each selection, by seed, and the mean difference."""
    data = Path(os.environ["TEXTMILL_TEST_DATA"])
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    clean, web = (english([str(data / name) for name in names]) for names in (CLEAN, WEB))
    print(f"clean: {len(clean)} documents; web: {len(web)} documents", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        settings = Settings(**{**vars(PIECE_MODEL), "pieces": PIECES})
        train_perplexity([batch_of(web)], str(work / "pieces"), settings)
        counts = tokens_of(web, work)
        print(f"web: {counts.sum():,} pieces", flush=True)
        results = [judge(seed, clean, web, counts, work) for seed in range(seeds)]
    for name in list(results[0])[1:]:
        ratios = np.log([result[name] / result["random"] for result in results])
        low, high = np.expm1(stats.t.interval(0.95, seeds - 1, ratios.mean(), stats.sem(ratios)))
        mean = np.mean([result[name] for result in results])
        print(f"{name}: perplexity {mean:.1f}; {np.expm1(ratios.mean()):+.1%} to random [{low:+.1%}, {high:+.1%}]")
    print(f"random: perplexity {np.mean([result['random'] for result in results]):.1f}; {seeds} seeds")


def english(inputs: Sequence[str]) -> list[str]:
    """The English documents, each once."""
    texts: dict[str, None] = {}
    for batch in read_corpus(open_corpus(inputs), Counter()):
        found = score(Language(), batch)
        for text, language, sure in zip(batch.column("text").to_pylist(), *found.values(), strict=True):
            if language == "en" and sure > 0.65:  # type: ignore[operator]
                texts[text] = None
    return list(texts)


def judge(
    seed: int, clean: Sequence[str], web: Sequence[str], counts: npt.NDArray[np.int64], work: Path
) -> dict[str, float]:
    """Perplexity of the held-out half of the clean text by a model of each selection; `counts`: pieces of web texts."""
    generator = np.random.default_rng(seed)
    mixed = generator.permutation(len(clean))
    known, held_out = ([clean[i] for i in half] for half in np.array_split(mixed, 2))
    by_perplexity = perplexity_of(known, web, work)
    by_quality = quality_of(known, web, work, seed)
    ranks = [stats.rankdata(values) for values in (by_perplexity, -by_quality)]
    orders = {
        "random": generator.permutation(len(web)),
        "perplexity": np.argsort(by_perplexity, kind="stable"),
        "quality": np.argsort(-by_quality, kind="stable"),
        "both (mean rank)": np.argsort(ranks[0] + ranks[1], kind="stable"),
        **{name: np.argsort(-weights, kind="stable") for name, weights in importance_of(known, web, work).items()},
    }
    result = {name: foresee(held_out, selection(order, web, counts), work) for name, order in orders.items()}
    print(f"seed {seed}: " + "; ".join(f"{name} {value:.1f}" for name, value in result.items()), flush=True)
    return result


def perplexity_of(known: Sequence[str], web: Sequence[str], work: Path) -> npt.NDArray[np.float64]:
    """The perplexity of web texts by a model of clean ones; infinite for a text without a word."""
    model = fresh(work, "perplexity")
    train_perplexity([batch_of(known)], model, Settings(held_out=0, memory="200M"))
    return np.array([value or np.inf for value in score(Perplexity(model=model), web)["perplexity"]], np.float64)


def quality_of(known: Sequence[str], web: Sequence[str], work: Path, seed: int) -> npt.NDArray[np.float64]:
    """The score of web texts by a classifier of clean texts against web texts."""
    model, files = fresh(work, "quality"), []
    for name, texts in (("clean", known), ("web", web)):
        files.append(f"{model}-{name}.parquet")
        pq.write_table(pa.Table.from_batches([batch_of(texts)]), files[-1])
    settings = QualitySettings(dim=16, bucket=200_000, epoch=5, seed=seed)
    train_quality_model(([files[0]], [files[1]]), model, settings, documents=len(web))
    return np.array([value or 0.0 for value in score(Quality(model=model), web)["quality"]], np.float64)


def importance_of(known: Sequence[str], web: Sequence[str], work: Path) -> dict[str, npt.NDArray[np.float64]]:
    """The importance weights of web texts with clean texts as target, and those by word; lowest for a short text."""
    model = fresh(work, "dsir")
    train_dsir([batch_of(known)], [batch_of(web)], model, DsirSettings(held_out=0))
    found = {}
    for name, per_token in (("dsir", False), ("dsir by word", True)):
        (weights,) = score(Dsir(model=model, per_token=per_token), web).values()
        found[name] = np.array([-np.inf if value is None else value for value in weights], np.float64)
    return found


def selection(order: Order, web: Sequence[str], counts: npt.NDArray[np.int64]) -> list[str]:
    """The first documents that hold a tenth of the tokens; the last one is cut."""
    left = int(counts.sum() * SHARE)
    chosen = []
    for i in order:
        chosen.append(web[i] if counts[i] <= left else web[i][: len(web[i]) * left // int(counts[i])])
        left -= int(counts[i])
        if left <= 0:
            break
    return chosen


def tokens_of(web: Sequence[str], work: Path) -> npt.NDArray[np.int64]:
    """Pieces of each web text."""
    found = reader(work, None).tokenize(pa.array(web))
    counts = np.zeros(len(web), np.int64)
    counts[np.diff(found.first) > 0] = found.counts
    return counts


def foresee(held_out: Sequence[str], chosen: Sequence[str], work: Path) -> float:
    """Train a 5-gram model on a selection; its perplexity on the clean text held out."""
    model = fresh(work, "selection")
    settings = Settings(**{**vars(PIECE_MODEL), "tokenizer": str(work / "pieces.spm")})
    train_perplexity([batch_of(chosen)], model, settings)
    found = reader(work, model).tokenize(pa.array(held_out))
    log10 = log10_probabilities(read_kenlm(Path(model)), found.texts, found.counts)
    return float(10 ** (-log10.sum() / (found.counts + 1).sum()))


def reader(work: Path, model: str | None) -> LanguageModel:
    """What splits texts into pieces, and the model to ask."""
    kenlm = read_kenlm(Path(model)) if model else None
    return LanguageModel(kenlm, read_tokenizer(work / "pieces.spm"), PIECE_MODEL.normalize, PIECE_MODEL.unit)


def fresh(work: Path, name: str) -> str:
    """A path that no model was loaded from: steps remember models by their paths."""
    return str(work / f"{name}-{len(list(work.iterdir()))}")


if __name__ == "__main__":
    main()
