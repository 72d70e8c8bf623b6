"""`harmful_perplexity`: text that a model trained on harmful text alone foresees well is likely to be harmful.

Source: Jansen et al., Perplexed by Quality (arXiv 2212.10440).
"""

import numpy as np
import pyarrow as pa
from pydantic import Field

from textmill.pipeline import schema
from textmill.pipeline.errors import ModelError
from textmill.pipeline.step import Scorer
from textmill.scorers.kenlm_model import card_of
from textmill.scorers.kenlm_text import Normalization, Unit
from textmill.scorers.perplexities import Models, Paths, nullable, perplexities


class HarmfulPerplexity(Scorer):
    """Add `harmful_perplexity`, and `harmful`: whether it is below the threshold. Nothing is dropped.

    Both are null for text without a word, or in a language without a model.
    """

    model: Paths = Field(description="path or URL of a kenlm model of harmful text; or one for each language")
    threshold: float | dict[str, float] | None = Field(
        None, description="perplexity below which text is taken for harmful, or one for each language; null: the card's"
    )
    tokenizer: Paths | None = Field(
        None,
        description="a SentencePiece model, or one for each language; null: the one trained with the model, if any",
    )
    normalize: Normalization | None = Field(
        None, description="how text is prepared; null: as the model's card says, cc_net if it has none"
    )
    sentences: Unit | None = Field(
        None, description="what is one sentence; null: as the model's card says, the document if it has none"
    )

    def reads(self) -> frozenset[str]:
        """The text, and the language where that chooses the model or the threshold."""
        by_language = isinstance(self.model, dict) or isinstance(self.threshold, dict)
        return frozenset({schema.TEXT, *([schema.LANGUAGE] if by_language else [])})

    def adds(self) -> frozenset[str]:
        """The two columns."""
        return frozenset({"harmful_perplexity", "harmful"})

    def depends_on(self) -> tuple[str, ...]:
        """Models, cards and tokenizers."""
        return self._models.files()

    def libraries(self) -> tuple[str, ...]:
        """What scores, and what tokenizes."""
        return self._models.libraries()

    def prepare(self) -> None:
        """Load all models. Raises ModelError, also for one that has no threshold."""
        self._models.load_all()
        for language in self._models.languages():
            if self.threshold is None and np.isnan(self._limit(language)):
                path = self._models.path(language)
                raise ModelError(
                    f"{path}: its card states no threshold; give one as `threshold`, or fit it in training"
                )

    def tally(self, batch: pa.RecordBatch) -> dict[str, int]:
        """Documents that have none, by why."""
        return self._models.tally(batch, "harmful_perplexity")

    def score(self, batch: pa.RecordBatch) -> dict[str, pa.Array]:
        """float64, and bool."""
        found = perplexities(batch, self._models)
        named = schema.LANGUAGE in self.reads()
        languages = batch.column(schema.LANGUAGE).to_pylist() if named else [None] * batch.num_rows
        limits = {language: self._limit(language) for language in set(languages)}
        limit = np.array([limits[language] for language in languages], np.float64)
        known = ~np.isnan(found) & ~np.isnan(limit)
        return {"harmful_perplexity": nullable(found), "harmful": pa.array(found < limit, pa.bool_(), mask=~known)}

    @property
    def _models(self) -> Models:
        return Models(self.model, self.tokenizer, self.normalize, self.sentences)

    def _limit(self, language: str | None) -> float:
        """The threshold for a language, NaN if there is none."""
        if isinstance(self.threshold, dict):
            return self.threshold.get(language or "", np.nan)
        path = self._models.path(language)
        stated = self.threshold if self.threshold is not None or path is None else card_of(path).threshold
        return np.nan if stated is None else stated
