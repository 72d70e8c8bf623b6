"""Embeddings are unit vectors, each of its own text alone, and null where nothing is known."""

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from strategies import hard_columns

from textmill import batch_of, score
from textmill.pipeline.errors import ModelError
from textmill.scorers.embedding import Embedding
from textmill.scorers.static_embedding import static_files

tokenizers = pytest.importorskip("tokenizers", reason="the extra textmill[tokenizers] is not installed")

WORDS = ["[UNK]", "river", "sea", "tax", "law", "日", "本"]
VECTORS = np.array([[9, 9], [1, 0], [1, 0.25], [0, 1], [0.25, 1], [1, 1], [-1, -1]], np.float32)


def save_tensors(path: Path, **tensors: Any) -> None:
    header, data = {}, b""
    for name, values in tensors.items():
        kind = {"float32": "F32", "float16": "F16", "int64": "I64", "uint16": "BF16"}[values.dtype.name]
        header[name] = {
            "dtype": kind,
            "shape": list(values.shape),
            "data_offsets": [len(data), len(data) + values.nbytes],
        }
        data += values.tobytes()
    head = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(head)) + head + data)


def save_model(folder: Path, **tensors: Any) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    model = tokenizers.models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="[UNK]")
    tokenizer = tokenizers.Tokenizer(model)
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    save_tensors(folder / "model.safetensors", **(tensors or {"embeddings": VECTORS}))
    return str(folder)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return save_model(tmp_path_factory.mktemp("static") / "model")


def test_the_mean_of_the_tokens_by_hand(model: str) -> None:
    river, both, unknown, blank, null = score(Embedding(model=model), ["river", "river what tax", "what", "", None])[
        "embedding"
    ]
    assert river == [1, 0]
    assert both == pytest.approx([0.5**0.5, 0.5**0.5])  # the unknown word counts for nothing
    assert (unknown, blank, null) == (None, None, None)


def test_opposites_cancel_and_are_counted(model: str) -> None:
    step = Embedding(model=model)
    batch, _ = step.apply(batch_of(["日 本", "sea"]))
    assert step.tally(batch) == {"without_embedding": 1}
    assert batch.column("embedding").null_count == 1


def test_only_the_first_tokens_count(model: str) -> None:
    texts = ["what river " + "tax " * 50]
    assert score(Embedding(model=model, max_tokens=1), texts)["embedding"] == [[1, 0]]
    whole = score(Embedding(model=model, max_tokens=None), texts)["embedding"][0]
    assert whole == pytest.approx(np.array([1, 50]) / np.hypot(1, 50), rel=1e-6)


@given(column=hard_columns)
@settings(max_examples=50)
def test_a_vector_has_length_one_and_does_not_depend_on_its_neighbours(model: str, column: list[str | None]) -> None:
    texts = [None if text is None else f"{text} sea law" for text in column] + column
    step = Embedding(model=model, column="v")
    found = score(step, {"text": pa.array(texts, pa.string())})["v"]
    for text, vector in zip(texts, found, strict=True):
        assert score(step, {"text": pa.array([text], pa.string())})["v"] == [vector]
        assert vector is None or np.linalg.norm(vector) == pytest.approx(1, abs=1e-6)  # type: ignore[arg-type]


def test_quantised_vocabularies_and_half_numbers(tmp_path: Path) -> None:
    mapping = np.array([0, 1, 1, 2, 2, 0, 0])
    rows = np.array([[0, 0], [1, 0], [0, 1]], np.float16)
    weights = np.array([1, 1, 3, 1, 1, 1, 1], np.float32)
    model = save_model(tmp_path / "q", embeddings=rows, mapping=mapping, weights=weights)
    found = score(Embedding(model=model), ["sea tax", "日"])["embedding"]
    assert found == [pytest.approx(np.array([3, 1]) / 10**0.5), None]


def test_the_layout_of_sentence_transformers_and_bfloat16(tmp_path: Path) -> None:
    halves = (VECTORS.view(np.uint32) >> 16).astype(np.uint16)  # exact for these numbers
    save_model(tmp_path / "st" / "0_StaticEmbedding", **{"embedding.weight": halves})
    model = str(tmp_path / "st")
    assert score(Embedding(model=model), ["tax"])["embedding"] == [[0, 1]]
    assert static_files(model)[0].endswith("0_StaticEmbedding/tokenizer.json")


@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_the_column_goes_to_parquet_and_back(model: str, tmp_path: Path, precision: Any) -> None:
    column = Embedding(model=model, precision=precision).score(batch_of(["sea", None, "law tax"]))["embedding"]
    assert column.type == pa.list_(getattr(pa, precision)())
    pq.write_table(pa.table({"embedding": column}), tmp_path / "e.parquet")
    back = pq.read_table(tmp_path / "e.parquet")["embedding"].combine_chunks()
    assert back.equals(column)
    wide = back.cast(pa.large_list(pa.float64()))[2].as_py()
    assert wide == pytest.approx(np.array([0.25, 2]) / np.hypot(0.25, 2), abs=1e-3)


def test_bad_models_are_told(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such model file"):
        Embedding(model=str(tmp_path / "none")).prepare()
    with pytest.raises(ModelError, match="3 vectors for 7 tokens"):
        Embedding(model=save_model(tmp_path / "few", embeddings=VECTORS[:3])).prepare()
    with pytest.raises(ModelError, match="it holds other"):
        Embedding(model=save_model(tmp_path / "other", other=VECTORS)).prepare()
    broken = Path(save_model(tmp_path / "broken"))
    for content in (b"", b"\xff" * 20, (broken / "model.safetensors").read_bytes()[:-4]):
        (broken / "model.safetensors").write_bytes(content)
        with pytest.raises(ModelError, match="not a safetensors file"):
            Embedding(model=str(broken)).prepare()
    with pytest.raises(ModelError, match="no such folder"):
        Embedding(model=str(tmp_path / "none"), engine="sentence-transformers").depends_on()


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> str:
    library = pytest.importorskip("sentence_transformers", reason="textmill[sentence-transformers] is not installed")
    from sentence_transformers.models import Pooling, Transformer
    from tiny_checkpoints import save_checkpoint

    folder = tmp_path_factory.mktemp("network")
    transformer = Transformer(save_checkpoint(folder / "bert", kind="encoder"))
    parts = [transformer, Pooling(transformer.get_word_embedding_dimension())]
    library.SentenceTransformer(modules=parts, device="cpu").save(str(folder / "st"))
    return str(folder / "st")


def test_sentence_transformers_give_unit_vectors(network: str) -> None:
    step = Embedding(model=network, engine="sentence-transformers")
    texts = ["river sea", " ", None, "law " * 200, "river sea"]
    found: Any = score(step, texts)["embedding"]
    assert [vector is None for vector in found] == [False, True, True, False, False]
    assert np.linalg.norm(found[0]) == pytest.approx(1, abs=1e-5)
    assert found[0] == pytest.approx(found[4], abs=1e-5)
    assert found[0] != pytest.approx(found[3], abs=1e-3)
    assert any(path.endswith("model.safetensors") for path in step.depends_on())
