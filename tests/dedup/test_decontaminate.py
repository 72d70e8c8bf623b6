"""What is planted is found, whatever its case and spacing; what is not there is not."""

import json
import random
from pathlib import Path
from typing import Any

import naive
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from barriers import memory, resolve
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import hard_texts

from textmill.dedup.decontaminate import Decontaminate
from textmill.pipeline.errors import InputError
from textmill.pipeline.io.files import join, read_text

WORDS = [f"w{i}" for i in range(500)]


def prose(seed: int, words: int) -> str:
    return " ".join(random.Random(seed).choices(WORDS, k=words))


@pytest.fixture(scope="module")
def quiz(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("quiz")
    rows = [
        {"id": f"q{i}", "question": prose(i, 40), "answer": prose(1000 + i, 20), "raw": {"choices": ["a b", "c d"]}}
        for i in range(20)
    ]
    rows.append({"id": "short", "question": "too short to tell", "answer": "yes", "raw": {"choices": []}})
    (folder / "quiz.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    pq.write_table(pa.Table.from_pylist(rows), folder / "quiz.parquet")
    return folder / "quiz.jsonl"


def barrier(quiz: Path, **changes: Any) -> Decontaminate:
    benchmark = {"files": str(quiz), "fields": ("question", "answer")}
    return Decontaminate(**{"benchmarks": {"quiz": benchmark}, **changes})


def documents(*texts: str) -> pa.RecordBatch:
    n = len(texts)
    columns = {"id": [f"d{i}" for i in range(n)], "source": ["web"] * n, "text": list(texts)}
    return pa.RecordBatch.from_pydict(columns)


def ruled(step: Decontaminate, *texts: str) -> list[dict[str, Any]]:
    (ruling,) = resolve_with_chars(step, documents(*texts))
    return ruling.to_pylist()


def resolve_with_chars(step: Decontaminate, *batches: pa.RecordBatch, folder: str = "") -> list[pa.Table]:
    """As the engine does, which adds the number of characters to every sketch."""

    class Sketched:
        def sketch(self, batch: pa.RecordBatch) -> pa.RecordBatch:
            sizes = pa.array([len(text or "") for text in batch.column("text").to_pylist()], pa.int64())
            return step.sketch(batch).append_column("chars", sizes)

        def resolve(self, *arguments: Any) -> Any:
            return step.resolve(*arguments)

    return resolve(Sketched(), list(batches), folder or memory())


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text,
        str.upper,
        lambda text: text.replace(" ", "\n\n"),
        lambda text: text.replace(" ", ", “") + "!",
        lambda text: "before " * 30 + text + " after" * 30,
    ],
)
def test_a_copy_is_found_whatever_its_case_and_spacing(quiz: Path, change: Any) -> None:
    (entry,) = ruled(barrier(quiz), change(prose(3, 40)))
    assert (entry["reason"], entry["kept_id"], entry["value"]) == ("contaminated", "quiz:q3", 1.0)


@pytest.mark.parametrize(("words", "found"), [(19, False), (20, True), (40, True)])
def test_half_of_an_example_decides(quiz: Path, words: int, found: bool) -> None:
    part = " ".join(prose(3, 40).split()[:words])
    assert bool(ruled(barrier(quiz), f"something else {part} and more")) == found


def test_other_text_is_clean(quiz: Path) -> None:
    assert ruled(barrier(quiz), *(prose(seed, 300) for seed in range(5000, 5020)), "", "w1") == []


def test_what_is_too_short_is_not_looked_for_and_counted(quiz: Path) -> None:
    folder = memory()
    assert resolve_with_chars(barrier(quiz), documents("too short to tell"), folder=folder)[0].num_rows == 0
    (row,) = json.loads(read_text(join(folder, "work", "findings.json")))["benchmarks"]
    assert (row["examples"], row["too_short"], row["contaminated"]) == (21, 1, 0)


def test_a_field_shorter_than_a_run_is_one_run(quiz: Path) -> None:
    step = barrier(quiz, ngram=30)
    (entry,) = ruled(step, "so " + prose(1004, 20) + " it is")
    assert entry["kept_id"] == "quiz:q4"


def test_all_fields_may_be_asked_for(quiz: Path) -> None:
    step = barrier(quiz, fields="all")
    assert ruled(step, prose(5, 40)) == []
    (entry,) = ruled(step, prose(5, 40) + " answer: " + prose(1005, 20))
    assert entry["kept_id"] == "quiz:q5"


def test_a_report_drops_nothing(quiz: Path) -> None:
    (entry,) = ruled(barrier(quiz, action="report"), prose(6, 40))
    assert (entry["reason"], entry["contaminated_by"], entry["contamination"]) == (None, "quiz:q6", 1.0)


def test_the_span_is_cut_with_what_is_around_it(quiz: Path) -> None:
    before, copy, after = prose(7001, 200), prose(7, 40), prose(7002, 200)
    text = f"{before} {copy} {after}"
    (entry,) = ruled(barrier(quiz, action="remove_span", window=50), text)
    (cut,) = entry["cuts"]
    assert cut["start"] == len(before) + 1 - 50
    assert cut["stop"] == len(before) + 1 + len(copy) + 50
    assert cut["kept_id"] == "quiz:q7"


