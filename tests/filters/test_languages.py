"""The packaged files of languages: half of the shared real text made them, the other half is judged here."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from language_texts import BREAKINGS, LANGUAGES, UNSPACED, broken, clean_texts, halves, shuffled_words, without_spaces

from textmill.filters.per_language import load_languages
from textmill.pipeline.recipe import ChainStage
from textmill.pipeline.recipe_reader import load_recipe
from textmill.pipeline.step import Filter
from textmill.pipeline.testing import batch_of
from textmill.scorers.language import Language

MOST = 100
"""Documents of a language that are judged."""
LATIN = {"en", "de", "fr", "es", "it", "fi", "sv", "tr", "pl", "vi", "sw"}


@pytest.fixture(scope="module")
def held_out() -> Callable[[Path], dict[str, list[str]]]:
    known: dict[Path, dict[str, list[str]]] = {}

    def load(real_data: Path) -> dict[str, list[str]]:
        if real_data not in known:
            known[real_data] = {name: halves(texts)[1][:MOST] for name, texts in clean_texts(real_data).items()}
        return known[real_data]

    return load


def kept(texts: list[str]) -> float:
    """The share that the filters of fineweb2.yaml keep, in whatever language lid.176 takes them to be."""
    batch = Language().apply(batch_of(texts))[0]
    alive = np.ones(len(texts), np.bool_)
    for stage in load_recipe("fineweb2").stages:
        for step in stage.steps if isinstance(stage, ChainStage) else ():
            if isinstance(step.part, Filter) and step.name != "blocked_url":
                alive &= step.part.judge(batch).kept
    return float(alive.mean())


def told_apart(breaking: Any, language: str) -> bool:
    """Whether filters that count can be asked to see it; docs/languages.md says why not, and how often they do.

    Right words in random order take a language model to see. Latin letters but for some accents survive a wrong
    charset. Text that has no spaces loses nothing with them.
    """
    if breaking is without_spaces:
        return language not in UNSPACED
    return breaking is not shuffled_words and not ("mojibake" in breaking.__name__ and language in LATIN)


@pytest.mark.parametrize("language", LANGUAGES)
def test_clean_text_is_kept_and_broken_text_is_not(language: str, held_out: Any, real_data: Path) -> None:
    texts = held_out(real_data)[language]
    assert len(texts) >= 30
    assert kept(texts) >= 0.9
    shares = {b.__name__: kept(broken(texts, b)) for b in BREAKINGS if told_apart(b, language)}
    assert len(shares) >= 9
    assert np.mean(list(shares.values())) <= 0.1, shares
    for name in ("shuffled_characters", "shuffled_letters", "repeated", "repeated_lines", "spaced_out"):
        assert shares[name] <= 0.1, name


def test_every_packaged_language_tells_where_it_comes_from() -> None:
    files = {file.language: file for file in load_languages("configs/languages").values()}
    assert set(files) == set(LANGUAGES)
    for file in files.values():
        assert file.evidence["documents"] >= 20
        assert file.evidence["reference"]
        off = [
            f"{section}.{definition}.{name}"
            for section, by_definition in file.thresholds.items()
            for definition, stated in by_definition.items()
            if isinstance(stated, dict)
            for name, value in stated.items()
            if value is None
        ]
        said = yaml.safe_dump(list(file.notes), width=10**6)
        assert [name for name in off if name.split(".", 2)[2] not in said] == []
