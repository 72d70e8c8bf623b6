"""Reads what commands are given: INPUTs, telling in the end what had to be left out, and NAME=WEIGHT."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from textmill.pipeline.commands.options import note
from textmill.pipeline.errors import UsageError

if TYPE_CHECKING:
    import pyarrow as pa


def read_inputs(inputs: Sequence[str], text_column: str = "text") -> "Iterator[pa.RecordBatch]":
    """What is in the inputs, as `read_corpus` gives it. Raises UsageError and InputError as `open_corpus`."""
    from textmill.pipeline.corpus import open_corpus, read_corpus

    skipped: Counter[str] = Counter()
    yield from read_corpus(open_corpus(inputs, text_column=text_column), skipped)
    for reason, times in sorted(skipped.items()):
        note(f"left out: {times:,} {reason}")


def target_weights(given: list[str]) -> dict[str, float]:
    """NAME=WEIGHT as numbers by name; a name alone weighs 1. Raises UsageError for anything else."""
    found = {}
    for item in given:
        name, equals, weight = item.rpartition("=")
        try:
            found[name if equals else item] = float(weight) if equals else 1.0
        except ValueError:
            raise UsageError(f"--target {item}: {weight!r} is no number") from None
    return found
