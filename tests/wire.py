"""IP packets as they cross a network, and captures of them, for tests."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable
from typing import NamedTuple

from flask_sipvault.protocols.address import Endpoint
from flask_sipvault.protocols.packets import checksum
from flask_sipvault.protocols.packets import Framer
from flask_sipvault.protocols.packets import ip_packet
from flask_sipvault.protocols.packets import Message
from flask_sipvault.protocols.packets import packed_ip

ALICE, BOB = Endpoint("192.0.2.1", 5060), Endpoint("198.51.100.2", 5060)
ALICE6, BOB6 = Endpoint("2001:db8::1", 5060), Endpoint("2001:db8::2", 5060)

SECOND = 1_000_000_000
BEGIN = 1_795_439_805 * SECOND


class Seen(NamedTuple):
    """A packet in a capture.

    :param at: in seconds since the capture's beginning.
    :param size: how many bytes were kept of its frame; None for all.
    """

    at: float
    packet: bytes
    size: int | None = None


def capture(seen: Iterable[Seen]) -> io.BytesIO:
    """A nanosecond pcap with Ethernet frames, in the order given."""
    file = [struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, 1)]
    for at, packet, size in seen:
        ethertype = b"\x08\0" if packet[0] >> 4 == 4 else b"\x86\xdd"
        frame = bytes(12) + ethertype + packet
        kept = frame[:size]
        seconds, fraction = divmod(BEGIN + round(at * SECOND), SECOND)
        file.append(struct.pack("<IIII", seconds, fraction, len(kept), len(frame)))
        file.append(kept)
    return io.BytesIO(b"".join(file))


def udp(payload: bytes, src: Endpoint = ALICE, dst: Endpoint = BOB) -> bytes:
    """An IP packet with a datagram."""
    (packet,) = Framer().frames(Message(0, src, dst, "udp", payload))
    return packet


def tcp(
    flags: int,
    src: Endpoint = ALICE,
    dst: Endpoint = BOB,
    payload: bytes = b"",
    sequence: int = 1,
) -> bytes:
    """An IP packet with a segment."""
    ends = packed_ip(src.ip), packed_ip(dst.ip)
    head = struct.pack(
        "!HHIIBBH", src.port, dst.port, sequence, 1, 5 << 4, flags, 65535
    )
    total = checksum(*ends, 6, head + bytes(4) + payload)
    return ip_packet(*ends, 6, head + struct.pack("!HH", total, 0) + payload)


def icmp(
    kind: int, code: int, about: bytes, *, quoted: int = 28, mtu: int = 0, by: str = ""
) -> bytes:
    """An ICMP error, or with an IPv6 packet an ICMPv6 one.

    :param about: the packet that did not arrive, of which so many bytes are quoted.
    :param by: who says so; whoever it was sent to otherwise.
    """
    if about[0] >> 4 == 4:
        src, dst, protocol = about[16:20], about[12:16], 1
        body = struct.pack("!BBHHH", kind, code, 0, 0, mtu) + about[:quoted]
    else:
        src, dst, protocol = about[24:40], about[8:24], 58
        body = struct.pack("!BBHI", kind, code, 0, mtu) + about[: quoted + 20]
    return ip_packet(packed_ip(by) if by else src, dst, protocol, body)


def fragments(packet: bytes, size: int, identification: int = 7) -> list[bytes]:
    """An IPv4 or IPv6 packet in fragments.

    :param size: what each carries, in bytes: a multiple of 8.
    """
    is_v4 = packet[0] >> 4 == 4
    body = packet[20:] if is_v4 else packet[40:]
    pieces = []
    for start in range(0, len(body), size):
        piece, more = body[start : start + size], start + size < len(body)
        if is_v4:
            head = bytearray(packet[:20])
            struct.pack_into("!H", head, 2, 20 + len(piece))
            struct.pack_into("!HH", head, 4, identification, start // 8 | more << 13)
            pieces.append(bytes(head) + piece)
        else:
            extension = struct.pack("!BxHI", packet[6], start | more, identification)
            head = bytearray(packet[:40])
            struct.pack_into("!HB", head, 4, len(piece) + 8, 44)
            pieces.append(bytes(head) + extension + piece)
    return pieces


def sip(
    start: str,
    *,
    call_id: str = "call@example.com",
    cseq: str = "1 INVITE",
    contact: str = "sip:alice@192.0.2.1",
    body: str = "",
    filler: int = 0,
) -> bytes:
    """A SIP message.

    :param filler: how many bytes of another header field stand before the Call-ID.
    """
    lines = [
        start,
        "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK" + cseq.replace(" ", ""),
        "From: <sip:alice@example.com>;tag=a",
        "To: <sip:bob@example.com>",
        *([f"X-Filler: {'x' * filler}"] if filler else []),
        f"Call-ID: {call_id}",
        f"CSeq: {cseq}",
        f"Contact: <{contact}>",
        *(["Content-Type: application/sdp"] if body else []),
        f"Content-Length: {len(body)}",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def sdp(port: int, ip: str = "192.0.2.1", payload_types: str = "0") -> str:
    """A session description of one audio stream."""
    return (
        f"v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\n"
        f"m=audio {port} RTP/AVP {payload_types}\r\n"
    )


def rtp(
    n: int,
    payload: bytes = bytes(160),
    *,
    payload_type: int = 0,
    marker: bool = False,
    timestamp: int | None = None,
) -> bytes:
    """The n-th packet of a stream of 20 ms of sound each."""
    return (
        struct.pack(
            "!BBHI",
            0x80,
            payload_type | marker << 7,
            n & 0xFFFF,
            160 * n if timestamp is None else timestamp,
        )
        + b"SSRC"
        + payload
    )
