"""C4's line rules: a line for each, their order, agreement with the slow twin; a second run changes nothing."""

from typing import Any

import naive
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import hard_columns

from textmill.pipeline.mappers.c4_lines import C4Lines
from textmill.pipeline.testing import batch_of, rewrite

GOOD = "This is a line of text."


@pytest.mark.parametrize(
    ("line", "stays"),
    [
        (GOOD, True),
        ("This line says something else!", True),
        ('He said "this line may stay"', True),
        ("This line has no proper ending", False),
        ("This line goes on and on...", False),
        ("It has an ellipsis of one…", False),
        ("It has only four.", False),
        ("A word of " + "x" * 1000 + " letters stays.", True),
        ("A word of " + "x" * 1001 + " letters goes.", False),
        ("Please do enable JavaScript in your browser.", False),
        ("Read our Terms of Use before you go.", False),
        ("This site, like all sites, uses cookies.", False),
        ("We bake cookies, and use no policy at all.", True),
    ],
)
def test_each_rule(line: str, stays: bool) -> None:
    assert rewrite(C4Lines(), [f"{GOOD}\n\n {line} \r\n"]) == [f"{GOOD}\n{line}" if stays else GOOD]


def test_citations_go_first() -> None:
    text = "This is what was said[1] once.[citation needed]\nFour words are here [2]."
    assert rewrite(C4Lines(), [text]) == ["This is what was said once.\nFour words are here ."]
    assert rewrite(C4Lines(citations=False), [text]) == ["Four words are here [2]."]


def test_datatrove_takes_shorter_lines_and_apostrophes() -> None:
    text = "Three words only.\nTwo words.\nThey call it 'the end'"
    assert rewrite(C4Lines(), [text]) == [""]
    assert rewrite(C4Lines(definition="datatrove"), [text]) == ["Three words only.\nThey call it 'the end'"]
    assert rewrite(C4Lines(definition="datatrove", min_words=4), [text]) == ["They call it 'the end'"]


def test_lines_that_condemn_the_page_stay_for_the_filter_to_see() -> None:
    """In C4's code lorem ipsum is looked for before JavaScript, and { before policies."""
    lorem = "Lorem ipsum is no javascript at all."
    policy = "Our privacy policy is function() { here."
    script = "This javascript is function() { here."
    assert rewrite(C4Lines(), [lorem, policy, script]) == [lorem, policy, ""]


def test_null_stays_null_and_the_type_stays() -> None:
    for kind in (pa.string(), pa.large_string()):
        batch = batch_of({"text": pa.array([None, GOOD, "", "no"], kind)})
        column = C4Lines().rewrite(batch).column("text")
        assert column.to_pylist() == [None, GOOD, "", ""]
        assert column.type == kind


PIECES = [
    "word ",
    "a b c d",
    ".",
    "...",
    '"',
    "\n",
    " ",
    "[1]",
    "[",
    "]",
    "edit",
    "{",
    "日本。",
    "JavaScript ",
    "x" * 9,
]
PIECES += ["lorem ipsum ", "Use Cookies ", "terms of use "]
rules = st.fixed_dictionaries(
    {"definition": st.sampled_from(["tfds", "datatrove"]), "citations": st.booleans(), "javascript": st.booleans()},
    optional={
        "max_word_chars": st.sampled_from([None, 8]),
        "line_endings": st.sampled_from([None, [".", "。"]]),
        "min_words": st.sampled_from([None, 1, 2]),
        "policies": st.just(["word a"]),
    },
)


@settings(max_examples=200)
@given(rules, hard_columns | st.lists(st.lists(st.sampled_from(PIECES), max_size=20).map("".join), max_size=4))
def test_lines_go_as_with_the_slow_twin_and_no_more_go_after(fields: dict[str, Any], texts: list[str | None]) -> None:
    step = C4Lines.model_validate(fields)
    left = rewrite(step, {"text": pa.array(texts, pa.string())})
    assert left == [None if text is None else naive.c4_lines(text, step.model_dump()) for text in texts]
    assert rewrite(step, {"text": pa.array(left, pa.string())}) == left
