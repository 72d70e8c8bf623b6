"""Finds the examples of benchmarks in a corpus, and reports them, cuts them out, or drops the documents that hold them.

Sources: Brown et al. 2020 (GPT-3), appendix C: runs of 13 words, cut out with 200 characters around; Lambert et al.
2024 (Tülu 3), section 3.2: the share of an example's words that runs shared with one document cover.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Final, Literal, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import Field

from textmill.dedup.benchmarks import Benchmark, Index, build_index
from textmill.dedup.gram_scan import covered_words, find_grams
from textmill.pipeline import schema
from textmill.pipeline.arrow import text_buffers
from textmill.pipeline.barrier import CUT, CUTS, FINDINGS, RULING, Barrier
from textmill.pipeline.executor import Executor, gather
from textmill.pipeline.io.files import find_files, join, open_binary, write_whole
from textmill.pipeline.io.writer import write_parquet
from textmill.pipeline.kernels.placed_words import Numbers, placed_words

REASON: Final = "contaminated"
HITS: Final = "hits"
_HIT: Final = pa.struct([("gram", pa.int64()), ("start", pa.int64()), ("stop", pa.int64())])
MOST_MATCHES: Final = 20
"""Matches that the findings name for each benchmark, the most covered first."""


class Decontaminate(Barrier):
    """Find examples of benchmarks in the corpus: those of whose words one document holds a large share in runs.

    Case, punctuation and white space are put aside. A field of fewer than `min_words` words is not looked for: the
    findings count such examples. The best match goes into `contaminated_by` and `contamination`.
    """

    benchmarks: dict[str, Benchmark] = Field(min_length=1, description="evaluation sets by name")
    ngram: int = Field(8, ge=2, description="words in a run; a field with fewer is one run")
    min_words: int = Field(8, ge=1, description="shortest field that is looked for")
    min_coverage: float = Field(0.5, ge=0, le=1, description="share of the field's words; 0 is any run at all")
    fields: Literal["any", "all"] = Field("any", description="which fields of an example a document must hold")
    max_documents: int | None = Field(
        None, ge=1, description="a run in more documents is common speech, 10 in GPT-3; spares what is copied often"
    )
    action: Literal["report", "remove_span", "drop"] = Field("drop", description="what becomes of such documents")
    window: int = Field(200, ge=0, description="remove_span: characters to cut on either side too")
    min_piece: int = Field(200, ge=0, description="remove_span: shorter pieces between cuts go as well")
    max_pieces: int = Field(10, ge=1, description="remove_span: a document that falls into more is dropped")

    def adds(self) -> frozenset[str]:
        """The best match of a document that stays, null where there is none."""
        return frozenset({"contaminated_by", "contamination"})

    def depends_on(self) -> tuple[str, ...]:
        """The evaluation sets."""
        return tuple(file.path for benchmark in self.benchmarks.values() for file in find_files(benchmark.files))

    def prepare(self) -> None:
        """Index them. Raises InputError."""
        self.index()

    def index(self) -> Index:
        """All runs of words that are looked for."""
        return build_index(self.benchmarks, self.ngram, self.min_words)

    def sketch(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """`hits`: the runs of words in the text that some example has, with their places in code points."""
        data, offsets, _ = text_buffers(batch.column(schema.TEXT))
        index = self.index()
        hits = find_grams(placed_words(data, offsets), index.grams, index.sizes, index.possible)
        spans = pa.StructArray.from_arrays([pa.array(column) for column in hits[1:]], fields=list(_HIT))
        column = pa.ListArray.from_arrays(pa.array(hits.first, pa.int32()), spans)
        return pa.RecordBatch.from_pydict({HITS: column})

    def resolve(self, sketches: Sequence[str], work: str, executor: Executor) -> Sequence[str]:
        """Rule on each shard by itself, once it is known which runs are common speech."""
        common = np.empty(0, np.int64)
        if self.max_documents is not None:
            spread: Counter[int] = Counter()
            for part in gather(executor, _documents_with, sketches, None):
                spread.update(part)
            common = np.array(sorted(gram for gram, n in spread.items() if n > self.max_documents), np.int64)
        ruled = gather(executor, _rule, list(enumerate(sketches)), _Job(self, work, common))
        _write_findings(self, work, [match for _, matches in ruled for match in matches])
        return [path for path, _ in ruled]


class Match(NamedTuple):
    """An example in a document; coverage: the share of its words, of its best field or, if all count, of its worst."""

    document: str
    benchmark: str
    example: str
    coverage: float


@dataclass(frozen=True)
class _Job:
    """What all tasks have in common."""

    barrier: Decontaminate
    work: str
    common: Numbers


def _documents_with(_: None, path: str) -> dict[int, int]:
    """How many documents of a shard hold each gram."""
    hits = _read(path)
    pairs = np.unique(np.stack([hits.row, hits.gram]), axis=1)
    grams, counts = np.unique(pairs[1], return_counts=True)
    return dict(zip(grams.tolist(), counts.tolist(), strict=True))


@dataclass(frozen=True)
class _Hits:
    """The hits of a shard, by row."""

    ids: list[str]
    chars: Numbers
    row: Numbers
    gram: Numbers
    start: Numbers
    stop: Numbers


def _read(path: str) -> _Hits:
    with open_binary(path) as stream:
        table = pq.read_table(stream, columns=[schema.ID, schema.CHARS, HITS])
    column = table.column(HITS).combine_chunks()
    row = np.repeat(np.arange(len(column)), pc.fill_null(pc.list_value_length(column), 0).to_numpy())
    spans = column.flatten()
    places = [pc.struct_field(spans, name).to_numpy() for name in ("gram", "start", "stop")]
    return _Hits(table.column(schema.ID).to_pylist(), table.column(schema.CHARS).to_numpy(), row, *places)


@dataclass
class _Ruling:
    """The rows of a ruling as they come."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    matches: list[Match] = field(default_factory=list)


