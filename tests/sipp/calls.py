"""Calls made for the tests: what no recording has."""

from __future__ import annotations

from flask_sipvault.analysis.explain import Call
from flask_sipvault.analysis.explain import explain
from flask_sipvault.evidence import Evidence
from flask_sipvault.evidence import SipPacket
from flask_sipvault.protocols.address import Endpoint

CALLER = Endpoint("198.51.100.23", 5060)
CALLED = Endpoint("203.0.113.9", 5060)
START = 1_795_442_531_000_000_000

SDP = (
    "v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\n"
    "m=audio 4000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
)


class Story:
    """A call between two parties, message by message, ten milliseconds apart."""

    def __init__(self) -> None:
        self._packets: list[SipPacket] = []

    def caller(self, start: str, cseq: str, *headers: str, **more: str) -> Story:
        """What the caller sends."""
        return self._add(CALLER, CALLED, start, cseq, headers, **more)

    def called(self, start: str, cseq: str, *headers: str, **more: str) -> Story:
        """What the called side sends."""
        return self._add(CALLED, CALLER, start, cseq, headers, **more)

    def call(self) -> Call:
        return explain(Evidence("acme", "made-up@host", sip=self._packets))

    def _add(
        self,
        src: Endpoint,
        dst: Endpoint,
        start: str,
        cseq: str,
        headers: tuple[str, ...],
        *,
        tags: str = "a b",
        sdp: str = "",
        display: str = '"Alice"',
    ) -> Story:
        number, method = cseq.split()
        if start[0].isdigit():
            first_line = f"SIP/2.0 {start}"
        else:
            first_line = f"{start} sip:bob@203.0.113.9 SIP/2.0"
        caller, called = "<sip:alice@198.51.100.23>", "<sip:bob@203.0.113.9>"
        ends = (caller, called) if tags.startswith("a") else (called, caller)
        from_tag, _, to_tag = tags.partition(" ")
        branch = f"z9hG4bK{number}{'INVITE' if method == 'ACK' else method}{from_tag}"
        if start == "ACK" and "2xx" in headers:
            branch += "ack"
        lines = [
            first_line,
            f"Via: SIP/2.0/UDP 198.51.100.23;branch={branch}",
            f"From: {display} {ends[0]};tag={from_tag}",
            f"To: {ends[1]}" + (f";tag={to_tag}" if to_tag else ""),
            "Call-ID: made-up@host",
            f"CSeq: {cseq}",
            f"Contact: <sip:{'alice' if src == CALLER else 'bob'}@{src}>",
            *(header for header in headers if header != "2xx"),
        ]
        if sdp:
            lines.append("Content-Type: application/sdp")
        lines += [f"Content-Length: {len(sdp)}", "", sdp]
        ts = START + 10_000_000 * len(self._packets)
        payload = "\r\n".join(lines).encode()
        self._packets.append(SipPacket(ts, src, dst, "udp", payload))
        return self


def answered() -> Story:
    """A call up to the answer's ACK."""
    return (
        Story()
        .caller("INVITE", "1 INVITE", tags="a", sdp=SDP)
        .called("180 Ringing", "1 INVITE")
        .called("200 OK", "1 INVITE", sdp=SDP)
        .caller("ACK", "1 ACK", "2xx")
    )


def hung_up_by_the_called_side() -> Story:
    return (
        answered()
        .called("BYE", "7 BYE", tags="b a")
        .caller("200 OK", "7 BYE", tags="b a")
    )


def held_by_the_called_side() -> Story:
    return (
        answered()
        .called("INVITE", "7 INVITE", tags="b a", sdp=SDP.replace("10.0.0", "0.0.0"))
        .caller("200 OK", "7 INVITE", tags="b a", sdp=SDP)
        .called("ACK", "7 ACK", "2xx", tags="b a")
        .caller("BYE", "2 BYE")
        .called("200 OK", "2 BYE")
    )


def reliably_ringing() -> Story:
    """RFC 3262: the 183 is acknowledged by a PRACK before the call is answered."""
    return (
        Story()
        .caller("INVITE", "1 INVITE", "Supported: 100rel", tags="a", sdp=SDP)
        .called("183 Session Progress", "1 INVITE", "RSeq: 776656", "Require: 100rel")
        .caller("PRACK", "2 PRACK", "RAck: 776656 1 INVITE")
        .called("200 OK", "2 PRACK")
        .called("200 OK", "1 INVITE", sdp=SDP)
        .caller("ACK", "1 ACK", "2xx")
        .caller("BYE", "3 BYE")
        .called("200 OK", "3 BYE")
    )


def with_keys_pressed() -> Story:
    return (
        answered()
        .caller("INFO", "2 INFO", "Info-Package: dtmf")
        .called("200 OK", "2 INFO")
        .caller("BYE", "3 BYE")
        .called("200 OK", "3 BYE")
    )


def from_a_hostile_caller() -> Story:
    """Whose texts are keywords of SIPp and ends of the XML around them."""
    trap = "[file name=/etc/hostname] \\x41 ]]> <recv/> [last_From:] [unknown] [$1]"
    return (
        Story()
        .caller(
            "INVITE",
            "1 INVITE",
            f"Subject: {trap}",
            f"X-[pid]: {trap}",
            tags="a",
            sdp=SDP + f"a=x:{trap}\r\n",
            display='"]]> [file name=/etc/hostname]"',
        )
        .called(f"486 {trap}", "1 INVITE", f"Warning: {trap}")
        .caller("ACK", "1 ACK")
    )
