"""Training of the extractor on a few pages of our own making."""

import json
import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from textmill.pipeline.cli import app
from textmill.pipeline.errors import InputError
from textmill.pipeline.extraction.card import is_open
from textmill.pipeline.extraction.extractor import extract
from textmill.pipeline.extraction.model import load_model
from textmill.pipeline.extraction.training import Example, train

pytest.importorskip("lightgbm")
WORDS = (
    "mill",
    "river",
    "wheat",
    "valley",
    "stone",
    "wheel",
    "flour",
    "the",
    "of",
    "and",
    "to",
    "in",
    "was",
    "for",
    "it",
)


def row(number: int) -> dict:
    rng = random.Random(number)
    paragraphs = [" ".join(rng.choices(WORDS, k=30)).capitalize() + ", and so on." for _ in range(6)]
    menu = "".join(f'<li><a href="/{word}">{word}</a></li>' for word in rng.sample(WORDS, 9))
    body = "".join(f"<p>{text}</p>" for text in paragraphs)
    page = f'<nav><ul>{menu}</ul></nav><div class="entry">{body}</div><footer><p>All rights reserved.</p></footer>'
    known = "\n\n".join(paragraphs)
    licence = "AGPL-3.0" if number == 0 else "MIT"
    return {
        "html": page.encode(),
        "gold_text": known,
        "domain": f"{number % 9}.example",
        "license": licence,
        "set": "own",
    }


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("training")
    pq.write_table(pa.Table.from_pylist([row(number) for number in range(60)]), folder / "pages.parquet")
    outputs = []
    for name, more in (("one.npz", []), ("two.npz", ["--texts", str(folder / "texts.parquet")])):
        out = CliRunner().invoke(
            app,
            ["train", "extractor", str(folder / "pages.parquet"), "--out", str(folder / name), "--folds", "2", *more],
        )
        assert out.exit_code == 0, out.output
        outputs.append(folder / name)
    return outputs


def test_a_table_that_is_missing_or_none_is_told(tmp_path):
    (tmp_path / "a.yaml").write_text("name: a")
    for name, told in (("none.parquet", "none.parquet: no such file"), ("a.yaml", "a.yaml: .*Parquet")):
        out = CliRunner().invoke(app, ["train", "extractor", str(tmp_path / name), "--out", str(tmp_path / "model")])
        with pytest.raises(InputError, match=told):
            raise out.exception


def test_the_same_pages_give_the_same_model_whether_or_not_texts_of_others_are_asked_for(trained):
    assert trained[0].read_bytes() == trained[1].read_bytes()


def test_texts_are_there_for_every_page_and_those_not_learnt_from_too(trained):
    found = pq.read_table(trained[0].with_name("texts.parquet"))
    texts = dict(zip(found["id"].to_pylist(), found["text"].to_pylist(), strict=True))
    assert all(0 <= value <= 1 for value in found["extraction_confidence"].to_pylist())
    assert sorted(texts, key=int) == [str(number) for number in range(60)]
    assert texts["0"] == row(0)["gold_text"]  # its licence keeps it from training


def test_a_page_is_learnt_as_extraction_sees_it_with_its_text_in_noscript_laid_open():
    known = row(1)["gold_text"]
    body = "".join(f"<p>{text}</p>" for text in known.split("\n\n"))
    hidden = f"<nav>menu</nav><noscript><div>{body}</div></noscript>".encode()
    plain = f"<nav>menu</nav><div>{body}</div>".encode()
    examples = [Example(html, known, f"{n}.example") for n, html in enumerate([hidden, plain] * 20)]
    found = train(examples, folds=2, trees=(5, 5))
    assert found.usable == len(examples)
    assert found.texts[0] == found.texts[1] != ""


def test_what_was_learnt_holds_for_a_page_that_was_not_seen(trained):
    new = row(99)
    assert extract(new["html"], load_model(str(trained[0]))).text == new["gold_text"]


def test_the_card_tells_sets_licences_and_scores_of_unseen_domains(trained):
    card = json.loads(trained[0].with_name("one.npz.json").read_text())
    assert card["training_sets"] == {"own": {"MIT": 59}}
    assert card["left_out"] == {"licence": 1}
    assert card["out_of_fold"]["by_collection"]["own"] == {"pages": 59, "f1": pytest.approx(1, abs=0.05)}


def test_only_licences_that_allow_it_are_open():
    assert all(map(is_open, ["MIT", "Apache-2.0 (repo)", "CC-BY-4.0 (annotations)", "CC0-1.0"]))
    assert not any(map(is_open, ["AGPL-3.0", "GPL-3.0", "CC-BY-NC-4.0", "research only", "", None]))
