"""fastText classifiers for scorers: loaded once a worker, asked one document at a time."""

from functools import cache
from itertools import pairwise
from typing import Any, Final, NamedTuple

import pyarrow as pa

from textmill.pipeline.arrow import text_buffers
from textmill.pipeline.errors import ModelError
from textmill.pipeline.models import local_model
from textmill.scorers.fasttext_format import check_classifier

PREFIX: Final = "__label__"
"""What fastText's labels begin with."""


class Prediction(NamedTuple):
    """A label without fastText's prefix, and its probability in [0, 1]."""

    label: str
    probability: float


@cache
def load_classifier(model: str) -> Any:
    """The fastText model of a known name, path or URL.

    Raises ModelError when it is missing, damaged, or no classifier.
    """
    import fasttext

    path = local_model(model)
    check_classifier(path)
    try:
        return fasttext.load_model(str(path))
    except (ValueError, RuntimeError, MemoryError) as error:
        raise ModelError(f"{path}: fastText cannot load it: {error}") from error


def classify(classifier: Any, text: str, at_least: float | None = None) -> list[Prediction]:
    """The best label or, with `at_least`, all labels of that probability, best first.

    The document is read as one line: fastText stops at a newline and at the token ``</s>``.
    """
    line = text.replace("\n", " ").replace("</s>", " ") + "\n"
    top, threshold = (1, 0.0) if at_least is None else (-1, at_least)
    found = classifier.f.predict(line, top, threshold, "replace")
    # Rounding takes some probabilities to 1.00001.
    return [Prediction(label.removeprefix(PREFIX), min(p, 1.0)) for p, label in found]


def lines_of(column: pa.Array) -> list[bytes]:
    """Each document of a text column as `classify` reads it, one line with its newline; a null is an empty one.

    Bytes that are not UTF-8 stay as they are: to fastText they are letters.
    """
    data, offsets, _ = text_buffers(column)
    start = offsets[0]
    raw = data[start : offsets[-1]].tobytes().replace(b"\n", b" ")
    lines = [raw[begin:end] + b"\n" for begin, end in pairwise((offsets - start).tolist())]
    return [line.replace(b"</s>", b" ") for line in lines] if b"</s>" in raw else lines


def is_blank(line: bytes) -> bool:
    """Whether a line holds nothing but white space, of whatever script."""
    head = line[:40].decode("utf-8", "ignore")  # as a rule it tells
    return not head.strip() and not line.decode("utf-8", "replace").strip()


def labels_of(classifier: Any) -> frozenset[str]:
    """Every label that the classifier knows, without fastText's prefix."""
    names, _ = classifier.f.getLabels("replace")
    return frozenset(name.removeprefix(PREFIX) for name in names)


def texts_of(column: pa.Array) -> list[str]:
    """The documents of a text column; a null is empty, and what is not UTF-8 becomes U+FFFD."""
    raw = column.cast(pa.large_binary()).to_pylist()
    return [(text or b"").decode("utf-8", "replace") for text in raw]
