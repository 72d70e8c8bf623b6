"""`script_of_text`: which script a document is written in, and how much of it is."""

import numpy as np
import pyarrow as pa
from pydantic import Field

from textmill.pipeline import schema
from textmill.pipeline.kernels.documents import ratio
from textmill.pipeline.kernels.scripts import CODES, count_scripts
from textmill.pipeline.step import Scorer
from textmill.pipeline.text import text_of


class ScriptOfText(Scorer):
    """Add the script that most letters are in, by its ISO 15924 code, and the share of letters that are.

    `Jpan` is Kana and Han together, where at least `min_kana` of them are Kana; Han without is `Hani`. A document
    without letters has no script: both columns are null.
    """

    column: str = Field("script", min_length=1, description="name of the column; the share goes to <column>_share")
    min_kana: float = Field(0.1, ge=0, le=1, description="share of Kana among Kana and Han that makes them Japanese")

    def adds(self) -> frozenset[str]:
        """The two columns."""
        return frozenset({self.column, f"{self.column}_share"})

    def score(self, batch: pa.RecordBatch) -> dict[str, pa.Array]:
        """Columns of type string and float32; of scripts with as many letters the first in `kernels.scripts`."""
        text = text_of(batch.column(schema.TEXT))
        counts = count_scripts(text.data, text.offsets)
        places = {code: place for place, code in enumerate(CODES)}
        kana = counts[:, places["Hira"]] + counts[:, places["Kana"]]
        han = counts[:, places["Hani"]]
        japanese = (kana > 0) & (kana >= self.min_kana * (kana + han))
        # All of Japanese is counted in one column, which stands for it below.
        counts[:, places["Hira"]] = np.where(japanese, kana + han, counts[:, places["Hira"]])
        counts[:, places["Kana"]] = np.where(japanese, 0, counts[:, places["Kana"]])
        counts[:, places["Hani"]] = np.where(japanese, 0, han)
        best = counts.argmax(axis=1)
        total = counts.sum(axis=1)
        names = np.array(CODES, object)[best]
        names[japanese & (best == places["Hira"])] = "Jpan"
        share = ratio(counts[np.arange(len(best)), best], total)
        none = total == 0
        return {
            self.column: pa.array(names, pa.string(), mask=none),
            f"{self.column}_share": pa.array(share, pa.float32(), mask=none),
        }
