"""The sample crawl: the same every time, readable, and as its truth says."""

import json
import re
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from io import BytesIO
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import trafilatura
from fastwarc.warc import ArchiveIterator, WarcRecord, WarcRecordType

from textmill.pipeline.errors import ModelError, UsageError
from textmill.pipeline.models import local_model
from textmill.pipeline.sample import Summary, generate
from textmill.pipeline.sample.kinds import KINDS
from textmill.pipeline.sample.prose import load
from textmill.pipeline.testing import score
from textmill.scorers.language import Language

LANGUAGES = {"en", "de", "fr", "es", "ru", "zh", "ja", "ar"}


class Crawl:
    """A generated crawl and its truth."""

    def __init__(self, summary: Summary) -> None:
        self.files = [summary.folder / name for name in summary.files]
        lines = (summary.folder / "truth.jsonl").read_text("utf-8").splitlines()
        self.truth: list[dict[str, Any]] = [json.loads(line) for line in lines]
        self.responses = {
            record.record_id.strip("<>"): (record, body_of(record))
            for file in self.files
            for record in records(file)
            if record.record_type == WarcRecordType.response
        }

    def of(self, *kinds: str) -> list[dict[str, Any]]:
        return [document for document in self.truth if document["kind"] in kinds]

    def body(self, document: dict[str, Any]) -> bytes:
        return self.responses[document["id"]][1]

    def header(self, document: dict[str, Any], name: str) -> str:
        return self.responses[document["id"]][0].http_headers.get(name) or ""


def members(file: Path) -> Iterator[bytes | None]:
    """The content of each gzip member, None for one that is damaged."""
    data = file.read_bytes()
    while data:
        inflate = zlib.decompressobj(31)
        try:
            yield inflate.decompress(data)
            data = inflate.unused_data
        except zlib.error:
            yield None
            data = data[data.index(b"\x1f\x8b\x08", 64) :]


def records(file: Path) -> Iterator[WarcRecord]:
    """The records of the undamaged members, each read on its own."""
    for member in filter(None, members(file)):
        found = 0
        for record in ArchiveIterator(BytesIO(member)):
            found += 1
            record.freeze()
            yield record
        assert found == 1


def body_of(record: WarcRecord) -> bytes:
    """The body of an answer, transfer and content encodings undone with nothing but the standard library."""
    body: bytes = record.reader.read()
    headers = record.http_headers
    if headers is None:
        return body
    if headers.get("Transfer-Encoding") == "chunked":
        rest, body = body, b""
        while size := int((line := rest.partition(b"\r\n"))[0] or b"0", 16):
            body, rest = body + line[2][:size], line[2][size + 2 :]
    return zlib.decompressobj(31).decompress(body) if headers.get("Content-Encoding") == "gzip" else body


@pytest.fixture(scope="module")
def crawl(tmp_path_factory: pytest.TempPathFactory) -> Crawl:
    return Crawl(generate(tmp_path_factory.mktemp("sample"), documents=400))


def words(text: str, language: str) -> list[str]:
    return re.findall(r"\w" if language in {"zh", "ja"} else r"\w+", text)


def jaccard(left: dict[str, Any], right: dict[str, Any]) -> float:
    """The similarity of two texts by their shingles of five words (of characters in Chinese and Japanese)."""
    a, b = (
        {tuple(found[i : i + 5]) for i in range(len(found) - 4)}
        for found in (words(document["text"], document["language"]) for document in (left, right))
    )
    return len(a & b) / len(a | b)


def clusters(crawl: Crawl, kind: str) -> list[list[dict[str, Any]]]:
    groups = defaultdict(list)
    for document in crawl.of(kind):
        groups[document["cluster"]].append(document)
    return list(groups.values())


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_same_seed_gives_the_same_bytes_and_another_seed_other_ones(tmp_path: Path) -> None:
    for name, seed in (("first", 7), ("again", 7), ("other", 8)):
        generate(tmp_path / name, documents=100, seed=seed, files=2)
    first, again, other = (contents(tmp_path / name) for name in ("first", "again", "other"))
    assert first == again
    assert first.keys() == other.keys() == {"crawl-00000.warc.gz", "crawl-00001.warc.gz", "truth.jsonl"}
    assert all(first[name] != other[name] for name in first)


def test_a_hundred_documents_hold_every_kind_and_language(tmp_path: Path) -> None:
    summary = generate(tmp_path, documents=100, files=3)
    crawl = Crawl(summary)
    assert summary.kinds == Counter(document["kind"] for document in crawl.truth)
    assert summary.kinds.total() == 100
    assert summary.kinds.keys() == KINDS.keys()
    assert {document["language"] for document in crawl.of("clean")} == LANGUAGES


