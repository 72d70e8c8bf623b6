"""Who owns a document, on what terms, and when it is from."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from textmill.filters.registers import DateRange, Licence, OptOut
from textmill.pipeline.errors import InputError, RecipeError


def column(name: str, values: list[Any], kind: pa.DataType | None = None) -> pa.RecordBatch:
    ids = [f"d{i}" for i in range(len(values))]
    columns = {"id": pa.array(ids), name: pa.array(values, kind or pa.string())}
    return pa.RecordBatch.from_pydict(columns)


def test_what_was_asked_to_go_goes(tmp_path: Path) -> None:
    (tmp_path / "out.txt").write_text("# removals of May\nacme/secret\n")
    step = OptOut(column="repo", lists=(str(tmp_path / "out.txt"),))
    assert step.judge(column("repo", ["acme/open", "acme/secret", None])).reasons == [None, "opted_out", None]


def test_a_list_that_is_not_there_is_told_before_the_run(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        OptOut(lists=(str(tmp_path / "none.txt"),)).prepare()


def test_permissive_licences_stay() -> None:
    found = Licence().judge(column("license", ["MIT", "apache-2.0", "GPL-3.0-only", "", None])).reasons
    assert found == [None, None, "licence_not_allowed", "no_licence", "no_licence"]
    assert Licence(unknown="keep").judge(column("license", ["", None])).reasons == [None, None]


def test_of_several_licences_all_must_allow_it() -> None:
    batch = column("license", [["MIT", "BSD-3-Clause"], ["MIT", "AGPL-3.0"], []], pa.list_(pa.string()))
    assert Licence().judge(batch).reasons == [None, "licence_not_allowed", "no_licence"]
    assert Licence(allowed=("agpl-3.0",)).judge(batch).reasons[1] is None


def test_licences_are_names() -> None:
    with pytest.raises(RecipeError, match="int64, not names"):
        Licence().judge(column("license", [1], pa.int64()))


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("2015-01-01", None),
        ("2014-12-31T23:59:59Z", "too_old"),
        ("2014-12", "too_old"),
        ("2014", "too_old"),
        ("2015", None),
        ("2020-06-30", None),
        ("2020-07-01", "too_new"),
        ("2020-06", None),
        ("2020-07", "too_new"),
        ("2021", "too_new"),
        ("May 2016", None),
        (None, None),
    ],
)
def test_dates_as_precise_as_they_are_given(value: str | None, reason: str | None) -> None:
    step = DateRange.model_validate({"first": "2015-01-01", "last": "2020-06-30"})
    assert step.judge(column("date", [value])).reasons == [reason]


def test_unknown_dates_may_go_and_days_be_days() -> None:
    step = DateRange.model_validate({"first": "2015-01-01", "unknown": "drop"})
    assert step.judge(column("date", [None, "soon"])).reasons == ["no_date", "no_date"]
    batch = column("date", [16435, 16436], pa.date32())  # the last day of 2014, and the day after
    assert step.judge(batch).reasons == ["too_old", None]


def test_a_range_has_days() -> None:
    with pytest.raises(ValueError, match="no day lies between"):
        DateRange.model_validate({"first": "2020-01-01", "last": "2019-01-01"})
    with pytest.raises(ValueError, match="give first"):
        DateRange()