def test_a_document_that_is_all_copy_is_dropped_and_short_ends_go(quiz: Path) -> None:
    step = barrier(quiz, action="remove_span")
    whole, long_tail = ruled(step, prose(8, 40), "a short beginning " + prose(8, 40) + " " + prose(9000, 300))
    assert whole["reason"] == "contaminated"
    assert whole["cuts"] is None
    assert long_tail["cuts"][0]["start"] == 0


def test_a_document_in_too_many_pieces_is_dropped(quiz: Path) -> None:
    text = " ".join(f"{prose(8000 + i, 100)} {prose(i, 40)}" for i in range(6))
    assert ruled(barrier(quiz, action="remove_span", window=20), text)[0]["reason"] is None
    assert ruled(barrier(quiz, action="remove_span", window=20, max_pieces=3), text)[0]["reason"] == "contaminated"


def test_what_every_document_says_is_common_speech(quiz: Path) -> None:
    texts = [f"{prose(9100 + i, 30)} {prose(2, 40)}" for i in range(5)]
    step = barrier(quiz, max_documents=4)
    assert ruled(step, *texts) == []
    assert len(ruled(step, *texts[:4])) == 4


def test_a_benchmark_is_free_of_itself_and_more_benchmarks_only_find_more(quiz: Path) -> None:
    texts = [prose(i, 40) for i in range(20)] + [prose(seed, 200) for seed in range(6000, 6010)]
    one = {entry["row"] for entry in ruled(barrier(quiz), *texts)}
    assert one == set(range(20))
    more = {"files": str(quiz), "fields": ("answer",)}
    both = barrier(quiz, benchmarks={"quiz": {"files": str(quiz), "fields": ("question",)}, "answers": more})
    assert {entry["row"] for entry in ruled(both, *texts)} >= one


def test_the_same_rulings_however_documents_are_spread(quiz: Path) -> None:
    texts = [prose(i, 40) if i % 3 else prose(7000 + i, 60) for i in range(12)]
    batch = documents(*texts)
    step = barrier(quiz, max_documents=10)
    whole = [entry["row"] for entry in resolve_with_chars(step, batch)[0].to_pylist()]
    parts = resolve_with_chars(step, batch.slice(0, 5), batch.slice(5, 7))
    assert [e["row"] for e in parts[0].to_pylist()] + [5 + e["row"] for e in parts[1].to_pylist()] == whole


def test_parquet_and_nested_fields_are_read(quiz: Path) -> None:
    benchmark = {"files": str(quiz.with_suffix(".parquet")), "fields": ("raw.choices", "question")}
    assert ruled(Decontaminate(benchmarks={"quiz": benchmark}), prose(9, 40))


@pytest.mark.parametrize(
    ("benchmark", "message"),
    [
        ({"files": "nowhere.jsonl"}, "no such file"),
        ({"fields": ("qestion",)}, "did you mean 'question'"),
        ({"fields": ("raw.choices",)}, "8 words or more"),
    ],
)
def test_a_wrong_benchmark_is_told_before_the_run(quiz: Path, benchmark: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Decontaminate(benchmarks={"quiz": {"files": str(quiz), **benchmark}}).prepare()


@given(st.lists(hard_texts, max_size=3), st.lists(st.sampled_from(["a", "b", "c", "ä"]), max_size=60))
@settings(max_examples=60, deadline=None)
def test_grams_are_found_where_a_slow_search_finds_them(texts: list[str], letters: list[str]) -> None:
    from textmill.dedup.benchmarks import Benchmark, build_index
    from textmill.dedup.gram_scan import find_grams
    from textmill.pipeline.arrow import text_buffers
    from textmill.pipeline.kernels.placed_words import placed_words

    example = "a b c ä a b c a a b"
    path = f"{memory()}/one.jsonl"
    from textmill.pipeline.io.files import write_whole

    with write_whole(path) as stream:
        stream.write(json.dumps({"text": example}).encode())
    index = build_index({"one": Benchmark(files=(path,))}, 4, 2)
    column = pa.array([*texts, " ".join(letters)], pa.string())
    data, offsets, _ = text_buffers(column)
    hits = find_grams(placed_words(data, offsets), index.grams, index.sizes, index.possible)
    for row, text in enumerate(column.to_pylist()):
        mine = slice(hits.first[row], hits.first[row + 1])
        spans = list(zip(hits.start[mine].tolist(), hits.stop[mine].tolist(), strict=True))
        assert spans == naive.shared_runs(text, example, 4)


def test_every_passage_of_boolq_is_found_in_wiki(real_data: Path) -> None:
    import zstandard

    path = real_data / "text/wiki"
    (found,) = path.glob("boolq*.jsonl.zst")
    with found.open("rb") as stream:
        lines = zstandard.ZstdDecompressor().stream_reader(stream).read().decode().splitlines()[:300]
    texts = [json.loads(line)["text"] for line in lines]
    step = Decontaminate(benchmarks={"boolq": {"files": str(real_data / "benchmarks/boolq.jsonl.zst")}})
    assert len(ruled(step, *texts)) >= 0.95 * len(texts)
