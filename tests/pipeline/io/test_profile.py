"""How textmill's Parquet files are laid out: read back from their footers."""

import itertools

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textmill.pipeline.io.profile import CORPUS, STAGES, Profile, bounded
from textmill.pipeline.io.writer import parquet_sink, write_parquet

ROWS = 500
NAMES = [f"https://example.org/{row}" for row in range(ROWS)]
FLOATS = pa.array(np.linspace(0, 1, ROWS), pa.float32())
TABLE = pa.table(
    {
        "id": NAMES,
        "text": [f"{name} {'and so on ' * 50}" for name in NAMES],
        "notes": NAMES,
        "url": NAMES,
        "source": ["web", "books"] * (ROWS // 2),
        "language": ["en"] * ROWS,
        "score": FLOATS,
        "perplexity": FLOATS.cast(pa.float64()),
        "tokens": pa.array(range(ROWS), pa.int64()),
        "seen": [True, None] * (ROWS // 2),
        "embedding": pa.FixedSizeListArray.from_arrays(pa.array(np.arange(2.0 * ROWS)), 2),
        "spans": [[{"start": 1, "value": 0.5}], None] * (ROWS // 2),
    }
)


@pytest.fixture(scope="module", params=[STAGES, CORPUS], ids=["stages", "corpus"])
def columns(request, tmp_path_factory):
    """The columns of a file as its footer describes them, by path."""
    path = tmp_path_factory.mktemp("profile") / "a.parquet"
    write_parquet(str(path), TABLE, profile=request.param)
    assert pq.read_table(path).equals(TABLE)
    group = pq.read_metadata(path).row_group(0)
    return {column.path_in_schema: column for column in map(group.column, range(group.num_columns))}


def test_numbers_with_a_fraction_are_split_into_streams_of_bytes(columns):
    split = {path for path, column in columns.items() if "BYTE_STREAM_SPLIT" in column.encodings}
    assert split == {"score", "perplexity", "embedding.list.element", "spans.list.element.value"}


def test_only_texts_of_few_distinct_values_have_a_dictionary(columns):
    assert {path for path, column in columns.items() if column.has_dictionary_page} == {"source", "language"}


def test_texts_that_may_be_long_have_no_statistics_and_no_copy_of_them_in_the_page_index(columns):
    told = {path for path, column in columns.items() if column.statistics is not None and column.statistics.has_min_max}
    assert told == {"id", "url", "source", "language", "score", "perplexity", "tokens", "seen"}
    assert {path for path, column in columns.items() if column.has_column_index} == told
    assert all(column.has_offset_index for column in columns.values())
    assert (columns["id"].statistics.min, columns["id"].statistics.max) == (min(NAMES), max(NAMES))


def test_everything_is_packed_by_zstd_and_a_corpus_more_than_what_is_read_once(columns):
    assert {column.compression for column in columns.values()} == {"ZSTD"}
    assert STAGES.level < CORPUS.level


def test_the_footer_names_the_version_of_the_columns(tmp_path):
    write_parquet(str(tmp_path / "a.parquet"), TABLE.select(["id"]).slice(0, 0))
    assert pq.read_schema(tmp_path / "a.parquet").metadata == {b"textmill.schema": b"1"}


def test_row_groups_of_a_corpus_have_the_size_that_is_advised():
    assert 64e6 <= CORPUS.group_bytes <= 256e6


@given(st.lists(st.lists(st.integers(0, 300), max_size=40), max_size=12))
@settings(max_examples=60, deadline=None)
def test_row_groups_are_full_but_for_a_sixteenth_or_a_document(tmp_path_factory, sizes):
    limits = Profile(level=1, group_bytes=1600)
    with parquet_sink(str(tmp_path_factory.mktemp("groups") / "a.parquet"), profile=limits) as sink:
        for batch in sizes:
            sink.write(pa.RecordBatch.from_pydict({"text": pa.array(["x" * n for n in batch], pa.string())}))
    lengths = itertools.chain.from_iterable(sizes)
    groups = [list(itertools.islice(lengths, count)) for count, _ in sink.written.row_groups]
    assert next(lengths, None) is None
    for group in groups:
        assert sum(group) + 4 * len(group) <= 1600  # an offset for each text
    for group, after in itertools.pairwise(groups):
        most = sum(group) + 8 * len(group)  # a slice may count one more
        assert most + max(1600 / 16, after[0] + 8) > 1600


def test_a_writer_holds_one_row_group_whatever_the_file(tmp_path):
    limits = Profile(level=1, group_bytes=4 << 20)
    before, most = pa.total_allocated_bytes(), 0
    with parquet_sink(str(tmp_path / "a.parquet"), profile=limits) as sink:
        for number in range(96):
            sink.write(pa.RecordBatch.from_pydict({"id": [f"{number}"], "text": [str(number % 10) * (1 << 18)]}))
            most = max(most, pa.total_allocated_bytes() - before)
    assert sink.written.rows == 96
    assert most < 2 * limits.group_bytes  # of 24 MiB


@given(st.lists(st.integers(0, 50), max_size=60), st.integers(1, 200), st.integers(1, 20))
def test_slices_are_the_batch_and_none_is_too_large(sizes, most_bytes, most_rows):
    batch = pa.RecordBatch.from_pydict({"text": pa.array(["x" * n for n in sizes], pa.string())})
    slices = list(bounded(batch, most_bytes, most_rows))
    assert [text for piece in slices for text in piece.column(0).to_pylist()] == batch.column(0).to_pylist()
    fitting = [piece for piece in slices if piece.nbytes <= most_bytes and piece.num_rows <= most_rows]
    assert all(piece.num_rows <= 1 for piece in slices if piece not in fitting)