def test_shares_are_as_the_table_says(crawl: Crawl) -> None:
    counts = Counter(document["kind"] for document in crawl.truth)
    for name, kind in KINDS.items():
        if name != "clean":
            assert counts[name] == max(1, round(400 * kind.share)), name


def test_every_response_is_in_the_truth_in_order_and_only_the_damaged_one_is_unreadable(crawl: Crawl) -> None:
    (damaged,) = crawl.of("corrupt_member")
    told = [document["id"] for document in crawl.truth if document is not damaged]
    assert list(crawl.responses) == told
    assert len({document["url"] for document in crawl.truth}) == 400
    for file in crawl.files:
        unreadable = sum(member is None for member in members(file))
        assert unreadable == (file.name == damaged["file"])


def test_each_fetch_has_its_request_and_metadata_as_crawlers_write_them(crawl: Crawl) -> None:
    (damaged,) = crawl.of("corrupt_member")
    whole = next(file for file in crawl.files[:-1] if file.name != damaged["file"])
    types = [record.record_type for record in records(whole)]
    assert types[0] == WarcRecordType.warcinfo
    assert types[1:4] == [WarcRecordType.request, WarcRecordType.response, WarcRecordType.metadata]
    assert types[4:7] == types[1:4]
    with whole.open("rb") as stream:
        answers = ArchiveIterator(stream, record_types=WarcRecordType.response, parse_http=False)
        assert all(record.verify_block_digest() for record in answers)


def test_transfer_and_content_encodings_and_missing_payload_types_occur(crawl: Crawl) -> None:
    seen = {
        (bool(crawl.header(d, "Content-Encoding")), bool(crawl.header(d, "Transfer-Encoding")))
        for d in crawl.of("clean")
    }
    assert seen == {(False, False), (False, True), (True, False), (True, True)}
    typed = [bool(r.headers.get("WARC-Identified-Payload-Type")) for r, _ in crawl.responses.values()]
    assert 0.5 < sum(typed) / len(typed) < 0.9


def test_the_last_record_ends_before_the_length_it_declares(crawl: Crawl) -> None:
    assert crawl.truth[-1]["kind"] == "truncated_record"
    *_, last = members(crawl.files[-1])
    assert last is not None
    head, _, block = last.partition(b"\r\n\r\n")
    declared = int(re.search(rb"Content-Length: (\d+)", head)[1])  # type: ignore[index]
    assert len(block) == declared - 400


def test_reasons_that_are_certain_show_in_the_records(crawl: Crawl) -> None:
    for document in crawl.truth:
        status = crawl.responses[document["id"]][0].http_headers.status_code if document["id"] in crawl.responses else 0
        assert (status in {301, 404}) == (document["expect"] == "http_status")
        assert (".casino-palace.example/" in document["url"]) == (document["expect"] == "blocked_domain")
    for document in crawl.of("not_html"):
        assert crawl.header(document, "Content-Type") in {"image/png", "application/pdf"}
        assert crawl.body(document).startswith((b"\x89PNG\r\n", b"%PDF-"))
    for document in crawl.of("empty"):
        assert document["expect"] == "no_text"
        assert not trafilatura.extract(crawl.body(document))


def test_exact_duplicates_share_their_text_and_nothing_else(crawl: Crawl) -> None:
    groups = clusters(crawl, "exact_duplicate")
    assert {len(group) for group in groups} == {2, 3}
    for group in groups:
        assert len({document["text"] for document in group}) == 1
        assert len({document["url"] for document in group}) == len(group)
        assert len({crawl.body(document) for document in group if document["id"] in crawl.responses}) > 1


def test_near_duplicates_are_nearly_the_same_and_never_quite(crawl: Crawl) -> None:
    groups = clusters(crawl, "near_duplicate")
    assert {len(group) for group in groups} == {2, 3, 5}
    for group in groups:
        for left, right in combinations(group, 2):
            assert 0.75 < jaccard(left, right) < 1


def test_pages_that_are_no_duplicates_have_little_in_common(crawl: Crawl) -> None:
    firsts = [group[0] for kind in ("near_duplicate", "exact_duplicate") for group in clusters(crawl, kind)]
    others = [*firsts, *crawl.of("clean", "legacy_charset", "blocked")]
    for language in LANGUAGES:
        texts = [document for document in others if document["language"] == language]
        assert max(jaccard(left, right) for left, right in combinations(texts, 2)) < 0.2, language


