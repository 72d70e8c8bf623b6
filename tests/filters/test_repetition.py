"""Gopher's repetition rules: golden values, documents at each rule's edge, agreement with the slow twin, real text."""

import json
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import naive
import pyarrow as pa
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import hard_columns

from textmill.filters.repetition import GopherRepetition
from textmill.pipeline.testing import batch_of, judge

LIMITS = [name for name in GopherRepetition.model_fields if name.startswith("max")]
OFF: dict[str, Any] = dict.fromkeys(LIMITS)

CATS = "the cat sat\nthe cat sat\nthe cat sat\na dog ran away home"  # 55 characters, 42 of them in words
LETTERS = "a b c d e f g h i j a b c d e f g h i j k l m n o p q r s t"  # 59 characters, 30 of them in words


def shares(text: str, definition: Literal["gopher", "datatrove"]) -> dict[str, float]:
    """What each rule judges, which it states when its limit is 0."""
    found = {}
    for name in LIMITS:
        verdict = GopherRepetition(**{**OFF, name: 0, "definition": definition}).judge(batch_of([text]))
        found[name.removeprefix("max_").removesuffix("_ratio")] = 0 if verdict.kept[0] else verdict.values[0]
    return found


def expected(text: str, lines: list[float], ngrams: list[float]) -> dict[str, Any]:
    names = [name.removeprefix("max_").removesuffix("_ratio") for name in LIMITS]
    values = [*lines, *(0, 0), *ngrams]  # no paragraph repeats
    return pytest.approx(dict(zip(names, values, strict=True)))


def test_golden_values() -> None:
    """By hand; those of datatrove are also what its own functions give."""
    after_first = [2 / 4, 22 / 55], [21 / 55, 33 / 55, 30 / 55, 15 / 55, 18 / 55, *[0] * 4]
    all_copies = [3 / 4, 33 / 52], [18 / 42, 27 / 42, 24 / 42, 27 / 42, 27 / 42, *[0] * 4]
    assert shares(CATS, "datatrove") == expected(CATS, *after_first)
    assert shares(CATS, "gopher") == expected(CATS, *all_copies)
    after_first = [0, 0], [6 / 59, 10 / 59, 14 / 59, 10 / 59, 6 / 59, 7 / 59, 8 / 59, 9 / 59, 10 / 59]
    all_copies = [0, 0], [4 / 30, 6 / 30, 8 / 30, *[20 / 30] * 6]
    assert shares(LETTERS, "datatrove") == expected(LETTERS, *after_first)
    assert shares(LETTERS, "gopher") == expected(LETTERS, *all_copies)


def lines(count: int) -> list[str]:
    """That many different ones, of four characters each."""
    return [str(number) for number in range(1000, 1000 + count)]


def ngrams(copies: int, words: list[str], others: int) -> str:
    """An n-gram so often, and as many other words that occur once."""
    rest = lines(others)
    return " ".join([*(f"{' '.join(words)} {rest.pop()}" for _ in range(copies)), *rest])


LETTERS_OF_FOUR = ["aaaa", "bbbb", "cccc", "dddd", "eeee", "ffff", "gggg", "hhhh", "iiii", "jjjj"]


def edge(n: int, share: int) -> tuple[str, str]:
    gram, others = LETTERS_OF_FOUR[:n], (100 - share) * n
    return ngrams(share, gram, others), ngrams(share, gram, others - 1)


# In each pair the first document just keeps to the rule and the second just breaks it.
EDGES = {
    "duplicate_line": ("\n".join(["word"] * 3 + lines(7)), "\n".join(["word"] * 4 + lines(9))),
    "duplicate_line_char": ("\n".join(["word"] * 2 + lines(8)), "\n".join(["word"] * 3 + lines(11))),
    "duplicate_paragraph": ("\n\n".join(["word"] * 3 + lines(7)), "\n\n".join(["word"] * 4 + lines(9))),
    "duplicate_paragraph_char": ("\n\n".join(["word"] * 2 + lines(8)), "\n\n".join(["word"] * 3 + lines(11))),
    **{f"top_{n}gram_char": edge(n, share) for n, share in ((2, 20), (3, 18), (4, 16))},
    **{f"duplicate_{n}gram_char": edge(n, 20 - n) for n in range(5, 11)},
}


