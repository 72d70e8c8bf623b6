"""From one number a word or line to one number a document, and from one list of documents to another."""

from typing import Any

import numpy as np
import numpy.typing as npt

from textmill.pipeline.kernels import kernel


def sum_by_document(values: npt.NDArray[Any], first: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Sums of whole numbers or truths; those of document i stand at ``first[i]:first[i + 1]``."""
    totals = np.concatenate([[0], np.cumsum(values, dtype=np.int64)])
    return np.asarray(totals[first[1:]] - totals[first[:-1]])


def ratio(part: npt.NDArray[np.int64], whole: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """part / whole, and 0 where the whole is 0: a document without words has no share of anything."""
    return part / np.maximum(whole, 1)


@kernel
def find_in_order(
    data: npt.NDArray[np.uint8],
    offsets: npt.NDArray[np.int64],
    sought_data: npt.NDArray[np.uint8],
    sought_offsets: npt.NDArray[np.int64],
) -> npt.NDArray[np.int64]:
    """Where the sought documents stand, byte for byte, among others that come in the same order.

    Ends at the first that is not found: all were if the result is as long as the list of them.
    """
    sought = len(sought_offsets) - 1
    rows = np.empty(sought, np.int64)
    found = 0
    for row in range(len(offsets) - 1):
        if found < sought:
            length = offsets[row + 1] - offsets[row]
            if length == sought_offsets[found + 1] - sought_offsets[found]:
                equal = 0
                while equal < length and data[offsets[row] + equal] == sought_data[sought_offsets[found] + equal]:
                    equal += 1
                if equal == length:
                    rows[found] = row
                    found += 1
    return rows[:found]


@kernel
def count_code_points(data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """How many code points each document has."""
    counts = np.zeros(len(offsets) - 1, np.int64)
    for document in range(len(counts)):
        for at in range(offsets[document], offsets[document + 1]):
            counts[document] += data[at] & 0xC0 != 0x80
    return counts
