"""What is known of documents is what would be found anew, whichever of them are asked about."""

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st
from strategies import hard_columns, hard_texts

from textmill.pipeline.arrow import text_buffers
from textmill.pipeline.text import Text, text_of


def everything(text: Text) -> list[list[object]]:
    parts = [text.words(), text.words(by_spaces_only=True), text.line_texts(), text.paragraphs()]
    first, start, stop = text.lines()
    spans = [text.data[a:b].tobytes() for a, b in zip(start, stop, strict=True)]
    return [first.tolist(), spans, *(column.tolist() for part in parts for column in part)]


def fresh(column: pa.Array) -> Text:
    data, offsets, _ = text_buffers(column)
    return Text(data, offsets)


@given(st.lists(st.tuples(st.none() | hard_texts, st.booleans()), max_size=8), st.integers(0, 3))
def test_rows_that_stay_keep_what_is_known(rows: list[tuple[str | None, bool]], start: int) -> None:
    column = pa.array([text for text, _ in rows], pa.string()).slice(start)
    kept = column.filter(pa.array([stays for _, stays in rows[start:]], pa.bool_()))
    before = fresh(column)
    everything(before)
    after = before.known_of(fresh(kept))
    assert after is not None
    assert everything(after) == everything(fresh(kept))


@given(hard_columns, hard_columns)
def test_whatever_was_asked_before(earlier: list[str | None], texts: list[str | None]) -> None:
    everything(text_of(pa.array(earlier, pa.string())))
    column = pa.array(texts, pa.string())
    assert everything(text_of(column)) == everything(fresh(column))


def test_words_are_found_once_for_steps_that_follow_one_another() -> None:
    column = pa.array(["one two", "three", "four"])
    words = text_of(column).words()
    again = text_of(pa.array(["one two", "three", "four"], pa.large_string()))
    assert again.words() is words
    assert text_of(column.filter(pa.array([True, False, True]))).words().chars.tolist() == [3, 3, 4]
    assert text_of(column) is not again  # a row came back: only the last text is remembered


def test_texts_that_differ_are_not_taken_for_one_another() -> None:
    before = fresh(pa.array(["one", "two"]))
    for texts in (["one", "twu"], ["two", "one"], ["one", "two", "two"], ["one two"], ["one", "tw"]):
        assert before.known_of(fresh(pa.array(texts))) is None
