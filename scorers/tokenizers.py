"""Tokenizers by file: each loaded once a worker, each a function from texts to numbers of tokens."""

import base64
import binascii
from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from textmill.pipeline.errors import ModelError
from textmill.pipeline.models import local_model

Count = Callable[[Sequence[str]], list[int]]

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


@cache
def load_tokenizer(tokenizer: str, pattern: str = "") -> Count:
    """A function that counts the tokens of texts, without any that mark beginning or end.

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


def _tokenizers(module: Any, path: Path, _: str) -> Count:
    tokenizer = module.Tokenizer.from_file(str(path))
    tokenizer.no_truncation()  # files of trained models often cut to their context, or fill up to it
    tokenizer.no_padding()

    def count(texts: Sequence[str]) -> list[int]:
        encoded = tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        return [len(one.ids) for one in encoded]

    return count


def _tiktoken(module: Any, path: Path, pattern: str) -> Count:
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

    def count(texts: Sequence[str]) -> list[int]:
        return [len(encoding.encode_ordinary(text)) for text in texts]

    return count


def _sentencepiece(module: Any, path: Path, _: str) -> Count:
    processor = module.SentencePieceProcessor(model_file=str(path))

    def count(texts: Sequence[str]) -> list[int]:
        return [len(ids) for ids in processor.encode(list(texts), out_type=int, num_threads=1)]

    return count


_LOADERS: Final = {"tokenizers": _tokenizers, "tiktoken": _tiktoken, "sentencepiece": _sentencepiece}
