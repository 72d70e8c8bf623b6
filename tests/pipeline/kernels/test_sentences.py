"""Sentences are counted as the definition says, in every script."""

import naive
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import hard_texts

from textmill.pipeline.arrow import text_buffers
from textmill.pipeline.kernels.sentences import count_sentences

EXAMPLES = {
    "": 0,
    "...": 0,
    "no end": 1,
    "One. Two! Three? Four": 4,
    "It cost 3.50.": 1,
    "Mr. Smith slept.": 2,
    '"Yes." (No.) He said: "Never!" and went.': 4,
    "Wait... what?!": 2,
    "你好。再见！": 2,
    "他说：“你好。”再见。": 2,
    "क्या? हाँ। ठीक।": 3,
    "a.b.c": 1,
}


def count(texts: list[str]) -> list[int]:
    data, offsets, _ = text_buffers(pa.array(texts, pa.string()))
    counts: list[int] = count_sentences(data, offsets[:-1], offsets[1:]).tolist()
    return counts


@pytest.mark.parametrize("text", EXAMPLES)
def test_examples(text: str) -> None:
    assert count([text]) == [EXAMPLES[text]] == [len(naive.sentences(text))]


@given(st.lists(hard_texts | st.text('ab.!。？"”) \u3000-', max_size=20), max_size=6))
def test_sentences_are_those_of_the_slow_twin(texts: list[str]) -> None:
    assert count(texts) == [len(naive.sentences(text)) for text in texts]
