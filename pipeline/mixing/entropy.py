"""How much there is to learn from a group's text, measured without training: its conditional bigram entropy.

After Ge et al., BiMix (arXiv 2405.14908), whose entropy weights need no model; their exact normalisation is not
reproduced here: a share is in proportion to the entropy to the power of `gamma`.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from textmill.pipeline import schema
from textmill.pipeline.arrow import text_buffers
from textmill.pipeline.errors import InputError, UsageError
from textmill.pipeline.io.files import filesystem
from textmill.pipeline.kernels.words import split_words
from textmill.pipeline.mixing.cells import UNKNOWN, Group, Ints, label_of

LEAST_WORDS: Final = 1000
"""Fewer words than this a group say nothing of its entropy."""
Pairs = npt.NDArray[np.uint64]


def measure_entropies(batches: Iterable[pa.RecordBatch], by: Sequence[str], words: int) -> dict[str, float]:
    """Bits a word, given the word before it, of each group: of its first `words` pairs of words, in lower case.

    An entropy grows with the text that it is measured on, so all groups are measured on as many pairs as the
    smallest has. Raises UsageError for a missing column, and for a group of fewer than `LEAST_WORDS` pairs.
    """
    pairs: dict[Group, list[Pairs]] = {}
    held: dict[Group, int] = {}
    for batch in batches:
        if missing := [name for name in by if name not in batch.schema.names]:
            raise UsageError(f"there is no column {', '.join(missing)} among {', '.join(batch.schema.names)}")
        columns = [pc.fill_null(batch.column(name).cast(pa.string()), UNKNOWN).to_pylist() for name in by]
        keys: list[Group] = list(zip(*columns, strict=True))
        for key in sorted(set(keys)):
            if held.get(key, 0) < words:
                mine = batch.column(schema.TEXT).filter(pa.array([other == key for other in keys]))
                found = _pairs(mine)[: words - held.get(key, 0)]
                pairs.setdefault(key, []).append(found)
                held[key] = held.get(key, 0) + len(found)
    if not held:
        raise UsageError("there is no text to measure")
    least = min(held.values())
    if least < LEAST_WORDS:
        few = ", ".join(f"{label_of(key)} {count}" for key, count in sorted(held.items()) if count < LEAST_WORDS)
        raise UsageError(f"too few pairs of words to measure entropy, {LEAST_WORDS} are needed: {few}")
    return {label_of(key): conditional_entropy(np.concatenate(pairs[key])[:least]) for key in sorted(pairs)}


def conditional_entropy(pairs: Pairs) -> float:
    """H(second word | first) = H(pairs) − H(first words), in bits. pairs: shape (n, 2)."""
    _, first = np.unique(pairs[:, 0], return_inverse=True)
    _, second = np.unique(pairs[:, 1], return_inverse=True)
    both = first.astype(np.int64) * (int(second.max()) + 1) + second
    return _entropy(both) - _entropy(first.astype(np.int64))


def _entropy(items: Ints) -> float:
    _, counts = np.unique(items, return_counts=True)
    shares = counts / counts.sum()
    return float(-(shares * np.log2(shares)).sum())


def _pairs(texts: pa.Array) -> Pairs:
    """Neighbouring words of one document, as hashes, shape (n, 2)."""
    data, offsets, _ = text_buffers(texts)
    words = split_words(data, offsets)
    document = np.repeat(np.arange(len(words.first) - 1), np.diff(words.first))
    together = document[1:] == document[:-1]
    return np.column_stack([words.keys[:-1][together], words.keys[1:][together]])


@cache
def load_entropies(path: str) -> Mapping[str, float]:
    """Bits a word by group from the file that `textmill fit-entropy` wrote. Raises InputError."""
    try:
        fs, name = filesystem(path)
        content = json.loads(fs.cat_file(name))
        return {str(group): float(bits) for group, bits in content["entropies"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: not entropies by group as textmill fit-entropy writes: {error}") from error
