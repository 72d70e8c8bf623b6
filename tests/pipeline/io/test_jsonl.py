import gzip
import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import hard_texts

from textmill.pipeline.errors import InputError
from textmill.pipeline.io.jsonl import Jsonl


def read(path, skipped=None, **parameters):
    """All rows of all shards."""
    reader = Jsonl(source="s", files=str(path), **parameters)
    skipped = Counter() if skipped is None else skipped
    batches = [batch for shard in reader.shards() for batch in reader.read(shard, skipped)]
    assert len({str(batch.schema) for batch in batches}) <= 1
    return [row for batch in batches for row in batch.to_pylist()]


def rows(folder, *lines, name="a.jsonl", **parameters):
    """Rows of a file of these lines: bytes as they are, the rest as JSON."""
    content = b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)
    (folder / name).write_bytes(content)
    return read(folder / name, **parameters)


def test_a_line_is_a_row(tmp_path):
    (row,) = rows(tmp_path, {"id": "x", "text": "Hi", "likes": 3, "score": 0.5, "ok": True, "tags": ["a", "ü"]})
    assert row == {
        "id": "x",
        "source": "s",
        "text": "Hi",
        "likes": 3,
        "score": 0.5,
        "ok": True,
        "tags": '["a", "ü"]',
        "drop_reason": None,
        "drop_value": None,
    }


def test_columns_are_renamed(tmp_path):
    line = {"body": "Hi", "uuid": 7, "link": "http://x.org", "id": "other", "text": 1, "source": "theirs"}
    (row,) = rows(tmp_path, line, text_column="body", id_column="uuid", columns={"url": "link"})
    assert (row["text"], row["id"], row["url"], row["source"]) == ("Hi", "7", "http://x.org", "s")
    assert (row["id_original"], row["text_original"], row["source_original"]) == ("other", 1, "theirs")


def test_a_column_may_go_by_two_names(tmp_path):
    (row,) = rows(tmp_path, {"text": "Hi"}, id_column="text", columns={"title": "text"})
    assert (row["text"], row["id"], row["title"]) == ("Hi", "Hi", "Hi")


@pytest.mark.parametrize("name", ["id", "text", "source", "drop_reason"])
def test_names_that_the_reader_fills_are_not_for_renaming(name):
    with pytest.raises(ValueError, match=f"'{name}' is filled by the reader"):
        Jsonl(source="s", files="a", columns={name: "x"})


def test_keys_that_are_data_are_not_all_counted_by_name(tmp_path):
    skipped = Counter()
    late = [{"text": "a", f"key {i}": 1} for i in range(500)]
    rows(tmp_path, *[{"text": "a"}] * 1000, *late, late[0], skipped=skipped)
    assert skipped["unseen:key 0"] == 2
    assert sum(skipped.values()) == 501
    assert len(skipped) < 250


def test_a_row_without_id_is_named_after_its_place(tmp_path):
    lines = ({"text": "a"}, {"text": "b"}, {"text": "c", "id": "own"}, {"text": "d", "id": None})
    assert [row["id"] for row in rows(tmp_path, *lines)] == ["a.jsonl:0", "a.jsonl:14", "own", "a.jsonl:55"]


def test_lines_that_are_no_document_leave_with_their_reason(tmp_path):
    lines = [
        {"text": "a"},
        b'{"text": "b"',
        b'["text"]',
        b"[" * 100_000,
        {"texts": "c"},
        {"text": None},
        {"text": 5},
        b'{"text": "\xff"}',
        {"text": "x" * 200_000},
    ]
    skipped = Counter()
    found = rows(tmp_path, *lines, skipped=skipped, max_line_bytes=150_000)
    reasons = [None, "bad_json", "bad_json", "bad_json", "no_text", "no_text", "no_text", "bad_encoding", "too_large"]
    assert [row["drop_reason"] for row in found] == reasons
    assert found[-1]["drop_value"] == 200_012
    assert [row["id"] for row in found][1] == "a.jsonl:14"


def test_blank_lines_are_counted(tmp_path):
    skipped = Counter()
    assert len(rows(tmp_path, {"text": "a"}, b"", b"  \r", {"text": "b"}, b"", skipped=skipped)) == 2
    assert skipped == {"blank_line": 2}


def test_a_value_that_does_not_fit_its_column_becomes_null_and_is_counted(tmp_path):
    head = {"text": "a", "n": 1, "x": 1.5, "ok": True, "name": "b"}
    late = {"text": "a", "n": "many", "x": [1], "ok": 1, "name": {"first": "c"}, "more": 1}
    skipped = Counter()
    found = rows(tmp_path, *[head] * 1000, late, {"text": "a", "n": 2**63, "x": 10**400}, skipped=skipped)
    assert {k: found[-2][k] for k in ("n", "x", "ok", "name")} == {
        "n": None,
        "x": None,
        "ok": None,
        "name": '{"first": "c"}',
    }
    assert skipped == {"misfit:n": 2, "misfit:x": 2, "misfit:ok": 1, "unseen:more": 1}


