"""What a frame carries: link layers, IP, and the tunnels captures are taken from.

Frames are taken apart by slices and ``struct``, which is three times as fast as dpkt's
packet objects. A frame that is damaged, or of a protocol that carries no calls, gives
nothing.
"""

from __future__ import annotations

import ipaddress
import struct
from typing import NamedTuple

from .address import Endpoint
from .fragments import FragmentKey
from .fragments import Reassembler

# Link types, from www.tcpdump.org/linktypes.html.
NULL = 0
ETHERNET = 1
LOOP = 108
LINUX_SLL = 113
LINUX_SLL2 = 276
RAW_IP = (12, 14, 101, 228, 229)

LINK_TYPES = frozenset({NULL, ETHERNET, LOOP, LINUX_SLL, LINUX_SLL2, *RAW_IP})

# IP protocol numbers.
ICMP = 1
IPIP = 4
TCP = 6
UDP = 17
IPV6_IN_IP = 41
GRE = 47
ICMPV6 = 58
SCTP = 132

_HOP_BY_HOP, _ROUTING, _FRAGMENT, _AUTHENTICATION, _DESTINATION = 0, 43, 44, 51, 60
_SKIPPED_HEADERS = frozenset(
    {_HOP_BY_HOP, _ROUTING, _AUTHENTICATION, _DESTINATION, 135, 139, 140}
)

# EtherTypes.
_IPV4 = 0x0800
_IPV6 = 0x86DD
_VLANS = frozenset({0x8100, 0x88A8, 0x9100, 0x9200})
_MPLS = frozenset({0x8847, 0x8848})
_PPPOE_SESSION = 0x8864
_BRIDGED_ETHERNET = 0x6558
_ERSPAN = 0x88BE
_ERSPAN_III = 0x22EB

_PPP = {0x0021: _IPV4, 0x0057: _IPV6}

#: Tags, tunnels and IP headers one in another; more is an attack.
MAX_LAYERS = 16

_GRE_CHECKSUM, _GRE_ROUTING, _GRE_KEY, _GRE_SEQUENCE = 0x8000, 0x4000, 0x2000, 0x1000

_u16 = struct.Struct("!H").unpack_from
_ipv4_header = struct.Struct("!BxHHHxB2x4s4s").unpack_from
_ipv6_header = struct.Struct("!4xHBx16s16s").unpack_from


class Packet(NamedTuple):
    """What an IP datagram carries, the innermost where tunnels are nested.

    :param src: the address's 4 or 16 bytes.
    :param protocol: IP protocol number of the payload: TCP, UDP, SCTP and so on.
    :param missing: how many bytes of the payload the capture cut off at its end.
    :param header: what comes before the payload, from the IP header on; empty where
        the payload was put together from fragments.
    :param fragments: from how many it was; 0 where it was none.
    """

    src: bytes
    dst: bytes
    protocol: int
    payload: bytes
    missing: int
    header: bytes = b""
    fragments: int = 0


class Endpoints(dict[tuple[bytes, int], Endpoint]):
    """The :class:`Endpoint` of an address's bytes and a port, made once for each.

    A capture has few endpoints and many packets. One with many starts over now and
    then, so that memory stays bounded.
    """

    LIMIT = 65536

    def __missing__(self, key: tuple[bytes, int]) -> Endpoint:
        if len(self) >= self.LIMIT:
            self.clear()
        endpoint = self[key] = Endpoint(ip_text(key[0]), key[1])
        return endpoint


def ip_text(address: bytes) -> str:
    """The shortest text of an address of 4 or 16 bytes."""
    if len(address) == 4:
        return "{}.{}.{}.{}".format(*address)
    return str(ipaddress.IPv6Address(address))


def unwrap(link: int, ts: int, frame: bytes, fragments: Reassembler) -> Packet | None:
    """Look through all layers of a frame down to the innermost IP payload.

    :param fragments: where fragments wait for each other; the one that completes a
        datagram gives its packet.
    """
    try:
        return _unwrap(link, ts, frame, fragments)
    except (struct.error, IndexError):  # cut off within a header
        return None


def _unwrap(link: int, ts: int, frame: bytes, fragments: Reassembler) -> Packet | None:
    ethertype, data = _link_layer(link, frame)
    for _ in range(MAX_LAYERS):
        if ethertype in _VLANS:
            ethertype, data = _u16(data, 2)[0], data[4:]
            continue
        if ethertype == _BRIDGED_ETHERNET:
            ethertype, data = _u16(data, 12)[0], data[14:]
            continue
        if ethertype == _PPPOE_SESSION:
            ethertype, data = _PPP.get(_u16(data, 6)[0], 0), data[8:]
            continue
        if ethertype in _MPLS:
            bottom = data[2] & 1
            data = data[4:]
            if bottom:
                ethertype = _by_version(data)
            continue
        if ethertype == _IPV4:
            packet = _ipv4(ts, data, fragments)
        elif ethertype == _IPV6:
            packet = _ipv6(ts, data, fragments)
        else:
            return None
        if packet is None:
            return None
        if packet.protocol == GRE:
            ethertype, data = _gre(packet.payload)
        elif packet.protocol in (IPIP, IPV6_IN_IP):
            ethertype, data = _by_version(packet.payload), packet.payload
        else:
            return packet
    return None


