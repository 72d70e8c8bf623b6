"""A chain loses no row, whatever its steps do, and every row that leaves has a decision."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import Lines, MinLength, Shout, fragile, length, without

from textmill import Filter, Verdict, batch_of
from textmill.pipeline import schema
from textmill.pipeline.chain import ENOUGH, REJECTS, Chain, Passed, blame
from textmill.pipeline.errors import ConservationError, InputError, StepError
from textmill.pipeline.ledger import Ledger
from textmill.pipeline.step import Step


def chain_of(*steps: Step, keep_rejects: float = 0.0) -> Chain:
    return Chain("base", [(type(step).__name__, step) for step in steps], keep_rejects)


def left(passed: Passed) -> list[dict[str, Any]]:
    return [row for decisions in passed.decisions for row in decisions.to_pylist()]


def test_every_row_goes_on_or_leaves_with_its_decision() -> None:
    batch = batch_of(["ab", "a bad text", "a text", "refuse this"])
    passed = chain_of(MinLength(), without(), Shout(), length()).process(batch)
    assert passed.batch.to_pylist() == [{"text": "A TEXT", "id": "doc-2", "source": "test", "length": 6.0}]
    common = {"source": "test", "stage": "base", "kept_id": None, "similarity": None}
    assert left(passed) == [
        {"id": "doc-0", "step": "MinLength", "reason": "too_short", "value": 2.0, "threshold": 3.0, **common},
        {"id": "doc-1", "step": "without", "reason": "bad_word", "value": None, "threshold": None, **common},
        {"id": "doc-3", "step": "Shout", "reason": "refused", "value": 11.0, "threshold": None, **common},
    ]
    assert all(decisions.schema == schema.DECISIONS for decisions in passed.decisions)


def test_the_books_tell_for_each_step_what_came_and_what_went_on() -> None:
    passed = chain_of(MinLength(), length()).process(batch_of(["ab", "日本語", None]))
    accounts = passed.ledger.steps
    assert list(accounts) == ["read", "MinLength", "length"]
    assert (accounts["MinLength"].rows_in, accounts["MinLength"].rows_out) == (3, 1)
    assert (accounts["MinLength"].chars_in, accounts["MinLength"].chars_out) == (5, 3)
    assert passed.ledger.reasons() == {"too_short": 1, "not_judged": 1}


def test_what_a_reader_refuses_leaves_before_the_first_step() -> None:
    refused = batch_of({"text": ["ok text", None], "drop_reason": [None, "http_status"], "drop_value": [None, 404.0]})
    passed = chain_of(MinLength()).process(refused)
    assert passed.batch.schema.names == ["text", "id", "source"]
    (decision,) = left(passed)
    assert (decision["step"], decision["reason"], decision["value"]) == ("read", "http_status", 404.0)
    assert passed.ledger.steps["MinLength"].rows_in == 1


class Anyhow(Filter):
    """Drops the rows that its parameters name."""

    reasons: tuple[str | None, ...]

    def judge(self, batch: pa.RecordBatch) -> Verdict:
        chosen = [self.reasons[int(name) % len(self.reasons)] for name in batch.column("id").to_pylist()]
        if any(reason == "raise" for reason in chosen):
            raise ValueError("as told")
        return Verdict.of(batch).drop_each(chosen, value=1)


reasons = st.sampled_from([None, None, "a", "b", "raise"])
batches = st.lists(st.lists(st.sampled_from(["", "x", "日本", None]), max_size=9), max_size=4)


@given(batches, st.lists(st.lists(reasons, min_size=1, max_size=9), max_size=4))
def test_no_row_is_ever_lost_or_doubled(texts: list[list[str | None]], steps: list[list[str | None]]) -> None:
    chain = Chain("base", [(f"step-{i}", Anyhow(reasons=tuple(step))) for i, step in enumerate(steps)])
    books, kept, dropped, row = Ledger(), [], [], 0
    for batch in texts:
        ids = [str(row + i) for i in range(len(batch))]
        row += len(batch)
        passed = chain.process(batch_of({"id": pa.array(ids, pa.string()), "text": pa.array(batch, pa.string())}))
        books.add(passed.ledger)
        kept += passed.batch.column("id").to_pylist()
        dropped += [(decision["id"], decision["reason"]) for decision in left(passed)]
    books.check("the whole")
    assert sorted([*kept, *(name for name, _ in dropped)], key=int) == [str(i) for i in range(row)]
    assert kept == sorted(kept, key=int)
    assert books.rows_out == len(kept)
    assert books.reasons() == Counter(reason for _, reason in dropped)
    for name, reason in dropped:  # the first step that has something against a row drops it
        against = [r for step in steps if (r := step[int(name) % len(step)]) is not None]
        assert reason == ("step_error" if against[0] == "raise" else against[0])


def test_a_row_that_breaks_a_step_costs_only_itself() -> None:
    passed = chain_of(fragile(), length()).process(batch_of(["one", "break", "two", "a break"]))
    assert passed.batch.column("text").to_pylist() == ["one", "two"]
    assert passed.batch.column("length").to_pylist() == [3.0, 3.0]
    assert [(row["id"], row["step"], row["reason"]) for row in left(passed)] == [
        ("doc-1", "fragile", "step_error"),
        ("doc-3", "fragile", "step_error"),
    ]
    assert passed.ledger.errors[0] == "fragile: doc-1: ValueError(\"cannot bear 'break'\")"


def books_of(*batches: Sequence[str]) -> Ledger:
    books = Ledger()
    for texts in batches:
        books.add(chain_of(fragile()).process(batch_of(texts)).ledger)
    return books


def test_a_step_that_breaks_on_every_row_is_at_fault() -> None:
    with pytest.raises(
        StepError, match=r"step 'fragile' of stage 'base' broke on all of 10 rows, as in: .*cannot bear"
    ):
        blame("base", books_of(["break"] * (ENOUGH - 4), ["break"] * 4))


@pytest.mark.parametrize("batches", [[["break"] * (ENOUGH - 1)], [["break"] * ENOUGH, ["fine"]], [["fine"]], [[]]])
def test_a_step_that_passes_a_row_or_met_few_is_not(batches: list[list[str]]) -> None:
    blame("base", books_of(*batches))


def test_a_step_that_breaks_on_rows_together_but_on_none_alone_is_at_fault() -> None:
    class Crowded(Filter):
        def judge(self, batch: pa.RecordBatch) -> Verdict:
            if batch.num_rows > 1:
                raise ValueError("one at a time")
            return Verdict.of(batch)

    with pytest.raises(StepError, match=r"step 'Crowded' .* but on no row alone"):
        chain_of(Crowded()).process(batch_of(["a", "b"]))


@pytest.mark.parametrize("error", [InputError("no such list"), OSError(5, "input/output error")])
def test_errors_of_the_recipe_or_the_machine_are_not_blamed_on_documents(error: Exception) -> None:
    class Helpless(Filter):
        def judge(self, batch: pa.RecordBatch) -> Verdict:
            raise error

    with pytest.raises(type(error)):
        chain_of(Helpless()).process(batch_of(["a", "b"]))


def test_no_step_meets_an_empty_batch() -> None:
    passed = chain_of(without(word="x"), MinLength(), length()).process(batch_of(["x", "xx"]))
    assert passed.batch.num_rows == 0
    assert passed.ledger.steps["MinLength"].rows_in == 0
    assert chain_of(MinLength()).process(batch_of([])).ledger.rows_in == 0


def test_the_condemned_leave_at_a_step_without_meeting_it() -> None:
    chain = chain_of(fragile(), length())
    passed = chain.condemn(chain.begin(batch_of(["break", "b"])), 0, "crashed")
    assert chain.finish(passed).ledger.reasons() == {"crashed": 2}
    assert passed.ledger.errors == ["fragile: doc-0: crashed", "fragile: doc-1: crashed"]


def rejects_of(share: float, names: Sequence[str]) -> set[str]:
    batch = batch_of({"id": names, "text": ["too short"] * len(names), "url": ["u"] * len(names)})
    passed = chain_of(MinLength(least=99), keep_rejects=share).process(batch)
    assert all(rejects.schema == REJECTS for rejects in passed.rejects)
    rows = [row for rejects in passed.rejects for row in rejects.to_pylist()]
    assert all(row["text"] == "too short" and row["reason"] == "too_short" and row["url"] == "u" for row in rows)
    return {row["id"] for row in rows}


def test_a_share_of_the_dropped_is_kept_for_inspection_the_same_however_they_are_batched() -> None:
    names = [f"doc-{i}" for i in range(2000)]
    tenth = rejects_of(0.1, names)
    assert 150 < len(tenth) < 250  # 200 expected, within 3.7 standard deviations of 13.4
    assert rejects_of(0.1, names[:700]) | rejects_of(0.1, names[:699:-1]) == tenth
    assert tenth < rejects_of(0.5, names)
    assert rejects_of(0.0, names) == set()
    assert rejects_of(1.0, names) == set(names)


def test_books_that_do_not_balance_are_an_error() -> None:
    books = Ledger(rows_in=2)
    books.keep(batch_of(["a"]))
    with pytest.raises(ConservationError, match="here: 2 rows in, but 1 out and 0 dropped"):
        books.check("here")


def test_a_reader_is_no_step() -> None:
    assert not issubclass(Lines, Step)
