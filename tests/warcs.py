"""Web archives made by hand: the bytes of records, responses and members, for tests of what reads them."""

import gzip
import random
import zlib

PAGE = b"<html><body><p>A page.</p></body></html>"


def response(body: bytes = PAGE, status: int = 200, **headers: str) -> bytes:
    """An HTTP response; ``content_type="text/html"`` becomes the header Content-Type."""
    headers = {"content_type": "text/html"} | headers
    lines = [f"HTTP/1.1 {status} Because"] + [f"{k.replace('_', '-').title()}: {v}" for k, v in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def record(block: bytes, name: str | None = "1", kind: str = "response", **headers: str | None) -> bytes:
    """A WARC record `urn:uuid:NAME` with the page http://example.org/NAME; a header given as None is left out."""
    all_headers: dict[str, str | None] = {
        "WARC-Type": kind,
        "WARC-Record-ID": f"<urn:uuid:{name}>" if name else None,
        "WARC-Target-URI": f"http://example.org/{name}" if name else None,
        "WARC-Date": "2024-05-01T00:00:00Z",
        "Content-Type": "application/http; msgtype=response",
        "Content-Length": str(len(block)),
    } | {key.replace("_", "-"): value for key, value in headers.items()}
    lines = ["WARC/1.0"] + [f"{key}: {value}" for key, value in all_headers.items() if value is not None]
    return "\r\n".join([*lines, "", ""]).encode() + block + b"\r\n\r\n"


def page(name: str, size: int = 0) -> bytes:
    """A record of a page of about `size` bytes more than the least, that do not compress."""
    noise = random.Random(name).randbytes(size).hex()[:size].encode()
    return record(response(PAGE + noise), name)


def member(content: bytes, level: int = 9) -> bytes:
    """A gzip member; level 0 stores its content as it is."""
    return gzip.compress(content, level, mtime=0)


def flip(data: bytes, at: int) -> bytes:
    """`data` with all bits of one byte turned over."""
    return data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]


def bare_deflate(content: bytes) -> bytes:
    """Deflate without a wrapper, as some servers send it."""
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(content) + packer.flush()
