"""`opt_out`, `licence` and `date_range`: judge documents by who owns them, on what terms, and when they are from."""

import re
from datetime import date
from typing import Final, Literal, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from textmill.pipeline import schema
from textmill.pipeline.errors import RecipeError
from textmill.pipeline.lists import HashSet, load_lists
from textmill.pipeline.step import Filter
from textmill.pipeline.verdict import Verdict

PERMISSIVE: Final = "configs/lists/permissive_licences.txt"
_DAY: Final = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")


class OptOut(Filter):
    """Drop documents whose owner asked for it: whose id, repository, author or content hash is on a list.

    As The Stack does with "Am I in The Stack?" (Kocetkov et al., arXiv 2211.15533, section 5). For URLs and their
    domains there is `blocked_url`.
    """

    column: str = Field(schema.ID, description="what the lists name")
    lists: tuple[str, ...] = Field(min_length=1, description="files, a value a line")

    def reads(self) -> frozenset[str]:
        """The column."""
        return frozenset({self.column})

    def depends_on(self) -> tuple[str, ...]:
        """The lists."""
        return self.lists

    def prepare(self) -> None:
        """Load the lists. Raises InputError."""
        load_lists(self.lists, str, HashSet)

    def judge(self, batch: pa.RecordBatch) -> Verdict:
        """`opted_out`."""
        values = pc.fill_null(pc.cast(batch.column(self.column), pa.string()), "").to_pylist()
        return Verdict.of(batch).drop("opted_out", load_lists(self.lists, str, HashSet).contains(values))


class Licence(Filter):
    """Keep documents under a licence that allows it; of several licences all must.

    By default these are permissive licences by their SPDX names, in any case.
    """

    column: str = Field("license", description="a name, or a list of names")
    allowed: tuple[str, ...] = Field((), description="names of licences, beside those of the lists")
    lists: tuple[str, ...] = Field((PERMISSIVE,), description="files with a name a line")
    unknown: Literal["drop", "keep"] = Field("drop", description="what becomes of documents without a licence")

    def reads(self) -> frozenset[str]:
        """The column."""
        return frozenset({self.column})

    def depends_on(self) -> tuple[str, ...]:
        """The lists."""
        return self.lists

    def prepare(self) -> None:
        """Load the lists. Raises InputError."""
        self._names()

    def judge(self, batch: pa.RecordBatch) -> Verdict:
        """`no_licence`, or `licence_not_allowed`. Raises RecipeError for a column that holds no names."""
        column = batch.column(self.column)
        if pa.types.is_string(column.type):
            column = pa.array([None if name is None else [name] for name in column.to_pylist()], pa.list_(pa.string()))
        if not pa.types.is_list(column.type):
            raise RecipeError(f"licence: column {self.column!r} is {column.type}, not names")
        names = self._names()
        rows = [[name.strip().lower() for name in row or () if name and name.strip()] for row in column.to_pylist()]
        verdict = Verdict.of(batch)
        if self.unknown == "drop":
            verdict = verdict.drop("no_licence", [not row for row in rows])
        return verdict.drop("licence_not_allowed", [not names.issuperset(row) for row in rows])

    def _names(self) -> frozenset[str]:
        return load_lists(self.lists, str.lower, frozenset) | {name.lower() for name in self.allowed}


class DateRange(Filter):
    """Keep documents of a time: text from long before or after what a model is asked about serves it ill.

    Source: Longpre et al., A Pretrainer's Guide to Training Data (arXiv 2305.13169), section 4.
    """

    column: str = Field(schema.DATE, description="dates as 2024-05-31T12:00:00Z, 2024-05-31, 2024-05 or 2024")
    first: date | None = Field(None, description="first day to keep")
    last: date | None = Field(None, description="last day to keep")
    unknown: Literal["drop", "keep"] = Field("keep", description="what becomes of documents without a date")

    @model_validator(mode="after")
    def _some_range(self) -> Self:
        if self.first is None and self.last is None:
            raise ValueError("give first, last or both")
        if self.first is not None and self.last is not None and self.first > self.last:
            raise ValueError(f"first {self.first} is after last {self.last}: no day lies between")
        return self

    def reads(self) -> frozenset[str]:
        """The column."""
        return frozenset({self.column})

    def judge(self, batch: pa.RecordBatch) -> Verdict:
        """`no_date`, `too_old` or `too_new`, with the year. A month or year is kept if any of its days is."""
        column = batch.column(self.column)
        if pa.types.is_temporal(column.type):
            column = pc.strftime(column, format="%Y-%m-%d")
        found = [_DAY.match(value or "") for value in pc.cast(column, pa.string()).to_pylist()]
        days = [match.group() if match else "" for match in found]
        known = np.array([bool(day) for day in days], np.bool_)
        years = np.array([float(day[:4]) if day else np.nan for day in days])
        verdict = Verdict.of(batch)
        if self.unknown == "drop":
            verdict = verdict.drop("no_date", ~known)
        if self.first is not None:
            early = np.array([day < str(self.first)[: len(day)] for day in days], np.bool_)
            verdict = verdict.drop("too_old", early & known, value=years)
        if self.last is not None:
            late = np.array([day > str(self.last)[: len(day)] for day in days], np.bool_)
            verdict = verdict.drop("too_new", late & known, value=years)
        return verdict
