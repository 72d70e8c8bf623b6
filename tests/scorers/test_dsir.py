"""DSIR: weights are what the paper's formula says, and resampling by them keeps its laws."""

import json
from collections import Counter
from pathlib import Path

import naive_scores
import numpy as np
import pyarrow as pa
import pytest
from barriers import memory, resolve
from hypothesis import given, settings
from hypothesis import strategies as st
from quality_texts import CLEAN, NOISY, documents, write_jsonl
from strategies import hard_columns, hard_texts
from typer.testing import CliRunner

from textmill import batch_of, score
from textmill.pipeline.arrow import text_buffers
from textmill.pipeline.cli import app
from textmill.pipeline.errors import InputError, ModelError
from textmill.scorers.dsir import Dsir
from textmill.scorers.dsir_kernels import count_features, weigh_features
from textmill.scorers.dsir_training import Settings, train_dsir
from textmill.scorers.sample_by import SampleBy

LOOSE = Settings(held_out=0.0)


def train(folder: Path, target: list[str], raw: list[str], settings: Settings = LOOSE) -> str:
    out = str(folder / "model.npz")
    train_dsir([batch_of(target)], [batch_of(raw)], out, settings)
    return out


@given(column=hard_columns, buckets=st.sampled_from([1, 7, 10_000]))
@settings(max_examples=100)
def test_words_and_pairs_fall_into_the_buckets_of_the_definition(column: list[str | None], buckets: int) -> None:
    data, offsets, _ = text_buffers(pa.array(["padding", *column], pa.string()).slice(1))
    counts, words = count_features(data, offsets, buckets)
    expected = sum((naive_scores.dsir_buckets(text or "", buckets) for text in column), Counter[int]())
    assert {i: n for i, n in enumerate(counts.tolist()) if n} == expected
    assert words == sum(len(naive_scores.wordpunct(text or "")) for text in column)


@given(column=hard_columns, seed=st.integers(0, 99))
@settings(max_examples=50)
def test_a_weight_is_the_sum_over_the_buckets(column: list[str | None], seed: int) -> None:
    worth = np.random.default_rng(seed).normal(size=50)
    data, offsets, _ = text_buffers(pa.array(column, pa.string()))
    found = weigh_features(data, offsets, worth)
    for text, total, words in zip(column, found.sums, found.words, strict=True):
        expected = sum(worth[bucket] * times for bucket, times in naive_scores.dsir_buckets(text or "", 50).items())
        assert total == pytest.approx(expected, abs=1e-9)
        assert words == len(naive_scores.wordpunct(text or ""))


@pytest.mark.parametrize("smoothing", [0.0, 1.0])
def test_the_score_is_the_formula_of_the_paper(tmp_path: Path, smoothing: float) -> None:
    target, raw = documents(CLEAN, 6, 0), documents(NOISY, 9, 1)
    model = train(tmp_path, target, raw, Settings(buckets=300, smoothing=smoothing, held_out=0.0))
    texts = ["The river, the library!", raw[0], target[0]]
    found = score(Dsir(model=model, min_tokens=1), texts)["dsir"]
    expected = [naive_scores.dsir_weight(text, target, raw, 300, smoothing) for text in texts]
    assert found == pytest.approx(expected, rel=1e-6)
    each = score(Dsir(model=model, min_tokens=1, per_token=True, column="w"), texts)["w"]
    assert each == pytest.approx([w / n for w, n in zip(expected, (6, 36, 36), strict=True)], rel=1e-6)
    assert found[2] > 0 > found[1]  # type: ignore[operator]


@given(
    texts=st.lists(hard_texts.map(lambda text: f"word {text}"), min_size=1, max_size=4),
    smoothing=st.sampled_from([0.0, 1.0]),
)
@settings(max_examples=20)
def test_raw_text_like_the_target_weighs_nothing(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], smoothing: float
) -> None:
    model = train(tmp_path_factory.mktemp("same"), texts, texts, Settings(smoothing=smoothing, held_out=0.0))
    assert score(Dsir(model=model, min_tokens=1), [*texts, "unknown 12 words"])["dsir"] == [0.0] * (len(texts) + 1)


