"""The perplexity of a document: kenlm's own figure, by language, by line, in buckets; and what has none."""

import json
import math
from itertools import islice
from pathlib import Path
from typing import Any

import kenlm
import naive_perplexity
import numpy as np
import pyarrow as pa
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from kenlm_models import ARPA, FLAT, write_model
from pydantic import ValidationError
from strategies import hard_columns

from textmill.pipeline.errors import InputError, ModelError
from textmill.pipeline.testing import batch_of, score
from textmill.scorers import kenlm_model
from textmill.scorers.cutoffs import Histogram, buckets, read_cutoffs
from textmill.scorers.harmful_perplexity import HarmfulPerplexity
from textmill.scorers.kenlm_model import log10_probability
from textmill.scorers.perplexity import Perplexity


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_model(tmp_path_factory.mktemp("kenlm"))


def perplexities(step: Perplexity, texts: Any) -> list[Any]:
    return score(step, texts)["perplexity"]


def test_nine_tokens_of_probability_one_in_a_hundred_and_the_end_have_perplexity_100(tmp_path: Path) -> None:
    flat = write_model(tmp_path, FLAT)
    assert kenlm.Model(flat).score(" ".join(["word"] * 9)) == -20
    assert perplexities(Perplexity(model=flat), [" ".join(["word"] * 9)]) == [100.0]


def test_by_hand(model: str) -> None:
    log10 = {"the cat": -0.6 - 0.4 + (-0.09 - 0.27 - 1.2), "the": -0.6 + (-0.17 - 0.42 - 1.2)}
    found = perplexities(Perplexity(model=model, normalize="words"), ["The Cat", "the", "The\nthe cat"])
    assert found[:2] == pytest.approx([10 ** (-log10["the cat"] / 3), 10 ** (-log10["the"] / 2)], rel=1e-6)
    lines = score(
        Perplexity(model=model, normalize="words", sentences="line", lines=True), ["\nThe\n\n the cat", "…\n"]
    )
    both = 10 ** (-(log10["the cat"] + log10["the"]) / 5)
    assert lines["perplexity"][0] == pytest.approx(both, rel=1e-6)
    assert lines["perplexity_lines"][0] == pytest.approx([found[1], found[0]], rel=1e-6)


@settings(max_examples=50)
@given(hard_columns, st.sampled_from(["cc_net", "words", "none"]), st.sampled_from(["document", "line"]))
def test_it_is_what_kenlm_says(model: str, texts: list[str | None], normalize: Any, unit: Any) -> None:
    found = perplexities(Perplexity(model=model, normalize=normalize, sentences=unit), texts)
    asked = kenlm.Model(model)
    for text, value in zip(texts, found, strict=True):
        sentences = naive_perplexity.sentences(text or "", normalize, unit)
        assert (value is None) == (not sentences)
        if sentences:
            assert value == pytest.approx(naive_perplexity.perplexity(asked, sentences), rel=1e-5)
        if len(sentences) == 1:
            assert value == pytest.approx(asked.perplexity(sentences[0]), rel=1e-5)


def test_real_texts_have_the_perplexity_that_kenlm_says(model: str, real_data: Path) -> None:
    with zstandard.open(real_data / "text/web/c4_sample.jsonl.zst", "rt", encoding="utf-8") as rows:
        texts = [json.loads(row)["text"] for row in islice(rows, 100)]
    asked = kenlm.Model(model)
    expected = [asked.perplexity(naive_perplexity.cc_net(text)) for text in texts]
    assert perplexities(Perplexity(model=model), texts) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("normalize", ["cc_net", "words", "none"])
def test_text_without_a_word_has_none(model: str, normalize: Any) -> None:
    texts = [None, "", " \n ", "\0\0", "the"]
    found = score(Perplexity(model=model, normalize=normalize, lines=True), texts)
    assert [value is None for value in found["perplexity"]] == [True] * 4 + [False]
    assert [len(lines) for lines in found["perplexity_lines"]] == [0, 0, 0, 0, 1]  # type: ignore[arg-type]


def test_bytes_that_are_not_utf8_and_nuls_hide_nothing(model: str) -> None:
    raw = pa.array([b"the\xff cat", b"\xed\xa0\x80", b"the \0 cat sat"], pa.binary())
    column = pa.Array.from_buffers(pa.string(), 3, raw.buffers())
    found = perplexities(Perplexity(model=model, normalize="words"), {"text": column})
    assert found == pytest.approx(
        perplexities(
            Perplexity(model=model, normalize="words"), ["the \ufffd cat", "\ufffd\ufffd\ufffd", "the cat sat"]
        )
    )


