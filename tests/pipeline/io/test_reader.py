import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textmill.pipeline.errors import InputError
from textmill.pipeline.io.files import shared_folder
from textmill.pipeline.io.jsonl import Jsonl
from textmill.pipeline.io.reader import byte_ranges
from textmill.pipeline.shard import Shard


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
