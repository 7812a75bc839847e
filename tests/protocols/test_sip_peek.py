"""The quick look at a message must see what the parser sees."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example
from hypothesis import given
from hypothesis import strategies as st

from flask_sipvault.protocols import sip


def assert_peeked_as_parsed(data: bytes) -> None:
    try:
        parsed = sip.parse(data)
    except sip.SipError:
        assert sip.peek(data) is None
        return
    assert sip.peek(data) == (parsed.call_id, parsed.cseq_method)


START = b"INVITE sip:a@b SIP/2.0\r\n"


@pytest.mark.parametrize(
    ("head", "call_id"),
    [
        (b"Call-ID: x@y\r\n", "x@y"),
        (b"Call-ID:x@y\n", "x@y"),
        (b"CALL-ID: x@y\r\n", "x@y"),
        (b"i: x@y\r\n", "x@y"),
        (b"I \t: \tx@y \r\n", "x@y"),
        (b"Call-ID:\r\n x@y\r\n", "x@y"),
        (b"Call-ID: x\r\n y\r\n", "x y"),
        (b"Call-ID: caf\xc3\xa9\xff\r\n", "caf\xe9\ufffd"),
        # The first field counts, whatever its form, even if it is empty.
        (b"i: first\r\nCall-ID: second\r\n", "first"),
        (b"Call-ID: \r\ni: second\r\n", ""),
        # Names that only resemble it, and what continues another field.
        (b"In-Reply-To: z\r\nCall-Info: z\r\nCall-ID: x\r\n", "x"),
        (b"Subject: a\r\n Call-ID: z\r\nCall-ID: x\r\n", "x"),
        (b"Contact: <sip:a>\r\nContent-Length: 0\r\nCall-ID: x\r\n", "x"),
        # Nothing below the empty line belongs to the header.
        (b"\r\nCall-ID: z\r\n", ""),
        (b"", ""),
    ],
)
@pytest.mark.parametrize("before", [b"", b"CSeq: 1 INVITE\r\n"])
@pytest.mark.parametrize("after", [b"\r\n", b"CSeq: 1 INVITE\r\n\r\nCall-ID: body\r\n"])
def test_call_id_is_the_first_in_the_header(
    before: bytes, head: bytes, after: bytes, call_id: str
) -> None:
    data = START + before + head + after

    peeked = sip.peek(data)

    assert peeked is not None
    assert peeked[0] == call_id
    assert_peeked_as_parsed(data)


@pytest.mark.parametrize(
    "line",
    [
        b"CSeq: 1 INVITE",
        b"cseq:1\tINVITE",
        b"CSEQ : 0009\r\n  INVITE",
        b"CSeq: " + b"9" * 5000 + b" INVITE",
        b"CSeq: INVITE",
    ],
)
def test_the_method_is_that_of_cseq(line: bytes) -> None:
    data = b"SIP/2.0 200 OK\r\nCall-ID: x\r\n" + line + b"\r\n\r\n"

    assert sip.peek(data) == ("x", "INVITE")
    assert_peeked_as_parsed(data)


lines = st.sampled_from(
    [
        b"Call-ID: x@y",
        b"Call-ID:x",
        b"Call-ID:",
        b"call-ID : z",
        b"i:j",
        b"I\t: k",
        b"CSeq: 1 INVITE",
        b"CSeq: 1 INVITE extra",
        b"CSeq:2 BYE",
        b"cseq: 3 ACK",
        b"CSeq: " + b"1" * 40 + b" ACK",
        b"Contact: <sip:c>",
        b"Content-Length: 0",
        b"Call-Info: x",
        b"Identity: x",
        b"\tfolded",
        b" Call-ID: folded",
        b"\r",
        b"\rCall-ID: x",
        b"",
        b"no colon",
        b"Via: \xff\0",
        b"Call-ID: \xff\xc3 \0",
        b"Call-ID: a\rb",
    ]
)


@given(
    start=st.sampled_from(
        [
            b"INVITE sip:a@b SIP/2.0",
            b"\r\nSIP/2.0 200 OK",
            b"SIP/2.0 200",
            b"invite sip:a sip/2.0",
            b"BYE  sip:a SIP/2.0 ",
            b"no SIP",
        ]
    ),
    rest=st.lists(st.tuples(lines, st.sampled_from([b"\r\n", b"\n"])), max_size=8),
    end=st.sampled_from([b"\r\n", b"\n", b""]),
)
@example(b"BYE sip:a SIP/2.0", [(b"Call-ID: x", b"\r\n"), (b" y", b"\n")], b"\n")
def test_peek_gives_what_parse_gives(
    start: bytes, rest: list[tuple[bytes, bytes]], end: bytes
) -> None:
    assert_peeked_as_parsed(start + end + b"".join(line + eol for line, eol in rest))


@given(st.binary(max_size=200))
def test_whatever_the_bytes_peek_gives_what_parse_gives(data: bytes) -> None:
    assert_peeked_as_parsed(data)
    assert_peeked_as_parsed(START + data)


def test_peek_gives_what_parse_gives_of_every_recorded_message(
    agent_corpus: Path, udp_payloads: Callable[[Path], list[bytes]]
) -> None:
    count = 0
    for capture in agent_corpus.glob("*.pcap"):
        for data in udp_payloads(capture):
            assert_peeked_as_parsed(data)
            count += sip.looks_like_sip(data)
    assert count > 1000


@pytest.mark.parametrize(
    "data",
    [
        b"INVITE " + b" " * 200_000,
        b"INVITE sip:a" + b" SIP/2.0 " * 30_000 + b"x",
        b"\r\n" * 100_000,
        b"A" * 200_000,
        START + b"i" + b" " * 200_000,
        START + b"Call-ID: x\r\n" + b" \n" * 100_000,
        START + b"Call-ID: x\r\n" + b"Con\n" * 50_000,
        START + b"Subject: a" + b" " * 200_000 + b"b\r\n c\r\n\r\n",
        START + b'From: "' + b'\\"' * 100_000 + b"\r\n\r\n",
        START + b"To: " + b"<" * 200_000 + b"\r\n\r\n",
        START
        + b"Content-Type: multipart/mixed;boundary=x\r\n\r\n"
        + b"--x\r\n" * 40_000,
        START + b"Content-Type: multipart/x;boundary=x\r\n\r\n--x" + b" " * 200_000,
    ],
)
def test_no_message_takes_longer_than_its_length_deserves(data: bytes) -> None:
    begin = time.process_time()

    sip.peek(data)
    if sip.looks_like_sip(data):
        parsed = sip.parse(data)
        _ = (parsed.from_, parsed.to.user, parsed.vias, parsed.bodies())

    # Linear takes some 50 ms here, quadratic minutes.
    assert time.process_time() - begin < 2
