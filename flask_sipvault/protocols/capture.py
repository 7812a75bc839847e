"""Everything a capture tells about calls: SIP, RTCP, RTP headers and HEP, in its order.

What a packet is, is told by its content and never by its port.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field
from typing import BinaryIO
from typing import Literal

from . import hep
from . import network
from . import network_error
from . import rtcp
from . import rtp
from . import sip
from . import tcp
from .address import Endpoint
from .address import Transport
from .fragments import Reassembler
from .fragments import Unfinished
from .pcapfile import CaptureError as CaptureError
from .pcapfile import Frame
from .pcapfile import read_frames
from .sctp import Associations
from .tcp_handshakes import Handshakes

Kind = Literal["sip", "rtcp", "rtp", "log", "quality", "network"]

#: Why the end of a message is missing: the capture cut frames off at its snap length,
#: or fragments of the datagram never came.
Incomplete = Literal["", "cut", "fragments"]

#: By how much time runs back, in ns, where a clock was set. Frames of several queues or
#: interfaces may change places by less.
CLOCK_STEP_NS = 100_000_000


@dataclass(slots=True)
class Captured:
    """One message, or whatever else, that belongs to calls.

    :param kind: ``sip``: a message; ``rtcp``: a datagram, binary or JSON; ``rtp``: a
        packet; ``log``: a line; ``quality``: a report, JSON; ``network``: an IP packet
        about another that did not arrive, see :mod:`.network_error`.
    :param ts: nanoseconds since the epoch. A message in several packets has the time
        of the one that completed it.
    :param src: None where only the sender of HEP knows and does not say.
    :param call_id: of SIP its Call-ID, "" where it has none; of HEP that carries
        something else the correlation id; otherwise None.
    :param cseq_method: of SIP, "" where it has none.
    :param agent: which capture agent sent the HEP packet that this came in.
    :param missing: how many bytes of the payload are missing at its end.
    :param incomplete: why they are.
    :param fragments: how many IP fragments of its datagram came; 0 where it was whole.
    :param fragments_missing: how many of them never came.
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
    missing: int = 0
    incomplete: Incomplete = ""
    fragments: int = 0
    fragments_missing: int = 0


@dataclass(slots=True)
class CaptureSummary:
    """What a capture file tells of itself, as far as it has been read.

    :param frames: how many frames it has.
    :param frames_cut: how many are shorter than they were on the network.
    :param cut_at: how many bytes were kept of the longest of these; 0 without any.
    :param clock_steps: how often time ran back from one frame to the next.
    :param link_types: of its frames, as registered at
        www.tcpdump.org/linktypes.html.
    :param has_rtp: whether any of it was RTP.
    """

    frames: int = 0
    frames_cut: int = 0
    cut_at: int = 0
    clock_steps: int = 0
    link_types: set[int] = field(default_factory=set)
    has_rtp: bool = False


def from_hep(packet: hep.HepPacket, ts: int) -> Captured | None:
    """What a HEP packet encapsulates; None if it has nothing to do with calls.

    :param ts: when it arrived, for senders that do not say when it was captured.
    """
    kind = hep.KINDS.get(packet.protocol)
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
    file: BinaryIO,
    *,
    on_damage: Callable[[str], None] = _unheard,
    summary: CaptureSummary | None = None,
) -> Iterator[Captured]:
    """Read a pcap or pcapng file, plain or compressed by gzip, as a stream.

    Memory is bounded whatever the file's size. A file that is cut off or damaged gives
    what comes before; ``on_damage`` is then told what is wrong, in words for the one
    who brought the file.

    :param summary: is kept up to date with what has been read.
    :raises CaptureError: at once, if the file is no capture.
    """
    decoder = _Decoder(on_damage, summary or CaptureSummary())
    return decoder.decode(read_frames(file, on_damage))


#: Ethernet, IPv4 without options, UDP: EtherType, version and header length, total
#: length, fragment field, protocol, addresses, ports, UDP length. Nearly all of SIP
#: and RTP is just that, and the generality of :mod:`network` takes twice the time.
_plain_udp = struct.Struct("!12xHBxHxxHxBxx4s4sHHHxx")
_IPV4, _NO_OPTIONS, _FRAGMENTED = 0x0800, 0x45, 0x3FFF


