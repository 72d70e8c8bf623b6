"""C4's and mC4's rules on pages: documents at each rule's edge, agreement with the slow twin."""

from typing import Any

import naive
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from strategies import hard_columns

from textmill.filters.c4 import C4Quality, Mc4Paragraphs
from textmill.pipeline.testing import batch_of, judge

# In each pair the first document just keeps to the rule and the second just breaks it.
EDGES = {
    "too_many_chars": ("a. b. c." + "é" * 189_992, "a. b. c." + "é" * 189_993),
    "lorem_ipsum": ("One. Two. Lorem, ipsum.", "One. Two. LOREM Ipsum."),
    "curly_bracket": ("One. Two. Three }.", "One. Two. Three {."),
    "too_few_sentences": ("One. Two.\nThree", "One. Two. ..."),
}


@pytest.mark.parametrize("reason", EDGES)
def test_each_rule_at_its_edge(reason: str) -> None:
    assert judge(C4Quality(), EDGES[reason]) == [None, reason]


def test_a_drop_says_what_was_judged_and_what_it_was_compared_with() -> None:
    verdict = C4Quality().judge(batch_of([EDGES["too_many_chars"][1], "{{", "One."]))
    assert verdict.values.tolist() == [190_001, 2, 1]
    assert verdict.thresholds.tolist() == [190_000, 0, 3]


def test_datatrove_wants_five_sentences_and_has_no_limit_on_length() -> None:
    rules = C4Quality(definition="datatrove")
    assert judge(rules, ["A. B. C. D.", "A. B. C. D. E", "A. B. C. D. " + "x" * 200_000]) == [
        "too_few_sentences",
        None,
        None,
    ]
    assert judge(C4Quality(definition="datatrove", min_sentences=4), ["A. B. C. D."]) == [None]


@pytest.mark.parametrize("definition", ["c4", ["tfds"], None])
def test_a_definition_that_is_none(definition: object) -> None:
    with pytest.raises(ValidationError, match="definition"):
        C4Quality.model_validate({"definition": definition})


@pytest.mark.parametrize("text", ["", " \n", None])
def test_a_page_without_text_has_no_sentences(text: str | None) -> None:
    assert judge(C4Quality(), [text]) == ["too_few_sentences"]
    assert judge(Mc4Paragraphs(), [text]) == ["too_few_long_lines"]
    assert judge(Mc4Paragraphs(min_lines=0), [text]) == [None]


def test_three_lines_of_two_hundred_characters() -> None:
    long, short = "é" * 200, "é" * 199
    texts = ["\n".join(lines) for lines in ([long, short, long, long], [long, short, long], [long + "\n"] * 3)]
    assert judge(Mc4Paragraphs(), texts) == [None, "too_few_long_lines", None]
    verdict = Mc4Paragraphs().judge(batch_of(texts))
    assert (verdict.values[1], verdict.thresholds[1]) == (2, 3)


pieces = st.lists(st.sampled_from(["a", ". ", "{", "lorem ", "Ipsum ", "!", "\n", "。", '"']), max_size=20).map("".join)
rules = st.fixed_dictionaries(
    {
        "lorem_ipsum": st.booleans(),
        "curly_bracket": st.booleans(),
        "max_chars": st.none() | st.integers(0, 20),
        "min_sentences": st.none() | st.integers(0, 5),
    }
)


@settings(max_examples=200)
@given(rules, hard_columns | st.lists(pieces, max_size=6), st.integers(0, 3))
def test_reasons_are_those_of_the_slow_twin(fields: dict[str, Any], texts: list[str | None], start: int) -> None:
    step = C4Quality.model_validate(fields)
    column = pa.array(texts, pa.string()).slice(start)
    assert judge(step, {"text": column}) == [naive.c4_quality(text or "", step.model_dump()) for text in texts[start:]]
    long = Mc4Paragraphs(min_lines=2, min_line_chars=3)
    counts = [sum(len(line) >= 3 for line in naive.lines(text or "")) for text in texts[start:]]
    assert [reason is None for reason in judge(long, {"text": column})] == [count >= 2 for count in counts]
