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

from .protocols.address import Endpoint
from .protocols.address import Transport
from .protocols.rtp_figures import is_count
from .protocols.rtp_parts import join
from .protocols.rtp_parts import shifted

#: COMPLETE: the call is over and all of it was written. PARTIAL: it was still up when
#: this was written. EXPIRED: it fell silent without an end.
State = Literal["COMPLETE", "PARTIAL", "EXPIRED"]

#: Two captures of one packet, by two agents or into two overlapping files, differ by
#: the clocks' error. A retransmission comes no sooner than T1 = 500 ms (RFC 3261
#: section 17.1.1.1). Half of that tells the two apart.
SAME_PACKET_NS = 250_000_000


def call_hash(call_id: str) -> str:
    """The call's name in keys and URLs: 16 hex digits of the Call-ID's SHA-256."""
    return hashlib.sha256(call_id.encode("utf-8", "surrogatepass")).hexdigest()[:16]


@dataclass(slots=True)
class SipPacket:
    """One SIP message as it crossed the network.

    :param ts: nanoseconds since the epoch, by the capturing clock.
    :param payload: the whole message, start line to body, byte for byte.
    """

    ts: int
    src: Endpoint
    dst: Endpoint
    transport: Transport
    payload: bytes


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
class Evidence:
    """All that is known of one call of one customer.

    :param media: RTP statistics, one JSON object per stream, as
        :meth:`flask_sipvault.protocols.rtp_figures.StreamFigures.as_json` makes them.
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
    media: list[dict[str, Any]] = field(default_factory=list)
    legs: list[tuple[str, str]] = field(default_factory=list)
    agents: list[str] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    damage: list[str] = field(default_factory=list)

    def times(self) -> list[int]:
        """The time of every item, in no particular order."""
        return [
            *(item.ts for item in self._timed()),
            *(
                stream[name]
                for stream in self.media
                for name in ("first_ts", "last_ts")
                if is_count(stream.get(name))
            ),
        ]

    def _timed(self) -> list[SipPacket | RtcpDatagram | LogLine | QualityReport]:
        return [*self.sip, *self.rtcp, *self.logs, *self.reports]

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

    def shift(self, by: int) -> None:
        """Move everything in time.

        :param by: what to add to all times, in ns.
        """
        for item in self._timed():
            item.ts += by
        self.media = [shifted(stream, by) for stream in self.media]


def merge(parts: Iterable[Evidence]) -> Evidence:
    """One call out of the parts that several collectors, or one over time, wrote of it.

    A packet that two parts hold is kept once, and what was measured of a stream counts
    once. Within one part nothing is a duplicate: there, the same bytes twice are a
    retransmission, or one packet at two interfaces.

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
                legs=list(part.legs),
                agents=list(part.agents),
                parts=list(part.parts),
                damage=list(part.damage),
            )
            continue
        if (part.customer_id, part.call_id) != (whole.customer_id, whole.call_id):
            raise ValueError("the parts are not of one call")
        _add_new(whole.sip, part.sip, lambda p: (p.payload, p.src, p.dst))
        _add_rtcp(whole.rtcp, part.rtcp)
        _add_new(whole.logs, part.logs, lambda item: item.line)
        _add_new(whole.reports, part.reports, lambda item: repr(item.report))
        whole.media += part.media
        for name in ("legs", "agents", "parts", "damage"):
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


_Item = TypeVar("_Item", SipPacket, RtcpDatagram, LogLine, QualityReport)


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
