"""`embedding`: what a document is about as a vector of length 1, for `semantic` and for clustering."""

from functools import cache
from typing import Any, Final, Literal

import numpy as np
import pyarrow as pa
from pydantic import Field

from textmill.pipeline import schema
from textmill.pipeline.errors import ModelError
from textmill.pipeline.step import Scorer
from textmill.scorers.checkpoints import checkpoint_files, checkpoint_folder, import_extra, import_torch
from textmill.scorers.fasttext import texts_of
from textmill.scorers.static_embedding import Vectors, load_static, static_files

SIZES: Final = {"float32": (np.float32, pa.float32()), "float16": (np.float16, pa.float16())}


class Embedding(Scorer):
    """Add the embedding of each document, a list of numbers whose squares are 1 in all.

    A null text, and one of which the model knows nothing, has none (null). What comes after `max_tokens` is not
    looked at.
    """

    model: str = Field(description="folder of a model; for static also its URL")
    engine: Literal["static", "sentence-transformers"] = Field(
        "static",
        description="static: the mean of vectors of tokens, as model2vec's. sentence-transformers: a neural network",
    )
    column: str = Field("embedding", min_length=1, description="name of the new column")
    max_tokens: int | None = Field(
        512, ge=1, description="first tokens that count; null: all, or as many as a neural network can read"
    )
    precision: Literal["float32", "float16"] = Field("float32", description="type of the numbers")
    batch_size: int = Field(32, ge=1, description="documents that a neural network reads at once")

    def adds(self) -> frozenset[str]:
        """The embedding."""
        return frozenset({self.column})

    def depends_on(self) -> tuple[str, ...]:
        """The model's files."""
        return static_files(self.model) if self.engine == "static" else checkpoint_files(self.model)

    def libraries(self) -> tuple[str, ...]:
        """What runs the model."""
        return ("tokenizers",) if self.engine == "static" else ("sentence-transformers", "torch", "transformers")

    def uses_gpu(self) -> bool:
        """A neural network does."""
        return self.engine == "sentence-transformers"

    def prepare(self) -> None:
        """Load the model. Raises ModelError."""
        if self.engine == "static":
            load_static(self.model)
        else:
            load_sentence_transformer(self.model)

    def score(self, batch: pa.RecordBatch) -> dict[str, pa.Array]:
        """One column: list<float32> or list<float16>."""
        texts = texts_of(batch.column(schema.TEXT))
        if self.engine == "static":
            found = load_static(self.model).embed(texts, self.max_tokens)
        else:
            found = self._encode(load_sentence_transformer(self.model), texts)
        return {self.column: _lists(found, self.precision)}

    def tally(self, batch: pa.RecordBatch) -> dict[str, int]:
        """Documents without embedding."""
        return {"without_embedding": batch.column(self.column).null_count}

    def _encode(self, model: Any, texts: list[str]) -> list[Vectors | None]:
        """Unit vectors of the texts that are not blank; the library reads them in the order of their length."""
        present = [row for row, text in enumerate(texts) if text.strip()]
        found: list[Vectors | None] = [None] * len(texts)
        own = model.max_seq_length
        model.max_seq_length = min(self.max_tokens or own, own) if own else self.max_tokens
        try:
            vectors = model.encode(
                [texts[row] for row in present],
                batch_size=self.batch_size,
                normalize_embeddings=True,
                convert_to_numpy=True,
                show_progress_bar=False,
            )
        finally:
            model.max_seq_length = own
        for row, vector in zip(present, vectors, strict=True):
            if np.isfinite(vector).all():
                found[row] = vector
        return found


@cache
def load_sentence_transformer(model: str) -> Any:
    """A model from its folder, or from Hugging Face's cache; on a GPU where there is one. Raises ModelError."""
    module = import_extra("sentence_transformers", "sentence-transformers", "engine sentence-transformers")
    folder = checkpoint_folder(model)
    import_torch("sentence-transformers")
    try:
        return module.SentenceTransformer(str(folder), local_files_only=True)
    except Exception as error:  # whatever the library finds wrong with a folder
        raise ModelError(f"{model}: sentence-transformers cannot load it: {error}") from error


def _lists(vectors: list[Vectors | None], precision: str) -> pa.Array:
    number, kind = SIZES[precision]
    present = [vector for vector in vectors if vector is not None]
    sizes = [0 if vector is None else len(vector) for vector in vectors]
    values = np.concatenate(present).astype(number) if present else np.empty(0, number)
    offsets = np.cumsum([0, *sizes]).astype(np.int32)
    absent = pa.array([vector is None for vector in vectors], pa.bool_())
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(values, kind), mask=absent)
