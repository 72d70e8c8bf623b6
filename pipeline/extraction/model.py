"""The trained model as a file: arrays without any code in them, and what they were trained for."""

import io
from functools import cache
from importlib.resources import files
from typing import Final, NamedTuple
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from textmill.pipeline.errors import InputError
from textmill.pipeline.extraction import features, second
from textmill.pipeline.extraction.analysis import Weights
from textmill.pipeline.extraction.hints import HINTS
from textmill.pipeline.extraction.tags import NAMES
from textmill.pipeline.extraction.trees import Nodes, plant

FORMAT: Final = 1
_STAGES: Final = ("first", "second")
_SHIPPED: Final = "model.npz"


class Model(NamedTuple):
    """A model as it is trained and stored. hints: float32, what each hint is worth; see `hints`."""

    hints: npt.NDArray[np.float32]
    first: Nodes
    second: Nodes


def features_key() -> str:
    """What a model's columns mean: the names of features and elements, in order."""
    return " ".join((*features.NAMES, "/", *second.NAMES, "/", *NAMES))


def save_model(model: Model) -> bytes:
    """The content of a model file, the same bytes for the same model."""
    arrays: dict[str, npt.NDArray[np.generic]] = {
        "format": np.array(FORMAT),
        "features": np.array(features_key()),
        "hints": model.hints.astype(np.float16),
    }
    for stage in _STAGES:
        arrays |= {f"{stage}_{name}": array for name, array in getattr(model, stage)._asdict().items()}
    stream = io.BytesIO()
    np.savez_compressed(stream, allow_pickle=False, **arrays)
    return stream.getvalue()


@cache
def load_model(path: str | None = None) -> Weights:
    """The model in a file, ready to use; see `read_model`."""
    model = read_model(path)
    return Weights(model.hints, plant(model.first), plant(model.second))


def read_model(path: str | None = None) -> Model:
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
            return _model({name: arrays[name] for name in arrays.files})
    except (KeyError, ValueError, OSError, EOFError, BadZipFile) as error:
        raise InputError(f"{path or _SHIPPED}: not a model of this version of textmill ({error})") from error


def _model(arrays: dict[str, npt.NDArray[np.generic]]) -> Model:
    if int(arrays["format"]) != FORMAT or str(arrays["features"]) != features_key():
        raise ValueError("trained for other features; train it anew")
    columns = (features.FEATURES, second.ALL_FEATURES)
    stages = [_nodes(arrays, stage, count) for stage, count in zip(_STAGES, columns, strict=True)]
    hints = arrays["hints"].astype(np.float32)
    if hints.shape != (HINTS,):
        raise ValueError("hints of another size")
    return Model(hints, *stages)


def _nodes(arrays: dict[str, npt.NDArray[np.generic]], stage: str, columns: int) -> Nodes:
    """The trees of a stage, checked so that no kernel leaves its arrays."""
    nodes = Nodes(
        np.ascontiguousarray(arrays[f"{stage}_feature"], np.int16),
        np.ascontiguousarray(arrays[f"{stage}_value"], np.float32),
        np.ascontiguousarray(arrays[f"{stage}_right"], np.int32),
        np.ascontiguousarray(arrays[f"{stage}_roots"], np.int32),
    )
    plant(nodes)
    if (nodes.feature >= columns).any():
        raise ValueError("a feature that is not there")
    return nodes
