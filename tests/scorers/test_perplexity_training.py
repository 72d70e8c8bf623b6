"""Training a perplexity model: kenlm's own figures, the laws of a language model, text that is too little."""

import json
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import kenlm
import naive_perplexity
import numpy as np
import pytest
from kenlm_models import need_tools
from typer.testing import CliRunner

from textmill.pipeline.cli import app
from textmill.pipeline.errors import UsageError
from textmill.pipeline.kenlm_tools import find_tool
from textmill.pipeline.testing import batch_of, score
from textmill.scorers.harmful_perplexity import HarmfulPerplexity
from textmill.scorers.perplexity import Perplexity
from textmill.scorers.perplexity_training import Settings, train_perplexity

ROOT = Path(__file__).parent.parent.parent
DOCUMENTS = [
    part for page in sorted(ROOT.glob("docs/*.md")) for part in page.read_text().split("\n\n") if len(part) > 80
]
"""Paragraphs of textmill's own pages: natural text, always at hand."""


@pytest.fixture(scope="module", autouse=True)
def tools() -> None:
    need_tools()


def train(
    texts: Sequence[str | None], out: Path, mixed: Sequence[str] | None = None, **settings: Any
) -> dict[str, Any]:
    batches = [batch_of(texts[start : start + 64]) for start in range(0, len(texts), 64)]
    more = None if mixed is None else [batch_of(mixed)]
    return train_perplexity(
        batches, str(out), Settings(**{"order": 3, "memory": "100M", "held_out": 0.1} | settings), more
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    model = tmp_path_factory.mktemp("trained") / "docs.bin"
    return model, train([*DOCUMENTS, "", None, DOCUMENTS[0]], model)


def held_out(model: Path, card: dict[str, Any]) -> list[str]:
    """The documents that were held out: all whose words the card does not count as trained on."""
    import hashlib
    import struct

    salt = struct.pack("<q", card["seed"])
    lines = {naive_perplexity.words(text): None for text in DOCUMENTS}
    keys = {line: hashlib.blake2b(f"{line}\n".encode(), digest_size=8, salt=salt).digest() for line in lines}
    return [line for line, key in keys.items() if int.from_bytes(key, "big") < int(card["held_out_share"] * 2**64)]


def test_the_held_out_perplexity_is_what_kenlms_query_says(trained: tuple[Path, dict[str, Any]]) -> None:
    model, card = trained
    apart = held_out(model, card)
    assert card["held_out"]["documents"] == len(apart) > 5
    said = subprocess.run(
        [find_tool("query"), "-v", "summary", model],
        input="".join(f"{line}\n" for line in apart),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    figures = dict(re.findall(r"(.*):\s+(\S+)", said))
    assert card["held_out"]["perplexity"] == pytest.approx(float(figures["Perplexity including OOVs"]), rel=1e-5)
    assert card["held_out"]["tokens"] == int(figures["Tokens"])
    words = int(figures["Tokens"]) - len(apart)
    assert card["held_out"]["unknown_words"] == pytest.approx(int(figures["OOVs"]) / words)


def test_every_document_is_trained_on_or_held_out_or_left_out(trained: tuple[Path, dict[str, Any]]) -> None:
    _, card = trained
    documents = card["trained_on"]["documents"] + card["held_out"]["documents"]
    different = {naive_perplexity.words(text) for text in DOCUMENTS}
    assert documents == len(different)
    assert card["left_out"] == {"duplicates": len(DOCUMENTS) + 1 - len(different), "without_words": 2}
    apart = held_out(*trained)
    assert card["trained_on"]["tokens"] == sum(len(text.split()) for text in different - set(apart))


def test_the_scorer_takes_the_card_for_granted(trained: tuple[Path, dict[str, Any]]) -> None:
    model, card = trained
    found = score(Perplexity(model=str(model)), DOCUMENTS[:50])["perplexity"]
    asked = kenlm.Model(str(model))
    assert found == pytest.approx([asked.perplexity(naive_perplexity.words(text)) for text in DOCUMENTS[:50]], rel=1e-5)
    assert json.loads(Path(f"{model}.json").read_text()) == json.loads(json.dumps(card))


def test_text_trained_on_is_foreseen_better_than_the_same_words_in_disorder(
    trained: tuple[Path, dict[str, Any]],
) -> None:
    model, _ = trained
    generator = np.random.default_rng(0)
    shuffled = [" ".join(generator.permutation(text.split())) for text in DOCUMENTS[:40]]
    plain, disorder = (score(Perplexity(model=str(model)), texts)["perplexity"] for texts in (DOCUMENTS[:40], shuffled))
    assert np.mean(np.array(plain) < np.array(disorder)) > 0.9
    twice = score(Perplexity(model=str(model)), [f"{text}\n{text}" for text in DOCUMENTS[:40]])["perplexity"]
    assert np.log(twice) == pytest.approx(np.log(np.array(plain, float)), abs=0.3)


def test_the_probabilities_of_all_words_after_any_others_sum_to_one(tmp_path: Path) -> None:
    model = tmp_path / "toy.bin"
    toy = [f"{a} {b} {c}" for a in "abc" for b in "abd" for c in "aebc" if (a, b) != (b, c)]
    train(toy, model, held_out=0, discount_fallback=True)
    asked, words = kenlm.Model(str(model)), ["a", "b", "c", "d", "e", "</s>", "<unk>"]
    generator = np.random.default_rng(0)
    for _ in range(100):
        history = " ".join(generator.choice(words[:5], generator.integers(0, 5)))
        before = asked.score(history, eos=False)
        total = sum(10 ** (asked.score(f"{history} {word}", eos=False) - before) for word in words)
        assert total == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"quantize": True, "prune": (0, 0, 1)},
        {"unit": "line"},
        {"pieces": 120, "normalize": "cc_net"},
        {"normalize": "none"},
    ],
    ids=str,
)
def test_the_same_text_gives_the_same_bytes(settings: dict[str, Any], tmp_path: Path) -> None:
    for name in ("one", "two"):
        train(DOCUMENTS[:200], tmp_path / name, discount_fallback=True, **settings)
    endings = ["", ".json", *([".spm"] if "pieces" in settings else [])]
    for ending in endings:
        assert Path(f"{tmp_path}/one{ending}").read_bytes() == Path(f"{tmp_path}/two{ending}").read_bytes()
    assert len(list(tmp_path.iterdir())) == 2 * len(endings)
    assert None not in score(Perplexity(model=f"{tmp_path}/one", lines=True), DOCUMENTS[:5])["perplexity"]


