"""Gopher's quality rules: documents at each rule's edge, agreement with the slow twin, real text."""

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
from pydantic import ValidationError
from strategies import hard_columns

from textmill.filters.gopher import GopherQuality
from textmill.pipeline.testing import batch_of, judge

GOOD = "the quick brown foxes have seen that most dogs sleep "  # ten words, four of them stop words


def words(count: int, filler: str = "word") -> str:
    """`count` words, the first two of them stop words."""
    return " ".join(["the", "and", *[filler] * (count - 2)])


def bulleted(bullets: int, plain: int, bullet: str = "- ") -> str:
    return f"{bullet}{GOOD}\n" * bullets + f"{GOOD}\n" * plain


# In each pair the first document just keeps to the rule and the second just breaks it.
EDGES = {
    "too_few_words": (words(50), words(49)),
    "too_many_words": (words(100_000), words(100_001)),
    "mean_word_length_too_low": ("the and " * 25, "the and " * 25 + "I"),
    "mean_word_length_too_high": ("the and " * 5 + "x" * 11 + (" " + "x" * 11) * 69, "the and" + " xxxxxxxxxxx" * 48),
    "too_many_hashes": (words(100) + "#" * 10, words(100) + "#" * 11),
    "too_many_ellipses": (words(99) + "..." * 5 + "…" * 5 + " end", words(99) + "..." * 6 + "…" * 5 + " end"),
    "too_many_bullet_lines": (bulleted(9, 1), bulleted(10, 1)),
    "too_many_ellipsis_lines": (f"{GOOD}...\n" * 3 + f"{GOOD}\n" * 7, f"{GOOD}…\n" * 4 + f"{GOOD}\n" * 9),
    "too_few_alphabetic_words": (words(80) + " 2024" * 20, words(79) + " 2024" * 20),
    "too_few_stop_words": (words(60), words(60).replace("and", "the")),
}


@pytest.mark.parametrize("reason", EDGES)
def test_each_rule_at_its_edge(reason: str) -> None:
    assert judge(GopherQuality(), EDGES[reason]) == [None, reason]


def test_a_drop_says_what_was_judged_and_what_it_was_compared_with() -> None:
    verdict = GopherQuality().judge(batch_of([breaking for _, breaking in EDGES.values()]))
    assert verdict.names == tuple(EDGES)
    assert verdict.thresholds.tolist() == [50, 100_000, 3, 10, 0.1, 0.1, 0.9, 0.3, 0.8, 2]
    expected = [49, 100_001, 151 / 51, 534 / 50, 11 / 100, 11 / 100, 10 / 11, 4 / 13, 79 / 99, 1]
    assert verdict.values.tolist() == pytest.approx(expected)


@pytest.mark.parametrize("text", ["", " \n\u3000", None])
def test_a_document_without_words_breaks_every_minimum_and_no_maximum(text: str | None) -> None:
    rules = {name: None for name in GopherQuality.model_fields if name.startswith(("min", "max"))}
    for name in rules:
        alone = GopherQuality(**{**rules, name: 1})
        assert (judge(alone, [text]) == [None]) == name.startswith("max")
    assert judge(GopherQuality(**rules), [text]) == [None]


def test_case_and_repetition_of_stop_words_do_not_matter() -> None:
    assert judge(GopherQuality(), [words(60).upper()]) == [None]
    assert judge(GopherQuality(), ["the " * 60]) == ["too_few_stop_words"]
    assert judge(GopherQuality(definition="dclm"), ["the " * 60]) == [None]


def test_blank_lines_are_no_lines() -> None:
    assert judge(GopherQuality(), [bulleted(10, 1).replace("\n", "\r\n\r\n \t\r\n")]) == ["too_many_bullet_lines"]


@pytest.mark.parametrize("bullet", ["•", "●", "*", "-", " \t- ", "\u3000•"])
def test_bullets(bullet: str) -> None:
    assert judge(GopherQuality(), [bulleted(10, 1, bullet)]) == ["too_many_bullet_lines"]


def test_dclm_takes_symbols_together_and_ellipses_with_spaces() -> None:
    text = words(99) + "#" * 6 + "..." * 6 + " end"
    assert judge(GopherQuality(), [text]) == [None]
    assert judge(GopherQuality(definition="dclm"), [text]) == ["too_many_symbols"]
    spaced = f"{GOOD}. . .\n" * 10
    assert judge(GopherQuality(definition="dclm", max_symbol_ratio=None), [spaced]) == ["too_many_ellipsis_lines"]


