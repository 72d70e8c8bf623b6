from hypothesis import given
from hypothesis import strategies as st
from warcs import record

from textmill.pipeline.io.warc_records import cut_records


def cut(data, max_bytes=1000, piece=1 << 16, damaged=False):
    """(record id, body, flaw) of what is cut from a stream that comes in pieces."""
    pieces = [data[i : i + piece] for i in range(0, len(data), piece)] + [None] * damaged
    return [(r.headers.get("warc-record-id"), r.body, r.flaw) for r in cut_records(iter(pieces), max_bytes)]


A, B, C = (record(name.encode() * 30, name) for name in "abc")
CUT_A, CUT_B, CUT_C = ((f"<urn:uuid:{n}>", n.encode() * 30, None) for n in "abc")


def test_records_follow_each_other():
    assert cut(A + B + C) == [CUT_A, CUT_B, CUT_C]
    assert [r.position for r in cut_records(iter([A + B]), 1000)] == [0, len(A)]


def test_nothing_holds_nothing():
    assert cut(b"") == []
    assert cut(b"\r\n\r\n\n") == []


def test_line_feeds_alone_end_lines_too():
    assert cut(A.replace(b"\r\n", b"\n") + B.replace(b"\r\n", b"\r\r\n")) == [CUT_A, CUT_B]


def test_records_need_no_line_ends_between_them():
    assert cut(A.rstrip() + B.rstrip()) == [CUT_A, CUT_B]


def test_old_versions_are_records():
    assert cut(A.replace(b"WARC/1.0", b"WARC/0.18") + B.replace(b"WARC/1.0", b"WARC/1.1 ")) == [CUT_A, CUT_B]


def test_header_lines_may_be_folded_and_repeated():
    folded = A.replace(b"WARC-Type: response", b"WARC-Type:\r\n response\r\nwarc-type: request\r\nX: y\r\n\tz")
    (found,) = cut_records(iter([folded]), 1000)
    assert found.headers["warc-type"] == "response"
    assert found.headers["x"] == "y z"


def test_a_body_that_ends_early_gives_way_to_the_next_record():
    short = record(b"short", "s", Content_Length="500")
    assert cut(short + A + B) == [("<urn:uuid:s>", None, "truncated_record"), CUT_A, CUT_B]
    assert cut(A + short + B) == [CUT_A, ("<urn:uuid:s>", None, "truncated_record"), CUT_B]
    assert cut(record(b"", "s", Content_Length="9") + A) == [("<urn:uuid:s>", None, "truncated_record"), CUT_A]


def test_a_body_that_the_end_cuts_off():
    assert cut(A + B[:-20]) == [CUT_A, ("<urn:uuid:b>", None, "truncated_record")]
    assert cut(A + B[:50]) == [CUT_A, (None, None, "corrupt_record")]


def test_a_body_longer_than_it_says_leaves_bytes_that_are_no_record():
    long = record(b"0123456789", "l", Content_Length="4")
    assert cut(long + A) == [("<urn:uuid:l>", b"0123", None), (None, None, "corrupt_record"), CUT_A]


def test_a_record_that_does_not_say_its_length():
    for length in (None, "", "many", "-5", "1" * 5000):
        silent = record(b"some text", "s", Content_Length=length)
        assert cut(silent + A) == [("<urn:uuid:s>", None, "corrupt_record"), CUT_A]


def test_what_is_no_record_is_passed_over_at_a_cost_of_itself():
    found = list(cut_records(iter([b"not a record\n" + A]), 1000))
    assert [(r.position, r.size, r.flaw) for r in found] == [(0, 13, "corrupt_record"), (13, 30, None)]


def test_a_record_within_a_record_is_its_body():
    outer = record(A + B, "outer")
    assert cut(outer + C) == [("<urn:uuid:outer>", A + B, None), CUT_C]


def test_a_body_over_the_limit_is_not_held():
    pieces = iter([record(bytes(10), "x", Content_Length=str(10**9))[:-14], *([bytes(10**6)] * 1000), b"\r\n\r\n" + A])
    large, following = cut_records(pieces, 1000)
    assert (large.body, large.size, large.flaw) == (None, 10**9, "too_large")
    assert following.body == b"a" * 30


def test_of_a_damaged_stream_the_last_record_is_not_believed():
    corrupt = (None, None, "corrupt_member")
    assert cut(b"", damaged=True) == [corrupt]
    assert cut(A, damaged=True) == [corrupt]  # its checksum is unknown
    assert cut(A + B[:-20], damaged=True) == [CUT_A, corrupt]
    assert cut(A + B, damaged=True) == [CUT_A, corrupt]


@given(
    st.lists(st.sampled_from([A, B, C, A[:-9], B[40:], b"\n", b"WARC/1.0\r\n", b"WARC/1.0\n\n", b"x"]), max_size=8),
    st.integers(1, 400),
    st.booleans(),
)
def test_how_a_stream_comes_in_pieces_changes_nothing(parts, piece, damaged):
    data = b"".join(parts)
    assert cut(data, 100, piece, damaged) == cut(data, 100, damaged=damaged)


@given(st.binary(max_size=300), st.integers(0, 300))
def test_any_bytes_are_cut(noise, at):
    data = A[:at] + noise + A[at:] + B
    assert all(flaw or body is not None for _, body, flaw in cut(data))
