"""The extractor: what stays of a page, how it is written, and that no page does any harm."""

import html
import os
import subprocess
import sys
from pathlib import Path

import naive_extraction
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from textmill.pipeline.errors import InputError
from textmill.pipeline.extraction.alignment import align
from textmill.pipeline.extraction.analysis import describe, new_room, tables
from textmill.pipeline.extraction.assembly import MARKDOWN, TABLES, Source, assemble
from textmill.pipeline.extraction.entities import decode_reference, entity_table
from textmill.pipeline.extraction.extractor import extract, options
from textmill.pipeline.extraction.hints import HINTS
from textmill.pipeline.extraction.model import load_model, read_model, save_model
from textmill.pipeline.extraction.tags import NAMES
from textmill.pipeline.extraction.tokenizer import END, RAW_TEXT, START, TEXT, attributes, tokenize
from textmill.pipeline.extraction.trees import Nodes, plant, predict

SENTENCE = "The mill on the river has ground wheat for the villages of the valley since 1803. "
PIECES = [
    *("<", ">", "</", "<!--", "-->", '"', "'", "=", "<p", "<p>", "</p>", "<td>", "<tr>", "<table>", "</table>"),
    *("<div>", "</div>", "<title>", "</title>", "<script>", "</script>", "<svg/>", "<pre>", "</pre>", "<br>", "<li>"),
    *("<a href=x>", "</a>", "<ul>", "</ul>", "<![CDATA[", "]]>", "&", "&amp;", "&#", "&#x110000;", "&nGt;", "&notit;"),
    *(
        'class="a bC"',
        "style='display:none'",
        " hidden",
        "\0",
        "\n",
        "é",
        "日本",
        "हिन्दी",
        "\u00ad",
        "x" * 70,
        "word. ",
    ),
]
soups = st.lists(st.sampled_from(PIECES) | st.text(max_size=4), max_size=40).map("".join)


def text_of(page: str, **wanted: bool) -> str:
    return extract(page.encode(), load_model(), options(**wanted)).text


def written(page: str, wanted: int = TABLES) -> str:
    """All blocks of a page, as if the model had kept them."""
    data, room = np.frombuffer(page.encode(), np.uint8), new_room(len(page) * 4, page.count("<"))
    tokens, layout, _ = describe(data, tables(), np.zeros(HINTS, np.float32), room)
    kept = np.ones(len(layout.blocks), np.bool_)
    return assemble(Source(data, tokens, layout, room.scratch.sums, kept), wanted).tobytes().decode()


def article(body: str) -> str:
    return (
        f"<nav><a href=/>Home</a></nav><article><h1>Mill</h1><p>{SENTENCE * 3}</p>{body}<p>{SENTENCE * 2}</p></article>"
    )


def between(text: str) -> str:
    """What stands between the first and the last paragraph of an `article`."""
    return text.split((SENTENCE * 3).strip())[1].rsplit((SENTENCE * 2).strip(), 1)[0]


def test_tokens_name_spans_of_the_page():
    page = b'<html lang=en><title>A &lt; b</title><p ID="x" id=y a>1 < 2<br/><!-- no --><script>"<b>"</script></p>'
    tokens = tokenize(page)
    found = [(int(k), NAMES[t], page[s:e]) for k, t, s, e in zip(*tokens, strict=True)]
    assert found == [
        (START, "html", b"html lang=en"),
        (START, "title", b"title"),
        (RAW_TEXT, "title", b"A &lt; b"),
        (START, "p", b'p ID="x" id=y a'),
        (TEXT, "?", b"1 < 2"),
        (START, "br", b"br/"),
        (START, "script", b"script"),
        (RAW_TEXT, "script", b'"<b>"'),
        (END, "p", b"p"),
    ]
    assert attributes(page, tokens.start[3], tokens.end[3]) == {"id": "x", "a": ""}


