# ruff: noqa: E501 - header fields are as long as they are
"""A call full of people, for whatever must not give them away."""

from __future__ import annotations

import base64
import json
import struct
from dataclasses import dataclass

from hypothesis import strategies as st

from flask_sipvault.evidence import Evidence
from flask_sipvault.evidence import LogLine
from flask_sipvault.evidence import QualityReport
from flask_sipvault.evidence import RtcpDatagram
from flask_sipvault.evidence import SipPacket
from flask_sipvault.protocols.address import Endpoint

START = 1_795_442_531_000_000_000


@dataclass(frozen=True)
class People:
    """Who takes part, and what must stay between them."""

    numbers: list[str]
    users: list[str]
    names: list[str]
    hosts: list[str]
    ips: list[str]
    ip6: str
    secrets: list[str]

    def all(self) -> list[str]:
        """Every text that must not be found again."""
        digits = [number.lstrip("+") for number in self.numbers]
        national = [number[-8:] for number in digits]
        texts = [*digits, *national, *self.users, *self.names, *self.hosts, *self.ips]
        return [*texts, self.ip6, *self.secrets]


def _several(count: int, texts: st.SearchStrategy[str]) -> st.SearchStrategy[list[str]]:
    """So many different texts; a number with and without its ``+`` is one."""
    return st.lists(
        texts, min_size=count, max_size=count, unique_by=lambda text: text.lstrip("+")
    )


def _like(pattern: str) -> st.SearchStrategy[str]:
    return st.from_regex(pattern, fullmatch=True)


_part = st.integers(10, 199)
_word = st.integers(0x1000, 0xFFFF)

people = st.builds(
    People,
    numbers=_several(6, _like(r"\+?99[3-8]{7,12}")),
    users=_several(3, _like("[a-z]{3}x[a-z]{3,8}")),
    names=_several(4, _like("[A-Z][a-z]{3}q[a-z]{2,8}")),
    hosts=_several(5, _like(r"[a-z]{3,8}\.[a-z]{2,8}zz\.(com|net|br)")),
    ips=_several(
        6,
        st.builds(
            "{}.{}.{}.{}".format, st.sampled_from([10, 83, 177]), _part, _part, _part
        ),
    ),
    ip6=st.builds("2a02:{:x}::{:x}".format, _word, _word),
    secrets=_several(9, _like("S[0-9A-Za-z]{12,20}")),
)


def call_of(who: People) -> Evidence:
    """A call in which they are named wherever something can be named."""
    a, b, c, d, e, f = who.ips
    call_id = f"{who.secrets[8]}@{who.hosts[0]}"
    near, far = Endpoint(a, 5060), Endpoint(b, 5060)
    evidence = Evidence(
        who.hosts[1],
        call_id,
        legs=[("replaces", f"{who.numbers[1]}-1@{c}")],
        agents=[f"agent.{who.hosts[2]}", "/var/log/x"],
        parts=[f"{who.users[0]}/calls/1/2026-11-23/part.zip"],
        damage=[f"{who.users[0]}.zip: cut off at {d}"],
        other_media=[
            {
                "ssrc": "0x12345678",
                "src": f"{c}:4000",
                "dst": f"[{who.ip6}]:4002",
                "codec": "PCMU",
                who.names[0]: who.numbers[0],
            }
        ],
        reports=[
            QualityReport(
                START + 6,
                {
                    "call_id": call_id,
                    "verdict": "good",
                    "note": f"{who.names[1]} on {who.hosts[3]}",
                    "directions": {"uac": {"mos": 4.2, "from": who.numbers[2]}},
                },
            )
        ],
    )
    messages = [
        (near, far, _invite(who, call_id)),
        (far, near, _challenge(who, call_id)),
        (near, far, _ack(who, call_id)),
        (near, far, _invite(who, call_id, authorised=True)),
        (far, near, _answer(who, call_id)),
        (near, far, _info(who, call_id)),
        (near, far, _notify(who, call_id)),
        (far, near, _bye(who, call_id)),
        (near, far, f"PING from {who.numbers[0]} at {e}".encode()),
    ]
    evidence.sip = [
        SipPacket(START + n * 1_000_000, src, dst, "udp", payload)
        for n, (src, dst, payload) in enumerate(messages)
    ]
    evidence.rtcp = [
        RtcpDatagram(START + 7_000_000, None, None, _rtcp(who)),
        RtcpDatagram(START + 8_000_000, Endpoint(f, 4001), None, _json_rtcp(who)),
        RtcpDatagram(
            START + 9_000_000, None, None, b"\x80\xc8" + who.names[2].encode()
        ),
    ]
    evidence.logs = [
        LogLine(START + n, f"{who.hosts[4]}:/var/log/proxy.log", line)
        for n, line in enumerate(_log_lines(who, call_id))
    ]
    return evidence


