"""The media of a call: its streams, and each direction of speech over time.

A direction is named by who sends it. Times are ns since the epoch.
"""

from __future__ import annotations

import sys
from bisect import bisect_right
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from typing import Literal
from typing import NamedTuple

from ...protocols.address import Endpoint
from ...protocols.rtp_figures import StreamFigures
from ...protocols.rtp_gaps import GAP_NS
from ..sip.sides import Side
from .paths import MediaPaths
from .places import Place
from .rtcp_reports import Datagram
from .rtcp_reports import Report
from .rtcp_streams import Reported
from .rtp_streams import MeasuredStream

#: What shows that a direction carried speech: its packets, or the packet counts of its
#: sender's reports (SR).
Shown = Literal["rtp", "sender-reports"]

#: From whom to whom.
Direction = Literal["caller_to_callee", "callee_to_caller"]


class Period(NamedTuple):
    """A stretch of time."""

    start_ts: int
    end_ts: int

    @property
    def ns(self) -> int:
        """How long it is."""
        return self.end_ts - self.start_ts


def overlap(some: Iterable[Period], others: Iterable[Period]) -> list[Period]:
    """What two lists of periods share. Each list is in order and without overlaps."""
    found: list[Period] = []
    left, right = list(some), list(others)
    i = j = 0
    while i < len(left) and j < len(right):
        start = max(left[i].start_ts, right[j].start_ts)
        end = min(left[i].end_ts, right[j].end_ts)
        if start < end:
            found.append(Period(start, end))
        if left[i].end_ts <= right[j].end_ts:
            i += 1
        else:
            j += 1
    return found


def during(periods: Sequence[Period], period: Period) -> list[Period]:
    """What periods, in order and without overlaps, have within one; found by halves."""
    found: list[Period] = []
    first = bisect_right(periods, period.start_ts, key=lambda each: each.start_ts)
    for at in range(max(first - 1, 0), len(periods)):
        each = periods[at]
        if each.start_ts >= period.end_ts:
            break
        start = max(each.start_ts, period.start_ts)
        end = min(each.end_ts, period.end_ts)
        if start < end:
            found.append(Period(start, end))
    return found


def without(some: Iterable[Period], taken: Iterable[Period]) -> Iterator[Period]:
    """What is left of periods when others are taken out. Each list is in order and
    without overlaps.
    """
    out = list(taken)
    j = 0
    for period in some:
        start = period.start_ts
        while j < len(out) and out[j].end_ts <= start:
            j += 1
        at = j
        while at < len(out) and out[at].start_ts < period.end_ts:
            if out[at].start_ts > start:
                yield Period(start, out[at].start_ts)
            start = max(start, out[at].end_ts)
            at += 1
        if start < period.end_ts:
            yield Period(start, period.end_ts)


def united(periods: Iterable[Period], gap_ns: int = 0) -> list[Period]:
    """Periods in order, those put together that overlap or are no more than ``gap_ns``
    apart.
    """
    found: list[Period] = []
    for period in sorted(periods):
        if found and period.start_ts - found[-1].end_ts <= gap_ns:
            end = max(found[-1].end_ts, period.end_ts)
            found[-1] = Period(found[-1].start_ts, end)
        else:
            found.append(period)
    return found


def length_of(periods: Iterable[Period]) -> int:
    """How long periods are together, in ns."""
    return sum(period.ns for period in periods)


@dataclass(frozen=True, slots=True)
class SeenRtp:
    """The packets of a source from one address to one other.

    :param n: the place in :attr:`flask_sipvault.evidence.Evidence.media`, from 1.
    :param astray: whether they went from a public to a private address, with no sign
        that anybody is there.
    :param flow: when they came.
    :param silences: when none came because its sender had nothing to say (RFC 3551
        section 4.1): no packet is missing, and its clock went on.
    """

    n: int
    figures: StreamFigures
    astray: bool = False
    flow: tuple[Period, ...] = ()
    silences: tuple[Period, ...] = ()


