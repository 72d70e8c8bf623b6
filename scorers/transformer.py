"""`transformer`: what a neural classifier says of a document, such as a model distilled from the ratings of another."""

from collections.abc import Sequence
from functools import cache
from typing import Any, Final, Literal, NamedTuple, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field, model_validator

from textmill.pipeline import schema
from textmill.pipeline.errors import ModelError, did_you_mean
from textmill.pipeline.step import Scorer
from textmill.scorers.checkpoints import checkpoint_files, checkpoint_folder, import_torch
from textmill.scorers.fasttext import texts_of

Floats = npt.NDArray[np.float64]

DECIMALS: Final = 4
"""A score is rounded to so many: what is added up in another order, in another batch, differs in the seventh."""
CHARS_A_TOKEN: Final = 16
"""So many characters a token that may count are given to the tokenizer."""


class Transformer(Scorer):
    """Add a score by a sequence classifier in Hugging Face's format, such as the raters of FineWeb-Edu or Meta-rater.

    regression: the model's only output. softmax and sigmoid: the probability of `label`. expected: the mean of the
    labels' numbers, 0 for the first, by their probabilities. The first `max_tokens` of a document are read; a blank
    document has no score (null).
    """

    model: str = Field(description="folder of a checkpoint, or its name in Hugging Face's cache on this machine")
    output: Literal["regression", "softmax", "sigmoid", "expected"] = Field(
        "regression", description="how outputs become a score"
    )
    label: str | int | None = Field(None, description="name or number of the label, for softmax and sigmoid")
    column: str = Field("transformer", min_length=1, description="name of the new column")
    max_tokens: int = Field(512, ge=2, description="tokens that are read, those that mark the ends included")
    batch_size: int = Field(16, ge=1, description="documents that are read at once")
    precision: Literal["float32", "bfloat16"] = Field("float32", description="of the computation")

    @model_validator(mode="after")
    def _a_label_where_one_is_asked_for(self) -> Self:
        if (self.output in ("softmax", "sigmoid")) != (self.label is not None):
            raise ValueError("give a label for softmax and sigmoid, and for nothing else")
        return self

    def adds(self) -> frozenset[str]:
        """The score."""
        return frozenset({self.column})

    def depends_on(self) -> tuple[str, ...]:
        """The files of the checkpoint."""
        return checkpoint_files(self.model)

    def libraries(self) -> tuple[str, ...]:
        """What runs the model."""
        return ("tokenizers", "torch", "transformers")

    def uses_gpu(self) -> bool:
        """Always."""
        return True

    def prepare(self) -> None:
        """Load the model. Raises ModelError for a bad one, and for a label that it does not have."""
        self._place(load_checkpoint(self.model, self.precision))

    def score(self, batch: pa.RecordBatch) -> dict[str, pa.Array]:
        """One column: float32."""
        checkpoint = load_checkpoint(self.model, self.precision)
        place = self._place(checkpoint)
        texts = texts_of(batch.column(schema.TEXT))
        present = [row for row, text in enumerate(texts) if text.strip()]
        found = np.full(len(texts), np.nan)
        if present:
            outputs = checkpoint.outputs([texts[row] for row in present], self.max_tokens, self.batch_size)
            found[present] = np.round(_score(outputs, self.output, place), DECIMALS)
        return {self.column: pa.array(found.astype(np.float32), mask=~np.isfinite(found))}

    def tally(self, batch: pa.RecordBatch) -> dict[str, int]:
        """Documents that have no score."""
        return {"without_score": batch.column(self.column).null_count}

    def _place(self, checkpoint: "Checkpoint") -> int:
        """Which output is meant."""
        labels = checkpoint.labels
        if self.output == "regression" and len(labels) != 1:
            raise ModelError(f"{self.model}: regression has one output, and it has {len(labels)}: {', '.join(labels)}")
        if self.output == "expected" and len(labels) < 2:
            raise ModelError(f"{self.model}: it has one output; use output: regression")
        if self.label is None:
            return 0
        place = labels.index(self.label) if self.label in labels else self.label
        if not isinstance(place, int) or not 0 <= place < len(labels):
            hint = did_you_mean(str(self.label), labels)
            raise ModelError(f"{self.model}: it has no label {self.label!r}{hint} (it has: {', '.join(labels)})")
        return place


class Checkpoint(NamedTuple):
    """A classifier, ready to be asked."""

    torch: Any
    tokenizer: Any
    model: Any
    device: str
    labels: list[str]

    def outputs(self, texts: Sequence[str], max_tokens: int, batch_size: int) -> Floats:
        """Logits, shape (texts, labels). Texts of like length are read together, so that little is filled up."""
        longest = min(max_tokens, int(self.tokenizer.model_max_length))
        pieces = self.tokenizer(
            [text[: CHARS_A_TOKEN * longest] for text in texts], truncation=True, max_length=longest
        )
        lengths = [len(ids) for ids in pieces["input_ids"]]
        order = np.argsort(lengths, kind="stable")[::-1]
        found = np.empty((len(texts), len(self.labels)))
        with self.torch.inference_mode():
            for start in range(0, len(order), batch_size):
                rows = order[start : start + batch_size].tolist()
                chosen = {name: [values[row] for row in rows] for name, values in pieces.items()}
                filled = self.tokenizer.pad(chosen, return_tensors="pt").to(self.device)
                found[rows] = self.model(**filled).logits.float().cpu().numpy()
        return found


@cache
def load_checkpoint(model: str, precision: str) -> Checkpoint:
    """Load a classifier once a process; on a GPU where there is one. Code in a checkpoint is not run.

    Raises ModelError when it is missing, damaged, or no classifier.
    """
    torch, transformers = import_torch("transformer")
    folder, device = str(checkpoint_folder(model)), "cuda" if torch.cuda.is_available() else "cpu"
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
        network, report = transformers.AutoModelForSequenceClassification.from_pretrained(
            folder, local_files_only=True, output_loading_info=True, dtype=getattr(torch, precision)
        )
    except Exception as error:  # the library raises anything for a folder that is not as it expects
        raise ModelError(f"{model}: transformers cannot load it as a classifier: {error}") from error
    if missing := sorted(report["missing_keys"]):
        raise ModelError(f"{model}: no classifier: it lacks the weights {', '.join(missing[:5])}")
    if tokenizer.pad_token is None:
        if tokenizer.eos_token is None:
            raise ModelError(f"{model}: its tokenizer has no token to fill texts up with, neither pad nor eos")
        tokenizer.pad_token = tokenizer.eos_token
        network.config.pad_token_id = tokenizer.pad_token_id
    names = network.config.id2label
    labels = [str(names[place]) for place in sorted(names)]
    return Checkpoint(torch, tokenizer, network.to(device).eval(), device, labels)


def _score(outputs: Floats, how: str, place: int) -> Floats:
    """From logits, shape (n, labels), to scores."""
    if how == "regression":
        return outputs[:, 0]
    if how == "sigmoid":
        return np.asarray(1 / (1 + np.exp(-outputs[:, place])))
    shifted = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    shares = shifted / shifted.sum(axis=1, keepdims=True)
    return np.asarray(shares[:, place] if how == "softmax" else shares @ np.arange(shares.shape[1]))
