"""The same call in another shape: as another capture point, network or transport would
have shown it. What was wrong with it stays what it was.
"""

from __future__ import annotations

import copy
import ipaddress
import re
from collections.abc import Callable
from dataclasses import replace

from flask_sipvault.evidence import Evidence
from flask_sipvault.evidence import SipPacket
from flask_sipvault.protocols.address import Endpoint

_IPV4 = re.compile(rb"(?<![\d.])(\d{1,3}(?:\.\d{1,3}){3})(?![\d.])")
_LENGTH = re.compile(rb"(?im)^(content-length|l)([ \t]*:[ \t]*)\d+")
_PRIVATE = [
    ipaddress.ip_network(each)
    for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")
]


def ipv6(evidence: Evidence) -> Evidence:
    """All hosts by IPv6: private ones by unique local addresses (RFC 4193)."""

    def address(text: str) -> str:
        old = ipaddress.IPv4Address(text)
        private = any(old in network for network in _PRIVATE)
        return str(
            ipaddress.IPv6Address(("fd00::" if private else "2001:db8::") + text)
        )

    def end(old: Endpoint | None) -> Endpoint | None:
        return None if old is None else Endpoint(address(old.ip), old.port)

    def text(payload: bytes) -> bytes:
        head, separator, body = payload.partition(b"\r\n\r\n")
        head = _IPV4.sub(lambda m: b"[" + address(m[1].decode()).encode() + b"]", head)
        body = _IPV4.sub(lambda m: address(m[1].decode()).encode(), body)
        body = body.replace(b"IN IP4", b"IN IP6")
        return _with_length(payload, head, separator + body)

    shaped = copy.deepcopy(evidence)
    for packet in shaped.sip:
        packet.src, packet.dst = end(packet.src), end(packet.dst)  # type: ignore[assignment]
        packet.payload = text(packet.payload)
    for datagram in shaped.rtcp:
        datagram.src, datagram.dst = end(datagram.src), end(datagram.dst)
    for stream in shaped.media:
        stream.src, stream.dst = end(stream.src), end(stream.dst)
    return shaped


def _with_length(old: bytes, head: bytes, rest: bytes) -> bytes:
    """The message with its Content-Length as wrong, or as right, as it was."""
    grown = len(rest) - len(old.partition(b"\r\n\r\n")[2]) - 4
    return (
        _LENGTH.sub(
            lambda m: m[1] + m[2] + str(int(m[0].rpartition(b":")[2]) + grown).encode(),
            head,
        )
        + rest
    )


def tcp(evidence: Evidence) -> Evidence:
    """SIP over TCP, which repeats no request and no non-2xx response (RFC 3261 section
    17.1.1.2)."""
    shaped = copy.deepcopy(evidence)
    seen: set[tuple[Endpoint, Endpoint, bytes]] = set()
    kept: list[SipPacket] = []
    for packet in shaped.sip:
        key = (packet.src, packet.dst, packet.payload)
        to_2xx = packet.payload.startswith(b"SIP/2.0 2")
        if key in seen and not to_2xx:
            continue
        seen.add(key)
        payload = packet.payload.replace(b"SIP/2.0/UDP", b"SIP/2.0/TCP")
        kept.append(replace(packet, transport="tcp", payload=payload))
    shaped.sip = kept
    return shaped


def captured_twice(evidence: Evidence) -> Evidence:
    """A mirror port that shows each packet where it enters and where it leaves."""
    shaped = copy.deepcopy(evidence)
    copies = [replace(packet, ts=packet.ts + 40_000) for packet in shaped.sip]
    shaped.sip += copies
    shaped.rtcp += [replace(each, ts=each.ts + 40_000) for each in shaped.rtcp]
    shaped.sort()
    return shaped


