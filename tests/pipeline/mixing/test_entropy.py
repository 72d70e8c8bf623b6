"""Conditional bigram entropy: known values, a slow twin, and groups measured on as much text as each other."""

import math
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textmill.pipeline.errors import InputError, UsageError
from textmill.pipeline.mixing.entropy import conditional_entropy, load_entropies, measure_entropies


def batch(**texts: list[str]) -> pa.RecordBatch:
    rows = [(source, text) for source, found in texts.items() for text in found]
    return pa.RecordBatch.from_pydict({"source": [row[0] for row in rows], "text": [row[1] for row in rows]})


def test_known_values() -> None:
    random = np.random.default_rng(0)
    coins = " ".join(random.choice(["heads", "tails"], 20_000))
    found = measure_entropies([batch(coins=[coins], clock=["tick tock " * 10_000])], ["source"], 10**6)
    assert found["clock"] == pytest.approx(0, abs=1e-3)
    assert found["coins"] == pytest.approx(1, abs=1e-3)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1))
def test_it_is_its_slow_twins(pairs: list[tuple[int, int]]) -> None:
    both, first = Counter(pairs), Counter(a for a, _ in pairs)
    expected = -sum(n / len(pairs) * math.log2(n / first[a]) for (a, _), n in both.items())
    assert conditional_entropy(np.array(pairs, np.uint64)) == pytest.approx(expected, abs=1e-9)


def test_all_groups_are_measured_on_as_much_text() -> None:
    random = np.random.default_rng(0)
    words = [f"w{number}" for number in random.integers(0, 500, 30_000)]
    long, short = " ".join(words), " ".join(words[:2001])
    together = measure_entropies([batch(long=[long], short=[short])], ["source"], 10**6)
    assert together["long"] == together["short"]
    alone = measure_entropies([batch(long=[long])], ["source"], 10**6)
    assert alone["long"] > together["long"]


def test_pairs_do_not_cross_documents_and_batches_do_not_matter() -> None:
    texts = ["a b c d", "b a", "", "c"] * 400
    whole = measure_entropies([batch(x=texts)], ["source"], 10**6)
    assert measure_entropies([batch(x=texts[:7]), batch(x=texts[7:])], ["source"], 10**6) == whole
    assert whole["x"] == pytest.approx(0.5)  # after b comes c or a, else all is certain: half of the pairs begin so


def test_what_says_nothing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"1000 are needed: x 3"):
        measure_entropies([batch(x=["a b c d"])], ["source"], 10**6)
    with pytest.raises(UsageError, match="no column topic"):
        measure_entropies([batch(x=["a"])], ["topic"], 10**6)
    with pytest.raises(UsageError, match="no text"):
        measure_entropies([], ["source"], 10**6)
    (tmp_path / "a.json").write_text("{}")
    with pytest.raises(InputError, match="fit-entropy"):
        load_entropies(str(tmp_path / "a.json"))
