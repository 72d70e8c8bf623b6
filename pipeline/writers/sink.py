"""What all formats of a corpus have in common: batches go in, files appear whole or not at all, checksummed."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import IO, Any, Protocol

import pyarrow as pa

from textmill.pipeline.io.files import join, write_whole
from textmill.pipeline.io.writer import HashingStream, WrittenFile


@dataclass(frozen=True)
class Place:
    """Where a shard of a corpus goes: file `number` of `count` in a folder, all with the columns of `layout`."""

    folder: str
    number: int
    count: int
    layout: pa.Schema


class Sink(Protocol):
    """Takes the rows of one shard in order. `files` names what was written, once it is closed."""

    files: dict[str, WrittenFile]
    facts: dict[str, Any]
    """What else the manifest is to say of the shard, such as its number of tokens."""

    def write(self, batch: pa.RecordBatch) -> None:
        """Append rows."""

    def close(self) -> None:
        """Write the rest."""


class RawFile:
    """A file of bytes that counts and hashes what it is given."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = HashingStream(stream)
        self.rows = 0

    def write(self, data: bytes | memoryview) -> int:
        """Append bytes."""
        return self._stream.write(data)  # type: ignore[arg-type]

    @property
    def position(self) -> int:
        """Bytes written so far."""
        return self._stream.position

    @property
    def written(self) -> WrittenFile:
        """What was written so far."""
        return WrittenFile(self.rows, self._stream.position, self._stream.hash.hexdigest())


@contextmanager
def raw_file(folder: str, name: str) -> Iterator[RawFile]:
    """A file that appears when the block ends without error, or never."""
    with write_whole(join(folder, name)) as stream:
        yield RawFile(stream)


def write_small(folder: str, name: str, content: bytes) -> WrittenFile:
    """Write a whole small file, such as an index."""
    with raw_file(folder, name) as file:
        file.write(content)
    return file.written


@dataclass(frozen=True)
class Shard:
    """A shard that is done, for an index over all of a folder: its files, and what its sink said of it."""

    number: int
    files: Mapping[str, WrittenFile]
    facts: Mapping[str, Any]


class FileSink:
    """A sink that writes to one file, opened at once and gone if the block that opened it fails."""

    def __init__(self, stack: ExitStack, place: Place, name: str) -> None:
        self.files: dict[str, WrittenFile] = {}
        self.facts: dict[str, Any] = {}
        self.place = place
        self.name = name
        self.file = stack.enter_context(raw_file(place.folder, name))

    def close(self) -> None:
        """Note what was written."""
        self.files[self.name] = self.file.written
