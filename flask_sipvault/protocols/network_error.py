"""What the network says of packets that it did not deliver: ICMP errors, TCP resets.

An ICMP error quotes the packet that it is about: at least its IP header and 8 bytes
(RFC 792), most often as much as fits 576 bytes (RFC 1812 section 4.3.2.3) or the IPv6
minimum MTU (RFC 4443 section 2.4). A TCP reset is about the other direction of its own
connection (RFC 9293 section 3.5), a SYN that nobody answered about itself.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Literal

from .address import Endpoint
from .network import ICMP
from .network import ICMPV6
from .network import ip_payload
from .network import ip_text
from .network import SCTP
from .network import TCP
from .network import UDP
from .packets import checksum
from .packets import ip_packet
from .packets import ones_complement
from .packets import packed_ip
from .tcp import ACK
from .tcp import RST
from .tcp import SYN

#: ``too-big``: the packet may not be fragmented and is larger than the MTU of a link.
#: ``prohibited``: a filter forbids it. ``ttl-exceeded``: it went round in a loop.
#: ``reassembly-timeout``: fragments of it never came. ``unreachable``: for another
#: reason. ``reset``: by TCP. ``unanswered``: a SYN that nothing came back to.
ErrorKind = Literal[
    "net-unreachable",
    "host-unreachable",
    "protocol-unreachable",
    "port-unreachable",
    "prohibited",
    "too-big",
    "ttl-exceeded",
    "reassembly-timeout",
    "unreachable",
    "reset",
    "unanswered",
]

_UNREACHABLE, _TIME_EXCEEDED = 3, 11
_FRAGMENTATION_NEEDED = 4

#: Codes of "destination unreachable" of ICMP (RFC 792, RFC 1122 section 3.2.2.1,
#: RFC 1812 section 5.2.7.1).
_KINDS: dict[int, ErrorKind] = {
    0: "net-unreachable",
    1: "host-unreachable",
    2: "protocol-unreachable",
    3: "port-unreachable",
    _FRAGMENTATION_NEEDED: "too-big",
    6: "net-unreachable",
    7: "host-unreachable",
    9: "prohibited",
    10: "prohibited",
    11: "net-unreachable",
    12: "host-unreachable",
    13: "prohibited",
}

_UNREACHABLE_V6, _TOO_BIG_V6, _TIME_EXCEEDED_V6 = 1, 2, 3

#: Codes of "destination unreachable" of ICMPv6 (RFC 4443 section 3.1).
_KINDS_V6: dict[int, ErrorKind] = {
    0: "net-unreachable",
    1: "prohibited",
    3: "host-unreachable",
    4: "port-unreachable",
    5: "prohibited",
    6: "prohibited",
}

_TRANSPORTS: dict[int, Literal["udp", "tcp", "sctp"]] = {
    UDP: "udp",
    TCP: "tcp",
    SCTP: "sctp",
}


@dataclass(frozen=True, slots=True)
class NetworkError:
    """One packet of the network about another that did not arrive.

    :param src: who says so. ICMP has no ports: then they are 0.
    :param code: ICMP's type and code; None for TCP.
    :param mtu: in bytes, what the next link takes; None where it is not said.
    :param transport: of the packet that did not arrive.
    :param lost_src: where that packet came from, and ``lost_dst`` where it was to go.
    :param lost_size: how long its UDP payload was, in bytes; None where it had none.
    :param quoted: its payload, as far as it is quoted.
    """

    kind: ErrorKind
    src: Endpoint
    dst: Endpoint
    code: tuple[int, int] | None
    mtu: int | None
    transport: Literal["udp", "tcp", "sctp"]
    lost_src: Endpoint
    lost_dst: Endpoint
    lost_size: int | None = None
    quoted: bytes = b""


def read(packet: bytes) -> NetworkError | None:
    """What an IP packet says of another; None if it does not.

    :param packet: from its IP header on; its end may be cut off.
    """
    try:
        protocol, src, dst, payload = ip_payload(packet)
        if protocol == TCP:
            return _tcp(src, dst, payload)
        if protocol == ICMP and len(src) == 4:
            return _icmp(src, dst, payload)
        if protocol == ICMPV6 and len(src) == 16:
            return _icmp_v6(src, dst, payload)
    except (struct.error, IndexError, ValueError):  # cut off within a header
        pass
    return None


def build(error: NetworkError) -> bytes:
    """An IP packet that says what :func:`read` reads; nothing else is as captured."""
    src, dst = packed_ip(error.src.ip), packed_ip(error.dst.ip)
    if error.code is None:
        flags = RST if error.kind == "reset" else SYN
        ports = struct.pack("!HH", error.src.port, error.dst.port)
        head = ports + struct.pack("!IIBBH", 0, 0, 5 << 4, flags, 0)
        total = checksum(src, dst, TCP, head + bytes(4))
        return ip_packet(src, dst, TCP, head + struct.pack("!HH", total, 0))
    body = struct.pack("!HH", error.lost_src.port, error.lost_dst.port)
    if error.transport == "udp":
        body += struct.pack("!HH", 8 + (error.lost_size or 0), 0) + error.quoted
    else:
        body += bytes(8 if error.transport == "sctp" else 4)
    protocol = next(n for n, name in _TRANSPORTS.items() if name == error.transport)
    quoted = ip_packet(
        packed_ip(error.lost_src.ip), packed_ip(error.lost_dst.ip), protocol, body
    )
    kind, code = error.code
    if len(src) == 16:
        head, rest = bytes([kind, code]), struct.pack("!I", error.mtu or 0) + quoted
        total = checksum(src, dst, ICMPV6, head + bytes(2) + rest)
        protocol = ICMPV6
    else:
        head, rest = bytes([kind, code]), struct.pack("!HH", 0, error.mtu or 0) + quoted
        total = ones_complement(head + bytes(2) + rest)
        protocol = ICMP
    return ip_packet(src, dst, protocol, head + struct.pack("!H", total) + rest)


def _tcp(src: bytes, dst: bytes, segment: bytes) -> NetworkError | None:
    sport, dport = struct.unpack_from("!HH", segment)
    flags = segment[13]
    here, there = Endpoint(ip_text(src), sport), Endpoint(ip_text(dst), dport)
    if flags & RST:
        return NetworkError("reset", here, there, None, None, "tcp", there, here)
    if flags & (SYN | ACK) == SYN:
        return NetworkError("unanswered", here, there, None, None, "tcp", here, there)
    return None


def _icmp(src: bytes, dst: bytes, message: bytes) -> NetworkError | None:
    kind, code, mtu = struct.unpack_from("!BB4xH", message)
    if kind == _UNREACHABLE:
        error = _KINDS.get(code, "unreachable")
    elif kind == _TIME_EXCEEDED:
        error = "reassembly-timeout" if code else "ttl-exceeded"
    else:
        return None
    # 0: a router older than RFC 1191.
    known = mtu if error == "too-big" and mtu else None
    return _about(error, src, dst, (kind, code), known, message[8:])


def _icmp_v6(src: bytes, dst: bytes, message: bytes) -> NetworkError | None:
    kind, code, mtu = struct.unpack_from("!BBxxI", message)
    error: ErrorKind
    if kind == _UNREACHABLE_V6:
        error = _KINDS_V6.get(code, "unreachable")
    elif kind == _TOO_BIG_V6:
        error = "too-big"
    elif kind == _TIME_EXCEEDED_V6:
        error = "reassembly-timeout" if code else "ttl-exceeded"
    else:
        return None
    known = mtu if error == "too-big" and mtu else None
    return _about(error, src, dst, (kind, code), known, message[8:])


def _about(
    kind: ErrorKind,
    src: bytes,
    dst: bytes,
    code: tuple[int, int],
    mtu: int | None,
    quoted: bytes,
) -> NetworkError | None:
    protocol, lost_src, lost_dst, payload = ip_payload(quoted)
    transport = _TRANSPORTS.get(protocol)
    if transport is None:
        return None
    sport, dport = struct.unpack_from("!HH", payload)
    lost_size, data = None, b""
    if transport == "udp":
        lost_size = max(struct.unpack_from("!H", payload, 4)[0] - 8, 0)
        data = payload[8 : 8 + lost_size]
    elif transport == "tcp" and len(payload) > 12:
        data = payload[(payload[12] >> 4) * 4 :]
    return NetworkError(
        kind,
        Endpoint(ip_text(src), 0),
        Endpoint(ip_text(dst), 0),
        code,
        mtu,
        transport,
        Endpoint(ip_text(lost_src), sport),
        Endpoint(ip_text(lost_dst), dport),
        lost_size,
        data,
    )
