"""What a recipe says about itself: sizes, and a resolved text that reads as the same recipe."""

import pytest
import yaml
from pydantic import ValidationError
from support import chain, recipe_of

from textmill.pipeline.recipe import Output
from textmill.pipeline.recipe_reader import parse_recipe


@pytest.mark.parametrize(("text", "size"), [("512MB", 512_000_000), ("64MiB", 64 << 20), (7, 7)])
def test_sizes_in_powers_of_ten_and_of_two(text: object, size: int) -> None:
    assert Output.model_validate({"shard_bytes": text}).shard_bytes == size


@pytest.mark.parametrize("text", ["", "MB", "-1MB", "12 apples", 0])
def test_what_is_no_size(text: object) -> None:
    with pytest.raises(ValidationError, match="shard_bytes"):
        Output.model_validate({"shard_bytes": text})


def test_a_resolved_recipe_names_every_default_and_reads_as_the_same_recipe(tmp_path: object) -> None:
    recipe = recipe_of(
        tmp_path,  # type: ignore[arg-type]
        chain(
            "base", "support:MinLength", {"support:without": {"word": "Käse: {"}}, {"support:MinLength": {"least": 5}}
        ),
        {"barrier": "firsts", "support:First": {"count": 9}},
        output={"path": "runs/x", "shard_bytes": "1MB"},
        rejects={"keep": 0.25},
        expect={"kept": [0.1, 1], "base.MinLength_2": [0, 0.5]},
    )
    text = recipe.to_yaml()
    again = parse_recipe(yaml.safe_load(text))
    assert again == recipe
    assert again.to_yaml() == text
    content = yaml.safe_load(text)
    assert content["stages"][0]["steps"] == [
        {"support:MinLength": {"least": 3}},
        {"support:without": {"word": "Käse: {"}},
        {"support:MinLength": {"least": 5}},
    ]
    assert content["stages"][1] == {"barrier": "firsts", "support:First": {"count": 9, "number": False}}
    assert content["inputs"][0]["rows"] == 4
    assert content["output"]["shard_bytes"] == 1_000_000
