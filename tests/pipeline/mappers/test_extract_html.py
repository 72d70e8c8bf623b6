"""Extraction: what becomes of each row, whatever its page is like."""

import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import trafilatura
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from textmill import batch_of
from textmill.pipeline.mappers.extract_html import ExtractHtml

LIBRARIES = ["trafilatura", "resiliparse"]
ENGINES = [*LIBRARIES, "textmill"]
SENTENCE = "The mill on the river has ground wheat for the villages of the valley since 1803. "


def page(body: str, head: str = "") -> bytes:
    return f"<!DOCTYPE html><html><head>{head}</head><body>{body}</body></html>".encode()


ARTICLE = page(
    f"""<nav><ul><li><a href="/">Home</a></li><li><a href="/a">Archive</a></li></ul></nav>
    <main><article><h1>The mill</h1><p>{SENTENCE * 3}</p><p>It stands <a href="https://mill.example/x">still</a>,
    and nobody knows whether it will ever be repaired by anyone.</p>
    <table><tr><th>Year</th><th>Sacks of flour</th></tr><tr><td>1804</td><td>about ninety</td></tr></table>
    <p>{SENTENCE}</p></article></main>
    <section id="comments" class="comments"><h2>Comments</h2><ol class="comment-list">
    <li class="comment" id="comment-1"><p>My grandfather was the miller there, and I remember the noise.</p></li>
    </ol></section><footer>Imprint and privacy</footer>""",
    """<title>The mill</title><meta name="author" content="Ada Miller">
    <meta property="article:published_time" content="2023-05-17T08:00:00Z">""",
)


def run(batch: pa.RecordBatch, **parameters: object) -> list[dict]:
    return ExtractHtml(**parameters).rewrite(batch).to_pylist()


def rows(pages: list[bytes | None], **columns: list) -> pa.RecordBatch:
    return batch_of({"html": pages, **columns})


def extract(html: bytes, **parameters: object) -> dict:
    return run(rows([html]), **parameters)[0]


def outcome(html: bytes, **parameters: object) -> tuple:
    row = extract(html, **parameters)
    return row["drop_reason"], row["drop_value"]


@pytest.mark.parametrize("engine", ENGINES)
def test_the_article_stays_and_what_surrounds_it_goes(engine):
    text = extract(ARTICLE, engine=engine)["text"]
    assert SENTENCE.strip() in text
    for gone in ("Archive", "Imprint", "grandfather", "<p>", "mill.example"):
        assert gone not in text


def test_the_title_above_the_text_comes_on_request():
    assert extract(ARTICLE)["text"].startswith(SENTENCE[:20])
    assert extract(ARTICLE, title=True)["text"].startswith(f"The mill\n\n{SENTENCE[:20]}")
    assert extract(ARTICLE, title=True, format="markdown")["text"].startswith("# The mill\n\n")


@pytest.mark.parametrize("engine", LIBRARIES)
def test_comments_tables_and_links_come_on_request(engine):
    def text(**options):
        return extract(ARTICLE, engine=engine, **options)["text"]

    assert "grandfather" in text(comments=True)
    assert "about ninety" in text(tables=True)
    assert "about ninety" not in text(tables=False)
    assert "mill.example/x" in text(links=True)


@pytest.mark.parametrize("mode", ["default", "fast"])
@pytest.mark.parametrize("favor", ["balanced", "precision", "recall"])
def test_trafilatura_gives_what_it_gives_when_called_itself(mode, favor):
    options = {"fast": mode == "fast", "favor_precision": favor == "precision", "favor_recall": favor == "recall"}
    for comments in (True, False):
        expected = trafilatura.extract(ARTICLE, include_comments=comments, **options)
        found = extract(ARTICLE, engine="trafilatura", mode=mode, favor=favor, comments=comments)
        assert found["text"] == expected.strip()


def test_metadata_come_as_columns():
    row = extract(ARTICLE, metadata=["title", "author", "published"])
    assert (row["title"], row["author"], row["published"]) == ("The mill", "Ada Miller", "2023-05-17")
    row = extract(page(f"<p>{SENTENCE}</p>"), metadata=["author"])
    assert row["author"] is None
    assert "title" not in row


