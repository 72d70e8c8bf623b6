"""Tokenizers by file: each loaded once a worker, each a function from texts to tokens, or to their number."""

import base64
import binascii
from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Final, NamedTuple

from textmill.pipeline.errors import ModelError
from textmill.pipeline.models import local_model

Count = Callable[[Sequence[str]], list[int]]
Encode = Callable[[Sequence[str]], list[list[int]]]

KINDS: Final = {".json": "tokenizers", ".tiktoken": "tiktoken", ".model": "sentencepiece"}
"""Endings of tokenizer files, and the library that reads each."""

PATTERNS: Final = {
    "gpt2": r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s",
    "cl100k_base": (
        r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+"
        r"|\s++$|\s*[\r\n]|\s+(?!\S)|\s"
    ),
    "o200k_base": (
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
        r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
        r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    ),
}
"""How tiktoken's encodings split text before they join bytes; a file of ranks does not say."""


def library_of(tokenizer: str) -> str:
    """The distribution that reads a tokenizer file. Raises ModelError for a name that is none."""
    library = KINDS.get(Path(tokenizer).suffix)
    if library is None:
        known = ", ".join(f"*{ending} ({library})" for ending, library in KINDS.items())
        name = "tiktoken fetches encodings by name from the net; save its file as" if tokenizer in PATTERNS else ""
        advice = f"; {name} {tokenizer}.tiktoken, and name that" if name else ""
        raise ModelError(f"{tokenizer!r} is no tokenizer file; known are {known}{advice}")
    return library


class Tokenizer(NamedTuple):
    """A tokenizer: texts to numbers of tokens, of which there are `size`; a token's number by its name, or None."""

    encode: Encode
    size: int
    number: Callable[[str], int | None]


@cache
def load_tokenizer(tokenizer: str, pattern: str = "") -> Count:
    """A function that counts the tokens of texts, as `open_tokenizer` gives them. Raises ModelError as it does."""
    encode = open_tokenizer(tokenizer, pattern).encode
    return lambda texts: [len(ids) for ids in encode(texts)]


@cache
def open_tokenizer(tokenizer: str, pattern: str = "") -> Tokenizer:
    """A tokenizer that adds nothing to a text, neither at its beginning nor at its end.

    pattern: how tiktoken splits text; by default that of the encoding that the file is named after.
    Raises ModelError for a library or file that is missing, and for a file that it cannot read.
    """
    library = library_of(tokenizer)
    try:
        module = import_module(library)
    except ImportError:
        hint = f"pip install 'textmill[{library}]'"
        raise ModelError(f"{tokenizer}: needs {library}, which is not installed; {hint}") from None
    path = local_model(tokenizer)
    try:
        return _LOADERS[library](module, path, pattern)
    except ModelError:
        raise
    except Exception as error:  # each library has exceptions of its own for a file that is no tokenizer
        raise ModelError(f"{path}: {library} cannot read this tokenizer: {error}") from error


def _tokenizers(module: Any, path: Path, _: str) -> Tokenizer:
    tokenizer = module.Tokenizer.from_file(str(path))
    tokenizer.no_truncation()  # files of trained models often cut to their context, or fill up to it
    tokenizer.no_padding()

    def encode(texts: Sequence[str]) -> list[list[int]]:
        return [one.ids for one in tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)]

    return Tokenizer(encode, tokenizer.get_vocab_size(), tokenizer.token_to_id)


def _tiktoken(module: Any, path: Path, pattern: str) -> Tokenizer:
    name = pattern or path.stem
    if not pattern and name not in PATTERNS:
        known = ", ".join(PATTERNS)
        raise ModelError(f"{path}: say how it splits text: pattern: {known}, or a regular expression")
    ranks = {}
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        try:
            token, rank = line.split()
            ranks[base64.b64decode(token, validate=True)] = int(rank)
        except (ValueError, binascii.Error) as error:
            raise ModelError(f"{path}: line {number} is not a token in base64 and its rank") from error
    encoding = module.Encoding(path.stem, pat_str=PATTERNS.get(name, name), mergeable_ranks=ranks, special_tokens={})

    def encode(texts: Sequence[str]) -> list[list[int]]:
        return [encoding.encode_ordinary(text) for text in texts]

    return Tokenizer(encode, max(ranks.values()) + 1, lambda name: ranks.get(name.encode()))


def _sentencepiece(module: Any, path: Path, _: str) -> Tokenizer:
    processor = module.SentencePieceProcessor(model_file=str(path))

    def encode(texts: Sequence[str]) -> list[list[int]]:
        return list(processor.encode(list(texts), out_type=int, num_threads=1))

    def number(name: str) -> int | None:
        found = int(processor.piece_to_id(name))
        return None if found == processor.unk_id() and name != processor.id_to_piece(found) else found

    return Tokenizer(encode, processor.vocab_size(), number)


_LOADERS: Final = {"tokenizers": _tokenizers, "tiktoken": _tiktoken, "sentencepiece": _sentencepiece}
