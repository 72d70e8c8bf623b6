"""Trains the models that `perplexity` asks: text in the model's form, a tokenizer, lmplz, and a card of what came out.

Duplicates are left out, for they distort the counts from which Kneser-Ney smoothing estimates its discounts; documents
are held out by a hash of their text, so that none is in both parts.
"""

import hashlib
import json
import re
import shutil
import struct
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
import pyarrow as pa

from textmill.pipeline import schema
from textmill.pipeline.errors import UsageError
from textmill.pipeline.io.files import write_whole
from textmill.pipeline.kenlm_tools import find_tool
from textmill.pipeline.models import local_model
from textmill.scorers.kenlm_model import LanguageModel, card_path, read_kenlm, read_tokenizer, tokenizer_path
from textmill.scorers.kenlm_text import Normalization, Unit, read_sentences
from textmill.scorers.mixture import fit_two_normals, valley
from textmill.scorers.perplexities import document_perplexities, log10_probabilities, perplexity

PERCENTILES: Final = (1, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 99)
_SPECIAL: Final = 3
"""<unk>, <s> and </s>, which lmplz counts among the types."""
_LONGEST: Final = 4000
"""Bytes of a stretch that the tokenizer learns from; by default SentencePiece passes over longer sentences."""


@dataclass(frozen=True)
class Settings:
    """How a perplexity model is trained.

    pieces: pieces of a tokenizer to train, or None. tokenizer: path of one that is there. prune: leave out n-grams of
    at most so many occurrences, for orders 1, 2, …; the last holds for the orders that follow. memory: of lmplz.
    """

    order: int = 5
    normalize: Normalization = "words"
    unit: Unit = "document"
    pieces: int | None = None
    tokenizer: str | None = None
    prune: tuple[int, ...] = ()
    quantize: bool = False
    discount_fallback: bool = False
    memory: str = "1G"
    held_out: float = 0.05
    seed: int = 0


def train_perplexity(
    batches: Iterable[pa.RecordBatch], out: str, settings: Settings, mixed: Iterable[pa.RecordBatch] | None = None
) -> dict[str, Any]:
    """Train a model on the column `text`, and write it to `out`, its card and tokenizer beside it; returns the card.

    `mixed` is text of which some is like that trained on: the card then tells the threshold between the two
    kinds. The same text and settings give the same bytes. Raises UsageError when the text is too little, ModelError
    when a tool is missing.
    """
    lmplz, build_binary = find_tool("lmplz"), find_tool("build_binary")
    with tempfile.TemporaryDirectory(prefix="textmill-") as folder:
        work = Path(folder)
        split = _write_sentences(batches, work, settings)
        tokenizer = _prepare_tokenizer(work, settings)
        if tokenizer is not None:
            for part in ("train", "held"):
                _tokenize(work / f"{part}.txt", tokenizer)
        split.tokens, split.vocabulary = _run_lmplz(lmplz, work, settings)
        quantized = ("-q", "8", "-b", "8", "-a", "22", "trie") if settings.quantize else ("probing",)
        done = _run([build_binary, "-T", f"{work}/", *quantized, work / "model.arpa", work / "model"])
        if done.returncode:
            raise UsageError(f"build_binary could not make the model: {_last_words(done)}")
        kenlm, splitter = read_kenlm(work / "model"), tokenizer and read_tokenizer(tokenizer)
        model = LanguageModel(kenlm, splitter, settings.normalize, settings.unit)
        card = _card(settings, split, work, model) | (fit_threshold(model, mixed) if mixed is not None else {})
        if tokenizer is not None:
            _deliver(tokenizer, tokenizer_path(out))
        _deliver(work / "model", out)
    with write_whole(card_path(out)) as stream:
        stream.write((json.dumps(card, indent=2, ensure_ascii=False) + "\n").encode())
    return card


