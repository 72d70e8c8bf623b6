"""EvalWeb's rules: pages at each rule's edge."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from strategies import hard_columns

from textmill.filters.chinese import ChineseWeb
from textmill.pipeline.testing import judge

LETTERS = "".join(map(chr, range(0x4E00, 0x4E00 + 400)))
SHORT = ChineseWeb(min_chars=None, traditional=True)


def page(lines: int, chars: int) -> str:
    """Lines of different characters."""
    return "\n".join("".join(chr(0x4E00 + 97 * line + i) for i in range(chars)) for line in range(lines))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (page(20, 10), None),
        (page(20, 9), "mean_line_too_short"),
        (LETTERS[:200], None),
        (LETTERS[:199], "too_few_chars"),
        (LETTERS[:60] + "abcdefg" * 20, "too_many_repeated_13grams"),
        ("x" * 200, "too_little_chinese"),
        ("", "mean_line_too_short"),
        (LETTERS[:200] + "\n" + LETTERS[:200], "too_many_repeated_13grams"),
    ],
)
def test_each_rule_at_its_edge(text: str, reason: str | None) -> None:
    assert judge(ChineseWeb(traditional=True), [text]) == [reason]


def test_the_two_scripts_are_told_apart() -> None:
    simplified = "汉语书写系统，这个国家的图书馆有许多关于历史与经济发展的书籍。"
    traditional = "漢語書寫系統，這個國家的圖書館有許多關於歷史與經濟發展的書籍。"
    rules = ChineseWeb(min_chars=None)
    assert judge(rules, [simplified, traditional]) == [None, "traditional_script"]
    assert judge(SHORT, [traditional]) == [None]


def test_sensitive_words_are_counted_by_line(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("赌博\n")
    rules = ChineseWeb(min_chars=None, sensitive_words=(str(tmp_path / "words.txt"),))
    lines = ["这里是一行普通的文字内容啊", "这里是另一行很普通的文字呢", "第三行也没有什么特别的东西"]
    assert judge(rules, ["\n".join([*lines, "这里有赌博的广告不要看它们"])]) == [None]
    assert judge(rules, ["\n".join([lines[0], "这里有赌博的广告不要看它们"])]) == ["too_many_sensitive_words"]


@given(hard_columns)
@settings(max_examples=60)
def test_no_text_raises(column: list[str | None]) -> None:
    assert len(judge(ChineseWeb(), column)) == len(column)
