"""How many tags a page has, and how deep it nests."""

import naive
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textmill.pipeline.mappers.markup import tags_and_depth


def depth(markup: str, limit: int = 100) -> int:
    return tags_and_depth(markup.encode(), limit)[1]


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        ("", 0),
        ("no markup, 1 < 2 and 2<3", 0),
        ("<html><body><div></div><div></div></body></html>", 3),
        ("<HTML><Div></dIV><div>", 2),
        ("<br><br><img><hr><meta>", 0),
        ("<p>one<p>two<p>three", 1),
        ("<ul><li>one<li>two<li>three</ul>", 2),
        ("<p><b>one<p><i>two<p>three", 2),
        ("<p>one<div>two<p>three</div><p>four", 3),
        ("<ul><li><div>one<li><div>two<ul><li>nested</ul><li>three</ul>", 5),
        ("<dl><dt>a<dd>b<dt>c<dd>d</dl>", 2),
        ("<table><tr><td>1<th>2<tr><td><b>3<tr><td>4</table>", 4),
        ("<table><tbody><tr><td><table><tr><td>1</table><tr><td>2<tfoot><tr><td></table>", 7),
        ("<select><optgroup><option>1<option>2<optgroup><option>3</select>", 3),
        ("<div><p>unclosed</div><div><p>unclosed</div>", 2),
        ("</div></p><div>", 1),
        ("<b><div></b><b><div></b><b><div></b>", 4),
        ("<i><i><i></i></i></i><i>", 3),
        ("<!-- <div><div><div> --><p>", 1),
        ("<!--><div>", 1),
        ("<!-- --!><div>", 1),
        ("<!-- <div>", 0),
        ("<!doctype html><div>", 1),
        ("<script>if (a<b) s = '<div><div>'</script><p>", 1),
        ("<style><p></SCRIPT><p></style><div>", 1),
        ("<title><b><b>", 0),
        ("<div/><div/>", 2),
        ("<svg><path/><path d='1' /></svg><div>", 1),
        ("<svg/><svg/><math/><div>", 1),
        ("<svg><g><g></svg><g/><g/>", 3),
        ("<averylongname1></averylongname2><div>", 1),
        ("<div", 1),
        ("<", 0),
        ("</", 0),
        ("<!", 0),
        ("<!-", 0),
    ],
)
def test_depth_is_that_of_the_elements_open_at_once(markup, expected):
    assert depth(markup) == expected


def test_tags_are_counted_wherever_they_stand():
    assert tags_and_depth(b"<div><!-- <p> --></div> 1 < 2", 9)[0] == 5


def test_counting_ends_one_beyond_the_limit():
    assert [depth("<div>" * n, 7) for n in (6, 7, 8, 9, 900)] == [6, 7, 8, 8, 8]


TAGS = [
    "div",
    "p",
    "li",
    "td",
    "tr",
    "table",
    "ul",
    "dt",
    "dd",
    "b",
    "a",
    "svg",
    "math",
    "g",
    "br",
    "script",
    "title",
    "textarea",
    "noframesx",
]
pieces = st.sampled_from(TAGS).flatmap(
    lambda tag: st.sampled_from([f"<{tag}>", f"</{tag}>", f"<{tag} x/>", f"<{tag.upper()}"])
) | st.sampled_from(["<!--", "-->", "--!>", "<!", "-", "<", "/", ">", "é", "</>", "< p>"])


@given(st.lists(pieces, max_size=60).map(lambda parts: "".join(parts).encode()), st.integers(1, 12))
def test_the_kernel_agrees_with_its_twin(markup, limit):
    assert tags_and_depth(markup, limit) == naive.tags_and_depth(markup, limit)


@given(st.binary(max_size=60), st.integers(1, 4))
def test_the_kernel_agrees_with_its_twin_on_any_bytes(markup, limit):
    assert tags_and_depth(markup, limit) == naive.tags_and_depth(markup, limit)
