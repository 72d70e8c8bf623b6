"""BFF: lines of known n-grams are cut, documents of known lines leave, and what stays becomes known."""

import json

import barriers
import naive
import naive_passages
import numpy as np
import pyarrow as pa
import pytest
import xxhash
from barriers import memory
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import hard_texts

from textmill.dedup.ngram_bloom import NgramBloom
from textmill.pipeline.barrier import CUT, CUTS, FINDINGS, RULING
from textmill.pipeline.errors import ExpectationError
from textmill.pipeline.executor import Inline, Serial
from textmill.pipeline.io.files import join, open_binary

LAYOUT = pa.schema([("text", pa.string()), ("id", pa.string()), ("source", pa.string())])
EXACT = 1e-9
"""A rate of false positives that no test will see."""

lines = st.lists(st.sampled_from(["a", "b", "B", "c", "d."]), max_size=6).map(" ".join)
texts = st.lists(lines, max_size=4).map("\n".join) | hard_texts
documents = st.tuples(st.none() | texts, st.sampled_from(["web", "wiki"]))
crawls = st.lists(st.lists(documents, min_size=1, max_size=5), max_size=4)

WORDS = {
    "whitespace": naive.words,
    "letters": lambda line: naive.words(naive.normalize(line, "letters")),
}


def batches_of(shards):
    rows, batches = 0, []
    for shard in shards:
        batch = [{"text": text, "source": source, "id": f"d{rows + i}"} for i, (text, source) in enumerate(shard)]
        batches.append(pa.RecordBatch.from_pylist(batch, LAYOUT))
        rows += len(shard)
    return batches


def outcomes(shards, rulings):
    found = []
    for shard, ruling in zip(shards, rulings, strict=True):
        assert ruling.schema == RULING.append(pa.field(CUTS, pa.list_(CUT)))
        mine = [None] * len(shard)
        for row in ruling.to_pylist():
            assert row["kept_id"] is None
            cuts = [(cut["start"], cut["stop"], cut["value"]) for cut in row["cuts"] or ()]
            mine[row["row"]] = "leaves" if row["reason"] else cuts
        found += mine
    return found


@given(
    shards=crawls,
    ngram=st.integers(1, 4),
    shorter=st.integers(0, 2),
    threshold=st.sampled_from([0.0, 0.5, 0.8]),
    variant=st.sampled_from(["whitespace", "letters"]),
    groups=st.sampled_from([1, 3]),
    scope=st.sampled_from(["global", "source"]),
    part_bytes=st.integers(1, 5000),
)
@settings(max_examples=50)
def test_equals_old_both_with_a_set(shards, ngram, shorter, threshold, variant, groups, scope, part_bytes):
    rules = {"ngram": ngram, "min_ngram": max(1, ngram - shorter), "threshold": threshold}
    barrier = NgramBloom(**rules, normalize=variant, groups=groups, scope=scope, false_positives=EXACT)
    everything = [(text or "", source) for shard in shards for text, source in shard]
    grouped = [
        (text, (xxhash.xxh64_intdigest(f"d{number}".encode()) % groups, source if scope == "source" else ""))
        for number, (text, source) in enumerate(everything)
    ]
    expected = naive_passages.sift_lines(grouped, WORDS[variant], rules)
    rulings = barriers.resolve(barrier, batches_of(shards), memory(), part_bytes=part_bytes)
    assert outcomes(shards, rulings) == expected


LONG = " ".join(f"w{i}" for i in range(20))
OTHER = " ".join(f"v{i}" for i in range(20))


def test_case_counts_unless_it_is_put_aside():
    shards = [[(LONG, "web")], [(LONG.upper(), "web")]]
    for variant, last in (("whitespace", None), ("lowercase", "leaves"), ("letters", "leaves")):
        rulings = barriers.resolve(NgramBloom(normalize=variant), batches_of(shards), memory())
        assert outcomes(shards, rulings) == [None, last]


@pytest.mark.parametrize("executor", [Inline, Serial])
def test_a_known_line_is_cut_and_a_known_document_leaves_on_any_executor(executor, tmp_path):
    shards = [
        [(LONG, "web"), (None, "web")],
        [("", "web"), (f"{OTHER}\n{LONG}\nshort", "web")],
        [(f"{LONG}\nend", "web")],
    ]
    machine = executor()
    try:
        rulings = barriers.resolve(NgramBloom(), batches_of(shards), tmp_path, executor=machine, part_bytes=1)
    finally:
        machine.close()
    start = len(OTHER) + 1
    assert outcomes(shards, rulings) == [None, None, None, [(start, start + len(LONG) + 1, 1.0)], "leaves"]
    (row,) = rulings[2].to_pylist()
    assert (row["reason"], row["value"], row["threshold"]) == ("too_many_known_ngrams", 1.0, 0.8)
    assert rulings[1]["cuts"].to_pylist()[0][0]["reason"] == "known_ngrams"


def fresh_lines(count):
    random = np.random.default_rng(0)
    return [" ".join(map(str, random.integers(0, 1 << 60, 13))) for _ in range(count)]


def test_no_more_strange_lines_are_taken_for_known_than_declared_and_the_filter_says_how_full_it_is():
    """5,000 lines of one n-gram, all different: each is a trial, with the declared rate when the filter is full."""
    rate = 0.05
    shards = [[("\n".join(fresh_lines(5000)), "web")]]
    folder = memory()
    (ruling,) = barriers.resolve(NgramBloom(false_positives=rate), batches_of(shards), folder)
    wrong = sum(len(cuts) for cuts in ruling["cuts"].to_pylist() if cuts)
    assert 0 < wrong < 5000 * rate + 3 * (5000 * rate) ** 0.5
    with open_binary(join(folder, "work", FINDINGS)) as stream:
        (filter_,) = json.load(stream)["filters"]
    assert filter_["ngrams"] == 5000
    assert filter_["bytes"] == pytest.approx(5000 * 6.24 / 8, rel=0.02)  # -ln p / (ln 2)² bits each
    assert filter_["fill"] == pytest.approx(0.5, abs=0.03)
    assert filter_["false_positives"] == pytest.approx(rate, rel=0.3)


def test_a_filter_that_the_memory_has_no_room_for_is_refused_with_advice():
    shards = [[("\n".join(fresh_lines(100)), "web")]]
    with pytest.raises(ExpectationError, match=r"100 n-grams of a group need a filter of .* raise groups"):
        barriers.resolve(NgramBloom(memory=8), batches_of(shards), memory())


def test_no_shards_no_rulings_and_wrong_parameters(tmp_path):
    assert NgramBloom().resolve([], str(tmp_path), Inline()) == []
    with pytest.raises(ValueError, match="min_ngram: 13 is more than ngram: 5"):
        NgramBloom(ngram=5)
    assert NgramBloom(scope="language").reads() == {"text", "id", "language"}
