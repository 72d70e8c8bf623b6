"""Bad words: whole ones, in any case and script, by language; agreement with a slow twin."""

from hashlib import blake2b
from pathlib import Path

import naive
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from strategies import hard_texts

from textmill.filters.bad_words import C4BadWords
from textmill.pipeline.errors import InputError
from textmill.pipeline.testing import judge


def listing(folder: Path, *words: str, name: str = "words") -> str:
    path = folder / name
    path.write_text("\n".join(words), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("text", "bad"),
    [
        ("you darn fool", True),
        ("DARN!", True),
        ("darn", True),
        ("(darn)", True),
        ("darning socks", False),
        ("so_darn_cold", False),
        ("a pain in the neck.", True),
        ("a pain in the\nneck.", False),
        ("C++ is fine", True),
        ("C+ is fine", False),
        ("ÉPOUVANTABLE", True),
        ("épouvantable\u0301", False),
        ("", False),
        (None, False),
    ],
)
def test_whole_words_in_any_case(text: str | None, bad: bool, tmp_path: Path) -> None:
    step = C4BadWords(lists={"any": (listing(tmp_path, "darn", "pain in the neck", "c++", "épouvantable"),)})
    assert step.reads() == {"text"}
    assert judge(step, [text]) == ["bad_word" if bad else None]


def test_lists_by_language_and_no_borders_where_there_are_none(tmp_path: Path) -> None:
    english, chinese = listing(tmp_path, "bad", name="en"), listing(tmp_path, "坏", "性", name="zh")
    step = C4BadWords.model_validate({"lists": {"en": english, "zh": [chinese]}})
    assert step.reads() == {"text", "language"}
    assert step.depends_on() == (english, chinese)
    texts = {"a bad day": "en", "badly": "en", "ein bad": "de", "bad": None, "很坏的人": "zh", "女性": "zh"}
    found = judge(step, {"text": list(texts), "language": list(texts.values())})
    assert found == ["bad_word", None, None, None, "bad_word", None]
    bordered = step.model_copy(update={"without_borders": (), "allowed": ()})
    assert judge(bordered, {"text": ["很坏的人", "性"], "language": ["zh", "zh"]}) == [None, "bad_word"]


def test_a_list_that_is_missing_empty_or_too_long(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        C4BadWords(lists={"any": (str(tmp_path / "none"),)}).prepare()
    with pytest.raises(ValidationError, match="lists"):
        C4BadWords(lists={})
    assert judge(C4BadWords(lists={"any": (listing(tmp_path, "# nothing"),)}), ["nothing"]) == [None]
    endless = listing(tmp_path, *(blake2b(bytes([i, j])).hexdigest() for i in range(100) for j in range(100)))
    with pytest.raises(InputError, match="a list of 10000 entries is too long"):
        C4BadWords(lists={"any": (endless,)}).prepare()


WORDS = ["a", "b+", "日本", "word", "é", "-", "a b"]


@settings(max_examples=200)
@given(texts=st.lists(hard_texts | st.text("aAb+ 日本é_-\n", max_size=9), max_size=5), borders=st.booleans())
def test_words_are_found_as_by_the_slow_twin(
    texts: list[str], borders: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = listing(tmp_path_factory.getbasetemp(), *WORDS, name="twin")
    step = C4BadWords(lists={"any": (path,)}, without_borders=() if borders else ("any",))
    assert [reason is not None for reason in judge(step, texts)] == [
        any(naive.has_phrase(text, word, borders) for word in WORDS) for text in texts
    ]


def test_a_share_of_what_is_found_can_be_kept(tmp_path: Path) -> None:
    (tmp_path / "en").write_text("darn\n")
    step = C4BadWords.model_validate({"lists": {"any": str(tmp_path / "en")}, "keep_fraction": 0.25})
    found = judge(step, ["darn it"] * 2000)
    assert 0.2 < found.count(None) / 2000 < 0.3