def test_nothing_is_published_after_the_crawl_met_it():
    dates = ["2023-05-17T23:00:00Z", "2023-05-17", "2022-01-01T00:00:00Z", None, "no date"]
    found = run(rows([ARTICLE] * 5, date=dates), metadata=["published"])
    assert [row["published"] for row in found] == ["2023-05-17", "2023-05-17", None, "2023-05-17", "2023-05-17"]
    assert [row["date"] for row in found] == dates


def test_metadata_that_break_their_search_cost_themselves():
    row = extract(b"</html><object >" + SENTENCE.encode() * 3, metadata=["title", "published"])
    assert SENTENCE.strip() in row["text"]
    assert row["drop_reason"] is row["title"] is row["published"] is None


def test_pages_give_way_to_text_and_other_columns_stay():
    batch = rows([ARTICLE], content_type=["text/html"], url=["https://mill.example"], extra=[7])
    kept, verdict = ExtractHtml().apply(batch)
    assert set(kept.schema.names) == {"id", "source", "url", "extra", "text"}
    assert verdict.kept.all()
    step = ExtractHtml(metadata=["title"])
    assert step.reads() == {"html"}
    assert step.adds() == {"text", "title"}
    assert step.removes() == {"html", "content_type"}
    assert step.libraries() == ()
    assert "trafilatura" in ExtractHtml(engine="trafilatura").libraries()
    assert ExtractHtml(engine="resiliparse").libraries() == ("resiliparse",)


def test_rows_that_came_as_text_keep_it():
    texts = ["  as it\r\nwas ", "", None, None]
    found = run(rows([None, None, None, ARTICLE], text=texts, title=["t", None, None, "x"]), metadata=["title"])
    assert [row["text"] for row in found[:2]] == texts[:2]
    assert [row["title"] for row in found] == ["t", None, None, "The mill"]
    assert [row["drop_reason"] for row in found] == [None, None, "no_text", None]


def test_html_may_come_as_a_string():
    batch = batch_of({"html": pa.array([ARTICLE.decode(), None])})
    assert [row["drop_reason"] for row in run(batch)] == [None, "no_text"]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("body", [b"", b" \n", b"\xff\xfe", page(""), page("<script>x</script>"), page("<img>")])
def test_a_page_that_yields_nothing_says_so(engine, body):
    assert outcome(body, engine=engine) == ("no_text", None)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("parameter", "size", "reason"), [
    ("max_bytes", len(ARTICLE), "too_large"),
    ("max_tags", ARTICLE.count(b"<"), "too_many_tags"),
    ("max_depth", 6, "too_deep"),  # html body main article table tr th
])  # fmt: skip
def test_the_limits_are_the_last_that_pass(engine, parameter, size, reason):
    if engine == "textmill" and reason == "too_deep":
        pytest.skip("depth is no limit to it")
    size += parameter == "max_depth"
    assert outcome(ARTICLE, engine=engine, **{parameter: size}) == (None, None)
    assert outcome(ARTICLE, engine=engine, **{parameter: size - 1}) == (reason, size)


@pytest.mark.parametrize("engine", LIBRARIES)
@pytest.mark.parametrize("charset", ["utf-8", "utf-16", "utf-16-le", "iso2022_jp"])
def test_depth_is_limited_in_every_charset(engine, charset):
    html = page("<div>" * 300 + "製粉所" * 200).decode().encode(charset)
    assert outcome(html, engine=engine) == ("too_deep", 251)
    html = page("<p>" + "製粉所し社者" * 300).decode().encode(charset)
    header = rows([html], content_type=[f"text/html; charset={charset.replace('iso2022_jp', 'iso-2022-jp')}"])
    assert run(header, engine=engine)[0]["drop_reason"] is None


def test_what_lies_at_the_greatest_depth_is_not_lost():
    html = page("<div>" * 248 + SENTENCE * 3 + "</div>" * 248 + f"<p>{'And after. ' * 9}</p>")
    text = extract(html, engine="trafilatura")["text"]
    assert SENTENCE.strip() in text
    assert "And after." in text


@pytest.mark.parametrize("start", [b"\x89PNG\r\n\x1a\n\0\0\0\x0d", b"\x1f\x8b\x08\0\0", b"PK\x03\x04\x14\0"])
def test_a_body_that_is_no_text_is_refused(start):
    noise = random.Random(1).randbytes(2000)
    reason, value = outcome(start + noise)
    assert reason == "binary"
    assert 0.05 < value < 0.5


