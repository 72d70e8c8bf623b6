"""A barrier needs every shard before it can say anything about one: deduplication, top share, mixture.

It never sees text. The chain before it writes a sketch of every document in the same pass; the
barrier resolves all sketches into one ruling file a shard, and the chain after it applies them.
"""

from abc import abstractmethod
from collections.abc import Sequence

import pyarrow as pa

from textmill.pipeline.executor import Executor
from textmill.pipeline.parameters import Parameters

RULING = pa.schema(
    [
        ("row", pa.int64()),
        ("reason", pa.string()),
        ("value", pa.float64()),
        ("threshold", pa.float64()),
        ("kept_id", pa.string()),
        ("similarity", pa.float32()),
    ]
)
"""A ruling: one row for each row of the shard that leaves (reason given), gains columns or loses text (reason null).

Sorted by `row`, the position in the shard. Columns that the barrier adds follow these, and `CUTS` where it edits texts.
"""

CUTS = "cuts"
"""A column that a ruling may have beside these: the spans to cut out of a text that stays, a list of `CUT` or null."""

CUT = pa.struct(
    [
        ("start", pa.int64()),
        ("stop", pa.int64()),
        ("reason", pa.string()),
        ("value", pa.float64()),
        ("kept_id", pa.string()),
    ]
)
"""A span of a text, in code points as Python's ``text[start:stop]``, and why it goes.

Spans of a text are in order and do not overlap; none is empty. Code points, for a cut between two of them never
tears a character, and the characters that go are ``stop - start``. kept_id: the document that has the
same and keeps it; value: what was judged; both may be null. A row that leaves (reason given) has no cuts.
"""

FINDINGS = "findings.json"
"""What a barrier may leave in its work folder: a JSON object for people, kept with the stage and in the report.

`largest` in it, if anything, lists clusters of duplicates, the largest first: `size`, `kept_id`, and
`mean_similarity` to that document, or null.
"""


class Barrier(Parameters):
    """A step that needs every shard."""

    @abstractmethod
    def sketch(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """What the barrier needs to know of each row, small, same rows; the engine adds `id` and `source`."""

    @abstractmethod
    def resolve(self, sketches: Sequence[str], work: str, executor: Executor) -> Sequence[str]:
        """Write one ruling file (Parquet: `RULING`, `CUTS` if wanted, the added columns) a sketch; return their paths.

        `sketches` are Parquet files in shard order; `work` is a folder to use freely, gone afterwards but for
        `FINDINGS` in it.
        The rulings may depend on the sketches and the parameters alone, never on workers or memory.
        """
