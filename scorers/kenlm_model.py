"""kenlm language models for scorers: a model with the form of text that it was trained on, loaded once a worker.

`textmill train perplexity` leaves three files: the model, its card (the same name and ``.json``) and, where asked for,
its tokenizer (``.spm``). A model from elsewhere has no card: the parameters of the step say what it needs.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, ValidationError

from textmill.pipeline.errors import InputError, ModelError
from textmill.pipeline.io.files import exists, read_text
from textmill.pipeline.kernels import kernel
from textmill.pipeline.models import local_model, model_path
from textmill.scorers.kenlm_text import Normalization, Unit, read_sentences

_MANY: Final = 8192
_PART: Final = 2048
"""A sentence of more than `_MANY` tokens is scored in parts: kenlm adds up in single precision, which drifts."""


class Card(BaseModel):
    """What `textmill train perplexity` notes of a model, as far as scoring needs it."""

    model_config = ConfigDict(extra="allow")

    normalize: Normalization = "cc_net"
    sentences: Unit = "document"
    tokenizer: bool = False
    threshold: float | None = None


@dataclass(frozen=True)
class LanguageModel:
    """A kenlm model, a SentencePiece model or None, and how to prepare text for them."""

    kenlm: Any
    tokenizer: Any
    normalize: Normalization
    unit: Unit

    def tokenize(self, column: pa.Array) -> "Tokens":
        """The sentences of a text column as kenlm takes them."""
        first, texts, words = read_sentences(column, self.normalize, self.unit)
        if self.tokenizer is not None:
            pieces = self.tokenizer.encode([text.decode() for text in texts], out_type=str)
            texts = [" ".join(tokens).encode() for tokens in pieces]
            words = np.fromiter(map(len, pieces), np.int64, len(pieces))
        return Tokens(first, texts, words)


@dataclass(frozen=True)
class Tokens:
    """Sentences of documents; those of document i stand at ``first[i]:first[i + 1]`` of the others.

    first: int64, length n + 1. texts: tokens between spaces, UTF-8. counts: int64, tokens of each.
    """

    first: npt.NDArray[np.int64]
    texts: Sequence[bytes]
    counts: npt.NDArray[np.int64]


def card_of(model: str) -> Card:
    """The card beside a model, or one of defaults. Raises ModelError for a file that is no card."""
    path = card_path(model)
    if not exists(path):
        return Card()
    try:
        return Card.model_validate(json.loads(read_text(path)))
    except (ValueError, ValidationError, InputError) as error:
        raise ModelError(f"{path}: not the card of a perplexity model: {error}") from error


def card_path(model: str) -> str:
    """Where the card of a model is, if it has one."""
    return f"{model_path(model)}.json"


def tokenizer_path(model: str) -> str:
    """Where the tokenizer trained with a model is, if it has one."""
    return f"{model_path(model)}.spm"


def files_of(model: str, tokenizer: str | None) -> tuple[str, ...]:
    """The files that determine what a model gives: model, card, tokenizer."""
    files = [model_path(model)]
    if exists(card_path(model)):
        files.append(card_path(model))
    if tokenizer is None and card_of(model).tokenizer:
        tokenizer = tokenizer_path(model)
    return (*files, *([tokenizer] if tokenizer else []))


@cache
def load_model(model: str, tokenizer: str | None, normalize: Normalization | None, unit: Unit | None) -> LanguageModel:
    """The model of a path or URL; what is None is as its card says, or as with CCNet where it has none.

    Raises ModelError when a file is missing, damaged or of another kind, or the extra `sentencepiece` is needed.
    """
    card = card_of(model)
    if tokenizer is None and card.tokenizer:
        tokenizer = tokenizer_path(model)
    return LanguageModel(
        load_kenlm(model), tokenizer and load_tokenizer(tokenizer), normalize or card.normalize, unit or card.sentences
    )


@cache
def load_kenlm(model: str) -> Any:
    """The kenlm model itself, binary or ARPA, of a path or URL. Raises ModelError when it is missing or damaged."""
    return read_kenlm(local_model(model))


@cache
def load_tokenizer(tokenizer: str) -> Any:
    """A SentencePiece model of a path or URL. Raises ModelError as `read_tokenizer`, or when it is missing."""
    return read_tokenizer(local_model(tokenizer))


def read_kenlm(path: Path) -> Any:
    """The kenlm model in a file. Raises ModelError when it is damaged."""
    import kenlm

    config = kenlm.Config()
    config.show_progress = False
    config.arpa_complain = kenlm.ARPALoadComplain.NONE
    try:
        return kenlm.Model(str(path), config)
    except (OSError, RuntimeError, MemoryError) as error:
        raise ModelError(f"{path}: kenlm cannot read it, a damaged file or no language model: {error}") from error


def read_tokenizer(path: Path) -> Any:
    """The SentencePiece model in a file. Raises ModelError when it is damaged, or the package is not installed."""
    try:
        import sentencepiece
    except ImportError as error:
        raise ModelError("a tokenizer needs: pip install 'textmill[sentencepiece]'") from error
    processor = sentencepiece.SentencePieceProcessor()
    content = path.read_bytes()
    try:
        processor.LoadFromSerializedProto(content)
    except (OSError, RuntimeError) as error:
        raise ModelError(f"{path}: not a SentencePiece model: {error}") from error
    if not content or processor.get_piece_size() == 0:
        raise ModelError(f"{path}: not a SentencePiece model: it is empty")
    return processor


def log10_probability(model: Any, text: bytes, tokens: int) -> float:
    """What kenlm's `score` gives for a sentence: the sum of log10 p of its tokens and of its end.

    A sentence of very many tokens is asked for in parts, each with the context that the model looks at, and
    added up in double precision.
    """
    if tokens <= _MANY:
        return float(model.score(text))
    context = model.order - 1
    bounds = _token_starts(np.frombuffer(text, np.uint8))
    total = 0.0
    for begin, end in pairwise([*range(0, tokens, _PART), tokens]):
        seen = text[bounds[max(begin - context, 0)] : bounds[begin]]
        part = seen + text[bounds[begin] : bounds[end]]
        total += model.score(part) - (model.score(seen, eos=False) if begin else 0.0)
        if end < tokens:  # what comes next is no end of sentence
            last = text[bounds[end - context] : bounds[end]]
            total -= model.score(last, bos=False) - model.score(last, bos=False, eos=False)
    return total


@kernel
def _token_starts(text: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """Where each token begins, and where the text ends."""
    starts = np.empty(len(text) // 2 + 2, np.int64)
    count, before = 0, np.uint8(0x20)
    for at in range(len(text)):
        if before == 0x20 and text[at] != 0x20:
            starts[count] = at
            count += 1
        before = text[at]
    starts[count] = len(text)
    return starts[: count + 1]
