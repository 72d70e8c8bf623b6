import gzip
import random
from collections import Counter

import brotli
import pytest
import zstandard
from fastwarc.stream_io import Lz4Writer
from fastwarc.warc import ArchiveIterator
from hypothesis import given
from hypothesis import strategies as st
from warcs import PAGE, flip, member, page, record, response

from textmill.pipeline.errors import InputError
from textmill.pipeline.io.reader import WEB_LAYOUT, Reader
from textmill.pipeline.io.warc import Warc


def read(path, skipped=None, **parameters):
    """All rows of all shards."""
    reader = Warc(source="web", files=str(path), **parameters)
    skipped = Counter() if skipped is None else skipped
    return [row for shard in reader.shards() for b in reader.read(shard, skipped) for row in b.to_pylist()]


def rows(folder, content, name="a.warc", **parameters):
    (folder / name).write_bytes(content)
    return read(folder / name, **parameters)


def told(found):
    """What became of each row: (id, reason), the reason `html` or `text` for those that go on."""
    kept = [row["drop_reason"] or ("text" if row["html"] is None else "html") for row in found]
    return [(row["id"].removeprefix("urn:uuid:"), reason) for row, reason in zip(found, kept, strict=True)]


def test_a_page_is_a_row(tmp_path):
    (row,) = rows(tmp_path, record(response(content_type="text/html; charset=utf-8"), "abc"))
    assert row == {
        "id": "urn:uuid:abc",
        "source": "web",
        "url": "http://example.org/abc",
        "date": "2024-05-01T00:00:00Z",
        "content_type": "text/html; charset=utf-8",
        "html": PAGE,
        "text": None,
        "drop_reason": None,
        "drop_value": None,
    }


def test_other_records_are_counted_by_type(tmp_path):
    kinds = ["warcinfo", "request", "metadata", "revisit", "continuation", "Request", "other"]
    skipped = Counter()
    found = rows(tmp_path, b"".join(record(b"x", kind, kind) for kind in kinds) + page("p"), skipped=skipped)
    assert told(found) == [("p", "html")]
    assert skipped == Counter(warcinfo=1, request=2, metadata=1, revisit=1, continuation=1, other=1)


def test_resources_and_conversions_are_documents_of_their_own_type(tmp_path):
    content = [
        record(PAGE, "page", "resource", Content_Type="text/html"),
        record(b"\x89PNG", "image", "resource", Content_Type="image/png"),
        record(PAGE, "untyped", "resource", Content_Type=None),
        record("Väter".encode(), "wet", "conversion", Content_Type="text/plain"),
        record(b"dns", "dns", Content_Type="text/dns"),
    ]
    found = rows(tmp_path, b"".join(content))
    assert told(found) == [
        ("page", "html"),
        ("image", "not_html"),
        ("untyped", "html"),
        ("wet", "text"),
        ("dns", "not_html"),
    ]
    assert (found[0]["content_type"], found[3]["text"]) == ("text/html", "Väter")


def test_what_is_no_usable_page_leaves_with_its_reason(tmp_path):
    cases = {
        record(response(status=404), "1"): ("http_status", 404),
        record(response(status=204), "1"): ("http_status", 204),
        record(response(b"%PDF", content_type="application/pdf"), "1"): ("not_html", None),
        record(b"<html>no header", "1"): ("bad_http", None),
        record(response(flip(gzip.compress(PAGE), 30), content_encoding="gzip"), "1"): ("bad_content_encoding", None),
        record(response(PAGE * 100), "1"): ("too_large", len(response(PAGE * 100))),
        record(response(gzip.compress(PAGE * 100), content_encoding="gzip"), "1"): ("too_large", 1001),
        record(response(), "1", Content_Length="999"): ("truncated_record", len(response()) + 4),
    }
    for content, (reason, value) in cases.items():
        (row,) = rows(tmp_path, content, max_record_bytes=1000)
        assert (row["id"], row["url"]) == ("urn:uuid:1", "http://example.org/1")
        assert (row["drop_reason"], row["drop_value"], row["html"]) == (reason, value, None)


def test_statuses_are_a_parameter(tmp_path):
    content = record(response(status=404), "a") + record(response(), "b")
    assert told(rows(tmp_path, content, statuses=[404])) == [("a", "html"), ("b", "http_status")]


def test_pages_come_decoded(tmp_path):
    chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(brotli.compress(PAGE)), brotli.compress(PAGE))
    block = response(chunks, transfer_encoding="chunked", content_encoding="br")
    assert rows(tmp_path, record(block))[0]["html"] == PAGE


def test_what_the_crawler_cut_off_is_a_page(tmp_path):
    assert told(rows(tmp_path, record(response(PAGE[:20]), "p", WARC_Truncated="length"))) == [("p", "html")]


