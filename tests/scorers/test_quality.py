"""The quality of a document: fastText's own probabilities, whatever the document holds."""

import shutil
from pathlib import Path

import fasttext
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from quality_texts import CLEAN, NOISY, documents
from strategies import hard_texts

from textmill.pipeline.errors import ModelError
from textmill.pipeline.testing import batch_of, score
from textmill.scorers.fasttext import load_classifier
from textmill.scorers.quality import Quality

GOOD, BAD = documents(CLEAN, 2, 7)[0], documents(NOISY, 2, 8)[0]


def train(folder: Path, *labels: str, **options: object) -> Path:
    """A model that tells texts of as many kinds as there are labels."""
    kinds = [documents(words, 60, i) for i, words in enumerate([CLEAN, NOISY, ["zig", "zag"]])]
    lines = [
        f"__label__{label} " + text.replace("\n", " ")
        for label, kind in zip(labels, kinds, strict=False)
        for text in kind
    ]
    (folder / "train.txt").write_text("\n".join(lines))
    small = {"thread": 1, "epoch": 10, "lr": 0.5, "dim": 4, "bucket": 1000, "wordNgrams": 2, "verbose": 0}
    model = fasttext.train_supervised(str(folder / "train.txt"), **{**small, **options})
    model.save_model(str(folder / "model.bin"))
    return folder / "model.bin"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(train(tmp_path_factory.mktemp("two"), "positive", "negative"))


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(train(tmp_path_factory.mktemp("three"), "hq", "cc", "odd", loss="ova"))


def raw(model: str, text: str, label: str) -> float:
    """What fastText itself says of a document."""
    labels, probabilities = fasttext.load_model(model).predict(text.replace("\n", " ").replace("</s>", " "), k=-1)
    return dict(zip(labels, probabilities.tolist(), strict=True)).get(f"__label__{label}", 0.0)


def test_the_score_is_the_probability_of_the_positive_label(model: str) -> None:
    good, bad = score(Quality(model=model), [GOOD, BAD])["quality"]
    assert good == pytest.approx(raw(model, GOOD, "positive"))
    assert bad == pytest.approx(raw(model, BAD, "positive"))
    assert good > 0.9 > 0.1 > bad  # type: ignore[operator]


@settings(max_examples=60)
@given(texts=st.lists(hard_texts, max_size=5))
def test_hard_texts_score_as_fasttext_has_them(model: str, texts: list[str]) -> None:
    known = load_classifier(model)
    found = score(Quality(model=model), texts)["quality"]
    for text, value in zip(texts, found, strict=True):
        if not text.strip():
            assert value is None
        else:
            pairs = known.f.predict(text.replace("\n", " ") + "\n", -1, 0.0, "strict")
            expected = next(p for p, label in pairs if label == "__label__positive")
            assert value == pytest.approx(min(expected, 1.0), abs=1e-6)
            assert 0 <= value <= 1  # type: ignore[operator]


@pytest.mark.parametrize("text", ["", " \n\t ", "\u3000\u2028\u00a0", "\u3000" * 40, None])
def test_a_document_without_a_visible_character_has_no_score(model: str, text: str | None) -> None:
    assert score(Quality(model=model), [text, GOOD])["quality"][0] is None
    assert score(Quality(model=model, also=("negative",)), [text])["quality_negative"] == [None]


def test_documents_without_score_are_counted(model: str) -> None:
    step = Quality(model=model, column="mine")
    batch, _ = step.apply(batch_of(["", GOOD, None, "\n"]))
    assert step.tally(batch) == {"without_score": 3}


def test_a_visible_character_after_much_space_counts(model: str) -> None:
    assert score(Quality(model=model), ["\u3000" * 40 + GOOD])["quality"][0] > 0.9  # type: ignore[operator]


def test_nothing_after_a_newline_or_an_end_of_sentence_token_is_lost(model: str) -> None:
    hidden = [f"a\n{GOOD}", f"a </s> {GOOD}", f"a\r\n</s>\n{GOOD}"]
    assert all(value > 0.9 for value in score(Quality(model=model), hidden)["quality"])  # type: ignore[operator]


def test_a_batch_gives_what_each_document_gives_alone(model: str) -> None:
    texts = [GOOD, None, BAD * 50, "", "a\x00b", "x </s> y", "\U0001f600 ok", GOOD + BAD]
    together = score(Quality(model=model, also=("negative",)), texts)
    alone = [score(Quality(model=model, also=("negative",)), [text]) for text in texts]
    assert together == {name: [one[name][0] for one in alone] for name in together}