def test_extraction_finds_the_text_of_clean_pages_and_little_else(crawl: Crawl) -> None:
    for document in crawl.of("clean")[:80]:
        html = crawl.body(document).decode()
        found = Counter(words(trafilatura.extract(html, include_comments=False) or "", document["language"]))
        told = Counter(words(document["text"], document["language"]))
        shared = (found & told).total()
        assert shared >= 0.9 * told.total()
        assert shared >= 0.9 * found.total()


def test_exact_duplicates_are_still_exact_after_extraction(crawl: Crawl) -> None:
    for group in clusters(crawl, "exact_duplicate"):
        bodies = [crawl.body(document) for document in group if document["id"] in crawl.responses]
        assert len({trafilatura.extract(body.decode()) for body in bodies}) == 1


def test_languages_are_recognised(crawl: Crawl) -> None:
    try:
        local_model("lid176")
    except ModelError as error:
        pytest.skip(str(error))
    documents = crawl.of("clean", "near_duplicate", "exact_duplicate")
    found = score(Language(), [document["text"] for document in documents])
    assert found["language"] == [document["language"] for document in documents]
    assert min(found["language_score"]) > 0.7  # type: ignore[type-var]


def test_clean_english_meets_the_rules_for_natural_text(crawl: Crawl) -> None:
    stop_words = {"the", "be", "to", "of", "and", "that", "have", "with"}
    for document in crawl.of("clean", "near_duplicate", "exact_duplicate"):
        if document["language"] == "en":
            found = document["text"].lower().split()
            assert len(found) >= 80
            assert 3 <= sum(map(len, found)) / len(found) <= 10
            assert len(stop_words & set(found)) >= 2


def test_no_template_shows_through(crawl: Crawl) -> None:
    for document in crawl.truth:
        assert not re.search(r"[\[\]{}|]", document["text"] or "")


def test_old_encodings_hold_the_text_whatever_they_declare(crawl: Crawl) -> None:
    for document in crawl.of("legacy_charset", "wrong_charset"):
        body, declared = crawl.body(document), crawl.header(document, "Content-Type")
        charset = load(document["language"]).charset
        assert document["text"].splitlines()[1] in body.decode(charset)
        with pytest.raises(UnicodeDecodeError):
            body.decode("utf-8")
        if document["kind"] == "legacy_charset":
            assert charset in declared or f'<meta charset="{charset}">'.encode() in body
    wrong = {(crawl.header(d, "Content-Type"), b"charset=" in crawl.body(d)) for d in crawl.of("wrong_charset")}
    assert wrong == {
        ("text/html; charset=utf-8", True),
        ("text/html; charset=windows-1252", True),
        ("text/html", False),
    }


def test_unwanted_texts_are_what_their_kind_says(crawl: Crawl) -> None:
    texts = {kind: [document["text"] for document in crawl.of(kind)] for kind in KINDS}
    assert all(len(text.split()) < 90 for text in texts["short"])
    assert all(text.isupper() for text in (t.partition("\n")[2] for t in texts["shouting"]))
    assert all("Lorem ipsum" in text for text in texts["lorem_ipsum"])
    assert all("." not in text.partition("\n")[2] for text in texts["spam"])
    assert all(max(map(len, text.split("\n"))) > 50_000 for text in texts["long_line"])
    assert any(ord(char) > 0xFFFF for text in texts["emoji"] for char in text)
    assert all(
        re.search(r"@example\.(com|net|org) .* 555-01\d\d\..* came from [\d.]+\.", text) for text in texts["pii"]
    )
    for text in texts["repetitive"]:
        assert max(Counter(text[i : i + 15] for i in range(len(text) - 14)).values()) >= 10
    (deep,) = crawl.of("deep_nesting")
    assert crawl.body(deep).count(b"<div>") >= 3000


def test_a_sample_that_cannot_be_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="at least 100 documents"):
        generate(tmp_path, documents=99)
    with pytest.raises(UsageError, match="not 0"):
        generate(tmp_path, documents=100, files=0)
    generate(tmp_path, documents=100, files=3)
    with pytest.raises(UsageError, match=r"another crawl \(crawl-00002.warc.gz\)"):
        generate(tmp_path, documents=100, files=2)


def test_the_documentation_lists_every_kind_with_its_share() -> None:
    page = (Path(__file__).parents[2] / "docs" / "sample.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \|", page.partition("## truth.jsonl")[0], re.MULTILINE)
    shares = {name: "one" if not kind.share else f"{kind.share:.1%}".replace(".0", "") for name, kind in KINDS.items()}
    assert dict(rows) == shares | {"clean": "the rest"}