def compact_headers(evidence: Evidence) -> Evidence:
    """Compact forms (RFC 3261 section 7.3.3), as phones that save bytes write them."""
    forms = {b"Via": b"v", b"From": b"f", b"To": b"t", b"Call-ID": b"i"}
    forms |= {b"Contact": b"m", b"Content-Length": b"l", b"Content-Type": b"c"}
    names = re.compile(rb"(?im)^(" + b"|".join(forms) + rb")(?=[ \t]*:)")
    by_name = {name.lower(): form for name, form in forms.items()}
    shaped = copy.deepcopy(evidence)
    for packet in shaped.sip:
        head, separator, body = packet.payload.partition(b"\r\n\r\n")
        head = names.sub(lambda m: by_name[m[1].lower()], head)
        packet.payload = head + separator + body
    return shaped


def through_a_proxy(evidence: Evidence) -> Evidence:
    """One hop more, captured on both its sides, before the first host of the call."""
    shaped = copy.deepcopy(evidence)
    if not shaped.sip:
        return shaped
    caller = shaped.sip[0].src
    proxy = Endpoint("198.51.100.250", 5060)
    packets: list[SipPacket] = []
    for packet in shaped.sip:
        if packet.src == caller:
            added = (
                packet.payload.replace(
                    b"\r\n",
                    b"\r\nVia: SIP/2.0/UDP 198.51.100.250;branch=%s\r\n"
                    % _branch(packet.payload),
                    1,
                )
                if not packet.payload.startswith(b"SIP/")
                else packet.payload
            )
            packets.append(replace(packet, dst=proxy))
            packets.append(
                replace(packet, src=proxy, ts=packet.ts + 800_000, payload=added)
            )
        elif packet.dst == caller:
            if packet.payload.startswith(b"SIP/"):
                via = b"\r\nVia: SIP/2.0/UDP 198.51.100.250;branch=%s" % _branch(
                    packet.payload
                )
                inner = packet.payload.replace(b"\r\n", via + b"\r\n", 1)
            else:
                inner = packet.payload
            packets.append(
                replace(packet, dst=proxy, ts=packet.ts - 800_000, payload=inner)
            )
            packets.append(replace(packet, src=proxy))
        else:
            packets.append(packet)
    shaped.sip = packets
    shaped.sort()
    return shaped


def _branch(payload: bytes) -> bytes:
    """A branch of the proxy's own, the same for a request and its responses."""
    found = re.search(rb"branch=([^;\s,]+)", payload)
    return b"z9hG4bKhop" + (found[1][-12:] if found else b"0")


def only_from(side: int) -> Callable[[Evidence], Evidence]:
    """Only what one of the two hosts sends: half of a tapped link.

    :param side: 0 for the sender of the first message, 1 for its receiver.
    """

    def shape(evidence: Evidence) -> Evidence:
        shaped = copy.deepcopy(evidence)
        if shaped.sip:
            first = shaped.sip[0]
            host = (first.src, first.dst)[side].ip
            shaped.sip = [packet for packet in shaped.sip if packet.src.ip == host]
        return shaped

    return shape


def late(evidence: Evidence) -> Evidence:
    """A capture that began when a third of the messages had gone."""
    shaped = copy.deepcopy(evidence)
    shaped.sip = shaped.sip[max(1, len(shaped.sip) // 3) :]
    return shaped


def cut_short(evidence: Evidence) -> Evidence:
    """A capture that was stopped before the call ended."""
    shaped = copy.deepcopy(evidence)
    shaped.sip = shaped.sip[: max(1, 2 * len(shaped.sip) // 3)]
    return shaped


def without_media(evidence: Evidence) -> Evidence:
    """A capture of the signalling alone."""
    shaped = copy.deepcopy(evidence)
    shaped.media, shaped.rtcp = [], []
    return shaped


#: In these everything that shows the fault is still there: the finding must be, too.
FULL_SHAPES: dict[str, Callable[[Evidence], Evidence]] = {
    "as captured": copy.deepcopy,
    "IPv6": ipv6,
    "TCP": tcp,
    "captured twice": captured_twice,
    "compact headers": compact_headers,
    "through a proxy": through_a_proxy,
}

#: In these some of it is missing: nothing wrong may be said.
PARTIAL_SHAPES: dict[str, Callable[[Evidence], Evidence]] = {
    "only from the first host": only_from(0),
    "only from the second host": only_from(1),
    "late": late,
    "cut short": cut_short,
    "without media": without_media,
}
