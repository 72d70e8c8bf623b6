import gzip
import tracemalloc
import zlib
from contextlib import suppress

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from warcs import PAGE, bare_deflate, flip, response

from textmill.pipeline.io.http import DecodingError, Response, decode_body, parse_response


def decoded(body, max_bytes=10_000, **headers):
    return decode_body(Response(200, {k.replace("_", "-"): v for k, v in headers.items()}, body), max_bytes)


def refusal(body, max_bytes=10_000, **headers):
    with pytest.raises(DecodingError) as caught:
        decoded(body, max_bytes, **headers)
    return caught.value.reason, caught.value.value


def test_a_response_is_a_status_headers_and_a_body():
    found = parse_response(response(PAGE, 404, server="x"))
    assert found == Response(404, {"content-type": "text/html", "server": "x"}, PAGE)


@pytest.mark.parametrize(
    ("block", "status", "body"),
    [
        (b"HTTP/1.0 200\r\n\r\nx", 200, b"x"),
        (b"HTTP/2 301 Moved\n\nx", 301, b"x"),
        (b"HTTP/1.1 200 OK\r\r\nA: b\r\r\n\r\r\nx", 200, b"x"),
        (b"\r\nHTTP/1.1 200 OK\r\n\r\nx", 200, b"x"),
        (b"HTTP/1.1 204 No Content\r\nA: b", 204, b""),
        (b"HTTP/1.1 0 \r\n\r\n", 0, b""),
    ],
)
def test_lax_responses(block, status, body):
    found = parse_response(block)
    assert (found.status, found.body) == (status, body)


@pytest.mark.parametrize("block", [b"", PAGE, b"HTTPX/1.1 200 OK\r\n\r\n", b"HTTP/1.1 OK\r\n\r\n", b"HTTP/1.1 20000 x"])
def test_what_has_no_status_is_no_response(block):
    assert parse_response(block) is None


def test_header_lines_may_be_folded_and_the_last_of_a_name_counts():
    found = parse_response(b"HTTP/1.1 200 OK\r\nA: 1\r\nB: x\r\n\ty\r\na: \xe9\r\n\r\n")
    assert found.headers == {"a": "é", "b": "x y"}


@pytest.mark.parametrize(
    ("coding", "encode"),
    [
        ("gzip", gzip.compress),
        ("x-gzip", gzip.compress),
        ("GZIP", gzip.compress),
        ("gzip", lambda b: gzip.compress(b[:9]) + gzip.compress(b[9:])),
        ("deflate", zlib.compress),
        ("deflate", bare_deflate),
        ("br", brotli.compress),
        ("zstd", zstandard.compress),
        ("br, gzip", lambda b: gzip.compress(brotli.compress(b))),
        ("identity", bytes),
        ("utf-8", bytes),
    ],
)
def test_content_encodings_are_undone(coding, encode):
    assert decoded(encode(PAGE), content_encoding=coding) == PAGE


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_a_body_that_was_decoded_before_stands_as_it_is(coding):
    assert decoded(PAGE, content_encoding=coding) == PAGE
    assert decoded(b"", content_encoding=coding) == b""


def test_a_body_that_ends_early_gives_what_there_is():
    text = bytes(range(256)) * 20
    for coding, encoded in [("gzip", gzip.compress(text)), ("deflate", zlib.compress(text))]:
        found = decoded(encoded[:-20], content_encoding=coding)
        assert text.startswith(found)
        assert len(found) > 100


def test_a_damaged_body_is_refused():
    encoded = gzip.compress(bytes(range(256)) * 20)
    assert refusal(flip(encoded, len(encoded) - 6), content_encoding="gzip") == ("bad_content_encoding", None)
    assert refusal(b"\xff\x01\x02", content_encoding="deflate") == ("bad_content_encoding", None)
    assert refusal(b"\xff\xff\xff", content_encoding="br") == ("bad_content_encoding", None)


@pytest.mark.parametrize(
    ("coding", "bomb"),
    [
        ("gzip", gzip.compress(bytes(50_000_000), mtime=0)),
        ("gzip", gzip.compress(bytes(5_000_000), mtime=0) * 10),
        ("deflate", zlib.compress(bytes(50_000_000))),
        ("br", brotli.compress(bytes(50_000_000), quality=1)),
        ("zstd", zstandard.compress(bytes(50_000_000))),
    ],
)
def test_a_bomb_is_refused_before_it_goes_off(coding, bomb):
    tracemalloc.start()
    reason, value = refusal(bomb, content_encoding=coding)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert reason == "too_large"
    assert value > 10_000
    assert peak < 5_000_000


def chunked(*chunks, end=b"0\r\n\r\n"):
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + end


def test_chunks_are_joined():
    assert decoded(chunked(b"<html>", b"abc" * 10), transfer_encoding="chunked") == b"<html>" + b"abc" * 10
    assert decoded(b"3;name=value\r\nabc\r\n1 \r\nd\r\n0\r\nTrailer: x\r\n\r\n", transfer_encoding="chunked") == b"abcd"
    both = {"transfer_encoding": "chunked", "content_encoding": "gzip"}
    assert decoded(chunked(gzip.compress(PAGE)), **both) == PAGE


def test_a_body_whose_chunks_were_joined_before_stands_as_it_is():
    assert decoded(PAGE, transfer_encoding="chunked") == PAGE


def test_chunks_that_end_early_give_what_there_is():
    whole = chunked(b"abc", b"def", end=b"")
    for cut in range(len(whole)):
        assert b"abcdef".startswith(decoded(whole[:cut], transfer_encoding="chunked")) or cut < 3


def test_chunks_that_go_wrong_are_refused():
    assert refusal(chunked(b"abc", end=b"xyz\r\n"), transfer_encoding="chunked") == ("bad_content_encoding", None)


@given(st.binary(max_size=200), st.sampled_from(["gzip", "deflate", "br", "zstd"]), st.booleans())
def test_any_bytes_are_decoded_or_refused(body, coding, in_chunks):
    headers = {"transfer_encoding": "chunked"} if in_chunks else {}
    with suppress(DecodingError):
        assert isinstance(decoded(body, content_encoding=coding, **headers), bytes)
