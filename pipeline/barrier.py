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
"""A ruling: one row for each row of the shard that leaves (reason given) or gains columns (reason null).

Sorted by `row`, the position in the shard. Columns that the barrier adds follow these.
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
        """Write one ruling file (Parquet, `RULING` and the added columns) a sketch file; return their paths.

        `sketches` are Parquet files in shard order; `work` is a folder to use freely, gone afterwards but for
        `FINDINGS` in it.
        The rulings may depend on the sketches and the parameters alone, never on workers or memory.
        """
