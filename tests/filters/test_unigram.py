"""Usual words keep a document, words that nobody uses drop it."""

import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from strategies import hard_columns

from textmill.filters.unigram import UNKNOWN, UnigramLogprob
from textmill.pipeline.errors import InputError
from textmill.pipeline.testing import batch_of, judge


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("words") / "counts.tsv"
    path.write_text("# word, count\nthe\t70\nriver,20\nDon't 10\n")
    return str(path)


def test_the_mean_is_that_of_the_logarithms(table: str) -> None:
    verdict = UnigramLogprob(table=table, min_mean_logprob=-0.1).judge(batch_of(["The river!", "don't", "xyzzy the"]))
    total = 110  # each part of don't has its count
    assert verdict.values.tolist() == pytest.approx(
        [
            (math.log(70 / total) + math.log(20 / total)) / 2,
            math.log(10 / total),
            (math.log(UNKNOWN) + math.log(70 / total)) / 2,
        ]
    )


def test_gibberish_goes(table: str) -> None:
    texts = ["the river, the river", "qwer asdf yxcv", "", None, "the qq"]
    unlikely = "unlikely_words"
    assert judge(UnigramLogprob(table=table), texts) == [None, unlikely, unlikely, unlikely, unlikely]


@pytest.mark.parametrize("content", ["the\n", "the x\n", ""])
def test_a_table_that_is_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "t.tsv").write_text(content)
    with pytest.raises(InputError, match="no word"):
        UnigramLogprob(table=str(tmp_path / "t.tsv")).prepare()


@given(hard_columns)
@settings(max_examples=40)
def test_no_text_raises(table: str, column: list[str | None]) -> None:
    assert len(judge(UnigramLogprob(table=table), column)) == len(column)
