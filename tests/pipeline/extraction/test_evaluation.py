"""Scores of extracted texts, averages with intervals, and `textmill eval extractor`."""

import json

import naive_evaluation as naive
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from strategies import hard_texts, twin_texts
from typer.testing import CliRunner

from textmill.pipeline.cli import app
from textmill.pipeline.errors import InputError, UsageError
from textmill.pipeline.extraction.resampling import interval, ratios, resample
from textmill.pipeline.extraction.scoring import METRICS, _longest_rise, keywords, score_pages, score_texts

NAN = float("nan")


def score(found: str, known: str) -> list[float]:
    value, weight = score_texts(keywords(pa.array([found])), keywords(pa.array([known])))
    return [v if w else NAN for v, w in zip(value[0], weight[0], strict=True)]


@pytest.mark.parametrize(
    ("found", "known", "expected"),
    [
        ("a b c", "a b c", [1, 1, 1, 1, NAN]),
        ("A  B\tC", "a b c", [1, 1, 1, 1, NAN]),
        ("", "a b", [0, 0, 0, NAN, NAN]),
        ("x", "a b", [0, 0, 0, NAN, NAN]),
        ("a b", "", [NAN] * 5),
        ("a b", " \n ", [NAN] * 5),
        ("a a a b", "a b b", [4 / 7, 2 / 4, 2 / 3, 1, NAN]),  # one a and one b are shared; the pair is a-b
        ("世界 是", "世界", [0.8, 2 / 3, 1, 1, NAN]),  # a character is a word
        ("a b\nc d", "a b\n\nc d", [1, 1, 1, 1, 1]),
        ("a b c d", "a b\nc d", [1, 1, 1, 1, 0]),
        ("a\nb c\nd", "a b\nc\nd", [1, 1, 1, 1, 0.5]),  # breaks after a, c against b, c
        ("menu\na b\nc d", "a b\nc d", [8 / 9, 4 / 5, 1, 1, 1]),  # what is too much breaks no paragraph
        ("c d e a b", "a b c d e", [1, 1, 1, 2 / 3, NAN]),  # of a-b, c-d, d-e, the last two are in order
    ],
)
def test_scores_that_one_can_count(found, known, expected):
    assert naive.alike(score(found, known), expected)


@given(st.one_of(twin_texts, hard_texts), st.one_of(twin_texts, hard_texts))
@example("İ ΟΔΟΣ", "i οδος")
@settings(max_examples=150)
def test_scores_are_those_of_the_slow_twin(found, known):
    if len(found) < 60 and len(known) < 60:
        assert naive.alike(score(found, known), naive.score_text(found, known))


words = st.lists(st.sampled_from(["a", "b", "c", "d", "e", "\n"]), max_size=14).map(" ".join)


@given(words, words)
@settings(max_examples=150)
def test_scores_are_those_of_the_slow_twin_where_much_is_shared(found, known):
    assert naive.alike(score(found, known), naive.score_text(found, known))


@given(st.lists(st.integers(0, 60), unique=True, max_size=10))
def test_the_longest_rise_is_found(numbers):
    assert _longest_rise(np.array(numbers, np.int64)) == naive.longest_rise(numbers)


@given(st.lists(st.tuples(words, words), min_size=1, max_size=5))
@settings(max_examples=50)
def test_a_page_scores_the_same_beside_others_and_in_slices(pairs):
    found, known = (pa.array([pair[side] for pair in pairs]) for side in (0, 1))
    whole = score_texts(keywords(found), keywords(known))
    for page in range(len(pairs)):
        one = score_texts(keywords(found.slice(page, 1)), keywords(known.slice(page, 1)))
        assert (one.value[0] == whole.value[page]).all()
        assert (one.weight[0] == whole.weight[page]).all()


def test_snippets_are_counted_whatever_white_space_they_have():
    texts = pa.array(["The mill\nground  wheat. Imprint", None])
    value, weight = score_pages(
        texts, pa.array(["", ""]), [["mill ground\twheat", "not there"], ["x"]], [["Imprint"], []]
    )
    assert value[:, -2:].tolist() == [[1, 1], [0, 0]]
    assert weight[:, -2:].tolist() == [[2, 1], [1, 0]]
    assert not weight[:, :-2].any()


def test_sites_are_drawn_whole():
    sites = ["one"] * 50 + ["other"] * 50
    value = np.repeat([0.0, 1.0], 50)
    drawn = ratios(resample(sites, 200, 0), value, np.ones(100))
    assert drawn[0] == 0.5
    assert set(drawn.tolist()) == {0.0, 0.5, 1.0}
    assert interval(drawn) == (0.5, 0.0, 1.0)


def test_a_group_without_pages_has_no_value():
    drawn = ratios(resample(["a", "b"], 10, 0), np.zeros(2), np.zeros(2))
    assert np.isnan(drawn).all()
    assert np.isnan(interval(drawn)).all()


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(5)
    covered = 0
    for run in range(200):
        values = rng.random(60)
        _, low, high = interval(ratios(resample([str(n) for n in range(60)], 200, run), values, np.ones(60)))
        covered += low <= 0.5 <= high
    assert 0.89 <= covered / 200 <= 0.99


