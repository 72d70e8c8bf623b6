"""Text that stands only in `<noscript>` is found, and a word about scripts is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textmill.pipeline.extraction.noscript import without_noscript
from textmill.pipeline.extraction.tokenizer import tokenize

POST = "<p>The mill on the river has ground wheat for the villages of the valley since 1803.</p>"


def unwrap(page: str, found: int = 0) -> str | None:
    unwrapped = without_noscript(page.encode(), tokenize(page.encode()), found)
    return None if unwrapped is None else unwrapped.decode()


def test_a_page_whose_text_is_for_browsers_without_scripts():
    page = f'<body><div id="app"></div><noscript data-path="/t"><div>{POST * 8}</div></NOSCRIPT ><p>end</body>'
    assert unwrap(page) == f'<body><div id="app"></div> <div>{POST * 8}</div> <p>end</body>'


@pytest.mark.parametrize(
    "page",
    [
        POST * 8,
        f"<noscript>Please enable scripts.</noscript>{POST}",
        f"<noscript><img src='{'x' * 2000}'></noscript>",
        "<noscript>" + " \n" * 1000 + "</noscript>",
        f"<noscript>{POST * 8}",  # never ends, so it is empty
        f"<!-- <noscript>{POST * 8}</noscript> -->",
        "",
    ],
)
def test_pages_that_stay_as_they_are(page):
    assert unwrap(page) is None


def test_it_stays_where_as_much_text_was_found_elsewhere():
    page = f"<noscript>{POST * 8}</noscript>"
    assert unwrap(page, found=300) is not None
    assert unwrap(page, found=400) is None


@given(
    st.lists(st.sampled_from(["<noscript>", "</noscript>", POST * 8, "<script>", "</script>", "<", "x"]), max_size=8)
)
def test_what_is_left_holds_no_noscript(pieces):
    unwrapped = unwrap("".join(pieces))
    assert unwrapped is None or (POST in unwrapped and "<noscript>" not in unwrapped)
