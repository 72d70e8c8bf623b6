"""One keep policy for all deduplication: how it is written, and whom it prefers."""

import pyarrow as pa
import pytest
from pydantic import TypeAdapter, ValidationError

from textmill.dedup.keep import Keep
from textmill.pipeline.errors import InputError

DOCUMENTS = pa.RecordBatch.from_pydict(
    {
        "text": ["four", "seven..", "é😀", "four", None],
        "source": ["web", "books", "web", "wiki", "books"],
        "score": pa.array([0.5, 0.9, None, 0.9, float("nan")], pa.float32()),
        "date": ["2024-01-02", "2023-12-31T23:59:59Z", "2024-01-02", None, "2024-01-10"],
    }
)


def keep(form):
    return TypeAdapter(Keep).validate_python(form)


@pytest.mark.parametrize(
    ("form", "order"),
    [
        ("first", [0, 1, 2, 3, 4]),
        ("longest", [1, 0, 3, 2, 4]),  # code points, not bytes; no text comes last
        ({"highest": "score"}, [1, 3, 0, 4, 2]),
        ({"lowest": "score"}, [0, 1, 3, 4, 2]),
        ("newest", [4, 0, 2, 1, 3]),
        ({"newest": "date"}, [4, 0, 2, 1, 3]),
        ({"prefer": ["wiki", "books"]}, [3, 1, 4, 0, 2]),
    ],
)
def test_the_best_comes_first_and_of_equals_the_earlier(form, order):
    policy = keep(form)
    sketch = pa.table({"id": ["a", "b", "c", "d", "e"], **policy.sketch(DOCUMENTS)})
    assert policy.best_first(sketch).tolist() == order


def test_what_is_no_date_comes_after_all_dates():
    dates = ["unknown", "2024-01-02", "2024", "20240103", "Mon, 01 Jan 2029", "2024-13", "2024-01-02 10:00", "", None]
    batch = pa.RecordBatch.from_pydict({"date": dates})
    sketch = pa.table(keep("newest").sketch(batch))
    assert [date for date in sketch["rank"].to_pylist() if date] == [
        "2024-01-02",
        "2024",
        "20240103",
        "2024-01-02 10:00",
    ]


def test_text_is_neither_high_nor_low():
    with pytest.raises(InputError, match=r"{'highest': 'source'}: the column holds text"):
        keep({"highest": "source"}).sketch(DOCUMENTS)


@pytest.mark.parametrize(
    ("form", "columns"),
    [
        ("first", set()),
        ("longest", {"text"}),
        ("newest", {"date"}),
        ({"newest": "crawled"}, {"crawled"}),
        ({"lowest": "perplexity"}, {"perplexity"}),
        ({"prefer": ["books"]}, {"source"}),
    ],
)
def test_it_names_the_columns_it_reads(form, columns):
    assert keep(form).reads() == columns


@pytest.mark.parametrize("form", ["first", "longest", {"highest": "score"}, {"prefer": ("a", "b")}])
def test_it_is_written_as_it_was_read(form):
    assert keep(form).model_dump() == form
    assert keep(keep(form).model_dump()) == keep(form)


@pytest.mark.parametrize(
    "form",
    ["best", {"highest": 3}, {"highest": "a", "lowest": "b"}, {"prefer": "web"}, ["first"], None],
)
def test_any_other_form_is_an_error_that_shows_the_forms(form):
    with pytest.raises(ValidationError, match="expected first, longest, newest"):
        keep(form)
