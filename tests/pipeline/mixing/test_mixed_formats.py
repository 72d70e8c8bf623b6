"""A mixture of real text of seven sources in two phases, in every format: what readers find is what was planned."""

import json
import struct
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from mixes import findings, mixed_recipe, write_documents

from textmill.pipeline.executor import Inline
from textmill.pipeline.recipe import Recipe
from textmill.pipeline.recipe_reader import parse_recipe
from textmill.pipeline.reports.report import write_report
from textmill.pipeline.reports.verify import verify
from textmill.pipeline.run import run

SOURCES = ("books", "code", "legal", "math", "news", "qa", "wiki")
PHASES = [
    {"name": "stable", "budget_tokens": "3M"},
    {
        "name": "anneal",
        "budget_tokens": "1M",
        "weights": {
            "kind": "explicit",
            "shares": {"books": 0.1, "code": 0.1, "legal": 0, "math": 0.2, "news": 0.1, "qa": 0.2, "wiki": 0.3},
        },
    },
]


def real_recipe(data: Path, output: dict[str, Any]) -> Recipe:
    inputs = [{"source": name, "read": "jsonl", "files": f"{data}/text/{name}/*.jsonl.zst"} for name in SOURCES]
    mix = {"mix": "final", "weights": {"kind": "temperature", "alpha": 0.5}, "phases": PHASES}
    stages = [{"chain": "count", "steps": ["token_count"]}, {**mix, "tokens_column": "estimated_tokens"}]
    return parse_recipe({"name": "real", "inputs": inputs, "stages": stages, "output": output})


