"""Dataset decomposition: documents cut into pieces of 2**k + 1 tokens, in files of pieces of one length.

So a trainer's sequences never cross documents and need no padding (Dataset Decomposition; METHODS 8.6). A piece has
one token more than its bucket's name says, so that targets can be the inputs shifted by one.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from textmill.pipeline import schema
from textmill.pipeline.io.files import join
from textmill.pipeline.io.profile import CORPUS
from textmill.pipeline.io.writer import ParquetSink, WrittenFile, parquet_sink
from textmill.pipeline.mixing.draw import id_hashes
from textmill.pipeline.recipe import Output
from textmill.pipeline.stage_folder import part_name
from textmill.pipeline.writers.sink import Place, Shard
from textmill.pipeline.writers.tokens import encoder_of

SMALLEST: Final = 8
LARGEST: Final = 13
"""Powers of two of the buckets: 256 to 8,192 tokens."""
SPLIT_ABOVE: Final = 1 << 14
"""Tokens above which a piece's length is drawn, so that every bucket gets equally many tokens of long documents."""
CYCLES: Final = 8
"""Passes of the curriculum from short to long, over a training run."""
INDEX: Final = "curriculum.json"
_PROFILE: Final = replace(CORPUS, group_bytes=CORPUS.group_bytes // 2)
"""Six files are written at once."""


def cut(tokens: int, draws: Iterator[float]) -> list[int]:
    """Powers k of the pieces of a document, in order; the rest, of less than 257 tokens, is lost.

    The longest piece that fits, of 2**k + 1 tokens; while more than `SPLIT_ABOVE` are left, one of `draws` (in
    [0, 1)) picks k with probability proportional to 2**(13 - k).
    """
    pieces = []
    while tokens > 1 << SMALLEST:
        power = min(LARGEST, (tokens - 1).bit_length() - 1)
        if tokens > SPLIT_ABOVE:
            power = SMALLEST + int(np.searchsorted(_ODDS, next(draws), side="right"))
        pieces.append(power)
        tokens -= (1 << power) + 1
    return pieces


class LengthSink:
    """Writes a Parquet file a bucket, with columns id, start (of the piece, in tokens of the document) and tokens."""

    def __init__(self, stack: ExitStack, place: Place, output: Output) -> None:
        self.files: dict[str, WrittenFile] = {}
        self.facts: dict[str, Any] = {"documents": 0, "tokens": 0, "lost_tokens": 0, "pieces": {}}
        self._encoder = encoder_of(output)
        self._sinks: dict[int, tuple[str, ParquetSink]] = {}
        for power in range(SMALLEST, LARGEST + 1):
            name = f"length-{1 << power:05d}/{part_name(place.number)}.parquet"
            self._sinks[power] = name, stack.enter_context(parquet_sink(join(place.folder, name), profile=_PROFILE))

    def write(self, batch: pa.RecordBatch) -> None:
        """Append the pieces of documents."""
        found: dict[int, list[tuple[str | None, int, npt.NDArray[Any]]]] = {power: [] for power in self._sinks}
        hashes = id_hashes(batch.column(schema.ID)).tolist()
        for name, seed, tokens in zip(
            batch.column(schema.ID).to_pylist(), hashes, self._encoder.documents(batch), strict=True
        ):
            start = 0
            for power in cut(len(tokens), _draws(seed)):
                end = start + (1 << power) + 1
                found[power].append((name, start, tokens[start:end]))
                start = end
            self.facts["documents"] += 1
            self.facts["tokens"] += len(tokens)
            self.facts["lost_tokens"] += len(tokens) - start
        for power, pieces in found.items():
            if pieces:
                self._sinks[power][1].write(_pieces(pieces, power))

    def close(self) -> None:
        """Name the files; a bucket without pieces has none."""
        for power, (name, sink) in self._sinks.items():
            sink.close()
            if sink.written.rows:
                self.files[name] = sink.written
                self.facts["pieces"][str(power)] = sink.written.rows


def index(shards: Sequence[Shard]) -> bytes:
    """What a folder holds, and how to draw from it, for a trainer.

    `batch_multiplier`: sequences a batch, so that batches of all buckets have equally many tokens. `odds`: of drawing
    a batch from a bucket at the start of a cycle, short ones first; `odds_as_available` gives every token once.
    """
    pieces = dict.fromkeys(range(SMALLEST, LARGEST + 1), 0)
    sums = dict.fromkeys(("documents", "tokens", "lost_tokens"), 0)
    for shard in shards:
        for power, count in shard.facts["pieces"].items():
            pieces[int(power)] += count
        for key in sums:
            sums[key] += shard.facts[key]
    held = sum(count << power for power, count in pieces.items())
    buckets = [
        {
            "length": 1 << power,
            "folder": f"length-{1 << power:05d}",
            "sequences": count,
            "tokens": count * ((1 << power) + 1),
            "batch_multiplier": 1 << LARGEST - power,
            "odds": 1 << LARGEST - power,
            "odds_as_available": round((count << power) / held, 6) if held else 0.0,
        }
        for power, count in pieces.items()
    ]
    return json.dumps({**sums, "cycles": CYCLES, "buckets": buckets}, indent=1).encode()


def _pieces(pieces: Sequence[tuple[str | None, int, npt.NDArray[Any]]], power: int) -> pa.RecordBatch:
    values = pa.array(np.concatenate([tokens for _, _, tokens in pieces]))
    columns = {
        "id": pa.array([name for name, _, _ in pieces], pa.string()),
        "start": pa.array([start for _, start, _ in pieces], pa.int64()),
        "tokens": pa.FixedSizeListArray.from_arrays(values, (1 << power) + 1),
    }
    return pa.RecordBatch.from_pydict(columns)


def _draws(seed: int) -> Iterator[float]:
    """Numbers in [0, 1) that follow from a document's id."""
    random = np.random.Generator(np.random.PCG64(seed))
    while True:
        yield float(random.random())


_WEIGHTS: Final = np.array([1 << LARGEST - power for power in range(SMALLEST, LARGEST + 1)], np.float64)
_ODDS: Final = np.cumsum(_WEIGHTS)[:-1] / _WEIGHTS.sum()