def fit_threshold(model: LanguageModel, batches: Iterable[pa.RecordBatch]) -> dict[str, Any]:
    """The valley between two kinds of text in a mixture of them, from their log10 perplexities, for the card.

    `threshold` is None, with the fit for people to look at, where the two kinds are not apart.
    """
    found = [document_perplexities(model, batch.column(schema.TEXT)) for batch in batches]
    values = np.log10(np.concatenate([np.empty(0), *found]))
    values = values[~np.isnan(values)]
    fitted = fit_two_normals(values)
    if fitted is None:
        return {"threshold": None, "mixture": None}
    lowest = valley(fitted)
    parts = {"mean_log10": fitted.means, "deviation_log10": fitted.deviations, "share": fitted.shares}
    mixture: dict[str, Any] = {name: [round(value, 6) for value in part.tolist()] for name, part in parts.items()}
    mixture |= {"documents": len(values), "separation": round(fitted.separation, 4)}
    if lowest is None:
        return {"threshold": None, "mixture": mixture}
    return {
        "threshold": round(float(10**lowest), 4),
        "mixture": {**mixture, "documents_below": int((values < lowest).sum())},
    }


@dataclass
class _Split:
    """Documents by what became of them; where the sentences of each one held out begin; what was trained on."""

    documents: Counter[str] = field(default_factory=Counter)
    first: list[int] = field(default_factory=lambda: [0])
    tokens: int = 0
    vocabulary: int = 0


def _write_sentences(batches: Iterable[pa.RecordBatch], work: Path, settings: Settings) -> _Split:
    """Write the sentences to train on and those held out, one a line."""
    split, met = _Split(), set()
    most = int(settings.held_out * 2**64)
    with (work / "train.txt").open("wb") as train, (work / "held.txt").open("wb") as held:
        for batch in batches:
            found = read_sentences(batch.column(schema.TEXT), settings.normalize, settings.unit)
            for begin, end in zip(found.first[:-1].tolist(), found.first[1:].tolist(), strict=True):
                lines = b"".join(text + b"\n" for text in found.texts[begin:end])
                key = hashlib.blake2b(lines, digest_size=8, salt=struct.pack("<q", settings.seed)).digest()
                if not lines or key in met:
                    split.documents["duplicate" if lines else "empty"] += 1
                    continue
                met.add(key)
                apart = int.from_bytes(key, "big") < most
                split.documents["held_out" if apart else "train"] += 1
                (held if apart else train).write(lines)
                if apart:
                    split.first.append(split.first[-1] + end - begin)
    if not split.documents["train"]:
        raise UsageError("there is no text to train on: no document with a word, or all of them held out")
    return split


def _prepare_tokenizer(work: Path, settings: Settings) -> Path | None:
    """The file of the tokenizer to use, trained if asked for."""
    if settings.tokenizer is not None:
        return local_model(settings.tokenizer)
    if settings.pieces is None:
        return None
    try:
        import sentencepiece
    except ImportError as error:
        raise UsageError("training a tokenizer needs: pip install 'textmill[sentencepiece]'") from error
    target = work / "tokenizer.spm"
    with (work / "train.txt").open("rb") as lines, target.open("wb") as stream:
        try:
            sentencepiece.SentencePieceTrainer.Train(
                sentence_iterator=_stretches(lines),
                model_writer=stream,
                model_type="unigram",
                vocab_size=settings.pieces,
                character_coverage=0.9995,
                hard_vocab_limit=False,
                num_threads=1,
                minloglevel=2,
            )
        except (RuntimeError, OSError) as error:
            raise UsageError(f"SentencePiece cannot make a tokenizer of this text: {error}") from error
    return target


def _stretches(lines: IO[bytes]) -> Iterator[str]:
    """The lines, cut at spaces where they are long."""
    for line in lines:
        rest = line.strip(b"\n")
        while len(rest) > _LONGEST:
            cut = rest.rfind(b" ", 0, _LONGEST) + 1 or _LONGEST
            yield rest[:cut].decode("utf-8", "ignore")
            rest = rest[cut:]
        yield rest.decode("utf-8", "ignore")


