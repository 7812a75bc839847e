"""Homer's encapsulation protocol: HEP3, and the older HEP1 and HEP2.

One packet carries one captured message with its addresses and time, or a log line, an
RTCP report, statistics. HEP3 is "HEP3", the total length, and chunks in any order
(HEP3 Network Protocol Specification rev. 37, draft-dubovikov-eep-hep-00).
"""

from __future__ import annotations

import ipaddress
import struct
import zlib
from dataclasses import dataclass
from dataclasses import field
from typing import Literal

from .address import Endpoint
from .address import Transport
from .network import ip_text

MAGIC = b"HEP3"

#: The longest payload that a compressed chunk may grow to.
MAX_PAYLOAD = 1 << 20

# Protocol types that have a meaning here. OpenSIPS sends its log as one of its own.
SIP = 1
RTP = 4
RTCP = 5
LOG = 100
OPENSIPS_LOG = 0x56
RTP_REPORT, SHORT_REPORT = 34, 35
SIPPULSE_QUALITY = 101

#: What a payload is, by its protocol type, for whoever takes HEP packets in. Payloads
#: of other types tell nothing of a call. OpenSIPS sends its log as a type of its own;
#: rtpagent and others send their statistics as full (34) or short reports (35).
KINDS: dict[int, Literal["sip", "rtp", "rtcp", "log", "quality"]] = {
    SIP: "sip",
    RTP: "rtp",
    RTCP: "rtcp",
    LOG: "log",
    OPENSIPS_LOG: "log",
    RTP_REPORT: "quality",
    SHORT_REPORT: "quality",
    SIPPULSE_QUALITY: "quality",
}

SIPPULSE = 0x5350
#: Vendor chunks that the SIP VAULT agent puts in every packet.
SIPPULSE_CUSTOMER = (SIPPULSE, 1)
SIPPULSE_TOKEN = (SIPPULSE, 2)

_FAMILY, _IP_PROTOCOL = 0x01, 0x02
_SRC4, _DST4, _SRC6, _DST6, _SRC_PORT, _DST_PORT = 0x03, 0x04, 0x05, 0x06, 0x07, 0x08
_SECONDS, _MICROSECONDS, _PROTOCOL, _AGENT_ID = 0x09, 0x0A, 0x0B, 0x0C
_AUTH_KEY, _PAYLOAD, _COMPRESSED, _CORRELATION = 0x0E, 0x0F, 0x10, 0x11
_NODE_NAME = 0x13

_INET, _INET6 = 2, 10
_MAPPED = bytes(10) + b"\xff\xff"

#: OpenSIPS and Kamailio say IDP (22) for TLS and ESP (50) for WebSocket.
_TRANSPORTS: dict[int, Transport] = {
    17: "udp",
    6: "tcp",
    132: "sctp",
    22: "tls",
    50: "ws",
}
_IP_PROTOCOLS = {name: number for number, name in _TRANSPORTS.items()} | {"wss": 50}

_chunk_header = struct.Struct("!HHH")


class HepError(ValueError):
    """These bytes are no HEP packet."""


@dataclass(slots=True)
class HepPacket:
    """What one HEP packet says.

    :param protocol: what the payload is: :data:`SIP`, :data:`RTCP` and so on.
    :param ts: nanoseconds since the epoch; 0 where the sender did not say.
    :param src: None where the sender did not say.
    :param agent: the capture agent's node name or else its number, "" without either.
    :param correlation_id: the Call-ID, if all is well; Asterisk may give a channel.
    :param auth_key: the secret that the sender shows. Never to be logged.
    :param vendor_chunks: those not of the generic vendor, by vendor and type.
    """

    protocol: int
    payload: bytes
    ts: int = 0
    src: Endpoint | None = None
    dst: Endpoint | None = None
    transport: Transport = "udp"
    agent: str = ""
    correlation_id: str = ""
    auth_key: str = field(default="", repr=False)
    vendor_chunks: dict[tuple[int, int], bytes] = field(
        default_factory=dict, repr=False
    )


