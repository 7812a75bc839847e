"""The parts of a body."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_sipvault.protocols.mime import body_parts
from flask_sipvault.protocols.mime import MAX_DEPTH

TWO_PARTS = b"""ignored preamble\r
--unique-boundary-1\r
c: application/SDP; charset=utf-8\r
\r
v=0\r
\r
--unique-boundary-1  \r
Content-Type: application/isup;version=nxv3\r
Content-Disposition: signal\r
\r
\x01\x00\xff\r
--unique-boundary-1--\r
ignored epilogue"""


def test_a_plain_body_is_one_part() -> None:
    [part] = body_parts("Text/Plain; charset=utf-8", b"hello")

    assert (part.content_type, part.headers, part.data) == ("text/plain", [], b"hello")


def test_no_body_has_no_parts() -> None:
    assert body_parts("application/sdp", b"") == []


@pytest.mark.parametrize("boundary", ["unique-boundary-1", '"unique-boundary-1"'])
def test_a_multipart_comes_apart(boundary: str) -> None:
    sdp, isup = body_parts(f"multipart/mixed;boundary={boundary}", TWO_PARTS)

    assert (sdp.content_type, sdp.data) == ("application/sdp", b"v=0\r\n")
    assert (isup.content_type, isup.data) == ("application/isup", b"\x01\x00\xff")
    assert isup.headers[1] == ("Content-Disposition", "signal")


def test_a_missing_last_delimiter_is_forgiven() -> None:
    cut = TWO_PARTS.partition(b"\r\n--unique-boundary-1--")[0]

    parts = body_parts("multipart/mixed;boundary=unique-boundary-1", cut)

    assert [part.data for part in parts] == [b"v=0\r\n", b"\x01\x00\xff"]


@pytest.mark.parametrize(
    "content_type", ["multipart/mixed", "multipart/mixed;boundary=other"]
)
def test_without_its_delimiters_a_multipart_is_one_part(content_type: str) -> None:
    [part] = body_parts(content_type, TWO_PARTS)

    assert (part.content_type, part.data) == ("multipart/mixed", TWO_PARTS)


def test_parts_may_lack_their_header() -> None:
    data = b"--x\r\n\r\nbare\r\n--x\r\nforgotten\r\n--x\r\n--x--"

    parts = body_parts("multipart/mixed;boundary=x", data)

    assert [part.data for part in parts] == [b"bare", b"forgotten", b""]
    assert {part.content_type for part in parts} == {""}


def test_parts_of_a_part_stand_in_its_place() -> None:
    inner = b"--y\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--y--"
    outer = (
        b"--x\r\nContent-Type: text/plain\r\n\r\nhello\r\n"
        b"--x\r\nContent-Type: multipart/alternative;boundary=y\r\n\r\n%s\r\n--x--"
    )

    parts = body_parts("multipart/mixed;boundary=x", outer % inner)

    assert [part.content_type for part in parts] == ["text/plain", "application/sdp"]


def test_nesting_is_followed_only_so_deep() -> None:
    head = b"--b%d\r\nContent-Type: multipart/mixed;boundary=b%d\r\n\r\n"
    data = b"".join(head % (level, level + 1) for level in range(10))

    [part] = body_parts("multipart/mixed;boundary=b0", data)

    assert part.data.startswith(b"--b%d" % MAX_DEPTH)


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=5))
def test_a_multipart_gives_back_the_parts_it_was_made_of(bodies: list[bytes]) -> None:
    data = b"".join(b"--=_bound.ary\r\n\r\n" + body + b"\r\n" for body in bodies)

    parts = body_parts(
        "multipart/mixed;boundary==_bound.ary", data + b"--=_bound.ary--"
    )

    assert [part.data for part in parts] == bodies


@given(st.text(max_size=40), st.binary(max_size=100))
def test_whatever_the_bytes_parts_of_them(content_type: str, data: bytes) -> None:
    assert all(part.data in data for part in body_parts(content_type, data))