def test_datatrove_counts_no_words_of_punctuation_but_takes_shares_of_them() -> None:
    rules = GopherQuality(definition="datatrove")
    assert judge(rules, [words(49) + " ; - ..."]) == ["too_few_words"]  # three more for `textmill`
    assert judge(rules, [words(80) + " ;" * 21]) == ["too_few_alphabetic_words"]


def test_datatrove_takes_blank_lines_for_lines_and_a_star_for_no_bullet() -> None:
    rules = GopherQuality(definition="datatrove")
    assert judge(rules, [bulleted(10, 0), bulleted(10, 0).replace("\n", "\n\n")]) == ["too_many_bullet_lines", None]
    assert judge(rules, [bulleted(10, 0, "* "), bulleted(10, 0).replace("\n", "\u2028")]) == [
        None,
        "too_many_bullet_lines",
    ]


def test_datatrove_knows_stop_words_in_their_own_case_only() -> None:
    rules = GopherQuality(definition="datatrove")
    assert judge(rules, [words(60).upper(), "the " * 60 + "and"]) == ["too_few_stop_words", None]


def test_stop_words_of_any_language_and_only_whole_ones() -> None:
    text = "ΤΗΣ και λέξη " * 20
    assert judge(GopherQuality(stop_words=("της", "και")), [text]) == [None]
    assert judge(GopherQuality(stop_words=("τη", "κα")), [text]) == ["too_few_stop_words"]
    with pytest.raises(ValidationError, match="'of the' is 2 words"):
        GopherQuality(stop_words=("of the",))


def test_a_script_without_spaces_counts_each_character() -> None:
    rules = GopherQuality(min_mean_word_length=1, stop_words=("的", "是"))
    assert judge(rules, ["这是我们的书" * 9]) == [None]
    assert judge(rules, ["这是我们的书" * 8]) == ["too_few_words"]


@st.composite
def any_rules(draw: st.DrawFn) -> GopherQuality:
    limit = st.none() | st.sampled_from([0, 0.1, 0.25, 1 / 3, 0.5, 1, 2, 3])
    count = st.none() | st.integers(0, 4)
    rules: dict[str, Any] = {
        name: draw(count if "int" in str(field.annotation) else limit)
        for name, field in GopherQuality.model_fields.items()
        if name.startswith(("min", "max"))
    }
    stop_words = draw(st.lists(st.sampled_from(["a", "word", "σ", "日", "é", "…"]), max_size=4))
    return GopherQuality(
        definition=draw(st.sampled_from(["textmill", "dclm", "datatrove"])), stop_words=stop_words, **rules
    )


symbols = st.text("#.… \n\r\x0b\x1c\x85\u2028-•*a1\u3000", max_size=20)


@settings(max_examples=200)
@given(any_rules(), hard_columns | st.lists(symbols, max_size=8), st.integers(0, 3))
def test_verdicts_are_those_of_the_slow_twin(rules: GopherQuality, texts: list[str | None], start: int) -> None:
    verdict = rules.judge(batch_of({"text": pa.array(texts, pa.string()).slice(start)}))
    found = [
        None if reason is None else (reason, value, threshold)
        for reason, value, threshold in zip(verdict.reasons, verdict.values, verdict.thresholds, strict=True)
    ]
    assert found == [naive.gopher_quality(text or "", rules.model_dump()) for text in texts[start:]]


@pytest.mark.parametrize("definition", ["textmill", "dclm", "datatrove"])
def test_real_pages_are_judged_as_by_the_slow_twin(definition: str, real_data: Path) -> None:
    with zstandard.open(real_data / "text/web/c4_sample.jsonl.zst", "rt", encoding="utf-8") as lines:
        texts = [json.loads(line)["text"] for line in islice(lines, 300)]
    rules = GopherQuality.model_validate({"definition": definition})
    verdicts = [naive.gopher_quality(text, rules.model_dump()) for text in texts]
    reasons = [verdict and verdict[0] for verdict in verdicts]
    assert judge(rules, texts) == reasons
    assert 0 < sum(reason is None for reason in reasons) < len(texts)