def looks_like_hep(data: bytes) -> bool:
    """Whether :func:`parse` has a chance, cheaply and by content alone."""
    if data.startswith(MAGIC):
        return True
    return data[:2] in _OLD_HEADERS and data[2:3] in _OLD_FAMILIES


def frame_length(buffer: bytes | bytearray) -> int | None:
    """How long the HEP3 packet is that a stream goes on with.

    :returns: None while more bytes are needed.
    :raises HepError: if it does not go on with one.
    """
    if not buffer.startswith(MAGIC[: len(buffer)]):
        raise HepError("the stream does not go on with HEP3")
    if len(buffer) < 6:
        return None
    length: int = struct.unpack_from("!H", buffer, 4)[0]
    if length < 6:
        raise HepError(f"a HEP3 packet of {length} bytes")
    return length if length <= len(buffer) else None


def parse(data: bytes) -> HepPacket:
    """Read a HEP packet of any version.

    A packet that is cut off gives what is whole; so much is common with HEP over UDP.

    :raises HepError: if it is none, has no payload, or none that can be uncompressed.
    """
    if data.startswith(MAGIC):
        return _parse_hep3(data)
    if looks_like_hep(data):
        return _parse_old(data)
    raise HepError("the packet is not HEP")


def _parse_hep3(data: bytes) -> HepPacket:
    if len(data) < 6:
        raise HepError("a HEP3 packet without a length")
    generic: dict[int, bytes] = {}
    vendors: dict[tuple[int, int], bytes] = {}
    at, end = 6, min(len(data), struct.unpack_from("!H", data, 4)[0])
    while at + 6 <= end:
        vendor, kind, length = _chunk_header.unpack_from(data, at)
        if length < 6:
            raise HepError(f"a HEP3 chunk of {length} bytes")
        value = data[at + 6 : min(at + length, end)]
        if vendor == 0:
            generic.setdefault(kind, value)
        else:
            vendors.setdefault((vendor, kind), value)
        at += length

    if _PAYLOAD in generic:
        payload = generic[_PAYLOAD]
    elif _COMPRESSED in generic:
        payload = _uncompressed(generic[_COMPRESSED])
    else:
        raise HepError("a HEP3 packet without a payload")
    seconds, micros = _number(generic, _SECONDS), _number(generic, _MICROSECONDS)
    agent_id = _number(generic, _AGENT_ID)
    return HepPacket(
        protocol=_number(generic, _PROTOCOL),
        payload=payload,
        ts=(seconds * 1_000_000 + micros) * 1000,
        src=_endpoint(generic, _SRC4, _SRC6, _SRC_PORT),
        dst=_endpoint(generic, _DST4, _DST6, _DST_PORT),
        transport=_TRANSPORTS.get(_number(generic, _IP_PROTOCOL), "udp"),
        agent=_text(generic, _NODE_NAME) or (str(agent_id) if agent_id else ""),
        correlation_id=_text(generic, _CORRELATION),
        auth_key=_text(generic, _AUTH_KEY),
        vendor_chunks=vendors,
    )


def _uncompressed(data: bytes) -> bytes:
    """zlib or gzip, whichever the sender took."""
    inflater = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    try:
        payload = inflater.decompress(data, MAX_PAYLOAD)
    except zlib.error:
        raise HepError("a compressed payload that is damaged") from None
    if inflater.unconsumed_tail:
        raise HepError(f"a compressed payload of more than {MAX_PAYLOAD} bytes")
    return payload


def _number(chunks: dict[int, bytes], kind: int) -> int:
    """An unsigned number of whatever width, 0 if there is none."""
    value = chunks.get(kind, b"")
    return int.from_bytes(value, "big") if len(value) <= 4 else 0


def _text(chunks: dict[int, bytes], kind: int) -> str:
    """Text as senders in C write it: some with the NUL at its end."""
    value = chunks.get(kind, b"")
    return value.rstrip(b"\0").decode("utf-8", "replace").strip()


