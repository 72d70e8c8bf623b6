"""`language`: which language a document is in, by a fastText classifier such as lid.176."""

from typing import Any, Final

import pyarrow as pa
from pydantic import Field

from textmill.pipeline import schema
from textmill.pipeline.models import model_path
from textmill.pipeline.step import Scorer
from textmill.scorers.fasttext import Prediction, classify, load_classifier, texts_of

UNDETERMINED: Final = "und"
"""ISO 639-3 for text whose language cannot be told: less than two characters that are not whitespace."""
ALTERNATIVES: Final = "language_alternatives"
_ALTERNATIVES: Final = pa.list_(pa.struct([(schema.LANGUAGE, pa.string()), (schema.LANGUAGE_SCORE, pa.float32())]))


class Language(Scorer):
    """Add `language`, the model's best label, and `language_score`, its probability in [0, 1].

    Case is left as it is and a document is read as one line, as published pipelines do. A document
    of less than two visible characters, or none, is `und` with a null score.
    """

    model: str = Field("lid176", description="name of a known model, path or URL of a fastText classifier")
    alternatives: float | None = Field(
        None,
        gt=0,
        lt=1,
        description=f"also list other labels of at least this probability, best first, in {ALTERNATIVES}",
    )
    max_chars: int | None = Field(None, ge=1, description="judge by the first characters only; null: by all")

    def adds(self) -> frozenset[str]:
        """The two columns, and the alternatives where asked for."""
        columns = {schema.LANGUAGE, schema.LANGUAGE_SCORE}
        return frozenset(columns if self.alternatives is None else {*columns, ALTERNATIVES})

    def depends_on(self) -> tuple[str, ...]:
        """The model."""
        return (model_path(self.model),)

    def libraries(self) -> tuple[str, ...]:
        """What runs the model."""
        return ("fasttext-community",)

    def prepare(self) -> None:
        """Load the model. Raises ModelError."""
        load_classifier(self.model)

    def score(self, batch: pa.RecordBatch) -> dict[str, pa.Array]:
        """Columns `language`: string, `language_score`: float32, and a list of both where asked for."""
        classifier = load_classifier(self.model)
        ranked = [
            self._rank(classifier, text) if len(text.strip()) > 1 else []
            for text in texts_of(batch.column(schema.TEXT))
        ]
        columns = {
            schema.LANGUAGE: pa.array([r[0].label if r else UNDETERMINED for r in ranked], pa.string()),
            schema.LANGUAGE_SCORE: pa.array([r[0].probability if r else None for r in ranked], pa.float32()),
        }
        if self.alternatives is not None:
            columns[ALTERNATIVES] = pa.array([r[1:] for r in ranked], _ALTERNATIVES)
        return columns

    def _rank(self, classifier: Any, text: str) -> list[Prediction]:
        """Predictions, best first; at least one, however improbable."""
        line = text[: self.max_chars]
        if self.alternatives is not None and (found := classify(classifier, line, self.alternatives)):
            return found
        return classify(classifier, line)