def test_ids_and_urls_are_freed_of_brackets_and_made_where_missing(tmp_path):
    content = member(page("a")) + member(
        record(response(), None) + record(response(), None, WARC_Target_URI="<http://x.org/>")
    )
    first, second, third = rows(tmp_path, content, "a.warc.gz")
    start = len(member(page("a")))
    assert first["id"] == "urn:uuid:a"
    assert second["id"] == f"a.warc.gz:{start}"
    assert third["id"] == f"a.warc.gz:{start}+{len(record(response(), None))}"
    assert (second["url"], third["url"]) == (None, "http://x.org/")


def test_made_ids_tell_files_apart_and_not_where_they_lie(tmp_path):
    for folder in ("one/x", "one/y", "two/x", "two/y"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "a.warc").write_bytes(record(response(), None))
    assert [row["id"] for row in read(tmp_path / "one" / "*" / "a.warc")] == ["x/a.warc:0", "y/a.warc:0"]
    assert [row["id"] for row in read(tmp_path / "two" / "*" / "a.warc")] == ["x/a.warc:0", "y/a.warc:0"]


def test_every_packing_gives_the_same_rows(tmp_path):
    pages = [page(name, 3000) for name in "abcde"]
    whole = b"".join(pages)
    with Lz4Writer(str(tmp_path / "a.warc.lz4")) as writer:
        writer.write(whole)
    packings = {
        "plain.warc": whole,
        "a member a record.warc.gz": b"".join(member(p) for p in pages),
        "one member.warc.gz": member(whole),
        "blocks.warc.gz": b"".join(member(whole[i : i + 700]) for i in range(0, len(whole), 700)),
        "plain, misnamed.warc.gz": whole,
        "gzip, misnamed.warc": member(whole),
        "frames.warc.zst": b"".join(zstandard.compress(p) for p in pages),
        "a.warc.lz4": (tmp_path / "a.warc.lz4").read_bytes(),
    }
    expected = rows(tmp_path, whole)
    assert len(expected) == 5
    for name, content in packings.items():
        assert rows(tmp_path, content, name, split_bytes=1000) == expected, name


def test_a_zst_may_bring_its_dictionary(tmp_path):
    raw = zstandard.train_dictionary(5000, [page(str(i), 500) for i in range(300)])
    packer = zstandard.ZstdCompressor(dict_data=raw)
    held = zstandard.compress(raw.as_bytes())
    head = b"\x5d\x2a\x4d\x18" + len(held).to_bytes(4, "little") + held
    found = rows(tmp_path, head + b"".join(packer.compress(page(name)) for name in "ab"), "x.warc.zst")
    assert told(found) == [("a", "html"), ("b", "html")]


def test_a_corrupt_member_costs_itself(tmp_path):
    members = [member(page(name, 3000)) for name in "abc"]
    at = len(members[0])
    found = rows(tmp_path, members[0] + flip(members[1], 900) + members[2], "x.warc.gz")
    assert told(found) == [("a", "html"), (f"x.warc.gz:{at}", "corrupt_member"), ("c", "html")]
    assert found[1]["url"] is None


def test_a_damaged_zst_or_lz4_keeps_what_precedes_the_damage(tmp_path):
    frames = zstandard.compress(page("a", 100)), zstandard.compress(page("b", 200_000))
    found = rows(tmp_path, b"".join(frames)[:-1000], "x.warc.zst")
    assert [reason for _, reason in told(found)] == ["html", "corrupt_member"]


def test_a_file_that_ends_early(tmp_path):
    cut = (member(page("a", 3000)) + member(page("b", 3000)))[:-1000]
    assert told(rows(tmp_path, cut, "x.warc.gz")) == [("a", "html"), ("b", "truncated_record")]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.warc.gz", b"", "holds nothing"),
        ("a.warc", b"", "holds nothing"),
        ("a.warc.gz", gzip.compress(b"", mtime=0), "holds nothing"),
        ("a.warc.gz", b"Just some text.\n" * 99, "it begins with b'Just some text"),
        ("a.warc.gz", gzip.compress(b"Just some text.\n" * 99, mtime=0), "it begins with b'Just some text"),
    ],
)
def test_a_file_that_is_no_warc_is_an_error(tmp_path, name, content, message):
    with pytest.raises(InputError, match=message) as caught:
        rows(tmp_path, content, name)
    assert str(tmp_path / name) in str(caught.value)


def test_batches_are_bounded_and_alike(tmp_path, monkeypatch):
    monkeypatch.setattr(Reader, "batch_bytes", 10_000)
    (tmp_path / "a.warc.gz").write_bytes(b"".join(member(page(str(i), 4000)) for i in range(9)) + member(b"x"))
    reader = Warc(source="web", files=str(tmp_path / "a.warc.gz"))
    batches = [batch for shard in reader.shards() for batch in reader.read(shard, Counter())]
    assert [batch.num_rows for batch in batches] == [2, 2, 2, 2, 2]
    assert {str(batch.schema) for batch in batches} == {str(WEB_LAYOUT)}