def _link_layer(link: int, frame: bytes) -> tuple[int, bytes]:
    """The EtherType of what a frame carries, 0 if it carries nothing for us."""
    if link == ETHERNET:
        return _u16(frame, 12)[0], frame[14:]
    if link == LINUX_SLL:
        return _u16(frame, 14)[0], frame[16:]
    if link == LINUX_SLL2:
        return _u16(frame, 0)[0], frame[20:]
    if link in (NULL, LOOP):
        # The address family is in the byte order, and by the numbers, of the machine
        # that captured; the IP version says the same.
        return _by_version(frame[4:]), frame[4:]
    if link in RAW_IP:
        return _by_version(frame), frame
    return 0, b""


def _by_version(data: bytes) -> int:
    return {4: _IPV4, 6: _IPV6}.get(data[0] >> 4, 0)


def _ipv4(ts: int, data: bytes, fragments: Reassembler) -> Packet | None:
    first, length, identification, fragment, protocol, src, dst = _ipv4_header(data)
    start = (first & 0x0F) * 4
    if first >> 4 != 4 or start < 20:
        return None
    if length == 0:  # left to the network card to fill in (segmentation offload)
        length = len(data)
    payload = data[start:length]
    missing = max(length - max(len(data), start), 0)
    header, count = data[:start], 0
    if fragment & 0x3FFF:
        whole = fragments.add(
            ts,
            FragmentKey(src, dst, protocol, identification),
            (fragment & 0x1FFF) * 8,
            payload,
            bool(fragment & 0x2000),
            missing,
        )
        if whole is None:
            return None
        payload, missing, header = whole, 0, b""
        count = fragments.last_count
    if protocol == _AUTHENTICATION:
        protocol, payload = payload[0], payload[(payload[1] + 2) * 4 :]
    return Packet(src, dst, protocol, payload, missing, header, count)


def _ipv6(ts: int, data: bytes, fragments: Reassembler) -> Packet | None:
    length, protocol, src, dst = _ipv6_header(data)
    if length == 0:  # a jumbogram, or segmentation offload
        length = len(data) - 40
    payload = data[40 : 40 + length]
    missing = max(40 + length - len(data), 0)
    count = 0
    for _ in range(MAX_LAYERS):
        if protocol in _SKIPPED_HEADERS:
            size = _header_size(protocol, payload)
            protocol, payload = payload[0], payload[size:]
        elif protocol == _FRAGMENT:
            protocol, fragment, identification = struct.unpack_from("!BxHI", payload)
            payload = payload[8:]
            if fragment & 0xFFF9:
                whole = fragments.add(
                    ts,
                    FragmentKey(src, dst, protocol, identification),
                    fragment & 0xFFF8,
                    payload,
                    bool(fragment & 1),
                    missing,
                )
                if whole is None:
                    return None
                payload, missing, count = whole, 0, fragments.last_count
        else:
            before = 0 if count else len(data[: 40 + length]) - len(payload)
            header = data[:before]
            return Packet(src, dst, protocol, payload, missing, header, count)
    return None


def ip_payload(packet: bytes) -> tuple[int, bytes, bytes, bytes]:
    """Protocol, source, destination and payload of an IP packet as an ICMP error quotes
    it: as far as it goes, and of a datagram in fragments its first one.

    :raises ValueError: for what is no such packet.
    :raises struct.error: where it is cut off within a header; or IndexError.
    """
    if packet[0] >> 4 == 4:
        first, length, _, fragment, protocol, src, dst = _ipv4_header(packet)
        start = (first & 0x0F) * 4
        if start < 20 or fragment & 0x1FFF:
            raise ValueError("no header of a datagram's beginning")
        # A quoting system may have changed the length's byte order.
        return protocol, src, dst, packet[start : length if length > start else None]
    if packet[0] >> 4 != 6:
        raise ValueError("no IP header")
    _, protocol, src, dst = _ipv6_header(packet)
    payload = packet[40:]
    for _ in range(MAX_LAYERS):
        if protocol == _FRAGMENT:
            if struct.unpack_from("!H", payload, 2)[0] & 0xFFF8:
                raise ValueError("a later fragment")
            protocol, payload = payload[0], payload[8:]
        elif protocol in _SKIPPED_HEADERS:
            size = _header_size(protocol, payload)
            protocol, payload = payload[0], payload[size:]
        else:
            return protocol, src, dst, payload
    raise ValueError("too many headers")


def _header_size(protocol: int, header: bytes) -> int:
    """The authentication header alone counts in four bytes (RFC 4302)."""
    if protocol == _AUTHENTICATION:
        return (header[1] + 2) * 4
    return (header[1] + 1) * 8


def _gre(data: bytes) -> tuple[int, bytes]:
    """GRE (RFC 2784, RFC 2890), and the mirrored Ethernet that ERSPAN puts in it
    (draft-foschiano-erspan)."""
    flags, ethertype = struct.unpack_from("!HH", data)
    if flags & 0x07 or flags & _GRE_ROUTING:  # PPTP, source routes
        return 0, b""
    start = 4
    for flag in (_GRE_CHECKSUM, _GRE_KEY, _GRE_SEQUENCE):
        if flags & flag:
            start += 4
    if ethertype == _ERSPAN:
        # Type II has a header and always a sequence number, type I has neither.
        start += 8 if flags & _GRE_SEQUENCE else 0
        ethertype = _BRIDGED_ETHERNET
    elif ethertype == _ERSPAN_III:
        start += 20 if data[start + 11] & 1 else 12
        ethertype = _BRIDGED_ETHERNET
    return ethertype, data[start:]
