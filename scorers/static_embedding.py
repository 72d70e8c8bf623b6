"""Static embeddings: a vector for each token, averaged over a document; numpy and a tokenizer, no network.

Files are those of model2vec (https://github.com/MinishLab/model2vec), also as sentence-transformers lays them out:
`tokenizer.json`, and `model.safetensors` with `embeddings` or `embedding.weight`, a row a token; where the vocabulary
is quantised, `mapping` tells the row of each token and `weights` what it counts.
"""

import json
from collections.abc import Sequence
from functools import cache
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from textmill.pipeline.errors import InputError, ModelError
from textmill.pipeline.io.files import exists, join
from textmill.pipeline.models import local_model
from textmill.scorers.safetensors import read_tensors
from textmill.scorers.tokenizers import Encode, open_tokenizer

Vectors = npt.NDArray[np.float32]

_TOKENIZER: Final = "tokenizer.json"
_TENSORS: Final = "model.safetensors"
_NESTED: Final = "0_StaticEmbedding"
"""The folder in which sentence-transformers keeps both."""
CHARS_A_TOKEN: Final = 16
"""So many characters a token that may count are looked at: a long text is not split for its first tokens."""
_CHUNK: Final = 256


class StaticModel(NamedTuple):
    """vectors: shape (rows, dimensions). row, weight: of each token, or None. unknown: the token to pass over."""

    encode: Encode
    vectors: Vectors
    row: npt.NDArray[np.int64] | None
    weight: Vectors | None
    unknown: int | None

    def embed(self, texts: Sequence[str], max_tokens: int | None) -> list[Vectors | None]:
        """Unit vectors, None for a text without a known token; each depends on its text alone."""
        if max_tokens is not None:
            texts = [text[: CHARS_A_TOKEN * max_tokens] for text in texts]
        found: list[Vectors | None] = []
        for start in range(0, len(texts), _CHUNK):
            found += [self._mean(ids, max_tokens) for ids in self.encode(texts[start : start + _CHUNK])]
        return found

    def _mean(self, ids: list[int], max_tokens: int | None) -> Vectors | None:
        tokens = np.array(ids, np.int64)
        tokens = tokens[tokens != self.unknown][:max_tokens] if self.unknown is not None else tokens[:max_tokens]
        if not len(tokens):
            return None
        vectors = self.vectors[tokens if self.row is None else self.row[tokens]]
        if self.weight is not None:
            vectors = vectors * self.weight[tokens][:, None]
        total = vectors.sum(axis=0, dtype=np.float64)
        length = float(np.sqrt((total * total).sum()))
        return (total / length).astype(np.float32) if 0 < length < np.inf else None


def static_files(model: str) -> tuple[str, ...]:
    """The files of a model: a folder, or the URL of one."""
    folder = join(model, _NESTED) if exists(join(model, _NESTED, _TENSORS)) else model
    return (join(folder, _TOKENIZER), join(folder, _TENSORS))


@cache
def load_static(model: str) -> StaticModel:
    """Load a model, once a process. Raises ModelError when a file is missing or damaged, or both do not fit."""
    try:
        tokenizer_file, tensors_file = static_files(model)
    except (InputError, OSError) as error:
        raise ModelError(f"{model}: cannot be read: {error}") from error
    tokenizer = open_tokenizer(tokenizer_file)
    path = local_model(tensors_file)
    tensors = read_tensors(path)
    vectors = tensors.get("embeddings", tensors.get("embedding.weight"))
    if vectors is None or vectors.ndim != 2:
        raise ModelError(f"{path}: no static embeddings: it holds {', '.join(tensors) or 'nothing'}")
    row, weight = tensors.get("mapping"), tensors.get("weights")
    for name, part in (("vectors", vectors if row is None else row), ("weights", weight)):
        if part is not None and len(part) < tokenizer.size:
            raise ModelError(f"{path}: {len(part)} {name} for {tokenizer.size} tokens of the tokenizer")
    if row is not None and (row.min() < 0 or row.max() >= len(vectors)):
        raise ModelError(f"{path}: a token has a row that is not there")
    unknown = json.loads(local_model(tokenizer_file).read_bytes())["model"].get("unk_token")
    return StaticModel(
        tokenizer.encode,
        vectors.astype(np.float32),
        None if row is None else row.astype(np.int64),
        None if weight is None else weight.astype(np.float32),
        tokenizer.number(unknown) if unknown else None,
    )
