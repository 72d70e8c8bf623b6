"""Scripts of texts: known ones, what is written in several, agreement with the slow twin."""

import unicodedata
from collections import Counter

import pyarrow as pa
import pytest
from hypothesis import given
from strategies import hard_columns

from textmill.pipeline.arrow import text_buffers
from textmill.pipeline.kernels.scripts import CODES, SCRIPTS, count_scripts
from textmill.pipeline.testing import score
from textmill.scorers.script import ScriptOfText


@pytest.mark.parametrize(
    ("text", "script", "share"),
    [
        ("Straße, été 2024", "Latn", 1),
        ("Привет, мир", "Cyrl", 1),
        ("Москва (Mosk)", "Cyrl", 0.6),
        ("हिन्दी", "Deva", 1),
        ("ภาษาไทย", "Thai", 1),
        ("这是中文", "Hani", 1),
        ("これは日本語です", "Jpan", 1),
        ("コーヒー", "Jpan", 1),
        ("한국어", "Hang", 1),
        ("e\u0301te\u0301", "Latn", 1),
        ("漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字の", "Hani", 20 / 21),
    ],
)
def test_scripts(text: str, script: str, share: float) -> None:
    found = score(ScriptOfText(), [text])
    assert found["script"] == [script]
    assert found["script_share"] == [pytest.approx(share)]


@pytest.mark.parametrize("text", ["", None, " \n", "2024 … 12:30 €"])
def test_what_has_no_letter_has_no_script(text: str | None) -> None:
    assert score(ScriptOfText(column="s"), [text]) == {"s": [None], "s_share": [None]}


@given(hard_columns)
def test_letters_are_counted_as_their_names_say(texts: list[str | None]) -> None:
    data, offsets, _ = text_buffers(pa.array(texts, pa.string()))
    counts = count_scripts(data, offsets)
    assert [Counter({c: n for c, n in zip(CODES, row, strict=True) if n}) for row in counts.tolist()] == [
        Counter(filter(None, map(script_of, text or ""))) for text in texts
    ]


def script_of(character: str) -> str | None:
    if unicodedata.category(character)[0] not in "LM":
        return None
    first = unicodedata.name(character, "").split(" ")[0].replace("KATAKANA-HIRAGANA", "KATAKANA")
    return None if first in ("COMBINING", "VARIATION") else SCRIPTS.get(first, "Zyyy")
