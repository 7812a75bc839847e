"""Everything a capture tells about calls: SIP, RTCP, RTP headers and HEP, in its order.

What a packet is, is told by its content and never by its port.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO
from typing import Literal

from . import hep
from . import network
from . import rtcp
from . import rtp
from . import sip
from . import tcp
from .address import Endpoint
from .address import Transport
from .fragments import Reassembler
from .pcapfile import CaptureError as CaptureError
from .pcapfile import Frame
from .pcapfile import read_frames
from .sctp import Associations

Kind = Literal["sip", "rtcp", "rtp", "log", "quality"]


@dataclass(slots=True)
class Captured:
    """One message, or whatever else, that belongs to calls.

    :param kind: ``sip``: a message; ``rtcp``: a datagram, binary or JSON; ``rtp``: a
        packet; ``log``: a line; ``quality``: a report of the SIP VAULT agent, JSON.
    :param ts: nanoseconds since the epoch. A message in several packets has the time
        of the one that completed it.
    :param src: None where only the sender of HEP knows and does not say.
    :param call_id: of SIP its Call-ID, "" where it has none; of HEP that carries
        something else the correlation id; otherwise None.
    :param cseq_method: of SIP, "" where it has none.
    :param agent: which capture agent sent the HEP packet that this came in.
    """

    kind: Kind
    ts: int
    src: Endpoint | None
    dst: Endpoint | None
    transport: Transport
    payload: bytes
    call_id: str | None = None
    cseq_method: str = ""
    agent: str = ""


#: What HEP calls them. Other types are of no use to a call's evidence.
_HEP_KINDS: dict[int, Kind] = {
    hep.SIP: "sip",
    hep.RTP: "rtp",
    hep.RTCP: "rtcp",
    hep.LOG: "log",
    hep.OPENSIPS_LOG: "log",
    hep.SIPPULSE_QUALITY: "quality",
}


def from_hep(packet: hep.HepPacket, ts: int) -> Captured | None:
    """What a HEP packet encapsulates; None if it has nothing to do with calls.

    :param ts: when it arrived, for senders that do not say when it was captured.
    """
    kind = _HEP_KINDS.get(packet.protocol)
    call_id: str | None = packet.correlation_id or None
    cseq_method = ""
    if kind is None:
        return None
    if kind == "sip":
        found = sip.peek(packet.payload)
        if found is None:
            return None
        call_id, cseq_method = found
    return Captured(
        kind,
        packet.ts or ts,
        packet.src,
        packet.dst,
        packet.transport,
        packet.payload,
        call_id,
        cseq_method,
        packet.agent,
    )


def _unheard(damage: str) -> None:
    """Damage is of no interest to this caller."""


def read_capture(
    file: BinaryIO, *, on_damage: Callable[[str], None] = _unheard
) -> Iterator[Captured]:
    """Read a pcap or pcapng file, plain or compressed by gzip, as a stream.

    Memory is bounded whatever the file's size. A file that is cut off or damaged gives
    what comes before; ``on_damage`` is then told what is wrong, in words for the one
    who brought the file.

    :raises CaptureError: at once, if the file is no capture.
    """
    return _Decoder(on_damage).decode(read_frames(file, on_damage))


#: Ethernet, IPv4 without options, UDP: EtherType, version and header length, total
#: length, fragment field, protocol, addresses, ports, UDP length. Nearly all of SIP
#: and RTP is just that, and the generality of :mod:`network` takes twice the time.
_plain_udp = struct.Struct("!12xHBxHxxHxBxx4s4sHHHxx")
_IPV4, _NO_OPTIONS, _FRAGMENTED = 0x0800, 0x45, 0x3FFF


class _Decoder:
    """The state that goes from packet to packet while a capture is read."""

    def __init__(self, on_damage: Callable[[str], None]) -> None:
        self._on_damage = on_damage
        self._endpoints = network.Endpoints()
        self._fragments = Reassembler()
        self._connections = tcp.Connections()
        self._associations = Associations()
        self._unknown_links: set[int] = set()

    def decode(self, frames: Iterator[Frame]) -> Iterator[Captured]:
        unpack, size = _plain_udp.unpack_from, _plain_udp.size
        endpoints, peek = self._endpoints, sip.peek
        for link, ts, frame in frames:
            if link == network.ETHERNET and len(frame) >= size:
                (
                    ethertype,
                    header,
                    length,
                    fragment,
                    protocol,
                    src,
                    dst,
                    sport,
                    dport,
                    udp_length,
                ) = unpack(frame)
                if (
                    ethertype == _IPV4
                    and header == _NO_OPTIONS
                    and protocol == network.UDP
                    and not fragment & _FRAGMENTED
                    and length == udp_length + 20
                ):
                    payload = frame[size : length + 14]
                    # RTP and RTCP begin with two bits that no text begins with.
                    found = peek(payload) if payload[:1] < b"\x80" else None
                    if found is not None:
                        yield Captured(
                            "sip",
                            ts,
                            endpoints[src, sport],
                            endpoints[dst, dport],
                            "udp",
                            payload,
                            found[0],
                            found[1],
                        )
                    elif other := self._datagram(ts, src, sport, dst, dport, payload):
                        yield other
                    continue
            yield from self._frame(link, ts, frame)
        for delivered in self._connections.flush():
            captured = self._delivered(delivered)
            if captured is not None:
                yield captured

    def _frame(self, link: int, ts: int, frame: bytes) -> Iterator[Captured]:
        """Whatever is not plain UDP."""
        if link not in network.LINK_TYPES:
            if link not in self._unknown_links:
                self._unknown_links.add(link)
                self._on_damage(f"frames of link type {link}, which cannot be read")
            return
        packet = network.unwrap(link, ts, frame, self._fragments)
        if packet is None:
            return
        src, dst, protocol, payload, missing = packet
        captured: Captured | None
        if protocol == network.UDP:
            if len(payload) < 8:
                return
            sport, dport, length = struct.unpack_from("!HHH", payload)
            # 0: longer than the field can say, or left to the network card.
            data = payload[8 : length or None]
            captured = self._sip(ts, src, sport, dst, dport, "udp", data)
            captured = captured or self._datagram(ts, src, sport, dst, dport, data)
            if captured is not None:
                yield captured
        elif protocol == network.TCP:
            segment = tcp.Segment.parse(payload, missing)
            if segment is not None:
                for delivered in self._connections.add(ts, src, dst, segment):
                    captured = self._delivered(delivered)
                    if captured is not None:
                        yield captured
        elif protocol == network.SCTP:
            for way, data in self._associations.add(src, dst, payload):
                captured = self._sip(ts, *way, "sctp", data)
                if captured is not None:
                    yield captured

    def _sip(
        self,
        ts: int,
        src: bytes,
        sport: int,
        dst: bytes,
        dport: int,
        transport: Transport,
        payload: bytes,
    ) -> Captured | None:
        found = sip.peek(payload)
        if found is None:
            return None
        return Captured(
            "sip",
            ts,
            self._endpoints[src, sport],
            self._endpoints[dst, dport],
            transport,
            payload,
            found[0],
            found[1],
        )

    def _datagram(
        self, ts: int, src: bytes, sport: int, dst: bytes, dport: int, payload: bytes
    ) -> Captured | None:
        """A UDP datagram that is not SIP."""
        kind: Kind
        if rtcp.looks_like_rtcp(payload):  # first: RFC 5761 section 4
            kind = "rtcp"
        elif rtp.looks_like_rtp(payload):
            kind = "rtp"
        elif hep.looks_like_hep(payload):
            return self._hep(ts, payload)
        else:
            return None
        return Captured(
            kind,
            ts,
            self._endpoints[src, sport],
            self._endpoints[dst, dport],
            "udp",
            payload,
        )

    def _hep(self, ts: int, data: bytes) -> Captured | None:
        try:
            return from_hep(hep.parse(data), ts)
        except hep.HepError:
            return None

    def _delivered(self, delivered: tcp.Delivered) -> Captured | None:
        """A message out of a TCP connection."""
        ts, direction, message = delivered
        if message.carrier == "hep":
            return self._hep(ts, message.payload)
        return self._sip(ts, *direction, message.carrier, message.payload)
