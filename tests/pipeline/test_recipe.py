"""What a recipe says about itself: sizes, and a resolved text that reads as the same recipe."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from support import chain, recipe_of

from textmill.pipeline.recipe import parse_size
from textmill.pipeline.recipe_reader import parse_recipe


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("512MB", 512_000_000),
        ("64MiB", 64 << 20),
        ("1.5 kB", 1500),
        ("1.5K", 1500),
        ("2G", 2_000_000_000),
        ("2GiB", 2 << 30),
        ("1TB", 10**12),
        ("7", 7),
        ("7B", 7),
        (" 3 MB ", 3_000_000),
    ],
)
def test_sizes_in_powers_of_ten_and_of_two(text: str, expected: int) -> None:
    assert parse_size(text) == expected


@pytest.mark.parametrize("text", ["", "MB", "-1MB", "1,5MB", "12 apples", "1MBB", "1e6", "٣MB٣"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match="is no size; write for example 512MB"):
        parse_size(text)


@given(st.integers(0, 10**15))
def test_a_size_in_bytes_is_itself(size: int) -> None:
    assert parse_size(str(size)) == size


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