@pytest.mark.parametrize("what", EDGES)
def test_each_rule_at_its_edge(what: str) -> None:
    limit = GopherRepetition.model_fields[f"max_{what}_ratio"].default
    verdict = GopherRepetition(**{**OFF, f"max_{what}_ratio": limit}).judge(batch_of(EDGES[what]))
    assert verdict.reasons == [None, f"too_many_{what}s"]
    assert limit < verdict.values[1] < limit + 0.02
    assert verdict.thresholds[1] == limit


def test_the_first_rule_broken_is_the_reason() -> None:
    assert judge(GopherRepetition(), [CATS, LETTERS, "nothing said twice"]) == [
        "too_many_duplicate_lines",
        "too_many_top_3gram_chars",
        None,
    ]


@pytest.mark.parametrize("definition", ["gopher", "datatrove"])
def test_a_document_without_words_repeats_nothing(definition: str) -> None:
    strict = GopherRepetition(**{**dict.fromkeys(LIMITS, 0), "definition": definition})
    assert judge(strict, ["", None, " \n\n\u3000"]) == [None] * 3


def test_case_matters_to_datatrove_alone() -> None:
    rules = {**OFF, "max_duplicate_5gram_char_ratio": 0}
    texts = ["a b c d e A B C D E"]
    assert judge(GopherRepetition(**rules), texts) == ["too_many_duplicate_5gram_chars"]
    assert judge(GopherRepetition(definition="datatrove", **rules), texts) == [None]


def test_occurrences_that_overlap_make_no_share_above_one() -> None:
    for definition in ("gopher", "datatrove"):
        assert max(shares("ha " * 9, definition).values()) == 1


limits = st.none() | st.sampled_from([0, 0.05, 0.1, 0.25, 1 / 3, 0.5, 1])
repeating = st.lists(st.sampled_from(["a", "b ", "B", " ", "\n", "\n\n", "世", "a b c d e "]), max_size=40).map("".join)


@settings(max_examples=200)
@given(
    st.sampled_from(["gopher", "datatrove"]),
    st.fixed_dictionaries(dict.fromkeys(LIMITS, limits)),
    hard_columns | st.lists(repeating, max_size=4),
    st.integers(0, 3),
)
def test_verdicts_are_those_of_the_slow_twin(
    definition: str, limits: dict[str, float | None], texts: list[str | None], start: int
) -> None:
    rules = GopherRepetition.model_validate({**limits, "definition": definition})
    verdict = rules.judge(batch_of({"text": pa.array(texts, pa.string()).slice(start)}))
    found = [
        None if reason is None else (reason, pytest.approx(value), threshold)
        for reason, value, threshold in zip(verdict.reasons, verdict.values, verdict.thresholds, strict=True)
    ]
    assert found == [naive.gopher_repetition(text or "", rules.model_dump()) for text in texts[start:]]


@pytest.mark.parametrize("definition", ["gopher", "datatrove"])
def test_real_pages_are_judged_as_by_the_slow_twin(definition: str, real_data: Path) -> None:
    with zstandard.open(real_data / "text/web/c4_sample.jsonl.zst", "rt", encoding="utf-8") as rows:
        texts = [text for row in islice(rows, 200) if len(text := json.loads(row)["text"]) < 3000]
    rules = GopherRepetition.model_validate({"definition": definition})
    verdicts = [naive.gopher_repetition(text, rules.model_dump()) for text in texts]
    reasons = [verdict and verdict[0] for verdict in verdicts]
    assert judge(rules, texts) == reasons
    assert 0 < sum(reason is None for reason in reasons) < len(texts)
