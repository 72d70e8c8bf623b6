"""What each format of a corpus holds, read back by the libraries of those who use it, or as their documents say."""

import functools
import itertools
import json
import operator
import struct
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from strategies import hard_columns

from textmill.pipeline.errors import ModelError, StepError
from textmill.pipeline.io.writer import checksum
from textmill.pipeline.recipe import Output, Prefix
from textmill.pipeline.writers.formats import corpus_sink, prepare_output
from textmill.pipeline.writers.lengths import cut, index
from textmill.pipeline.writers.prefix import add_prefix
from textmill.pipeline.writers.sink import Place, Shard

LAYOUT = pa.schema(
    {
        "id": pa.string(),
        "text": pa.string(),
        "tokens": pa.int64(),
        "score": pa.float32(),
        "links": pa.list_(pa.string()),
    }
)


def batch_of(texts: list[str | None]) -> pa.RecordBatch:
    n = len(texts)
    columns = {
        "id": [f"d{i}" for i in range(n)],
        "text": texts,
        "tokens": [None if i % 3 == 2 else i for i in range(n)],
        "score": [None if i % 4 == 3 else i / 2 for i in range(n)],
        "links": [["a", "b"][: i % 3] for i in range(n)],
    }
    return pa.RecordBatch.from_pydict(columns, schema=LAYOUT)


def write(output: Output, folder: Path, texts: list[str | None], *, number: int = 0, count: int = 1) -> Shard:
    """One shard, given in two batches."""
    batch = batch_of(texts)
    with corpus_sink(output, Place(str(folder), number, count, LAYOUT)) as sink:
        sink.write(batch.slice(0, 1))
        sink.write(batch.slice(1))
    for name, written in sink.files.items():
        assert (folder / name).stat().st_size == written.bytes
        assert checksum(str(folder / name)) == written.checksum
    assert {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} >= sink.files.keys()
    return Shard(number, sink.files, sink.facts)


