import gzip
import io
import random
import zlib
from itertools import groupby, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from warcs import flip, member

from textmill.pipeline.io.gzip_members import DamagedError, inflate, inflate_spans

MARK = b"WARC/"


def spans(data, start=0, stop=None):
    """Each span as (offset, its bytes); damage as None at its end."""
    pieces = inflate_spans(io.BytesIO(data), lambda content: content.startswith(MARK), start, stop)
    found = []
    for offset, group in groupby(pieces, key=lambda piece: piece[0]):
        parts = [part for _, part in group]
        found.append((offset, b"".join(p for p in parts if p is not None), None in parts))
    return found


def marked(name, size=100, level=9):
    return member(MARK + f"1.0 {name} ".encode() + random.Random(name).randbytes(size), level)


def test_every_member_is_a_span():
    a, b = marked("a"), marked("b")
    assert [(o, damaged) for o, _, damaged in spans(a + b)] == [(0, False), (len(a), False)]


def test_members_that_do_not_begin_with_the_mark_continue_the_span():
    data = marked("a") + member(b"more of a") + marked("b")
    (_, first, _), (offset, second, _) = spans(data)
    assert first == gzip.decompress(marked("a")) + b"more of a"
    assert second == gzip.decompress(data[offset:])


def test_zero_bytes_between_members_are_padding():
    data = marked("a") + bytes(1000) + marked("b") + bytes(70_000)
    assert [damaged for _, _, damaged in spans(data)] == [False, False]


@pytest.mark.parametrize("damage", ["magic", "deflate", "checksum", "zeros", "cut short"])
def test_a_damaged_member_costs_itself(damage):
    members = [marked(name, 3000) for name in "abc"]
    b = members[1]
    members[1] = {
        "magic": flip(b, 1),
        "deflate": flip(b, len(b) // 2),
        "checksum": flip(b, len(b) - 6),
        "zeros": b[:1000] + bytes(500) + b[1500:],
        "cut short": b[:1500],
    }[damage]
    found = spans(b"".join(members))
    assert [(o, d) for o, _, d in found] == [
        (0, False),
        (len(members[0]), True),
        (len(members[0]) + len(members[1]), False),
    ]


def test_what_the_end_of_the_file_cuts_off_just_ends():
    data = marked("a", 3000) + marked("b", 3000)[:2000]
    _, (offset, content, damaged) = spans(data)
    assert (offset, content[:9], damaged) == (len(marked("a", 3000)), MARK + b"1.0 ", False)
    assert spans(marked("a") + member(b"x")[:10])[1:] == [(len(marked("a")), b"", True)]  # nothing to inflate


def test_what_is_no_gzip_at_the_end_is_damage():
    assert [d for _, _, d in spans(marked("a") + b"and so on")] == [False, True]


def test_a_bomb_comes_in_pieces():
    pieces = inflate(io.BytesIO(member(bytes(50_000_000))))
    sizes = [len(piece) for piece in pieces]
    assert sum(sizes) == 50_000_000
    assert max(sizes) <= (1 << 20) + 5


def test_inflate_goes_through_all_members_down_to_the_damage():
    assert b"".join(inflate(io.BytesIO(member(b"one ") + bytes(9) + member(b"two")))) == b"one two"
    pieces = inflate(io.BytesIO(member(b"one ") + member(b"two")[:-9]))
    assert next(pieces) == b"one "
    with pytest.raises(DamagedError):
        list(pieces)


@st.composite
def files(draw):
    """A gzip file of spans of many sizes, some of several members, some damaged, some that hold a gzip file."""
    parts = []
    for i in range(draw(st.integers(1, 12))):
        size = draw(st.sampled_from([0, 50, 5000, 70_000, 150_000]))
        name = f"{i} {draw(st.integers(0, 3))}"
        kind = draw(st.sampled_from(["plain", "plain", "stored", "archive", "two members", "damaged", "padded"]))
        data = marked(name, size, 0 if kind == "stored" else 6)
        if kind == "archive":  # a record whose payload is a WARC, stored as it is
            data = member(MARK + b"outer" + b"".join(marked(f"{name} {k}", size // 3) for k in range(3)), 0)
        elif kind == "two members":
            data += member(b"not marked " + name.encode())
        elif kind == "damaged":
            data = flip(data, draw(st.integers(0, len(data) - 1)))
        elif kind == "padded":
            data += bytes(draw(st.integers(1, 600)))
        parts.append(data)
    whole = b"".join(parts)
    return File(whole[: draw(st.integers(1, len(whole)))] if draw(st.booleans()) else whole)


class File(bytes):
    """Bytes that are not printed in full when a test fails."""

    def __repr__(self):
        return f"<{len(self)} bytes {zlib.crc32(self):08x}>"


@given(files(), st.data())
def test_slices_hold_each_span_once_and_in_order(data, draw):
    cuts = draw.draw(st.lists(st.integers(1, len(data)), max_size=6, unique=True).map(sorted))
    slices = pairwise([0, *cuts, None])
    assert digests(span for start, stop in slices for span in spans(data, start, stop)) == digests(spans(data))


def digests(found):
    return [(offset, len(content), zlib.crc32(content), damaged) for offset, content, damaged in found]