SENTENCE = "The mill on the river has ground wheat for the villages of the valley since 1803. "
PAGE = f"<html><body><nav><a href=/>Home</a></nav><article><p>{SENTENCE * 4}</p></article></body></html>".encode()


@pytest.fixture
def table(tmp_path):
    rows = {
        "id": [f"p{n}" for n in range(24)],
        "html": [PAGE] * 23 + [b""],
        "gold_text": [SENTENCE * 4] * 22 + [None, SENTENCE],
        "with_snippets": [[]] * 22 + [["The mill on the river"], []],
        "without_snippets": [[]] * 22 + [["Home"], []],
        "set": ["one"] * 12 + ["other"] * 12,
        "domain": [f"site{n % 6}" for n in range(24)],
        "lang": ["en"] * 24,
    }
    path = tmp_path / "labelled.parquet"
    pq.write_table(pa.table(rows), path)
    return path


def evaluate(table, *options: str) -> dict:
    report = table.with_name("report.json")
    result = CliRunner().invoke(app, ["eval", "extractor", str(table), "--json", str(report), *options])
    if result.exception:
        raise result.exception
    return json.loads(report.read_text()) | {"printed": result.output}


def test_engines_are_measured_on_the_same_pages(table, tmp_path):
    pages = tmp_path / "pages.parquet"
    fast = "trafilatura mode=fast metadata=[title]"
    report = evaluate(table, "--engine", fast, "--engine", "resiliparse", "--pages", str(pages))
    assert report["pages"] == 24
    assert report["sites"] == 6
    assert report["counts"]["collection"] == {"one": 12, "other": 12}
    first, second = report["engines"]
    assert first["options"] == {"engine": "trafilatura", "mode": "fast", "metadata": ["title"]}
    assert first["refused"] == {"no_text": 1}
    scores = first["scores"]
    assert scores["collection"]["one"]["f1"] == [1, 1, 1]
    assert scores["collection"]["other"]["f1"][0] == pytest.approx(10 / 11, abs=1e-5)
    assert scores["all"]["collections"]["f1"][0] == pytest.approx(21 / 22, abs=1e-5)
    assert scores["all"]["pages"]["f1"][0] == pytest.approx(22 / 23, abs=1e-5)
    assert scores["all"]["pages"]["kept"][0] == 1
    assert scores["all"]["pages"]["leaked"][0] == 0
    assert first["less_first"]["all"]["pages"]["f1"] == [0, 0, 0]
    assert second["pages_per_second"] > 0
    rows = pq.read_table(pages).to_pylist()
    assert len(rows) == 48
    assert rows[22] | {"text": ""} == dict.fromkeys(METRICS) | {
        "id": "p22", "engine": fast, "text": "", "kept": 1, "leaked": 0
    }  # fmt: skip
    assert "resiliparse" in report["printed"]


def test_texts_of_other_extractors_are_measured_by_their_ids(table, tmp_path):
    texts = tmp_path / "texts.parquet"
    pq.write_table(pa.table({"id": [f"p{n}" for n in range(20)], "text": [SENTENCE * 4] * 20}), texts)
    report = evaluate(table, "--texts", f"mine={texts}", "--small", "13")
    (mine,) = report["engines"]
    assert mine["refused"] == {"not_among_texts": 4}
    assert mine["pages_per_second"] is None
    assert mine["scores"]["all"]["pages"]["f1"][0] == pytest.approx(20 / 23, abs=1e-5)
    assert "collections" not in mine["scores"]["all"]


def test_the_same_seed_gives_the_same_report(table):
    one, other = (evaluate(table, "--engine", "resiliparse", "--seed", "7") for _ in range(2))
    assert one["engines"][0]["scores"] == other["engines"][0]["scores"]


def test_columns_may_have_other_names(table, tmp_path):
    renamed = tmp_path / "renamed.parquet"
    pq.write_table(pq.read_table(table).rename_columns({"gold_text": "main"}).select(["html", "main"]), renamed)
    report = evaluate(renamed, "--engine", "resiliparse", "--column", "known=main")
    assert report["sites"] == 24
    assert report["counts"]["collection"] == {}
    assert report["engines"][0]["scores"]["all"]["pages"]["f1"][0] > 0.9


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--engine", "trafilatur"], "trafilatura"),
        (["--engine", "trafilatura favour=precision"], "favour"),
        (["--column", "knwn=x"], "did you mean 'known'"),
        (["--column", "known"], "KEY=NAME"),
        (["--column", "html=page"], "no column 'page'"),
        (["--texts", "mine"], "NAME=FILE"),
    ],
)
def test_wrong_options_are_told(table, options, told):
    with pytest.raises((UsageError, InputError), match=told):
        evaluate(table, *options)