@pytest.fixture(scope="module")
def real_run(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    out = str(tmp_path_factory.mktemp("real") / "out")
    run(real_recipe(real_data, {"shard_tokens": "500k", "format": "hf"}), out, Inline())
    write_report(out)
    return out


def planned(out: str, phase: str) -> Counter[str]:
    """Copies of each document, as the last chain has them."""
    copies = Counter[str]()
    for path in Path(out).glob("stages/*-after_final-*/data/*.parquet"):
        table = pq.read_table(path, columns=["id", f"mix_copies_{phase}"])
        copies.update(dict(zip(*(column.to_pylist() for column in table.columns), strict=True)))
    return +copies


def test_a_mixture_of_real_text_is_read_by_datasets_as_planned(real_run: str, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    for phase in PHASES:
        name = str(phase["name"])
        found = datasets.load_dataset(f"{real_run}/data", name, split="train", cache_dir=str(tmp_path))
        assert Counter(found["id"]) == planned(real_run, name)
        told = next(one for one in findings(real_run)["phases"] if one["name"] == name)
        tokens = Counter[str]()
        for source, count in zip(found["source"], found["estimated_tokens"], strict=True):
            tokens[source] += count
        for group in told["groups"]:
            assert tokens[group["group"]] == group["tokens"]
            assert abs(group["tokens"] - group["expected_tokens"]) <= 3 * group["sigma_tokens"] + 1
        assert told["tokens"] == sum(tokens.values())
    assert found.num_rows == sum(planned(real_run, "anneal").values())
    assert "legal" not in set(found["source"])


def test_a_mixture_of_real_text_is_verified_and_its_card_tells_it(real_run: str) -> None:
    checked = verify(real_run)
    assert (checked.problems, checked.incomplete) == ([], [])
    card = (Path(real_run) / "data/README.md").read_text()
    told = json.loads((Path(real_run) / "report.json").read_text())
    assert f"{told['corpus']['documents']:,} documents" in card
    assert "path: anneal/train-*.parquet" in card
    assert f"| wiki | {told['mixture']['phases'][0]['groups'][-1]['unique_tokens']:,} |" in card
    assert "| final | " in card


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("documents")
    write_documents(folder)
    return folder


def mixed_in(folder: Path, out: Path, **output: Any) -> Path:
    run(mixed_recipe(folder, output=output), str(out), Inline())
    checked = verify(str(out))
    assert (checked.problems, checked.warnings, checked.incomplete) == ([], [], [])
    return out / "data"


def test_json_lines_of_a_mixture(folder: Path, tmp_path: Path) -> None:
    data = mixed_in(folder, tmp_path / "out", format="jsonl", shard_tokens=2000)
    found = Counter[str]()
    for path in (data / "stable").iterdir():
        with zstandard.open(path, "rt", encoding="utf-8") as stream:
            found.update(json.loads(line)["id"] for line in stream)
    assert found == planned(str(tmp_path / "out"), "stable")


def test_a_streaming_dataset_of_a_mixture(folder: Path, tmp_path: Path) -> None:
    data = mixed_in(folder, tmp_path / "out", format="mds", shard_bytes=3000)
    shards = json.loads((data / "stable/index.json").read_text())["shards"]
    assert [shard["raw_data"]["basename"] for shard in shards] == [f"shard.{n:05d}.mds" for n in range(len(shards))]
    assert len(shards) > 2
    assert sum(shard["samples"] for shard in shards) == sum(planned(str(tmp_path / "out"), "stable").values())


@pytest.fixture(scope="module")
def letters(tmp_path_factory: pytest.TempPathFactory) -> str:
    tokenizers = pytest.importorskip("tokenizers")
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel({"[UNK]": 0, "<end>": 1, "x": 2}, unk_token="[UNK]"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    path = tmp_path_factory.mktemp("tokenizer") / "letters.json"
    made.save(str(path))
    return str(path)


def test_megatron_tokens_of_a_mixture_are_those_that_were_counted(folder: Path, tmp_path: Path, letters: str) -> None:
    data = mixed_in(folder, tmp_path / "out", format="megatron", tokenizer=letters, end_token="<end>", shard_bytes=4000)
    told = {phase["name"]: phase for phase in findings(tmp_path / "out")["phases"]}
    tokens = np.concatenate([np.fromfile(path, np.uint16) for path in sorted((data / "stable").glob("*.bin"))])
    assert Counter(tokens.tolist()) == {1: told["stable"]["copies"], 2: told["stable"]["tokens"]}
    heads = [path.read_bytes()[9:34] for path in (data / "stable").glob("*.idx")]
    assert len(heads) > 1
    assert sum(struct.unpack("<QBQQ", head)[2] for head in heads) == told["stable"]["copies"]


def test_pieces_of_equal_length_of_a_mixture(folder: Path, tmp_path: Path, letters: str) -> None:
    run(mixed_recipe(folder, output={"format": "lengths", "tokenizer": letters}), str(tmp_path / "out"), Inline())
    assert verify(str(tmp_path / "out")).problems == []
    told = json.loads((tmp_path / "out/data/stable/curriculum.json").read_text())
    stable = findings(tmp_path / "out")["phases"][0]
    assert (told["documents"], told["tokens"], told["lost_tokens"]) == (stable["copies"], *[stable["tokens"]] * 2)


def test_other_formats_need_no_mix(folder: Path, tmp_path: Path) -> None:
    inputs = [{"source": "web", "read": "jsonl", "files": f"{folder}/*.jsonl"}]
    content = {"name": "plain", "inputs": inputs, "stages": [{"chain": "all", "steps": []}]}
    prefix = {"template": "{domain}\n", "share": 0.5}
    output = {"format": "mds", "prefix": prefix}
    run(parse_recipe({**content, "output": output}), str(tmp_path / "out"), Inline())
    assert verify(str(tmp_path / "out")).problems == []
    index = json.loads((tmp_path / "out/data/index.json").read_text())
    assert sum(shard["samples"] for shard in index["shards"]) == 560
    run(parse_recipe({**content, "output": {"prefix": prefix}}), str(tmp_path / "out"), Inline())
    assert sorted(path.name for path in (tmp_path / "out/data").iterdir()) == ["part-00000.parquet"]
    texts = pq.read_table(tmp_path / "out/data/part-00000.parquet").column("text")
    assert 200 < sum(".org\nx" in text for text in texts.to_pylist()) < 360
    assert pa.types.is_string(texts.type)
