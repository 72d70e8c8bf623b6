"""Deduplication by URL: of each page one document stays, the newest unless another is wanted."""

from collections import defaultdict

import pyarrow as pa
import pytest
from barriers import memory, resolve
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_run import tiny_run

from textmill.dedup.url import UniqueUrl
from textmill.pipeline.barrier import RULING
from textmill.pipeline.reports.explain import explain
from textmill.pipeline.urls import canonical_urls

LAYOUT = pa.schema([(name, pa.string()) for name in ("url", "id", "source", "date", "text")])
RULED = RULING.append(pa.field("url_copies", pa.int32()))

documents = st.fixed_dictionaries(
    {
        "url": st.none()
        | st.sampled_from(["", "unknown", "http://a.example/x", "https://www.a.example/x/#top", "//a.example/X"])
        | st.sampled_from(["http://a.example/?b=1&a=2&gclid=3", "http://a.example?a=2&b=1"]),
        "source": st.sampled_from(["web", "wiki"]),
        "date": st.none() | st.sampled_from(["2023-12-31T23:59:59Z", "2024-01-02"]),
        "text": st.text("a", max_size=2),
    }
)
crawls = st.lists(st.lists(documents, min_size=1, max_size=8), max_size=5)
"""Shards of documents of few pages."""

BEST = {
    "first": lambda row: 0,
    "newest": lambda row: row["date"] or "",
    "longest": lambda row: len(row["text"]),
}


def naive(rows, barrier):
    """For each row (kept row number or None, copies), from a dictionary of pages."""
    pages = defaultdict(list)
    for number, row in enumerate(rows):
        (page,) = canonical_urls(
            [row["url"]],
            ignore=barrier.ignore_parameters,
            ignore_www=barrier.ignore_www,
            sort_query=barrier.sort_query,
        )
        scope = None if barrier.scope == "global" else row[barrier.scope]
        pages[number if page is None else (page, scope)].append(number)
    verdicts = {}
    for members in pages.values():
        stays = max(members, key=lambda n: (BEST[str(barrier.keep.policy)](rows[n]), -n))
        verdicts |= {n: (None if n == stays else f"doc-{stays}", len(members)) for n in members}
    return [verdicts[n] for n in range(len(rows))]


def ruled(barrier, shards, folder, **options):
    """For each document (id it was dropped for or None, copies), checking reasons and layout."""
    rows = [{**row, "id": f"doc-{n}"} for n, row in enumerate(row for shard in shards for row in shard)]
    left = iter(rows)
    batches = [pa.RecordBatch.from_pylist([next(left) for _ in shard], LAYOUT) for shard in shards]
    found = []
    for table in resolve(barrier, batches, folder, **options):
        assert table.schema == RULED
        for row in table.to_pylist():
            assert row["reason"] == ("duplicate_url" if row["kept_id"] else None)
            assert row["similarity"] is None  # nobody compared the texts
            found.append((row["kept_id"], row["url_copies"]))
    return rows, found


@given(
    shards=crawls,
    keep=st.sampled_from(sorted(BEST)),
    scope=st.sampled_from(["global", "source"]),
    ignore_www=st.booleans(),
    sort_query=st.booleans(),
    part_bytes=st.integers(1, 10_000),
)
@settings(max_examples=60)
def test_equals_a_dictionary_of_pages(shards, keep, scope, ignore_www, sort_query, part_bytes):
    barrier = UniqueUrl(keep=keep, scope=scope, ignore_www=ignore_www, sort_query=sort_query)
    rows, found = ruled(barrier, shards, memory(), part_bytes=part_bytes)
    assert found == naive(rows, barrier)


def page(url, date=None):
    return {"url": url, "date": date, "source": "web", "text": ""}


def test_the_newest_of_a_page_stays_and_without_dates_the_first(tmp_path):
    shards = [
        [page("http://a.example/x", "2023-05-01"), page("http://a.example/y"), page(None)],
        [page("https://a.example/x/", "2024-01-01"), page("http://www.a.example/y"), page(None)],
        [page("http://a.example/x#z"), page("http://a.example/x?utm_source=feed", "2024-01-01")],
    ]
    _, found = ruled(UniqueUrl(), shards, tmp_path)
    assert found == [
        *(("doc-3", 4), (None, 2), (None, 1)),
        *((None, 4), ("doc-1", 2), (None, 1)),
        *(("doc-3", 4), ("doc-3", 4)),
    ]


def test_it_says_what_it_reads_and_adds():
    assert UniqueUrl().reads() == {"url", "date"}
    assert UniqueUrl(keep="longest", scope="language").reads() == {"url", "text", "language"}
    assert UniqueUrl().adds() == {"url_copies"}
    assert UniqueUrl(count_column=None).adds() == frozenset()


@pytest.mark.parametrize("given", ["gclid", [1]])
def test_parameters_to_ignore_are_a_list_of_names(given):
    with pytest.raises(ValueError, match="ignore_parameters"):
        UniqueUrl.model_validate({"ignore_parameters": given})


def test_a_run_tells_which_document_of_the_page_stayed(tmp_path):
    stages = [{"barrier": "pages", "url": {"keep": "first", "ignore_parameters": ["*"]}}]
    inputs = [{"source": "web", "read": "jsonl", "files": str(tmp_path / "pages.jsonl")}]
    lines = [f'{{"id": "p{n}", "text": "text {n}", "url": "http://a.example/x?n={n}"}}' for n in range(3)]
    (tmp_path / "pages.jsonl").write_text("\n".join(lines))
    out, result = tiny_run(tmp_path, inputs=inputs, stages=stages)
    assert result.rows_kept == 1
    dropped = explain(out, "p2").events[1]
    assert (dropped.stage, dropped.details["reason"], dropped.details["kept_id"]) == ("pages", "duplicate_url", "p0")
    assert explain(out, "p0").events[1].details["url_copies"] == 3
