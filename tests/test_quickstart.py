"""The quickstart recipe does to the sample crawl what the sample's truth says."""

import json
from collections import defaultdict

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from textmill.pipeline.executor import Inline
from textmill.pipeline.recipe_reader import load_recipe
from textmill.pipeline.reports.verify import verify
from textmill.pipeline.run import run
from textmill.pipeline.sample import generate

Rows = list[dict[str, object]]


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> tuple[Rows, dict[str, object], dict[str, str]]:
    """The truth about every document, the texts kept and the reasons of those dropped, by id."""
    folder = tmp_path_factory.mktemp("quickstart")
    generate(folder / "crawl", documents=400)
    recipe = load_recipe("configs/quickstart.yaml", [f"inputs.sample.files={folder}/crawl/*.warc.gz"])
    assert run(recipe, str(folder / "out"), Inline()).failures == []
    assert verify(str(folder / "out")).problems == []
    truth = [json.loads(line) for line in (folder / "crawl/truth.jsonl").read_text().splitlines()]
    decisions = pa.concat_tables(map(pq.read_table, sorted(folder.glob("out/stages/*/decisions/*.parquet"))))
    corpus = pa.concat_tables(map(pq.read_table, sorted(folder.glob("out/data/*.parquet"))))
    kept = dict(zip(corpus["id"].to_pylist(), corpus["text"].to_pylist(), strict=True))
    dropped = dict(zip(decisions["id"].to_pylist(), decisions["reason"].to_pylist(), strict=True))
    return truth, kept, dropped


def words_of(text: object) -> list[str]:
    """Words, without the marks of lists and tables."""
    return [word for word in str(text).split() if any(map(str.isalnum, word))]


def paragraphs(text: str) -> list[list[str]]:
    """The words of lines that are longer than a heading or a row of a table."""
    return [words for line in text.split("\n") if len(words := words_of(line)) > 8]


def test_every_document_is_kept_or_dropped_once(outcome: tuple[Rows, dict[str, object], dict[str, str]]) -> None:
    truth, kept, dropped = outcome
    assert not kept.keys() & dropped.keys()
    damaged = {row["id"] for row in truth if row["expect"] == "corrupt_member"}  # its id cannot be read
    assert {row["id"] for row in truth} - damaged <= kept.keys() | dropped.keys()
    assert len(kept) + len(dropped) == len(truth)


def test_what_must_leave_leaves_for_its_reason(outcome: tuple[Rows, dict[str, object], dict[str, str]]) -> None:
    truth, _, dropped = outcome
    expected = {row["id"]: row["expect"] for row in truth if row["expect"] and row["expect"] != "corrupt_member"}
    assert len(set(expected.values())) >= 5
    assert {name: dropped.get(str(name)) for name in expected} == expected


def test_clean_english_pages_stay_with_the_words_below_their_title(
    outcome: tuple[Rows, dict[str, object], dict[str, str]],
) -> None:
    truth, kept, _ = outcome
    clean = [row for row in truth if row["kind"] == "clean" and row["language"] == "en"]
    assert len(clean) > 50
    assert [row["id"] for row in clean if row["id"] not in kept] == []
    whole = 0
    for row in clean:
        title, body = str(row["text"]).split("\n", 1)
        text = kept[str(row["id"])].removeprefix(title)
        whole += words_of(text) == words_of(body)
        assert paragraphs(text) == paragraphs(body)
    assert whole >= 0.95 * len(clean)


def test_of_exact_duplicates_one_stays(outcome: tuple[Rows, dict[str, object], dict[str, str]]) -> None:
    truth, kept, dropped = outcome
    clusters = defaultdict(list)
    for row in truth:
        if row["kind"] == "exact_duplicate" and row["language"] == "en":
            clusters[row["cluster"]].append(str(row["id"]))
    assert clusters
    for members in clusters.values():
        assert sum(name in kept for name in members) == 1
        assert {dropped[name] for name in members if name not in kept} == {"exact_duplicate"}


def test_of_near_duplicates_nearly_all_but_one_leave(outcome: tuple[Rows, dict[str, object], dict[str, str]]) -> None:
    truth, _, dropped = outcome
    members = [row for row in truth if row["kind"] == "near_duplicate" and row["language"] == "en"]
    clusters = {row["cluster"] for row in members}
    surplus = len(members) - len(clusters)
    gone = sum(dropped.get(str(row["id"])) == "near_duplicate" for row in members)
    assert surplus > 5
    assert 0.9 * surplus <= gone <= surplus  # pairs of Jaccard .81 and more share a band with probability .94
    clean = {str(row["id"]) for row in truth if row["kind"] == "clean"}
    assert [name for name in clean if dropped.get(name) == "near_duplicate"] == []
