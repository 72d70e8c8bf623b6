"""A rare language and its frequent neighbour: word lists made by the command, and documents kept by word or by URL."""

import json
from pathlib import Path

import pytest
from language_texts import rows_of
from typer.testing import CliRunner

from textmill.filters.confusable_language import ConfusableLanguage
from textmill.pipeline.cli import app
from textmill.pipeline.errors import InputError
from textmill.pipeline.languages.precision import Wanted, precision_words, write_precision_words
from textmill.pipeline.languages.samples import Measured
from textmill.pipeline.testing import batch_of, judge


@pytest.fixture
def words(tmp_path: Path) -> str:
    path = tmp_path / "nn.txt"
    path.write_text("# Nynorsk\nikkje\neg\n")
    return str(path)


def test_a_word_or_the_url_confirms(words: str) -> None:
    step = ConfusableLanguage(lists={"nn": words}, url_words={"nn": ("nn", "nynorsk")})  # type: ignore[dict-item]
    rows = [
        ("Eg veit det", "nn", None, None),
        ("Jeg vet det", "nn", None, "unconfirmed_language"),
        ("Jeg vet det", "nn", "https://example.no/nn/side", None),
        ("Jeg vet det", "nn", "https://example.no/nnn/side", "unconfirmed_language"),
        ("Jeg vet det", "nb", None, None),
        ("Jeg vet det", None, None, None),
        ("", "nn", None, "unconfirmed_language"),
        ("det er ikkje", "nn", "https://nb.example.no", None),
    ]
    texts, languages, urls, reasons = zip(*rows, strict=True)
    batch = batch_of({"text": texts, "language": languages, "url": urls})
    verdict = step.judge(batch)
    assert verdict.reasons == list(reasons)
    assert verdict.rules[0].values[:2].tolist() == [1 / 3, 0]


def test_a_share_of_words_can_be_asked_for(words: str) -> None:
    step = ConfusableLanguage(lists={"nn": (words,)}, min_ratio=0.25)
    assert "url" not in step.reads()
    assert judge(step, {"text": ["eg er her", "eg er her no"], "language": ["nn", "nn"]}) == [
        None,
        "unconfirmed_language",
    ]


def test_an_entry_is_one_word(tmp_path: Path) -> None:
    (tmp_path / "bad.txt").write_text("two words\n")
    with pytest.raises(InputError, match="is 2 words"):
        ConfusableLanguage(lists={"nn": (str(tmp_path / "bad.txt"),)}).prepare()


def test_words_of_high_affinity_by_hand() -> None:
    nn, nb = Measured(), Measured()
    nn.words.update({"og": 50, "ikkje": 20, "eg": 10, "hus": 10, "ein": 9, "rar": 1})
    nb.words.update({"og": 50, "ikke": 20, "jeg": 10, "hus": 10, "ein": 1, "rar": 9})
    assert precision_words("nn", {"nn": nn, "nb": nb}, Wanted(0.85, 0)) == ["ikkje", "eg", "ein"]
    assert precision_words("nn", {"nn": nn, "nb": nb}, Wanted(0.95, 0)) == ["ikkje", "eg"]
    assert precision_words("nn", {"nn": nn, "nb": nb}, Wanted(0.85, 80)) == ["ikkje"]


def test_the_command_writes_lists_that_the_filter_takes(tmp_path: Path) -> None:
    path = tmp_path / "texts.jsonl"
    rows = [{"language": "nn", "text": "eg veit ikkje kva"}] * 9 + [{"language": "nb", "text": "jeg vet ikke hva"}] * 9
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    options = [
        "--reference",
        str(path),
        "--language",
        "nn",
        "--among",
        "nb",
        "--percentile",
        "0",
        "--out",
        str(tmp_path),
    ]
    result = CliRunner().invoke(app, ["precision-words", *options], catch_exceptions=False)
    assert result.exit_code == 0
    assert "4 words; in 100.0% of its documents" in result.output
    step = ConfusableLanguage(lists={"nn": (str(tmp_path / "nn.txt"),)})
    assert judge(step, {"text": ["eg skriv", "jeg skriver"], "language": ["nn"] * 2}) == [None, "unconfirmed_language"]


def test_real_sentences_of_norwegian_are_told_apart(real_data: Path, tmp_path: Path) -> None:
    rows = [
        row for row in rows_of(real_data / "text/lid/lingua_sentences.jsonl.zst") if row["lang"] in ("nn", "nb", "da")
    ]
    made, held = rows[::2], rows[1::2]
    path = tmp_path / "texts.jsonl"
    path.write_text("".join(json.dumps({"language": row["lang"], "text": row["text"]}) + "\n" for row in made))
    write_precision_words(["nn"], ["nb", "da"], [str(path)], str(tmp_path))
    step = ConfusableLanguage(lists={"nn": (str(tmp_path / "nn.txt"),)})
    kept = {}
    for language in ("nn", "nb", "da"):
        texts = [row["text"] for row in held if row["lang"] == language]
        documents = [" ".join(texts[i : i + 3]) for i in range(0, len(texts) - 2, 3)]
        reasons = judge(step, {"text": documents, "language": ["nn"] * len(documents)})
        kept[language] = reasons.count(None) / len(reasons)
    assert kept["nn"] >= 0.8
    assert max(kept["nb"], kept["da"]) <= 0.3, kept