def _head(who: People, call_id: str, start: str, cseq: str, *more: str) -> str:
    lines = [
        start,
        f"Via: SIP/2.0/UDP {who.hosts[0]}:5060;branch=z9hG4bK{who.numbers[0]};received={who.ips[2]}",
        f'f: "{who.names[0]}" <sip:{who.numbers[0]}:{who.secrets[0]}@{who.hosts[0].upper()};user=phone>;tag={who.users[0]}',
        f"To: {who.names[1]} <sip:{who.numbers[1]}@{who.hosts[1]}:5061;x-{who.users[1]}=1>"
        + (
            f";tag={who.users[1]}"
            if start[:7] == "SIP/2.0" or "INVITE" not in start
            else ""
        ),
        f"i: {call_id}",
        f"CSeq: {cseq}",
        f'Contact: <sip:{who.users[0]}@{who.ips[0]};transport=udp>;+sip.instance="<urn:uuid:{who.secrets[1]}>"',
        *more,
    ]
    return "\r\n".join(lines) + "\r\n"


def _with_body(head: str, content_type: str, body: str) -> bytes:
    return f"{head}c: {content_type}\r\nl: {len(body)}\r\n\r\n{body}".encode()


def _sdp(who: People) -> str:
    return "\r\n".join(
        [
            "v=0",
            f"o={who.users[2]} 123 456 IN IP4 {who.ips[3]}",
            f"s={who.names[2]} calls",
            f"i={who.names[3]}",
            f"e=x@{who.hosts[2]}",
            f"p={who.numbers[2]}",
            f"c=IN IP4 {who.ips[3]}",
            "t=0 0",
            "m=audio 4000 RTP/AVP 0 101",
            f"c=IN IP6 {who.ip6}",
            "a=rtpmap:0 PCMU/8000",
            f"a=rtcp:4001 IN IP4 {who.ips[4]}",
            f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{who.secrets[2]}",
            f"a=ice-ufrag:{who.secrets[3]}",
            f"a=ice-pwd:{who.secrets[4]}",
            f"a=candidate:H{who.secrets[3]} 1 UDP 2130706431 {who.ips[5]} 4000 typ srflx raddr {who.ips[4]} rport 51234",
            f"a=ssrc:305419896 cname:{who.users[0]}@{who.ips[0]}",
            f"a=X-owner:{who.names[0]}",
            f"a=tool:softphone of {who.names[0]}",
            f"k=clear:{who.secrets[2]}",
            f"{who.names[1]}",
            "",
        ]
    )


def _invite(who: People, call_id: str, authorised: bool = False) -> bytes:
    more = [
        f'P-Asserted-Identity: "{who.names[2]}" <sip:{who.numbers[2]}@{who.hosts[2]}>, <tel:{who.numbers[3]};phone-context={who.hosts[3]}>',
        f'Remote-Party-ID: "{who.names[3]}" <sip:{who.numbers[3]}@{who.ips[5]}>;party=calling;privacy=off',
        f"Diversion: <sip:{who.numbers[4]}@{who.ips[4]}>;reason=no-answer;counter=1",
        f"Referred-By: <sip:{who.users[1]}@{who.hosts[4]}>",
        f"History-Info: <sip:{who.numbers[4]}@{who.hosts[4]}?Reason=SIP%3Btext%3D{who.names[3]}>;index=1",
        f"Record-Route: <sip:{who.ips[1]};lr;ftag={who.users[0]};vsf={who.secrets[5]}>",
        f"X-Account: {who.names[0]} {who.secrets[5]}",
        f"X-{who.numbers[0].lstrip('+')}: yes",
        f"Subject: call {who.names[1]}",
        f"User-Agent: Phone/1.0 (host {who.hosts[2]}, {who.ips[2]}) of {who.numbers[5]}",
    ]
    if authorised:
        more.append(
            f'Proxy-Authorization: Digest username="{who.users[2]}@{who.hosts[1]}",'
            f' realm="{who.hosts[1]}", nonce="{who.secrets[6]}", uri="sip:{who.numbers[1]}@{who.hosts[1]}",'
            f' response="{who.secrets[7]}", opaque="{who.secrets[5]}", cnonce="{who.secrets[4]}",'
            " nc=00000001, qop=auth, algorithm=MD5"
        )
    start = f"INVITE sip:{who.numbers[1]}@{who.ips[1]};x={who.secrets[1]} SIP/2.0"
    number = 2 if authorised else 1
    head = _head(who, call_id, start, f"{number} INVITE", *more)
    return _with_body(head, "application/sdp", _sdp(who))


def _challenge(who: People, call_id: str) -> bytes:
    challenge = (
        f'Proxy-Authenticate: Digest realm="{who.names[2]}", nonce="{who.secrets[6]}",'
        f' opaque="{who.secrets[5]}", domain="sip:{who.hosts[3]}"'
    )
    start = "SIP/2.0 407 Proxy Authentication Required"
    return (_head(who, call_id, start, "1 INVITE", challenge) + "\r\n").encode()


def _ack(who: People, call_id: str) -> bytes:
    start = f"ACK sip:{who.numbers[1]}@{who.ips[1]} SIP/2.0"
    return (_head(who, call_id, start, "1 ACK") + "\r\n").encode()


