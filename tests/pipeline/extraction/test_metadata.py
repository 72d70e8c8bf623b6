"""What pages say of themselves: which statement wins, and what is no answer at all."""

import json
from datetime import date

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textmill.pipeline.extraction.dates import parse_day
from textmill.pipeline.extraction.decoding import to_utf8
from textmill.pipeline.extraction.json_ld import read_things
from textmill.pipeline.extraction.metadata import FIELDS, article_body, find_metadata, is_script_only
from textmill.pipeline.extraction.tokenizer import tokenize

CRAWL = date(2024, 2, 1)


def find(html: str, url: str | None = None) -> dict[str, str | None]:
    page = html.encode()
    return find_metadata(page, tokenize(page), FIELDS, url=url, latest=CRAWL)


def ld(thing: object) -> str:
    return f'<script type="application/ld+json">{json.dumps(thing)}</script>'


def test_a_page_that_says_nothing_has_nothing():
    assert find("<p>text</p>") == dict.fromkeys(FIELDS)
    assert find("") == dict.fromkeys(FIELDS)


def test_a_page_that_says_all():
    html = f"""<html lang="pt_BR"><head><title>Mill &amp; river | The Valley</title>
        <link rel="alternate" href="/feed"><link href='/mill?a=1&amp;b=2' rel="Canonical">
        <meta content="The Valley" property="og:site_name"><META NAME=author CONTENT="By Ada Miller">
        {ld({"@type": "WebPage", "datePublished": "2020-01-01"})}</head>
        <body><time class="entry-date published" datetime="2023-05-17T23:30:00+02:00">yesterday</time></body>"""
    assert find(html, "https://valley.example/x/y") == {
        "title": "Mill & river",
        "author": "Ada Miller",
        "published": "2023-05-17",
        "canonical_url": "https://valley.example/mill?a=1&b=2",
        "site_name": "The Valley",
        "page_language": "pt-BR",
    }


ARTICLE = {
    "@context": "https://schema.org",
    "@graph": [
        {"@type": "WebSite", "name": "Valley News"},
        {
            "@type": ["NewsArticle"],
            "headline": "Mill &amp; river",
            "author": [{"@type": "Person", "name": "Ada Miller"}, "Bo Smith", {"name": "https://x.example"}],
            "datePublished": "2023-05-17",
            "inLanguage": "en-GB",
        },
    ],
}


@pytest.mark.parametrize("wrap", ["{}", "<!-- {} -->", "//<![CDATA[\n{}\n//]]>", "/* <![CDATA[ */ {} /* ]]> */", "{};"])
def test_json_ld_is_read_whatever_stands_around_it(wrap):
    html = f"<script type=application/ld+json>{wrap.format(json.dumps(ARTICLE))}</script>"
    assert find(html) == {
        "title": "Mill & river",
        "author": "Ada Miller; Bo Smith",
        "published": "2023-05-17",
        "canonical_url": None,
        "site_name": "Valley News",
        "page_language": "en-GB",
    }


@pytest.mark.parametrize(
    "script", [b"", b"{", b"{'a': 1}", b"[" * 100_000, b'{"@graph":' * 3000 + b"1" + b"}" * 3000, b'"x"', b"\xff", b"1"]
)
def test_json_that_is_none_says_nothing(script):
    assert all(isinstance(thing, dict) for thing in read_things([script]))


@pytest.mark.parametrize("value", [None, 1, [], {}, [None], {"name": 3}, {"name": ["", {}]}, "", "  ", True])
def test_values_of_another_type_say_nothing(value):
    article = {"@type": "Article", "headline": value, "author": value, "datePublished": value, "publisher": value}
    found = find(ld(article | {"articleBody": value, "inLanguage": value}))
    assert found == dict.fromkeys(FIELDS)


