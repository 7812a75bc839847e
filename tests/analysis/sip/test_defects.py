"""What is wrong with a message; what is only unusual is not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_sipvault.analysis.explain import explain
from flask_sipvault.analysis.sip.defects import find_defects
from flask_sipvault.evidence import Evidence
from flask_sipvault.evidence import SipPacket
from flask_sipvault.masking import mask
from flask_sipvault.protocols.address import Endpoint
from flask_sipvault.protocols.address import Transport

ALICE, BOB = Endpoint("198.51.100.23", 5060), Endpoint("10.8.0.14", 5060)

GOOD = (
    b"OPTIONS sip:bob@example.com SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP 198.51.100.23;branch=z9hG4bK1\r\n"
    b"From: <sip:alice@example.com>;tag=a\r\n"
    b"To: <sip:bob@example.com>\r\n"
    b"Call-ID: x\r\n"
    b"CSeq: 1 OPTIONS\r\n"
    b"Content-Length: 4\r\n"
    b"\r\n"
    b"body"
)


def kinds(payload: bytes, transport: Transport = "udp") -> list[str]:
    packet = SipPacket(0, ALICE, BOB, transport, payload)
    (message,) = explain(Evidence("acme", "x", sip=[packet])).messages
    return [defect.kind for defect in find_defects(message)]


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (b"", b""),
        (b"Call-ID", b"i"),
        (b"body", b"body\r\n\r\n"),
        (b"\r\n\r\n", b"\r\nX-Own: value\r\n\r\n"),
        (b"<sip:bob@example.com>\r", b"tel:+4930123456\r"),
        (b"Content-Length: 4\r\n", b""),
        (b"\r\n", b"\n"),
    ],
)
def test_what_is_right_or_only_unusual(right: bytes, wrong: bytes) -> None:
    assert kinds(GOOD.replace(right, wrong) if right else GOOD) == []


@pytest.mark.parametrize(
    ("right", "wrong", "kind"),
    [
        (b"Call-ID: x\r\n", b"", "missing"),
        (b"Call-ID: x", b"Call-ID: ", "missing"),
        (b"Length: 4", b"Length: 1", "too-long"),
        (b"Length: 4", b"Length: 9", "too-short"),
        (b"CSeq: 1 OPTIONS", b"CSeq: 1 INVITE", "cseq"),
        (b"CSeq: 1 OPTIONS", b"CSeq: one OPTIONS", "cseq"),
        (b"CSeq: 1 OPTIONS", b"CSeq: 2147483648 OPTIONS", "cseq"),
        (b"SIP/2.0/UDP 198", b"SIP/2.0 198", "via"),
        (b"<sip:alice@example.com>", b"<alice>", "uri"),
        (b"To:", b"To: <sip:carol@example.com>\r\nTo:", "twice"),
        (GOOD[:20], b"\x16\x03\x01", "unreadable"),
    ],
)
def test_what_is_wrong(right: bytes, wrong: bytes, kind: str) -> None:
    assert kinds(GOOD.replace(right, wrong, 1)) == [kind]


def test_over_a_stream_a_short_body_is_none() -> None:
    assert kinds(GOOD.replace(b"Length: 4", b"Length: 9"), "tcp") == []


@given(st.binary(max_size=300), st.integers(0, 300))
def test_whatever_the_bytes_are(noise: bytes, at: int) -> None:
    kinds(GOOD[:at] + noise + GOOD[at:])


@pytest.mark.parametrize("surplus", [-7, 0, 12])
def test_a_masked_message_is_wrong_by_as_many_bytes(story: Any, surplus: int) -> None:
    length = f"Content-Length: {4 - surplus if surplus <= 0 else 4}".encode()
    payload = GOOD.replace(b"Content-Length: 4", length)
    payload += b"x" * max(0, surplus)
    story.packet(0, "alice > bob", payload)
    masked = mask(story.evidence)
    (message,) = explain(masked).messages
    assert message.sip is not None
    assert message.sip.surplus == surplus
    assert message.size == len(payload)
