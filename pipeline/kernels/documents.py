"""From one number a word or line to one number a document."""

from typing import Any

import numpy as np
import numpy.typing as npt


def sum_by_document(values: npt.NDArray[Any], first: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Sums of whole numbers or truths; those of document i stand at ``first[i]:first[i + 1]``."""
    totals = np.concatenate([[0], np.cumsum(values, dtype=np.int64)])
    return np.asarray(totals[first[1:]] - totals[first[:-1]])


def ratio(part: npt.NDArray[np.int64], whole: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """part / whole, and 0 where the whole is 0: a document without words has no share of anything."""
    return part / np.maximum(whole, 1)
