"""Counts of documents and tokens: independent of order and of how documents are spread over shards."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textmill.pipeline.mixing.cells import Cells, coarse, count_cells, label_of, merge_cells

KEYS = [("web", "en"), ("web", "de"), ("books", "en")]
documents = st.lists(
    st.tuples(st.sampled_from(KEYS), st.integers(0, 1000), st.sampled_from([math.nan, 0.0, -2.5, 0.25, 1.0, 17.0]))
)


def counted(rows: list[tuple[tuple[str, str], int, float]], keys: list[tuple[str, str]] = KEYS) -> Cells:
    codes = [keys.index(key) for key, _, _ in rows]
    return count_cells(["source", "language"], keys, codes, [row[1] for row in rows], [row[2] for row in rows])


def plain(cells: Cells) -> list[tuple[tuple[str, ...], str, int, int]]:
    columns = (cells.group, cells.value, cells.documents, cells.tokens)
    return [(cells.groups[g], str(v), d, t) for g, v, d, t in zip(*(c.tolist() for c in columns), strict=True)]


@given(documents)
def test_counts_are_those_of_a_dictionary(rows: list[tuple[tuple[str, str], int, float]]) -> None:
    expected: dict[tuple[tuple[str, str], str], tuple[int, int]] = {}
    for key, tokens, value in rows:
        docs, total = expected.get((key, str(value)), (0, 0))
        expected[key, str(value)] = docs + 1, total + tokens
    found = plain(counted(rows))
    assert {(key, value): (docs, tokens) for key, value, docs, tokens in found} == expected
    order = [(key, math.inf if value == "nan" else float(value)) for key, value, _, _ in found]
    assert order == sorted(order)


@given(documents, documents, st.randoms())
def test_neither_order_nor_shards_matter(a: list, b: list, random: object) -> None:
    mixed = [*a, *b]
    random.shuffle(mixed)  # type: ignore[attr-defined]
    whole = plain(counted(mixed, KEYS[::-1]))
    assert plain(merge_cells([counted(a), counted(b)])) == whole
    assert plain(merge_cells([counted(b), counted(a)])) == whole


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1))
def test_coarse_values_keep_their_order_and_lose_little(values: list[float]) -> None:
    ordered = sorted(values)
    found = coarse(ordered)
    assert (np.diff(found) >= 0).all()
    big = np.abs(ordered) > 1e-30
    assert np.allclose(found[big], np.array(ordered)[big], rtol=1 / 2048, atol=0)
    assert (coarse(found) == found).all()


def test_whole_numbers_up_to_4096_are_exact() -> None:
    assert (coarse(np.arange(4097)) == np.arange(4097)).all()
    assert math.isnan(coarse([math.nan])[0])


def test_names() -> None:
    assert label_of(("web", "en")) == "web/en"
    with pytest.raises(ValueError, match="of one shard at least"):
        merge_cells([])
