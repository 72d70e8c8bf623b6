"""WARC files as a crawler writes them: request, response and metadata of each fetch, a gzip member each."""

import gzip
import hashlib
from base64 import b32encode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from random import Random
from urllib.parse import urlsplit
from uuid import UUID

from textmill.pipeline.sample.serving import Response

AGENT = "Mozilla/5.0 (compatible; SampleCrawler/1.0; +https://crawler.example/about)"
SERVERS = ("nginx", "Apache/2.4.57 (Debian)", "openresty", "Caddy", "Microsoft-IIS/10.0")
Fields = dict[str, str]


@dataclass(frozen=True)
class Fetch:
    """One answer to one request. `key` names it within the crawl and determines the ids of its records."""

    key: str
    url: str
    date: datetime
    response: Response

    def record_id(self, role: str) -> str:
        """The id of one of its records."""
        return _record_id(f"{self.key}/{role}")


def _record_id(key: str) -> str:
    """``urn:uuid:…``, the same for the same key."""
    return UUID(bytes=hashlib.blake2b(key.encode(), digest_size=16).digest(), version=4).urn


def member(record: bytes) -> bytes:
    """A gzip member, the same on every day."""
    return gzip.compress(record, compresslevel=6, mtime=0)


def warcinfo(name: str, key: str, date: datetime) -> bytes:
    """The record that opens the file `name`."""
    block = f"software: textmill sample\r\nformat: WARC File Format 1.0\r\nisPartOf: {key}\r\n".encode()
    fields = {"WARC-Filename": name, "Content-Type": "application/warc-fields"}
    return _record("warcinfo", _record_id(f"{key}/{name}"), date, fields, block)


def request(fetch: Fetch) -> bytes:
    """The record of what was asked."""
    url = urlsplit(fetch.url)
    path = f"{url.path}?{url.query}" if url.query else url.path
    lines = [f"GET {path} HTTP/1.1", f"Host: {url.netloc}", f"User-Agent: {AGENT}", "Accept-Encoding: gzip", "", ""]
    fields = {"WARC-Target-URI": fetch.url, "Content-Type": "application/http; msgtype=request"}
    return _record("request", fetch.record_id("request"), fetch.date, fields, "\r\n".join(lines).encode())


def response(fetch: Fetch, rng: Random, cut: int = 0) -> bytes:
    """The record of the answer; `cut` bytes are missing from its end.

    Not every record names the type of its payload: crawlers differ.
    """
    head, payload, body = _encoded(fetch, rng)
    block = head + body
    fields = _about(fetch) | {
        "Content-Type": "application/http; msgtype=response",
        "WARC-IP-Address": f"203.0.113.{rng.randrange(1, 255)}",
        "WARC-Payload-Digest": _sha1(payload),
        "WARC-Block-Digest": _sha1(block),
    }
    if rng.random() < 0.7:
        fields["WARC-Identified-Payload-Type"] = fetch.response.content_type.partition(";")[0]
    return _record("response", fetch.record_id("response"), fetch.date, fields, block, cut)


def _encoded(fetch: Fetch, rng: Random) -> tuple[bytes, bytes, bytes]:
    """Header, payload and body of the answer: some payloads are compressed, some bodies chunked, some both."""
    payload = fetch.response.body
    headers = {
        "Date": format_datetime(fetch.date, usegmt=True),
        "Server": rng.choice(SERVERS),
        "Content-Type": fetch.response.content_type,
    }
    if fetch.response.location:
        headers["Location"] = fetch.response.location
    if rng.random() < 0.3:
        headers["Content-Encoding"] = "gzip"
        payload = gzip.compress(payload, mtime=0)
    if rng.random() < 0.3:
        headers["Transfer-Encoding"] = "chunked"
        body = b"".join(_chunks(payload, rng))
    else:
        headers["Content-Length"] = str(len(payload))
        body = payload
    lines = [f"HTTP/1.1 {fetch.response.status}", *(f"{k}: {v}" for k, v in headers.items()), "", ""]
    return "\r\n".join(lines).encode(), payload, body


def metadata(fetch: Fetch, rng: Random) -> bytes:
    """The record of what the crawler noted."""
    block = f"fetchTimeMs: {rng.randrange(20, 900)}\r\nhopsFromSeed: {'L' * rng.randrange(4)}\r\n".encode()
    fields = _about(fetch) | {"Content-Type": "application/warc-fields"}
    return _record("metadata", fetch.record_id("metadata"), fetch.date, fields, block)


def _about(fetch: Fetch) -> Fields:
    return {"WARC-Target-URI": fetch.url, "WARC-Concurrent-To": f"<{fetch.record_id('request')}>"}


def _record(kind: str, record_id: str, date: datetime, fields: Fields, block: bytes, cut: int = 0) -> bytes:
    head = {
        "WARC-Type": kind,
        "WARC-Date": date.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "WARC-Record-ID": f"<{record_id}>",
        "Content-Length": str(len(block)),
        **fields,
    }
    lines = ["WARC/1.0", *(f"{key}: {value}" for key, value in head.items()), "", ""]
    whole = "\r\n".join(lines).encode() + block
    return whole[:-cut] if cut else whole + b"\r\n\r\n"


def _chunks(body: bytes, rng: Random) -> Iterator[bytes]:
    """The body in HTTP/1.1 chunks."""
    start = 0
    while start < len(body):
        chunk = body[start : start + rng.randint(500, 8000)]
        yield b"%x\r\n%b\r\n" % (len(chunk), chunk)
        start += len(chunk)
    yield b"0\r\n\r\n"


def _sha1(data: bytes) -> str:
    return "sha1:" + b32encode(hashlib.sha1(data, usedforsecurity=False).digest()).decode()
