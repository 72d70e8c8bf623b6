"""Does a Parquet file of a run hold what its manifest says? One function for a part, one for the corpus."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from xxhash import xxh3_64_intdigest

from textmill.pipeline import schema
from textmill.pipeline.chain import REJECTS
from textmill.pipeline.errors import InputError
from textmill.pipeline.io.files import exists, filesystem, open_binary
from textmill.pipeline.io.writer import WrittenFile, checksum
from textmill.pipeline.ledger import Ledger
from textmill.pipeline.plan import OUTPUT
from textmill.pipeline.run_folder import RunStage
from textmill.pipeline.stage_folder import ShardManifest

Wrong = tuple[str, str]
"""A file, and what is wrong with it."""

HASHES = 1 << 24
"""Ids looked at together in the search for repeated ones: 128 MiB of hashes; more ids take more passes."""

MOST_REPEATED = 1000
"""Repeated ids that are found; more would say no more."""


@dataclass
class CheckedPart:
    """Files and bytes that were checked, and what is wrong."""

    files: int = 0
    bytes: int = 0
    problems: list[Wrong] = field(default_factory=list)


def check_part(stage: RunStage, manifest: ShardManifest, *, quick: bool) -> CheckedPart:
    """Compare the files of a part with its manifest; `quick` looks at sizes and footers only."""
    ledger, checked = manifest.ledger, CheckedPart()
    for kind, rows in _expected(stage, manifest).items():
        said = manifest.files[kind].rows if kind in manifest.files else 0
        if said != rows:
            checked.problems.append((stage.file(kind, manifest.part), f"{rows} rows are booked, {said} were written"))
    for kind, written in manifest.files.items():
        path = stage.file(kind, manifest.part)
        problems = list(_differences(path, written, kind, quick=quick))
        if kind in _BOOKED and not quick and not problems:
            problems += _miscounts(path, stage.name, _BOOKED[kind](ledger))
        checked.files += 1
        checked.bytes += written.bytes
        checked.problems += [(path, what) for what in problems]
    if stage.kind == "barrier":
        path = stage.file("sketch", manifest.part)
        checked.problems += [(path, what) for what in _sketch_differences(path, ledger.rows_in)]
    return checked


def _expected(stage: RunStage, manifest: ShardManifest) -> dict[str, int]:
    """Rows that each kind of file must have, by the books."""
    ledger = manifest.ledger
    if stage.kind == OUTPUT:  # every file of it holds all rows of the part, unless documents are cut into pieces
        return {} if "pieces" in manifest.origin.get("facts", {}) else dict.fromkeys(manifest.files, ledger.rows_out)
    kept = {} if stage.kind == "barrier" else {"data": ledger.rows_out}
    edits = sum(edits.spans for edits in ledger.edited.values())
    return {**kept, "decisions": ledger.rows_dropped, "edits": edits}


def _differences(path: str, written: WrittenFile, kind: str, *, quick: bool) -> Iterator[str]:
    """Where a file is not what was written."""
    if not exists(path):
        yield "is missing"
        return
    fs, name = filesystem(path)
    size = int(fs.info(name)["size"])
    if size != written.bytes:
        yield f"has {size} bytes; {written.bytes} were written"
        return
    if not quick and checksum(path) != written.checksum:
        yield "has changed since it was written: its checksum differs"
        return
    if not path.endswith(".parquet"):
        return
    try:
        layout, groups = _footer(path)
    except (pa.ArrowException, OSError, InputError) as error:
        yield f"cannot be read: {error}"
        return
    said = [rows for rows, _ in written.row_groups]
    if groups != said or sum(said) != written.rows:
        yield f"has row groups of {groups} rows; its manifest says {said}, {written.rows} in all"
    wanted = {"decisions": schema.DECISIONS, "edits": schema.EDITS, "rejects": REJECTS}.get(kind)
    if wanted is not None and not layout.equals(wanted):
        yield f"has other columns than {kind} have: {', '.join(layout.names)}"


def _footer(path: str) -> tuple[pa.Schema, list[int]]:
    """Columns, and rows of each row group."""
    with open_binary(path) as stream, pq.ParquetFile(stream) as file:
        meta = file.metadata
        return file.schema_arrow, [meta.row_group(group).num_rows for group in range(meta.num_row_groups)]


def _sketch_differences(path: str, rows: int) -> Iterator[str]:
    """Where a sketch has lost rows; once its barrier is done, a sketch may be gone."""
    if not exists(path):
        return
    try:
        found = sum(_footer(path)[1])
    except (pa.ArrowException, OSError, InputError) as error:
        yield f"cannot be read: {error}"
        return
    if found != rows:
        yield f"has {found} rows; {rows} came into the barrier"


def _booked_decisions(ledger: Ledger) -> Counter[tuple[str, ...]]:
    """Documents that left, by step, reason and source."""
    booked = Counter[tuple[str, ...]]()
    for (step, reason, source, _), rows in ledger.dropped_rows.items():
        booked[(step, reason, source)] += rows
    return booked


def _booked_edits(ledger: Ledger) -> Counter[tuple[str, ...]]:
    """Characters that were cut out, by step, reason and source."""
    booked = Counter[tuple[str, ...]]()
    for (step, reason, source, _), edits in ledger.edited.items():
        booked[(step, reason, source)] += edits.chars
    return booked


_BOOKED: Final = {"decisions": _booked_decisions, "edits": _booked_edits}


def _miscounts(path: str, stage: str, booked: Counter[tuple[str, ...]]) -> Iterator[str]:
    """Where rows of decisions, or characters of edits, by step, reason and source, are not what the books say."""
    found = Counter[tuple[str, ...]]()
    by = ["stage", "step", "reason", schema.SOURCE]
    with open_binary(path) as stream, pq.ParquetFile(stream) as file:
        edits = "stop" in file.schema_arrow.names
        for batch in file.iter_batches(columns=[*by, "start", "stop"] if edits else by):
            amount = pc.subtract(batch.column("stop"), batch.column("start")) if edits else pa.repeat(1, len(batch))
            rows = pa.table([*(batch.column(name) for name in by), amount], names=[*by, "amount"])
            for row in rows.group_by(by, use_threads=False).aggregate([("amount", "sum")]).to_pylist():
                found[tuple(row[name] or "" for name in by)] += row["amount_sum"]
    wanted = Counter({(stage, *key): amount for key, amount in booked.items()})
    what = "characters" if edits else "rows"
    for key in sorted(found.keys() | wanted.keys()):
        if found[key] != wanted[key]:
            yield f"holds {found[key]} {what} of {' / '.join(key)}; {wanted[key]} are booked"


@dataclass
class CheckedCorpus:
    """Rows of the corpus, what is wrong with it, and ids that it has more than once."""

    documents: int = 0
    problems: list[Wrong] = field(default_factory=list)
    repeated: Sequence[str] = ()


def check_corpus(paths: Sequence[str], *, repeated: bool) -> CheckedCorpus:
    """Check that all files have the same columns, `id`, `text` and `source` among them; look for `repeated` ids.

    The files must be sound by themselves.
    """
    corpus = CheckedCorpus()
    readable = []
    first: pa.Schema | None = None
    for path in paths:
        layout, groups = _footer(path)
        first = first or layout
        missing = {schema.ID, schema.TEXT, schema.SOURCE} - set(layout.names)
        if missing:
            corpus.problems.append((path, f"has no column {', '.join(sorted(missing))}"))
        elif not layout.equals(first):
            corpus.problems.append((path, f"has other columns than {paths[0]}: {layout}"))
        else:
            readable.append(path)
        corpus.documents += sum(groups)
    if repeated:
        corpus.repeated = repeated_ids(readable, corpus.documents)
    return corpus


def repeated_ids(paths: Sequence[str], rows: int, hashes: int = HASHES) -> list[str]:
    """Ids that occur more than once in files of `rows` rows, sorted, at most `MOST_REPEATED` of them.

    Holds about that many `hashes` at a time. Equal hashes only name suspects, whose ids are then
    compared: two ids with one hash are not taken for one.
    """
    passes = max(1, -(-rows // hashes))
    found: list[str] = []
    for number in range(passes):
        values, counts = np.unique(_hashes(paths, number, passes), return_counts=True)
        suspects = set(values[counts > 1][:MOST_REPEATED].tolist())
        if suspects:
            times = Counter(name for name in _ids(paths) if xxh3_64_intdigest(name) in suspects)
            found += [name.decode() for name, count in times.items() if count > 1]
        if len(found) >= MOST_REPEATED:
            break
    return sorted(found)[:MOST_REPEATED]


def _hashes(paths: Sequence[str], number: int, passes: int) -> npt.NDArray[np.uint64]:
    """Hashes of the ids: of several passes, those of one."""
    pieces = [np.empty(0, np.uint64)]
    for path in paths:
        hashes = np.fromiter((xxh3_64_intdigest(name) for name in _ids([path])), np.uint64)
        pieces.append(hashes[hashes % np.uint64(passes) == number])
    return np.concatenate(pieces)


def _ids(paths: Sequence[str]) -> Iterator[bytes]:
    for path in paths:
        with open_binary(path) as stream, pq.ParquetFile(stream) as file:
            for batch in file.iter_batches(columns=[schema.ID]):
                yield from pc.fill_null(batch.column(0), "").cast(pa.binary()).to_pylist()
