"""Commands that are no runs read what a run reads."""

import gzip
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from textmill.pipeline.corpus import open_corpus, read_corpus
from textmill.pipeline.errors import InputError, UsageError
from textmill.pipeline.io.reader import Skipped


def texts(*inputs: Path, text_column: str = "text") -> tuple[list[str], Skipped]:
    skipped: Skipped = Counter()
    batches = read_corpus(open_corpus([str(path) for path in inputs], text_column=text_column), skipped)
    return [text for batch in batches for text in batch.column("text").to_pylist()], skipped


def test_a_folder_is_read_whatever_its_formats(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.jsonl.gz").write_bytes(gzip.compress(b'{"text": "one"}\n{"text": null}\n'))
    (tmp_path / "b.txt").write_text("two\n\nthree\r\n")
    (tmp_path / "c.txt.zst").write_bytes(zstandard.compress(b"four\n"))
    pq.write_table(pa.table({"text": ["five"]}), tmp_path / "d.parquet")
    found, skipped = texts(tmp_path)
    assert sorted(found) == ["five", "four", "one", "three", "two"]
    assert sum(skipped.values()) == 2


def test_pages_are_extracted(tmp_path: Path) -> None:
    body = "<p>" + "A sentence of a page that has a lot to say about rivers. " * 20 + "</p>"
    (tmp_path / "page.html").write_text(f"<html><body><nav>menu</nav><article>{body}</article></body></html>")
    (tmp_path / "empty.html").write_text("<html><body></body></html>")
    found, skipped = texts(tmp_path)
    assert len(found) == 1
    assert "rivers" in found[0]
    assert skipped == {"no_text": 1}


def test_lines_that_are_no_text_are_counted(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"good\n\xff\xfe\n")
    assert texts(tmp_path / "a.txt") == (["good"], {"not_utf8": 1})


def test_a_name_that_tells_no_format(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(b"%PDF")
    with pytest.raises(UsageError, match=r"a\.pdf: its ending tells no format"):
        texts(tmp_path / "a.pdf")


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        texts(tmp_path / "a.txt")
