"""Which lines drop_lines drops, and that it leaves every other byte alone."""

import naive
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from strategies import hard_texts

from textmill.pipeline.mappers.drop_lines import DropLines
from textmill.pipeline.testing import batch_of, rewrite


def test_what_tables_leave_goes_by_default() -> None:
    assert rewrite(DropLines(), ["a\n|\n | | \nb | c\n\n||\r\n  d  \r\n|"]) == ["a\nb | c\n\n  d  \r\n"]
    assert rewrite(DropLines(), ["|", "", None, "\n", "x"]) == ["", "", None, "\n", "x"]
    assert rewrite(DropLines(characters=""), ["|"]) == ["|"]


def test_any_characters_can_be_named() -> None:
    assert rewrite(DropLines(characters="-^]\\"), ["^--\n]\n\\\na-"]) == ["a-"]


def test_phrases_are_taken_literally_and_patterns_are_not() -> None:
    text = "Read more...\nread more about it\nNo.\nRead moreover"
    assert rewrite(DropLines(phrases=["Read more..."]), [text]) == ["read more about it\nNo.\nRead moreover"]
    assert rewrite(DropLines(patterns=["Read more..."]), [text]) == ["read more about it\nNo.\n"]
    assert rewrite(DropLines(patterns=["^read more"], ignore_case=True), [text]) == ["No.\n"]
    assert rewrite(DropLines(patterns=["^No.$"]), ["\tNo. \r\nNo. 5"]) == ["No. 5"]


def test_a_pattern_sees_one_line_only() -> None:
    assert rewrite(DropLines(patterns=["a[^x]*b", r"c\s"]), ["a\nb\nc\n"]) == ["a\nb\nc\n"]


@pytest.mark.parametrize("pattern", ["", "x*", r"^\s*$"])
def test_a_pattern_that_every_line_holds_is_refused(pattern: str) -> None:
    with pytest.raises(ValidationError, match="is found in every line, or in blank ones"):
        DropLines(patterns=("fine", pattern))
    with pytest.raises(ValidationError, match="an empty phrase stands in every line"):
        DropLines(phrases=("fine", ""))


def test_a_pattern_that_is_none_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"'\(a': Invalid regular expression"):
        DropLines(patterns=("(a",))


def test_phrases_need_not_be_patterns() -> None:
    assert rewrite(DropLines(phrases=["(", "\\E"]), ["a (\nb \\E\nc"]) == ["c"]


texts = st.lists(
    st.sampled_from(["a", "b", "ab", "|", "\r", "\u3000", "\n", "\n\n", "\x1c", "\x85", "\x0b", "😀|"]) | hard_texts,
    max_size=12,
).map("".join)


@given(st.lists(st.none() | texts, max_size=6), st.integers(0, 3), st.sampled_from([pa.string(), pa.large_string()]))
def test_agrees_with_the_slow_twin(column: list[str | None], start: int, kind: pa.DataType) -> None:
    step = DropLines(phrases=("b", "😀"), characters="|a")
    batch = batch_of({"text": pa.array(column, kind)}).slice(start)
    found = step.rewrite(batch).column("text")
    assert found.type == kind
    expected = [text and naive.drop_lines(text, is_dropped) for text in column[start:]]
    assert found.to_pylist() == expected
    assert rewrite(step, expected) == expected


def is_dropped(line: str) -> bool:
    return "b" in line or "😀" in line or all(char in "|a" or char.isspace() for char in line)


@pytest.mark.parametrize("piece", ["|", "|\n", "a|", "\n", "| a\n"])
def test_work_is_linear_in_long_runs(piece: str) -> None:
    """Work that grew with the square of a million characters would take an hour; so RE2, whose patterns cannot."""
    assert rewrite(DropLines(patterns=("(a+)+$x", "(|a|b)+c")), [piece * 300_000 + "\nend"])[0]
