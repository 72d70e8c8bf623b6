"""A neural classifier says of each document what it says of it alone."""

import math
from pathlib import Path
from typing import Any

import pytest
from tiny_checkpoints import MAX_TOKENS, save_checkpoint

from textmill import batch_of, score
from textmill.pipeline.errors import ModelError
from textmill.scorers.transformer import Transformer

TEXTS = ["river", "tax law click here", " \n", None, "sea " * 15, "here", "river sea law", "click " * 400, "what"]


def test_a_label_goes_with_probabilities_only() -> None:
    with pytest.raises(ValueError, match="give a label"):
        Transformer(model="m", output="softmax")
    with pytest.raises(ValueError, match="give a label"):
        Transformer(model="m", label="good")


def test_a_missing_checkpoint_is_told(tmp_path: Path) -> None:
    for name in (str(tmp_path / "none"), "nobody/nothing-of-this-name"):
        with pytest.raises(ModelError, match=name):
            Transformer(model=name).depends_on()
    with pytest.raises(ModelError, match="without a model"):
        Transformer(model=str(tmp_path)).depends_on()


@pytest.fixture(scope="module")
def torch() -> Any:
    pytest.importorskip("transformers", reason="textmill[transformer] is not installed")
    return pytest.importorskip("torch", reason="textmill[transformer] is not installed")


@pytest.fixture(scope="module")
def folder(torch: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkpoints")
    save_checkpoint(folder / "two", kind="classifier")
    save_checkpoint(folder / "five", kind="classifier", labels=tuple("12345"))
    save_checkpoint(folder / "one", kind="classifier", labels=("score",))
    save_checkpoint(folder / "encoder", kind="encoder")
    return folder


def logits(folder: Path, text: str, torch: Any) -> list[float]:
    """The outputs for one document alone, by the library as its own documentation uses it."""
    import transformers

    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder).cpu().eval()
    with torch.no_grad():
        inputs = tokenizer(text, return_tensors="pt", truncation=True, max_length=MAX_TOKENS)
        return model(**inputs).logits[0].tolist()


@pytest.mark.parametrize("size", [1, 4, 100])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("one", {}),
        ("two", {"output": "softmax", "label": "good"}),
        ("two", {"output": "sigmoid", "label": 0}),
        ("five", {"output": "expected"}),
    ],
)
def test_scores_are_those_of_each_document_alone(
    folder: Path, torch: Any, name: str, options: dict[str, Any], size: int
) -> None:
    step = Transformer(model=str(folder / name), batch_size=size, **options)
    step.prepare()
    found = score(step, TEXTS)["transformer"]
    for text, value in zip(TEXTS, found, strict=True):
        if not (text or "").strip():
            assert value is None
            continue
        outputs = logits(folder / name, text or "", torch)
        shares = [math.exp(one) / sum(map(math.exp, outputs)) for one in outputs]
        expected = {
            "regression": outputs[0],
            "softmax": shares[-1],
            "sigmoid": 1 / (1 + math.exp(-outputs[0])),
            "expected": sum(place * share for place, share in enumerate(shares)),
        }[step.output]
        assert value == pytest.approx(expected, abs=2e-4)
    assert len({value for value in found if value is not None}) > 3


def test_the_same_documents_give_the_same_scores(folder: Path) -> None:
    step = Transformer(model=str(folder / "one"), column="s")
    batch = batch_of(TEXTS)
    first = step.score(batch)["s"]
    assert step.score(batch)["s"].equals(first)
    assert step.score(batch.slice(4, 3))["s"].to_pylist() == pytest.approx(first.slice(4, 3).to_pylist(), abs=2e-4)
    assert step.tally(step.apply(batch)[0]) == {"without_score": 2}


def test_what_is_no_such_classifier_is_told(folder: Path, tmp_path: Path) -> None:
    for name, options, message in [
        ("encoder", {}, "lacks the weights classifier"),
        ("two", {}, "it has 2: bad, good"),
        ("one", {"output": "expected"}, "use output: regression"),
        ("two", {"output": "softmax", "label": "goood"}, "no label 'goood'; did you mean 'good'"),
        ("two", {"output": "softmax", "label": 2}, "no label 2"),
    ]:
        with pytest.raises(ModelError, match=message):
            Transformer(model=str(folder / name), **options).prepare()
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelError, match="cannot load it"):
        Transformer(model=str(tmp_path)).prepare()


def test_the_stage_knows_the_files_of_the_model(folder: Path) -> None:
    names = {Path(path).name for path in Transformer(model=str(folder / "one")).depends_on()}
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= names
