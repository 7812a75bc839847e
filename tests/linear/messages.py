"""SIP messages and calls with a text of anybody's making in one place of them."""

from __future__ import annotations

import json
from collections.abc import Callable

from flask_sipvault.evidence import Evidence
from flask_sipvault.evidence import LogLine
from flask_sipvault.evidence import QualityReport
from flask_sipvault.evidence import RtcpDatagram
from flask_sipvault.evidence import SipPacket
from flask_sipvault.protocols.address import Endpoint

from ..speech import speech

ALICE = Endpoint("192.0.2.1", 5060)
BOB = Endpoint("192.0.2.2", 5060)
START = 1_795_442_531_000_000_000

_FIELDS = {
    "Via": "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1",
    "From": '"Alice" <sip:alice@a.example>;tag=a',
    "To": "<sip:bob@b.example>",
    "Call-ID": "call@host",
    "CSeq": "1 INVITE",
    "Contact": "<sip:alice@192.0.2.1>",
    "User-Agent": "phone",
}
_SDP = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\nc=IN IP4 192.0.2.1\r\n"

#: Five seconds of speech; what names its codec comes with the messages.
SPOKEN = speech(ALICE, BOB, 1, start=START, seconds=5)

Place = Callable[[str], bytes]


def _message(
    start: str = "INVITE sip:bob@b.example SIP/2.0",
    lines: str = "",
    body: str = "",
    **changed: str,
) -> bytes:
    fields = _FIELDS | {name.replace("_", "-"): v for name, v in changed.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"{start}\r\n{head}{lines}\r\n{body}".encode("utf-8", "replace")


def _field(name: str) -> Place:
    return lambda text: _message(**{name.replace("-", "_"): text})


def _described(text: str) -> bytes:
    return _message(body=text, Content_Type="application/sdp")


#: Where the text can stand.
PLACES: dict[str, Place] = {
    "everything": lambda text: text.encode("utf-8", "replace"),
    "the method": lambda text: _message(f"{text} sip:b SIP/2.0"),
    "the Request-URI": lambda text: _message(f"INVITE {text} SIP/2.0"),
    "the reason phrase": lambda text: _message(f"SIP/2.0 486 {text}"),
    "the lines of the header": lambda text: _message(lines=f"{text}\r\n"),
    **{
        name: _field(name)
        for name in (
            *("Via", "From", "To", "Call-ID", "CSeq", "Contact", "User-Agent"),
            *("Reason", "Authorization", "Content-Type", "Session-ID", "X-Other"),
        )
    },
    "an address": lambda text: _message(From=f"<sip:{text}@a.example>;tag=a"),
    "the description": lambda text: _described(_SDP + text),
    "an attribute": lambda text: _described(
        f"{_SDP}m=audio 4000 RTP/AVP 0\r\na={text}"
    ),
    "several parts": lambda text: _message(
        body=f"--b\r\n\r\n{text}\r\n--b--", Content_Type="multipart/mixed;boundary=b"
    ),
    "any body": lambda text: _message(body=text, Content_Type="message/sipfrag"),
}


def packet(payload: bytes, *, after_ms: int = 0, back: bool = False) -> SipPacket:
    src, dst = (BOB, ALICE) if back else (ALICE, BOB)
    return SipPacket(START + after_ms * 1_000_000, src, dst, "udp", payload)


def call(payload: bytes, text: str = "") -> Evidence:
    """A call of which one message is the payload; its other evidence holds the text."""
    line = text.encode("utf-8", "replace").replace(b"\n", b" ")
    ok = _message(
        "SIP/2.0 200 OK", body=f"{_SDP}m=audio 4000 RTP/AVP 0", To="<sip:b>;tag=b"
    )
    sip = [
        packet(_message(body=f"{_SDP}m=audio 4000 RTP/AVP 0")),
        packet(payload, after_ms=10),
        packet(payload.replace(b"INVITE", b"SIP/2.0 183"), after_ms=15, back=True),
        packet(
            ok.replace(b"\r\n\r\n", b"\r\nContent-Type: application/sdp\r\n\r\n"),
            after_ms=20,
            back=True,
        ),
        packet(_message("BYE sip:b SIP/2.0", CSeq="2 BYE"), after_ms=900),
    ]
    return Evidence(
        "acme",
        "call@host",
        sip=sip,
        rtcp=[RtcpDatagram(START + 50_000_000, ALICE, BOB, _rtcp(text))],
        logs=[LogLine(START, "proxy", line.decode())] if text else [],
        reports=[QualityReport(START, {"call_id": "call@host", "note": text})],
        media=[SPOKEN],
        agents=["agent"],
        legs=[("header", "other@host")],
    )


def _rtcp(text: str) -> bytes:
    items = [{"type": 1, "text": text[:2000]}]
    return json.dumps({"type": 202, "ssrc": 1, "sdes_information": items}).encode()
