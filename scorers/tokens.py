"""`token_count`: how many tokens a document has, by the tokenizer of the model to be trained, or estimated."""

from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from textmill.pipeline import schema
from textmill.pipeline.step import Scorer
from textmill.pipeline.token_estimate import estimate_tokens
from textmill.scorers.fasttext import texts_of
from textmill.scorers.tokenizers import library_of, load_tokenizer

TOKENS: Final = "tokens"
ESTIMATED: Final = "estimated_tokens"
"""The column without a tokenizer: an estimate never goes by the name of a count."""
_BATCH_CHARS: Final = 4_000_000
"""Characters given to a tokenizer at once; its working memory is many times that."""


class TokenCount(Scorer):
    """Add `tokens`, counted by a tokenizer file; without one `estimated_tokens`, by characters of each script.

    Counted are the tokens of the text alone, without any that mark its beginning or end. A null text has null.
    """

    tokenizer: str = Field(
        "", description="*.json of Hugging Face tokenizers, *.tiktoken, or *.model of SentencePiece; empty: estimate"
    )
    pattern: str = Field(
        "",
        description="how tiktoken splits: gpt2, cl100k_base, o200k_base, an expression; default: the file's name",
    )

    def adds(self) -> frozenset[str]:
        """One column, whose name tells a count from an estimate."""
        return frozenset({TOKENS if self.tokenizer else ESTIMATED})

    def depends_on(self) -> tuple[str, ...]:
        """The tokenizer."""
        return (self.tokenizer,) if self.tokenizer else ()

    def libraries(self) -> tuple[str, ...]:
        """What runs the tokenizer."""
        return (library_of(self.tokenizer),) if self.tokenizer else ()

    def prepare(self) -> None:
        """Load the tokenizer. Raises ModelError."""
        if self.tokenizer:
            load_tokenizer(self.tokenizer, self.pattern)

    def score(self, batch: pa.RecordBatch) -> dict[str, pa.Array]:
        """One column: int64."""
        missing = pc.is_null(batch.column(schema.TEXT))
        if self.tokenizer:
            name, counts = TOKENS, pa.array(self._count(texts_of(batch.column(schema.TEXT))), pa.int64())
        else:
            name, counts = ESTIMATED, pa.array(estimate_tokens(batch))
        return {name: pc.if_else(missing, pa.scalar(None, pa.int64()), counts)}

    def _count(self, texts: list[str]) -> list[int]:
        count = load_tokenizer(self.tokenizer, self.pattern)
        counts: list[int] = []
        start = held = 0
        for stop, text in enumerate(texts, 1):
            held += len(text)
            if held >= _BATCH_CHARS or stop == len(texts):
                counts += count(texts[start:stop])
                start, held = stop, 0
        return counts
