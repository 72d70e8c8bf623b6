"""JSON Lines, compressed: one object a document, with every column."""

import json
from contextlib import ExitStack
from typing import Any

import pyarrow as pa
import zstandard

from textmill.pipeline.stage_folder import part_name
from textmill.pipeline.writers.sink import FileSink, Place

LEVEL = 3
"""Of zstd."""


class JsonlSink(FileSink):
    """Writes ``part-00000.jsonl.zst``. Nulls are left out; bytes are written as text, with U+FFFD for what is none."""

    def __init__(self, stack: ExitStack, place: Place) -> None:
        super().__init__(stack, place, f"{part_name(place.number)}.jsonl.zst")
        # one thread, and no size in the frame's header: the same bytes whatever the machine
        self._compressor = zstandard.ZstdCompressor(level=LEVEL).compressobj()

    def write(self, batch: pa.RecordBatch) -> None:
        """Append rows."""
        encode = _ENCODER.encode
        rows = [encode({name: value for name, value in row.items() if value is not None}) for row in batch.to_pylist()]
        self.file.rows += len(rows)
        self.file.write(self._compressor.compress("".join(f"{row}\n" for row in rows).encode("utf-8", "replace")))

    def close(self) -> None:
        """End the frame."""
        self.file.write(self._compressor.flush())
        super().close()


def _plain(value: Any) -> Any:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


_ENCODER = json.JSONEncoder(ensure_ascii=False, default=_plain)