def _tokenize(file: Path, tokenizer: Path) -> None:
    """Split the sentences of a file into the tokenizer's pieces."""
    processor = read_tokenizer(tokenizer)
    split = file.with_suffix(".pieces")
    with file.open(encoding="utf-8", newline="\n") as lines, split.open("w", encoding="utf-8", newline="\n") as out:
        out.writelines(" ".join(processor.encode(line.rstrip("\n"), out_type=str)) + "\n" for line in lines)
    split.replace(file)


def _run_lmplz(lmplz: Path, work: Path, settings: Settings) -> tuple[int, int]:
    """Make `model.arpa`; returns the tokens and the different ones that it was made of."""
    command: list[object] = [lmplz, "-o", settings.order, "-S", settings.memory, "-T", f"{work}/", "--skip_symbols"]
    command += ["--text", work / "train.txt", "--arpa", work / "model.arpa"]
    command += ["--prune", *settings.prune] if settings.prune else []
    command += ["--discount_fallback"] if settings.discount_fallback else []
    done = _run(command)
    if done.returncode and "BadDiscountException" in done.stderr:
        raise UsageError(
            "Kneser-Ney smoothing cannot estimate its discounts: the text is too little, artificial or full of "
            "repetitions. Give more text, or pass --discount-fallback for fixed discounts. "
            f"lmplz said: {_last_words(done)}"
        )
    counts = re.search(r"Unigram tokens (\d+) types (\d+)", done.stderr)
    if done.returncode or counts is None:
        raise UsageError(f"lmplz could not make a model with {settings.memory} of memory: {_last_words(done)}")
    return int(counts[1]), int(counts[2]) - _SPECIAL


def _card(settings: Settings, split: _Split, work: Path, model: LanguageModel) -> dict[str, Any]:
    """What was trained on what, and how well it foresees the text held out."""
    texts = (work / "held.txt").read_bytes().splitlines()
    counts = np.array([len(text.split()) for text in texts], np.int64)
    words = Counter(word for text in texts for word in text.split())
    log10 = log10_probabilities(model.kenlm, texts, counts)
    length = counts + 1
    documents = split.documents
    card: dict[str, Any] = {
        "kind": "perplexity",
        "order": model.kenlm.order,
        "normalize": settings.normalize,
        "sentences": settings.unit,
        "tokenizer": model.tokenizer is not None,
        "pieces": model.tokenizer.get_piece_size() if model.tokenizer is not None else None,
        "prune": settings.prune,
        "quantize": settings.quantize,
        "discount_fallback": settings.discount_fallback,
        "held_out_share": settings.held_out,
        "seed": settings.seed,
        "kenlm": version("kenlm"),
        "trained_on": {"documents": documents["train"], "tokens": split.tokens, "vocabulary": split.vocabulary},
        "left_out": {"duplicates": documents["duplicate"], "without_words": documents["empty"]},
        "held_out": None,
    }
    if texts:
        sums = [np.add.reduceat(part, split.first[:-1]) for part in (log10, length)]
        marks = np.percentile(perplexity(sums[0], sums[1]), PERCENTILES)
        unknown = sum(times for word, times in words.items() if word not in model.kenlm)
        card["held_out"] = {
            "documents": documents["held_out"],
            "tokens": int(length.sum()),
            "perplexity": float(10 ** (-log10.sum() / length.sum())),
            "unknown_words": unknown / max(words.total(), 1),
            "document_perplexity_percentiles": dict(zip(map(str, PERCENTILES), marks.round(2).tolist(), strict=True)),
        }
    return card


def _run(command: Iterable[object]) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)


def _last_words(done: subprocess.CompletedProcess[str]) -> str:
    said = [line for line in done.stderr.splitlines() if line and not line.startswith(("-", "*", "=", "Chain"))]
    words = " ".join(said[-3:]) or f"it ended with {done.returncode}"
    return re.sub(r"\S+:\d+ in .*? threw .*? because `.*?'\. ", "", words)  # what follows tells people enough


def _deliver(file: Path, target: str) -> None:
    with file.open("rb") as source, write_whole(target) as stream:
        shutil.copyfileobj(source, stream, 1 << 20)