class _Decoder:
    """The state that goes from packet to packet while a capture is read."""

    def __init__(
        self, on_damage: Callable[[str], None], summary: CaptureSummary
    ) -> None:
        self._on_damage = on_damage
        self._summary = summary
        self._endpoints = network.Endpoints()
        self._fragments = Reassembler()
        self._connections = tcp.Connections()
        self._handshakes = Handshakes()
        self._associations = Associations()

    def decode(self, frames: Iterator[Frame]) -> Iterator[Captured]:
        unpack, size = _plain_udp.unpack_from, _plain_udp.size
        endpoints, peek = self._endpoints, sip.peek
        summary, latest, known_link = self._summary, 0, -1
        for link, ts, frame, length_on_wire in frames:
            summary.frames += 1
            if ts < latest - CLOCK_STEP_NS:
                summary.clock_steps += 1
                latest = ts
            elif ts > latest:
                latest = ts
            if link != known_link:
                known_link = link
                self._note_link(link)
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
                    and length + 14 <= len(frame)
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
            if length_on_wire > len(frame):
                summary.frames_cut += 1
                summary.cut_at = max(summary.cut_at, len(frame))
            yield from self._frame(link, ts, frame)
        for unfinished in self._fragments.flush():
            yield from self._unfinished(unfinished)
        for unanswered in self._handshakes.flush(latest):
            yield from self._network(*unanswered)
        for delivered in self._connections.flush():
            captured = self._delivered(delivered)
            if captured is not None:
                yield captured

    def _note_link(self, link: int) -> None:
        if link in self._summary.link_types:
            return
        self._summary.link_types.add(link)
        if link not in network.LINK_TYPES:
            self._on_damage(f"frames of link type {link}, which cannot be read")

    def _frame(self, link: int, ts: int, frame: bytes) -> Iterator[Captured]:
        """Whatever is not plain UDP."""
        if link not in network.LINK_TYPES:
            return
        packet = network.unwrap(link, ts, frame, self._fragments)
        for unfinished in self._fragments.take_unfinished():
            yield from self._unfinished(unfinished)
        if packet is None:
            return
        src, dst, protocol, payload, missing, header, fragments = packet
        captured: Captured | None
        if protocol == network.UDP:
            captured = self._udp(ts, src, dst, payload, missing)
            if captured is not None:
                captured.fragments = fragments
                yield captured
        elif protocol == network.TCP:
            segment = tcp.Segment.parse(payload, missing)
            if segment is not None:
                yield from self._segment(ts, src, dst, segment, header + payload)
        elif protocol == network.SCTP:
            for way, data in self._associations.add(src, dst, payload):
                captured = self._sip(ts, *way, "sctp", data)
                if captured is not None:
                    yield captured
        elif protocol in (network.ICMP, network.ICMPV6) and header:
            yield from self._network(ts, header + payload)

    def _udp(
        self, ts: int, src: bytes, dst: bytes, payload: bytes, missing: int
    ) -> Captured | None:
        """A UDP datagram, whose end the capture may have cut off."""
        if len(payload) < 8:
            return None
        sport, dport, length = struct.unpack_from("!HHH", payload)
        # 0: longer than the field can say, or left to the network card.
        data = payload[8 : length or None]
        if missing and length:
            missing = max(length - 8 - len(data), 0)
        captured = self._sip(
            *(ts, src, sport, dst, dport, "udp", data), missing=missing
        ) or self._datagram(ts, src, sport, dst, dport, data)
        if captured is not None and missing:
            captured.missing, captured.incomplete = missing, "cut"
        return captured

    def _unfinished(self, unfinished: Unfinished) -> Iterator[Captured]:
        """The beginning of a datagram whose other fragments never came."""
        key, payload = unfinished.key, unfinished.payload
        if key.protocol != network.UDP or len(payload) < 8:
            return
        sport, dport, length = struct.unpack_from("!HHH", payload)
        way = unfinished.ts, key.src, sport, key.dst, dport
        missing = max(length - len(payload), 1)
        captured = self._sip(*way, "udp", payload[8:], missing=missing)
        if captured is not None:
            captured.missing = missing
            captured.incomplete = "cut" if unfinished.cut else "fragments"
            captured.fragments = unfinished.fragments
            captured.fragments_missing = unfinished.fragments_missing(length)
            yield captured

    def _segment(
        self, ts: int, src: bytes, dst: bytes, segment: tcp.Segment, packet: bytes
    ) -> Iterator[Captured]:
        """A TCP segment."""
        for delivered in self._connections.add(ts, src, dst, segment):
            captured = self._delivered(delivered)
            if captured is not None:
                yield captured
        if segment.flags & tcp.RST:
            yield from self._network(ts, packet)
        direction = tcp.Direction(src, segment.sport, dst, segment.dport)
        for unanswered in self._handshakes.add(ts, direction, segment, packet):
            yield from self._network(*unanswered)

    def _network(self, ts: int, packet: bytes) -> Iterator[Captured]:
        """An IP packet about another that did not arrive; nothing for any other."""
        error = network_error.read(packet)
        if error is not None:
            yield Captured("network", ts, error.src, error.dst, error.transport, packet)

    def _sip(
        self,
        ts: int,
        src: bytes,
        sport: int,
        dst: bytes,
        dport: int,
        transport: Transport,
        payload: bytes,
        missing: int = 0,
    ) -> Captured | None:
        found = _peek_incomplete(payload) if missing else sip.peek(payload)
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
            self._summary.has_rtp = True
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
        captured = self._sip(
            *(ts, *direction, message.carrier, message.payload),
            missing=message.missing,
        )
        if captured is not None and message.missing:
            captured.missing, captured.incomplete = message.missing, "cut"
        return captured


def _peek_incomplete(payload: bytes) -> tuple[str, str] | None:
    """Call-ID and method of a message whose end is missing. The line that the end is in
    does not count: half a Call-ID is another call's.
    """
    found = sip.peek(payload[: payload.rfind(b"\n") + 1])
    if found is None or found[1] or payload.startswith(b"SIP/"):
        return found
    # A request says its method at once; its CSeq may be what is missing.
    return found[0], payload.split(b" ", 1)[0].decode("ascii", "replace")
