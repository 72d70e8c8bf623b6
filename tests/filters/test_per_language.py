"""Thresholds by language: each row has its own, files are checked, and what has no file is counted."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from textmill.filters.bad_words import C4BadWords
from textmill.filters.fineweb import FinewebQuality
from textmill.filters.gopher import GopherQuality
from textmill.filters.language_threshold import LanguageThreshold
from textmill.filters.letter_pairs import LetterPairs
from textmill.filters.per_language import PACKAGED, PerLanguage, load_languages
from textmill.filters.repetition import GopherRepetition
from textmill.pipeline.errors import InputError
from textmill.pipeline.io.files import resolve_packaged
from textmill.pipeline.testing import batch_of, judge

FILTERS = (GopherQuality, GopherRepetition, FinewebQuality, LanguageThreshold, LetterPairs)


def folder(path: Path, **thresholds: dict[str, Any]) -> str:
    """A folder with a file for each keyword, a language."""
    path.mkdir(exist_ok=True)
    for language, stated in thresholds.items():
        content = {"language": language, "thresholds": stated}
        (path / f"{language}.yaml").write_text(yaml.safe_dump(content, allow_unicode=True))
    return str(path)


def gopher(**stated: object) -> dict[str, Any]:
    return {"gopher_quality": {"textmill": stated}}


def test_each_row_is_judged_by_its_own_language(tmp_path: Path) -> None:
    languages = folder(
        tmp_path, de=gopher(min_words=3, stop_words=["und", "die"]), zh=gopher(min_mean_word_length=1, min_words=None)
    )
    step = GopherQuality(
        per_language=True, languages=languages, min_words=5, min_stop_words=1, stop_words=("the", "的")
    )
    rows = [
        ("die Katze und", "de", None),
        ("the cat sees", "de", "too_few_stop_words"),
        ("the cat sees", "en", "too_few_words"),
        ("the cat sees", None, "too_few_words"),
        ("the cat sees the dog", "en", None),
        ("我的", "zh", None),
        ("我的", "ja", "too_few_words"),
        ("die Katze", "de", "too_few_words"),
    ]
    texts, labels, reasons = zip(*rows, strict=True)
    verdict = step.judge(batch_of({"text": texts, "language": labels}))
    assert verdict.reasons == list(reasons)
    assert verdict.thresholds.tolist()[2] == 5
    assert verdict.thresholds.tolist()[7] == 3


def test_a_language_judges_alike_alone_and_among_others(tmp_path: Path) -> None:
    languages = folder(tmp_path, de=gopher(max_mean_word_length=4), fr=gopher(min_alphabetic_word_ratio=0.1))
    step = GopherQuality(per_language=True, languages=languages, min_words=1)
    texts = ["the and those", "the and gesellschaft", "123 123 the and", "x y the and"]
    texts, labels = texts * 4, [label for label in ("de", "fr", "en", None) for _ in texts]
    together = judge(step, {"text": texts, "language": labels})
    alone = [judge(step, {"text": [t], "language": [label]})[0] for t, label in zip(texts, labels, strict=True)]
    assert together == alone
    assert len(set(together)) > 2


@pytest.mark.parametrize("filter_type", FILTERS)
def test_without_languages_nothing_changes(filter_type: type[PerLanguage]) -> None:
    plain = filter_type(per_language=False)
    assert "language" not in plain.reads()
    assert plain.depends_on() == ()
    assert "language" in filter_type(per_language=True).reads()


@pytest.mark.parametrize("filter_type", FILTERS)
def test_the_packaged_files_fit_every_filter(filter_type: type[PerLanguage]) -> None:
    step = filter_type(per_language=True)
    step.prepare()
    assert {Path(path).stem for path in step.depends_on()} >= {"de", "zh", "ja", "th"}
    if "definition" in filter_type.model_fields and filter_type is not GopherQuality:
        filter_type.model_validate({"per_language": True, "definition": "datatrove"}).prepare()


def test_a_language_may_have_other_labels(tmp_path: Path) -> None:
    path = Path(folder(tmp_path, de=gopher(min_words=2, min_stop_words=0))) / "de.yaml"
    path.write_text(path.read_text() + "also: [deu_Latn]\n")
    step = GopherQuality(per_language=True, languages=str(tmp_path))
    assert judge(step, {"text": ["zwei Wörter"], "language": ["deu_Latn"]}) == [None]


def test_a_rule_that_the_recipe_switches_off_stays_off(tmp_path: Path) -> None:
    languages = folder(tmp_path, de=gopher(min_words=3))
    step = GopherQuality(per_language=True, languages=languages, min_words=None, min_stop_words=None)
    assert judge(step, {"text": ["Wort wort"], "language": ["de"]}) == [None]


def test_documents_of_languages_without_file_are_counted(tmp_path: Path) -> None:
    step = GopherQuality(per_language=True, languages=folder(tmp_path, de=gopher()))
    batch = batch_of({"text": ["a"] * 4, "language": ["de", "en", None, "de"]})
    assert step.tally(batch) == {"without_language_file": 2}
    assert GopherQuality().tally(batch) == {}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("language: de\nthresholds: {gopher_quality: {textmill: {min_wrods: 3}}}", "min_wrods"),
        ("language: de\nthresholds: {gopher_quality: {textmill: {min_words: many}}}", "min_words"),
        ("language: de\nthresholds: {gopher_quality: {dclm: {min_words: 3}}}", "for definition dclm, not for textmill"),
        ("language: de", "thresholds"),
        ("language: [", "not YAML"),
        ("language: de\nalso: [de]\nthresholds: {}", "de has a file already"),
    ],
)
def test_what_is_wrong_is_found_before_the_run(tmp_path: Path, content: str, says: str) -> None:
    (tmp_path / "de.yaml").write_text(content)
    with pytest.raises(InputError, match=says):
        GopherQuality(per_language=True, languages=str(tmp_path)).prepare()


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        GopherQuality(per_language=True, languages=str(tmp_path / "none")).prepare()


def test_an_edited_file_is_read_again(tmp_path: Path) -> None:
    step = GopherQuality(per_language=True, languages=folder(tmp_path, de=gopher(min_words=3)), min_stop_words=None)
    document = {"text": ["zwei Wörter"], "language": ["de"]}
    assert judge(step, document) == ["too_few_words"]
    path = tmp_path / "de.yaml"
    path.write_text(path.read_text().replace("3", "2"))
    import os

    os.utime(path, (1, 1))
    assert judge(step, document) == [None]


def test_what_holds_for_a_language_is_worked_out_once_and_not_for_every_batch() -> None:
    batch = batch_of({"text": ["eins", "one"], "language": ["de", "en"]})
    once, again = (FinewebQuality(per_language=True).for_rows(batch).variants for _ in range(2))
    assert len(once) == 3
    assert [one is other for one, other in zip(once[1:], again[1:], strict=True)] == [True, True]
    others = FinewebQuality(per_language=True, max_newline_ratio=None).for_rows(batch).variants
    assert all(variant.max_newline_ratio is None for variant in others)


def test_the_packaged_files_are_found_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "th" in load_languages(PACKAGED)
    shutil.copytree(resolve_packaged(PACKAGED), tmp_path / "mine")
    assert load_languages("mine").keys() == load_languages(PACKAGED).keys()


def test_the_score_that_a_language_needs(tmp_path: Path) -> None:
    languages = folder(tmp_path, de={"language_threshold": {"min_score": 0.9}})
    step = LanguageThreshold(languages=languages, min_score=0.4)
    rows = {"language": ["de", "de", "fr", "fr", None, "de"], "language_score": [0.9, 0.89, 0.4, 0.39, 0.5, None]}
    expected = [None, "language_score_too_low", None, "language_score_too_low", None, "missing_language_score"]
    assert judge(step, rows) == expected
    assert "text" not in step.reads()


def test_borders_of_bad_words_are_the_language_s(tmp_path: Path) -> None:
    (tmp_path / "words").write_text("bad\n")
    languages = folder(tmp_path / "languages", xx={"c4_bad_words": {"borders": False}})
    lists = {"xx": (str(tmp_path / "words"),), "en": (str(tmp_path / "words"),)}
    step = C4BadWords(lists=lists, per_language=True, languages=languages)
    rows = {"text": ["a badge", "a badge", "a bad day"], "language": ["xx", "en", "en"]}
    assert judge(step, rows) == ["bad_word", None, "bad_word"]
    assert judge(C4BadWords(lists=lists), rows) == [None, None, "bad_word"]
