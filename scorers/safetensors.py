"""Reads tensors from safetensors files into numpy: a length, a JSON header that says where each lies, and the bytes."""

import json
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from textmill.pipeline.errors import ModelError

_TYPES: Final = {
    "F64": np.float64,
    "F32": np.float32,
    "F16": np.float16,
    "BF16": np.uint16,
    "I64": np.int64,
    "I32": np.int32,
    "I16": np.int16,
    "I8": np.int8,
    "U8": np.uint8,
}


def read_tensors(path: Path) -> dict[str, npt.NDArray[np.generic]]:
    """All tensors of a file by name; bfloat16 as float32. Raises ModelError for a damaged file or another."""
    try:
        content = path.read_bytes()
        start = 8 + int.from_bytes(content[:8], "little")
        header = json.loads(content[8:start])
        header.pop("__metadata__", None)
        return {name: _tensor(content, start, about) for name, about in header.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise ModelError(f"{path}: not a safetensors file: {error!r}") from error


def _tensor(content: bytes, start: int, about: dict[str, list[int]]) -> npt.NDArray[np.generic]:
    kind, (begin, end) = str(about["dtype"]), about["data_offsets"]
    if not 0 <= begin <= end <= len(content) - start:
        raise ValueError("a tensor lies beyond the end")
    values = np.frombuffer(content[start + begin : start + end], _TYPES[kind]).reshape(about["shape"])
    if kind == "BF16":
        return np.asarray((values.astype(np.uint32) << np.uint32(16)).view(np.float32))
    return values