def test_a_batch_gives_what_each_document_gives_alone(model: str) -> None:
    texts = ["The cat sat.", None, "the " * 300, "", "日本語 cat", "the\x00cat", "\U0001f600 word"]
    together = score(Perplexity(model=model, lines=True), texts)
    alone = [score(Perplexity(model=model, lines=True), [text]) for text in texts]
    assert together == {name: [one[name][0] for one in alone] for name in together}


@pytest.mark.parametrize("words", [8192, 8193, 30_000])
def test_a_sentence_of_very_many_words_is_added_up_in_double_precision(words: int, model: str) -> None:
    chosen = np.random.default_rng(words).choice(["the", "cat", "sat", "mat", ".", "word", "other"], words)
    asked, text = kenlm.Model(model), " ".join(chosen)
    exact = math.fsum(log10 for log10, _, _ in asked.full_scores(text))
    found = log10_probability(asked, text.replace(" ", "  ").encode(), words)
    assert found == pytest.approx(exact, rel=2e-6 if words > 8192 else 1e-5)


def test_where_kenlms_own_sum_drifts_ours_does_not(tmp_path: Path) -> None:
    words = 3_000_000
    dull = FLAT.replace("-2\tword word", "-0.3\tword word").replace("-2\tword\t0", "-0.3\tword\t0")
    asked = kenlm.Model(write_model(tmp_path, dull))
    text = b"word " * words
    exact = -0.3 * words - 2
    assert log10_probability(asked, text, words) == pytest.approx(exact, rel=5e-5)
    assert asked.score(text) != pytest.approx(exact, rel=1e-3)


def test_each_language_has_its_model_and_others_none(model: str, tmp_path: Path) -> None:
    flat = write_model(tmp_path, FLAT)
    step = Perplexity(model={"en": model, "de": flat}, lines=True, cutoffs={"en": (1, 50), "any": (50, 101)})
    rows = {"text": ["the cat", "wort", "mot", "the", ""], "language": ["en", "de", "fr", None, "en"]}
    found = score(step, rows)
    assert step.reads() == {"text", "language"}
    assert step.adds() == set(found) == {"perplexity", "perplexity_lines", "perplexity_bucket"}
    assert found["perplexity"][:2] == [perplexities(Perplexity(model=model), ["the cat"])[0], pytest.approx(100)]
    assert found["perplexity"][2:] == [None, None, None]
    assert found["perplexity_lines"][2:] == [None, None, []]
    assert found["perplexity_bucket"] == ["middle", "middle", "all", "all", "all"]


def test_types_of_an_empty_batch(model: str) -> None:
    rows = batch_of({"text": pa.array([], pa.string()), "language": pa.array([], pa.string())})
    columns = Perplexity(model=model, lines=True, cutoffs={"en": (3, 4)}, column="pp").score(rows)
    assert {name: str(column.type) for name, column in columns.items()} == {
        "pp": "double",
        "pp_lines": "list<item: float>",
        "pp_bucket": "string",
    }


def test_head_is_below_the_first_cut_point_and_tail_from_the_second_on() -> None:
    found = buckets(np.array([1.0, 2.0, 3.0, 4.0, np.nan]), ["x"] * 5, {"x": (2, 4)})
    assert found.to_pylist() == ["head", "middle", "middle", "tail", "all"]


def test_cut_points_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "cutoffs.json").write_text('{"en": [340, 520.5]}')
    (tmp_path / "cutoff.csv").write_text(",en,fr\n0,1,1\n30,340,180\n60,520.5,330\n")
    assert read_cutoffs(f"{tmp_path}/cutoffs.json") == {"en": (340, 520.5)}
    assert read_cutoffs(f"{tmp_path}/cutoff.csv") == {"en": (340, 520.5), "fr": (180, 330)}


@pytest.mark.parametrize("content", ["", "{}x", '{"en": 3}', '{"en": [5, 2]}', "a,b\n30,1\n", ",en\n30,x\n60,y\n"])
def test_a_file_without_cut_points_is_refused(content: str, tmp_path: Path, model: str) -> None:
    (tmp_path / "cutoffs").write_text(content)
    step = Perplexity(model=model, cutoffs=f"{tmp_path}/cutoffs")
    assert step.depends_on() == (model, f"{tmp_path}/cutoffs")
    with pytest.raises(InputError, match="cut points"):
        step.prepare()


def test_cut_points_must_rise(model: str) -> None:
    with pytest.raises(ValidationError, match="must rise"):
        Perplexity(model=model, cutoffs={"en": (5, 4)})


