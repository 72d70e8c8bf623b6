"""Pages in, text out: what stands between a reader of web pages and every step that reads text."""

import logging
import re
import unicodedata
from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any, ClassVar, Final, Literal, Self, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from textmill.pipeline import schema
from textmill.pipeline.arrow import drop_columns, set_column
from textmill.pipeline.extraction.decoding import to_utf8
from textmill.pipeline.extraction.extractor import options
from textmill.pipeline.extraction.metadata import article_body, find_metadata, is_script_only
from textmill.pipeline.extraction.tokenizer import count_opening, tokenize
from textmill.pipeline.io.html import decode
from textmill.pipeline.kernels import compiling
from textmill.pipeline.mappers.extraction_engines import (
    Engine,
    Page,
    resiliparse_engine,
    textmill_content,
    trafilatura_engine,
)
from textmill.pipeline.mappers.markup import tags_and_depth
from textmill.pipeline.step import Mapper

Metadata: TypeAlias = Literal["title", "author", "published", "canonical_url", "site_name", "page_language"]

Row: TypeAlias = dict[str, Any]
"""Values by column; columns that are not named are null."""

log = logging.getLogger(__name__)

_OF_TRAFILATURA: Final = frozenset({"title", "author", "published"})
"""Metadata that trafilatura finds itself, in the text too; what is left is what the page says of itself."""

_UNKNOWN_DAY: Final = date(2100, 1, 1)
"""Bounds dates of publication where no crawl date is known; a fixed day, so that a rerun agrees."""

CONFIDENCE: Final = "extraction_confidence"

_CONTROL: Final = re.compile("[\x01-\x08\x0b\x0e-\x1a\x1c-\x1f]")
_HEAD: Final = 1445
_MAX_CONTROL: Final = 0.02
"""Share of control characters from which a body is no text; in its first 1,445, which browsers look at.

Of 5,600 real pages the worst has 0.015; images and archives served as pages have 0.03 and more.
"""


