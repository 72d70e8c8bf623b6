"""Trains a quality classifier on documents of two kinds, and holds some out to say how good it is."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from operator import attrgetter
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from textmill.pipeline import schema
from textmill.pipeline.errors import InputError, UsageError
from textmill.scorers.fasttext import PREFIX, lines_of
from textmill.scorers.quality import NEGATIVE, POSITIVE, score_lines
from textmill.scorers.quality_card import PERTURBATIONS, HeldOut, Json, Scored, Scores, judge_scores, stability
from textmill.scorers.quality_sample import Both, Gathered, Part, Rows, split, without_twins

SEEN, MOST_EPOCHS = 100_000, 50
"""On 750 real documents a class the held-out AUC was 0.81 after 5 epochs, 0.96 after 25, 0.977 after 50 and 100."""
LEAST: Final = 10
"""Documents of each class without which there is nothing to learn, or to test on a tenth."""
PERTURBED: Final = 1000
"""Held-out documents of each class that the stability of scores is measured on."""
FREQUENT, WORDS = 5000, 20
"""How many of the most frequent words are weighed, and how many of most weight the card names for each class."""


@dataclass(frozen=True)
class Settings:
    """How to train. Names and defaults are fastText's, but for `epoch`, `word_ngrams` and what follows `threads`.

    epoch: null is fastText's 5, or as many as show it `SEEN` documents in all, `MOST_EPOCHS` at most: of few documents
    it learns next to nothing in 5.

    With one thread the same documents give the same model, byte for byte; with more they do not. Nor with
    `autotune`, seconds to look for better settings in, which ends by the clock; `dim` and `bucket` are not looked for.
    """

    lr: float = 0.1
    epoch: int | None = None
    dim: int = 100
    word_ngrams: int = 2
    min_count: int = 1
    bucket: int = 2_000_000
    threads: int = 1
    seed: int = 0
    holdout: float = 0.1
    balance: bool = True
    autotune: int | None = None
    quantize: bool = False
    cutoff: int = 100_000


@dataclass(frozen=True)
class Trained:
    """A model file, and its card: what it was made of and what it can do."""

    model: Path
    card: Json


def train_quality(both: Both, work: Path, settings: Settings) -> Trained:
    """Train on positives and negatives; files go to `work`.

    Raises InputError for too few documents, UsageError when fastText cannot train with these settings.
    """
    for label, gathered in zip((POSITIVE, NEGATIVE), both, strict=True):
        if gathered.table.num_rows < LEAST:
            raise InputError(f"{gathered.table.num_rows} {label} documents with text; it takes at least {LEAST}")
    single, reasons = without_twins(both)
    parts = split(both, single, share=settings.holdout, seed=settings.seed)
    train, held_out = parts.train, parts.held_out
    if settings.balance:
        train, held_out = train.balanced(), held_out.balanced()
    if not (train.smaller() and held_out.smaller()):
        raise InputError("too few different documents: without twins, a class has none to learn from or to test on")
    model, card = _fit(both, train, work, settings)
    tested = _test(model, both, held_out)
    path = work / "model.bin"
    model.save_model(str(path))
    if settings.quantize:
        path, tested, card["quantized"] = _quantized(model, tested, (both, held_out), work, settings)
    steady = _stability(model, tested, both, held_out)
    data = [
        _about(gathered, why, [part_of(part) for part in (single, train, held_out)], sites)
        for gathered, why, part_of, sites in zip(
            both, reasons, (attrgetter("positive"), attrgetter("negative")), parts.divided_sites, strict=True
        )
    ]
    about = {
        "labels": [POSITIVE, NEGATIVE],
        "bytes": path.stat().st_size,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "fasttext": version("fasttext-community"),
        "settings": asdict(settings),
        "data": dict(zip((POSITIVE, NEGATIVE), data, strict=True)),
    }
    return Trained(path, {**about, **card, **judge_scores(tested), "stability": steady, "words": _words(model)})


def _fit(both: Both, train: Part, work: Path, settings: Settings) -> tuple[Any, Json]:
    """The model; the arguments that it was trained with in the end, and a digest of what it saw."""
    import fasttext

    path = work / "train.txt"
    options: Json = {"dim": settings.dim, "bucket": settings.bucket}
    if settings.autotune is None:
        enough = min(MOST_EPOCHS, max(5, SEEN // (len(train.positive) + len(train.negative))))
        options |= {"lr": settings.lr, "epoch": settings.epoch or enough, "minCount": settings.min_count}
        options |= {"wordNgrams": settings.word_ngrams}
    else:
        train, validation, _ = split(both, train, share=settings.holdout, seed=settings.seed + 1)
        _write(work / "validation.txt", both, validation)
        options |= {"autotuneValidationFile": str(work / "validation.txt"), "autotuneDuration": settings.autotune}
    digest = _write(path, both, train)
    try:
        model = fasttext.train_supervised(str(path), thread=settings.threads, seed=settings.seed, verbose=0, **options)
    except (ValueError, RuntimeError, MemoryError) as error:
        raise UsageError(f"fastText cannot train with these settings: {error}") from error
    used = model.f.getArgs()
    names = ("lr", "epoch", "dim", "wordNgrams", "minCount", "bucket", "minn", "maxn")
    return model, {"trained_with": {name: getattr(used, name) for name in names}, "training_digest": digest}


def _write(path: Path, both: Both, part: Part) -> str:
    """A line a document, the classes well mixed; returns a digest of them."""
    state = hashlib.blake2b(digest_size=16)
    with path.open("wb") as stream:
        for label, line in _mixed(both, part):
            content = f"{PREFIX}{label} ".encode() + line
            state.update(content)
            stream.write(content)
    return state.hexdigest()


def _mixed(both: Both, part: Part) -> Iterator[tuple[str, bytes]]:
    """Labels and lines of the documents, in turns by the sizes of the classes: fastText learns in this order."""
    classes = ((POSITIVE, both[0], part.positive), (NEGATIVE, both[1], part.negative))
    turns = np.concatenate([(np.arange(len(rows)) + 0.5) / max(1, len(rows)) for *_, rows in classes])
    lines = [_lines(gathered, rows) for _, gathered, rows in classes]
    for turn in np.argsort(turns, kind="stable"):
        which = int(turn >= len(part.positive))
        yield classes[which][0], next(lines[which])


def _lines(gathered: Gathered, rows: Rows) -> Iterator[bytes]:
    """Documents as the scorer reads them; without the words that it passes over, which would be labels here."""
    for texts in gathered.texts(rows):
        for line in lines_of(texts):
            yield _LABEL.sub(b"", line) if PREFIX.encode() in line else line


_LABEL: Final = re.compile(rb"(?<![^ \n\r\t\v\f\0])__label__[^ \n\r\t\v\f\0]*")


def _scores(model: Any, lines: Iterable[bytes]) -> Scores:
    (column,) = score_lines(model, lines, [[POSITIVE]])
    return np.array(column, np.float64)


def _test(model: Any, both: Both, held_out: Part) -> HeldOut:
    return HeldOut(_scored(model, both[0], held_out.positive), _scored(model, both[1], held_out.negative))


def _scored(model: Any, gathered: Gathered, rows: Rows) -> Scored:
    table = gathered.table.take(pa.array(rows))
    scores = _scores(model, (line for texts in gathered.texts(rows) for line in lines_of(texts)))
    return Scored(
        scores,
        table.column(schema.CHARS).to_numpy(),
        table.column(schema.SOURCE).to_pylist(),
        table.column(schema.LANGUAGE).to_pylist(),
    )


def _quantized(
    model: Any, tested: HeldOut, held_out: tuple[Both, Part], work: Path, settings: Settings
) -> tuple[Path, HeldOut, Json]:
    """Compress the model (Joulin et al. 2016, FastText.zip): product quantisation of the rows of largest norm."""
    whole, path = work / "model.bin", work / "model.ftz"
    model.quantize(
        str(work / "train.txt"), cutoff=settings.cutoff, retrain=True, qnorm=True, thread=settings.threads, verbose=0
    )
    model.save_model(str(path))
    again = _test(model, *held_out)
    loss: Json = {"bytes_before": whole.stat().st_size, "bytes_after": path.stat().st_size}
    for when, result in (("before", tested), ("after", again)):
        measured = judge_scores(result)["held_out"]
        loss |= {f"{name}_{when}": measured[name] for name in ("auc", "f1")}
    return path, again, loss


def _stability(model: Any, tested: HeldOut, both: Both, held_out: Part) -> Json:
    """How much harmless changes move the scores of some of the held-out documents."""
    classes = ((both[0], held_out.positive, tested.positive), (both[1], held_out.negative, tested.negative))
    before: list[Scores] = []
    after: dict[str, list[Scores]] = {name: [] for name in PERTURBATIONS}
    for gathered, rows, scored in classes:
        texts = [text for part in gathered.texts(rows[:PERTURBED]) for text in part.to_pylist()]
        before.append(scored.scores[:PERTURBED])
        for name, change in PERTURBATIONS.items():
            changed = pa.array([change(text) for text in texts], pa.large_string())
            after[name].append(_scores(model, lines_of(changed)))
    every = np.concatenate([tested.positive.scores, tested.negative.scores])
    return stability(np.concatenate(before), {name: np.concatenate(parts) for name, parts in after.items()}, every)


def _words(model: Any) -> Json:
    """The frequent words that, alone in a document, score highest and lowest: artefacts of a source show here."""
    words = [word for word in model.f.getVocab("replace")[0] if word != "</s>"][:FREQUENT]
    scores = _scores(model, [f"{word}\n".encode() for word in words])
    order = np.argsort(-scores, kind="stable")
    return {POSITIVE: [words[i] for i in order[:WORDS]], NEGATIVE: [words[i] for i in order[::-1][:WORDS]]}


def _about(gathered: Gathered, reasons: Counter[str], parts: Sequence[Rows], divided_sites: int) -> Json:
    """What became of the documents of a class; `parts`: those that are no twins, to learn from, to test on."""
    single, train, held_out = map(len, parts)
    surplus = single - train - held_out
    return {
        "read": gathered.read,
        "blank": gathered.blank,
        "not_sampled": gathered.read - gathered.blank - gathered.table.num_rows,
        "dropped": {**dict(sorted(reasons.items())), **({"surplus": surplus} if surplus else {})},
        "train": train,
        "held_out": held_out,
        "sites_on_both_sides": divided_sites,
    }
