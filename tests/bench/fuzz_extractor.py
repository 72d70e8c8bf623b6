"""Mutated pages through the extractor: nothing may raise, and with NUMBA_BOUNDSCHECK=1 no index may be out of bounds.

``NUMBA_BOUNDSCHECK=1 NUMBA_CACHE_DIR=DIR python tests/bench/fuzz_extractor.py --seconds 600`` uses the pages of the
folder named by TEXTMILL_TEST_DATA, else those of a synthetic crawl. The cache must be one of its own: to numba, code
that was compiled without checks is as good.
"""

import argparse
import os
import random
import tempfile
import time
from collections import Counter
from pathlib import Path

from textmill.pipeline.extraction.decoding import to_utf8
from textmill.pipeline.extraction.extractor import extract, options
from textmill.pipeline.extraction.metadata import FIELDS, article_body, find_metadata
from textmill.pipeline.extraction.model import load_model
from textmill.pipeline.io.warc import Warc
from textmill.pipeline.sample import generate

PIECES = [
    *(b"<", b">", b"</", b"<!--", b"-->", b'"', b"'", b"=", b"<p", b"<td>", b"</div>", b"<title>", b"<script>", b"\0"),
    *(
        b"\xe3",
        b"&",
        b"&#",
        b"<a href=x",
        b'style="display',
        b"class=",
        b"<svg/>",
        b" hidden",
        b"<pre>",
        b"<br>",
        b"<li>",
    ),
    *(b"<table>", b"</table>", b"<![CDATA[", b"]]>", b"\xf4\x90", b"&nGt;", b"<ol>", b"<blockquote>", b"</a>", b"<h2>"),
]


def pages(folder: Path) -> list[bytes]:
    """Up to 200 pages to begin with."""
    data = os.environ.get("TEXTMILL_TEST_DATA")
    if data is None:
        generate(folder, documents=200, files=1)
    files = sorted(Path(data, "pages").glob("*.warc.gz")) if data else sorted(folder.glob("*.warc.gz"))
    reader, found = Warc(source="web", files=(str(files[0]),)), []
    for shard in reader.shards():
        for batch in reader.read(shard, Counter()):
            found += [body[:60_000] for body in batch["html"].to_pylist() if body]
        if len(found) > 200:
            break
    return found[:200]


def mutated(page: bytes, rng: random.Random) -> bytes:
    """The page with pieces put in, taken out, or turned into others."""
    if rng.random() < 0.1:
        return rng.choice(PIECES) * rng.randrange(3000)
    body = bytearray(page)
    for _ in range(rng.choice((1, 5, 50))):
        at = rng.randrange(len(body) + 1)
        kind = rng.random()
        if kind < 0.5:
            body[at:at] = rng.choice(PIECES)
        elif kind < 0.8:
            del body[at : at + rng.randrange(1, 2000)]
        else:
            body[at : at + 1] = bytes([rng.randrange(256)])
    return bytes(body[: rng.randrange(len(body) + 1)]) if rng.random() < 0.3 else bytes(body)


def main() -> None:
    """Go on for as many seconds or pages."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--pages", type=int, default=10**9)
    given = parser.parse_args()
    rng, weights, done, end = random.Random(0), load_model(), 0, time.monotonic() + given.seconds
    with tempfile.TemporaryDirectory() as name:
        originals = pages(Path(name))
    while done < given.pages and time.monotonic() < end:
        page = mutated(rng.choice(originals), rng)
        for body in (page, to_utf8(page).data):
            wanted = options(
                markdown=rng.random() < 0.5, links=True, comments=rng.random() < 0.5, tables=rng.random() < 0.8
            )
            found = extract(body, weights, wanted)
            find_metadata(body, found.tokens, FIELDS)
            article_body(body, found.tokens)
        done += 1
    print(f"{done:,} pages, none of which did harm")


if __name__ == "__main__":
    main()