@given(hard_columns)
def test_json_lines_hold_every_value_but_nulls(texts: list[str | None]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        write(Output(format="jsonl"), Path(folder), texts)
        with zstandard.open(f"{folder}/part-00000.jsonl.zst", "rt", encoding="utf-8", newline="\n") as stream:
            rows = [json.loads(line) for line in stream]
    assert rows == [{k: v for k, v in row.items() if v is not None} for row in batch_of(texts).to_pylist()]


def read_mds(folder: Path) -> list[dict[str, Any]]:
    """Every sample, by the format's description alone: index.json, offsets, sizes, columns."""
    samples = []
    content = json.loads((folder / "index.json").read_text())
    assert content["version"] == 2
    for shard in content["shards"]:
        data = (folder / shard["raw_data"]["basename"]).read_bytes()
        assert len(data) == shard["raw_data"]["bytes"]
        count = struct.unpack_from("<I", data)[0]
        assert count == shard["samples"]
        offsets = struct.unpack_from(f"<{count + 1}I", data, 4)
        head = json.loads(data[4 + 4 * (count + 1) : offsets[0]])
        assert all(head[key] == shard[key] for key in ("column_names", "column_encodings", "column_sizes", "format"))
        samples += [_sample(data[a:b], head) for a, b in itertools.pairwise(offsets)]
    return samples


def _sample(data: bytes, head: dict[str, Any]) -> dict[str, Any]:
    at, sizes, sample = 0, [], {}
    for fixed in head["column_sizes"]:
        sizes.append(fixed or struct.unpack_from("<I", data, at)[0])
        at += 0 if fixed else 4
    decode = {
        "str": lambda raw: raw.decode(),
        "json": json.loads,
        "float32": lambda raw: struct.unpack("<f", raw)[0],
    }
    for name, encoding, size in zip(head["column_names"], head["column_encodings"], sizes, strict=True):
        sample[name] = decode[encoding](data[at : at + size])
        at += size
    assert at == len(data)
    return sample


def test_a_streaming_dataset_holds_every_value(tmp_path: Path) -> None:
    texts = ["one", None, "", "día 😀\r\n"]
    first = write(Output(format="mds"), tmp_path, texts, number=0, count=2)
    second = write(Output(format="mds"), tmp_path, ["five"], number=1, count=2)
    from textmill.pipeline.writers.mds import index as mds_index

    (tmp_path / "index.json").write_bytes(mds_index([second, first]))
    found = read_mds(tmp_path)
    wanted = batch_of(texts).to_pylist() + batch_of(["five"]).to_pylist()
    for sample, row in zip(found, wanted, strict=True):
        assert sample["text"] == (row["text"] or "")
        assert np.isnan(sample["score"]) if row["score"] is None else sample["score"] == row["score"]
        assert {name: sample[name] for name in ("id", "tokens", "links")} == {
            n: row[n] for n in ("id", "tokens", "links")
        }


def test_mosaics_own_library_reads_it(tmp_path: Path) -> None:
    streaming = pytest.importorskip("streaming")
    shard = write(Output(format="mds"), tmp_path, ["one", "two"])
    from textmill.pipeline.writers.mds import index as mds_index

    (tmp_path / "index.json").write_bytes(mds_index([shard]))
    found = streaming.StreamingDataset(local=str(tmp_path), batch_size=1, shuffle=False)
    assert [sample["text"] for sample in found] == ["one", "two"]


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A tokenizer of 40 words, w0 to w39, and an end."""
    tokenizers = pytest.importorskip("tokenizers")
    vocabulary = {"[UNK]": 0, "<|endoftext|>": 1, **{f"w{i}": i + 2 for i in range(40)}}
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, unk_token="[UNK]"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    path = tmp_path_factory.mktemp("tokenizer") / "words.json"
    made.save(str(path))
    return str(path)


def read_megatron(prefix: Path) -> list[list[int]]:
    """Every document, by the format's description alone."""
    index_ = prefix.with_suffix(".idx").read_bytes()
    assert index_[:9] == b"MMIDIDX\x00\x00"
    version, code, sequences, entries = struct.unpack_from("<QBQQ", index_, 9)
    assert version == 1
    dtype = {4: np.int32, 8: np.uint16}[code]
    at = 9 + 25
    sizes = np.frombuffer(index_, "<i4", sequences, at)
    offsets = np.frombuffer(index_, "<i8", sequences, at + 4 * sequences)
    documents = np.frombuffer(index_, "<i8", entries, at + 12 * sequences)
    assert len(index_) == at + 12 * sequences + 8 * entries
    data = prefix.with_suffix(".bin").read_bytes()
    pieces = [np.frombuffer(data, dtype, size, offset).tolist() for size, offset in zip(sizes, offsets, strict=True)]
    return [functools.reduce(operator.iadd, pieces[a:b], []) for a, b in itertools.pairwise(documents)]


@pytest.mark.parametrize(("end", "tail"), [("<|endoftext|>", [1]), (41, [41]), (None, [])])
def test_megatron_reads_the_tokens_of_each_document_and_its_end(
    tmp_path: Path, words: str, end: str | int | None, tail: list[int]
) -> None:
    texts = ["w0 w1 w39", None, "", "w5 what"]
    shard = write(Output(format="megatron", tokenizer=words, end_token=end), tmp_path, texts)
    assert read_megatron(tmp_path / "part-00000") == [[2, 3, 41, *tail], tail, tail, [7, 0, *tail]]
    assert shard.facts["tokens"] == 5 + 4 * len(tail)


def test_large_vocabularies_take_32_bits(tmp_path: Path, words: str) -> None:
    write(Output(format="megatron", tokenizer=words, end_token=100_000), tmp_path, ["w0", "w1"])
    assert read_megatron(tmp_path / "part-00000") == [[2, 100_000], [3, 100_000]]


def test_a_tokenizer_or_an_end_that_is_not_there_is_named(words: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="format megatron holds tokens: name the file of the tokenizer"):
        Output(format="megatron")
    with pytest.raises(ValueError, match="format jsonl holds text"):
        Output(format="jsonl", tokenizer=words)
    with pytest.raises(ModelError, match="has no token '</s>'"):
        prepare_output(Output(format="megatron", tokenizer=words, end_token="</s>"))
    with pytest.raises(ModelError, match=r"nobody\.json"):
        prepare_output(Output(format="megatron", tokenizer=str(tmp_path / "nobody.json")))


@pytest.mark.parametrize(
    ("tokens", "lengths"),
    [
        (5001, [4097, 513, 257]),  # METHODS 13
        (257, [257]),
        (256, []),
        (10_000, [8193, 1025, 513, 257]),
        (0, []),
        (16_384, [8193, 4097, 2049, 1025, 513, 257]),
    ],
)
def test_a_document_is_cut_into_the_longest_pieces_that_fit(tokens: int, lengths: list[int]) -> None:
    assert [(1 << power) + 1 for power in cut(tokens, iter(()))] == lengths


def test_long_documents_give_every_bucket_equally_many_tokens() -> None:
    random = np.random.default_rng(0)
    pieces = Counter(cut(20_000_000, (random.random() for _ in iter(int, 1))))
    total = sum(pieces.values())
    published = {8: 0.5079, 9: 0.2540, 10: 0.1270, 11: 0.0635, 12: 0.0317, 13: 0.0159}
    for power, share in published.items():
        assert pieces[power] / total == pytest.approx(share, abs=4 * (share / total) ** 0.5)


@given(st.integers(0, 60_000), st.integers(0, 5))
def test_pieces_are_of_bucket_lengths_and_less_than_257_tokens_are_lost(tokens: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    pieces = cut(tokens, (random.random() for _ in iter(int, 1)))
    assert set(pieces) <= set(range(8, 14))
    assert 0 <= tokens - sum((1 << power) + 1 for power in pieces) < 257


def test_length_buckets_hold_the_pieces_of_each_document(tmp_path: Path, words: str) -> None:
    random = np.random.default_rng(3)
    texts = [" ".join(f"w{i}" for i in random.integers(0, 40, n)) for n in (100, 300, 900, 20_000, 5_000)]
    shard = write(Output(format="lengths", tokenizer=words, end_token=1), tmp_path, list(texts))
    wanted = [[*(int(word[1:]) + 2 for word in text.split()), 1] for text in texts]
    held = 0
    for path in tmp_path.glob("length-*/part-00000.parquet"):
        length = int(path.parent.name.removeprefix("length-"))
        for row in pq.read_table(path).to_pylist():
            document = wanted[int(row["id"][1:])]
            assert len(row["tokens"]) == length + 1
            assert row["tokens"] == document[row["start"] : row["start"] + length + 1]
            held += length + 1
    assert shard.facts["tokens"] == sum(map(len, wanted)) == held + shard.facts["lost_tokens"]
    assert shard.facts["documents"] == 5
    told = json.loads(index([shard]))
    assert sum(bucket["tokens"] for bucket in told["buckets"]) == held
    assert [bucket["batch_multiplier"] for bucket in told["buckets"]] == [32, 16, 8, 4, 2, 1]
    assert sum(bucket["odds_as_available"] for bucket in told["buckets"]) == pytest.approx(1, abs=1e-5)


def test_parquet_of_hugging_face_is_named_as_its_hub_names_it(tmp_path: Path) -> None:
    write(Output(format="hf"), tmp_path, ["a", "b"], number=1, count=12)
    assert pq.read_table(tmp_path / "train-00001-of-00012.parquet").column("text").to_pylist() == ["a", "b"]


def _fail_to_write(output: Output, folder: Path) -> None:
    with corpus_sink(output, Place(str(folder), 0, 1, LAYOUT)) as sink:
        sink.write(batch_of(["a"]))
        raise RuntimeError


@pytest.mark.parametrize("name", ["parquet", "hf", "lengths"])
def test_all_formats_in_parquet_have_the_profile_of_a_corpus(tmp_path: Path, words: str, name: str) -> None:
    output = Output(format=name, tokenizer=words if name == "lengths" else "")  # type: ignore[arg-type]
    shard = write(output, tmp_path, ["a b c " * 200] * 4)
    for file in shard.files:
        group = pq.read_metadata(tmp_path / file).row_group(0)
        columns = {column.path_in_schema: column for column in map(group.column, range(group.num_columns))}
        assert columns["id"].statistics.has_min_max
        assert all(columns[path].statistics is None for path in columns if path.startswith(("text", "tokens.")))
        assert name == "lengths" or "BYTE_STREAM_SPLIT" in columns["score"].encodings


def test_a_shard_that_fails_leaves_no_file(tmp_path: Path, words: str) -> None:
    for output in (
        *(Output(format=name) for name in ("parquet", "jsonl", "mds")),
        Output(format="megatron", tokenizer=words),
    ):
        with pytest.raises(RuntimeError):
            _fail_to_write(output, tmp_path)
    assert list(tmp_path.rglob("*")) == []


def prefixed(texts: list[str | None], urls: list[str | None], **options: Any) -> list[str | None]:
    ids = [f"d{i}" for i in range(len(texts))]
    columns = {"id": ids, "text": pa.array(texts, pa.string()), "url": pa.array(urls, pa.string())}
    found: list[str | None] = (
        add_prefix(pa.RecordBatch.from_pydict(columns), Prefix(**options)).column("text").to_pylist()
    )
    return found


def test_texts_begin_with_what_the_template_says() -> None:
    urls = ["https://Example.org/a", None, "no url", "http://[bad"]
    assert prefixed(["a", "b", "c", "d"], urls) == [
        "https://Example.org/a\n\na",
        "b",
        "no url\n\nc",
        "http://[bad\n\nd",
    ]
    assert prefixed(["a", "b", "c", "d"], urls, template="{domain}: ") == ["example.org: a", "b", "c", "d"]
    assert prefixed([None], ["https://example.org"]) == [None]


def test_a_share_of_the_documents_has_a_prefix_the_same_every_time() -> None:
    found = prefixed(["x"] * 2000, ["u"] * 2000, share=0.3)
    assert 540 < sum(text != "x" for text in found) < 660
    assert found == prefixed(["x"] * 2000, ["u"] * 2000, share=0.3)


def test_a_template_of_unknown_columns_is_refused() -> None:
    with pytest.raises(
        StepError, match=r"names 'site', a column that the corpus does not have \(it has: id, text, url\)"
    ):
        prefixed(["a"], ["u"], template="{site}")
    with pytest.raises(ValueError, match="braces hold the names of columns"):
        Prefix(template="{url[0]}")
    with pytest.raises(ValueError, match="is no template"):
        Prefix(template="{url")
