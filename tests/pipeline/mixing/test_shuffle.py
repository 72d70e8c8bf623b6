"""The shuffle: every copy once, in the order of the keys, in files of equal size, however the rows come in."""

import itertools
import uuid

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textmill.pipeline.mixing import shuffle as shuffling
from textmill.pipeline.mixing.draw import id_hashes, places
from textmill.pipeline.mixing.shuffle import (
    BUCKETS,
    BYTES_AT,
    TOKENS_AT,
    Cut,
    Histogram,
    Shuffle,
    collect_partition,
    cut,
    measure,
    mix_columns,
    scatter_copies,
)

PHASES = ("one", "two")
LAYOUT = pa.schema({"id": pa.string(), "text": pa.string(), "stars": pa.int64()})
ROWS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 30)), max_size=30)


def batch_of(rows: list[tuple[int, int, int]], first: int = 0) -> pa.RecordBatch:
    """Rows of (copies in phase one, in phase two, length of the text), with ids from `first` on."""
    texts = ["x" * size for _, _, size in rows]
    columns = {
        "id": pa.array([f"d{first + number}" for number in range(len(rows))], pa.string()),
        "text": pa.array(texts, pa.string()),
        "mix_tokens": pa.array([size // 4 for _, _, size in rows], pa.int64()),
        "mix_bytes": pa.array([size for _, _, size in rows], pa.int64()),
        "mix_copies_one": pa.array([one for one, _, _ in rows], pa.int32()),
        "mix_copies_two": pa.array([two for _, two, _ in rows], pa.int32()),
    }
    return pa.RecordBatch.from_pydict(columns)


def cuts_of(shuffle: Shuffle, found: Histogram, target: float) -> list[Cut]:
    return [
        cut(name, (found.copies[p], found.bytes[p], found.tokens[p]), by=BYTES_AT, target=target)
        for p, name in enumerate(shuffle.phases)
    ]


def shuffled(files: list[list[pa.RecordBatch]], target: float, seed: int = 0) -> list[list[list[str]]]:
    """Ids of every file of every phase, by way of scattered files as the engine writes them."""
    folder, shuffle = f"memory://shuffle/{uuid.uuid4().hex}", Shuffle(PHASES, seed)
    found = Histogram.empty(2)
    for batches in files:
        found.add(measure(shuffle, batches))
    cuts = cuts_of(shuffle, found, target)
    paths = [f"{folder}/{number}" for number in range(len(files))]
    for batches, path in zip(files, paths, strict=True):
        scatter_copies(shuffle, cuts, batches, LAYOUT, path)
    total = sum(len(one.partitions) for one in cuts)
    names: list[list[list[str]]] = []
    start = 0
    for one in cuts:
        ends = [*one.shards, len(one.partitions)]
        shards = []
        for first, end in itertools.pairwise(ends):
            held = []
            for partition in range(start + first, start + end):
                for batch, _ in collect_partition(paths, partition, total):
                    assert batch.schema.equals(LAYOUT)
                    held += batch.column("id").to_pylist()
            shards.append(held)
        names.append(shards)
        start += len(one.partitions)
    return names


@settings(max_examples=40)
@given(ROWS, st.integers(1, 200), st.data())
def test_every_copy_comes_once_in_the_order_of_its_key_whatever_the_files(rows, target, data) -> None:
    stop = data.draw(st.integers(0, len(rows)))
    whole = batch_of(rows)
    split = shuffled(
        [[whole.slice(stop)], [whole.slice(0, stop // 2), whole.slice(stop // 2, stop - stop // 2)]], target
    )
    assert split == shuffled([[whole]], target)
    for phase, shards in enumerate(split):
        spots = places(id_hashes(whole.column("id")), np.array([row[phase] for row in rows], np.int64), 0, phase)
        order = np.argsort(spots.keys, kind="stable")
        expected = [f"d{row}" for row in spots.rows[order].tolist()]
        assert [name for shard in shards for name in shard] == expected


def test_one_copy_of_each_row_stands_for_the_row_itself(tmp_path) -> None:
    rows = [(2, 3, 8), (0, 2, 8), (1, 0, 8), (0, 0, 8)]
    shuffle, batch = Shuffle(PHASES, 0), batch_of(rows)
    cuts = cuts_of(shuffle, measure(shuffle, [batch]), 1e9)
    scatter_copies(shuffle, cuts, [batch], LAYOUT, str(tmp_path / "a"))
    first = [sum(n for _, n in collect_partition([str(tmp_path / "a")], phase, 2)) for phase in range(2)]
    assert first == [2, 1]  # d0 and d2 in phase one, d1 in phase two


@pytest.mark.parametrize("by", [BYTES_AT, TOKENS_AT])
def test_files_are_of_equal_size_and_no_larger_than_asked_for(by: int) -> None:
    random = np.random.default_rng(1)
    sizes, tokens = random.integers(0, 2000, BUCKETS), random.integers(0, 400, BUCKETS)
    counts = (np.ones(BUCKETS, np.int64), sizes, tokens)
    target = int(counts[by].sum() / 6.5)
    found = cut("p", counts, by=by, target=target)
    edges = [found.partitions[first] for first in found.shards] + [BUCKETS]
    held = [int(counts[by][a:b].sum()) for a, b in itertools.pairwise(edges)]
    assert len(held) == 7
    assert max(held) <= target
    assert max(held) - min(held) <= 2 * counts[by].max()
    assert (found.copies, found.bytes, found.tokens) == (BUCKETS, sizes.sum(), tokens.sum())


def test_a_partition_holds_no_more_text_than_fits_into_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shuffling, "PARTITION_BYTES", 10_000)
    sizes = np.random.default_rng(2).integers(0, 900, BUCKETS)
    found = cut("p", (np.ones(BUCKETS, np.int64), sizes, sizes), by=BYTES_AT, target=1_000_000)
    edges = [*found.partitions, BUCKETS]
    held = [int(sizes[a:b].sum()) for a, b in itertools.pairwise(edges)]
    assert max(held) <= 10_000 + 900
    assert set(found.shards) <= set(range(len(found.partitions)))
    assert sum(held) == sizes.sum()


def test_a_phase_without_copies_has_no_file() -> None:
    nothing = np.zeros(BUCKETS, np.int64)
    assert cut("p", (nothing, nothing, nothing), by=BYTES_AT, target=10).shards == []
    assert shuffled([[batch_of([(0, 1, 5)])]], 10) == [[], [["d0"]]]


def test_large_batches_go_in_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [(3, 1, 20)] * 40
    calm = shuffled([[batch_of(rows)]], 300)
    monkeypatch.setattr(shuffling, "ROUND_BYTES", 100)
    assert shuffled([[batch_of(rows)]], 300) == calm


def test_the_columns_of_the_mix_are_named_after_its_phases() -> None:
    assert mix_columns(PHASES) == ("mix_tokens", "mix_bytes", "mix_copies_one", "mix_copies_two")
