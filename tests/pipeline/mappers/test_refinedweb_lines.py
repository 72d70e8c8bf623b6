"""RefinedWeb's line corrections: a line for each, what they cost a document, agreement with the slow twin."""

from typing import Any

import naive
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import hard_columns

from textmill.pipeline.mappers.refinedweb_lines import COUNTED, RefinedwebLines
from textmill.pipeline.testing import batch_of, rewrite

GOOD = "this is a line of text with ten words or so"
LENIENT = RefinedwebLines(max_removed_word_ratio=None)


@pytest.mark.parametrize(
    ("line", "left"),
    [
        ("Some Of Us Like Capitals", "Some Of Us Like Capitals"),
        ("ABCDE fghi", "ABCDE fghi"),
        ("ABCDEF ghi", ""),
        ("1234567", ""),
        ("one 2345", "one 2345"),
        ("single", ""),
        ("3 likes", ""),
        ("• 1,234.5K Followers!", ""),
        ("3 likes and one comment", "3 likes and one comment"),
        ("he likes 3", "he likes 3"),
        ("You have 0 items in cart now", "You have 0  now"),
        ("Items in Cart", ""),
        ("Go on and Read more...", "Go on and"),
        ("Go on and read more…", "Go on and"),
        ("Read more... or go on", "Read more... or go on"),
        ("Sign-in or register", "or register"),
        ("Please do not Sign-in", "Please do not Sign-in"),
        (
            "there are in all ten words here and Sign-in items in cart",
            "there are in all ten words here and Sign-in items in cart",
        ),
    ],
)
def test_each_rule(line: str, left: str) -> None:
    assert rewrite(LENIENT, [f"{GOOD}\n\n {line} \r\n{GOOD}"]) == ["\n".join(filter(None, [GOOD, left, GOOD]))]


def test_a_rule_can_be_switched_off() -> None:
    step = RefinedwebLines(
        max_uppercase_ratio=None,
        numbers=False,
        counters=False,
        min_words=None,
        snippet_max_words=None,
        max_removed_word_ratio=None,
    )
    text = "SHOUTED\n123\n3 likes\nSign-in now"
    assert rewrite(step, [text]) == [text]


def test_a_document_that_loses_more_than_a_twentieth_of_its_words_is_dropped() -> None:
    """Of 40 and of 39 words two are lost."""
    texts = [f"{'word ' * 38}\nSHOUTED LINE", f"{'word ' * 37}\nSHOUTED LINE"]
    _, verdict = RefinedwebLines().apply(batch_of(texts))
    assert verdict is not None
    assert verdict.reasons == [None, "too_many_words_removed"]
    assert verdict.values[1] == 2 / 39


def test_words_are_counted_once_against_the_text_that_came() -> None:
    """Twenty words in all; one goes with a snippet and none else."""
    text = f"{'word ' * 17}\nSign-in to go"
    assert rewrite(RefinedwebLines(), [text]) == [f"{'word ' * 16}word\nto go"]


def test_null_and_empty_texts_stay_and_so_does_the_type() -> None:
    for kind in (pa.string(), pa.large_string()):
        batch, verdict = RefinedwebLines().apply(batch_of({"text": pa.array([None, "", " \n"], kind)}))
        assert batch.column("text").to_pylist() == [None, "", ""]
        assert batch.column("text").type == kind
        assert verdict is not None
        assert verdict.kept.all()


PIECES = ["word ", "WORD ", "Ab", "\n", " ", "3 likes", "1.5k Views", "12", "²", "Sign-in ", "items in cart", "ſ", "K"]
PIECES += ["read more...", "Read more…", ".", "…", "•", "日", "é", *COUNTED]
limits = st.fixed_dictionaries(
    {
        "max_uppercase_ratio": st.sampled_from([None, 0, 0.25, 0.5]),
        "numbers": st.booleans(),
        "counters": st.booleans(),
        "min_words": st.none() | st.integers(0, 3),
        "snippet_max_words": st.none() | st.integers(0, 5),
        "max_removed_word_ratio": st.sampled_from([0, 0.05, 0.5]),
    }
)


@settings(max_examples=200)
@given(limits, hard_columns | st.lists(st.lists(st.sampled_from(PIECES), max_size=16).map("".join), max_size=4))
def test_lines_change_as_with_the_slow_twin(fields: dict[str, Any], texts: list[str | None]) -> None:
    step = RefinedwebLines.model_validate(fields)
    batch, verdict = step.apply(batch_of({"text": pa.array(texts, pa.string())}))
    expected = [naive.refinedweb_lines(text or "", fields) for text in texts]
    assert [text or "" for text in batch.column("text").to_pylist()] == [left for left, _ in expected]
    assert verdict is not None
    assert verdict.kept.tolist() == [share <= fields["max_removed_word_ratio"] for _, share in expected]
