"""The last stage of a run: cut the corpus into files, and after a mix shuffle all copies of all documents.

::

    the last chain's files ─► measure ─► where to cut ─► scatter ─► exchange/ ─► one file of the corpus at a time
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import pyarrow as pa

from textmill.pipeline.exchange import Portion, portions
from textmill.pipeline.executor import Executor, gather
from textmill.pipeline.io.files import exists, join, list_folder, list_tree, remove, remove_drafts
from textmill.pipeline.mixing.shuffle import (
    BYTES_AT,
    TOKENS_AT,
    Cut,
    Histogram,
    Shuffle,
    cut,
    measure,
    mix_columns,
    scatter_copies,
)
from textmill.pipeline.output import (
    OutputItem,
    OutputJob,
    layout_of,
    pack,
    unite_layouts,
    written_files,
)
from textmill.pipeline.plan import OUTPUT
from textmill.pipeline.recipe import TOKEN_FORMATS, Output
from textmill.pipeline.rulings import read_batches
from textmill.pipeline.schema import ID
from textmill.pipeline.stage_folder import ShardManifest, StageFolder, part_name, read_json, write_json
from textmill.pipeline.writers.formats import COMPRESSED, INDEXES
from textmill.pipeline.writers.sink import Shard, write_small
from textmill.pipeline.writers.tokens import encoder_of

CUTS: Final = "cuts.json"
"""In the output's stage: where a mixed corpus is cut."""
EXCHANGE: Final = "exchange"
"""Folder of the files that hold all copies by partition; gone when the corpus is there."""
CARD: Final = "README.md"
"""Of a Hugging Face dataset: beside the corpus, but made from the report."""
_PORTIONS: Final = 64
"""Tasks that measure the last chain's files."""
_WAVE: Final = 16
"""Of these at a time: each gives back 1.5 MiB a phase."""


def shuffle_of(mixed: StageFolder) -> Shuffle:
    """The shuffle that follows a mix, by what the mix left in its folder."""
    findings = (mixed.findings() or {})["mixture"]
    return Shuffle(tuple(phase["name"] for phase in findings["phases"]), findings["seed"])