def test_pieces_are_those_of_sentencepiece(tmp_path: Path) -> None:
    import sentencepiece

    model = tmp_path / "pieces.bin"
    card = train(DOCUMENTS, model, pieces=300, normalize="cc_net", discount_fallback=True)
    splitter = sentencepiece.SentencePieceProcessor(model_file=f"{model}.spm")
    asked = kenlm.Model(str(model))
    assert 64 < card["pieces"] <= 300
    sentences = [" ".join(splitter.encode(naive_perplexity.cc_net(text), out_type=str)) for text in DOCUMENTS[:30]]
    expected = [naive_perplexity.perplexity(asked, [sentence]) for sentence in sentences]
    step = Perplexity(model=str(model))
    assert score(step, DOCUMENTS[:30])["perplexity"] == pytest.approx(expected, rel=1e-5)
    assert score(step, ["", None])["perplexity"] == [None, None]
    assert step.depends_on() == (str(model), f"{model}.json", f"{model}.spm")
    assert step.libraries() == ("kenlm", "sentencepiece")
    again = tmp_path / "again.bin"
    other = train(DOCUMENTS, again, tokenizer=f"{model}.spm", normalize="cc_net", discount_fallback=True)
    assert other["held_out"] == card["held_out"]
    assert Path(f"{again}.spm").read_bytes() == Path(f"{model}.spm").read_bytes()


def test_what_is_tokenised_already_may_hold_anything(tmp_path: Path) -> None:
    texts = [*DOCUMENTS[:100], "<s> in </s> between <unk> words", "nul\0nul\u0085\u2028 \x1c"]
    train(texts, tmp_path / "model", normalize="none", discount_fallback=True, held_out=0)
    assert score(Perplexity(model=f"{tmp_path}/model"), ["<s> a </s>", "\0"])["perplexity"][1] is None


