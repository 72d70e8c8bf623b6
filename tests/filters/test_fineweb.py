"""FineWeb's rules: documents at each rule's edge, agreement with the slow twin, real text."""

import json
from itertools import islice
from pathlib import Path
from typing import Any

import naive
import pyarrow as pa
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import hard_columns

from textmill.filters.fineweb import FinewebQuality
from textmill.pipeline.kernels.punctuation import TERMINAL_PUNCTUATION
from textmill.pipeline.testing import batch_of, judge


def sentences(count: int, ending: str = ".") -> list[str]:
    """That many different lines, of ten words and 40 characters before the ending."""
    return [f"{number} is what this line has to say to you{ending}" for number in range(1000, 1000 + count)]


def scraps(count: int) -> list[str]:
    """That many different lines of 30 characters."""
    return [f"{number} is not short a line, I know" for number in range(10, 10 + count)]


# In each pair the first document just keeps to the rule and the second just breaks it.
EDGES = {
    "too_few_punctuated_lines": ([*sentences(3), *sentences(22, "")], [*sentences(2), *sentences(15, "")]),
    "too_many_short_lines": ([*sentences(33), *scraps(67)], [*sentences(32), *scraps(67)]),
    "too_many_duplicate_line_chars": ([*sentences(9), *sentences(1)], [*sentences(8), *sentences(1)]),
    "too_many_newlines": ([*sentences(10), *[""] * 21], [*sentences(10), *[""] * 22]),
}
PAGES = {reason: ["\n".join(lines) for lines in pair] for reason, pair in EDGES.items()}


@pytest.mark.parametrize("reason", EDGES)
@pytest.mark.parametrize("definition", ["textmill", "datatrove"])
def test_each_rule_at_its_edge(reason: str, definition: str) -> None:
    rules = FinewebQuality.model_validate({"definition": definition})
    assert judge(rules, PAGES[reason]) == [None, reason]


def test_a_drop_says_what_was_judged_and_what_it_was_compared_with() -> None:
    verdict = FinewebQuality().judge(batch_of([breaking for _, breaking in PAGES.values()]))
    assert verdict.names == tuple(PAGES)
    assert verdict.thresholds.tolist() == [0.12, 0.67, 0.1, 0.3]
    assert verdict.values.tolist() == pytest.approx([2 / 17, 67 / 99, 1 / 9, 31 / 100])


def test_a_line_of_one_character_more_is_not_short() -> None:
    longer = "\n".join([*sentences(32), *(line + "!" for line in scraps(67))])
    assert judge(FinewebQuality(), [longer]) == [None]
    assert judge(FinewebQuality(short_line_chars=31), [longer]) == ["too_many_short_lines"]


@pytest.mark.parametrize("text", ["", " \n\u3000", None])
def test_a_document_without_lines_has_no_punctuated_ones(text: str | None) -> None:
    assert judge(FinewebQuality(), [text]) == ["too_few_punctuated_lines"]
    assert judge(FinewebQuality(min_punctuated_line_ratio=None, max_newline_ratio=None), [text]) == [None]


def test_documents_without_punctuation_can_be_spared() -> None:
    texts = ["\n".join(sentences(9, "")), PAGES["too_few_punctuated_lines"][1]]
    assert judge(FinewebQuality(), texts) == ["too_few_punctuated_lines"] * 2
    assert judge(FinewebQuality(keep_unpunctuated=True), texts) == [None, "too_few_punctuated_lines"]


def test_whitespace_at_the_end_of_lines_matters_to_datatrove_alone() -> None:
    text = "\r\n".join([*sentences(9), ""])
    assert judge(FinewebQuality(), [text]) == [None]
    assert judge(FinewebQuality(definition="datatrove"), [text]) == ["too_few_punctuated_lines"]


@pytest.mark.parametrize("ending", [".", "!", "?", "。", "؟", "।", "።", "\u2e54", "\U00011f44"])
def test_sentences_end_in_every_script(ending: str) -> None:
    assert ending in TERMINAL_PUNCTUATION
    assert judge(FinewebQuality(), ["\n".join(sentences(9, ending))]) == [None]


limits = st.none() | st.sampled_from([0, 0.1, 0.25, 1 / 3, 0.5, 1])
pieces = st.lists(st.sampled_from(["a.", "b", "!", " ", "\n", "\r\n", "。", "word " * 7]), max_size=30).map("".join)
LIMITS = [name for name in FinewebQuality.model_fields if name.endswith("ratio")]


@settings(max_examples=200)
@given(
    st.fixed_dictionaries(
        {
            **dict.fromkeys(LIMITS, limits),
            "definition": st.sampled_from(["textmill", "datatrove"]),
            "keep_unpunctuated": st.booleans(),
            "short_line_chars": st.integers(0, 9),
        }
    ),
    hard_columns | st.lists(pieces, max_size=6),
    st.integers(0, 3),
)
def test_verdicts_are_those_of_the_slow_twin(fields: dict[str, Any], texts: list[str | None], start: int) -> None:
    rules = FinewebQuality.model_validate(fields)
    verdict = rules.judge(batch_of({"text": pa.array(texts, pa.string()).slice(start)}))
    found = [
        None if reason is None else (reason, value, threshold)
        for reason, value, threshold in zip(verdict.reasons, verdict.values, verdict.thresholds, strict=True)
    ]
    assert found == [naive.fineweb_quality(text or "", rules.model_dump()) for text in texts[start:]]


@pytest.mark.parametrize("definition", ["textmill", "datatrove"])
def test_real_pages_are_judged_as_by_the_slow_twin(definition: str, real_data: Path) -> None:
    with zstandard.open(real_data / "text/web/c4_sample.jsonl.zst", "rt", encoding="utf-8") as rows:
        texts = [json.loads(row)["text"] for row in islice(rows, 300)]
    rules = FinewebQuality.model_validate({"definition": definition})
    verdicts = [naive.fineweb_quality(text, rules.model_dump()) for text in texts]
    reasons = [verdict and verdict[0] for verdict in verdicts]
    assert judge(rules, texts) == reasons
    assert 0 < sum(reason is None for reason in reasons) < len(texts)
