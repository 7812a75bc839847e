"""What listeners reported by RTCP, sorted by the direction that they speak of.

A report tells how one stream was received. Whose stream it is shows by the addresses of
the report, by the sources (SSRC) that the signalling announced, and by what the other
reports and the RTP tell of these.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field

from ...protocols import rtcp
from ...protocols.address import Endpoint
from .directions import Direction
from .directions import opposite
from .intervals import BUCKET_NS
from .intervals import Interval
from .intervals import into_buckets
from .paths import MediaPaths
from .rtcp_reports import Datagram
from .rtcp_reports import Extended
from .rtcp_reports import Report
from .rtp_streams import bucket_phase
from .rtp_streams import MeasuredStream
from .rtp_streams import MOST_JITTER_MS

#: What a packet of speech holds, in ms, where nothing tells (RFC 3551 section 4.2).
USUAL_PACKET_MS = 20.0

#: A report on more packets a second than this is no report on speech.
_MOST_PER_SECOND = 1000


@dataclass(slots=True)
class ReportedStream:
    """One stream as one listener reported on it.

    :param src: where the stream comes from, by the reports' addresses; None where these
        are not known.
    :param round_trips: from the capture to the listener and back, in ms, each with its
        time; ``whole_trips`` between the two ends, as the listener measured them.
    :param metrics: VoIP metrics, each over the whole call up to its time.
    """

    ssrc: int
    reporter: int
    direction: Direction | None
    src: Endpoint | None = None
    dst: Endpoint | None = None
    reports: list[Report] = field(default_factory=list)
    intervals: list[Interval] = field(default_factory=list)
    round_trips: list[tuple[int, float]] = field(default_factory=list)
    whole_trips: list[tuple[int, float]] = field(default_factory=list)
    metrics: list[tuple[int, rtcp.VoipMetrics]] = field(default_factory=list)

    @property
    def addresses(self) -> tuple[Endpoint | None, Endpoint | None]:
        """Whence and where to."""
        return self.src, self.dst


@dataclass(slots=True)
class Reported:
    """All that was reported.

    :param streams: in the order in which they were first reported on.
    :param sent: how many packets a direction's speaker says it sent; without an entry
        where no sender report of it was captured.
    :param speakers: the directions of which RTCP of the speaker was captured, each with
        the times; it may have come as a listener only.
    :param hears: the directions that a listener reported on.
    """

    streams: list[ReportedStream] = field(default_factory=list)
    sent: dict[Direction, int] = field(default_factory=dict)
    speakers: dict[Direction, list[int]] = field(default_factory=dict)
    hears: set[Direction] = field(default_factory=set)


def heard_reports(
    datagrams: Sequence[Datagram], paths: MediaPaths, seen: Sequence[MeasuredStream]
) -> Reported:
    """The reports on speech among all of a call's RTCP."""
    if not datagrams:
        return Reported()
    sources = Sources(paths, seen, datagrams)
    reported, phase = Reported(), bucket_phase(seen)
    streams: dict[tuple[int, int], ReportedStream] = {}
    for datagram in datagrams:
        for packet in datagram.packets:
            _note_speaker(reported, sources, datagram, packet)
        for report in datagram.reports:
            if report.reporter == report.ssrc:
                continue  # nobody listens to himself
            stream = _stream(streams, sources, datagram, report)
            # One report that was seen on two legs tells nothing new the second time.
            if report.expected != 0:
                stream.reports.append(report)
            if report.round_trip_ms is not None:
                stream.round_trips.append((report.ts, report.round_trip_ms))
        for extended in datagram.extended:
            if not isinstance(extended.block, rtcp.VoipMetrics):
                continue
            stream = _stream(streams, sources, datagram, extended)
            stream.metrics.append((extended.ts, extended.block))
            if extended.round_trip_ms is not None:
                stream.whole_trips.append((extended.ts, extended.round_trip_ms))
    for stream in streams.values():
        stream.intervals = into_buckets(_intervals(stream.reports, paths), phase)
        if stream.direction is not None:
            reported.hears.add(stream.direction)
    reported.streams = list(streams.values())
    return reported