@dataclass
class CorpusStage:
    """The last stage of a run.

    last: folder of the chain before it; parts: those of its parts that hold rows. shuffle: what follows a mix.
    """

    output: Output
    out: str
    folder: StageFolder
    last: StageFolder
    parts: Sequence[ShardManifest]
    shuffle: Shuffle | None

    def __post_init__(self) -> None:
        self.data = join(self.out, "data")
        self.paths = [self.last.file("data", part.part) for part in self.parts]
        self.scattered = [join(self.folder.path, EXCHANGE, f"{part_name(part.part)}.arrow") for part in self.parts]
        self.cuts: list[Cut] = []

    def items(self, executor: Executor) -> list[OutputItem]:
        """The files that the corpus is to have."""
        if self.shuffle is None:
            return pack(self.last, self.parts, self.output.shard_bytes)
        self.cuts = self._cuts(executor, self.shuffle)
        found: list[OutputItem] = []
        offset = 0
        for one in self.cuts:
            for number, (first, end) in enumerate(pairwise([*one.shards, len(one.partitions)])):
                held = (offset + first, offset + end)
                found.append(OutputItem(len(found), (), one.phase, number, len(one.shards), held))
            offset += len(one.partitions)
        return found

    def sweep(self) -> dict[int, ShardManifest]:
        """Delete what is no part of this corpus, such as an older one; the parts that are done."""
        there = set(list_tree(self.data))
        manifests = self.folder.manifests()
        done = {part: manifest for part, manifest in manifests.items() if written_files(manifest).keys() <= there}
        self.folder.sweep(done)
        remove_drafts(join(self.folder.path, EXCHANGE))
        for name in list_folder(join(self.out, "stages")):
            if re.fullmatch(rf"\d+-{OUTPUT}-[0-9a-f]+", name) and name != self.folder.name:
                remove(join(self.out, "stages", name))
        kept = {name for manifest in done.values() for name in written_files(manifest)}
        kept |= indexes(self.output.format, done.values()).keys()
        for name in sorted(there - kept - {CARD}):
            remove(join(self.data, name))
        return done

    def job(self, executor: Executor, items: Sequence[OutputItem]) -> OutputJob:
        """What the files' tasks need, with all copies scattered if there is a mix."""
        pieces = [OutputItem(number, ((path, 0, 0),)) for number, path in enumerate(self.paths)]
        layout = unite_layouts(gather(executor, layout_of, pieces if self.shuffle else items, None))
        if self.shuffle is None:
            return OutputJob(self.data, self.folder, layout, self.output)
        for name in mix_columns(self.shuffle.phases):
            layout = layout.remove(layout.get_field_index(name))
        there = set(list_folder(join(self.folder.path, EXCHANGE)))
        pairs = list(zip(self.paths, self.scattered, strict=True))
        todo = [pair for pair in pairs if pair[1].rpartition("/")[2] not in there]
        gather(executor, _scatter, todo, _ScatterJob(self.shuffle, tuple(self.cuts), layout))
        partitions = sum(len(one.partitions) for one in self.cuts)
        return OutputJob(self.data, self.folder, layout, self.output, tuple(self.scattered), partitions)

    def close(self, done: dict[int, ShardManifest]) -> None:
        """Write the indexes of the format, and drop what was only needed on the way."""
        for name, content in indexes(self.output.format, done.values()).items():
            if not exists(join(self.data, name)):
                write_small(self.data, name, content)
        remove(join(self.folder.path, EXCHANGE))

    def _cuts(self, executor: Executor, shuffle: Shuffle) -> list[Cut]:
        """Where the corpus is cut: measured once, then read from a file."""
        path = join(self.folder.path, CUTS)
        if exists(path):
            return [Cut.from_json(raw) for raw in read_json(path)["cuts"]]
        stored = sum(part.files["data"].bytes for part in self.parts)
        whole = Histogram.empty(len(shuffle.phases))
        cut_up = portions(self.paths, stored // _PORTIONS + 1)
        for first in range(0, len(cut_up), _WAVE):
            for found in gather(executor, _measure, cut_up[first : first + _WAVE], shuffle):
                whole.add(found)
        packed = stored / max(1, whole.distinct) if self.output.format in COMPRESSED else 1.0
        if self.output.format in TOKEN_FORMATS:
            packed = encoder_of(self.output).dtype.itemsize * int(whole.tokens.sum()) / max(1, int(whole.bytes.sum()))
        cuts = [
            cut(
                phase,
                (whole.copies[number], whole.bytes[number], whole.tokens[number]),
                by=TOKENS_AT if self.output.shard_tokens else BYTES_AT,
                target=self.output.shard_tokens or self.output.shard_bytes / packed,
            )
            for number, phase in enumerate(shuffle.phases)
        ]
        write_json(path, {"cuts": [vars(one) for one in cuts]})
        return cuts


def indexes(output: str, parts: Iterable[ShardManifest]) -> dict[str, bytes]:
    """The index files of a corpus in a format, by their path in its folder; none for most formats."""
    if output not in INDEXES:
        return {}
    name, content = INDEXES[output]
    phases: dict[str, list[Shard]] = {}
    for part in parts:
        shard = Shard(part.origin["number"], written_files(part), part.origin.get("facts", {}))
        phases.setdefault(part.origin["phase"], []).append(shard)
    return {f"{phase}/{name}" if phase else name: content(shards) for phase, shards in phases.items()}


@dataclass(frozen=True)
class _ScatterJob:
    """A shuffle, where it is cut, and the columns of the corpus."""

    shuffle: Shuffle
    cuts: tuple[Cut, ...]
    layout: pa.Schema


def _scatter(job: _ScatterJob, item: tuple[str, str]) -> None:
    """Write the copies of the rows of a file to another, by partition."""
    source, target = item
    scatter_copies(job.shuffle, job.cuts, read_batches(source), job.layout, target)


def _measure(shuffle: Shuffle, portion: Portion) -> Histogram:
    """Count the copies of some files; their texts are not read."""
    columns = [ID, *mix_columns(shuffle.phases)]
    return measure(shuffle, (batch for path in portion.paths for batch in read_batches(path, columns=columns)))
