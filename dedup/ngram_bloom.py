"""Cuts paragraphs, and drops documents, whose n-grams a Bloom filter knows from those before: BFF, as DCLM uses it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import ByteSize, Field, model_validator

from textmill.dedup.bloom import Sizing, sizing
from textmill.dedup.cutting import STAYS, Removal, rule_passages
from textmill.dedup.grams import count_grams, groups_of, read_lines, sift_lines, sketch_lines
from textmill.dedup.sketches import GLOBAL, Work, scope_columns, scope_seeds, shares_of, write_rulings
from textmill.pipeline import schema
from textmill.pipeline.barrier import FINDINGS, Barrier
from textmill.pipeline.errors import ExpectationError
from textmill.pipeline.exchange import Portion, collect, scatter
from textmill.pipeline.executor import Executor, gather
from textmill.pipeline.io.files import join, write_whole

CUT_REASON: Final = "known_ngrams"
DROP_REASON: Final = "too_many_known_ngrams"


class NgramBloom(Barrier):
    """Cut lines of which more than `threshold` of the n-grams are known, and drop documents of which as many are.

    As `old-both` of BFF (DCLM, appendix on deduplication; Dolma): line by line in the order of the corpus, what a
    Bloom filter knows is counted; a line that stays is put into it, one that goes is not. A line of fewer than
    `min_ngram` words stays and counts for nothing, one of fewer than `ngram` is one n-gram.
    One task does all lines of a group, so the result does not depend on workers.
    """

    ngram: int = Field(13, ge=1, description="words of an n-gram")
    min_ngram: int = Field(13, ge=1, description="a line of fewer words stays")
    threshold: float = Field(0.8, ge=0, lt=1, description="largest share of known n-grams of a line, or a document")
    false_positives: float = Field(
        0.01, gt=0, lt=1, description="largest share of strange n-grams that the filter may know"
    )
    groups: int = Field(
        1, ge=1, description="groups of documents, by a hash of their id, with a filter and a task of their own each"
    )
    memory: ByteSize | None = Field(None, gt=0, description="the most that a filter may take, such as 8GB")
    normalize: Literal["whitespace", "lowercase", "letters"] = Field(
        "whitespace", description="what is put aside before words are compared"
    )
    scope: str = Field(GLOBAL, description="`global`, or a column in which the documents must agree")

    @model_validator(mode="after")
    def _in_order(self) -> "NgramBloom":
        if self.min_ngram > self.ngram:
            raise ValueError(f"min_ngram: {self.min_ngram} is more than ngram: {self.ngram}")
        return self

    def reads(self) -> frozenset[str]:
        """Text and id, and what the scope needs."""
        return frozenset({schema.TEXT, schema.ID}) | scope_columns(self.scope)

    def sketch(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """`keys` of a text's words, and `counts`, `sizes`, `tails` of its lines, as `grams.sketch_lines`."""
        return sketch_lines(batch.column(schema.TEXT), self.normalize, scope_seeds(batch, self.scope))

    def resolve(
        self, sketches: Sequence[str], work: str, executor: Executor, *, part_bytes: int | None = None
    ) -> list[str]:
        """Rule on lines and documents, group by group. Its findings are how full the filters are.

        Raises ExpectationError when a filter would take more than `memory`.
        """
        shares = shares_of(sketches, executor, part_bytes)
        job = _Job(self, Work(work, len(shares)))
        counts = np.sum([np.zeros(self.groups, np.int64), *gather(executor, _count, shares, job)], axis=0)
        sizes = [self._sizing(int(count)) for count in counts]
        tasks = [_Group(number, size, shares) for number, size in enumerate(sizes)]
        filled = gather(executor, _sift, tasks, job)
        findings = [
            {"ngrams": int(n), "bytes": size.bytes, "fill": round(fill, 4), "false_positives": fill**size.hashes}
            for n, size, fill in zip(counts, sizes, filled, strict=True)
        ]
        with write_whole(join(work, FINDINGS)) as stream:
            stream.write(json.dumps({"filters": findings}, indent=1).encode())
        return [path for paths in gather(executor, _rule, shares, job) for path in paths]

    def _sizing(self, ngrams: int) -> Sizing:
        """The filter for so many n-grams: all of them different, and all of them staying."""
        try:
            size = sizing(max(ngrams, 1), self.false_positives, 1)
        except ValueError as error:
            raise ExpectationError(f"{ngrams} n-grams are too many for one filter: raise groups ({error})") from error
        if self.memory is not None and size.bytes > self.memory:
            raise ExpectationError(
                f"{ngrams} n-grams of a group need a filter of {size.bytes / 1e6:.1f} MB, more than memory: "
                f"{self.memory.human_readable(decimal=True)}; raise groups, memory or false_positives"
            )
        return size


@dataclass(frozen=True)
class _Job:
    """What all tasks have in common."""

    barrier: NgramBloom
    work: Work


@dataclass(frozen=True)
class _Group:
    """A group of documents: its number, its filter, and all shards, for its documents are anywhere in them."""

    number: int
    sizing: Sizing
    portions: Sequence[Portion]


def _count(job: _Job, portion: Portion) -> npt.NDArray[np.int64]:
    """The n-grams that each group has in a portion."""
    lines, barrier = read_lines(portion, words=False), job.barrier
    counts = count_grams(lines, barrier.ngram, barrier.min_ngram)
    return np.bincount(groups_of(lines.ids, barrier.groups), counts, barrier.groups).astype(np.int64)


def _sift(job: _Job, group: _Group) -> float:
    """Count what is known of each line of a group, in order, and write it by portion; how full the filter is then."""
    bits, added, barrier = np.zeros(group.sizing.words, np.uint64), 0, job.barrier
    for portion in group.portions:
        lines = read_lines(portion, words=True)
        mine = groups_of(lines.ids, barrier.groups) == group.number
        sifted = sift_lines(
            bits, group.sizing.hashes, lines, mine, (barrier.ngram, barrier.min_ngram, barrier.threshold)
        )
        added += sifted.added
        goes = np.flatnonzero(sifted.line_shares > barrier.threshold)
        rows = np.flatnonzero(mine)
        for kind, places, shares in (("lines", goes, sifted.line_shares), ("rows", rows, sifted.shares)):
            table = pa.table({"place": places, "share": shares[places]})
            path = job.work.file(f"{kind}-{group.number}", portion.number)
            scatter(table, np.zeros(len(places), np.int64), 1, path)
    return added / (64 * len(bits))


def _rule(job: _Job, portion: Portion) -> list[str]:
    """Write the rulings on a portion of shards."""
    lines = read_lines(portion, words=False)
    found = [
        collect([job.work.file(f"{kind}-{group}", portion.number) for group in range(job.barrier.groups)], 0)
        for kind in ("lines", "rows")
    ]
    said, shares = np.full(len(lines.sizes), np.int64(STAYS)), np.zeros(len(lines.ids))
    goes, rows = (table.column("place").to_numpy() for table in found)
    said[goes] = np.arange(len(goes))
    shares[rows] = found[1].column("share").to_numpy()
    removal = Removal(CUT_REASON, DROP_REASON, job.barrier.threshold)
    values = found[0].column("share").to_numpy()
    ruling = rule_passages(lines.passages(), said, removal, values=values, shares=shares)
    return write_rulings(ruling, portion, lines.shards, job.work)