class Sources:
    """Whose an SSRC is, by everything that tells."""

    def __init__(
        self,
        paths: MediaPaths,
        seen: Iterable[MeasuredStream],
        datagrams: Sequence[Datagram],
    ) -> None:
        self._paths = paths
        self._speaks: dict[int, set[Direction]] = defaultdict(set)
        for stream in seen:
            if stream.direction is not None:
                self._speaks[stream.measured.ssrc].add(stream.direction)
        self._learn(datagrams)

    def _learn(self, datagrams: Sequence[Datagram]) -> None:
        """Of two sources of which one reports on the other, one tells of both."""
        pairs: set[tuple[int, int]] = set()
        for datagram in datagrams:
            reports: list[Report | Extended] = [*datagram.reports, *datagram.extended]
            pairs |= {(r.reporter, r.ssrc) for r in reports if r.ssrc is not None}
        for datagram in datagrams:
            speaker = self._paths.directions.of(datagram.src, datagram.dst)
            for packet in datagram.packets:
                if speaker is not None and _speaks(packet):
                    self._speaks[packet.ssrc].add(speaker)  # type: ignore[union-attr]
        for _ in range(2):
            for reporter, ssrc in pairs:
                one, other = self.speaks(reporter), self.speaks(ssrc)
                if one is not None and other is None:
                    self._speaks[ssrc].add(opposite(one))
                elif other is not None and one is None:
                    self._speaks[reporter].add(opposite(other))

    def speaks(self, ssrc: int) -> Direction | None:
        """The direction that a source speaks in; None where it cannot be told."""
        told = self._speaks.get(ssrc, set())
        if len(told) == 1:
            return next(iter(told))
        return self._paths.directions.of(None, None, ssrc)

    def of_sender(self, datagram: Datagram, ssrc: int) -> Direction | None:
        """The direction that the sender of a datagram speaks in."""
        told = self._paths.directions.of(datagram.src, datagram.dst)
        return told or self.speaks(ssrc)

    def of_report(
        self, datagram: Datagram, reporter: int, ssrc: int
    ) -> Direction | None:
        """The direction that a report is about."""
        listener = self.of_sender(datagram, reporter)
        return opposite(listener) if listener is not None else self.speaks(ssrc)


def _speaks(packet: rtcp.Packet) -> bool:
    return isinstance(
        packet, rtcp.SenderReport | rtcp.ReceiverReport | rtcp.ExtendedReport
    )


def _note_speaker(
    reported: Reported, sources: Sources, datagram: Datagram, packet: rtcp.Packet
) -> None:
    if not isinstance(packet, rtcp.SenderReport | rtcp.ReceiverReport):
        return
    direction = sources.of_sender(datagram, packet.ssrc)
    if direction is None:
        return
    reported.speakers.setdefault(direction, []).append(datagram.ts)
    if isinstance(packet, rtcp.SenderReport):
        so_far = reported.sent.get(direction, 0)
        reported.sent[direction] = max(so_far, packet.packets)


def _stream(
    streams: dict[tuple[int, int], ReportedStream],
    sources: Sources,
    datagram: Datagram,
    report: Report | Extended,
) -> ReportedStream:
    assert report.ssrc is not None
    stream = streams.get((report.reporter, report.ssrc))
    if stream is None:
        direction = sources.of_report(datagram, report.reporter, report.ssrc)
        stream = ReportedStream(report.ssrc, report.reporter, direction)
        # Reports go the other way than what they are about.
        stream.src, stream.dst = datagram.dst, datagram.src
        streams[report.reporter, report.ssrc] = stream
    return stream


def _intervals(reports: list[Report], paths: MediaPaths) -> Iterator[Interval]:
    """The time that each report speaks of: since the one before, or of the first, for
    five seconds at most, for whose length nothing stands.
    """
    before: int | None = None
    for report in reports:
        start = report.ts - BUCKET_NS if before is None else before
        start = max(start, 0)
        end = max(report.ts, start + 1)
        coding = paths.coding_agreed(report.ts)
        seconds = (end - start) / 1e9
        expected: float
        if (
            report.lost is None
            or report.expected is None
            or not 0 < report.expected <= _MOST_PER_SECOND * max(seconds, 1)
        ):
            expected = seconds * 1000 / (coding.packet_ms or USUAL_PACKET_MS)
            lost = report.fraction_lost * expected
        else:
            expected = report.expected
            lost = min(max(report.lost, 0), report.expected)
        jitter = report.jitter_ms
        if jitter is not None and not 0 <= jitter <= MOST_JITTER_MS:
            jitter = None
        before = report.ts
        if expected > 0:
            yield Interval(start, end, expected, lost, jitter, coding)