def _rule(job: _Job, item: tuple[int, str]) -> tuple[str, list[Match]]:
    """Write the ruling on one shard; its path and the matches."""
    number, path = item
    hits, index = _read(path), job.barrier.index()
    ruling = _Ruling()
    wanted = ~np.isin(hits.gram, job.common)
    places = np.flatnonzero(wanted)
    for row, mine in groupby(places.tolist(), key=lambda place: int(hits.row[place])):
        _rule_document(job.barrier, index, hits, row, np.array(list(mine)), ruling)
    out = join(job.work, "rulings", f"{number:06d}.parquet")
    write_parquet(out, pa.Table.from_pylist(ruling.rows, _layout(job.barrier)))
    return out, ruling.matches


def _layout(barrier: Decontaminate) -> pa.Schema:
    added = [pa.field("contaminated_by", pa.string()), pa.field("contamination", pa.float32())]
    cuts = [pa.field(CUTS, pa.list_(CUT))] if barrier.action == "remove_span" else []
    return pa.schema([*RULING, *added, *cuts])


def _rule_document(barrier: Decontaminate, index: Index, hits: _Hits, row: int, mine: Numbers, ruling: _Ruling) -> None:
    """Add what becomes of one document with hits."""
    coverage = coverage_of(index, np.unique(hits.gram[mine]))
    found = [
        (share, name)
        for name, share in examples_of(index, coverage, barrier.fields).items()
        if share >= barrier.min_coverage
    ]
    if not found:
        return
    found.sort(key=lambda match: (-match[0], match[1]))
    share, (benchmark, example) = found[0]
    ruling.matches += [Match(hits.ids[row], *name, share) for share, name in found]
    which = f"{benchmark}:{example}"
    stays: dict[str, Any] = {"row": row, "contaminated_by": which, "contamination": share}
    if barrier.action == "remove_span":
        spans = _cuts(barrier, _spans(index, hits, mine, {name for _, name in found}), int(hits.chars[row]))
        cut = {"reason": REASON, "value": share, "kept_id": which}
        stays[CUTS] = [{"start": start, "stop": stop, **cut} for start, stop in spans]
    if barrier.action == "drop" or stays.get(CUTS) == []:
        limit = barrier.min_coverage
        ruling.rows.append(
            {"row": row, "reason": REASON, "value": share, "threshold": limit, "kept_id": which, "similarity": share}
        )
    else:
        ruling.rows.append(stays)


