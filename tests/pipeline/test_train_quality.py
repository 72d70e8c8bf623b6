"""``textmill train quality`` as a user types it, and on real text."""

import json
from pathlib import Path

import pytest
from quality_texts import CLEAN, NOISY, documents, write_jsonl
from typer.testing import CliRunner

from textmill.pipeline.cli import app
from textmill.pipeline.errors import InputError
from textmill.pipeline.quality_training import train_quality_model
from textmill.pipeline.testing import score
from textmill.scorers.quality import Quality
from textmill.scorers.quality_training import Settings

SMALL = ["--dim", "4", "--buckets", "1000", "--lr", "0.5", "--epochs", "10"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("train")
    clean, noisy = documents(CLEAN, 80, 0), documents(NOISY, 90, 1)
    languages = [["en", "de"][i % 2] for i in range(80)]
    write_jsonl(folder / "clean.jsonl", clean, language=languages)
    write_jsonl(folder / "web.jsonl", noisy, url=[f"https://www.site{i % 40}.example/{i}" for i in range(90)])
    (folder / "more.txt").write_text("".join(text.replace("\n", " ") + "\n" for text in documents(NOISY, 10, 2)))
    return folder


def test_three_inputs_become_a_model_and_its_card(folder: Path, tmp_path: Path) -> None:
    model = tmp_path / "quality.bin"
    inputs = [
        "--positive",
        folder / "clean.jsonl",
        "--negative",
        folder / "web.jsonl",
        "--negative",
        folder / "more.txt",
    ]
    done = CliRunner().invoke(app, ["train", "quality", *map(str, inputs), "--out", str(model), *SMALL])
    assert done.exit_code == 0, done.output
    assert "AUC" in done.output
    card = json.loads(Path(f"{model}.json").read_text())
    assert card["bytes"] == model.stat().st_size
    assert card["data"]["negative"]["inputs"] == [str(folder / "web.jsonl"), str(folder / "more.txt")]
    assert card["data"]["negative"]["read"] == 100
    assert set(card["kept"]["positives"]["language"]) == {"de", "en"}
    good, bad = score(Quality(model=str(model)), [documents(CLEAN, 1, 5)[0], documents(NOISY, 1, 5)[0]])["quality"]
    assert good > 0.5 > bad  # type: ignore[operator]


def test_a_sample_is_drawn_where_asked_and_languages_are_told(folder: Path, tmp_path: Path) -> None:
    card = train_quality_model(
        ([str(folder / "clean.jsonl")], [str(folder / "web.jsonl")]),
        str(tmp_path / "m.bin"),
        Settings(dim=4, bucket=1000),
        documents=50,
        language_model="lid176",
    )
    assert card["data"]["positive"]["not_sampled"] == 30
    assert card["data"]["positive"]["train"] + card["data"]["positive"]["held_out"] <= 50
    assert "unknown" not in card["kept"]["negatives"]["language"]


def test_nothing_is_written_where_nothing_can_be_learnt(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_text('{"text": "  "}\n' * 30)
    out = tmp_path / "m.bin"
    with pytest.raises(InputError, match="0 positive documents with text"):
        train_quality_model(
            ([str(tmp_path / "empty.jsonl")], [str(folder / "web.jsonl")]), str(out), Settings(), documents=100
        )
    assert not out.exists()


@pytest.mark.slow
def test_clean_text_is_told_from_the_web(real_data: Path, tmp_path: Path) -> None:
    """An encyclopaedia and news against three kinds of web pages, a fifth of each held out."""
    text = real_data / "text"
    card = train_quality_model(
        ([str(text / "wiki"), str(text / "news" / "extraction_gold_news.jsonl.zst")], [str(text / "web")]),
        str(tmp_path / "m.ftz"),
        Settings(dim=8, bucket=20_000, lr=0.5, epoch=10, quantize=True, cutoff=10_000, holdout=0.2),
        documents=500,
    )
    assert card["held_out"]["auc"] > 0.96
    assert card["quantized"]["bytes_after"] < card["quantized"]["bytes_before"] / 5
    assert card["quantized"]["f1_after"] > card["quantized"]["f1_before"] - 0.05
