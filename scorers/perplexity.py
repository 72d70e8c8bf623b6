"""`perplexity`: how well kenlm n-gram models foresee a document.

The formula is CCNet's (Wenzek et al., arXiv 1911.00359): 10 to the power of -Σ log10 p / Σ (tokens + 1) over the
sentences of a document; the 1 is a sentence's end.
"""

import pyarrow as pa
from pydantic import Field, field_validator

from textmill.pipeline import schema
from textmill.pipeline.step import Scorer
from textmill.scorers.cutoffs import Cutoffs, buckets, read_cutoffs
from textmill.scorers.kenlm_text import Normalization, Unit
from textmill.scorers.perplexities import Models, Paths, line_perplexities, nullable, perplexities


class Perplexity(Scorer):
    """Add `perplexity`: low for text like that which the model was trained on; null for text without a word.

    With a model for each language, a document of another language has null too, and is in the bucket `all`.
    """

    model: Paths = Field(description="path or URL of a kenlm model, binary or ARPA; or one for each language")
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
    column: str = Field("perplexity", min_length=1, description="name of the column")
    lines: bool = Field(False, description="also list the perplexity of each line that has a word, in COLUMN_lines")
    cutoffs: str | Cutoffs | None = Field(
        None,
        description="also add COLUMN_bucket: for each language (any: the others) the perplexities below which a "
        "document is head, and middle; or a file of them, from textmill train cutoffs or CCNet",
    )

    @field_validator("cutoffs")
    @classmethod
    def _rising(cls, cutoffs: str | Cutoffs | None) -> str | Cutoffs | None:
        for language, (head, middle) in cutoffs.items() if isinstance(cutoffs, dict) else ():
            if not 0 < head <= middle:
                raise ValueError(f"cut points of {language!r} must rise: {head}, {middle}")
        return cutoffs

    def reads(self) -> frozenset[str]:
        """The text, and the language where that chooses the model or the cut points."""
        by_language = isinstance(self.model, dict) or self.cutoffs is not None
        return frozenset({schema.TEXT, *([schema.LANGUAGE] if by_language else [])})

    def adds(self) -> frozenset[str]:
        """The column, and those of lines and buckets where asked for."""
        more = {"_lines": self.lines, "_bucket": self.cutoffs is not None}
        return frozenset({self.column, *(self.column + ending for ending, wanted in more.items() if wanted)})

    def depends_on(self) -> tuple[str, ...]:
        """Models, cards, tokenizers, and the file of cut points."""
        return (*self._models.files(), *([self.cutoffs] if isinstance(self.cutoffs, str) else []))

    def libraries(self) -> tuple[str, ...]:
        """What scores, and what tokenizes."""
        return self._models.libraries()

    def prepare(self) -> None:
        """Load all models. Raises ModelError, or InputError for a file of cut points that is none."""
        self._models.load_all()
        self._cutoffs()

    def tally(self, batch: pa.RecordBatch) -> dict[str, int]:
        """Documents that have none, by why."""
        return self._models.tally(batch, self.column)

    def score(self, batch: pa.RecordBatch) -> dict[str, pa.Array]:
        """float64; for lines, lists of float32; for buckets, strings."""
        found = perplexities(batch, self._models)
        columns = {self.column: nullable(found)}
        if self.lines:
            columns[f"{self.column}_lines"] = line_perplexities(batch, self._models)
        if self.cutoffs is not None:
            languages = batch.column(schema.LANGUAGE).to_pylist()
            columns[f"{self.column}_bucket"] = buckets(found, languages, self._cutoffs())
        return columns

    @property
    def _models(self) -> Models:
        return Models(self.model, self.tokenizer, self.normalize, self.sentences)

    def _cutoffs(self) -> Cutoffs:
        return read_cutoffs(self.cutoffs) if isinstance(self.cutoffs, str) else self.cutoffs or {}
