"""What is read of messages that have too much of something, and how that is told."""

from __future__ import annotations

from flask_sipvault.analysis.sip.messages import read_messages
from flask_sipvault.evidence import Evidence
from flask_sipvault.evidence import SipPacket
from flask_sipvault.masking import mask
from flask_sipvault.protocols import sdp
from flask_sipvault.protocols import sip
from flask_sipvault.protocols.address import Endpoint

ALICE, BOB = Endpoint("192.0.2.1", 5060), Endpoint("192.0.2.2", 5060)


def _message(fields: str = "", body: str = "") -> bytes:
    head = f"INVITE sip:bob@example.com SIP/2.0\r\nCall-ID: a\r\n{fields}"
    if body:
        head += "Content-Type: application/sdp\r\n"
    return f"{head}\r\n{body}".encode()


def _problem(payload: bytes) -> str:
    return read_messages([SipPacket(1, ALICE, BOB, "udp", payload)])[0].problem


def test_an_ordinary_message_is_read_as_a_whole() -> None:
    fields = "".join(f"X-{n}: {n}\r\n" for n in range(999))
    parsed = sip.parse(_message(fields))
    assert len(parsed.headers) == sip.MAX_FIELDS
    assert parsed.left_out == ()
    assert _problem(_message(fields)) == ""


def test_header_fields_beyond_the_limit_are_told() -> None:
    message = _message("X: 1\r\n" * 1234)
    assert len(sip.parse(message).headers) == sip.MAX_FIELDS
    assert _problem(message) == (
        "235 header fields after the first 1,000 were not read"
    )


def test_hops_beyond_the_limit_are_told() -> None:
    message = _message("Via: " + ", ".join(["SIP/2.0/UDP 192.0.2.9"] * 300) + "\r\n")
    assert len(sip.parse(message).vias) == sip.MAX_VIAS
    assert _problem(message) == "of 300 hops in Via the first 256 were read"


def test_streams_formats_and_sources_beyond_the_limit_are_told() -> None:
    formats = " ".join(["0"] * (sdp.MAX_FORMATS + 1))
    sources = "".join(f"a=ssrc:{n}\r\n" for n in range(sdp.MAX_SSRCS + 2))
    streams = "m=audio 9 RTP/AVP 0\r\n" * sdp.MAX_STREAMS
    body = f"v=0\r\nm=audio 4000 RTP/AVP {formats}\r\n{sources}{streams}"
    described = sdp.parse(body.encode())
    assert len(described.media) == sdp.MAX_STREAMS
    assert len(described.media[0].formats) == sdp.MAX_FORMATS
    assert len(described.media[0].ssrcs) == sdp.MAX_SSRCS
    assert _problem(_message(body=body)) == (
        "4 streams, formats and attributes of its session description were not read"
    )


def test_a_masked_call_says_that_header_fields_were_left_out() -> None:
    evidence = Evidence("acme", "a")
    evidence.sip.append(SipPacket(1, ALICE, BOB, "udp", _message("X: 1\r\n" * 2000)))
    assert mask(evidence).damage == [
        "of 1 messages the header fields after the first 1,000 are left out"
    ]
