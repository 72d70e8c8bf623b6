"""Names and types of the columns that textmill itself reads and writes."""

from typing import Final

import pyarrow as pa

ID: Final = "id"
TEXT: Final = "text"
SOURCE: Final = "source"
URL: Final = "url"
DATE: Final = "date"
LANGUAGE: Final = "language"
LANGUAGE_SCORE: Final = "language_score"

CHARS: Final = "chars"
"""Code points of a document's text, in sketches, where the text itself is not."""

HTML: Final = "html"
"""Bytes of a page as its reader found them: transfer and content encodings undone, charset not."""
CONTENT_TYPE: Final = "content_type"
"""The HTTP header's media type and charset, for decoding; null where unknown."""

DROP_REASON: Final = "drop_reason"
"""Why a row goes no further, null for rows that do.

Readers and mappers fill it for rows they cannot read or rewrite; the chain takes the column out
and the rows with it, as it does for a filter's verdict.
"""
DROP_VALUE: Final = "drop_value"
"""The number behind `DROP_REASON` (an HTTP status, a size in bytes); null where there is none."""

TYPES: Final[dict[str, pa.DataType]] = {
    ID: pa.string(),
    TEXT: pa.string(),
    SOURCE: pa.string(),
    URL: pa.string(),
    DATE: pa.string(),
    LANGUAGE: pa.string(),
    LANGUAGE_SCORE: pa.float32(),
    HTML: pa.binary(),
    CONTENT_TYPE: pa.string(),
    DROP_REASON: pa.string(),
    DROP_VALUE: pa.float64(),
}

DECISIONS: Final = pa.schema(
    [
        (ID, pa.string()),
        (SOURCE, pa.string()),
        ("stage", pa.string()),
        ("step", pa.string()),
        ("reason", pa.string()),
        ("value", pa.float64()),
        ("threshold", pa.float64()),
        ("kept_id", pa.string()),
        ("similarity", pa.float32()),
    ]
)
"""One row for every document that left, with nulls where a column does not apply."""

EDITS: Final = pa.schema(
    [
        (ID, pa.string()),
        (SOURCE, pa.string()),
        ("stage", pa.string()),
        ("step", pa.string()),
        ("reason", pa.string()),
        ("start", pa.int64()),
        ("stop", pa.int64()),
        ("value", pa.float64()),
        ("kept_id", pa.string()),
    ]
)
"""One row for every span that a barrier cut out of a document that stayed: code points [start, stop) of its text."""
