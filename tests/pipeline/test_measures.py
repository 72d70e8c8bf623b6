"""What a chain's filters measured is kept beside its data: one row a document, broken rules and whole ones."""

from typing import Any

import pyarrow as pa
from support import MinLength

from textmill import Filter, Mapper, Verdict
from textmill.pipeline.chain import Chain
from textmill.pipeline.measures import join_measures


class Parity(Filter):
    """Two rules on the length of a text; the second may not be able to tell."""

    def judge(self, batch: pa.RecordBatch) -> Verdict:
        sizes = [len(text) for text in batch.column("text").to_pylist()]
        odd = [None if size == 6 else size % 2 == 1 for size in sizes]
        return (
            Verdict.of(batch)
            .drop("too_long", [size > 8 for size in sizes], value=sizes, threshold=8)
            .drop("odd", odd, value=[size % 2 for size in sizes], threshold=0)
        )


class Refuse(Mapper):
    """Refuses texts with an x."""

    def rewrite(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        reasons = ["has_x" if "x" in text else None for text in batch.column("text").to_pylist()]
        return batch.append_column("drop_reason", pa.array(reasons, pa.string()))


def batch_of(*texts: str, start: int = 0) -> pa.RecordBatch:
    n = len(texts)
    columns: dict[str, list[Any]] = {
        "id": [f"d{start + i}" for i in range(n)],
        "source": ["web"] * n,
        "text": list(texts),
        "language": ["en"] * n,
    }
    return pa.RecordBatch.from_pydict(columns)


def measured(chain: Chain, *batches: pa.RecordBatch, share: float = 1.0) -> list[dict[str, Any]]:
    tables = [passed.measures.table(share) for batch in batches if (passed := chain.process(batch)).measures]
    return join_measures(tables).to_pylist()


CHAIN = Chain("base", (("least", MinLength(least=3)), ("refuse", Refuse()), ("parity", Parity())), keep_measures=1.0)


def test_every_row_says_how_far_it_came_and_what_was_found() -> None:
    rows = measured(CHAIN, batch_of("ab", "abcd", "abcx", "abcdefghi", "abcdef"))
    assert [(row["id"], row["left_step"], row["left_reason"]) for row in rows] == [
        ("d0", "least", "too_short"),
        ("d1", None, None),
        ("d2", "refuse", "has_x"),
        ("d3", "parity", "too_long"),
        ("d4", "parity", "not_judged"),
    ]
    assert [row["chars"] for row in rows] == [2, 4, 4, 9, 6]
    assert [row["parity.too_long"] and row["parity.too_long"]["value"] for row in rows] == [None, 4, None, 9, 6]


def test_a_rule_is_measured_also_where_an_earlier_one_drops() -> None:
    (row,) = measured(CHAIN, batch_of("abcdefghi"))
    assert row["parity.too_long"] == {"value": 9, "broken": True}
    assert row["parity.odd"] == {"value": 1, "broken": True}


def test_what_cannot_be_judged_counts_as_broken() -> None:
    (row,) = measured(CHAIN, batch_of("abcdef"))
    assert row["parity.odd"] == {"value": 0, "broken": True}


def test_a_batch_of_which_nothing_got_far_has_nulls() -> None:
    rows = measured(CHAIN, batch_of("a", "b"), batch_of("abcd", start=2))
    assert [row["parity.odd"] for row in rows] == [None, None, {"value": 0, "broken": False}]


def test_the_sample_depends_on_ids_alone() -> None:
    texts = [f"text {i}" for i in range(400)]
    half = {row["id"] for row in measured(CHAIN, batch_of(*texts), share=0.5)}
    assert 150 < len(half) < 250
    parts = [batch_of(*texts[i : i + 7], start=i) for i in range(0, 400, 7)]
    assert {row["id"] for row in measured(CHAIN, *parts, share=0.5)} == half


def test_no_filter_no_measures() -> None:
    assert Chain("base", (("refuse", Refuse()),), keep_measures=1.0).process(batch_of("abc")).measures is None
