"""The trained model as a file: arrays without any code in them, and what they were trained for."""

import io
from functools import cache
from importlib.resources import files
from typing import Final
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from textmill.pipeline.errors import InputError
from textmill.pipeline.extraction import features, second
from textmill.pipeline.extraction.analysis import Weights
from textmill.pipeline.extraction.hints import HINTS
from textmill.pipeline.extraction.tags import NAMES
from textmill.pipeline.extraction.trees import Trees

FORMAT: Final = 1
_STAGES: Final = ("first", "second")
_SHIPPED: Final = "model.npz"


def features_key() -> str:
    """What a model's columns mean: the names of features and elements, in order."""
    return " ".join((*features.NAMES, "/", *second.NAMES, "/", *NAMES))


def save_model(weights: Weights) -> bytes:
    """The content of a model file, the same bytes for the same weights."""
    arrays: dict[str, npt.NDArray[np.generic]] = {
        "format": np.array(FORMAT),
        "features": np.array(features_key()),
        "hints": weights.hints.astype(np.float16),
    }
    for stage in _STAGES:
        arrays |= {f"{stage}_{name}": array for name, array in getattr(weights, stage)._asdict().items()}
    stream = io.BytesIO()
    np.savez_compressed(stream, allow_pickle=False, **arrays)
    return stream.getvalue()


@cache
def load_model(path: str | None = None) -> Weights:
    """The model in a file; without a path, the one that comes with textmill.

    Raises InputError when it is no model of this version of textmill, or not whole.
    """
    if path is None:
        content = files("textmill.pipeline.extraction").joinpath(_SHIPPED).read_bytes()
    else:
        with open(path, "rb") as stream:
            content = stream.read()
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in arrays.files}
        return _weights(found)
    except (KeyError, ValueError, OSError, EOFError, BadZipFile) as error:
        raise InputError(f"{path or _SHIPPED}: not a model of this version of textmill ({error})") from error


def _weights(arrays: dict[str, npt.NDArray[np.generic]]) -> Weights:
    if int(arrays["format"]) != FORMAT or str(arrays["features"]) != features_key():
        raise ValueError("trained for other features; train it anew")
    stages = [_trees(arrays, stage, columns) for stage, columns in zip(_STAGES, _columns(), strict=True)]
    hints = arrays["hints"].astype(np.float32)
    if hints.shape != (HINTS,):
        raise ValueError("hints of another size")
    return Weights(hints, *stages)


def _columns() -> tuple[int, int]:
    return features.FEATURES, second.ALL_FEATURES


def _trees(arrays: dict[str, npt.NDArray[np.generic]], stage: str, columns: int) -> Trees:
    """The trees of a stage, checked so that no kernel leaves its arrays or runs for ever."""
    trees = Trees(
        np.ascontiguousarray(arrays[f"{stage}_feature"], np.int16),
        np.ascontiguousarray(arrays[f"{stage}_value"], np.float32),
        np.ascontiguousarray(arrays[f"{stage}_right"], np.int32),
        np.ascontiguousarray(arrays[f"{stage}_roots"], np.int32),
    )
    nodes = len(trees.feature)
    inner = np.flatnonzero(trees.feature >= 0)
    if not len(trees.value) == len(trees.right) == nodes or not nodes:
        raise ValueError("arrays of different lengths")
    if (trees.feature >= columns).any() or ((trees.roots < 0) | (trees.roots >= nodes)).any():
        raise ValueError("a feature or a tree that is not there")
    if (inner + 1 >= nodes).any() or (trees.right[inner] <= inner).any() or (trees.right[inner] >= nodes).any():
        raise ValueError("a child that is not there")
    return trees