@st.composite
def archives(draw):
    """Archives whose members are whole, damaged, cut short, hold two records, or an archive as it is."""
    content = b""
    for i in range(draw(st.integers(1, 10))):
        size = draw(st.sampled_from([0, 3000, 80_000]))
        kinds = {
            "page": lambda i=i, size=size: member(page(str(i), size), 1),
            "two": lambda i=i: member(page(f"{i}a") + page(f"{i}b")),
            "archive": lambda i=i: member(record(response(member(page(f"{i}in"))), str(i)), 0),
            "damaged": lambda i=i, size=size: flip(member(page(str(i), size), 1), 40),
            "cut": lambda i=i, size=size: member(page(str(i), size), 1)[:-30],
        }
        content += kinds[draw(st.sampled_from(sorted(kinds)))]()
    return content


@given(archives(), st.integers(1, 12))
def test_the_split_changes_nothing(tmp_path_factory, content, shards):
    folder = tmp_path_factory.mktemp("split")
    split = rows(folder, content, "a.warc.gz", split_bytes=-(-len(content) // shards))
    assert split == read(folder / "a.warc.gz", split_bytes=1 << 40)


def arc(*records, line_end=b"\n"):
    """An ARC file of (URL line without length, block)."""
    return [line.encode() + b" %d" % len(block) + line_end + block + b"\n" for line, block in records]


VERSION_BLOCK = b"1 0 Crawler\nURL IP-address Archive-date Content-type Archive-length\n"


def test_arc_files_are_read_too(tmp_path):
    records = arc(
        ("filedesc://a.arc 0.0.0.0 20080430204825 text/plain", VERSION_BLOCK),
        ("dns:x.org 1.2.3.4 20080430204825 text/dns", b"20080430204825\nx.org. 300 IN A 1.2.3.4"),
        ("http://x.org/a b 1.2.3.4 20080430204826 text/html", response()),
        ("http://x.org/2 1.2.3.4 20080430204827 text/html 200 - - 77 a.arc", response()),
        ("http://x.org/3 1.2.3.4 20080430204828 text/html", PAGE),
    )
    for name, content in [("a.arc", b"".join(records)), ("a.arc.gz", b"".join(map(member, records)))]:
        skipped = Counter()
        found = rows(tmp_path, content, name, skipped=skipped)
        assert [(row["url"], row["drop_reason"]) for row in found] == [
            ("dns:x.org", "not_html"),
            ("http://x.org/a b", None),
            ("http://x.org/2", None),
            ("http://x.org/3", "bad_http"),
        ]
        assert skipped == {"warcinfo": 1}
        assert (found[1]["date"], found[1]["html"]) == ("2008-04-30T20:48:26Z", PAGE)
        assert found[0]["id"].startswith(f"{name}:")


REAL_INPUTS = ["archivesunleashed+aut/example.warc.gz", "webrecorder+pywb/iana.warc.gz"]


@pytest.mark.parametrize("name", REAL_INPUTS)
def test_the_split_changes_nothing_on_real_crawls(real_data, name):
    path = real_data / "warc" / name
    whole = read(path, split_bytes=1 << 40)
    for size in (5_000, 77_777, 1_000_000):
        assert read(path, split_bytes=size) == whole


@pytest.mark.parametrize("name", REAL_INPUTS)
def test_no_record_of_a_sound_file_is_lost(real_data, name):
    path = real_data / "warc" / name
    with path.open("rb") as stream:
        found = Counter(str(r.record_type) for r in ArchiveIterator(stream, parse_http=False))
    skipped = Counter()
    documents = len(read(path, skipped))
    assert documents == sum(found.pop(kind, 0) for kind in ("response", "resource", "conversion"))
    assert skipped == found


def test_no_real_file_is_beyond_reading(real_data):
    """Of 270 files as crawlers and archive tools wrote them, every one gives rows, or an InputError that says why."""
    became = Counter()
    for path in sorted((real_data / "warc").rglob("*.*")):
        if path.is_file():
            became.update(read_or_refuse(path, split_bytes=random.Random(path.name).randint(2000, 200_000)))
    assert became["html"] > 500
    assert became["text"] > 50
    assert became["refused: no WARC or ARC file"] < 5
    assert became["nothing"] == 0


def read_or_refuse(path, **parameters):
    skipped = Counter()
    try:
        found = read(path, skipped, **parameters)
    except InputError as error:
        return [f"refused: {str(error).split(': ')[1]}"]
    return [reason for _, reason in told(found)] or ([] if skipped else ["nothing"])
