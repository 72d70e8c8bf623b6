import gzip
import io

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from textmill.pipeline.errors import InputError
from textmill.pipeline.io.lines import Line, read_lines
from textmill.pipeline.io.reader import byte_ranges
from textmill.pipeline.shard import Shard

TEXT = b"one\r\n\ntwo\nthree"
LINES = [(0, b"one"), (5, b""), (6, b"two"), (10, b"three")]


def lines(folder, content, name="a.jsonl", max_bytes=1000, split_bytes=1 << 30):
    (folder / name).write_bytes(content)
    whole = Shard("s", str(folder / name), size=len(content))
    found = []
    for shard in byte_ranges(whole, split_bytes):
        found += read_lines(io.BytesIO(content), shard, max_bytes)
    return found


def test_lines_have_offsets_and_no_ends(tmp_path):
    assert [line[:2] for line in lines(tmp_path, TEXT)] == LINES


@pytest.mark.parametrize(
    ("name", "packed"),
    [
        ("a.gz", gzip.compress(TEXT, mtime=0)),
        ("a.gz", gzip.compress(TEXT[:7], mtime=0) + gzip.compress(TEXT[7:], mtime=0)),
        ("a.zst", zstandard.compress(TEXT)),
        ("a.zst", zstandard.compress(TEXT[:7]) + zstandard.compress(TEXT[7:])),
        ("misnamed.jsonl", gzip.compress(TEXT, mtime=0)),
    ],
)
def test_compressed_lines_are_the_same(tmp_path, name, packed):
    assert [line[:2] for line in lines(tmp_path, packed, name, split_bytes=9)] == LINES


def test_a_byte_order_mark_is_no_part_of_the_first_line(tmp_path):
    assert lines(tmp_path, b"\xef\xbb\xbfx\n\xef\xbb\xbfy")[0].content == b"x"


def test_a_long_line_is_passed_over(tmp_path):
    content = b"a\n" + b"x" * 2_000_000 + b"\nb\n" + b"y" * 11
    assert lines(tmp_path, content, max_bytes=10) == [
        Line(0, b"a", 1),
        Line(2, None, 2_000_000, "too_large"),
        Line(2_000_003, b"b", 1),
        Line(2_000_005, None, 11, "too_large"),
    ]


@pytest.mark.parametrize(("name", "pack"), [("a.gz", gzip.compress), ("a.zst", zstandard.compress)])
def test_where_a_compressed_file_breaks_off_its_last_line_is_damaged(tmp_path, name, pack):
    packed = pack(b"one\ntwo\n") + pack(b"three\nfour\n")[:-3]
    first, second, *_, last = lines(tmp_path, packed, name)
    assert [first.content, second.content] == [b"one", b"two"]
    assert (last.content, last.flaw) == (None, "corrupt_member")


@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.jsonl.zst"])
def test_a_name_that_promises_compression_is_held_to_it(tmp_path, name):
    with pytest.raises(InputError, match="not compressed as its name says"):
        lines(tmp_path, b'{"text": "a"}\n', name)


def test_a_long_window_is_read(tmp_path):
    settings = zstandard.ZstdCompressionParameters.from_level(1, window_log=28)
    packer = zstandard.ZstdCompressor(compression_params=settings).compressobj()
    packed = packer.compress(b"one\n" * 10) + packer.flush()
    assert len(lines(tmp_path, packed, "a.zst")) == 10


@given(st.text(st.sampled_from("ab\n\r"), max_size=60), st.integers(1, 70))
def test_the_split_changes_nothing(tmp_path_factory, text, split_bytes):
    folder = tmp_path_factory.getbasetemp()
    assert lines(folder, text.encode(), split_bytes=split_bytes) == lines(folder, text.encode())
