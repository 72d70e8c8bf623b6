"""Where a stage keeps its files, and what it promises about them.

::

    stages/NN-name-HASH/
        data/part-00000.parquet         rows that went on
        decisions/part-00000.parquet    one row for every document that left
        edits/part-00000.parquet        (barriers) one row for every span cut out of a document that stayed
        rejects/part-00000.parquet      text of a sample of those
        measures/part-00000.parquet     what the filters measured of each document
        sketch/part-00000.parquet       (barriers) what the barrier knows of each row
        rulings/part-00000.parquet      (barriers) what it decided
        shards/part-00000.json          the shard's manifest: the only sign that it is done
        findings.json                   (some barriers) what it found out beside rulings, for people
        manifest.json                   all shards' books added up: the only sign that the stage is done

A shard that keeps no row has no data file.
"""

import json
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import Any

from textmill.pipeline.barrier import FINDINGS
from textmill.pipeline.errors import DamagedRunError
from textmill.pipeline.io.files import exists, join, list_folder, read_text, remove, remove_drafts, write_whole
from textmill.pipeline.io.writer import WrittenFile
from textmill.pipeline.ledger import Ledger

READERS = 16
"""Manifests read at a time."""

KINDS = ("data", "decisions", "edits", "rejects", "measures", "sketch", "rulings")


@dataclass
class ShardManifest:
    """The books of one shard and the files that hold its rows, by kind; `origin` says what was read."""

    part: int
    origin: Mapping[str, Any]
    ledger: Ledger
    files: dict[str, WrittenFile] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """A plain dict, the reverse of `from_json`."""
        files = {kind: asdict(file) for kind, file in self.files.items()}
        return {"part": self.part, "origin": dict(self.origin), "ledger": self.ledger.to_json(), "files": files}

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> "ShardManifest":
        """Read back what `to_json` gave."""
        files = {kind: WrittenFile(**file) for kind, file in raw["files"].items()}
        return cls(raw["part"], raw["origin"], Ledger.from_json(raw["ledger"]), files)


@dataclass(frozen=True)
class StageFolder:
    """The files of one stage, by part number."""

    path: str

    @property
    def name(self) -> str:
        """The folder's own name, ``NN-name-HASH``."""
        return self.path.rpartition("/")[2]

    def file(self, kind: str, part: int) -> str:
        """Path of a part's Parquet file; `kind` is one of `KINDS`."""
        return join(self.path, kind, f"{part_name(part)}.parquet")

    def commit(self, manifest: ShardManifest) -> None:
        """Declare a shard done. Everything it wrote must be in place already."""
        write_json(join(self.path, "shards", f"{part_name(manifest.part)}.json"), manifest.to_json())

    def retract(self, part: int) -> None:
        """Take back that a shard is done."""
        remove(join(self.path, "shards", f"{part_name(part)}.json"))

    def manifests(self) -> dict[int, ShardManifest]:
        """The manifests of the shards that are done, by part number.

        A manifest whose files somebody deleted counts for nothing.
        """
        folder = join(self.path, "shards")
        names = [name for name in list_folder(folder) if name.endswith(".json")]
        with ThreadPoolExecutor(READERS) as pool:  # a store answers many small requests at once
            found = [ShardManifest.from_json(raw) for raw in pool.map(lambda n: read_json(join(folder, n)), names)]
        there = {(kind, part) for kind in KINDS for part in parts_in(join(self.path, kind))}
        return {m.part: m for m in found if all((kind, m.part) in there for kind in m.files)}

    def finish(self, summary: Mapping[str, Any]) -> None:
        """Declare the stage done."""
        write_json(join(self.path, "manifest.json"), summary)

    def reopen(self) -> None:
        """Take back that the stage is done."""
        remove(join(self.path, "manifest.json"))

    def summary(self) -> dict[str, Any] | None:
        """What `finish` was given; None while the stage is not done."""
        path = join(self.path, "manifest.json")
        return read_json(path) if exists(path) else None

    def sweep(self, done: Mapping[int, ShardManifest], sketches: Collection[int] = ()) -> None:
        """Delete what neither a manifest vouches for nor `sketches` names: leftovers of a killed attempt."""
        remove(self.work)
        remove_drafts(self.path)
        vouched = {(kind, part) for part, manifest in done.items() for kind in (*manifest.files, "shards")}
        vouched |= {("sketch", part) for part in sketches}
        for kind in (*KINDS, "shards"):
            for name in list_folder(join(self.path, kind)):
                if (kind, part_number(name)) not in vouched:
                    remove(join(self.path, kind, name))

    def keep_findings(self) -> None:
        """Save what the barrier left for people in its work folder, if anything."""
        if exists(join(self.work, FINDINGS)):
            write_json(join(self.path, FINDINGS), read_json(join(self.work, FINDINGS)))

    def findings(self) -> dict[str, Any] | None:
        """What the barrier left for people; None if nothing. Raises DamagedRunError."""
        path = join(self.path, FINDINGS)
        return read_json(path) if exists(path) else None

    @property
    def work(self) -> str:
        """A folder for intermediate files of a barrier; gone when the stage is done."""
        return join(self.path, "work")


def part_name(part: int) -> str:
    """``part-00000``."""
    return f"part-{part:05d}"


def part_number(name: str) -> int | None:
    """The number in ``part-00000.parquet`` or ``.json``; None for any other name."""
    stem, _, ending = name.partition(".")
    digits = stem.removeprefix("part-")
    return int(digits) if ending in ("parquet", "json") and digits.isdecimal() else None


def parts_in(folder: str) -> set[int]:
    """The numbers of the parts in a folder; other files are passed over."""
    return {part for name in list_folder(folder) if (part := part_number(name)) is not None}


def write_json(path: str, content: Mapping[str, Any]) -> None:
    """Write a JSON file, whole or not at all."""
    with write_whole(path) as stream:
        stream.write(json.dumps(content, indent=1, ensure_ascii=False).encode() + b"\n")


def read_json(path: str) -> dict[str, Any]:
    """Read a JSON object. Raises DamagedRunError when it is none."""
    try:
        content = json.loads(read_text(path))
    except ValueError as error:
        raise DamagedRunError(f"{path}: not JSON ({error}); delete it and run again") from error
    if not isinstance(content, dict):
        raise DamagedRunError(f"{path}: no JSON object; delete it and run again")
    return content