def _answer(who: People, call_id: str) -> bytes:
    start = f"SIP/2.0 200 Connected to {who.names[1]} at {who.ips[1]}"
    head = _head(
        who,
        call_id,
        start,
        "2 INVITE",
        f'Warning: 399 {who.hosts[3]} "{who.names[2]} is away, call {who.numbers[5]}"',
        f"Authorization: Basic {base64.b64encode(who.secrets[0].encode()).decode()}",
        f"Authorization: Bearer {who.secrets[1]}",
    )
    parts = (
        f"--{who.secrets[2]}\r\nContent-Type: application/sdp\r\n\r\n{_sdp(who)}\r\n"
        f"--{who.secrets[2]}\r\nContent-Type: application/pidf+xml\r\n"
        f"Content-ID: <{who.users[0]}@{who.hosts[0]}>\r\n\r\n<name>{who.names[3]}</name>\r\n"
        f"--{who.secrets[2]}--\r\n"
    )
    return _with_body(head, f'multipart/mixed;boundary="{who.secrets[2]}"', parts)


def _info(who: People, call_id: str) -> bytes:
    start = f"INFO sip:{who.users[1]}@{who.ips[1]} SIP/2.0"
    body = f"Signal=7\r\nDuration=160\r\nX={who.secrets[3]}\r\n"
    head = _head(who, call_id, start, "3 INFO")
    return _with_body(head, "application/dtmf-relay", body)


def _notify(who: People, call_id: str) -> bytes:
    start = f"NOTIFY sip:{who.users[1]}@{who.ips[1]} SIP/2.0"
    refer = f"Refer-To: <sip:{who.numbers[4]}@{who.hosts[4]}?Replaces={who.secrets[8]}%40{who.hosts[0]}%3Bto-tag%3D{who.users[0]}%3Bfrom-tag%3D1>"
    body = f"SIP/2.0 200 {who.names[0]}\r\nContact: <sip:{who.numbers[5]}@{who.ips[2]}>\r\n\r\n"
    head = _head(who, call_id, start, "4 NOTIFY", refer)
    return _with_body(head, "message/sipfrag", body)


def _bye(who: People, call_id: str) -> bytes:
    start = f"BYE sip:{who.users[0]}@{who.ips[0]} SIP/2.0"
    reason = f'Reason: Q.850;cause=16;text="{who.names[1]} hung up on {who.numbers[0]}"'
    return (_head(who, call_id, start, "5 BYE", reason) + "\r\n").encode()


def _rtcp(who: People) -> bytes:
    report = struct.pack("!BBHIQIII", 0x80, 200, 6, 7, 1 << 60, 0, 100, 16000)
    items = b""
    for kind, text in ((1, f"{who.users[0]}@{who.ips[0]}"), (2, who.names[0])):
        items += bytes((kind, len(text))) + text.encode()
    chunk = struct.pack("!I", 7) + items
    chunk += bytes(4 - len(chunk) % 4)
    reason = who.names[1].encode()
    goodbye = struct.pack("!I", 7) + bytes((len(reason),)) + reason
    goodbye += bytes(-len(goodbye) % 4)
    own = struct.pack("!I4s", 7, b"NAME") + who.names[2].encode()
    own += bytes(-len(own) % 4)
    return (
        report
        + struct.pack("!BBH", 0x81, 202, len(chunk) // 4)
        + chunk
        + struct.pack("!BBH", 0x80, 204, len(own) // 4)
        + own
        + struct.pack("!BBH", 0x81, 203, len(goodbye) // 4)
        + goodbye
    )


def _json_rtcp(who: People) -> bytes:
    return json.dumps(
        {
            "type": 200,
            "ssrc": 7,
            "host": who.hosts[2],
            "note": int(who.numbers[0]),
            "sender_information": {
                "packets": "100",
                "octets": 16000,
                "by": who.names[0],
            },
            "report_blocks": [{"source_ssrc": 8, "fraction_lost": 3, "x": who.ips[2]}],
            "sdes_information": [{"type": 1, "text": f"{who.users[0]}@{who.ips[0]}"}],
        }
    ).encode()


def _log_lines(who: People, call_id: str) -> list[str]:
    return [
        f"Nov 23 14:02:11 {who.hosts[4]} opensips[4242]: INFO:core:new: call {call_id}",
        f"Nov 23 14:02:11 {who.users[2]}-sbc opensips[4242]: from sip:{who.numbers[0]}@{who.ips[0]}",
        f"DBG: {who.names[0]} ({who.numbers[0].lstrip('+')}) calls {who.numbers[1][-8:]}",
        f"ERROR: rtpproxy at [{who.ip6}]:7722 and {who.ips[4]}:7722 timed out",
        f'user={who.users[2]} password={who.secrets[0]} realm="{who.hosts[1]}"',
        f'response="{who.secrets[7]}" nonce: {who.secrets[6]} a=crypto:1 X inline:{who.secrets[2]}',
        f"sip%3A{who.numbers[2].lstrip('+')}%40{who.hosts[2]} <{who.users[1]}@{who.hosts[3]}>",
        f"{who.numbers[3]},{who.ips[5]};{who.names[3]}|{who.hosts[0].upper()}",
    ]
