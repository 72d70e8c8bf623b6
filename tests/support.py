"""Small readers, steps and barriers that tests name in recipes, as ``support:Lines``, and runs of such recipes."""

import errno
import json
import os
import re
import signal
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from textmill import Filter, Mapper, Scorer, Verdict, doc_filter, doc_scorer
from textmill.pipeline.barrier import CUT, CUTS, RULING, Barrier
from textmill.pipeline.errors import InputError
from textmill.pipeline.executor import Executor
from textmill.pipeline.io.files import write_whole
from textmill.pipeline.io.reader import Reader, Skipped
from textmill.pipeline.progress import Silent
from textmill.pipeline.recipe import Recipe
from textmill.pipeline.recipe_reader import parse_recipe
from textmill.pipeline.shard import Shard


class Lines(Reader):
    """One document a line. A file with a NUL byte is no text file; an empty line is refused as `blank`."""

    rows: int = 4
    """Lines in a batch."""
    faults: str = ""
    """A file of error names such as ENOSPC; each read of a shard takes the first and fails with it, or hangs."""
    extra: str = ""
    """A column to add: the number of the line."""

    def layout(self) -> pa.Schema:
        columns = {"id": pa.string(), "source": pa.string(), "text": pa.string()}
        return pa.schema(columns | ({self.extra: pa.int64()} if self.extra else {}))

    def read(self, shard: Shard, skipped: Skipped) -> Iterator[pa.RecordBatch]:
        if self.faults:
            names = Path(self.faults).read_text().split()
            Path(self.faults).write_text(" ".join(names[1:]))
            if names == ["hang"]:
                time.sleep(600)
            if names:
                number = getattr(errno, names[0])
                raise OSError(number, os.strerror(number))
        raw = Path(shard.path).read_bytes()
        if b"\0" in raw:
            raise InputError(f"{shard.path}: not a text file")
        lines = list(enumerate(raw.decode().splitlines()))
        for start in range(0, len(lines), self.rows):
            yield self._batch(shard, lines[start : start + self.rows])

    def _batch(self, shard: Shard, lines: Sequence[tuple[int, str]]) -> pa.RecordBatch:
        columns: dict[str, pa.Array] = {
            "id": pa.array([f"{Path(shard.path).name}:{number}" for number, _ in lines]),
            "source": pa.array([self.source] * len(lines)),
            "text": pa.array([text for _, text in lines]),
            "drop_reason": pa.array([None if text else "blank" for _, text in lines], pa.string()),
        }
        if self.extra:
            columns[self.extra] = pa.array([number for number, _ in lines])
        return pa.RecordBatch.from_pydict(columns)


class MinLength(Filter):
    """Drops texts of fewer than `least` characters."""

    least: int = 3

    def judge(self, batch: pa.RecordBatch) -> Verdict:
        if batch.num_rows == 0:
            raise AssertionError("a step met an empty batch")
        length = pc.utf8_length(batch.column("text"))
        return Verdict.of(batch).drop("too_short", pc.less(length, self.least), value=length, threshold=self.least)


@doc_filter
def without(text: str, *, word: str = "bad") -> str | None:
    """Drop documents that hold a word."""
    return "bad_word" if word in text else None


@doc_scorer
def length(text: str) -> float | None:
    """Characters, None for an empty text."""
    return float(len(text)) or None


