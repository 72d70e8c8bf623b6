import io
from collections import Counter

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import hard_columns

from textmill.pipeline.errors import InputError
from textmill.pipeline.io.parquet import ParquetFiles
from textmill.pipeline.io.reader import Reader


def batches(path, skipped=None, **parameters):
    """All batches of all shards."""
    reader = ParquetFiles(source="s", files=str(path), **parameters)
    skipped = Counter() if skipped is None else skipped
    found = [batch for shard in reader.shards() for batch in reader.read(shard, skipped)]
    assert len({str(batch.schema) for batch in found}) <= 1
    return found


def rows(folder, content, row_group_size=None, **parameters):
    pq.write_table(pa.table(content), folder / "a.parquet", row_group_size=row_group_size)
    return read(folder / "a.parquet", **parameters)


def read(path, **parameters):
    return [row for batch in batches(path, **parameters) for row in batch.to_pylist()]


def test_a_row_is_a_row(tmp_path):
    nested = pa.array([[{"a": 1}]], pa.list_(pa.struct({"a": pa.int8()})))
    (row,) = rows(tmp_path, {"id": ["x"], "text": ["Hi"], "n": [1], "nested": nested})
    assert row == {
        "id": "x",
        "source": "s",
        "text": "Hi",
        "n": 1,
        "nested": [{"a": 1}],
        "drop_reason": None,
        "drop_value": None,
    }


def test_columns_are_renamed(tmp_path):
    columns = {"body": ["Hi"], "uuid": [7], "link": ["http://x.org"], "id": ["other"], "source": ["theirs"]}
    (row,) = rows(tmp_path, columns, text_column="body", id_column="uuid", columns={"url": "link"})
    assert (row["text"], row["id"], row["url"], row["source"]) == ("Hi", "7", "http://x.org", "s")
    assert (row["id_original"], row["source_original"]) == ("other", "theirs")


@pytest.mark.parametrize(
    "kind", [pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.dictionary(pa.int32(), pa.string())]
)
def test_all_texts_become_strings(tmp_path, kind):
    column = (
        pa.array(["Hi", None]).dictionary_encode() if pa.types.is_dictionary(kind) else pa.array(["Hi", None], kind)
    )
    pq.write_table(pa.table({"text": column, "more": column}), tmp_path / "a.parquet")
    (batch,) = batches(tmp_path / "a.parquet")
    assert batch.schema.field("text").type == pa.string()
    assert batch.schema.field("more").type in (pa.string(), pa.binary())
    assert batch["text"].to_pylist() == ["Hi", None]
    assert batch["drop_reason"].to_pylist() == [None, "no_text"]


def test_bytes_that_are_no_utf8_are_a_reason(tmp_path):
    broken = pa.array([b"ok", b"\xff", None, b"\xef\xbf\xbd"])
    found = rows(tmp_path, {"text": broken, "url": broken})
    assert [row["drop_reason"] for row in found] == [None, "bad_encoding", "no_text", None]
    assert [row["url"] for row in found] == ["ok", "\ufffd", None, "\ufffd"]


def test_a_row_without_id_is_named_after_its_number_in_the_file(tmp_path):
    texts = [str(i) for i in range(10)]
    found = rows(tmp_path, {"text": texts}, row_group_size=3, split_bytes=100)
    assert [row["id"] for row in found] == [f"a.parquet:{i}" for i in range(10)]
    found = rows(tmp_path, {"text": texts[:3], "id": ["x", None, ""]})
    assert [row["id"] for row in found] == ["x", "a.parquet:1", "a.parquet:2"]


@given(hard_columns, st.integers(1, 4), st.integers(150, 2000))
def test_the_split_changes_nothing(tmp_path_factory, texts, row_group_size, split_bytes):
    folder = tmp_path_factory.getbasetemp()
    found = rows(folder, {"text": pa.array(texts, pa.string())}, row_group_size, split_bytes=split_bytes)
    assert [row["text"] for row in found] == texts
    assert found == read(folder / "a.parquet")


def test_batches_are_bounded_whatever_the_row_groups_are(tmp_path, monkeypatch):
    monkeypatch.setattr(Reader, "batch_bytes", 10_000)
    texts = ["x" * 100] * 300 + ["y" * 9_000] * 3 + ["z" * 50_000]
    pq.write_table(pa.table({"text": texts}), tmp_path / "a.parquet")
    found = batches(tmp_path / "a.parquet")
    assert [row for batch in found for row in batch["text"].to_pylist()] == texts
    assert all(batch.nbytes <= 10_000 or batch.num_rows == 1 for batch in found)
    monkeypatch.setattr(Reader, "batch_rows", 7)
    assert max(batch.num_rows for batch in batches(tmp_path / "a.parquet")) == 7