@given(st.lists(st.floats(1, 900_000), min_size=1, max_size=300), st.integers(1, 4))
def test_percentiles_are_those_of_the_values_within_a_bin_however_they_were_counted(
    values: list[float], parts: int
) -> None:
    histogram = Histogram()
    for part in np.array_split(np.array(values), parts):
        histogram.add(part, ["en"] * len(part))
    head, middle = histogram.cutoffs()["en"]
    ranked = sorted(values)
    for cut, percentile in ((head, 30), (middle, 60)):
        exact = ranked[math.ceil(percentile / 100 * len(values)) - 1]
        assert cut == pytest.approx(exact, rel=0.006, abs=0.01)


def test_the_histogram_leaves_out_what_has_no_perplexity() -> None:
    histogram = Histogram()
    histogram.add(np.array([10.0, np.nan, 1000.0, 1e9]), ["en", "de", "fr", None])
    assert histogram.cutoffs().keys() == {"en", "fr", "any"}
    assert Histogram().cutoffs() == {}


@pytest.mark.parametrize("content", ["", "<html>not found</html>", ARPA[:200], "\x00" * 500])
def test_a_file_that_is_no_model_is_refused(content: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no language model"):
        Perplexity(model=write_model(tmp_path, content)).prepare()


def test_a_missing_model_or_tokenizer_is_told(model: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such model file"):
        Perplexity(model="/nowhere/en.bin").prepare()
    with pytest.raises(ModelError, match="no such model file"):
        Perplexity(model={"en": model, "de": "/nowhere/de.bin"}).prepare()
    with pytest.raises(ModelError, match="no such model file"):
        Perplexity(model=model, tokenizer="/nowhere/en.spm").prepare()
    with pytest.raises(ModelError, match="not a SentencePiece model"):
        Perplexity(model=model, tokenizer=model).prepare()
    (tmp_path / "empty.spm").touch()
    with pytest.raises(ModelError, match="not a SentencePiece model"):
        Perplexity(model=model, tokenizer=f"{tmp_path}/empty.spm").prepare()


def test_a_card_says_how_text_is_prepared_and_is_part_of_what_determines_the_output(tmp_path: Path) -> None:
    model = write_model(tmp_path)
    text = ["The cat\nsat."]
    assert Perplexity(model=model).depends_on() == (model,)
    plain = perplexities(Perplexity(model=model), text)
    carded = write_model(tmp_path, name="carded.arpa")
    Path(f"{carded}.json").write_text('{"normalize": "words", "sentences": "line", "more": 1}')
    assert Perplexity(model=carded).depends_on() == (carded, f"{carded}.json")
    assert perplexities(Perplexity(model=carded), text) != plain
    assert perplexities(Perplexity(model=model, normalize="words", sentences="line"), text) == perplexities(
        Perplexity(model=carded), text
    )
    assert perplexities(Perplexity(model=carded, normalize="cc_net", sentences="document"), text) == plain


@pytest.mark.parametrize("content", ["", "[]", '{"normalize": "wrong"}', "\udcff"])
def test_a_damaged_card_is_refused(content: str, tmp_path: Path) -> None:
    model = write_model(tmp_path)
    Path(f"{model}.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(ModelError, match="not the card"):
        Perplexity(model=model).prepare()


def test_harmful_is_what_the_harmful_model_foresees_well(tmp_path: Path, model: str) -> None:
    rows = {"text": ["the cat sat", "unheard of", "", "the cat"], "language": ["en", "en", "en", "fr"]}
    found = score(HarmfulPerplexity(model=model, threshold=50), rows)
    assert found["harmful"] == [True, False, None, True]
    assert found["harmful_perplexity"] == score(Perplexity(model=model), rows)["perplexity"]
    by_language = HarmfulPerplexity(model={"en": model}, threshold={"en": 1, "fr": 1e9})
    assert score(by_language, rows)["harmful"] == [False, False, None, None]
    assert by_language.reads() == {"text", "language"}


def test_the_threshold_is_the_cards_unless_given(tmp_path: Path) -> None:
    model = write_model(tmp_path)
    with pytest.raises(ModelError, match="states no threshold"):
        HarmfulPerplexity(model=model).prepare()
    Path(f"{model}.json").write_text('{"threshold": 50}')
    HarmfulPerplexity(model=model).prepare()
    assert score(HarmfulPerplexity(model=model), ["the cat sat", "unheard of"])["harmful"] == [True, False]
    assert score(HarmfulPerplexity(model=model, threshold=1), ["the cat sat"])["harmful"] == [False]


def test_a_model_is_read_once(model: str) -> None:
    kenlm_model.load_kenlm.cache_clear()
    for _ in range(3):
        perplexities(Perplexity(model=model), ["the cat"])
    assert kenlm_model.load_kenlm.cache_info().misses <= 1