def test_columns_are_those_of_the_first_file_for_all_files(tmp_path):
    (tmp_path / "0.jsonl").write_bytes(b"\n")
    (tmp_path / "1.jsonl").write_text('{"text": "a", "n": 1}\n{"text": "b", "n": 2.5}\n{"text": "c", "m": null}')
    (tmp_path / "2.jsonl").write_text('{"text": "d", "n": 4}')
    found = read(tmp_path / "*.jsonl")
    assert [(row["n"], row["m"]) for row in found] == [(1.0, None), (2.5, None), (None, None), (4.0, None)]
    assert isinstance(found[3]["n"], float)


def test_types_that_differ_become_text(tmp_path):
    found = rows(tmp_path, {"text": "a", "k": 1}, {"text": "b", "k": "one"}, {"text": "c", "k": 2**64})
    assert [row["k"] for row in found] == ["1", "one", str(2**64)]


def test_half_a_surrogate_pair_becomes_a_replacement_character(tmp_path):
    found = rows(
        tmp_path,
        rb'{"text": "a\ud800b", "k\udfff": ["\udc00"]}',
        rb'{"text": "\ud83d\ude00 \\ud800 \\\uD83D"}',
        {"text": "\ud800"},
    )
    assert [row["text"] for row in found] == ["a\ufffdb", "\U0001f600 \\ud800 \\\ufffd", "\ufffd"]
    assert found[0]["k\ufffd"] == '["\ufffd"]'


def test_a_page_may_come_as_html(tmp_path):
    found = rows(tmp_path, {"page": "<p>ä"}, {"page": None}, text_column=None, columns={"html": "page"})
    assert [(row["html"], row["drop_reason"]) for row in found] == [("<p>ä".encode(), None), (None, "no_text")]
    assert "text" not in found[0]


def test_what_precedes_the_damage_of_a_compressed_file_is_kept(tmp_path):
    packed = gzip.compress(b'{"text": "a"}\n') + gzip.compress(b'{"text": "b"}\n')[:-9]
    first, *_, last = rows(tmp_path, packed, name="a.jsonl.gz")
    assert (first["id"], first["text"], first["drop_reason"]) == ("a.jsonl.gz:0", "a", None)
    assert last["drop_reason"] == "corrupt_member"


def test_an_empty_file_holds_nothing(tmp_path):
    assert rows(tmp_path) == []
    assert rows(tmp_path, b"\n\n") == []


def test_files_without_rows_would_hold_text(tmp_path):
    (tmp_path / "empty.jsonl").write_bytes(b"")
    assert Jsonl(source="a", files=str(tmp_path / "empty.jsonl")).layout().names == ["id", "source", "text"]


@pytest.mark.parametrize(
    ("content", "parameters", "message"),
    [
        (b'{"tekst": "a", "n": 1}', {}, "no column 'text' for text; did you mean 'tekst'.; there are: tekst, n"),
        (b'{"text": "a", "uid": 1}', {"id_column": "uuid"}, "no column 'uuid' for id; did you mean 'uid'"),
        (b'{"text": "a"}', {"columns": {"url": "link"}}, "no column 'link' for url; there are: text"),
        (b'{"text": "a"}', {"text_column": None}, "no column 'html' for html"),
        (b'[\n{"text":\n"a"}\n]', {}, r"no line holds a JSON object; the first begins with b'\['"),
        (b"just text", {}, "no line holds a JSON object; the first begins with b'just text'"),
    ],
)
def test_a_file_that_is_not_what_was_asked_for_is_an_error(tmp_path, content, parameters, message):
    with pytest.raises(InputError, match=message) as caught:
        rows(tmp_path, content, **parameters)
    assert "a.jsonl: " in str(caught.value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | hard_texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(hard_texts, inner, max_size=3),
    max_leaves=5,
)
line = st.one_of(
    st.fixed_dictionaries({"text": hard_texts | json_values, "a": json_values}).map(lambda o: json.dumps(o).encode()),
    st.fixed_dictionaries({"text": hard_texts}).map(lambda o: json.dumps(o, ensure_ascii=False).encode()),
    st.binary(max_size=20).map(lambda noise: noise.replace(b"\n", b"")),
)


@given(st.lists(line, max_size=12), st.integers(1, 300))
def test_every_line_is_a_row_or_blank_and_the_split_changes_nothing(tmp_path_factory, lines, split_bytes):
    folder = tmp_path_factory.getbasetemp()
    content = b"\n".join([b'{"text": "first"}', *lines])
    (folder / "a.jsonl").write_bytes(content)
    skipped = Counter()
    found = read(folder / "a.jsonl", skipped, split_bytes=split_bytes)
    assert len(found) + skipped["blank_line"] == len(content.removesuffix(b"\n").split(b"\n"))
    assert found == read(folder / "a.jsonl")


@given(st.lists(hard_texts, min_size=1))
def test_texts_arrive_as_they_are(tmp_path_factory, texts):
    folder = tmp_path_factory.getbasetemp()
    for plain in (True, False):
        lines = [json.dumps({"text": text}, ensure_ascii=plain).encode() for text in texts]
        assert [row["text"] for row in rows(folder, *lines)] == texts
