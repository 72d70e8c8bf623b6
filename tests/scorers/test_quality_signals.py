"""The quality signals are those of RedPajama-v2."""

import naive_signals
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import hard_texts

from textmill import batch_of, score
from textmill.scorers.quality_signals import QualitySignals

ALL = QualitySignals(
    groups=("natural_language", "content", "repetition", "lines", "compression"), stop_words=("the", "of", "The")
)


def test_the_names_are_those_of_redpajama() -> None:
    names = {name for name in ALL.adds() if name.startswith("rps_")}
    assert len(names) == 12 + 9 + 6  # of the 46, those that need neither a model nor a list nor a crawl
    assert "rps_lines_ending_with_terminal_punctution_mark" in names


def test_a_document_by_hand() -> None:
    found = score(ALL, ["The CAT sat. The cat ran...\n- 4 cats"])
    assert found["rps_doc_word_count"] == [8]
    assert found["rps_doc_num_sentences"] == [3]
    assert found["rps_doc_mean_word_length"] == [23 / 8]
    assert found["rps_doc_frac_unique_words"] == [6 / 8]
    assert found["rps_doc_frac_all_caps_words"] == [pytest.approx(1 / 11)]
    assert found["rps_doc_stop_word_fraction"] == [pytest.approx(2 / 11)]
    assert found["rps_doc_frac_chars_top_2gram"] == [pytest.approx(12 / 23)]  # "the cat" twice
    assert found["rps_doc_frac_lines_end_with_ellipsis"] == [0.5]
    assert found["rps_lines_num_words"] == [[6, 2]]


def test_nothing_to_divide_by_is_null_and_no_text_is_no_error() -> None:
    found = score(ALL, ["", " \n", None])
    assert found["rps_doc_word_count"] == [0, 0, 0]
    assert found["rps_doc_mean_word_length"] == [None, None, None]
    assert found["compression_ratio"][0] is None
    assert found["rps_lines_num_words"] == [[], [0], []]


def test_what_repeats_compresses_better() -> None:
    low, high = score(QualitySignals(groups=("compression",)), ["ab " * 200, "".join(map(chr, range(33, 700)))])[
        "compression_ratio"
    ]
    assert low < 0.1 < high


def test_only_what_was_asked_for_is_added() -> None:
    scorer = QualitySignals(groups=("content",))
    assert set(score(scorer, ["a"])) == scorer.adds() == {"rps_doc_curly_bracket", "rps_doc_lorem_ipsum"}


def lowers_to_itself_in_length(text: str) -> bool:
    """Python lowers a few letters to two, or by their place in the word; columns are lowered letter by letter."""
    return not any(len(c.lower()) != 1 or c in "Σςᾳῃῳ" for c in text)


WORDS = st.lists(st.sampled_from(["a", "The", "the", "river", "LOREM", "ipsum", "don't", "...", "#", "x1", "é"]))
HARD = st.one_of(hard_texts, WORDS.map(" ".join), WORDS.map("\n".join)).filter(lowers_to_itself_in_length)


@given(documents=st.lists(HARD, min_size=1, max_size=4))
@settings(max_examples=150)
def test_every_signal_is_what_its_definition_says(documents: list[str]) -> None:
    found = score(ALL, documents)
    for row, text in enumerate(documents):
        expected = (
            naive_signals.natural_language(text, ("the", "of", "The"))
            | naive_signals.content(text)
            | naive_signals.repetition(text)
        )
        for name, value in expected.items():
            assert found[name][row] == (None if value is None else pytest.approx(value, abs=2e-8)), (name, text)
        for name, values in naive_signals.lines(text).items():
            assert np.allclose(found[name][row], values, atol=1e-6), (name, text)


def test_a_slice_is_scored_as_its_rows() -> None:
    batch = batch_of(["first\none", "second {one}", "third"])
    whole, part = ALL.score(batch), ALL.score(batch.slice(1, 2))
    for name, column in part.items():
        assert pa.array(column).equals(whole[name].slice(1, 2)), name