class Shout(Mapper):
    """Writes texts in capitals, and refuses those that begin with `refuse`."""

    def rewrite(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        texts = batch.column("text").to_pylist()
        refused = [text.startswith("refuse") for text in texts]
        return (
            batch.set_column(batch.schema.get_field_index("text"), "text", pa.array([text.upper() for text in texts]))
            .append_column("drop_reason", pa.array(["refused" if no else None for no in refused], pa.string()))
            .append_column("drop_value", pa.array([float(len(t)) for t in texts]))
        )


class Crowd(Scorer):
    """How many rows the batch had."""

    def adds(self) -> frozenset[str]:
        return frozenset({"crowd"})

    def score(self, batch: pa.RecordBatch) -> dict[str, pa.Array]:
        return {"crowd": pa.array([batch.num_rows] * batch.num_rows)}


class Narrow(Scorer):
    """A column `value` whose type is as narrow as the file's name is early in the alphabet."""

    def adds(self) -> frozenset[str]:
        return frozenset({"value"})

    def score(self, batch: pa.RecordBatch) -> dict[str, pa.Array]:
        early = batch.column("id")[0].as_py() < "b"
        return {"value": pa.array([1] * batch.num_rows, pa.int8() if early else pa.int64())}


class Torn(Narrow):
    """As Narrow, but the later files have strings there."""

    def score(self, batch: pa.RecordBatch) -> dict[str, pa.Array]:
        value = super().score(batch)["value"]
        return {"value": value if value.type == pa.int8() else value.cast(pa.string())}


@doc_filter
def fragile(text: str, *, word: str = "break") -> str | None:
    """Raises ValueError on texts that hold a word."""
    if word in text:
        raise ValueError(f"cannot bear {word!r}")
    return None


@doc_filter
def deadly(text: str, *, seconds: float = 600) -> str | None:
    """Kills its process on a text that holds `kill`; hangs on one that holds `hang`."""
    if "kill" in text:
        os.kill(os.getpid(), signal.SIGKILL)
    if "hang" in text:
        time.sleep(seconds)
    return None


@doc_filter
def mortal(text: str, *, flag: str) -> str | None:
    """Kills its process on a text that holds `kill`, unless a file is there; leaves that file."""
    if "kill" in text and not Path(flag).exists():
        Path(flag).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return None


class First(Barrier):
    """Keeps the first `count` documents of all; gives the first `number` of these theirs as `place`."""

    count: int = 3
    number: int = 0

    def reads(self) -> frozenset[str]:
        return frozenset({"id"})

    def adds(self) -> frozenset[str]:
        return frozenset({"place"} if self.number else ())

    def sketch(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        return batch.select(["id"])

    def resolve(self, sketches: Sequence[str], work: str, executor: Executor) -> Sequence[str]:
        layout = pa.schema([*RULING, ("place", pa.int64())]) if self.number else RULING
        before, paths = 0, []
        for shard, sketch in enumerate(sketches):
            rows = pq.read_table(sketch).num_rows
            rulings = [self._ruling(row, before + row) for row in range(rows)]
            paths.append(f"{work}/{shard}.parquet")
            with write_whole(paths[-1]) as stream:
                pq.write_table(pa.Table.from_pylist([ruling for ruling in rulings if ruling], layout), stream)
            before += rows
        return paths

    def _ruling(self, row: int, place: int) -> dict[str, Any] | None:
        if place >= self.count:
            return {"row": row, "reason": "late", "value": float(place), "threshold": float(self.count)}
        return {"row": row, "place": place} if place < self.number else None


class Censor(Barrier):
    """Cuts a word out of all texts; a text of nothing else leaves as `only_bad`."""

    word: str = "bad"

    def reads(self) -> frozenset[str]:
        return frozenset({"text"})

    def sketch(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        texts = [text or "" for text in batch.column("text").to_pylist()]
        found = [[match.start() for match in re.finditer(self.word, text)] for text in texts]
        return pa.RecordBatch.from_pydict({"found": pa.array(found, pa.list_(pa.int32()))})

    def resolve(self, sketches: Sequence[str], work: str, executor: Executor) -> Sequence[str]:
        paths = []
        for shard, sketch in enumerate(sketches):
            rows = []
            for row, entry in enumerate(pq.read_table(sketch).to_pylist()):
                size, starts = len(self.word), entry["found"]
                if starts and size * len(starts) == entry["chars"]:
                    rows.append({"row": row, "reason": "only_bad"})
                elif starts:
                    cuts = [{"start": s, "stop": s + size, "reason": "bad", "kept_id": "the list"} for s in starts]
                    rows.append({"row": row, "cuts": cuts})
            paths.append(f"{work}/{shard}.parquet")
            with write_whole(paths[-1]) as stream:
                pq.write_table(pa.Table.from_pylist(rows, RULING.append(pa.field(CUTS, pa.list_(CUT)))), stream)
        return paths


class Log(Silent):
    """Remembers which stages had shards to do, and what it was told."""

    def __init__(self) -> None:
        self.done: dict[str, int] = {}
        self.notes: list[str] = []

    def stage(self, name: str, total: int, done: int) -> None:
        self._name = name
        self.done[name] = 0

    def shard(self, rows_in: int, rows_out: int) -> None:
        self.done[self._name] += 1

    def note(self, message: str) -> None:
        self.notes.append(message)


def write_lines(folder: Path, **files: Sequence[str]) -> Path:
    """Files ``NAME.txt`` of lines; returns the folder."""
    for name, lines in files.items():
        (folder / f"{name}.txt").write_text("".join(f"{line}\n" for line in lines))
    return folder


def chain(name: str, *steps: object) -> dict[str, object]:
    """A chain's entry in a recipe."""
    return {"chain": name, "steps": list(steps)}


def recipe_of(
    folder: Path, *stages: object, reader: dict[str, object] | None = None, plugins: Path | None = None, **top: object
) -> Recipe:
    """A recipe that reads ``folder/*.txt``, with plugins from a folder."""
    inputs = [{"source": "a", "read": "support:Lines", "files": f"{folder}/*.txt", **(reader or {})}]
    content = {"name": "test", "inputs": inputs, "stages": list(stages), **top}
    return parse_recipe(content, (), [str(plugins)] if plugins else [])


def corpus(out: Path | str) -> list[str]:
    """The texts of a corpus in order."""
    return [text for path in corpus_files(out) for text in pq.read_table(path).column("text").to_pylist()]


def corpus_files(out: Path | str) -> list[Path]:
    """The files of a corpus."""
    return sorted((Path(out) / "data").glob("*"))


def decisions(out: Path | str) -> list[dict[str, Any]]:
    """Every decision of the stages of the latest plan."""
    plan = json.loads((Path(out) / "stages/plan.json").read_text())
    folders = [Path(out) / "stages" / stage["folder"] / "decisions" for stage in plan["stages"]]
    return [row for folder in folders for path in sorted(folder.glob("*")) for row in pq.read_table(path).to_pylist()]