def test_slices_and_large_strings_are_read_where_they_stand(model: str) -> None:
    column = pa.array(["x", BAD, None, GOOD, "x"], pa.large_string()).slice(1, 3)
    bad, none, good = score(Quality(model=model), {"text": column})["quality"]
    assert (bad < 0.1, none, good > 0.9) == (True, None, True)  # type: ignore[operator]


def test_bytes_that_are_not_utf8_do_no_harm(model: str) -> None:
    content = pa.array([b"\xff\xfe " + GOOD.encode(), b"\xed\xa0\x80", b"\xed\xa0\x80 " + BAD.encode()], pa.binary())
    column = pa.Array.from_buffers(pa.string(), 3, content.buffers())
    for judge in (Quality(model=model), Quality(model=model, max_chars=10_000)):
        good, _, bad = score(judge, {"text": column})["quality"]
        assert good > 0.9 > 0.1 > bad  # type: ignore[operator]


def test_several_labels_add_up_and_stay_within_one(three: str) -> None:
    judge = Quality(model=three, positive=("hq", "odd"), also=("hq", "odd", "cc"), column="dclm")
    columns = score(judge, [GOOD, BAD, "zig zag " * 9, GOOD + " zig zag" * 20])
    assert set(columns) == judge.adds() == {"dclm", "dclm_hq", "dclm_odd", "dclm_cc"}
    for total, first, second in zip(columns["dclm"], columns["dclm_hq"], columns["dclm_odd"], strict=True):
        assert total == pytest.approx(min(1.0, first + second), abs=1e-6)  # type: ignore[operator]
    assert max(columns["dclm"]) == 1.0  # type: ignore[type-var]


def test_only_the_first_characters_count_where_asked(model: str) -> None:
    short, whole = Quality(model=model, max_chars=len(GOOD)), Quality(model=model)
    assert score(short, [GOOD + "\n" + 9 * BAD]) == score(whole, [GOOD])
    assert score(whole, [GOOD + "\n" + 9 * BAD]) != score(whole, [GOOD])


def test_one_label_may_stand_without_a_list(three: str) -> None:
    assert Quality.model_validate({"model": three, "positive": "hq"}) == Quality(model=three, positive=("hq",))


def test_a_wrong_label_is_found_before_the_run(three: str) -> None:
    with pytest.raises(ModelError, match=r"no label 'positive' \(it has: cc, hq, odd\)"):
        Quality(model=three).prepare()
    with pytest.raises(ModelError, match="no label 'od'; did you mean 'odd'"):
        Quality(model=three, positive=("hq",), also=("od",)).prepare()


@pytest.mark.parametrize("fields", [{"positive": ()}, {"positive": ("a", "a")}, {"column": ""}, {"max_chars": 0}])
def test_parameters_that_make_no_sense(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Quality.model_validate({"model": "m.bin", **fields})


def test_a_bad_model_is_refused(model: str, tmp_path: Path) -> None:
    (tmp_path / "page.bin").write_bytes(b"<html>not found</html>")
    (tmp_path / "cut.bin").write_bytes(Path(model).read_bytes()[:-1])
    for name, message in (("page.bin", "not a fastText model"), ("cut.bin", "truncated"), ("none.bin", "no such")):
        with pytest.raises(ModelError, match=message):
            Quality(model=str(tmp_path / name)).prepare()


def test_a_quantised_model_scores_nearly_the_same(model: str, tmp_path: Path) -> None:
    smaller = fasttext.load_model(model)
    smaller.quantize()
    smaller.save_model(str(tmp_path / "model.ftz"))
    whole, less = (score(Quality(model=m), [GOOD, BAD])["quality"] for m in (model, str(tmp_path / "model.ftz")))
    assert less == pytest.approx(whole, abs=0.1)


def test_types_of_an_empty_batch(model: str) -> None:
    columns = Quality(model=model, also=("negative",)).score(batch_of([]))
    assert [str(column.type) for column in columns.values()] == ["float", "float"]


def test_the_model_determines_the_output(model: str, tmp_path: Path) -> None:
    copy = shutil.copy(model, tmp_path / "copy.bin")
    assert Quality(model=str(copy)).depends_on() == (str(copy),)
    assert Quality(model="s3://bucket/q.bin").depends_on() == ("s3://bucket/q.bin",)
