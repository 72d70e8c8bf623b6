import json
from collections import Counter

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from warcs import PAGE, record, response

from textmill.pipeline.errors import InputError
from textmill.pipeline.io.files import shared_folder
from textmill.pipeline.io.htmlfolder import HtmlFolder
from textmill.pipeline.io.jsonl import Jsonl
from textmill.pipeline.io.parquet import ParquetFiles
from textmill.pipeline.io.reader import byte_ranges
from textmill.pipeline.io.warc import Warc
from textmill.pipeline.shard import Shard
from textmill.pipeline.step import take_refusals


@given(st.integers(0, 10_000), st.integers(1, 3000))
def test_byte_ranges_cover_a_file_in_like_parts(size, split_bytes):
    ranges = byte_ranges(Shard("s", "f", size=size), split_bytes)
    assert sum(part.size for part in ranges) == size
    assert max(part.size for part in ranges) - min(part.size for part in ranges) <= 1
    assert max(part.size for part in ranges) <= split_bytes
    assert [part.start for part in ranges[1:]] == [part.stop for part in ranges[:-1]]
    assert (ranges[0].start, ranges[-1].stop) == (0, None)


def test_shards_survive_json(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"text": "a"}\n' * 9)
    shards = Jsonl(source="s", files=str(tmp_path / "*"), split_bytes=50).shards()
    assert len(shards) == 3
    assert [Shard(**json.loads(json.dumps(shard.to_json()))) for shard in shards] == shards


@pytest.mark.parametrize(
    ("reader", "content"),
    [
        (Warc, record(response())),
        (HtmlFolder, PAGE),
        (Jsonl, b'{"text": "a", "source": "b", "more": 1}'),
        (ParquetFiles, pa.table({"text": ["a"], "id": [1]})),
    ],
)
def test_a_chain_gets_the_columns_that_a_reader_promises(tmp_path, reader, content):
    if isinstance(content, bytes):
        (tmp_path / "a").write_bytes(content)
    else:
        pq.write_table(content, tmp_path / "a")
    found = reader(source="s", files=str(tmp_path / "a"))
    (batch,) = [batch for shard in found.shards() for batch in found.read(shard, Counter())]
    assert take_refusals(batch)[0].schema.names == [name for name in batch.schema.names if name in found.adds()]
    assert found.adds() <= set(batch.schema.names)
    assert found.reads() == set()


def test_files_are_sorted_and_each_once(tmp_path):
    for name in ("b", "a", "c"):
        (tmp_path / f"{name}.jsonl").write_text('{"text": "a"}')
    reader = Jsonl(source="s", files=(str(tmp_path / "c*"), str(tmp_path / "*")))
    assert [shard.path.rsplit("/", 1)[-1] for shard in reader.shards()] == ["a.jsonl", "b.jsonl", "c.jsonl"]


def test_a_pattern_that_matches_nothing_is_an_error(tmp_path):
    (tmp_path / "a.jsonl").write_text("{}")
    with pytest.raises(InputError, match=r"\*.json: no such file"):
        Jsonl(source="s", files=(str(tmp_path / "a.jsonl"), str(tmp_path / "*.json"))).shards()


@pytest.mark.parametrize(
    ("patterns", "folder"),
    [
        (["/data/a.warc"], "/data"),
        (["/data/*/a.warc", "/data/x/b*"], "/data"),
        (["/data/20[12]0/*"], "/data"),
        (["/one/a", "/two/b"], ""),
        (["memory://data/x?.gz"], "memory:///data"),
    ],
)
def test_the_folder_that_patterns_share(patterns, folder):
    assert shared_folder(patterns) == folder
