"""Arrow columns as kernels see them: slices, nulls and empty columns give the same bytes as their Python values."""

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import hard_columns

from textmill import batch_of
from textmill.pipeline.arrow import bools, drop_columns, fixed_bytes, replace_text, set_column, text_buffers, validity

KINDS = [pa.string(), pa.large_string()]


@given(hard_columns, hard_columns, hard_columns, st.sampled_from(KINDS))
def test_a_slice_of_a_text_column_reads_as_its_python_values(
    before: list[str | None], texts: list[str | None], after: list[str | None], kind: pa.DataType
) -> None:
    column = pa.array([*before, *texts, *after], kind).slice(len(before), len(texts))
    data, offsets, valid = text_buffers(column)
    assert len(offsets) == len(texts) + 1
    found = [data[a:b].tobytes() if ok else None for (a, b), ok in zip(pairwise(offsets), valid, strict=True)]
    assert found == [None if text is None else text.encode() for text in texts]


def test_binary_columns_are_read_like_text() -> None:
    data, offsets, _ = text_buffers(pa.array([b"\xff", b"", b"ab"], pa.large_binary()))
    assert [data[a:b].tobytes() for a, b in pairwise(offsets)] == [b"\xff", b"", b"ab"]


def test_other_types_are_refused() -> None:
    with pytest.raises(TypeError, match="int64"):
        text_buffers(pa.array([1]))


@given(st.lists(st.binary(min_size=3, max_size=3) | st.none(), max_size=6), st.integers(0, 6))
def test_fixed_width_binaries_are_read_where_they_stand(values: list[bytes | None], start: int) -> None:
    column = pa.array(values, pa.binary(3)).slice(start)
    rows = fixed_bytes(column)
    assert rows.shape == (len(column), 3)
    for row, value in zip(rows, column.to_pylist(), strict=True):
        assert value is None or row.tobytes() == value


def test_validity_is_true_where_there_is_a_value() -> None:
    assert validity(pa.array([None, 1, None, 2]).slice(1)).tolist() == [True, False, True]
    assert validity(pa.array([], pa.int8())).tolist() == []


def test_masks_come_from_arrow_and_python_but_never_with_a_null() -> None:
    assert bools(pa.chunked_array([[True], [False]])).tolist() == [True, False]
    assert bools([1, 0]).tolist() == [True, False]
    with pytest.raises(ValueError, match="null"):
        bools(pa.array([True, None]))


def test_set_column_replaces_in_place_or_appends_and_drop_columns_takes_what_is_there() -> None:
    batch = batch_of({"text": ["a"], "score": [1]})
    replaced = set_column(batch, "text", pa.array(["b"]))
    assert replaced.schema.names == batch.schema.names
    assert replaced.column("text").to_pylist() == ["b"]
    assert set_column(batch, "new", pa.array([2])).schema.names == [*batch.schema.names, "new"]
    assert drop_columns(batch, "score", "missing").schema.names == ["text", "id", "source"]


@given(hard_columns, hard_columns, st.sampled_from([*KINDS, pa.binary(), pa.large_binary()]))
def test_other_contents_in_a_column_of_the_same_type(
    before: list[str | None], texts: list[str | None], kind: pa.DataType
) -> None:
    column = pa.array([*before, *texts], pa.string()).cast(kind).slice(len(before))
    data, offsets, _ = text_buffers(pa.array([f"{text}!" for text in texts], pa.string()))
    replaced = replace_text(column, data, offsets)
    replaced.validate(full=True)
    assert replaced.type == kind
    assert replaced.cast(pa.string()).to_pylist() == [None if text is None else f"{text}!" for text in texts]


def test_contents_too_large_for_the_type() -> None:
    column = pa.array(["a"])
    with pytest.raises(OverflowError, match="3000000000 bytes do not fit into a column of type string"):
        replace_text(column, np.empty(0, np.uint8), np.array([0, 3_000_000_000]))
