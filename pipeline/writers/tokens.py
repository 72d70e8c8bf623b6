"""Tokens of documents for the formats that hold them: encoded by the recipe's tokenizer, each document with its end."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from textmill.pipeline import schema
from textmill.pipeline.errors import ModelError
from textmill.pipeline.recipe import Output
from textmill.scorers.tokenizers import Encode, open_tokenizer

Tokens = npt.NDArray[Any]
"""uint16 or int32."""

_BATCH_CHARS: Final = 4_000_000
"""Characters given to a tokenizer at once; its working memory is many times that."""
_LARGEST_16_BITS: Final = 65_500
"""From this many tokens on, Megatron's own tools write 32 bits."""


class Encoder(NamedTuple):
    """How documents become tokens; `end` comes after each."""

    encode: Encode
    end: int | None
    dtype: np.dtype[np.uint16] | np.dtype[np.int32]

    def documents(self, batch: pa.RecordBatch) -> Iterator[Tokens]:
        """The tokens of each document; of a null text the end alone."""
        texts = pc.fill_null(batch.column(schema.TEXT), "")
        ends = np.cumsum(pc.utf8_length(texts).to_numpy()) // _BATCH_CHARS
        starts = [*np.flatnonzero(np.diff(ends, prepend=-1)).tolist(), len(texts)]
        tail = [] if self.end is None else [self.end]
        for start, stop in pairwise(starts):
            for ids in self.encode(texts.slice(start, stop - start).to_pylist()):
                yield np.array([*ids, *tail], self.dtype)


def encoder_of(output: Output) -> Encoder:
    """The encoder that a recipe's output names. Raises ModelError for a tokenizer or an end that is not there."""
    tokenizer = open_tokenizer(output.tokenizer, output.pattern)
    end = output.end_token
    number = tokenizer.number(end) if isinstance(end, str) else end
    if end is not None and number is None:
        raise ModelError(f"{output.tokenizer} has no token {end!r}; give end_token as a number, or another name")
    size = max(tokenizer.size, (number or 0) + 1)
    narrow = size < _LARGEST_16_BITS
    return Encoder(tokenizer.encode, number, np.dtype(np.uint16) if narrow else np.dtype(np.int32))