@dataclass(frozen=True, slots=True)
class SenderCount:
    """What a sender report says was sent so far (RFC 3550 section 6.4.1).

    :param n: the datagram's place in :attr:`Media.rtcp`, from 1.
    """

    ts: int
    packets: int
    octets: int
    n: int


@dataclass(frozen=True, slots=True)
class CodecPeriod:
    """One payload type of a stream.

    :param codec: None where no description tells, as ``clock_rate``.
    :param negotiated: whether the receiver had agreed to this payload type; None where
        that cannot be told.
    """

    payload_type: int
    codec: str | None
    clock_rate: int | None
    first_ts: int
    last_ts: int
    packets: int
    negotiated: bool | None = None


@dataclass(slots=True, eq=False)
class MediaStream:
    """What one source (SSRC) sent over one part of the way, wherever it sent it to.

    :param kind: ``audio``, ``video``, ``image``.
    :param line: the m-line, by its place in the descriptions from 0; None where that
        cannot be told.
    :param sender: None where it cannot be told.
    :param place: None where nothing tells.
    :param rtp: its packets, in order of time: one for each pair of addresses. Empty
        where only RTCP tells of the stream.
    :param counts: of its sender's reports, in order of time.
    :param reports: what receivers said of it, in order of time.
    :param flow: when it was carried, wherever to; ``shown`` by what. By sender reports,
        the edges are as exact as the reports are frequent.
    :param codecs: in the order they were first seen.
    """

    ssrc: int
    kind: str = "audio"
    line: int | None = None
    sender: Side | None = None
    place: Place | None = None
    rtp: list[SeenRtp] = field(default_factory=list)
    counts: list[SenderCount] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)
    flow: list[Period] = field(default_factory=list)
    shown: Shown | None = None
    codecs: list[CodecPeriod] = field(default_factory=list)
    rtcp_src: Endpoint | None = None
    rtcp_dst: Endpoint | None = None

    @property
    def direction(self) -> Direction | None:
        """From whom to whom; None where it cannot be told."""
        if self.sender is None:
            return None
        return "caller_to_callee" if self.sender == "caller" else "callee_to_caller"

    @property
    def src(self) -> Endpoint | None:
        """Where most of its packets came from."""
        most = self._most
        return most.figures.src if most else self.rtcp_src

    @property
    def dst(self) -> Endpoint | None:
        """Where most of its packets went."""
        most = self._most
        return most.figures.dst if most else self.rtcp_dst

    @property
    def _most(self) -> SeenRtp | None:
        return max(self.rtp, key=lambda each: each.figures.packets, default=None)

    @property
    def arriving(self) -> list[Period]:
        """When it was carried to where somebody may have been. Silences of a sender
        that had nothing to say are no interruption.
        """
        if not self.rtp:
            return self.flow
        there = [it for it in self.rtp if not it.astray]
        return united((p for it in there for p in (*it.flow, *it.silences)), GAP_NS)

    @property
    def astray(self) -> bool:
        """Whether all of it went where nobody is, see :attr:`SeenRtp.astray`."""
        return bool(self.rtp) and all(it.astray for it in self.rtp)

    @property
    def may_be_silent(self) -> bool:
        """Whether its sender suppresses silence, so that its end may be a pause."""
        return any(
            it.figures.silences > 1 or it.figures.comfort_noise for it in self.rtp
        )

    @property
    def packets(self) -> int:
        """How many were captured."""
        return sum(each.figures.packets for each in self.rtp)

    @property
    def first_ts(self) -> int | None:
        """When it was first carried; None where nothing shows that it was."""
        return self.flow[0].start_ts if self.flow else None

    @property
    def last_ts(self) -> int | None:
        """When it was last carried."""
        return self.flow[-1].end_ts if self.flow else None

    @property
    def gaps(self) -> list[Period]:
        """When it was not carried, between its beginning and its end."""
        pairs = zip(self.flow, self.flow[1:], strict=False)
        return [Period(one.end_ts, other.start_ts) for one, other in pairs]


