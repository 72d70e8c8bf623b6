"""The table of formats: which sink writes a shard, and what goes beside the shards of a folder."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import pyarrow as pa

from textmill.pipeline.io.files import join
from textmill.pipeline.io.profile import CORPUS
from textmill.pipeline.io.writer import WrittenFile, parquet_sink
from textmill.pipeline.recipe import TOKEN_FORMATS, Output
from textmill.pipeline.stage_folder import part_name
from textmill.pipeline.writers import lengths, mds
from textmill.pipeline.writers.jsonl import JsonlSink
from textmill.pipeline.writers.lengths import LengthSink
from textmill.pipeline.writers.mds import MdsSink
from textmill.pipeline.writers.megatron import MegatronSink
from textmill.pipeline.writers.sink import Place, Shard, Sink
from textmill.pipeline.writers.tokens import encoder_of


class _Parquet:
    """One Parquet file; see `io.writer`."""

    def __init__(self, stack: ExitStack, place: Place, name: str) -> None:
        self.files: dict[str, WrittenFile] = {}
        self.facts: dict[str, Any] = {}
        self._name = name
        self._sink = stack.enter_context(parquet_sink(join(place.folder, name), profile=CORPUS, layout=place.layout))

    def write(self, batch: pa.RecordBatch) -> None:
        """Append rows."""
        self._sink.write(batch)

    def close(self) -> None:
        """Name the file; its footer is written when the block ends that opened it."""
        self.files[self._name] = self._sink.written


def _parquet(stack: ExitStack, place: Place, _: Output) -> Sink:
    return _Parquet(stack, place, f"{part_name(place.number)}.parquet")


def _hugging_face(stack: ExitStack, place: Place, _: Output) -> Sink:
    return _Parquet(stack, place, f"train-{place.number:05d}-of-{place.count:05d}.parquet")


SINKS: dict[str, Callable[[ExitStack, Place, Output], Sink]] = {
    "parquet": _parquet,
    "hf": _hugging_face,
    "jsonl": lambda stack, place, _: JsonlSink(stack, place),
    "mds": lambda stack, place, _: MdsSink(stack, place),
    "megatron": MegatronSink,
    "lengths": LengthSink,
}

INDEXES: dict[str, tuple[str, Callable[[Sequence[Shard]], bytes]]] = {
    "mds": (mds.INDEX, mds.index),
    "lengths": (lengths.INDEX, lengths.index),
}
"""The file that describes all shards of a folder, and its content."""

PARQUET = ("parquet", "hf")
"""Formats that are the corpus's rows in Parquet."""

COMPRESSED = ("parquet", "hf", "jsonl")
"""Formats whose files are about as large as a stage's of the same rows; others hold texts as they are."""


def prepare_output(output: Output) -> None:
    """Load what the format needs, so that errors come before the first shard. Raises ModelError."""
    if output.format in TOKEN_FORMATS:
        encoder_of(output)


@contextmanager
def corpus_sink(output: Output, place: Place) -> Iterator[Sink]:
    """A sink for one shard, in the format that the recipe names; closed at the end of the block."""
    with ExitStack() as stack:
        sink = SINKS[output.format](stack, place, output)
        yield sink
        sink.close()
