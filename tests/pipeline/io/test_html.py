"""What counts as HTML, and which characters its bytes are."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textmill.pipeline.io.html import decode, looks_like_html

XHTML = b'<?xml version="1.0"?>\n<html xmlns="http://www.w3.org/1999/xhtml"><body/></html>'
FEED = b'<?xml version="1.0"?><feed><div xmlns="http://www.w3.org/1999/xhtml">x</div></feed>'


@pytest.mark.parametrize(
    "content_type",
    ["text/html", "TEXT/HTML; charset=utf-8", " text/html ;x", "application/xhtml+xml", "a/b, text/html"],
)
def test_a_header_that_says_html_is_believed(content_type):
    assert looks_like_html(content_type, b"no markup at all")


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "image/png", "application/pdf", "application/json", "text/css", "text/javascript"],
)
def test_a_header_that_says_another_type_is_believed(content_type):
    assert not looks_like_html(content_type, b"<!doctype html><html>")


@pytest.mark.parametrize("content_type", [None, "", "html", "text/html charset=utf-8", "unknown/unknown", "*/*"])
@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"<!DOCTYPE html>", True),
        (b"\xef\xbb\xbf\n\t <HTML lang=de>", True),
        ("\ufeff<html>".encode("utf-16-le"), True),
        (b"<script >", True),
        (b"<!-- a comment --><p>", True),
        (b"<p>", True),
        (b"<br/>", False),
        (b"<pre>", False),
        (b"<htmlx>", False),
        (b"text <html>", False),
        (b"%PDF-1.4 <html>", False),
        (b"", False),
        (XHTML, True),
        (FEED, False),
    ],
)
def test_without_a_usable_header_the_first_bytes_decide(content_type, body, expected):
    assert looks_like_html(content_type, body) is expected


@pytest.mark.parametrize("content_type", ["application/xml", "text/xml; charset=utf-8", "application/rss+xml"])
def test_xml_is_html_when_its_root_is(content_type):
    prolog = b'<!-- c --><!DOCTYPE html PUBLIC "-//W3C//DTD" "x" [<!ENTITY e "v">]>'
    assert looks_like_html(content_type, XHTML)
    assert looks_like_html(content_type, prolog + XHTML[22:])
    assert not looks_like_html(content_type, FEED)
    assert not looks_like_html(content_type, b"<html><body/></html>")


def test_a_hostile_prolog_takes_no_time():
    assert not looks_like_html("text/xml", b"<?" + b"?><?" * 1000 + b"<!--" * 500)
    assert len(decode(b"<meta <!--" * 10_000 + b"\xe9", None)) == 100_001


TEXT = {
    "utf-8": "naïve – “Straße”",
    "windows-1252": "naïve – “Straße” €",
    "windows-1251": "Все люди рождаются свободными и равными в своем достоинстве и правах.",
    "koi8-r": "Все люди рождаются свободными и равными в своем достоинстве и правах.",
    "iso-8859-2": "Wszyscy ludzie rodzą się wolni i równi w swojej godności i prawach.",
    "shift_jis": "すべての人間は、生まれながらにして自由であり、かつ、平等である。①髙",
    "euc-jp": "すべての人間は、生まれながらにして自由であり、かつ、平等である。",
    "iso-2022-jp": "すべての人間は、生まれながらにして自由であり、かつ、平等である。",
    "euc-kr": "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다. 똠",
    "gb2312": "人人生而自由，在尊严和权利上一律平等。鎔 € 㐂",
    "big5": "人人生而自由，在尊嚴和權利上一律平等。",
    "windows-874": "มนุษย์ทั้งหลายเกิดมามีอิสระและเสมอภาคกัน",
}
CODECS = {"shift_jis": "cp932", "euc-kr": "cp949", "gb2312": "gb18030", "windows-874": "cp874"}


def encode(charset: str) -> bytes:
    return TEXT[charset].encode(CODECS.get(charset, charset))


@pytest.mark.parametrize("charset", TEXT)
def test_the_header_names_the_charset(charset):
    assert decode(encode(charset), f'text/html; Charset="{charset.upper()}"') == TEXT[charset]


@pytest.mark.parametrize("charset", TEXT)
@pytest.mark.parametrize(
    "declaration",
    [
        '<meta charset="{}">',
        "<META CHARSET={}/>",
        '<meta http-equiv="Content-Type" content="text/html; charset={}">',
        '<meta content="text/html;charset={}" http-equiv=content-type>',
        '<?xml version="1.0" encoding="{}"?>',
        '<!-- <meta charset="koi8-u"> --><meta name="d" content="charset=koi8-u"><meta charset={}>',
        "x" * 2000 + "<meta charset='{}'>",
    ],
)
def test_the_page_names_the_charset(charset, declaration):
    start = declaration.format(charset)
    assert decode(start.encode() + encode(charset), "text/html") == start + TEXT[charset]


def test_the_header_goes_before_the_page():
    body = b"<meta charset=koi8-r>" + encode("windows-1251")
    assert decode(body, "text/html; charset=windows-1251").endswith(TEXT["windows-1251"])


def test_a_wrong_header_gives_way_to_the_page():
    body = b"<meta charset=gbk>" + encode("gb2312")
    assert decode(body, "text/html; charset=utf-8").endswith(TEXT["gb2312"])


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_goes_before_all(codec):
    assert decode("é<meta charset=koi8-r>".encode(codec), "text/html; charset=gbk") == "é<meta charset=koi8-r>"


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
def test_utf16_without_a_mark_is_seen_from_its_markup(codec):
    assert decode("<p>naïve</p>".encode(codec), None) == "<p>naïve</p>"


@pytest.mark.parametrize("declared", ["utf-16", "utf-16be"])
def test_utf16_that_is_not_there_is_not_believed(declared):
    assert decode(b"<p>plain</p>", f"text/html; charset={declared}") == "<p>plain</p>"
    assert decode(f"<meta charset={declared}>é".encode(), None).endswith("é")


@pytest.mark.parametrize("declared", ["iso-8859-1", "windows-1251", "gb2312", "us-ascii", "no-such-charset"])
def test_valid_utf8_is_utf8_whatever_was_declared(declared):
    assert decode(encode("utf-8"), f"text/html; charset={declared}") == TEXT["utf-8"]


def test_a_stray_byte_costs_itself_only():
    body = "é".encode() * 10 + b"\xe9" + "é".encode() * 10
    assert decode(body, "text/html; charset=utf-8") == "é" * 10 + "\ufffd" + "é" * 10


def test_latin1_bytes_that_claim_to_be_utf8_are_windows_1252():
    assert decode("café à la crème – “bon”".encode("cp1252"), "text/html; charset=utf-8").startswith("café à la crème")


@pytest.mark.parametrize("charset", ["windows-1251", "koi8-r", "gb2312", "shift_jis", "euc-kr"])
def test_an_undeclared_charset_is_detected(charset):
    assert decode(encode(charset) * 5, "text/html") == TEXT[charset] * 5


def test_nuls_are_taken_out():
    assert decode(b"a\0b", None) == "ab"
    assert decode(b"\xe9\0t\xe9", "text/html; charset=latin1") == "été"


def test_nothing_is_empty():
    assert decode(b"", None) == ""
    assert decode(b"\xef\xbb\xbf", "text/html") == ""


headers = st.none() | st.text(max_size=30) | st.sampled_from(list(TEXT)).map("text/html; charset={}".format)
bodies = st.binary(max_size=200) | st.lists(
    st.sampled_from([b"<meta charset=", b"<?xml encoding='", b"\x1b$B", b"iso-2022-jp", b"utf-7", b"'>", b"\xff\xfe"])
    | st.binary(max_size=8),
    max_size=12,
).map(b"".join)


@given(bodies, headers)
def test_any_bytes_become_a_string_that_arrow_takes(body, header):
    text = decode(body, header)
    assert "\0" not in text
    assert pa.array([text])[0].as_py() == text
    assert looks_like_html(header, body) in (True, False)


@given(st.text(st.characters(exclude_characters="\0\ufeff", exclude_categories=["Cs"]), min_size=1), headers)
def test_utf8_comes_back(text, header):
    escaped = text.replace("\x1b", "")
    assert decode(b"x" + escaped.encode(), header) == "x" + escaped


def test_chinese_pages_in_legacy_charsets_hold_the_text_that_people_read_in_them(real_data):
    pages = pq.read_table(real_data / "extraction.parquet", filters=[("set", "==", "zh-wce")])
    legacy = 0
    for page, gold in zip(pages["html"].to_pylist(), pages["gold_text"].to_pylist(), strict=True):
        text = decode(page, None)
        legacy += b"\xa1\xa3" in page  # the full stop in GB 2312
        known = {c for c in gold if "\u4e00" <= c <= "\u9fff"}
        assert len(known - set(text)) <= 0.02 * len(known)
        assert text.count("\ufffd") <= 12
    assert legacy > 30