class ExtractHtml(Mapper):
    """Turn `html` into `text`: the main content of each page, without navigation and boilerplate.

    Rows without `html` keep the `text` they came with. Pages leave as `too_large` (value: bytes),
    `too_many_tags` (tags), `too_deep` (depth, counted to one beyond the limit), `binary` (share of
    control characters), `no_text`, `script_only` (no text, and scripts that would fill the page) or
    `extraction_failed`. A page whose body has no text gives that of its JSON-LD, where there is one.
    """

    revision: ClassVar[int] = 3

    engine: Literal["trafilatura", "resiliparse", "textmill"] = Field(
        "textmill",
        description="what finds the main content: textmill's own model, or a library",
    )
    mode: Literal["default", "fast"] = Field(
        "default", description="trafilatura: fast does without the second opinion of two other algorithms"
    )
    favor: Literal["balanced", "precision", "recall"] = Field(
        "balanced", description="trafilatura: less boilerplate (precision) or less loss (recall)"
    )
    comments: bool = Field(False, description="keep readers' comments")
    tables: bool = Field(True, description="keep tables")
    links: bool = Field(False, description="keep the targets of links")
    title: bool = Field(False, description="textmill: keep the page's title above its text; metadata has it too")
    metadata: tuple[Metadata, ...] = Field(
        (), description="columns to add, null where the page does not say; published is a day"
    )
    format: Literal["text", "markdown"] = Field(
        "text", description="textmill: markdown marks headings, numbered items, quotations, code and tables"
    )
    confidence: bool = Field(
        False, description="textmill: add extraction_confidence, the word-F1 that the model expects of its text, 0 to 1"
    )
    cascade_below: float | None = Field(
        None,
        gt=0,
        le=1,
        description="textmill: pages of which the model expects less go to trafilatura, counted as sent_on",
    )
    max_bytes: int = Field(8 << 20, gt=0, description="size of a page as it was served")
    max_tags: int = Field(250_000, gt=0, description="tags of a page")
    max_depth: int = Field(250, gt=0, description="nesting of elements; trafilatura's parser loses what is below 255")

    @model_validator(mode="after")
    def _only_what_the_engine_does(self) -> Self:
        for names, engine in (
            (("mode", "favor"), "trafilatura"),
            (("title", "format", "confidence", "cascade_below"), "textmill"),
        ):
            for name in names if self.engine != engine else ():
                if getattr(self, name) != type(self).model_fields[name].default:
                    raise ValueError(f"{name} is an option of engine: {engine}")
        if self.cascade_below is not None and self.format == "markdown":
            raise ValueError("cascade_below needs format: text; what trafilatura writes is no Markdown")
        return self

    def reads(self) -> frozenset[str]:
        """The pages; `content_type`, `url` and `date` help where they are."""
        return frozenset({schema.HTML})

    def adds(self) -> frozenset[str]:
        """The text, and the metadata asked for."""
        return frozenset({schema.TEXT, *self.metadata, *self._confidence()})

    def removes(self) -> frozenset[str]:
        """What nothing after extraction needs."""
        return frozenset({schema.HTML, schema.CONTENT_TYPE})

    def libraries(self) -> tuple[str, ...]:
        """Every library whose release may change a page's text."""
        if self.engine == "textmill" and self.cascade_below is None:
            return ()
        if self.engine == "resiliparse":
            return ("resiliparse",)
        return ("trafilatura", "htmldate", "justext", "lxml", "resiliparse")

    def prepare(self) -> None:
        """Import the engine and compile the kernel."""
        if self.engine == "textmill":
            with compiling():
                textmill_content(b"", self._wanted())
        if self.engine == "textmill" and self.cascade_below is None:
            return
        self._engine()
        tags_and_depth(b"", self.max_depth)
        tokenize(b"")

    def rewrite(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """`html` and `content_type` give way to `text` and metadata; a refused row says why."""
        engine = self._engine() if self.engine != "textmill" or self.cascade_below is not None else None
        batch = set_column(batch, schema.HTML, batch.column(schema.HTML).cast(pa.binary()))
        read = {schema.ID, schema.URL, schema.DATE, *self.adds(), *self.removes()}
        rows = batch.select([name for name in batch.schema.names if name in read]).to_pylist()
        results = [self._rewrite(engine, row) for row in rows]
        batch = drop_columns(batch, *self.removes())
        for name in (schema.TEXT, *self.metadata, *self._confidence(), schema.DROP_REASON, schema.DROP_VALUE):
            kind = pa.float64() if name == CONFIDENCE else schema.TYPES.get(name, pa.string())
            batch = set_column(batch, name, pa.array([result.get(name) for result in results], kind))
        return batch

    def tally(self, batch: pa.RecordBatch) -> dict[str, int]:
        """Pages that went to trafilatura, of those that go on."""
        if self.cascade_below is None:
            return {}
        return {"sent_on": pc.sum(pc.less(batch.column(CONFIDENCE), self.cascade_below)).as_py() or 0}

    def _engine(self) -> Engine:
        if self.engine == "resiliparse":
            return resiliparse_engine(comments=self.comments, tables=self.tables, links=self.links)
        return trafilatura_engine(
            fast=self.mode == "fast",
            favor=self.favor,
            comments=self.comments,
            tables=self.tables,
            links=self.links,
            metadata=self.engine == "trafilatura" and not _OF_TRAFILATURA.isdisjoint(self.metadata),
        )

    def _confidence(self) -> tuple[str, ...]:
        return (CONFIDENCE,) if self.confidence or self.cascade_below is not None else ()

    def _wanted(self) -> int:
        return options(
            markdown=self.format == "markdown",
            comments=self.comments,
            tables=self.tables,
            links=self.links,
            title=self.title,
        )

    def _rewrite(self, engine: Engine | None, row: Row) -> Row:
        """The new values of one row, by column."""
        body = row[schema.HTML]
        if body is None:
            return row if row.get(schema.TEXT) is not None else _refused("no_text")
        if len(body) > self.max_bytes:
            return _refused("too_large", len(body))
        if self.engine == "textmill" or engine is None:
            return self._extract(engine, row, to_utf8(body, row.get(schema.CONTENT_TYPE)).data)
        return self._from_library(engine, row)

    def _from_library(self, engine: Engine, row: Row) -> Row:
        """The new values of one row by a library, if it should see the page."""
        html = decode(row[schema.HTML], row.get(schema.CONTENT_TYPE))
        refused = self._refuse(row[schema.HTML], html)
        return refused or self._extract_by(engine, row, html)

    def _extract_by(self, engine: Engine, row: Row, html: str) -> Row:
        """The new values of one row by a library."""
        try:
            content = engine(_page(html, row))
        except Exception as error:
            log.warning("extraction failed on %s: %r", row.get(schema.ID), error)
            return _refused("extraction_failed")
        theirs = _OF_TRAFILATURA.intersection(self.metadata if self.engine == "trafilatura" else ())
        found = {name: _clean(getattr(content, name)) for name in (schema.TEXT, *theirs)}
        ours = [name for name in self.metadata if name not in theirs]
        if found[schema.TEXT] and not ours:
            return found
        return self._from_markup(html, row, found, ours)

    def _extract(self, second: Engine | None, row: Row, page: bytes) -> Row:
        """The new values of one row by our own engine, which minds neither depth nor damage.

        second: trafilatura, for pages that it is not sure of; where that finds nothing, its own text counts.
        """
        control = _control_share(page[: 4 * _HEAD].decode("utf-8", "ignore"))
        if control > _MAX_CONTROL:
            return _refused("binary", control)
        if (tags := count_opening(page)) > self.max_tags:
            return _refused("too_many_tags", tags)
        content = textmill_content(page, self._wanted())
        text = _clean(content.text) or _clean(article_body(page, content.tokens))
        if second and self.cascade_below is not None and content.confidence < self.cascade_below:
            text = self._second_text(second, row) or text
        if not text:
            return _refused("script_only" if is_script_only(page) else "no_text")
        found: Row = {schema.TEXT: text, CONFIDENCE: content.confidence}
        if not self.metadata:
            return found
        latest = _end_of(row.get(schema.DATE)).date()
        return found | find_metadata(page, content.tokens, self.metadata, url=row.get(schema.URL), latest=latest)

    def _second_text(self, engine: Engine, row: Row) -> str | None:
        """What a library finds; nothing where it should not see the page, or fails on it."""
        html = decode(row[schema.HTML], row.get(schema.CONTENT_TYPE))
        if self._refuse(row[schema.HTML], html):
            return None
        try:
            return _clean(engine(_page(html, row)).text)
        except Exception as error:
            log.warning("trafilatura failed on %s: %r", row.get(schema.ID), error)
            return None

    def _from_markup(self, html: str, row: Row, found: Row, wanted: Sequence[str]) -> Row:
        """`found` with what the page says of itself, and with the text of its JSON-LD if the engine found none."""
        page = html.encode()
        tokens = tokenize(page)
        text = found[schema.TEXT] or _clean(article_body(page, tokens))
        if not text:
            return _refused("script_only" if is_script_only(page) else "no_text")
        latest = _end_of(row.get(schema.DATE)).date()
        said = find_metadata(page, tokens, wanted, url=row.get(schema.URL), latest=latest)
        return found | said | {schema.TEXT: text}

    def _refuse(self, body: bytes, html: str) -> Row | None:
        """Why no engine should see the page, if so; work is limited, never time, so that every machine agrees."""
        control = _control_share(html)
        if control > _MAX_CONTROL:
            return _refused("binary", control)
        # In UTF-16 and ISO-2022-JP, "<" may be a part of a letter; elsewhere the bytes will do.
        markup = html.encode() if b"\0" in body or b"\x1b" in body else body
        tags, depth = tags_and_depth(markup, self.max_depth)
        if tags > self.max_tags:
            return _refused("too_many_tags", tags)
        if depth > self.max_depth:
            return _refused("too_deep", depth)
        return None


def _page(html: str, row: Row) -> Page:
    return Page(html, row.get(schema.URL), _end_of(row.get(schema.DATE)))


def _control_share(html: str) -> float:
    head = html[:_HEAD]
    return len(_CONTROL.findall(head)) / max(len(head), 1)


def _refused(reason: str, value: float | None = None) -> Row:
    return {schema.DROP_REASON: reason, schema.DROP_VALUE: value}


def _end_of(day: object) -> datetime:
    """The last moment of an ISO date or time."""
    try:
        known = date.fromisoformat(str(day)[:10])
    except ValueError:
        known = _UNKNOWN_DAY
    return datetime.combine(known, time.max)


def _clean(text: str | None) -> str | None:
    """NFC, line ends as "\\n", and nothing around the text."""
    if text is None:
        return None
    return unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n").strip()