@pytest.mark.parametrize(
    ("html", "field", "expected"),
    [
        ('<meta property="og:title" content="One"><title>Two</title>', "title", "One"),
        ('<meta property="og:title" content=" "><title>Two\n words</title>', "title", "Two words"),
        ("<title>Valley - The mill - Valley</title>", "title", "Valley - The mill - Valley"),  # site unknown
        (f"<meta name=author content=x@y.example>{ld({'@type': 'Person', 'name': 'Ada'})}", "author", None),
        ('<meta property="article:author" content="https://fb.example/ada">', "author", None),
        ('<meta name=author content=A><meta name=author content=B><meta name=author content=A>', "author", "A; B"),
        ('<meta itemprop="datePublished" content="2023-05-17">', "published", "2023-05-17"),
        ("<meta name=date content=2024-02-02><meta name=pubdate content=2024-02-01>", "published", "2024-02-01"),
        ("<time datetime=2023-05-17>a</time><time datetime=2023-05-17T10:00>b</time>", "published", "2023-05-17"),
        ("<time datetime=2023-05-17>a</time><time datetime=2023-05-18>b</time>", "published", None),
        ('<link rel="canonical" href="javascript:x"><meta property="og:url" content="https://a.example/b">',
         "canonical_url", "https://a.example/b"),
        ('<link rel="canonical" href="/b">', "canonical_url", None),
        ('<link rel="canonical" href="http://[/">', "canonical_url", None),
        ('<html lang=""><meta http-equiv="Content-Language" content="de, en">', "page_language", "de"),
        ("<html xml:lang='zh-Hans-CN'>", "page_language", "zh-Hans-CN"),
        ('<meta property="og:locale" content="fr_FR">', "page_language", "fr-FR"),
        ("<html lang=english><meta property='og:locale' content='x'>", "page_language", None),
        ("<!-- <meta name=author content=Ada> --><script>'<meta name=author content=Ada>'</script>", "author", None),
    ],
)  # fmt: skip
def test_which_statement_counts(html, field, expected):
    assert find(html)[field] == expected


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2023-05-17", "2023-05-17"),
        ("2023-05-17T23:59:59.123+02:00", "2023-05-17"),
        ("2023-05-17 10:00", "2023-05-17"),
        ("20230517", "2023-05-17"),
        ("20230517T100000Z", "2023-05-17"),
        ("2023/5/7", "2023-05-07"),
        ("2023.05.17", "2023-05-17"),
        ("Wed, 17 May 2023 10:00:00 GMT", "2023-05-17"),
        ("17-May-2023", "2023-05-17"),
        ("May 17, 2023 5:00 pm", "2023-05-17"),
        ("Wednesday, Sept. 7th, 2022", "2022-09-07"),
        ("2024-02-01", "2024-02-01"),
        ("2024-02-02", None),  # after the crawl
        ("1989-12-31", None),
        ("2023-02-29", None),
        ("2023-13-01", None),
        ("05/06/2023", None),
        ("2023-05", None),
        ("2023", None),
        ("1684315800", None),
        ("202305171", None),
        ("2023-05-171", None),
        ("Foo 17, 2023", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_days_are_read_strictly(text, day):
    assert parse_day(text, CRAWL) == day


@given(
    st.dates(date(1990, 1, 1), CRAWL), st.sampled_from(["%Y-%m-%d", "%Y%m%d", "%d %B %Y", "%b %d, %Y", "%a, %d %b %Y"])
)
def test_every_day_comes_back(day, form):
    assert parse_day(day.strftime(form), CRAWL) == day.isoformat()


def test_halves_of_letters_in_json_are_left_out():
    article = {"@type": "Article", "headline": "\ud83d\ude00 The \ud800mill\udc00", "articleBody": "It\ud800 stands."}
    page = ld(article).encode()
    assert b"ud800" in page
    assert find(page.decode())["title"] == "😀 The mill"
    assert article_body(page, tokenize(page)) == "It stands."


def test_the_text_in_json_ld_is_found_and_freed_of_markup():
    page = ld({"@type": "Article", "articleBody": "<p>The mill &amp; the <b>river</b>.</p><p>1 < 2</p>"}).encode()
    assert article_body(page, tokenize(page)) == "The mill & the river.\n1 < 2"
    assert article_body(b"<p>articleBody</p>", tokenize(b"<p>articleBody</p>")) == ""


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        (b'<script id="__NEXT_DATA__" type="application/json">{}</script>', True),
        (b"<script>window.__NUXT__={}</script>", True),
        (b'<div id="root"></div><script src=app.js></script>', True),
        (b"<body><script src=app.js></script></body>", False),
        (b'<div id="root"><p>text</p></div>', False),
    ],
)
def test_pages_that_scripts_fill_are_known(page, expected):
    assert is_script_only(page) is expected


PIECES = [
    *("<meta ", "name=author ", 'content="', '"', ">", "<html lang=", "<time datetime=2023-05-17", "\0"),
    *("<script type=ld+json>", "</script>", '{"@type":"Article",', '"author":', "[", "]", "}", "<title>"),
    *("<link rel=canonical href=", "http://["),
]
pieces = st.sampled_from(PIECES) | st.text(max_size=4)


@given(st.lists(pieces, max_size=14).map("".join))
@settings(max_examples=200)
def test_any_page_gives_strings_or_nothing(html):
    for value in find(html, "https://a.example/").values():
        assert value is None or (value and value == value.strip() and "\n" not in value)


def test_real_pages_mostly_say_what_they_are(real_data):
    pages = pq.read_table(real_data / "extraction.parquet", columns=["html"], filters=[("set", "==", "aeb")])
    found = []
    for body in pages["html"].to_pylist():
        data = to_utf8(body).data
        found.append(find_metadata(data, tokenize(data), FIELDS, latest=CRAWL))
    said = {name: sum(row[name] is not None for row in found) / len(found) for name in FIELDS}
    assert said["title"] == 1
    assert min(said["canonical_url"], said["page_language"], said["site_name"]) > 0.7
    assert said["published"] > 0.5
