"""What is scattered is collected: every row arrives once, where it was sent, in order."""

import uuid

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textmill.pipeline.exchange import collect, portions, scatter
from textmill.pipeline.io.files import write_whole

PARTS = 4
FILES = st.lists(st.lists(st.tuples(st.integers(0, PARTS - 1), st.none() | st.text(max_size=3))), min_size=1)


@given(FILES)
def test_each_part_gets_its_rows_in_the_order_of_files_and_rows(files):
    folder = f"memory://exchange/{uuid.uuid4().hex}"
    paths = [f"{folder}/{number}.arrow" for number in range(len(files))]
    for rows, path in zip(files, paths, strict=True):
        part = np.array([part for part, _ in rows], np.int64)
        values = [value for _, value in rows]
        scatter(pa.table({"value": pa.array(values, pa.string())}), part, PARTS, path)
    for part in range(PARTS):
        expected = [value for rows in files for to, value in rows if to == part]
        collected = collect(paths, part)
        assert collected.schema == pa.schema({"value": pa.string()})
        assert collected.column("value").to_pylist() == expected


def test_more_parts_than_a_byte_can_count(tmp_path):
    part = np.array([256, 3, 256])
    scatter(pa.table({"value": [1, 2, 3]}), part, 257, str(tmp_path / "a"))
    assert collect([str(tmp_path / "a")], 256).column("value").to_pylist() == [1, 3]
    assert collect([str(tmp_path / "a")], 3).column("value").to_pylist() == [2]


def test_a_file_without_a_column_has_nulls_there(tmp_path):
    scatter(pa.table({"id": ["a"], "rank": [0.5]}), np.array([0]), 1, str(tmp_path / "a"))
    scatter(pa.table({"id": ["b"], "rank": [None]}), np.array([0]), 1, str(tmp_path / "b"))
    collected = collect([str(tmp_path / "a"), str(tmp_path / "b")], 0)
    assert collected.column("rank").to_pylist() == [0.5, None]


@pytest.mark.parametrize("root", ["memory://portions/", ""])
def test_portions_are_consecutive_files_within_the_limit(root, tmp_path):
    folder = f"{root}{tmp_path}"
    paths = [f"{folder}/{name}" for name in "abcdef"]
    for path, size in zip(paths, [10, 10, 10, 99, 5, 20], strict=True):
        with write_whole(path) as stream:
            stream.write(b"." * size)
    cut = portions(paths, 25)
    a, b, c, d, e, f = paths
    assert [portion.paths for portion in cut] == [[a, b], [c], [d], [e, f]]
    assert [(portion.number, portion.first) for portion in cut] == [(0, 0), (1, 2), (2, 3), (3, 4)]
    assert list(cut[3].shards()) == [(4, e), (5, f)]
    assert portions([], 25) == []
