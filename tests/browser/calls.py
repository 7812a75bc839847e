"""Calls made up to be looked at in a browser: short, middling, and very long."""

from __future__ import annotations

from flask_sipvault.evidence import Evidence
from flask_sipvault.evidence import LogLine
from flask_sipvault.evidence import SipPacket
from flask_sipvault.protocols.address import Endpoint

PHONE = Endpoint("198.51.100.23", 5060)
SBC = Endpoint("203.0.113.9", 5060)
SBC_INSIDE = Endpoint("203.0.113.9", 5070)
PBX = Endpoint("10.8.0.14", 5060)

#: Monday, 23 November 2026, 14:02:11 UTC.
START = 1_795_442_531_000_000_000

_SDP = (
    "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\n"
    "m=audio 17002 RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\n"
    "a=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n"
)


class Script:
    """Writes a call message by message; time goes on as it is written."""

    def __init__(self, call_id: str, customer_id: str) -> None:
        self.evidence = Evidence(customer_id, call_id)
        self.at = 0.0

    def message(
        self,
        start: str,
        src: Endpoint,
        dst: Endpoint,
        cseq: str,
        branch: str,
        *,
        sdp: bool = False,
        wait: float = 0.004,
        answered: bool = True,
        by_callee: bool = False,
    ) -> Script:
        """One message, ``wait`` seconds after the one before.

        :param by_callee: whether its request is one of the called side.
        """
        self.at += wait
        request = not start[0].isdigit()
        first = f"{start} sip:+554133331000@b.example SIP/2.0"
        body = _SDP.format(ip=src.ip) if sdp else ""
        kind = "Content-Type: application/sdp\r\n" if sdp else ""
        caller = '"Alice" <sip:+551140028922@a.example>;tag=a'
        called = "<sip:+554133331000@b.example>" + (";tag=b" if answered else "")
        client = src if request else dst
        ends = (called, caller) if by_callee else (caller, called)
        text = (
            f"{first if request else f'SIP/2.0 {start}'}\r\n"
            f"Via: SIP/2.0/UDP {client.ip};branch=z9hG4bK{branch}\r\n"
            f"Max-Forwards: {70 if src == PHONE else 69}\r\n"
            f"From: {ends[0]}\r\nTo: {ends[1]}\r\n"
            f"Call-ID: {self.evidence.call_id}\r\nCSeq: {cseq}\r\n"
            f"Contact: <sip:alice@{src.ip}:{src.port}>\r\nUser-Agent: Phone 1.0\r\n"
            f"{kind}Content-Length: {len(body)}\r\n\r\n{body}"
        )
        ts = START + round(self.at * 1e9)
        self.evidence.sip.append(SipPacket(ts, src, dst, "udp", text.encode()))
        return self

    def log(self, line: str, source: str = "proxy-1") -> Script:
        """A line at this moment."""
        ts = START + round(self.at * 1e9)
        self.evidence.logs.append(LogLine(ts, source, line))
        return self

    def invite(self, number: int, *, first: bool = True) -> Script:
        """An INVITE through the SBC, answered."""
        call = {"answered": not first}
        cseq, one, two = f"{number} INVITE", f"i{number}", f"j{number}"
        self.message("INVITE", PHONE, SBC, cseq, one, sdp=True, **call)
        self.message("100 Trying", SBC, PHONE, cseq, one, **call)
        self.message("INVITE", SBC_INSIDE, PBX, cseq, two, sdp=True, **call)
        if first:
            self.message("180 Ringing", PBX, SBC_INSIDE, cseq, two, wait=1.2)
            self.message("180 Ringing", SBC, PHONE, cseq, one)
        wait = 4.1 if first else 0.05
        self.message("200 OK", PBX, SBC_INSIDE, cseq, two, sdp=True, wait=wait)
        self.message("200 OK", SBC, PHONE, cseq, one, sdp=True)
        self.message("ACK", PHONE, SBC, f"{number} ACK", f"k{number}")
        return self.message("ACK", SBC_INSIDE, PBX, f"{number} ACK", f"l{number}")

    def bye(self, number: int, *, times: int = 3, wait: float = 134.0) -> Script:
        """A BYE of the called side that is sent several times to the caller."""
        cseq, one, two = f"{number} BYE", f"b{number}", f"c{number}"
        who = {"by_callee": True}
        self.message("BYE", PBX, SBC_INSIDE, cseq, two, wait=wait, **who)
        self.message("BYE", SBC, PHONE, cseq, one, **who)
        for again in range(1, times):
            self.message("BYE", SBC, PHONE, cseq, one, wait=0.5 * again, **who)
        self.message("200 OK", PHONE, SBC, cseq, one, **who)
        return self.message("200 OK", SBC_INSIDE, PBX, cseq, two, **who)


def busy(call_id: str, customer_id: str) -> Evidence:
    """Seven messages: a call that is refused."""
    script = Script(call_id, customer_id)
    script.message("INVITE", PHONE, SBC, "1 INVITE", "1", sdp=True, answered=False)
    script.log("INFO:core: new call from 198.51.100.23")
    script.message("100 Trying", SBC, PHONE, "1 INVITE", "1", answered=False)
    script.message("INVITE", SBC, PBX, "1 INVITE", "2", sdp=True, answered=False)
    script.message("486 Busy Here", PBX, SBC, "1 INVITE", "2", wait=0.9)
    script.message("ACK", SBC, PBX, "1 ACK", "2")
    script.message("486 Busy Here", SBC, PHONE, "1 INVITE", "1")
    script.log("ERROR:tm: callee is busy", "proxy-1")
    script.message("ACK", PHONE, SBC, "1 ACK", "1")
    return script.evidence


def answered(call_id: str, customer_id: str, *, changes: int = 5) -> Evidence:
    """An answered call with as many re-INVITEs; sixty messages with five of them."""
    script = Script(call_id, customer_id)
    script.log("INFO:core: new call from 198.51.100.23")
    script.invite(1)
    script.log("NOTICE:dialog: confirmed", "pbx-1")
    for number in range(2, 2 + changes):
        script.at += 20
        script.invite(number, first=False)
        script.log(f"DBG:dialog: updated {number}")
        if number % 2:
            script.log("WARNING:rtpengine: no packets for 5 s", "media-1")
    script.at += 3
    script.bye(2 + changes)
    script.log("ERROR:tm: retransmission, no reply from 198.51.100.23")
    return script.evidence


def of_messages(call_id: str, customer_id: str, count: int) -> Evidence:
    """An answered call of about so many messages."""
    return answered(call_id, customer_id, changes=(count - 15) // 7)
