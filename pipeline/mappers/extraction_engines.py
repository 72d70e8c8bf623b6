"""The libraries that find a page's main content, behind one signature."""

import logging
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from types import ModuleType
from typing import Any, TypeAlias

from textmill.pipeline.extraction.extractor import Extracted, extract
from textmill.pipeline.extraction.model import load_model
from textmill.pipeline.extraction.noscript import without_noscript
from textmill.pipeline.extraction.tokenizer import tokenize

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Page:
    """A decoded page; the other two serve its metadata and links. `seen`: when the crawler met it."""

    html: str
    url: str | None
    seen: datetime


@dataclass(frozen=True)
class Content:
    """What an engine found; `text` is empty where it found nothing."""

    text: str
    title: str | None = None
    author: str | None = None
    published: str | None = None


Engine: TypeAlias = Callable[[Page], Content]
"""May raise anything on a page that it cannot handle."""


def trafilatura_engine(*, fast: bool, favor: str, comments: bool, tables: bool, links: bool, metadata: bool) -> Engine:
    """trafilatura; its result depends on the page and these options alone, never on the pages before it."""
    trafilatura = _trafilatura()
    options: dict[str, Any] = {
        "fast": fast,
        "favor_precision": favor == "precision",
        "favor_recall": favor == "recall",
        "include_comments": comments,
        "include_tables": tables,
        "include_links": links,
        "deduplicate": False,
    }

    def extract(page: Page) -> Content:
        html = _as_document(page.html)
        found = trafilatura.bare_extraction(html, url=page.url, **options)
        if found is None:
            return Content("")
        text = f"{found.text}\n{found.comments}" if found.comments else found.text
        return Content(text, *_metadata(html, page)) if metadata else Content(text)

    return extract


def _metadata(html: str, page: Page) -> tuple[str | None, str | None, str | None]:
    """Title, author and day of publication. A page whose metadata breaks the search keeps its text.

    A date is compared with the day of the crawl, not with today; the extensive search would ask
    this year what "05" means.
    """
    dates = {"original_date": True, "extensive_search": False, "max_date": page.seen}
    try:
        found = _trafilatura().extract_metadata(html, default_url=page.url, date_config=dates)
    except Exception as error:
        log.warning("no metadata of %s: %r", page.url, error)
        return None, None, None
    return found.title, found.author, found.date


@cache
def _trafilatura() -> ModuleType:
    """The library, told to be quiet: it writes a line for every page that yields nothing."""
    import trafilatura

    for name in ("trafilatura", "htmldate"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore", module="dateutil")
    return trafilatura


def _as_document(html: str) -> str:
    """`html` so that trafilatura takes it for a page.

    It refuses fragments, and takes for one what has no "html" in its first 50 characters.
    """
    html = html.lstrip()
    if html.startswith("<") and "html" not in html[:50].lower():
        return f"<!DOCTYPE html>{html}"
    return html


def resiliparse_engine(*, comments: bool, tables: bool, links: bool) -> Engine:
    """resiliparse: ten times as fast, a little less exact; it finds no metadata."""
    from resiliparse.extract.html2text import extract_plain_text

    skipped = None if tables else ["table"]

    def extract(page: Page) -> Content:
        text = extract_plain_text(
            page.html,
            main_content=True,
            alt_texts=False,
            comments=comments,
            links=links,
            skip_elements=skipped,
        )
        return Content(text)

    return extract


def textmill_content(page: bytes, wanted: int) -> Extracted:
    """Our own extractor with the model that comes with textmill, on a page in UTF-8; see `extraction.extractor`."""
    found = extract(page, load_model(), wanted)
    opened = without_noscript(page, found.tokens, len(found.text.encode()))
    if opened is None:
        return found
    again = extract(opened, load_model(), wanted)
    best = again if again.confidence > found.confidence else found
    return best._replace(tokens=tokenize(page))  # the other page's stand where these stood
