"""`fix_text`: text that was decoded wrongly, entities, control characters and ligatures, mended by ftfy.

ftfy (Robyn Speer, https://ftfy.readthedocs.io) is an extra: ``pip install 'textmill[ftfy]'``.
"""

from types import ModuleType
from typing import Final, Literal

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from textmill.pipeline import schema
from textmill.pipeline.arrow import set_column
from textmill.pipeline.errors import UsageError
from textmill.pipeline.step import Mapper

_SUSPECT: Final = r"[^\t\n\f -~]|&"
"""ftfy finds nothing to mend in plain ASCII without control characters and entities."""


class FixText(Mapper):
    """Undo mojibake (schÃ¶n), and write entities, control characters, ligatures and full-width letters as usual.

    The defaults are FineWeb2's: all that ftfy does, but quotes stay curly.
    """

    fix_encoding: bool = Field(True, description="undo wrong decoding")
    unescape_html: Literal["auto"] | bool = Field("auto", description="auto: up to the first line that holds a <")
    uncurl_quotes: bool = Field(False, description="make curly quotes straight")
    normalization: Literal["NFC", "NFKC"] | None = Field("NFC", description="Unicode form; null for none")

    def libraries(self) -> tuple[str, ...]:
        """Every release mends more. Raises UsageError where it is not installed."""
        return (_load().__name__,)

    def prepare(self) -> None:
        """Import ftfy. Raises UsageError where it is not installed."""
        _load()

    def rewrite(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """ftfy on the texts that it might change, line by line."""
        library = _load()
        config = library.TextFixerConfig(**self.model_dump(), explain=False)
        texts = batch.column(schema.TEXT)
        suspect = pc.fill_null(pc.match_substring_regex(texts, _SUSPECT), False)
        mended = [library.fix_text(text, config) for text in texts.filter(suspect).to_pylist()]
        texts = pc.replace_with_mask(texts, suspect, pa.array(mended, texts.type))
        return set_column(batch, schema.TEXT, texts)


def _load() -> ModuleType:
    try:
        import ftfy
    except ImportError as error:
        raise UsageError("fix_text needs ftfy: pip install 'textmill[ftfy]'") from error
    return ftfy
