"""Reads what a command's INPUTs hold, and tells in the end what had to be left out."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from textmill.pipeline.commands.options import note

if TYPE_CHECKING:
    import pyarrow as pa


def read_inputs(inputs: Sequence[str], text_column: str = "text") -> "Iterator[pa.RecordBatch]":
    """What is in the inputs, as `read_corpus` gives it. Raises UsageError and InputError as `open_corpus`."""
    from textmill.pipeline.corpus import open_corpus, read_corpus

    skipped: Counter[str] = Counter()
    yield from read_corpus(open_corpus(inputs, text_column=text_column), skipped)
    for reason, times in sorted(skipped.items()):
        note(f"left out: {times:,} {reason}")