@given(soups)
def test_tokens_are_in_order_and_within_the_page(soup):
    page = soup.encode()
    tokens = tokenize(page)
    spans = np.stack([tokens.start, tokens.end], axis=1).ravel()
    assert (np.diff(spans) >= 0).all()
    assert not len(spans) or (spans[0] >= 0 and spans[-1] <= len(page))


@given(soups)
@example('<p a="x>y')
@example("<p a= 'x>y' b=>z")
@example("<!--->a<!-->b<!-- --!>c<!--")
@example("<script></scripty></SCRIPT x>a<title>b")
@example("<svg/>a<svg>b</svg c")
@example("<![CDATA[<p>]]>a<![CDATA[<p>")
@example("<x-y><p-></ p></>")
def test_tokens_are_those_of_the_plain_twin(soup):
    page = soup.encode()
    assert [tuple(map(int, row)) for row in zip(*tokenize(page), strict=True)] == naive_extraction.tokens(page)


@given(
    st.lists(st.sampled_from(["&", "&#", "&#x", ";", "amp", "lt", "notin", "nGt", "128", "9", "A", "é", " "])).map(
        "".join
    )
)
def test_references_are_decoded_as_html_decodes_them(text):
    data, table, found, at = np.frombuffer(text.encode(), np.uint8), entity_table(), b"", 0
    while at < len(data):
        if data[at] != ord("&"):
            found, at = found + data[at : at + 1].tobytes(), at + 1
            continue
        first, second, at = decode_reference(data, at, len(data), table)
        found += "".join(chr(point) for point in (first, second) if point).encode()
    assert found.decode() == html.unescape(text)


@given(soups)
def test_any_page_gives_clean_text_and_the_same_every_time(soup):
    page = article(soup).encode()
    found = extract(page, load_model(), options(markdown=True, links=True, comments=True))
    assert 0 <= found.confidence <= 1
    assert not any(ord(char) < 32 and char not in "\n\t" for char in found.text)
    extract(b"<p>" + SENTENCE.encode() * 9, load_model())
    assert extract(page, load_model(), options(markdown=True, links=True, comments=True)).text == found.text


def test_paragraphs_lines_lists_and_listings_are_written_as_they_stand():
    body = f"<p>{SENTENCE}<br>{SENTENCE}</p><ol><li>{SENTENCE}<li>{SENTENCE}</ol>"
    line = SENTENCE.strip()
    assert between(text_of(article(body))) == f"\n\n{line}\n{line}\n\n- {line}\n- {line}\n\n"
    assert between(text_of(article(body), markdown=True)) == f"\n\n{line}\n{line}\n\n1. {line}\n2. {line}\n\n"
    code = "def mill(x):\n    return x &lt; 3  # and so on, as it is ground\n\tpass"
    found = between(text_of(article(f"<p>{SENTENCE}</p><pre>\n{code}\n</pre>"), markdown=True))
    assert found == f"\n\n{line}\n\n```\n{html.unescape(code)}\n```\n\n"


def test_quotations_and_links_are_markdown_on_request():
    body = f'<blockquote><p>{SENTENCE}</p><p>{SENTENCE}<a href="/x?a=1&amp;b=2">More of it</a></p></blockquote>'
    line = SENTENCE.strip()
    assert between(text_of(article(body))) == f"\n\n{line}\n\n{line} More of it\n\n"
    linked = f"{line} [More of it](/x?a=1&b=2)"
    assert between(text_of(article(body), markdown=True, links=True)) == f"\n\n> {line}\n> \n> {linked}\n\n"


def test_comments_and_tables_come_on_request():
    said = "My grandfather was the miller there, and I remember the noise."
    rows = "".join(f"<tr><td>{year}</td><td>the mill ground wheat, and rye.</td></tr>" for year in range(1803, 1808))
    page = article(f"<table>{rows}</table>") + f'<ol class="comment-list"><li><p>{said}</p></li></ol>'
    assert said not in text_of(page)
    assert said in text_of(page, comments=True)
    assert "rye" not in text_of(page, tables=False)