def test_columns_are_those_of_the_first_file_for_all_files(tmp_path):
    pq.write_table(pa.table({"text": ["a"], "n": pa.array([1], pa.int32()), "m": [1.5]}), tmp_path / "0.parquet")
    pq.write_table(pa.table({"more": [1], "n": pa.array([2], pa.int64()), "text": ["b"]}), tmp_path / "1.parquet")
    skipped = Counter()
    found = read(tmp_path / "*.parquet", skipped=skipped)
    assert [(row["text"], row["n"], row["m"]) for row in found] == [("a", 1, 1.5), ("b", 2, None)]
    assert skipped == {"unseen:more": 1}


def test_values_that_do_not_fit_the_columns_of_the_first_file_are_null_and_counted(tmp_path):
    first = {"text": ["a"], "n": pa.array([1], pa.int32()), "m": [1], "tags": [[1]]}
    pq.write_table(pa.table(first), tmp_path / "0.parquet")
    later = {"text": list("bcde"), "n": [2**31, None, -5, 2**31 - 1], "m": ["7", "x", None, "1.5"]}
    pq.write_table(pa.table({**later, "tags": [["1"], ["x"], None, []]}), tmp_path / "1.parquet")
    skipped = Counter()
    found = read(tmp_path / "*.parquet", skipped=skipped)
    assert [row["n"] for row in found] == [1, None, None, -5, 2**31 - 1]
    assert [row["m"] for row in found] == [1, 7, None, None, None]
    assert [row["tags"] for row in found] == [[1], [1], None, None, []]
    assert [row["drop_reason"] for row in found] == [None] * 5
    assert skipped == {"misfit:n": 1, "misfit:m": 2, "misfit:tags": 1}


def test_a_column_of_quite_another_type_is_an_error(tmp_path):
    pq.write_table(pa.table({"text": ["a"], "n": [1]}), tmp_path / "0.parquet")
    pq.write_table(pa.table({"text": ["a"], "n": [[1]]}), tmp_path / "1.parquet")
    with pytest.raises(
        InputError, match=r"1\.parquet: column 'n' is list<.*> and cannot be int64, as in the first file"
    ):
        read(tmp_path / "*.parquet")


@pytest.mark.parametrize(
    ("columns", "parameters", "message"),
    [
        ({"Text": ["a"]}, {}, "no column 'text' for text; did you mean 'Text'.; there are: Text"),
        ({"text": ["a"]}, {"id_column": "uuid"}, "no column 'uuid' for id; there are: text"),
        ({"text": [["a"]]}, {}, "column 'text' is list<.*>, but text has to be string"),
    ],
)
def test_columns_that_are_not_what_was_asked_for_are_an_error(tmp_path, columns, parameters, message):
    with pytest.raises(InputError, match=message):
        rows(tmp_path, columns, **parameters)


@pytest.mark.parametrize("content", [b"", b"text", b"PAR1 some more text PAR1"])
def test_a_file_that_is_no_parquet_is_an_error(tmp_path, content):
    (tmp_path / "a.parquet").write_bytes(content)
    with pytest.raises(InputError, match="no Parquet file, or its footer is damaged"):
        read(tmp_path / "a.parquet")


def test_a_damaged_row_group_costs_what_is_left_of_it(tmp_path):
    table = pa.table({"text": [f"text {i}" for i in range(30)]})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=10, compression="zstd", use_dictionary=False)
    content = bytearray((tmp_path / "a.parquet").read_bytes())
    at = pq.read_metadata(io.BytesIO(content)).row_group(1).column(0).data_page_offset
    content[at : at + 60] = bytes(60)
    (tmp_path / "a.parquet").write_bytes(content)
    found = read(tmp_path / "a.parquet")
    lost = [row for row in found if row["drop_reason"] is not None]
    assert [(row["id"], row["drop_reason"], row["drop_value"]) for row in lost] == [
        ("a.parquet:10", "corrupt_row_group", 10)
    ]
    assert [row["text"] for row in found if row["text"]] == [f"text {i}" for i in (*range(10), *range(20, 30))]


def test_pages_come_as_html(tmp_path):
    found = rows(tmp_path, {"page": [b"<p>\xff", None], "url": ["u", "v"]}, text_column=None, columns={"html": "page"})
    assert [(row["html"], row["drop_reason"]) for row in found] == [(b"<p>\xff", None), (None, "no_text")]
