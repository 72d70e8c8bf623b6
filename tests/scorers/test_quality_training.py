"""Training of quality classifiers: the sample, the split, the card; and that what is promised of them holds."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from quality_texts import CLEAN, NOISY, documents

from textmill.pipeline.errors import InputError, UsageError
from textmill.pipeline.quality_training import twin_keys
from textmill.pipeline.testing import batch_of, score
from textmill.scorers.quality import Quality
from textmill.scorers.quality_card import HeldOut, Scored, at_half, auc, judge_scores, stability
from textmill.scorers.quality_sample import Gathered, Part, gather, split, without_twins
from textmill.scorers.quality_training import Settings, Trained, train_quality

SMALL = Settings(dim=4, bucket=1000, lr=0.5, epoch=15, holdout=0.2)


def no_keys(batch: pa.RecordBatch) -> list[pa.Array]:
    return []


def batches(texts: Sequence[str], size: int = 7, **columns: Sequence[object]) -> list[pa.RecordBatch]:
    names = columns.pop("id", [f"doc-{i}" for i in range(len(texts))])
    whole = batch_of({"text": texts, "id": names, **columns})
    return [whole.slice(at, size) for at in range(0, len(texts), size)]


def gathered(path: Path, parts: Iterable[pa.RecordBatch], most: int = 1000, *, twins: bool = False) -> Gathered:
    return gather(parts, path, most, seed=0, twin_keys=twin_keys if twins else no_keys)


def texts_of(sample: Gathered, rows: Sequence[int] | None = None) -> list[str]:
    which = np.arange(sample.table.num_rows) if rows is None else np.array(rows, np.int64)
    return [text for part in sample.texts(which, 3) for text in part.to_pylist()]


@pytest.mark.parametrize("most", [1, 5, 20, 100])
def test_the_sample_is_the_same_in_whatever_order_documents_come(most: int, tmp_path: Path) -> None:
    rows = [(f"id-{i}", f"text {i}\nwith ümlauts {i}" if i % 9 else " \n\u3000") for i in range(90)]
    found = []
    for seed, size in ((0, 4), (1, 90), (2, 1)):
        random.Random(seed).shuffle(rows)
        parts = batches([text for _, text in rows], size, id=[name for name, _ in rows])
        sample = gathered(tmp_path / f"{seed}", parts, most)
        assert (sample.read, sample.blank) == (90, 10)
        assert sample.table.num_rows == min(most, 80)
        found.append(texts_of(sample))
    assert found[0] == found[1] == found[2]
    assert len(set(found[0])) == len(found[0])


def test_texts_come_in_the_order_of_the_rows(tmp_path: Path) -> None:
    sample = gathered(tmp_path / "a", batches([f"text {i}" for i in range(10)]))
    everything = texts_of(sample)
    assert texts_of(sample, [7, 2, 2, 9]) == [everything[i] for i in (7, 2, 2, 9)]
    assert texts_of(sample, []) == []


def test_twins_leave_the_negatives_first(tmp_path: Path) -> None:
    good, bad = documents(CLEAN, 30, 0, lines=10), documents(NOISY, 30, 1, lines=10)
    nearly = good[0] + "\nAnd one more word."
    positive = gathered(tmp_path / "p", batches([*good, good[3].upper()]), twins=True)
    negative = gathered(tmp_path / "n", batches([*bad, f" {bad[5]}\n", good[4], nearly]), twins=True)
    single, (from_positives, from_negatives) = without_twins((positive, negative))
    assert (from_positives, from_negatives) == ({"twin": 1}, {"twin": 1, "twin_of_a_positive": 2})
    left = texts_of(negative, single.negative.tolist())
    assert sorted(text.strip() for text in left) == sorted(bad)
    assert len(single.positive) == len(good)


def test_documents_too_short_for_shingles_are_twins_only_if_equal(tmp_path: Path) -> None:
    both = (
        gathered(tmp_path / "p", batches(["one", "Two"]), twins=True),
        gathered(tmp_path / "n", batches(["two", "three"]), twins=True),
    )
    single, reasons = without_twins(both)
    assert (len(single.positive), texts_of(both[1], single.negative.tolist())) == (2, ["three"])
    assert reasons == ({}, {"twin_of_a_positive": 1})


@settings(max_examples=60)
@given(
    st.lists(
        st.sampled_from([None, "a.com", "www.a.com", "b.co.uk", "c.de", "blog.c.de", "d.org", "e.net", "1.2.3.4"]),
        min_size=4,
        max_size=60,
    ),
    st.sampled_from([0.05, 0.1, 0.3]),
    st.integers(0, 3),
)
def test_no_site_is_on_both_sides_unless_it_is_too_large_for_one(
    tmp_path_factory: pytest.TempPathFactory, hosts: list[str | None], share: float, seed: int
) -> None:
    folder = tmp_path_factory.mktemp("split")
    sites = {"www.a.com": "a.com", "blog.c.de": "c.de"}
    urls = [host and f"https://{host}/{i}" for i, host in enumerate(hosts)]
    classes = (
        gathered(folder / "p", batches([f"p{i}" for i in range(len(hosts))], url=urls)),
        gathered(
            folder / "n",
            batches([f"n{i}" for i in range(len(hosts))], url=urls[::-1], id=[f"n{i}" for i in range(len(hosts))]),
        ),
    )
    whole = Part(np.arange(len(hosts)), np.arange(len(hosts)))
    train, held_out, divided = split(classes, whole, share=share, seed=seed)
    large = max(1.0, share * len(hosts))
    folded = [sites.get(host, host) for host in hosts if host]
    too_large = {host for host in folded if folded.count(host) > large}
    assert divided == (len(too_large), len(too_large))
    sides = []
    for part in (train, held_out):
        numbers = [int(t[1:]) for t in texts_of(classes[0], part.positive.tolist())]
        others = [len(hosts) - 1 - int(t[1:]) for t in texts_of(classes[1], part.negative.tolist())]
        sides.append({sites.get(host, host) for i in numbers + others if (host := hosts[i])} - too_large)
    assert sides[0].isdisjoint(sides[1])
    for every, first, second in zip(
        whole.__dict__.values(), train.__dict__.values(), held_out.__dict__.values(), strict=True
    ):
        assert sorted([*first, *second]) == every.tolist()
        assert share * len(hosts) <= len(second)


values = st.lists(st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0]), min_size=1, max_size=12)


@given(values, values)
def test_auc_is_the_share_of_pairs_in_the_right_order(positive: list[float], negative: list[float]) -> None:
    pairs = [(p > n) + (p == n) / 2 for p in positive for n in negative]
    assert auc(np.array(positive), np.array(negative)) == pytest.approx(sum(pairs) / len(pairs))


@given(values, values)
def test_f1_is_the_harmonic_mean_of_precision_and_recall(positive: list[float], negative: list[float]) -> None:
    found = at_half(np.array(positive), np.array(negative))
    if found["precision"] + found["recall"]:
        mean = 2 * found["precision"] * found["recall"] / (found["precision"] + found["recall"])
        assert found["f1"] == pytest.approx(mean, abs=1e-5)
    else:
        assert found["f1"] == 0


def scored(scores: Sequence[float], language: str | None = "en") -> Scored:
    n = len(scores)
    return Scored(np.array(scores), np.arange(n), ["web"] * n, [language] * n)


def test_each_threshold_keeps_the_share_that_it_names() -> None:
    card = judge_scores(HeldOut(scored([0.9, 0.95, 0.97, 0.2]), scored([i / 1000 for i in range(1000)], None)))
    for cut in card["thresholds"]:
        assert cut["negatives_kept"] == cut["share"]
    tenth = card["thresholds"][3]
    assert (tenth["threshold"], tenth["positives_kept"]) == (0.9, 0.75)
    assert card["kept"]["negatives"]["language"] == {"unknown": {"documents": 1000, "kept": 0.1}}
    assert card["kept"]["positives"]["language"] == {"en": {"documents": 4, "kept": 0.75}}
    for kind in ("language", "source", "characters"):
        assert sum(group["documents"] for group in card["kept"]["negatives"][kind].values()) == 1000


def test_stability_counts_deciles() -> None:
    every = np.linspace(0, 1, 1001)
    found = stability(np.array([0.05, 0.55]), {"none": np.array([0.05, 0.55]), "far": np.array([0.05, 0.95])}, every)
    assert found["none"] == {"mean_deciles": 0, "share_moved": 0, "mean_change": 0}
    assert found["far"] == {"mean_deciles": 2, "share_moved": 0.5, "mean_change": 0.2}


def train(folder: Path, options: Settings = SMALL, count: int = 60) -> Trained:
    folder.mkdir(exist_ok=True)
    texts = [documents(CLEAN, count, 0), [*documents(NOISY, 2 * count, 1), "", "__label__positive __label__odd sale"]]
    both = [gathered(folder / name, batches(kind), twins=True) for name, kind in zip(("p", "n"), texts, strict=True)]
    return train_quality((both[0], both[1]), folder, options)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return train(tmp_path_factory.mktemp("trained"))


def test_the_model_tells_the_classes_apart_and_knows_no_label_from_the_text(trained: Trained) -> None:
    judge = Quality(model=str(trained.model))
    judge.prepare()
    good, bad = score(judge, [documents(CLEAN, 1, 9)[0], documents(NOISY, 1, 9)[0]])["quality"]
    assert good > 0.7 > 0.3 > bad  # type: ignore[operator]
    with pytest.raises(Exception, match="it has: negative, positive"):
        Quality(model=str(trained.model), positive=("odd",)).prepare()
    assert trained.card["held_out"]["auc"] > 0.95


def test_the_books_of_each_class_balance(trained: Trained) -> None:
    for data in trained.card["data"].values():
        left = data["blank"] + data["not_sampled"] + sum(data["dropped"].values()) + data["train"] + data["held_out"]
        assert data["read"] == left
    positive, negative = trained.card["data"].values()
    assert (positive["train"], positive["held_out"]) == (negative["train"], negative["held_out"])
    assert (negative["read"], negative["blank"]) == (122, 1)


def test_the_same_documents_give_the_same_bytes(trained: Trained, tmp_path: Path) -> None:
    again = train(tmp_path / "again")
    assert again.model.read_bytes() == trained.model.read_bytes()
    assert again.card == trained.card
    other = train(tmp_path / "other", replace(SMALL, seed=1))
    assert other.card["training_digest"] != trained.card["training_digest"]


def test_a_compressed_model_says_what_that_cost(trained: Trained, tmp_path: Path) -> None:
    small = train(tmp_path / "small", replace(SMALL, quantize=True, cutoff=500))
    loss = small.card["quantized"]
    assert loss["bytes_before"] == trained.model.stat().st_size
    assert loss["bytes_after"] == small.model.stat().st_size == small.card["bytes"]
    assert (loss["f1_before"], loss["auc_before"]) == (trained.card["held_out"]["f1"], trained.card["held_out"]["auc"])
    assert (loss["f1_after"], loss["auc_after"]) == (small.card["held_out"]["f1"], small.card["held_out"]["auc"])
    Quality(model=str(small.model)).prepare()


def test_better_settings_are_looked_for_where_asked(tmp_path: Path) -> None:
    card = train(tmp_path / "auto", replace(SMALL, autotune=1)).card
    assert card["settings"]["autotune"] == 1
    assert card["trained_with"]["dim"] == 4
    assert card["trained_with"]["epoch"] >= 1


def test_newlines_and_case_move_scores_as_far_as_the_card_says(trained: Trained) -> None:
    steady = trained.card["stability"]
    assert set(steady) == {"citation added", "lower case", "newlines removed"}
    assert steady["newlines removed"] == {"mean_deciles": 0, "share_moved": 0, "mean_change": 0}


@pytest.mark.parametrize(("epoch", "used"), [(None, 50), (7, 7)])
def test_few_documents_are_gone_over_more_often(epoch: int | None, used: int, tmp_path: Path) -> None:
    assert train(tmp_path / "few", replace(SMALL, epoch=epoch)).card["trained_with"]["epoch"] == used


def test_too_few_documents(tmp_path: Path) -> None:
    few = gathered(tmp_path / "p", batches(["one", "two", " "]), twins=True)
    many = gathered(tmp_path / "n", batches(documents(NOISY, 20, 0)), twins=True)
    with pytest.raises(InputError, match="2 positive documents with text; it takes at least 10"):
        train_quality((few, many), tmp_path, SMALL)
    with pytest.raises(InputError, match="0 negative documents"):
        train_quality((many, gathered(tmp_path / "e", [])), tmp_path, SMALL)
    same = gathered(tmp_path / "s", batches(["all the same text"] * 20), twins=True)
    with pytest.raises(InputError, match="too few different documents"):
        train_quality((same, many), tmp_path, SMALL)


def test_settings_that_do_not_work(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="fastText cannot train with these settings"):
        train(tmp_path / "bad", replace(SMALL, lr=1e9), count=300)
