"""Words of lists are counted, whole ones, in any case, by language; agreement with a slow twin."""

import json
import unicodedata
from pathlib import Path

import pyarrow as pa
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from strategies import hard_texts

from textmill.pipeline.errors import InputError
from textmill.pipeline.testing import batch_of, score
from textmill.pipeline.word_lists import count_words, holds_words
from textmill.scorers.toxic_words import ToxicWords


def listing(folder: Path, *words: str, name: str = "words") -> str:
    path = folder / name
    path.write_text("\n".join(words), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("text", "count", "words"),
    [
        ("you darn fool", 1, 3),
        ("DARN, darn; Darn!", 3, 3),
        ("darn darn darn", 3, 3),
        ("darning so_darn_cold", 0, 2),
        ("a pain in the neck pain in the neck", 2, 9),
        ("(s&m)", 1, 1),
        ("nothing", 0, 1),
    ],
)
def test_how_often_and_of_how_many(text: str, count: int, words: int, tmp_path: Path) -> None:
    step = ToxicWords(lists={"any": (listing(tmp_path, "darn", "pain in the neck", "s&m"),)})
    assert step.reads() == {"text"}
    columns = score(step, [text])
    assert set(columns) == step.adds()
    assert columns["toxic_words"] == [count]
    assert columns["toxic_words_density"] == [pytest.approx(count / words)]


def test_each_language_has_its_list_and_without_one_nothing_is_known(tmp_path: Path) -> None:
    english, chinese = listing(tmp_path, "bad", name="en"), listing(tmp_path, "坏", "性", name="zh")
    step = ToxicWords.model_validate({"lists": {"en": english, "zh": [chinese]}, "column": "rude"})
    assert step.reads() == {"text", "language"}
    assert step.depends_on() == (english, chinese)
    texts = {"a bad bad day": "en", "badly": "en", "ein bad": "de", "bad": None, "坏坏的人": "zh", "女性": "zh"}
    batch, _ = step.apply(batch_of({"text": list(texts), "language": list(texts.values())}))
    assert batch.column("rude").to_pylist() == [2, 0, None, None, 2, 0]
    assert batch.column("rude_density").to_pylist() == [0.5, 0, None, None, 0.5, 0]
    assert step.tally(batch) == {"with_entries": 2, "without_list": 2}


def test_a_list_for_every_document_adds_to_those_by_language(tmp_path: Path) -> None:
    step = ToxicWords(
        lists={"any": (listing(tmp_path, "x1", name="a"),), "en": (listing(tmp_path, "bad", "x1", name="b"),)}
    )
    columns = score(step, {"text": ["x1 bad", "x1 bad", "x1 bad"], "language": ["en", "de", None]})
    assert columns["toxic_words"] == [2, 1, 1]


@pytest.mark.parametrize("text", ["", " \n\u3000", None])
def test_a_document_without_words_has_no_density(text: str | None, tmp_path: Path) -> None:
    step = ToxicWords(lists={"any": (listing(tmp_path, "bad"),)})
    assert score(step, [text]) == {"toxic_words": [0], "toxic_words_density": [None]}


def test_an_empty_batch_and_an_empty_list(tmp_path: Path) -> None:
    step = ToxicWords(lists={"any": (listing(tmp_path, "# nothing here"),)})
    step.prepare()
    assert score(step, ["bad"])["toxic_words"] == [0]
    assert [str(column.type) for column in step.score(batch_of([])).values()] == ["int32", "float"]


def test_a_list_that_is_missing_and_parameters_that_make_no_sense(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        ToxicWords(lists={"any": (str(tmp_path / "none"),)}).prepare()
    with pytest.raises(ValidationError):
        ToxicWords(lists={})


def count_slowly(text: str, words: list[str], *, borders: bool) -> int:
    """Entries from left to right, none over another, of several the first."""

    def alike(one: str, other: str) -> bool:
        return len(one) == len(other) and all(
            a == b or a.casefold() == b.casefold() for a, b in zip(one, other, strict=True)
        )

    def within_a_word(char: str) -> bool:
        return char == "_" or unicodedata.category(char)[0] in "LMN"

    count = at = 0
    while at < len(text):
        for word in sorted(words):
            stop = at + len(word)
            beside = text[max(at - 1, 0) : at] + text[stop : stop + 1]
            if alike(text[at:stop], word) and not (borders and any(map(within_a_word, beside))):
                count, at = count + 1, stop
                break
        else:
            at += 1
    return count


ENTRIES = ["a", "ab", "b a", "s&m", "a-b", "語", "日本", "0", "c++c", "é"]
PIECES = ["a", "A", "b", " ", "-", "s&m", "S&M", "語", "日", "本", "0", "_", "é", "c++c", "."]
entries = st.lists(st.sampled_from(ENTRIES), min_size=1, unique=True)
pieces = st.lists(st.sampled_from(PIECES), max_size=16)


@settings(max_examples=200)
@given(entries, st.lists(pieces.map("".join) | hard_texts, max_size=5), st.booleans())
def test_counts_are_those_of_the_slow_twin(words: list[str], texts: list[str], borders: bool) -> None:
    column = pa.array(texts, pa.string())
    expected = [count_slowly(text, words, borders=borders) for text in texts]
    assert count_words(column, frozenset(words), borders=borders).to_pylist() == expected
    assert holds_words(column, frozenset(words), borders=borders).to_pylist() == [count > 0 for count in expected]


def test_toxic_posts_are_denser_than_an_encyclopaedia(real_data: Path) -> None:
    def density(path: str) -> float:
        with zstandard.open(real_data / "text" / path, "rt", encoding="utf-8") as rows:
            texts = [json.loads(row)["text"] for row in rows][:3000]
        found = score(ToxicWords(lists={"any": (str(real_data / "blocklists/ldnoobw/en"),)}), texts)
        return sum(value or 0 for value in found["toxic_words_density"]) / len(texts)  # type: ignore[misc]

    assert density("toxic/davidson_tweets.jsonl.zst") > 20 * density("wiki/boolq_passages.jsonl.zst")
