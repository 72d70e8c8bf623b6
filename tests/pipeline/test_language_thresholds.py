"""Thresholds of languages: derived from text by the command, with the guards, and kept to by the filters."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from textmill.filters.gopher import STOP_WORDS, GopherQuality
from textmill.pipeline.cli import app
from textmill.pipeline.errors import UsageError
from textmill.pipeline.languages.derivation import derive_thresholds
from textmill.pipeline.languages.parameters import thresholds
from textmill.pipeline.languages.samples import letter_words
from textmill.pipeline.languages.thresholds import Asked
from textmill.pipeline.testing import batch_of, judge

SYLLABLES = ["ka", "lo", "mi", "tu", "se", "ra", "ne", "po", "di", "wa", "xu", "be"]
USUAL = ["la", "oni", "ku", "te", "mo", "ri", "sa", "ve", "jo"]


def prose(seed: int, documents: int) -> list[str]:
    """Documents in a language that nobody speaks: nine frequent words, and longer ones; lines of sentences."""
    chance = random.Random(seed)

    def sentence() -> str:
        words = [
            chance.choice(USUAL) if i % 2 else "".join(chance.choices(SYLLABLES, k=chance.randint(2, 6)))
            for i in range(chance.randint(6, 14))
        ]
        return " ".join(words).capitalize() + "."

    return ["\n".join(sentence() for _ in range(chance.randint(8, 20))) for _ in range(documents)]


def written(path: Path, **texts: list[str]) -> str:
    rows = [{"text": text, "language": language} for language, several in texts.items() for text in several]
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def derived(tmp_path: Path, *options: str, **inputs: str) -> dict[str, Any]:
    """What the command writes for xx."""
    named = [part for name, path in inputs.items() for part in (f"--{name}", path)]
    result = CliRunner().invoke(
        app, ["derive-thresholds", *named, "--language", "xx", "--out", str(tmp_path), *options], catch_exceptions=False
    )
    assert result.exit_code == 0, result.output
    content: dict[str, Any] = yaml.safe_load((tmp_path / "xx.yaml").read_text(encoding="utf-8"))
    return content


def test_another_label_is_written_with_the_label_that_it_stands_for(tmp_path: Path) -> None:
    for wrong in ("zh", "zh=", "=cmn_Hani"):
        with pytest.raises(UsageError, match=f"--also {wrong}: write LABEL=OTHER"):
            derived(tmp_path, "--also", wrong, reference="x.jsonl")


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> str:
    return written(tmp_path_factory.mktemp("reference") / "reference.jsonl", xx=prose(1, 300), yy=prose(2, 3))


def test_the_filters_keep_what_the_thresholds_were_derived_from(reference: str, tmp_path: Path) -> None:
    content = derived(tmp_path, "--min-documents", "100", "--about", "made up", reference=reference)
    assert content["evidence"] | {"documents": 300, "rule": "tail", "reference": "made up"} == content["evidence"]
    assert set(content["thresholds"]["gopher_quality"]["textmill"]["stop_words"]) >= set(USUAL)
    step = GopherQuality(per_language=True, languages=str(tmp_path))
    fresh = prose(3, 200)
    assert judge(step, {"text": fresh, "language": ["xx"] * 200}).count(None) >= 190
    assert judge(GopherQuality(), fresh).count(None) == 0  # none of the English stop words


def test_all_rules_together_remove_no_more_than_asked(tmp_path: Path) -> None:
    path = written(tmp_path / "r.jsonl", xx=prose(1, 1200))
    for removes in (0.3, 0.02):
        content = derived(tmp_path, "--removes", str(removes), reference=path)
        assert content["evidence"]["kept"] >= 1 - removes
        assert not [note for note in content["notes"] if "reference documents" in note]


def test_few_documents_leave_the_published_thresholds(reference: str, tmp_path: Path) -> None:
    content = derived(tmp_path, reference=reference)
    assert content["notes"][0].startswith("300 reference documents, fewer than 1000")
    for threshold in thresholds():
        section, definition = threshold.home
        assert content["thresholds"][section][definition][threshold.parameter] == threshold.english_value
    assert "stop_words" not in content["thresholds"]["gopher_quality"]["textmill"]
    assert GopherQuality().stop_words == STOP_WORDS


def test_median_ratio_with_english_text_gives_the_published_thresholds(tmp_path: Path) -> None:
    path = written(tmp_path / "r.jsonl", xx=prose(1, 150), en=prose(1, 150))
    content = derived(tmp_path, "--rule", "median_ratio", "--min-documents", "10", reference=path, english=path)
    for threshold in thresholds():
        section, definition = threshold.home
        assert content["thresholds"][section][definition][threshold.parameter] == threshold.english_value


@pytest.mark.parametrize("rule", ["quantile", "ten_tail", "mean_std", "english"])
def test_every_rule_gives_a_file_that_filters_take(rule: str, reference: str, tmp_path: Path) -> None:
    derived(tmp_path, "--rule", rule, "--min-documents", "100", reference=reference)
    GopherQuality(per_language=True, languages=str(tmp_path)).prepare()


def test_a_rule_that_removes_most_of_a_crawl_is_warned_of(reference: str, tmp_path: Path) -> None:
    crawl = written(tmp_path / "crawl.jsonl", xx=["9 8 7 6 5 4 3 2 1 word " * 20] * 20)
    found = derive_thresholds(
        ["xx"],
        {"reference": [reference], "crawl": [crawl]},
        str(tmp_path),
        Asked(min_documents=100),
    )
    assert "gopher_quality.textmill.min_alphabetic_word_ratio removes 100% of xx" in found[0].warnings


def test_a_rule_can_be_switched_off_by_hand(reference: str, tmp_path: Path) -> None:
    options = ("--min-documents", "100", "--off", "fineweb_quality.max_newline_ratio")
    content = derived(tmp_path, *options, reference=reference)
    assert content["thresholds"]["fineweb_quality"]["textmill"]["max_newline_ratio"] is None
    assert any(note.startswith("switched off by hand") for note in content["notes"])


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"asked": Asked(rule="tial")}, "unknown rule 'tial'"),
        ({"asked": Asked(off=("fineweb_quality.max_newlines",))}, "no such parameter"),
        ({"languages": ["zz"]}, "no document in zz"),
        ({"asked": Asked("median_ratio", min_documents=10)}, "--english"),
    ],
)
def test_what_cannot_be_derived_says_so(changes: dict[str, Any], says: str, reference: str, tmp_path: Path) -> None:
    given: dict[str, Any] = {"languages": ["xx"], "inputs": {"reference": [reference]}, "out": str(tmp_path)}
    with pytest.raises(UsageError, match=says):
        derive_thresholds(**(given | changes))


def test_languages_that_inputs_do_not_name_are_identified(tmp_path: Path) -> None:
    german = (
        "Die Katze sitzt auf der Mauer und der Hund schläft im Garten, während die Kinder noch in der Schule sind. "
    )
    english = "The cat sits on the wall and the dog is asleep in the garden while the children are still at school. "
    path = tmp_path / "texts.jsonl"
    path.write_text("".join(json.dumps({"text": text * 3}) + "\n" for text in [german] * 30 + [english] * 10))
    (found,) = derive_thresholds(["de"], {"reference": [str(path)]}, str(tmp_path), Asked(min_documents=10))
    content = yaml.safe_load((tmp_path / "de.yaml").read_text())
    assert content["evidence"]["documents"] == 30
    assert {"die", "der"} <= set(found.words.stop_words)
    assert 0.3 <= found.min_score <= 0.9


def test_words_of_letters() -> None:
    assert letter_words("Don't stop, 3 हिन्दी 日本語!") == ["हिन्दी", "日", "本", "語"]
    assert judge(GopherQuality(stop_words=("हिन्दी",), min_stop_words=1, min_words=1), batch_of(["हिन्दी word"])) == [
        None
    ]
