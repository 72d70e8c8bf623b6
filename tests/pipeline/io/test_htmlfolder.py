from collections import Counter

import pytest
from warcs import PAGE

from textmill.pipeline.errors import InputError
from textmill.pipeline.io.htmlfolder import HtmlFolder


@pytest.fixture
def site(tmp_path):
    files = {"index.html": PAGE, "blog/a b.htm": b"plain", "blog/c.HTML": b"", "notes": PAGE, "logo.png": b"\x89PNG"}
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    return tmp_path


def read(files, **parameters):
    reader = HtmlFolder(source="site", files=files, **parameters)
    return [row for s in reader.shards() for b in reader.read(s, Counter()) for row in b.to_pylist()]


def test_a_file_is_a_row(site):
    (row,) = read(f"{site}/index.html", url_prefix="http://x.org/")
    assert row == {
        "id": "index.html",
        "source": "site",
        "url": "http://x.org/index.html",
        "date": None,
        "content_type": None,
        "html": PAGE,
        "text": None,
        "drop_reason": None,
        "drop_value": None,
    }


def test_ids_are_paths_below_the_folder(site):
    found = read(f"{site}/**/*.htm*", url_prefix="http://x.org/")
    assert [(row["id"], row["url"]) for row in found] == [
        ("blog/a b.htm", "http://x.org/blog/a%20b.htm"),
        ("index.html", "http://x.org/index.html"),
    ]


def test_names_are_believed_and_other_files_looked_at(site):
    assert [(row["id"], row["drop_reason"]) for row in read(f"{site}/**")] == [
        ("blog/a b.htm", None),
        ("blog/c.HTML", None),
        ("index.html", None),
        ("logo.png", "not_html"),
        ("notes", None),
    ]


def test_a_file_over_the_limit_is_not_read(site):
    (site / "long.html").write_bytes(bytes(2000))
    found = read(f"{site}/long.html", max_file_bytes=1999)
    assert [(row["drop_reason"], row["drop_value"], row["html"]) for row in found] == [("too_large", 2000, None)]


def test_shards_are_groups_of_neighbours(site):
    def groups(**parameters):
        reader = HtmlFolder(source="site", files=f"{site}/**", **parameters)
        return [[row["id"] for b in reader.read(s, Counter()) for row in b.to_pylist()] for s in reader.shards()]

    assert groups(split_files=2) == [["blog/a b.htm", "blog/c.HTML"], ["index.html", "logo.png"], ["notes"]]
    assert groups(split_bytes=len(PAGE)) == [["blog/a b.htm", "blog/c.HTML"], ["index.html"], ["logo.png"], ["notes"]]


def test_a_shard_knows_when_one_of_its_files_changed(site):
    reader = HtmlFolder(source="site", files=f"{site}/**", split_files=2)
    before = reader.shards()
    (site / "index.html").write_bytes(PAGE + b"more")
    assert [a == b for a, b in zip(before, reader.shards(), strict=True)] == [True, False, True]


def test_a_file_that_is_gone_is_an_error(site):
    reader = HtmlFolder(source="site", files=f"{site}/*.html")
    shards = reader.shards()
    (site / "index.html").unlink()
    with pytest.raises(InputError, match="no such file"):
        list(reader.read(shards[0], Counter()))
