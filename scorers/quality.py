"""`quality`: how much a document is like those that a fastText classifier was shown as good ones."""

from collections.abc import Iterable, Sequence
from typing import Any, Self

import pyarrow as pa
from pydantic import Field, model_validator

from textmill.pipeline import schema
from textmill.pipeline.errors import ModelError, did_you_mean
from textmill.pipeline.models import model_path
from textmill.pipeline.step import Scorer
from textmill.scorers.fasttext import PREFIX, is_blank, labels_of, lines_of, load_classifier, texts_of

POSITIVE = "positive"
"""The label that `textmill train quality` gives the documents to be found more of."""
NEGATIVE = "negative"


class Quality(Scorer):
    """Add the probability in [0, 1] that a fastText classifier gives to its positive label.

    A document is read as one line, its case left alone, as the classifier was trained. One without a visible
    character has no score (null).
    """

    model: str = Field(description="path or URL of a fastText classifier, of any labels, quantised or not")
    positive: tuple[str, ...] = Field(
        (POSITIVE,), min_length=1, description="labels, without __label__, whose probabilities add up to the score"
    )
    column: str = Field("quality", min_length=1, description="name of the new column, so that a chain can have several")
    also: tuple[str, ...] = Field((), description="labels that get a column of their own, named COLUMN_LABEL")
    max_chars: int | None = Field(None, ge=1, description="judge by the first characters only; null: by all")

    @model_validator(mode="before")
    @classmethod
    def _one_label_will_do(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        return {k: (v,) if k in ("positive", "also") and isinstance(v, str) else v for k, v in given.items()}

    @model_validator(mode="after")
    def _each_label_once(self) -> Self:
        for labels in (self.positive, self.also):
            if len(set(labels)) < len(labels):
                raise ValueError("a label stands there twice")
        return self

    def adds(self) -> frozenset[str]:
        """The score, and a column for each label of `also`."""
        return frozenset({self.column, *(self._column_of(label) for label in self.also)})

    def depends_on(self) -> tuple[str, ...]:
        """The model."""
        return (model_path(self.model),)

    def libraries(self) -> tuple[str, ...]:
        """What runs the model."""
        return ("fasttext-community",)

    def prepare(self) -> None:
        """Load the model. Raises ModelError for a bad one, and for a label that it does not know."""
        check_labels(load_classifier(self.model), (*self.positive, *self.also), self.model)

    def score(self, batch: pa.RecordBatch) -> dict[str, pa.Array]:
        """Float32 columns: the score, then one for each label of `also`."""
        classifier = load_classifier(self.model)
        texts = batch.column(schema.TEXT)
        if self.max_chars is not None:
            texts = pa.array([text[: self.max_chars] for text in texts_of(texts)], pa.large_string())
        sought = {self.column: self.positive, **{self._column_of(label): (label,) for label in self.also}}
        columns = score_lines(classifier, lines_of(texts), tuple(sought.values()))
        return {name: pa.array(column, pa.float32()) for name, column in zip(sought, columns, strict=True)}

    def tally(self, batch: pa.RecordBatch) -> dict[str, int]:
        """Documents that have no score."""
        return {"without_score": batch.column(self.column).null_count}

    def _column_of(self, label: str) -> str:
        return f"{self.column}_{label}"


def score_lines(
    classifier: Any, lines: Iterable[bytes], sought: Sequence[Sequence[str]]
) -> tuple[list[float | None], ...]:
    """For each group of labels a column: the sum of their probabilities, at most 1, and None for a blank line."""
    columns: tuple[list[float | None], ...] = tuple([] for _ in sought)
    groups = [
        (column, frozenset(PREFIX + label for label in labels)) for column, labels in zip(columns, sought, strict=True)
    ]
    predict = classifier.f.predict
    for line in lines:
        visible = 32 < line[0] < 127 or not is_blank(line)  # most begin with a letter of ASCII
        # All labels, or that of another class would be the score. None for a line without any feature.
        found = predict(line, -1, 0.0, "replace") if visible else ()
        for column, labels in groups:
            total = 0.0
            for probability, label in found:
                if label in labels:
                    total += probability
            column.append(min(total, 1.0) if found else None)
    return columns


def check_labels(classifier: Any, labels: Sequence[str], model: str) -> None:
    """Raises ModelError for a label that the classifier does not have."""
    known = labels_of(classifier)
    for label in labels:
        if label not in known:
            listed = ", ".join(sorted(known)[:20]) + (", …" if len(known) > 20 else "")
            raise ModelError(f"{model}: it has no label {label!r}{did_you_mean(label, known)} (it has: {listed})")