def test_short_documents_have_no_weight_and_are_counted(tmp_path: Path) -> None:
    model = train(tmp_path, documents(CLEAN, 5, 0), documents(NOISY, 5, 1))
    step, batch = Dsir(model=model), batch_of(["a " * 99, "a " * 100, "a." * 50, "", None])
    scored, verdict = step.apply(batch)
    assert [value is None for value in scored.column("dsir").to_pylist()] == [True, False, False, True, True]
    assert step.tally(scored) == {"too_few_tokens": 3}
    assert verdict is None


def test_resampling_keeps_all_when_all_are_wanted_and_does_not_depend_on_the_shards(tmp_path: Path) -> None:
    texts = documents(CLEAN, 20, 0) + documents(NOISY, 20, 1)
    model = train(tmp_path, texts[:20], texts[20:])
    batch = Dsir(model=model, min_tokens=1, per_token=True).apply(batch_of(texts))[0]
    everyone = resolve(SampleBy(column="dsir", count=40), [batch], memory())
    assert all(reason is None for table in everyone for reason in table["reason"].to_pylist())

    def kept(parts: list[pa.RecordBatch]) -> set[str]:
        gone = set()
        for part, table in zip(parts, resolve(SampleBy(column="dsir", count=10), parts, memory()), strict=True):
            ids = part["id"].to_pylist()
            gone |= {
                ids[row] for row, why in zip(table["row"].to_pylist(), table["reason"].to_pylist(), strict=True) if why
            }
        return set(batch["id"].to_pylist()) - gone

    whole = kept([batch])
    assert len(whole) == 10
    assert kept([batch.slice(0, 7), batch.slice(7, 21), batch.slice(28)]) == whole


def test_training_holds_out_some_and_gives_the_same_bytes(tmp_path: Path) -> None:
    target, raw = documents(CLEAN, 60, 0), documents(NOISY, 60, 1)
    cards, bytes_of = [], []
    for size in (60, 13):
        out = tmp_path / f"{size}.npz"
        split = [[batch_of(texts).slice(i, size) for i in range(0, 60, size)] for texts in (target, raw)]
        cards.append(train_dsir(split[0], split[1], str(out), Settings(held_out=0.2)))
        bytes_of.append(out.read_bytes())
    assert bytes_of[0] == bytes_of[1]
    card = cards[0]
    assert card["held_out"]["documents"] == [12, 12]
    assert card["target"]["documents"] == 48
    assert card["held_out"]["auc"] == 1.0
    percentiles = card["held_out"]["per_token_percentiles"]
    assert percentiles["target"]["50"] > 0 > percentiles["raw"]["50"]
    assert json.loads((tmp_path / "60.npz.json").read_text())["sha256"] == card["sha256"]


def test_reading_stops_after_so_many_words(tmp_path: Path) -> None:
    texts = documents(CLEAN, 1500, 0)
    batches = [batch_of(texts).slice(i, 100) for i in range(0, 1500, 100)]
    card = train_dsir(batches, batches, str(tmp_path / "m"), Settings(max_tokens=2000, held_out=0.0))
    assert card["target"]["documents"] == 1100  # the first 1000 may be held out until it is known who is


def test_bad_input_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the raw text has no words"):
        train(tmp_path, ["some text"], [" ", ""])
    for content in (b"", b"no zip", b"PK\x03\x04broken"):
        (tmp_path / "bad").write_bytes(content)
        with pytest.raises(ModelError, match="not what textmill train dsir writes"):
            Dsir(model=str(tmp_path / "bad")).prepare()
        (tmp_path / "bad").unlink()
        from textmill.scorers.dsir_model import load_worth

        load_worth.cache_clear()
    np.savez(tmp_path / "other.npz", features=np.array("sha256"), target=[1], raw=[1], smoothing=0.0)
    with pytest.raises(ModelError, match="other features"):
        Dsir(model=str(tmp_path / "other.npz")).prepare()


def test_the_command_trains_from_files(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "good.jsonl", documents(CLEAN, 50, 0))
    write_jsonl(tmp_path / "web.jsonl", documents(NOISY, 50, 1))
    out = tmp_path / "dsir.npz"
    inputs = ["--target", str(tmp_path / "good.jsonl"), "--raw", str(tmp_path / "web.jsonl"), "--out", str(out)]
    done = CliRunner().invoke(app, ["train", "dsir", *inputs, "--held-out", "0.1"])
    assert done.exit_code == 0, done.output
    assert "AUC" in done.output
    assert score(Dsir(model=str(out), min_tokens=1), [documents(CLEAN, 1, 7)[0]])["dsir"][0] > 0  # type: ignore[operator]