class Fragile(ExtractHtml):
    """An engine that cannot stand the word "recursion"."""

    def _engine(self):
        engine = super()._engine()

        def fragile(found):
            if "recursion" in found.html:
                raise RecursionError("too deep for me")
            return engine(found)

        return fragile


def test_an_engine_that_fails_on_a_page_costs_that_page():
    found = Fragile(engine="trafilatura").rewrite(rows([ARTICLE, page("recursion"), ARTICLE])).to_pylist()
    assert [row["drop_reason"] for row in found] == [None, "extraction_failed", None]
    assert [row["text"] is None for row in found] == [False, True, False]


@pytest.mark.parametrize("option", [{"mode": "fast"}, {"favor": "recall"}])
def test_options_that_an_engine_does_not_have_are_errors(option):
    with pytest.raises(ValidationError, match=f"{next(iter(option))} is an option of engine: trafilatura"):
        ExtractHtml(engine="resiliparse", **option)


def test_fragments_and_late_starts_are_pages_too():
    for start in ("<div>", "<!-- " + "x" * 80 + " --><article>", "\n" * 80 + "<html><body>", "<text id='1'>"):
        assert SENTENCE.strip() in (extract(f"{start}<p>{SENTENCE * 3}".encode())["text"] or "")


def test_text_is_nfc_with_plain_line_ends_and_nothing_around_it():
    html = page(f"<p>cafe\u0301&#13;&#10;{SENTENCE}</p>\r\n<pre>one&#13;two\r\nthree</pre><p>&#0;{SENTENCE}</p>")
    for engine in ENGINES:
        text = extract(html, engine=engine)["text"]
        assert text == text.strip()
        assert not set("\r\0") & set(text)
        assert "café" in text


@pytest.mark.parametrize("engine", ENGINES)
def test_sliced_and_empty_batches(engine):
    batch = rows([b"", ARTICLE, None, ARTICLE], content_type=["text/html"] * 4, text=[None, None, "as it was", None])
    whole = ExtractHtml(engine=engine).rewrite(batch)
    assert ExtractHtml(engine=engine).rewrite(batch.slice(1, 2)).to_pylist() == whole.slice(1, 2).to_pylist()
    empty = ExtractHtml(engine=engine).rewrite(batch.slice(0, 0))
    assert empty.num_rows == 0
    assert empty.schema == whole.schema


fragments = st.lists(
    st.sampled_from([
        '<script type="application/ld+json">{"@type": "Article", "headline": "\\ud800"}</script>',
        "<table><tr><td>", "</table>", "<ul><li>", "</div>", "<frameset>", "<svg><g/>", "<base href='http://[x'>",
        "<!--", "]]>", "<![CDATA[", "<script>", "<title>", "<pre>\r", "<td colspan=99999999>", "<meta charset=utf-7>",
        "<?xml version='1.0' encoding='x'?>", "<html/>", "<!DOCTYPE html SYSTEM '/'>", "<a href='//x'>", "&#xD800;",
        "&#13;", "\0", "\x0b", "\u2028", "😀", "中文", SENTENCE, "<p>", "</p>", "<b>", "</html>",
    ])
    | st.text(max_size=5),
    max_size=30,
).map(lambda parts: "".join(parts).encode("utf-8", "replace"))  # fmt: skip
options = st.sampled_from([
    {},
    {"format": "markdown", "comments": True, "links": True, "title": True},
    {"cascade_below": 1.0, "metadata": ("title", "canonical_url", "page_language")},
    {"engine": "trafilatura"},
    {"engine": "trafilatura", "mode": "fast", "favor": "precision", "metadata": ("title", "author", "published")},
    {"engine": "trafilatura", "favor": "recall", "comments": True, "links": True},
    {"engine": "resiliparse"},
    {"engine": "resiliparse", "comments": True, "links": True, "tables": False},
])  # fmt: skip


@settings(max_examples=60)
@given(st.lists(st.none() | fragments | st.binary(max_size=80), max_size=3), options)
def test_every_row_has_a_text_or_a_reason_whatever_its_bytes(pages, parameters):
    found = run(rows(pages), **parameters)
    assert len(found) == len(pages)
    for row in found:
        assert (row["text"] is None) != (row["drop_reason"] is None)
        if row["text"] is not None:
            assert row["text"] == row["text"].strip() != ""
            assert not set("\r\0") & set(row["text"])