def coverage_of(index: Index, grams: Numbers) -> dict[int, float]:
    """Of each item that shares a gram with a document the share of its words that all these cover."""
    counts = index.first[grams + 1] - index.first[grams]
    before = np.concatenate([[0], np.cumsum(counts)[:-1]])
    postings = np.repeat(index.first[grams] - before, counts) + np.arange(counts.sum())
    item, at = index.item[postings], index.at[postings]
    order = np.lexsort((at, item))
    item, at = item[order], at[order]
    items, covered = covered_words(item, at, index.item_sizes[item])
    return dict(zip(items.tolist(), (covered / index.item_words[items]).tolist(), strict=True))


def examples_of(index: Index, coverage: dict[int, float], fields: str) -> dict[tuple[str, str], float]:
    """The coverage of each example: of its best field, or of its worst where a document must hold all."""
    shares: dict[tuple[str, str], list[float]] = {}
    for number, share in coverage.items():
        item = index.items[number]
        shares.setdefault((item.benchmark, item.example), []).append(share)
    if fields == "any":
        return {name: max(found) for name, found in shares.items()}
    return {name: min(found) if len(found) == index.fields_of[name] else 0.0 for name, found in shares.items()}


def _spans(index: Index, hits: _Hits, mine: Numbers, examples: set[tuple[str, str]]) -> list[tuple[int, int]]:
    """Where in a document the runs stand that it shares with one of `examples`."""
    spans = []
    for place in mine.tolist():
        gram = hits.gram[place]
        owners = index.item[index.first[gram] : index.first[gram + 1]].tolist()
        if any((index.items[item].benchmark, index.items[item].example) in examples for item in owners):
            spans.append((int(hits.start[place]), int(hits.stop[place])))
    return sorted(spans)


def _cuts(barrier: Decontaminate, spans: Sequence[tuple[int, int]], chars: int) -> list[tuple[int, int]]:
    """The spans with what lies around them; none where nothing would be left, or too many pieces."""
    cuts: list[tuple[int, int]] = []
    for first, last in spans:
        start, stop = max(0, first - barrier.window), min(chars, last + barrier.window)
        reached = cuts[-1][1] if cuts else 0
        if start - reached < barrier.min_piece:
            start = reached  # what stands between is too short to stay
        if cuts and start <= reached:
            cuts[-1] = (cuts[-1][0], max(stop, reached))
        else:
            cuts.append((start, stop))
    if chars - cuts[-1][1] < barrier.min_piece:
        cuts[-1] = (cuts[-1][0], chars)
    pieces = len(cuts) + 1 - (cuts[0][0] == 0) - (cuts[-1][1] == chars)
    return cuts if 0 < pieces <= barrier.max_pieces else []


def _write_findings(barrier: Decontaminate, work: str, matches: Sequence[Match]) -> None:
    """A row for each benchmark: examples, those too short to look for, those found, and the best matches."""
    index = barrier.index()
    table = []
    for name in barrier.benchmarks:
        mine = [match for match in matches if match.benchmark == name]
        found = len({match.example for match in mine})
        best = sorted(mine, key=lambda match: (-match.coverage, match.example, match.document))[:MOST_MATCHES]
        table.append(
            {
                "benchmark": name,
                "examples": index.examples[name],
                "too_short": index.too_short[name],
                "contaminated": found,
                "share": found / index.examples[name] if index.examples[name] else 0.0,
                "documents": len({match.document for match in mine}),
                "matches": [{"document": m.document, "example": m.example, "coverage": m.coverage} for m in best],
            }
        )
    with write_whole(join(work, FINDINGS)) as stream:
        stream.write(json.dumps({"benchmarks": table}, ensure_ascii=False).encode())
