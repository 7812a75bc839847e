"""Calls made for the tests, the links to them, and what a reader sees of a page."""

from __future__ import annotations

import html
import re

from flask_sipvault.access.links import LinkSigner
from flask_sipvault.evidence import Evidence
from flask_sipvault.evidence import LogLine
from flask_sipvault.evidence import SipPacket
from flask_sipvault.protocols.address import Endpoint

SECRET = "a secret of the tests"
CUSTOMER = "acme"

ALICE = Endpoint("192.0.2.1", 5060)
BOB = Endpoint("2001:db8::2", 5060)
START = 1_795_442_531_123_456_789


def link_to(call_id: str, **how: float) -> str:
    """A link as the CDR viewer makes it, from the path on."""
    return LinkSigner(SECRET, customer_id=CUSTOMER).url(call_id, **how)


def file_of(link: str, name: str) -> str:
    """The address of a download beside a link's page."""
    return link.replace("?", f"/{name}?", 1)


def packet(
    start_line: str,
    *,
    call_id: str = "call@host",
    after_ms: float = 0,
    back: bool = False,
    headers: str = "",
    body: bytes = b"",
    display: str = "Alice",
) -> SipPacket:
    """A SIP message from Alice to Bob, or back."""
    src, dst = (BOB, ALICE) if back else (ALICE, BOB)
    number = "2 BYE" if start_line.startswith("BYE") or "BYE" in headers else "1 INVITE"
    head = (
        f"{start_line}\r\n"
        f"Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK{number[0]}\r\n"
        f'From: "{display}" <sip:+5511@a.example>;tag=a\r\n'
        f"To: <sip:+5541@b.example>{';tag=b' if back else ''}\r\n"
        f"Call-ID: {call_id}\r\nCSeq: {number}\r\n{headers}\r\n"
    )
    ts = START + int(after_ms * 1_000_000)
    return SipPacket(ts, src, dst, "udp", head.encode() + body)


def small_call(call_id: str = "call@host", *, display: str = "Alice") -> Evidence:
    """An INVITE that is refused, and two log lines."""
    return Evidence(
        CUSTOMER,
        call_id,
        sip=[
            packet("INVITE sip:b SIP/2.0", call_id=call_id, display=display),
            packet("SIP/2.0 180 Ringing", call_id=call_id, after_ms=20, back=True),
            packet("SIP/2.0 486 Busy Here", call_id=call_id, after_ms=900, back=True),
        ],
        logs=[
            LogLine(START + 1_000_000, "proxy-1", "INFO:new call"),
            LogLine(START + 899_000_000, "proxy-1", "ERROR:tm: callee is busy"),
        ],
    )


def words(page: str) -> str:
    """What a reader sees of a page: text without markup, white space as one space."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page)).split())
