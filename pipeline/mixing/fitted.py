"""The files that `textmill fit-mixture` writes, as weights of a recipe read them."""

import json
from collections.abc import Sequence
from functools import cache
from typing import Any

from textmill.pipeline.errors import InputError, RecipeError
from textmill.pipeline.io.files import filesystem


@cache
def load_fit(path: str, method: str) -> dict[str, Any]:
    """The content of a fitted file. Raises InputError for another file, or one of another method."""
    try:
        fs, name = filesystem(path)
        content: dict[str, Any] = json.loads(fs.cat_file(name))
        found = content["method"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: not what textmill fit-mixture writes: {error}") from error
    if found != method:
        raise InputError(f"{path}: fitted by method {found}, not {method}")
    return content


def match_groups(path: str, fitted: Sequence[str], labels: Sequence[str]) -> list[int]:
    """Where each group stands in a fit. Raises RecipeError unless both name the same groups."""
    if set(fitted) != set(labels):
        unknown = ", ".join(sorted(set(labels) - set(fitted))) or "none"
        absent = ", ".join(sorted(set(fitted) - set(labels))) or "none"
        raise RecipeError(f"weights: {path} was fitted for other groups; not in it: {unknown}; not here: {absent}")
    return [list(fitted).index(label) for label in labels]
