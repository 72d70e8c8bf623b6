"""Token counts: tiny tokenizers of three libraries, what they must not count, and how far the estimate is off."""

import base64
import io
import json
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from strategies import hard_columns

from textmill.pipeline.errors import ModelError
from textmill.pipeline.testing import batch_of, score
from textmill.pipeline.token_estimate import _ENGLISH, _NOT_ENGLISH, _RATES, estimate_tokens
from textmill.scorers.tokenizers import load_tokenizer
from textmill.scorers.tokens import TokenCount

TEXTS = ["the cat sat on the mat", "the dog sat", "", "a\nb\r\n  c", "日本語 and ไทย 😀", "x" * 300]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tokenizers")


@pytest.fixture(scope="module")
def words(folder: Path) -> str:
    """Splits at white space, and is set up as files of trained models are: marks, cutting, filling up."""
    tokenizers = pytest.importorskip("tokenizers")
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel({"<s>": 0, "[UNK]": 1, "the": 2}, unk_token="[UNK]"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    made.post_processor = tokenizers.processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    made.enable_truncation(3)
    made.enable_padding(length=10)
    path = folder / "words.json"
    made.save(str(path))
    return str(path)


@pytest.fixture(scope="module")
def bytes_and_the(folder: Path) -> str:
    """Every byte, `th` and `the`."""
    tokens = [*(bytes([byte]) for byte in range(256)), b"th", b"the"]
    path = folder / "gpt2.tiktoken"
    path.write_bytes(b"".join(base64.b64encode(token) + b" %d\n" % rank for rank, token in enumerate(tokens)))
    return str(path)


@pytest.fixture(scope="module")
def pieces(folder: Path) -> str:
    sentencepiece = pytest.importorskip("sentencepiece")
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["the cat sat on the mat", "the dog sat on the cat"] * 20),
        model_writer=model,
        model_type="word",
        vocab_size=9,
        hard_vocab_limit=False,
    )
    path = folder / "pieces.model"
    path.write_bytes(model.getvalue())
    return str(path)


def tokens(tokenizer: str, texts: list[str | None], **options: str) -> list[object]:
    return score(TokenCount(tokenizer=tokenizer, **options), texts)["tokens"]


def test_words_without_marks_cutting_or_filling_up(words: str) -> None:
    assert tokens(words, TEXTS) == [6, 3, 0, 3, 4, 1]


def test_tiktoken_ranks(bytes_and_the: str) -> None:
    pytest.importorskip("tiktoken")
    assert tokens(bytes_and_the, ["the", "thx the", "", "日"]) == [1, 4, 0, 3]
    assert tokens(bytes_and_the, ["12 345"], pattern=r"\d+|\s") == [6]


def test_pieces(pieces: str) -> None:
    assert tokens(pieces, ["the cat sat", "", "the dog"]) == [3, 0, 2]


@pytest.mark.parametrize("kind", ["words", "bytes_and_the", "pieces"])
def test_a_batch_gives_what_each_document_gives_alone(
    kind: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokenizer = request.getfixturevalue(kind)
    texts = [*TEXTS, None]
    alone = [tokens(tokenizer, [text])[0] for text in texts]
    assert tokens(tokenizer, texts) == alone
    assert alone[-1] is None
    monkeypatch.setattr("textmill.scorers.tokens._BATCH_CHARS", 20)
    assert tokens(tokenizer, texts) == alone


def test_what_is_no_tokenizer(folder: Path, bytes_and_the: str) -> None:
    with pytest.raises(ModelError, match=r"is no tokenizer file; known are .*json"):
        TokenCount(tokenizer="llama").prepare()
    with pytest.raises(ModelError, match=r"save its file as cl100k_base.tiktoken"):
        TokenCount(tokenizer="cl100k_base").prepare()
    with pytest.raises(ModelError, match="no such model file"):
        TokenCount(tokenizer=str(folder / "none.json")).prepare()
    for name, content in [("a.json", "{}"), ("a.model", "no"), ("gpt2.x.tiktoken", "YQ== 1")]:
        (folder / name).write_text(content)
        with pytest.raises(ModelError):
            TokenCount(tokenizer=str(folder / name)).prepare()
    (folder / "broken").mkdir()
    (folder / "broken" / "gpt2.tiktoken").write_text("YQ== 1\nYg==\n")
    with pytest.raises(ModelError, match="line 2"):
        TokenCount(tokenizer=str(folder / "broken" / "gpt2.tiktoken")).prepare()


def test_a_tokenizer_is_loaded_once(words: str) -> None:
    assert load_tokenizer(words) is load_tokenizer(words)


def test_an_estimate_is_no_count() -> None:
    assert TokenCount().adds() == {"estimated_tokens"}
    assert score(TokenCount(), ["", None, "a", " ", "word " * 100]) == {"estimated_tokens": [0, None, 1, 1, 91]}


def naive_estimate(text: str, letter: int) -> int:
    total = 0
    for char in text:
        rates = [rate for first, last, rate in _RATES if first <= ord(char) <= last]
        total += letter if char.isascii() and char.isalpha() else rates[-1] if rates else 2250
    return max((total + 500) // 1000, bool(text))


@settings(max_examples=60)
@given(hard_columns)
def test_the_estimate_is_its_slow_twins(texts: list[str | None]) -> None:
    plain = batch_of(texts)
    assert estimate_tokens(plain).tolist() == [naive_estimate(text or "", _ENGLISH) for text in texts]
    german = batch_of({"text": texts, "language": ["de"] * len(texts)})
    assert estimate_tokens(german).tolist() == [naive_estimate(text or "", _NOT_ENGLISH) for text in texts]


def test_the_estimate_on_english_is_near_the_rate_of_real_vocabularies(real_data: Path) -> None:
    raw = zstandard.ZstdDecompressor().stream_reader((real_data / "text/web/c4_sample.jsonl.zst").read_bytes())
    texts = [json.loads(line)["text"] for line in io.TextIOWrapper(raw, "utf-8").readlines()[:300]]
    assert 4.2 < sum(map(len, texts)) / estimate_tokens(batch_of(texts)).sum() < 5.2
