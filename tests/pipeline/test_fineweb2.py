"""FineWeb2's recipe on texts in several languages: what it keeps, what it drops, and that its books balance."""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml
from language_texts import clean_texts, halves

from textmill.pipeline.executor import Inline
from textmill.pipeline.io.files import read_text, resolve_packaged
from textmill.pipeline.recipe_reader import parse_recipe
from textmill.pipeline.reports.verify import verify
from textmill.pipeline.run import run

LANGUAGES = ["en", "de", "ru", "ar", "zh", "ja", "th"]


def test_texts_in_seven_languages(real_data: Path, tmp_path: Path) -> None:
    pytest.importorskip("ftfy")
    clean = {name: halves(texts)[1][:12] for name, texts in clean_texts(real_data, LANGUAGES).items()}
    rows = [{"id": f"{name}-{i}", "text": text} for name, texts in clean.items() for i, text in enumerate(texts)]
    rows += [{"id": f"twin-{name}", "text": texts[0]} for name, texts in clean.items()]
    rows += [{"id": f"list-{name}", "text": "\n".join(texts[1][:30].split() * 40)} for name, texts in clean.items()]
    (tmp_path / "texts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    content: dict[str, Any] = yaml.safe_load(read_text(resolve_packaged("configs/fineweb2.yaml")))
    content["inputs"] = [{"source": "texts", "read": "jsonl", "files": str(tmp_path / "texts.jsonl")}]
    content["expect"] = {}
    content["stages"][0]["steps"] = content["stages"][0]["steps"][2:]  # the input is text: no addresses, no pages
    out = tmp_path / "out"
    assert run(parse_recipe(content), str(out), Inline()).failures == []
    assert verify(str(out)).problems == []
    kept = pq.read_table(out / "data").to_pylist()
    names = [row["id"] for row in kept]
    for language in LANGUAGES:
        assert len([name for name in names if name.startswith(f"{language}-")]) >= 10
        assert f"list-{language}" not in names
    assert not [name for name in names if name.startswith("twin-")]
    assert {row["cluster_size"] for row in kept if row["id"].endswith("-0")} == {2}
    assert {row["script"] for row in kept} == {"Latn", "Cyrl", "Arab", "Hani", "Jpan", "Thai"}
