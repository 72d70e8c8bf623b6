"""Models of `dsir`: how often each bucket of words and pairs comes in target text and in raw text, as one file.

Source: Xie et al., Data Selection for Language Models via Importance Resampling (arXiv 2302.03169), and its code.
"""

import io
import zipfile
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np

from textmill.pipeline.errors import ModelError
from textmill.pipeline.models import local_model
from textmill.scorers.dsir_kernels import Floats
from textmill.scorers.signal_kernels import Numbers

FEATURES: Final = "wordpunct, lower case, words and pairs, fmix64"
"""How text becomes buckets; a file that says something else belongs to other kernels."""
FLOOR: Final = 1e-8
"""Added to every probability, as in the paper's code, so that none is 0."""
_DECIMALS: Final = 12
"""So that two machines whose logarithms differ in the last bit agree."""


@dataclass(frozen=True, eq=False)
class ImportanceModel:
    """Counts by bucket in target and in raw text, int64; `smoothing` is added to each (Laplace)."""

    target: Numbers
    raw: Numbers
    smoothing: float

    def worth(self) -> Floats:
        """What one more word or pair of each bucket adds to a document's log weight."""
        return np.asarray(np.round(self._log(self.target) - self._log(self.raw), _DECIMALS))

    def divergence(self) -> float:
        """Kullback and Leibler's, from raw to target text, in nats a word or pair."""
        return float(self._shares(self.target) @ self.worth())

    def _shares(self, counts: Numbers) -> Floats:
        smooth = counts + self.smoothing
        return np.asarray(smooth / max(float(smooth.sum()), 1.0))

    def _log(self, counts: Numbers) -> Floats:
        return np.asarray(np.log(self._shares(counts) + FLOOR))

    def to_bytes(self) -> bytes:
        """The file; the same model gives the same bytes."""
        stream = io.BytesIO()
        np.savez_compressed(
            stream, features=np.array(FEATURES), target=self.target, raw=self.raw, smoothing=np.float64(self.smoothing)
        )
        return stream.getvalue()


@cache
def load_worth(model: str) -> Floats:
    """What the buckets are worth by a model file; loaded once a process. Raises ModelError."""
    path = local_model(model)
    try:
        with np.load(path, allow_pickle=False) as content:
            features, smoothing = str(content["features"]), float(content["smoothing"])
            target, raw = content["target"], content["raw"]
    except (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile) as error:
        raise ModelError(f"{model}: not what textmill train dsir writes: {error}") from error
    if features != FEATURES:
        raise ModelError(f"{model}: made of other features ({features}); train it anew")
    if target.ndim != 1 or target.shape != raw.shape or not len(target) or not smoothing >= 0:
        raise ModelError(f"{model}: damaged: {target.shape} and {raw.shape} counts, smoothing {smoothing}")
    return ImportanceModel(target.astype(np.int64), raw.astype(np.int64), smoothing).worth()
