"""Messages as IP packets, and our own IP packets as the messages they were.

What was captured reaches the vault as messages with addresses; Wireshark wants packets.
:class:`Framer` builds them and :func:`messages` reads back exactly what it built. It is
no reader for other people's captures: that is :mod:`flask_sipvault.protocols.capture`.

- UDP: one datagram in one IP packet, whatever the MTU was.
- TCP, TLS, WebSocket: the plain text as segments of one TCP stream for each pair of
  addresses, without the handshake, which nobody captured. PSH closes a message.
  Wireshark reads it wherever another protocol does not claim the port. At HTTP's ports
  (80, 8080, 8088), where WebSocket may come, it must be told to try its heuristics
  first, or to decode as SIP.
- SCTP: DATA chunks (RFC 9260 section 3.3.1), whose B and E bits delimit a message.
- A message that no UDP datagram can hold (HEP and the agent bring up to 1 MiB) goes as
  TCP segments.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterable
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from .address import Endpoint

_TCP, _UDP, _SCTP = 6, 17, 132
_NAMES = {_TCP: "tcp", _UDP: "udp", _SCTP: "sctp"}

#: What an IPv4 packet has room for beside the IP and UDP headers.
MAX_UDP_PAYLOAD = 65507

#: Of one TCP segment or SCTP chunk: fits an IPv4 packet with every header, and is a
#: multiple of 4 so that only the last chunk of a message needs padding.
MAX_SEGMENT = 65000

_ACK, _PSH = 0x10, 0x08
_UNORDERED, _BEGIN, _END = 0x04, 0x02, 0x01
_MAPPED = bytes(10) + b"\xff\xff"
_DONT_FRAGMENT = 0x4000

#: The IPv4 header up to its checksum; the pseudo-header behind its addresses.
_IPV4 = struct.Struct("!BBHHHBB")
_PSEUDO = struct.Struct("!IHH")
_LENGTH = _CHECKSUM = struct.Struct("!H")


class PacketError(ValueError):
    """Not a packet that :class:`Framer` built."""


class Message(NamedTuple):
    """What one side sent to the other, in one piece.

    :param ts: nanoseconds since the epoch.
    :param src: None where unknown, which the packet says as 0.0.0.0:0 or [::]:0, and
        so it is read back.
    :param transport: ``udp``, ``sctp``, or anything that runs over TCP. Read back, it
        is what the packet says: ``udp``, ``sctp`` or ``tcp``.
    :param missing: how many bytes at the end of the payload were not captured. The
        packet's headers count them, as they would if the packet had been cut off;
        :func:`messages` does not read such packets.
    """

    ts: int
    src: Endpoint | None
    dst: Endpoint | None
    transport: str
    payload: bytes
    missing: int = 0


class Framer:
    """Builds the packets of one capture file, keeping count of its streams."""

    def __init__(self) -> None:
        #: The next sequence number (TCP) or TSN (SCTP) by protocol and direction.
        self._next: dict[tuple[int, bytes, bytes], int] = {}

    def frames(self, message: Message) -> list[bytes]:
        """The IP packets that carry the message.

        :raises ValueError: if an address is none.
        """
        src_ip, dst_ip, ports = _packed_ends(message.src, message.dst)
        payload = message.payload
        if message.transport == "sctp":
            bodies = self._sctp(src_ip, dst_ip, ports, payload)
            return [ip_packet(src_ip, dst_ip, _SCTP, body) for body in bodies]
        if message.transport == "udp" and len(payload) <= MAX_UDP_PAYLOAD:
            missing = min(message.missing, MAX_UDP_PAYLOAD - len(payload))
            body = _udp(src_ip, dst_ip, ports, payload, missing)
            return [ip_packet(src_ip, dst_ip, _UDP, body, missing)]
        segments = list(self._tcp(src_ip, dst_ip, ports, payload))
        frames = [ip_packet(src_ip, dst_ip, _TCP, segment) for segment in segments[:-1]]
        missing = min(message.missing, MAX_SEGMENT)
        if missing:
            missing = min(missing, MAX_SEGMENT + 20 - len(segments[-1]))
            self._pass_over(src_ip, dst_ip, ports, missing)
        return [*frames, ip_packet(src_ip, dst_ip, _TCP, segments[-1], missing)]

    def _pass_over(self, src: bytes, dst: bytes, ports: bytes, missing: int) -> None:
        """Count bytes of a TCP stream that are in no segment."""
        forth = (_TCP, src + ports[:2], dst + ports[2:])
        self._next[forth] = (self._next[forth] + missing) & 0xFFFFFFFF

    def _tcp(
        self, src: bytes, dst: bytes, ports: bytes, payload: bytes
    ) -> Iterator[bytes]:
        forth = (_TCP, src + ports[:2], dst + ports[2:])
        back = (_TCP, dst + ports[2:], src + ports[:2])
        for data, _, last in _slices(payload):
            sequence = self._next.get(forth, 1)
            self._next[forth] = (sequence + len(data)) & 0xFFFFFFFF
            flags = _ACK | _PSH if last else _ACK
            numbers = struct.pack("!II", sequence, self._next.get(back, 1))
            control = struct.pack("!BBH", 5 << 4, flags, 0xFFFF)
            head = ports + numbers + control
            total = checksum(src, dst, _TCP, head + bytes(4) + data)
            yield head + struct.pack("!HH", total, 0) + data

    def _sctp(
        self, src: bytes, dst: bytes, ports: bytes, payload: bytes
    ) -> Iterator[bytes]:
        forth = (_SCTP, src + ports[:2], dst + ports[2:])
        for data, first, last in _slices(payload):
            tsn = self._next.get(forth, 1)
            self._next[forth] = (tsn + 1) & 0xFFFFFFFF
            flags = _UNORDERED | (_BEGIN if first else 0) | (_END if last else 0)
            chunk = struct.pack("!BBHIHHI", 0, flags, 16 + len(data), tsn, 0, 0, 0)
            chunk += data + bytes(-len(data) % 4)
            head = ports + struct.pack("!I", 1)
            yield head + struct.pack("<I", _crc32c(head + bytes(4) + chunk)) + chunk


def messages(frames: Iterable[tuple[int, bytes]]) -> Iterator[Message]:
    """What :class:`Framer` put into these packets.

    :param frames: pairs of a time (ns) and an IP packet, in the order of the file.
    :raises PacketError: at the first packet that is none of Framer's, and at the end
        of the file if it comes before the end of a message.
    """
    begun: Message | None = None
    pieces: list[bytes] = []
    for ts, frame in frames:
        message, last = _open(ts, frame)
        if begun is not None and message[:4] != begun[:4]:
            raise PacketError("a message breaks off in the middle")
        begun = message
        pieces.append(message.payload)
        if last:
            yield message._replace(payload=b"".join(pieces))
            begun, pieces = None, []
    if begun is not None:
        raise PacketError("the last message is cut off")


def _slices(payload: bytes) -> Iterator[tuple[bytes, bool, bool]]:
    """Pieces that fit a packet, each with whether it is the first and the last."""
    for start in range(0, len(payload) or 1, MAX_SEGMENT):
        end = start + MAX_SEGMENT
        yield payload[start:end], start == 0, end >= len(payload)


def _open(ts: int, frame: bytes) -> tuple[Message, bool]:
    """One packet's addresses and payload, and whether it is its message's last."""
    try:
        return _dissect(ts, frame)
    except (struct.error, IndexError) as error:
        raise PacketError("the packet is cut off") from error


def _dissect(ts: int, frame: bytes) -> tuple[Message, bool]:
    if frame[0] == 0x45:
        length, fragment, protocol = struct.unpack_from("!2xHxxHxB", frame)
        src_ip, dst_ip, body = frame[12:16], frame[16:20], frame[20:]
        whole = length == len(frame) and fragment == _DONT_FRAGMENT
    elif frame[0] == 0x60:
        length, protocol = struct.unpack_from("!4xHB", frame)
        src_ip, dst_ip, body = frame[8:24], frame[24:40], frame[40:]
        whole = length == len(body)
    else:
        raise PacketError("the packet has a strange IP header")
    if not whole or protocol not in _NAMES:
        raise PacketError("the packet is not as it was written")
    src_port, dst_port = struct.unpack_from("!HH", body)
    last = True
    if protocol == _UDP:
        payload = body[8 : struct.unpack_from("!4xH", body)[0]]
    elif protocol == _TCP:
        payload = body[20:]
        last = bool(body[13] & _PSH)
    else:
        flags, size = struct.unpack_from("!BH", body, 13)
        payload = body[28 : 12 + size]
        last = bool(flags & _END)
    src_ip, dst_ip = _unmixed(src_ip, dst_ip)
    src, dst = _endpoint(src_ip, src_port), _endpoint(dst_ip, dst_port)
    return Message(ts, src, dst, _NAMES[protocol], payload), last


def ip_packet(
    src: bytes, dst: bytes, protocol: int, body: bytes, missing: int = 0
) -> bytes:
    """An IP packet of the version that the addresses have.

    :param missing: how many bytes of the body its header counts though they are not
        there.
    """
    size = len(body) + missing
    if len(src) == 16:
        head = struct.pack("!IHBB", 6 << 28, size, protocol, 64)
        return head + src + dst + body
    head = _IPV4.pack(0x45, 0, 20 + size, 0, _DONT_FRAGMENT, 64, protocol)
    ends = src + dst
    return head + _CHECKSUM.pack(ones_complement(head + ends)) + ends + body


def _udp(
    src: bytes, dst: bytes, ports: bytes, payload: bytes, missing: int = 0
) -> bytes:
    head = ports + _LENGTH.pack(8 + len(payload) + missing)
    if missing:  # a checksum of what is not known: none
        return head + bytes(2) + payload
    # 0 would say that there is no checksum (RFC 768).
    total = checksum(src, dst, _UDP, head + bytes(2) + payload) or 0xFFFF
    return head + _CHECKSUM.pack(total) + payload


def checksum(src: bytes, dst: bytes, protocol: int, body: bytes) -> int:
    """Over the pseudo-header too (RFC 9293 section 3.1, RFC 8200 section 8.1)."""
    return ones_complement(src + dst + _PSEUDO.pack(len(body), 0, protocol) + body)


def ones_complement(data: bytes) -> int:
    """The Internet checksum (RFC 1071): adding in ones' complement is adding modulo
    65535, which Python does fastest to one long number.
    """
    if len(data) % 2:
        data += b"\0"
    return -int.from_bytes(data, "big") % 0xFFFF


@lru_cache(maxsize=4096)
def _packed_ends(
    src: Endpoint | None, dst: Endpoint | None
) -> tuple[bytes, bytes, bytes]:
    """Both addresses in one family, as an IP packet must have them, and both ports as
    all three protocols have them.
    """
    known = [packed_ip(end.ip) for end in (src, dst) if end is not None]
    size = max(map(len, known), default=4)
    pair = []
    for end in (src, dst):
        ip = bytes(size) if end is None else packed_ip(end.ip)
        pair.append(ip if len(ip) == size else _MAPPED + ip)
    ports = struct.pack("!HH", src.port if src else 0, dst.port if dst else 0)
    return pair[0], pair[1], ports


def length_on_wire(packet: bytes) -> int:
    """How long an IP packet was, by its header; never less than is there of it."""
    length = 0
    if packet[:1] and packet[0] >> 4 == 4 and len(packet) >= 20:
        length = struct.unpack_from("!H", packet, 2)[0]
    elif packet[:1] and packet[0] >> 4 == 6 and len(packet) >= 40:
        length = 40 + struct.unpack_from("!H", packet, 4)[0]
    return max(length, len(packet))


def _unmixed(src: bytes, dst: bytes) -> tuple[bytes, bytes]:
    """Undo the mapping of :func:`_packed_ends`: only what has a peer of the other kind
    was mapped there.
    """
    if src.startswith(_MAPPED) != dst.startswith(_MAPPED):
        return src.removeprefix(_MAPPED), dst.removeprefix(_MAPPED)
    return src, dst


@lru_cache(maxsize=4096)
def packed_ip(ip: str) -> bytes:
    """The 4 or 16 bytes of an address."""
    return ipaddress.ip_address(ip).packed


@lru_cache(maxsize=4096)
def _endpoint(ip: bytes, port: int) -> Endpoint:
    return Endpoint(str(ipaddress.ip_address(ip)), port)


def _crc32c_table() -> list[int]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


_CRC32C = _crc32c_table()


def _crc32c(data: bytes) -> int:
    """SCTP's checksum (RFC 9260 appendix A)."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ _CRC32C[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF
