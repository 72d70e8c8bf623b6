"""The books: they add up in any order, survive JSON, and count characters by source and language."""

import json
from collections import Counter

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from textmill import batch_of
from textmill.pipeline.ledger import MAX_ERRORS, Ledger, lengths

entries = st.lists(
    st.tuples(
        st.sampled_from([None, "short", "long"]),
        st.sampled_from(["web", "books"]),
        st.sampled_from(["en", "de", None]),
        st.sampled_from([None, "", "a", "日本語"]),
    ),
    max_size=12,
)


def books_of(rows: list[tuple[str | None, str, str | None, str | None]]) -> Ledger:
    ledger = Ledger(rows_in=len(rows), skipped=Counter(blank=len(rows) % 3))
    for reason in (None, "short", "long"):
        chosen = [row[1:] for row in rows if row[0] == reason]
        source, language, text = (list(column) for column in zip(*chosen, strict=True)) if chosen else ([], [], [])
        batch = batch_of(
            {
                "source": pa.array(source, pa.string()),
                "language": pa.array(language, pa.string()),
                "text": pa.array(text, pa.string()),
            }
        )
        if reason is None:
            ledger.keep(batch)
        else:
            ledger.drop("step", reason, batch)
    ledger.step("step").rows_in = len(rows)
    return ledger


@given(entries)
def test_rows_and_characters_are_counted_by_group(rows: list[tuple[str | None, str, str | None, str | None]]) -> None:
    ledger = books_of(rows)
    ledger.check("here")
    kept = Counter((source, language or "") for reason, source, language, _ in rows if reason is None)
    assert ledger.kept_rows == kept
    assert ledger.reasons() == Counter(reason for reason, *_ in rows if reason)
    chars = sum(ledger.kept_chars.values()) + sum(ledger.dropped_chars.values())
    assert chars == sum(len(text or "") for *_, text in rows)


@given(entries, entries)
def test_adding_books_gives_the_books_of_all_rows(first: list, second: list) -> None:  # type: ignore[type-arg]
    total = books_of(first)
    total.add(books_of(second))
    together = books_of([*first, *second])
    together.skipped = total.skipped
    assert total.to_json() == together.to_json()


@given(entries)
def test_books_survive_json(rows: list[tuple[str | None, str, str | None, str | None]]) -> None:
    ledger = books_of(rows)
    ledger.complain("something")
    again = Ledger.from_json(json.loads(json.dumps(ledger.to_json())))
    assert again == ledger


def test_few_messages_are_kept_and_all_rows_counted() -> None:
    total = Ledger()
    for number in range(MAX_ERRORS + 5):
        one = Ledger(rows_in=1)
        one.drop("step", "step_error", batch_of(["a"]))
        one.complain(f"error {number}")
        total.add(one)
    assert total.errors == [f"error {number}" for number in range(MAX_ERRORS)]
    assert total.rows_dropped == MAX_ERRORS + 5


def test_lengths_are_code_points_of_the_text_or_what_a_sketch_remembers_of_it() -> None:
    assert lengths(batch_of(["a", "日本", "👩\u200d💻", None, ""])).to_pylist() == [1, 2, 3, 0, 0]
    assert lengths(pa.RecordBatch.from_pydict({"chars": [5]})).to_pylist() == [5]
    assert lengths(pa.RecordBatch.from_pydict({"html": [b"<p>"]})).to_pylist() == [0]