@dataclass(slots=True)
class SpokenWay:
    """One direction of speech.

    :param expected: when there should have been speech, by the negotiation: from the
        answer to the end, without holds. Empty where nothing was negotiated.
    :param carried: when its packets were carried, at the part of the way nearest to
        the listener; ``shown`` by what. What was sent where nobody is does not count.
    :param known: whether the absence of packets would have been seen. Where it would
        not, nothing follows from an empty ``carried``.
    :param streams: of its speaker, nearest to the listener first; ``nearest`` those
        that ``carried`` rests on.
    :param silent_since: since when its speaker may just have had nothing to say; None
        where that explains nothing.
    """

    sender: Side
    expected: list[Period] = field(default_factory=list)
    carried: list[Period] = field(default_factory=list)
    shown: Shown | None = None
    known: bool = False
    streams: list[MediaStream] = field(default_factory=list)
    nearest: list[MediaStream] = field(default_factory=list)
    silent_since: int | None = None

    @property
    def direction(self) -> Direction:
        """From whom to whom."""
        return "caller_to_callee" if self.sender == "caller" else "callee_to_caller"

    @property
    def reports(self) -> list[Report]:
        """What the listener said of it, in order of time."""
        found = [report for stream in self.streams for report in stream.reports]
        return sorted(found, key=lambda report: report.ts)

    @property
    def missing(self) -> list[Period]:
        """When there should have been speech and none was carried; empty where that
        would not have been seen.
        """
        if not self.known:
            return []
        explained = self.carried
        if self.silent_since is not None:
            explained = united([*explained, Period(self.silent_since, sys.maxsize)])
        return list(without(self.expected, explained))

    @property
    def astray(self) -> bool:
        """Whether all that its speaker sent went where nobody is."""
        return bool(self.nearest) and all(it.astray for it in self.nearest)

    @property
    def share(self) -> float | None:
        """How much of the expected time was carried, 0 to 1; None where that is not
        known.
        """
        whole = length_of(self.expected)
        if not whole or not (self.known or self.carried):
            return None
        return length_of(overlap(self.expected, self.carried)) / whole

    @property
    def first_ts(self) -> int | None:
        """The first packet since speech was expected (the answer)."""
        within = overlap(self.expected, self.carried)
        return within[0].start_ts if within else None

    @property
    def last_ts(self) -> int | None:
        """The last packet while speech was expected (before the end)."""
        within = overlap(self.expected, self.carried)
        return within[-1].end_ts if within else None


@dataclass(slots=True)
class Media:
    """The media of a call.

    :param streams: in order of their beginnings; those of which only RTCP tells last.
    :param rtcp: all that was captured of it, read, in order of time.
    :param sending: the sides of which any SIP message was captured. Of the other one
        nothing may have been captured at all.
    :param paths: what the signalling tells of addresses and directions.
    :param seen: the packets of speech, ``reported`` what RTCP says of speech, as the
        ratings of :mod:`.assessment` need them.
    """

    streams: list[MediaStream] = field(default_factory=list)
    rtcp: list[Datagram] = field(default_factory=list)
    caller_to_callee: SpokenWay = field(default_factory=lambda: SpokenWay("caller"))
    callee_to_caller: SpokenWay = field(default_factory=lambda: SpokenWay("callee"))
    sending: set[Side] = field(default_factory=set)
    paths: MediaPaths = field(default_factory=lambda: MediaPaths([], None), repr=False)
    seen: list[MeasuredStream] = field(default_factory=list, repr=False)
    reported: Reported = field(default_factory=Reported, repr=False)

    @property
    def ways(self) -> tuple[SpokenWay, SpokenWay]:
        """Both directions of speech."""
        return self.caller_to_callee, self.callee_to_caller

    def sent_by(self, side: Side) -> SpokenWay:
        """What a side says."""
        return self.caller_to_callee if side == "caller" else self.callee_to_caller

    def heard_by(self, side: Side) -> SpokenWay:
        """What a side hears."""
        return self.callee_to_caller if side == "caller" else self.caller_to_callee

    def streams_of(self, kind: str) -> list[MediaStream]:
        """The streams of a kind: ``audio``, ``video``, ``image``."""
        return [stream for stream in self.streams if stream.kind == kind]
