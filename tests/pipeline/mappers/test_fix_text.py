"""What fix_text mends: as ftfy does it, texts that it passes by included."""

import json
import sys
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from strategies import hard_texts

from textmill.pipeline.errors import UsageError
from textmill.pipeline.mappers.fix_text import FixText
from textmill.pipeline.testing import batch_of, rewrite

ftfy = pytest.importorskip("ftfy", reason="the extra ftfy is not installed")

EXAMPLES = {
    "schÃ¶n, l&eacute;gal, â€œquotedâ€\x9d": "schön, légal, “quoted”",
    "&lt;b&gt; &amp; more": "<b> & more",
    "<p>&amp;\n&amp;": "<p>&amp;\n&amp;",
    "one\r\ntwo\rthree": "one\ntwo\nthree",
    "bell\x07 \x1b[31mred\x1b[0m ﬁne ＡＢＣ e\u0301 \ufeffmark": "bell red fine ABC é mark",
    "plain ASCII stays\f": "plain ASCII stays\f",
    "“curly” 😀 日本": "“curly” 😀 日本",
    "": "",
}


@pytest.mark.parametrize("text", EXAMPLES)
def test_examples(text: str) -> None:
    assert rewrite(FixText(), [text]) == [EXAMPLES[text]]


def test_each_repair_can_be_chosen() -> None:
    text = "schÃ¶n &amp; “x” ½ e\u0301"
    assert rewrite(FixText(fix_encoding=False), [text]) == ["schÃ¶n & “x” ½ é"]
    assert rewrite(FixText(unescape_html=False), [text]) == ["schön &amp; “x” ½ é"]
    assert rewrite(FixText(uncurl_quotes=True), [text]) == ['schön & "x" ½ é']
    assert rewrite(FixText(normalization="NFKC"), [text]) == ["schön & “x” 1⁄2 é"]
    assert rewrite(FixText(normalization=None), [text]) == ["schön & “x” ½ e\u0301"]


texts = st.text("aé \n\r\t\x0c\x1b[31m&;lt<Ã¶“", max_size=20) | st.text(st.characters(codec="ascii")) | hard_texts


@given(st.lists(st.none() | texts, max_size=6), st.integers(0, 3), st.sampled_from([pa.string(), pa.large_string()]))
def test_agrees_with_ftfy_on_every_text(column: list[str | None], start: int, kind: pa.DataType) -> None:
    batch = batch_of({"text": pa.array(column, kind)}).slice(start)
    mended = FixText().rewrite(batch).column("text")
    assert mended.type == kind
    assert mended.to_pylist() == [text and ftfy.fix_text(text, uncurl_quotes=False) for text in column[start:]]


def test_without_ftfy_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ftfy", None)
    for ask in (FixText().prepare, FixText().libraries):
        with pytest.raises(UsageError, match=r"pip install 'textmill\[ftfy\]'"):
            ask()


def test_a_second_run_changes_no_real_text(real_data: Path) -> None:
    with zstandard.open(real_data / "text/web/dclm_human_quality.jsonl.zst", "rt", encoding="utf-8") as stream:
        once = rewrite(FixText(), [json.loads(line)["text"] for line in islice(stream, 100)])
    assert rewrite(FixText(), once) == once