@pytest.mark.parametrize("texts", [["one two three"], ["the same words again"] * 50, ["a b", "c d"]])
def test_too_little_text_is_told_with_the_way_out(texts: list[str], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--discount-fallback"):
        train(texts, tmp_path / "model", held_out=0)
    assert list(tmp_path.iterdir()) == []
    train(texts, tmp_path / "model", held_out=0, discount_fallback=True)
    assert score(Perplexity(model=f"{tmp_path}/model"), texts[:1])["perplexity"][0] > 1  # type: ignore[operator]


@pytest.mark.parametrize("texts", [[], ["", None, " \n"]])
def test_no_text_is_told(texts: list[str | None], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no text to train on"):
        train(texts, tmp_path / "model")


def test_the_threshold_lies_in_the_valley_between_two_kinds_of_text(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    foul, fair = ([f"{kind}{number}" for number in range(40)] for kind in ("foul", "fair"))

    def write(words: list[str], count: int) -> list[str]:
        return [" ".join(generator.choice(words, 30)) for _ in range(count)]

    mixed = [*write(foul, 30), *write(fair, 90)]
    card = train(write(foul, 300), tmp_path / "foul", mixed, discount_fallback=True)
    assert card["mixture"]["documents"] == 120
    assert card["mixture"]["documents_below"] == 30
    assert score(HarmfulPerplexity(model=f"{tmp_path}/foul"), mixed)["harmful"] == [True] * 30 + [False] * 90
    alike = train(write(foul, 300), tmp_path / "alike", write(foul, 100), discount_fallback=True)
    assert alike["threshold"] is None


def test_the_command(tmp_path: Path) -> None:
    (tmp_path / "texts").mkdir()
    rows = [{"id": str(n), "text": text, "language": "en"} for n, text in enumerate(DOCUMENTS)]
    (tmp_path / "texts" / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    options = [
        "--text",
        f"{tmp_path}/texts",
        "--out",
        f"{tmp_path}/models/docs.bin",
        "--order",
        "3",
        "--prune",
        "0,0,1",
    ]
    result = CliRunner().invoke(app, ["train", "perplexity", *options])
    assert result.exit_code == 0, result.output
    assert "held-out perplexity" in result.output
    assert json.loads((tmp_path / "models" / "docs.bin.json").read_text())["prune"] == [0, 0, 1]


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--prune", "1"], "begin with 0"),
        (["--prune", "0,x"], "takes numbers"),
        (["--pieces", "100", "--tokenizer", "x.spm"], "give one of them"),
        (["--memory", "5Q"], "--memory 5Q: write a size such as 500MB or 8GB, or a share"),
        (["--memory", "..5G"], "--memory ..5G: write a size"),
        (["--memory", "8"], "--memory 8: write a size"),
        (["--memory", "0G"], "--memory 0G: write a size"),
        (["--memory", "120%"], "--memory 120%: write a share"),
    ],
)
def test_options_that_do_not_fit_are_refused(options: list[str], complaint: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["train", "perplexity", "--text", "x.txt", "--out", f"{tmp_path}/m", *options])
    assert isinstance(result.exception, UsageError)
    assert complaint in str(result.exception)


def test_too_little_memory_is_told_without_the_tools_own_source(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as told:
        train(DOCUMENTS[:50], tmp_path / "m", memory="1M")
    assert "could not make a model with 1M of memory" in str(told.value)
    assert "exceeds total memory" in str(told.value)
    assert ".cc:" not in str(told.value)


@pytest.mark.parametrize("memory", ["100m", "0.2 GB", "50%"])
def test_sizes_of_memory_as_people_write_them(memory: str, tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in DOCUMENTS[:200]))
    options = ["--text", f"{tmp_path}/x.jsonl", "--out", f"{tmp_path}/m", "--order", "2", "--memory", memory]
    assert CliRunner().invoke(app, ["train", "perplexity", *options]).exit_code == 0


def test_cut_points_from_scores(tmp_path: Path) -> None:
    rows = [
        {"id": str(n), "text": "x", "language": "en" if n % 2 else "fr", "perplexity": 10.0 + n} for n in range(100)
    ]
    rows.append({"id": "none", "text": "x", "language": "de", "perplexity": None})  # type: ignore[dict-item]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    options = ["--text", f"{tmp_path}/a.jsonl", "--out", f"{tmp_path}/cutoffs.json"]
    result = CliRunner().invoke(app, ["train", "cutoffs", *options])
    assert result.exit_code == 0, result.output
    found = json.loads((tmp_path / "cutoffs.json").read_text())
    assert found["fr"] == pytest.approx([38, 68], rel=0.01)
    assert found["en"] == pytest.approx([39, 69], rel=0.01)
    missing = CliRunner().invoke(app, ["train", "cutoffs", *options, "--column", "pp"])
    assert "no column 'pp'" in str(missing.exception)