def test_tables_of_data_are_rows_of_cells():
    table = "<table><tr><th>Year<th>Sacks<tr><td>1803<td>90 <b>or</b><p>so</table>"
    assert written(f"<p>Mill{table}<p>end") == "Mill\n\nYear | Sacks\n1803 | 90 or so\n\nend"
    marked = written(f"<p>Mill{table}<p>end", TABLES | MARKDOWN)
    assert marked == "Mill\n\n| Year | Sacks |\n| 1803 | 90 or so |\n\nend"
    assert written(f"<p>Mill{table}<p>end", 0) == "Mill\n\nend"


def test_white_space_and_references_are_as_a_reader_sees_them():
    body = f"<p>{SENTENCE}  A&nbsp;\n b &#150; c<b>d</b>e &Aacute;&shy;x \u3000</p>"
    assert between(text_of(article(body))) == f"\n\n{SENTENCE}A b – cde Áx\n\n"


def test_nested_unclosed_and_endless_pages_are_bounded():
    for page in (
        "<div>" * 100_000 + SENTENCE * 5 + "</div>" * 100_000,
        "<p>" + SENTENCE * 5 + '<a b="' * 50_000,
        "<p>" + SENTENCE * 5 + "<![CDATA[" * 50_000,
        "<ul>" + "<div>" * 300 + "<li>" * 50_000 + SENTENCE * 5,
    ):
        assert SENTENCE.strip() in text_of(page)
    assert text_of("") == text_of("<p") == text_of("<script>" * 1000) == ""


def test_bytes_that_are_no_utf_8_do_no_harm():
    page = article("<p>x</p>").encode().replace(b"mill", b"m\xffi\xe3\x80ll")
    assert "The mill on the river" in extract(page, load_model()).text
    linked = article(f'<p>{SENTENCE}<a href="/ü\ue000">Link</a></p>').encode().replace("\ue000".encode(), b"\xe3")
    assert "[Link](/%C3%BC%E3)" in extract(linked, load_model(), options(links=True)).text


def test_a_model_that_is_damaged_is_refused(tmp_path: Path):
    model = read_model()
    content = save_model(model)
    assert save_model(model) == content
    assert len(content) < 300_000
    wild = model._replace(first=model.first._replace(right=model.first.right * 0))
    for damaged in (content[:1000], b"", save_model(wild)):
        path = tmp_path / f"{len(damaged)}.npz"
        path.write_bytes(damaged)
        with pytest.raises(InputError, match="not a model"):
            load_model(str(path))


@given(st.lists(st.floats(-2, 2, width=32), min_size=0, max_size=9))
def test_trees_are_followed_as_they_grow(values):
    nodes = Nodes(
        np.array([0, -1, 1, -1, -1] * 2, np.int16),
        np.array([0.5, 1, -0.5, 2, 3] * 2, np.float32),
        np.array([2, 0, 4, 0, 0, 7, 0, 9, 0, 0], np.int32),
        np.array([0, 5], np.int32),
    )
    table = np.array([[value, -value] for value in values], np.float32).reshape(-1, 2)
    scores = np.zeros(len(values), np.float32)
    predict(plant(nodes), table, len(values), scores)
    leaves = [1 if a <= 0.5 else 2 if b <= -0.5 else 3 for a, b in table]
    assert scores == pytest.approx([1 / (1 + np.exp(-2 * leaf)) for leaf in leaves])


def test_blocks_are_found_in_the_known_text():
    long = "one two three four five six seven eight nine ten"
    labels = align(
        ["Menu", long, "A heading", long[::-1] + " and more words than that", "..."], f"{long}\nA heading\nend"
    )
    assert labels.tolist() == [0, 1, 1, 0, -1]


@pytest.mark.slow
def test_no_kernel_leaves_its_arrays(tmp_path: Path):
    """Mutated pages in a process in which numba checks every index."""
    script = Path(__file__).parents[2] / "bench" / "fuzz_extractor.py"
    environment = os.environ | {"NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, str(script), "--pages", "150"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
