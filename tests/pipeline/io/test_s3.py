import io
import json
from collections import Counter
from contextlib import suppress

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from warcs import PAGE, member, page

from textmill.pipeline.errors import InputError
from textmill.pipeline.io.files import exists, find_files, open_binary, read_head, write_whole
from textmill.pipeline.io.htmlfolder import HtmlFolder
from textmill.pipeline.io.jsonl import Jsonl
from textmill.pipeline.io.parquet import ParquetFiles
from textmill.pipeline.io.warc import Warc


def parquet(texts):
    stream = io.BytesIO()
    pq.write_table(pa.table({"text": texts}), stream, row_group_size=1)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("reader", "content", "parameters"),
    [
        (Warc, b"".join(member(page(name, 3000)) for name in "abc"), {"split_bytes": 2000}),
        (Jsonl, b"".join(json.dumps({"text": name}).encode() + b"\n" for name in "abc"), {"split_bytes": 20}),
        (ParquetFiles, parquet(["a", "b", "c"]), {"split_bytes": 300}),
        (HtmlFolder, PAGE, {}),
    ],
)
def test_a_store_gives_the_rows_that_a_disk_gives(store, tmp_path, reader, content, parameters):
    name = f"in/x.{reader.__name__.lower()}.{'gz' if reader is Warc else 'html'}"
    with store.open(f"bucket/{name}", "wb") as stream:
        stream.write(content)
    (tmp_path / "in").mkdir()
    (tmp_path / name).write_bytes(content)

    def rows(files):
        found = reader(source="s", files=files, **parameters)
        return [r for s in found.shards() for b in found.read(s, Counter()) for r in b.to_pylist()]

    expected = rows(str(tmp_path / name))
    assert len(expected) == (1 if reader is HtmlFolder else 3)
    assert rows(f"s3://bucket/in/*.{reader.__name__.lower()}*") == expected


def test_files_of_a_store(store):
    with write_whole("s3://bucket/out/a") as stream:
        stream.write(b"content")
    assert [(file.path, file.size) for file in find_files(["s3://bucket/out/*"])] == [("s3://bucket/out/a", 7)]
    assert read_head("s3://bucket/out/a", 3) == b"con"
    assert read_head("s3://bucket/out/a", 99) == b"content"
    with suppress(RuntimeError), write_whole("s3://bucket/out/b") as stream:
        stream.write(b"half")
        raise RuntimeError
    assert not exists("s3://bucket/out/b")


def test_what_a_store_has_not_is_an_error(store):
    with pytest.raises(InputError, match="s3://bucket/in/none: no such file"):
        find_files(["s3://bucket/in/none"])
    with pytest.raises(InputError, match="s3://nobody/x: no such file"):
        open_binary("s3://nobody/x")
