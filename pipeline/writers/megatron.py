"""Megatron-LM's indexed datasets: tokens in ``part-00000.bin``, and where each document begins in ``part-00000.idx``.

The index: ``MMIDIDX\\0\\0``, uint64 version 1, uint8 code of the tokens' type (8 uint16, 4 int32), uint64 number of
sequences, uint64 number of entries of the document list; then int32 tokens of each sequence, int64 byte offset of
each sequence, int64 first sequence of each document and their number. A document is one sequence. Little-endian.
"""

import struct
from contextlib import ExitStack
from typing import Final

import numpy as np
import pyarrow as pa

from textmill.pipeline.recipe import Output
from textmill.pipeline.stage_folder import part_name
from textmill.pipeline.writers.sink import FileSink, Place, raw_file
from textmill.pipeline.writers.tokens import encoder_of

MAGIC: Final = b"MMIDIDX\x00\x00"
CODES: Final = {np.dtype(np.uint16): 8, np.dtype(np.int32): 4}


class MegatronSink(FileSink):
    """Writes one pair of files."""

    def __init__(self, stack: ExitStack, place: Place, output: Output) -> None:
        super().__init__(stack, place, f"{part_name(place.number)}.bin")
        self._encoder = encoder_of(output)
        self._index_name = f"{part_name(place.number)}.idx"
        self._index = stack.enter_context(raw_file(place.folder, self._index_name))
        self._sizes: list[int] = []

    def write(self, batch: pa.RecordBatch) -> None:
        """Append documents."""
        found = list(self._encoder.documents(batch))
        self._sizes += [len(tokens) for tokens in found]
        self.file.write(np.concatenate([np.empty(0, self._encoder.dtype), *found]).tobytes())

    def close(self) -> None:
        """Write the index."""
        dtype, count = self._encoder.dtype, len(self._sizes)
        sizes = np.array(self._sizes, np.int64)
        offsets = (np.cumsum(sizes) - sizes) * dtype.itemsize
        self._index.write(MAGIC + struct.pack("<QBQQ", 1, CODES[dtype], count, count + 1))
        for array, width in ((sizes, "<i4"), (offsets, "<i8"), (np.arange(count + 1), "<i8")):
            self._index.write(array.astype(width).tobytes())
        self.file.rows = self._index.rows = count
        super().close()
        self.files[self._index_name] = self._index.written
        self.facts["tokens"] = int(sizes.sum())