def _endpoint(
    chunks: dict[int, bytes], kind4: int, kind6: int, kind_port: int
) -> Endpoint | None:
    address = chunks.get(kind4) or chunks.get(kind6) or b""
    if len(address) == 16 and address.startswith(_MAPPED):
        address = address[12:]
    if len(address) not in (4, 16):
        return None
    return Endpoint(ip_text(address), _number(chunks, kind_port) & 0xFFFF)


#: Version, and length of the header up to the addresses, which tells IPv4 from IPv6.
_OLD_HEADERS = frozenset({b"\x01\x10", b"\x01\x28", b"\x02\x10", b"\x02\x28"})
_OLD_FAMILIES = frozenset({bytes([_INET]), bytes([_INET6])})

_old_header = struct.Struct("!BBBBHH")
#: Version 2 goes on with the sender's own structure, in its byte order: that of x86.
_old_time = struct.Struct("<IIHxx")


def _parse_old(data: bytes) -> HepPacket:
    """Versions 1 and 2 carry SIP only; version 1 does not even say when."""
    try:
        version, _, family, protocol, sport, dport = _old_header.unpack_from(data)
        size = 4 if family == _INET else 16
        at = _old_header.size
        src, dst = struct.unpack_from(f"{size}s{size}s", data, at)
        at += 2 * size
        seconds = micros = agent_id = 0
        if version == 2:
            seconds, micros, agent_id = _old_time.unpack_from(data, at)
            at += _old_time.size
    except struct.error:
        raise HepError("a HEP packet that ends within its header") from None
    return HepPacket(
        protocol=SIP,
        payload=data[at:],
        ts=(seconds * 1_000_000 + micros) * 1000,
        src=Endpoint(ip_text(src), sport),
        dst=Endpoint(ip_text(dst), dport),
        transport=_TRANSPORTS.get(protocol, "udp"),
        agent=str(agent_id) if agent_id else "",
    )


def build(packet: HepPacket) -> bytes:
    """Write a HEP3 packet, as a capture agent sends it.

    :raises HepError: if it would be longer than 65535 bytes.
    """
    chunks = [
        (0, _IP_PROTOCOL, bytes([_IP_PROTOCOLS[packet.transport]])),
        (0, _SECONDS, struct.pack("!I", packet.ts // 1_000_000_000)),
        (0, _MICROSECONDS, struct.pack("!I", packet.ts // 1000 % 1_000_000)),
        (0, _PROTOCOL, bytes([packet.protocol])),
    ]
    for endpoint, kind4, kind6, kind_port in (
        (packet.src, _SRC4, _SRC6, _SRC_PORT),
        (packet.dst, _DST4, _DST6, _DST_PORT),
    ):
        if endpoint is not None:
            address = ipaddress.ip_address(endpoint.ip)
            ipv4 = address.version == 4
            chunks.append((0, _FAMILY, bytes([_INET if ipv4 else _INET6])))
            chunks.append((0, kind4 if ipv4 else kind6, address.packed))
            chunks.append((0, kind_port, struct.pack("!H", endpoint.port)))
    if packet.agent.isdecimal():
        chunks.append((0, _AGENT_ID, struct.pack("!I", int(packet.agent))))
    elif packet.agent:
        chunks.append((0, _NODE_NAME, packet.agent.encode()))
    if packet.correlation_id:
        chunks.append((0, _CORRELATION, packet.correlation_id.encode()))
    if packet.auth_key:
        chunks.append((0, _AUTH_KEY, packet.auth_key.encode()))
    chunks += [(vendor, kind, v) for (vendor, kind), v in packet.vendor_chunks.items()]
    chunks.append((0, _PAYLOAD, packet.payload))

    length = len(MAGIC) + 2 + sum(6 + len(value) for _, _, value in chunks)
    if length > 0xFFFF:
        raise HepError(f"a HEP3 packet cannot hold {length} bytes")
    return b"".join(
        [
            MAGIC,
            struct.pack("!H", length),
            *(
                _chunk_header.pack(vendor, kind, 6 + len(value)) + value
                for vendor, kind, value in chunks
            ),
        ]
    )
