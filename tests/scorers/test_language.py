"""The language of a document: hard inputs, agreement of batch and single, other models."""

from pathlib import Path

import fasttext
import numpy as np
import pyarrow as pa
import pytest

from textmill.pipeline.errors import ModelError
from textmill.pipeline.models import local_model
from textmill.pipeline.testing import batch_of, score
from textmill.scorers.language import Language

ENGLISH = "The committee will meet again on Thursday to discuss the new library."
GERMAN = "Der Ausschuss trifft sich am Donnerstag, um die neue Bibliothek zu besprechen."
CHINESE = "委员会将于星期四再次开会，讨论新图书馆的问题。"


def test_plain_sentences() -> None:
    columns = score(Language(), [ENGLISH, GERMAN, CHINESE])
    assert columns["language"] == ["en", "de", "zh"]
    assert all(0.8 < p <= 1 for p in columns["language_score"])  # type: ignore[operator]


@pytest.mark.parametrize("text", ["", " \n\t ", "\u3000\u2028\u00a0", "x", " 好\n", None])
def test_what_has_less_than_two_visible_characters_is_undetermined(text: str | None) -> None:
    assert score(Language(), [text]) == {"language": ["und"], "language_score": [None]}


def test_newlines_and_end_of_sentence_tokens_hide_nothing() -> None:
    hello = "hello hello\n</s>\r\n"
    assert score(Language(), [hello + GERMAN])["language"] == ["de"]


def test_a_batch_gives_what_each_document_gives_alone() -> None:
    texts = [ENGLISH, None, GERMAN * 50, "", CHINESE, "a\x00b\x00c", "\U0001f600 ok", ENGLISH + GERMAN]
    together = score(Language(alternatives=0.01), texts)
    alone = [score(Language(alternatives=0.01), [text]) for text in texts]
    assert together == {name: [one[name][0] for one in alone] for name in together}


def test_slices_and_large_strings_are_read_where_they_stand() -> None:
    column = pa.array(["x", GERMAN, None, ENGLISH, "x"], pa.large_string()).slice(1, 3)
    assert score(Language(), {"text": column})["language"] == ["de", "und", "en"]


def test_bytes_that_are_not_utf8_do_no_harm() -> None:
    raw = pa.array([b"\xff\xfe " + GERMAN.encode(), b"\xed\xa0\x80"], pa.binary())
    column = pa.Array.from_buffers(pa.string(), 2, raw.buffers())
    assert score(Language(), {"text": column})["language"][0] == "de"


def test_alternatives_are_the_other_labels_best_first() -> None:
    columns = score(Language(alternatives=0.01), [ENGLISH + GERMAN])
    assert Language(alternatives=0.01).adds() == set(columns)
    (others,) = columns["language_alternatives"]
    assert columns["language"] == ["de"]
    assert others[0]["language"] == "en"  # type: ignore[index]
    scores = [columns["language_score"][0], *[other["language_score"] for other in others]]  # type: ignore[attr-defined]
    assert scores == sorted(scores, reverse=True)  # type: ignore[type-var]
    assert scores[-1] >= 0.01  # type: ignore[operator]


def test_a_threshold_that_no_label_reaches_leaves_the_best_label() -> None:
    doubtful = "qp xz"
    columns = score(Language(alternatives=0.99), [doubtful])
    assert columns == {**score(Language(), [doubtful]), "language_alternatives": [[]]}


def test_only_the_first_characters_count_where_asked() -> None:
    text = GERMAN + 5 * ENGLISH
    assert score(Language(), [text])["language"] == ["en"]
    assert score(Language(max_chars=len(GERMAN)), [text])["language"] == ["de"]


def test_types_of_an_empty_batch() -> None:
    columns = Language(alternatives=0.1).score(batch_of([]))
    assert [str(c.type) for c in columns.values()] == [
        "string",
        "float",
        "list<item: struct<language: string, language_score: float>>",
    ]


@pytest.fixture(scope="module")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    lines = [f"__label__frp_Latn {GERMAN}", f"__label__my-label {ENGLISH}"] * 20
    (folder / "train.txt").write_text("\n".join(lines))
    model = fasttext.train_supervised(str(folder / "train.txt"), thread=1, epoch=25, lr=0.5, dim=4, verbose=0)
    model.save_model(str(folder / "tiny.bin"))
    return folder / "tiny.bin"


def test_any_label_set_will_do(tiny_model: Path) -> None:
    columns = score(Language(model=str(tiny_model)), [GERMAN, ENGLISH, ""])
    assert columns["language"] == ["frp_Latn", "my-label", "und"]
    assert np.max(columns["language_score"][:2]) <= 1.0  # type: ignore[arg-type]


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>", bytes(range(256)) * 20])
def test_a_file_that_is_no_model_is_refused(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "model.bin"
    file.write_bytes(content)
    with pytest.raises(ModelError, match="not a fastText model"):
        Language(model=str(file)).prepare()


@pytest.mark.parametrize("quantised", [True, False])
def test_a_truncated_model_is_refused(quantised: bool, tiny_model: Path, tmp_path: Path) -> None:
    whole = local_model("lid176") if quantised else tiny_model
    size = whole.stat().st_size
    file = tmp_path / "model.bin"
    for kept in (8, 60, 90, size // 2, size - 1):
        file.write_bytes(whole.read_bytes()[:kept])
        with pytest.raises(ModelError, match="truncated"):
            Language(model=str(file)).prepare()
    file.write_bytes(whole.read_bytes())
    Language(model=str(file)).prepare()


def test_word_vectors_are_no_classifier(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text(f"{ENGLISH}\n" * 20)
    vectors = fasttext.train_unsupervised(str(tmp_path / "train.txt"), thread=1, dim=2, bucket=9, verbose=0)
    vectors.save_model(str(tmp_path / "vectors.bin"))
    with pytest.raises(ModelError, match="not a classifier"):
        Language(model=str(tmp_path / "vectors.bin")).prepare()


def test_the_model_determines_the_output() -> None:
    assert Language().depends_on()[0].endswith("lid.176.ftz")
    assert Language(model="s3://bucket/glotlid.bin").depends_on() == ("s3://bucket/glotlid.bin",)