def real_pages(folder, count):
    pages = pq.read_table(folder / "extraction.parquet", columns=["id", "set", "html", "gold_text"])
    return pages.take(random.Random(5).sample(range(len(pages)), count)).combine_chunks().to_batches()[0]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_page_has_the_same_text_whatever_came_before_it(real_data, engine):
    batch, parameters = real_pages(real_data, 12), {"engine": engine, "metadata": ["title", "author", "published"]}
    first = {row["id"]: row for row in run(batch, **parameters)}
    order = pa.array(random.Random(6).sample(range(12), 12))
    again = {row["id"]: row for row in run(batch.take(order), **parameters)}
    assert first == again


def words(text):
    return set(text.split())


@pytest.mark.parametrize("engine", ENGINES)
def test_real_pages_give_the_text_that_people_see_in_them(real_data, engine):
    batch = real_pages(real_data, 40)
    found = run(batch, engine=engine)
    assert {row["drop_reason"] for row in found} <= {None, "no_text"}
    seen = [(words(row["text"] or ""), words(row["gold_text"])) for row in found if row["gold_text"]]
    recalls = sorted(len(text & gold) / len(gold) for text, gold in seen)
    assert recalls[len(recalls) // 2] > 0.9


@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_gives_all_metadata(engine):
    head = """<title>The mill</title><link rel="canonical" href="/mill"><meta name="author" content="Ada Miller">
    <meta property="og:site_name" content="Valley"><meta name="date" content="2023-05-17">"""
    html = page(f"<article><h1>The mill</h1><p>{SENTENCE * 4}</p></article>", head).replace(
        b"<html>", b"<html lang=en>"
    )
    wanted = ["title", "author", "published", "canonical_url", "site_name", "page_language"]
    (row,) = run(rows([html], url=["https://valley.example/x"]), engine=engine, metadata=wanted)
    assert [row[name] for name in wanted] == [
        *("The mill", "Ada Miller", "2023-05-17", "https://valley.example/mill", "Valley", "en")
    ]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_page_filled_by_scripts_gives_the_text_of_its_json_ld_or_says_so(engine):
    article = '<script type="application/ld+json">{"@type": "Article", "articleBody": "%s"}</script>' % (SENTENCE * 3)
    assert extract(page('<div id="root"></div>', article), engine=engine)["text"] == (SENTENCE * 3).strip()
    assert outcome(page('<div id="root"></div><script src="app.js"></script>'), engine=engine) == ("script_only", None)
    assert outcome(page('<script id="__NEXT_DATA__">{"text": "x"}</script>'), engine=engine) == ("script_only", None)
    assert outcome(page('<script src="app.js"></script>'), engine=engine) == ("no_text", None)


def test_pages_that_the_model_is_not_sure_of_go_to_trafilatura():
    pages = [ARTICLE, page(f"<div><p>{SENTENCE}</p></div><p>Short</p>"), page("")]
    ours = run(rows(pages), engine="textmill", confidence=True)
    theirs = run(rows(pages), engine="trafilatura")
    sure, unsure = ours[0]["extraction_confidence"], ours[1]["extraction_confidence"]
    assert unsure < sure
    step = ExtractHtml(engine="textmill", cascade_below=(sure + unsure) / 2)
    kept, verdict = step.apply(rows(pages))
    found = kept.filter(pa.array(verdict.kept)) if verdict else kept
    assert found["text"].to_pylist() == [ours[0]["text"], theirs[1]["text"]]
    assert found["extraction_confidence"].to_pylist() == pytest.approx([sure, unsure])
    assert step.tally(found) == {"sent_on": 1}
    assert step.adds() == {"text", "extraction_confidence"}
    assert "trafilatura" in step.libraries()
    assert ExtractHtml(engine="textmill").tally(found) == {}
    deep = page("<div>" * 20 + f"<p>{SENTENCE}</p>")
    assert run(rows([deep]), engine="textmill", cascade_below=1.0, max_depth=9)[0]["text"] == SENTENCE.strip()
    with pytest.raises(ValidationError, match="cascade_below"):
        ExtractHtml(engine="trafilatura", cascade_below=0.5)
    with pytest.raises(ValidationError, match="format: text"):
        ExtractHtml(engine="textmill", cascade_below=0.5, format="markdown")
