"""What was captured of one call, exactly as it was seen.

Evidence is raw: messages are bytes, not parsed values, so that nothing is lost where a
parser of today misunderstands a phone of tomorrow. :mod:`flask_sipvault.analysis`
explains it; :mod:`flask_sipvault.vault` keeps it.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable
from collections.abc import Hashable
from collections.abc import Iterable
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from typing import Any
from typing import Literal
from typing import TypeVar

from .protocols import rtcp
from .protocols import rtp
from .protocols.address import Endpoint
from .protocols.address import Transport
from .protocols.capture import Incomplete
from .protocols.network_error import NetworkError
from .protocols.network_error import read as read_error
from .protocols.pcapfile import COPY_NS
from .protocols.rtp_figures import is_count
from .protocols.rtp_figures import StreamFigures
from .protocols.rtp_parts import join
from .protocols.rtp_parts import shifted

#: COMPLETE: the call is over and all of it was written. PARTIAL: it was still up when
#: this was written. EXPIRED: it fell silent without an end.
State = Literal["COMPLETE", "PARTIAL", "EXPIRED"]

#: Two captures of one packet, by two agents or into two overlapping files, differ by
#: the clocks' error. A retransmission comes no sooner than T1 = 500 ms (RFC 3261
#: section 17.1.1.1). Half of that tells the two apart.
SAME_PACKET_NS = 250_000_000

#: So many packets of the network are kept with one part of a call; more are counted.
#: Some systems answer each RTP packet with an error.
MAX_NETWORK_EVENTS = 100


def call_hash(call_id: str) -> str:
    """The call's name in keys and URLs: 16 hex digits of the Call-ID's SHA-256."""
    return hashlib.sha256(call_id.encode("utf-8", "surrogatepass")).hexdigest()[:16]


@dataclass(slots=True)
class SipPacket:
    """One SIP message as it crossed the network.

    :param ts: nanoseconds since the epoch, by the capturing clock.
    :param payload: the whole message, start line to body, byte for byte.
    :param missing: how many bytes at its end were not captured.
    :param incomplete: why: ``cut`` by the capture's snap length, or ``fragments`` that
        never came; "" where it is whole.
    :param fragments: how many IP fragments of its datagram came; 0 where it was whole.
    :param masked_size: how many bytes it had before it was masked; None where this is
        the message itself.
    """

    ts: int
    src: Endpoint
    dst: Endpoint
    transport: Transport
    payload: bytes
    missing: int = 0
    incomplete: Incomplete = ""
    fragments: int = 0
    masked_size: int | None = None

    @property
    def readable(self) -> bytes:
        """What of the payload may be read: half a line tells another number, port or
        name than the whole.
        """
        if not self.incomplete:
            return self.payload
        return self.payload[: self.payload.rfind(b"\n") + 1]

    @property
    def size(self) -> int:
        """How many bytes the message had on the wire."""
        if self.masked_size is not None:
            return self.masked_size
        return len(self.payload) + self.missing


@dataclass(slots=True)
class RtcpDatagram:
    """One RTCP datagram (a compound packet, RFC 3550 section 6.1), or its JSON form as
    RTPengine and RTPProxy send it.

    :param src: None where the sender of the capture did not say (the agent never does).
    """

    ts: int
    src: Endpoint | None
    dst: Endpoint | None
    payload: bytes


@dataclass(slots=True)
class LogLine:
    """One line of a log that names the call.

    :param source: the file or the capture agent it came from; empty where unknown.
    :param line: the line without its line end. Bytes that are not UTF-8 are kept as
        surrogate escapes, so that ``line.encode("utf-8", "surrogateescape")`` gives
        back what was read.
    """

    ts: int
    source: str
    line: str

    @property
    def text(self) -> str:
        """The line fit for a page: undecodable bytes become U+FFFD."""
        return self.line.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


@dataclass(slots=True)
class QualityReport:
    """A voice-quality report that an agent measured itself (DATA_QUALITY).

    :param report: its JSON object as it came.
    """

    ts: int
    report: dict[str, Any]


@dataclass(slots=True)
class NetworkEvent:
    """A packet of the network about another, of this call, that did not arrive: an ICMP
    error, a TCP reset, a SYN without an answer.

    :param packet: the IP packet as it was captured.
    :param error: what it says.
    """

    ts: int
    packet: bytes
    error: NetworkError

    @classmethod
    def read(cls, ts: int, packet: bytes) -> NetworkEvent | None:
        """The event that a packet is; None if it is none."""
        error = read_error(packet)
        return None if error is None else cls(ts, packet, error)

    def without_speech(self) -> NetworkEvent:
        """The event without what it quotes of RTP behind the header: nobody's voice is
        kept.
        """
        quoted = self.error.quoted
        if rtcp.looks_like_rtcp(quoted) or not rtp.looks_like_rtp(quoted):
            return self
        end = self.packet.index(quoted) + rtp.FIXED_HEADER_SIZE
        packet = self.packet[:end]
        return NetworkEvent.read(self.ts, packet) or self


@dataclass(slots=True)
class CaptureFacts:
    """How a call was captured, and what the capture lacks.

    :param frames_cut: how many of its packets the snap length cut off.
    :param cut_at: how many bytes of a frame were kept; 0 where none was cut off.
    :param fragments_missing: how many IP fragments of its messages never came.
    :param duplicates: how many of its RTP, RTCP and ICMP packets were captured twice
        within a millisecond; the copies are left out. Of SIP both are kept, and the
        analysis says which is a copy.
    :param clock_steps: how often the capture's time ran back during the call.
    :param network_left_out: how many :class:`NetworkEvent` there were that are not
        kept, because there are too many.
    :param link_types: of the capture files, as registered at
        www.tcpdump.org/linktypes.html.
    :param has_rtp: whether there was any RTP, of whatever call, in what was captured;
        None where that was not looked for, as with what agents send.
    """

    frames_cut: int = 0
    cut_at: int = 0
    fragments_missing: int = 0
    duplicates: int = 0
    clock_steps: int = 0
    network_left_out: int = 0
    link_types: list[int] = field(default_factory=list)
    has_rtp: bool | None = None

    def __add__(self, other: CaptureFacts) -> CaptureFacts:
        """What both say of parts of one call."""
        known = [it.has_rtp for it in (self, other) if it.has_rtp is not None]
        return CaptureFacts(
            self.frames_cut + other.frames_cut,
            max(self.cut_at, other.cut_at),
            self.fragments_missing + other.fragments_missing,
            self.duplicates + other.duplicates,
            self.clock_steps + other.clock_steps,
            self.network_left_out + other.network_left_out,
            sorted({*self.link_types, *other.link_types}),
            any(known) if known else None,
        )


@dataclass(slots=True)
class Evidence:
    """All that is known of one call of one customer.

    :param media: what was measured of its RTP streams.
    :param other_media: objects of ``media.json`` that are none of ours: damaged, or of
        a maker that this version does not know. They are passed on as they are.
    :param network: what the network said of packets that did not arrive.
    :param capture: how it was captured.
    :param legs: pairs of a reason and another Call-ID of the same call.
    :param agents: names of the capture agents and files it came from.
    :param parts: keys in the store this was read from; empty when just gathered.
    :param damage: what could not be read, in words for the operator.
    """

    customer_id: str
    call_id: str
    state: State = "COMPLETE"
    sip: list[SipPacket] = field(default_factory=list)
    rtcp: list[RtcpDatagram] = field(default_factory=list)
    logs: list[LogLine] = field(default_factory=list)
    reports: list[QualityReport] = field(default_factory=list)
    media: list[StreamFigures] = field(default_factory=list)
    other_media: list[dict[str, Any]] = field(default_factory=list)
    network: list[NetworkEvent] = field(default_factory=list)
    capture: CaptureFacts = field(default_factory=CaptureFacts)
    legs: list[tuple[str, str]] = field(default_factory=list)
    agents: list[str] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    damage: list[str] = field(default_factory=list)

    def times(self) -> list[int]:
        """The time of every item, in no particular order."""
        return [
            *(item.ts for item in self._timed()),
            *(ts for it in self.media for ts in (it.first_ts, it.last_ts)),
            *(
                stream[name]
                for stream in self.other_media
                for name in ("first_ts", "last_ts")
                if is_count(stream.get(name))
            ),
        ]

    def _timed(
        self,
    ) -> list[SipPacket | RtcpDatagram | LogLine | QualityReport | NetworkEvent]:
        return [*self.sip, *self.rtcp, *self.logs, *self.reports, *self.network]

    @property
    def first_ts(self) -> int | None:
        """When the first item was seen; None where there is nothing."""
        return min(self.times(), default=None)

    @property
    def last_ts(self) -> int | None:
        """When the last item was seen; None where there is nothing."""
        return max(self.times(), default=None)

    def sort(self) -> None:
        """Put everything in time order; what shares a time stays as it arrived."""
        self.sip.sort(key=lambda item: item.ts)
        self.rtcp.sort(key=lambda item: item.ts)
        self.logs.sort(key=lambda item: item.ts)
        self.reports.sort(key=lambda item: item.ts)
        self.network.sort(key=lambda item: item.ts)

    def shift(self, by: int) -> None:
        """Move everything in time.

        :param by: what to add to all times, in ns.
        """
        for item in self._timed():
            item.ts += by
        self.media = [shifted(stream, by) for stream in self.media]

    def drop_copies(self) -> None:
        """Keep one of what was captured twice within a millisecond; count the rest.

        SIP messages stay, each with its number: the analysis says which are copies.
        """
        before = len(self.rtcp) + len(self.network)
        self.rtcp = _without_copies(self.rtcp, lambda it: (it.payload, it.src, it.dst))
        self.network = _without_copies(self.network, lambda it: it.error)
        self.capture.duplicates += before - len(self.rtcp) - len(self.network)


def merge(parts: Iterable[Evidence]) -> Evidence:
    """One call out of the parts that several collectors, or one over time, wrote of it.

    A packet that two parts hold is kept once, and what was measured of a stream counts
    once. Within one part the same bytes twice are a retransmission, unless they are a
    copy that the capture made, see :meth:`Evidence.drop_copies`.

    :raises ValueError: if there is no part, or the parts are not of one call.
    """
    whole: Evidence | None = None
    for part in parts:
        if whole is None:
            whole = replace(
                part,
                sip=list(part.sip),
                rtcp=list(part.rtcp),
                logs=list(part.logs),
                reports=list(part.reports),
                media=list(part.media),
                other_media=list(part.other_media),
                network=list(part.network),
                capture=replace(part.capture),
                legs=list(part.legs),
                agents=list(part.agents),
                parts=list(part.parts),
                damage=list(part.damage),
            )
            whole.drop_copies()
            continue
        if (part.customer_id, part.call_id) != (whole.customer_id, whole.call_id):
            raise ValueError("the parts are not of one call")
        part = replace(part, capture=replace(part.capture))
        part.drop_copies()
        _add_new(whole.sip, part.sip, lambda p: (p.payload, p.src, p.dst))
        _add_rtcp(whole.rtcp, part.rtcp)
        _add_new(whole.logs, part.logs, lambda item: item.line)
        _add_new(whole.reports, part.reports, lambda item: repr(item.report))
        _add_new(whole.network, part.network, lambda item: item.error)
        whole.media += part.media
        whole.capture += part.capture
        for name in ("other_media", "legs", "agents", "parts", "damage"):
            have = getattr(whole, name)
            have.extend(item for item in getattr(part, name) if item not in have)
        whole.state = _joint_state(whole.state, part.state)
    if whole is None:
        raise ValueError("no part to merge")
    whole.media = join(whole.media)
    whole.sort()
    return whole


def _joint_state(one: State, other: State) -> State:
    """A call is complete as soon as one collector saw its end."""
    for state in ("COMPLETE", "EXPIRED"):
        if state in (one, other):
            return state
    return "PARTIAL"


_Item = TypeVar("_Item", SipPacket, RtcpDatagram, LogLine, QualityReport, NetworkEvent)


def _without_copies(
    items: list[_Item], identity: Callable[[_Item], Hashable]
) -> list[_Item]:
    """The items less what equals another of up to a millisecond before it."""
    latest: dict[Hashable, int] = {}
    copies: set[int] = set()
    for place in sorted(range(len(items)), key=lambda place: items[place].ts):
        key, ts = identity(items[place]), items[place].ts
        before = latest.get(key)
        if before is not None and ts - before <= COPY_NS:
            copies.add(place)
        else:
            latest[key] = ts
    if not copies:
        return items
    return [item for place, item in enumerate(items) if place not in copies]


def _add_new(
    have: list[_Item], more: list[_Item], identity: Callable[[_Item], Hashable]
) -> None:
    known: dict[Hashable, list[int]] = defaultdict(list)
    for item in have:
        known[identity(item)].append(item.ts)
    for item in more:
        times = known[identity(item)]
        match = _nearest(times, item.ts)
        if match is None:
            have.append(item)
        else:
            # Each packet of the one part answers for one packet of the other, so that
            # a retransmission both saw stays a retransmission.
            times.pop(match)


def _add_rtcp(have: list[RtcpDatagram], more: list[RtcpDatagram]) -> None:
    known: dict[bytes, list[RtcpDatagram]] = defaultdict(list)
    for datagram in have:
        known[datagram.payload].append(datagram)
    for datagram in more:
        twins = known[datagram.payload]
        match = _nearest([twin.ts for twin in twins], datagram.ts)
        if match is None:
            have.append(datagram)
            continue
        twin = twins.pop(match)
        if twin.src is None and datagram.src is not None:
            twin.src, twin.dst = datagram.src, datagram.dst


def _nearest(times: list[int], ts: int) -> int | None:
    """Which of these times is the closest to ``ts``, if one is close enough."""
    best = min(range(len(times)), key=lambda i: abs(times[i] - ts), default=None)
    if best is None or abs(times[best] - ts) > SAME_PACKET_NS:
        return None
    return best
