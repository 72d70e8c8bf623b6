"""Steps are their own configuration, and a function on one document is a step like any other."""

import pickle
import string

import pyarrow as pa
import pytest
from pydantic import ValidationError
from support import MinLength, Shout, length, without

from textmill import Filter, Mapper, Scorer, Verdict, batch_of, doc_filter, doc_scorer, judge, rewrite, score


def test_parameters_are_checked_frozen_and_part_of_equality() -> None:
    assert MinLength(least=4) == MinLength(least=4) != MinLength()
    for wrong in ({"least": "many"}, {"leest": 4}):
        with pytest.raises(ValidationError):
            MinLength(**wrong)  # type: ignore[arg-type]
    with pytest.raises(ValidationError, match="frozen"):
        MinLength().least = 5  # type: ignore[misc]


def test_a_set_among_the_parameters_is_written_in_order_so_that_addresses_are_the_same_in_every_process() -> None:
    class Words(MinLength):
        words: frozenset[str] = frozenset(string.ascii_lowercase)

    assert Words().model_dump(mode="json") == {"least": 3, "words": list(string.ascii_lowercase)}
    assert Words.model_validate_json(Words().model_dump_json()) == Words()


def test_a_function_becomes_a_filter_whose_keyword_arguments_are_parameters() -> None:
    assert issubclass(without, Filter)
    assert judge(without(), ["a bad text", "a text", ""]) == ["bad_word", None, None]
    assert judge(without(word="text"), ["a bad text", "a text", ""]) == ["bad_word", "bad_word", None]
    assert without().model_dump() == {"word": "bad"}
    assert without.__doc__ == "Drop documents that hold a word."
    for wrong in ({"word": 5}, {"wrod": "x"}):
        with pytest.raises(ValidationError):
            without(**wrong)


def test_positional_arguments_of_a_function_are_the_columns_it_reads() -> None:
    @doc_filter
    def same(url: str, text: str, *, least: int) -> str | None:
        return "same" if url == text and len(text) >= least else None

    assert same(least=1).reads() == {"url", "text"}
    assert judge(same(least=1), {"text": ["a", "b", ""], "url": ["a", "c", ""]}) == ["same", None, None]
    with pytest.raises(ValidationError, match="least"):
        same()


def test_a_function_that_reads_no_column_is_refused() -> None:
    with pytest.raises(TypeError, match="never takes no column: name those it reads as positional arguments"):

        @doc_filter
        def never(*, limit: int = 2) -> str | None:
            return None if limit else "never"


def test_a_function_becomes_a_scorer_whose_column_carries_its_name() -> None:
    assert issubclass(length, Scorer)
    assert length().adds() == {"length"}
    assert score(length(), ["four", "", "日本"]) == {"length": [4.0, None, 2.0]}


def test_a_scorer_replaces_the_column_of_an_earlier_one() -> None:
    @doc_scorer
    def text(text: str) -> float:
        return 1.0

    batch, verdict = text().apply(batch_of(["a"]))
    assert verdict is None
    assert batch.column("text").to_pylist() == [1.0]


def test_a_step_made_of_a_function_can_be_named_in_a_module_and_pickled() -> None:
    assert pickle.loads(pickle.dumps(without(word="x"))) == without(word="x")


def test_an_exception_of_a_function_is_not_swallowed() -> None:
    @doc_filter
    def broken(text: str) -> str | None:
        raise KeyError(text)

    with pytest.raises(KeyError):
        judge(broken(), ["a"])


def test_the_refusals_of_a_mapper_become_a_verdict_and_leave_no_column() -> None:
    batch, verdict = Shout().apply(batch_of(["refuse me", "keep me"]))
    assert batch.schema.names == ["text", "id", "source"]
    assert verdict is not None
    assert verdict.reasons == ["refused", None]
    assert verdict.values[0] == len("refuse me")
    assert rewrite(Shout(), ["refuse me", "keep me"]) == [None, "KEEP ME"]


@pytest.mark.parametrize("rows", [[1], [1, 0], [0, 1, 1]])
def test_a_mapper_that_loses_moves_or_repeats_rows_is_told_so(rows: list[int]) -> None:
    class Lossy(Mapper):
        def rewrite(self, batch: pa.RecordBatch) -> pa.RecordBatch:
            return batch.take(rows)

    with pytest.raises(ValueError, match="a mapper returned other rows"):
        Lossy().apply(batch_of(["a", "b"]))


@pytest.mark.parametrize("answer", [None, True, [None, None], Verdict.of(batch_of(["only one"]))])
def test_a_filter_that_does_not_judge_every_row_is_told_so(answer: object) -> None:
    class Careless(Filter):
        def judge(self, batch: pa.RecordBatch) -> Verdict:
            return answer  # type: ignore[return-value]

    with pytest.raises((TypeError, ValueError), match="verdict"):
        Careless().apply(batch_of(["a", "b"]))


def test_a_function_that_judges_says_a_reason_or_none_and_nothing_else() -> None:
    @doc_filter
    def yes(text: str) -> str | None:
        return True  # type: ignore[return-value]

    with pytest.raises(TypeError, match="yes must return a reason, a text, or None, not True"):
        judge(yes(), ["a"])
