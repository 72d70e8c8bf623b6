"""Mosaic's StreamingDataset: ``shard.00000.mds`` files that a trainer fetches and reads at random, and an index.json.

A shard: uint32 number of samples n; n + 1 uint32 offsets from the start of the file; a JSON object with the columns;
the samples. A sample: a uint32 size for each column of no fixed size, then the columns' bytes. Columns are in the
order of their names. Everything is little-endian.
"""

import json
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any, Final

import numpy as np
import pyarrow as pa

from textmill.pipeline.errors import StepError
from textmill.pipeline.writers.sink import FileSink, Place, Shard

INDEX: Final = "index.json"
LARGEST: Final = (1 << 32) - 1
"""Bytes of a shard: offsets are uint32."""

_FLOATS: Final = {pa.float32(): "float32", pa.float64(): "float64"}


class MdsSink(FileSink):
    """Writes one shard. Text is `str`, floats `float32` or `float64` with NaN for null, all else `json`.

    A null text is an empty one: the format has no null. Raises StepError for a shard of 4 GiB or more.
    """

    def __init__(self, stack: ExitStack, place: Place) -> None:
        super().__init__(stack, place, f"shard.{place.number:05d}.mds")
        self._samples: list[bytes] = []
        layout = place.layout
        self._names = sorted(layout.names)
        self._encodings = [_encoding(layout.field(name).type) for name in self._names]
        self._encoders = [_ENCODERS[encoding] for encoding in self._encodings]
        self._sizes = [_FIXED.get(encoding) for encoding in self._encodings]

    def write(self, batch: pa.RecordBatch) -> None:
        """Append rows."""
        columns = [batch.column(name).to_pylist() for name in self._names]
        for row in zip(*columns, strict=True):
            data = [encode(value) for encode, value in zip(self._encoders, row, strict=True)]
            sizes = [len(piece) for piece, fixed in zip(data, self._sizes, strict=True) if fixed is None]
            self._samples.append(np.array(sizes, "<u4").tobytes() + b"".join(data))

    def close(self) -> None:
        """Write the shard: its offsets come first, so it is held until here."""
        config = {
            "column_encodings": self._encodings,
            "column_names": self._names,
            "column_sizes": self._sizes,
            "compression": None,
            "format": "mds",
            "hashes": ["xxh128"],
            "size_limit": None,
            "version": 2,
        }
        head = json.dumps(config, sort_keys=True).encode()
        count = len(self._samples)
        ends = np.cumsum([0, *map(len, self._samples)]) + 4 + 4 * (count + 1) + len(head)
        if ends[-1] > LARGEST:
            raise StepError(f"{self.name}: {ends[-1]} bytes, but a shard of this format has less than 4 GiB")
        for piece in (np.array([count], "<u4").tobytes(), ends.astype("<u4").tobytes(), head, *self._samples):
            self.file.write(piece)
        self.file.rows = count
        super().close()
        written = self.files[self.name]
        raw = {"basename": self.name, "bytes": written.bytes, "hashes": {"xxh128": written.checksum}}
        self.facts["index"] = {**config, "raw_data": raw, "samples": count, "zip_data": None}


def index(shards: Sequence[Shard]) -> bytes:
    """The content of a folder's index.json."""
    entries = [shard.facts["index"] for shard in sorted(shards, key=lambda shard: shard.number)]
    return json.dumps({"shards": entries, "version": 2}, sort_keys=True).encode()


def _encoding(kind: pa.DataType) -> str:
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return "str"
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return "bytes"
    return _FLOATS.get(kind, "json")


def _float(width: str) -> Callable[[float | None], bytes]:
    return lambda value: np.array(np.nan if value is None else value, width).tobytes()


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, default=str).encode()


_FIXED: Final = {"float32": 4, "float64": 8}
_ENCODERS: Final[dict[str, Callable[[Any], bytes]]] = {
    "str": lambda value: (value or "").encode(),
    "bytes": lambda value: value or b"",
    "float32": _float("<f4"),
    "float64": _float("<f8"),
    "json": _json,
}
