"""textmill curates pretraining corpora: filters judge, scorers measure, mappers rewrite.

The public names, for steps of your own and for tests of them.
"""

from textmill.pipeline.errors import TextmillError
from textmill.pipeline.step import Filter, Mapper, Scorer, doc_filter, doc_scorer
from textmill.pipeline.testing import batch_of, judge, rewrite, score
from textmill.pipeline.verdict import Verdict

__all__ = [
    "Filter",
    "Mapper",
    "Scorer",
    "TextmillError",
    "Verdict",
    "batch_of",
    "doc_filter",
    "doc_scorer",
    "judge",
    "rewrite",
    "score",
]
