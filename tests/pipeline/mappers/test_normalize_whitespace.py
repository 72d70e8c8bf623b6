"""White space after normalize_whitespace: as the examples say, as the slow twin has it, and settled after one run."""

import naive
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import hard_columns

from textmill.pipeline.mappers.normalize_whitespace import NormalizeWhitespace
from textmill.pipeline.testing import batch_of, rewrite

EXAMPLES = {
    "one\r\ntwo\rthree\u2028four": "one\ntwo\nthree\nfour",
    "a  b\t\tc\u00a0d\u3000e f": "a b c d e f",
    "def f():\n    return  1  \n\tx": "def f():\n    return 1\n\tx",
    "a\n\n\n\nb\n \n\t\n\r\nc\n\nd": "a\n\nb\n\nc\n\nd",
    "\n \n  first\nlast \n\n": "  first\nlast",
    " \u3000\r\n": "",
    "": "",
    "😀  😀": "😀 😀",
}


@pytest.mark.parametrize("text", EXAMPLES)
def test_examples(text: str) -> None:
    assert rewrite(NormalizeWhitespace(), [text]) == [EXAMPLES[text]]


def test_rules_can_be_left_out() -> None:
    text = "a  b\n\n\n\nc"
    assert rewrite(NormalizeWhitespace(collapse_spaces=False), [text]) == ["a  b\n\nc"]
    assert rewrite(NormalizeWhitespace(max_newlines=1), [text]) == ["a b\nc"]
    assert rewrite(NormalizeWhitespace(max_newlines=None), [text]) == ["a b\n\n\n\nc"]


def test_every_whitespace_character_is_a_space_or_a_line_end() -> None:
    whitespace = [char for char in map(chr, range(0x10FFFF)) if char.isspace()]
    ends = set(rewrite(NormalizeWhitespace(), [f"a{char}b" for char in whitespace]))
    assert ends == {"a b", "a\nb"}


steps = st.builds(NormalizeWhitespace, max_newlines=st.none() | st.integers(1, 3), collapse_spaces=st.booleans())


@given(hard_columns, st.integers(0, 3), steps, st.sampled_from([pa.string(), pa.large_string()]))
def test_agrees_with_the_slow_twin(
    column: list[str | None], start: int, step: NormalizeWhitespace, kind: pa.DataType
) -> None:
    batch = batch_of({"text": pa.array(column, kind)}).slice(start)
    found = step.rewrite(batch).column("text")
    assert found.type == kind
    expected = [text and naive.normalize_whitespace(text, **step.model_dump()) for text in column[start:]]
    assert found.to_pylist() == expected
    assert rewrite(step, expected) == expected


@pytest.mark.parametrize("piece", [" ", "\n", "\r", "a ", " a", "  a", "\t\n", "\u3000", " \n\n\na"])
def test_work_is_linear_in_long_runs(piece: str) -> None:
    """Work that grew with the square of a million characters would take an hour."""
    [text] = rewrite(NormalizeWhitespace(), [piece * (1_000_000 // len(piece)) + "end"])
    assert text is not None
    assert text.endswith("end")
