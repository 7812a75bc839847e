"""The streams of a call: what was captured of each source, by RTP and by RTCP."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from itertools import pairwise
from typing import NamedTuple

from ...evidence import SAME_PACKET_NS
from ...protocols import rtcp
from ...protocols.address import Endpoint
from ...protocols.rtp_figures import StreamFigures
from ...protocols.rtp_gaps import GAP_NS
from ..sip.sides import Side
from .addresses import Presence
from .directions import sender_of
from .intervals import BUCKET_NS
from .model import CodecPeriod
from .model import MediaStream
from .model import overlap
from .model import Period
from .model import SeenRtp
from .model import SenderCount
from .model import united
from .model import without
from .negotiation import Negotiation
from .paths import MediaPaths
from .payloads import AgreedPayloads
from .rtcp_reports import Datagram
from .rtcp_streams import Sources
from .rtcp_streams import USUAL_PACKET_MS

#: Two pairs of addresses of one source follow one another where they overlap by no more
#: than this: packets change places on their way. More, and it is one stream captured on
#: two parts of its way.
_OVERLAP_NS = 1_000_000_000


class _Described(NamedTuple):
    """What a description says of an address or a source."""

    line: int
    kind: str
    payload_types: frozenset[int]


def _lines(
    negotiations: Iterable[Negotiation],
) -> dict[Endpoint | int | None, dict[_Described, None]]:
    """The m-lines, by the addresses and SSRCs in their descriptions."""
    found: dict[Endpoint | int | None, dict[_Described, None]] = defaultdict(dict)
    for negotiation in negotiations:
        for line in negotiation.lines:
            for state in line.states:
                for media in (state.offered, state.answered):
                    if media is None:
                        continue
                    types = frozenset(media.codecs)
                    described = _Described(line.index, state.kind, types)
                    for mark in {media.rtp, media.rtcp, *media.ssrcs} - {None}:
                        found[mark][described] = None
    return found


class StreamFinder:
    """Puts together what was captured of each source.

    :param paths: what the signalling tells of addresses and directions.
    :param sources: whose an SSRC is, ``presence`` which hosts showed themselves.
    """

    def __init__(
        self,
        paths: MediaPaths,
        negotiations: Sequence[Negotiation],
        sources: Sources,
        presence: Presence,
    ) -> None:
        self._presence = presence
        self._paths = paths
        self._lines = _lines(negotiations)
        self._payloads = AgreedPayloads(negotiations)
        self._sources = sources
        self._streams: dict[int, list[MediaStream]] = defaultdict(list)

    def find(
        self,
        figures: Sequence[tuple[int, StreamFigures]],
        datagrams: Sequence[Datagram],
    ) -> list[MediaStream]:
        """The streams, in the order of their beginnings."""
        in_order = sorted(figures, key=lambda item: item[1].first_ts)
        directions = self._paths.of_streams(each for _, each in in_order)
        for (n, seen), direction in zip(in_order, directions, strict=True):
            self._add_rtp(n, seen, sender_of(direction))
        for number, datagram in enumerate(datagrams, 1):
            self._add_rtcp(number, datagram)
        found = [stream for same in self._streams.values() for stream in same]
        for stream in found:
            self._complete(stream)
        return sorted(found, key=_began)

    def _add_rtp(self, n: int, seen: StreamFigures, sender: Side | None) -> None:
        place = self._paths.place(seen.src, seen.dst)
        same = self._streams[seen.ssrc]
        stream = next((each for each in same if _follows(each, seen)), None)
        if stream is None:
            kind = "audio" if self._paths.is_audio(seen) else "video"
            stream = MediaStream(seen.ssrc, kind, sender=sender, place=place)
            same.append(stream)
        stream.sender = stream.sender or sender
        stream.place = stream.place or place
        astray = self._presence.is_astray(seen.src, seen.dst)
        flow, silences = tuple(flow_of(seen)), tuple(silences_of(seen))
        stream.rtp.append(SeenRtp(n, seen, astray, flow, silences))

    def _add_rtcp(self, number: int, datagram: Datagram) -> None:
        for packet in datagram.packets:
            if isinstance(packet, rtcp.SenderReport):
                stream = self._of_source(datagram, packet.ssrc, by_sender=True)
                count = SenderCount(datagram.ts, packet.packets, packet.octets, number)
                stream.counts.append(count)
        for report in datagram.reports:
            if report.reporter != report.ssrc:
                stream = self._of_source(datagram, report.ssrc, by_sender=False)
                stream.reports.append(report)

    def _of_source(
        self, datagram: Datagram, ssrc: int, *, by_sender: bool
    ) -> MediaStream:
        """The stream that a part of a datagram is about: that of the source on the same
        part of the way, or else any of the source.
        """
        same = self._streams[ssrc]
        place = self._paths.place(datagram.src, datagram.dst)
        near = [each for each in same if each.place == place] or same
        if near:
            return near[0]
        stream = MediaStream(ssrc, place=place)
        if by_sender:
            direction = self._sources.of_sender(datagram, ssrc)
            stream.rtcp_src, stream.rtcp_dst = datagram.src, datagram.dst
        else:
            direction = self._sources.speaks(ssrc)
            stream.rtcp_src, stream.rtcp_dst = datagram.dst, datagram.src
        stream.sender = sender_of(direction)
        same.append(stream)
        return stream

    def _complete(self, stream: MediaStream) -> None:
        stream.counts = _once(stream.counts)
        if stream.reports:
            # Somebody receives it, wherever that may be.
            stream.rtp = [replace(seen, astray=False) for seen in stream.rtp]
        if stream.rtp:
            periods = (p for seen in stream.rtp for p in seen.flow)
            stream.flow, stream.shown = united(periods, GAP_NS), "rtp"
        else:
            stream.flow = flow_of_counts(stream.counts)
            stream.shown = "sender-reports" if stream.flow else None
        described = self._line_of(stream)
        if described is not None:
            stream.line, stream.kind = described.line, described.kind
        stream.codecs = list(self._codecs(stream))

    def _line_of(self, stream: MediaStream) -> _Described | None:
        """The m-line: by where its packets went, by its SSRC, by where they came from;
        of several lines with one address, by the payload type (RFC 9143).
        """
        types = {
            payload.payload_type
            for seen in stream.rtp
            for payload in seen.figures.payloads
        }
        for mark in (stream.dst, stream.ssrc, stream.src):
            known = list(self._lines.get(mark, ()))
            if len({each.line for each in known}) > 1:
                known = [each for each in known if types & each.payload_types]
            if len({each.line for each in known}) == 1:
                return known[0]
        return None

    def _codecs(self, stream: MediaStream) -> Iterator[CodecPeriod]:
        found = [p for seen in stream.rtp for p in _codec_periods(seen.figures)]
        for period in sorted(found, key=lambda each: each.first_ts):
            agreed = self._payloads.allow(
                *(stream.sender, period.payload_type),
                *(period.first_ts, period.last_ts),
            )
            yield replace(period, negotiated=agreed)


def _codec_periods(figures: StreamFigures) -> Iterator[CodecPeriod]:
    """Each time that a payload type was in use: of speech that changes to and fro each
    turn, where that was noted.
    """
    named = {payload.payload_type: payload for payload in figures.payloads}
    spans = [span for span in figures.packetization if span.payload_type in named]
    for number, run in groupby(spans, key=lambda span: span.payload_type):
        turn = list(run)
        payload = named.pop(number, None) or next(
            each for each in figures.payloads if each.payload_type == number
        )
        yield CodecPeriod(
            *(number, payload.codec, payload.clock_rate),
            *(turn[0].first_ts, turn[-1].last_ts),
            sum(span.packets for span in turn),
        )
    for payload in named.values():
        yield CodecPeriod(
            *(payload.payload_type, payload.codec, payload.clock_rate),
            *(payload.first_ts, payload.last_ts, payload.packets),
        )


def _began(stream: MediaStream) -> tuple[bool, int]:
    first = stream.first_ts
    return (not stream.rtp, first if first is not None else 0)


def _follows(stream: MediaStream, seen: StreamFigures) -> bool:
    """Whether packets go on where the stream's others ended: to another destination
    (latching, a re-INVITE), or from another port (NAT).
    """
    last = stream.rtp[-1].figures
    moved = seen.src == last.src or seen.dst == last.dst
    return moved and seen.first_ts >= last.last_ts - _OVERLAP_NS


def _once(counts: Iterable[SenderCount]) -> list[SenderCount]:
    """In order of time, each report once: a relay passes it on, so that it is seen on
    both sides.
    """
    found: list[SenderCount] = []
    for count in sorted(counts, key=lambda count: count.ts):
        before = found[-1] if found else None
        again = before is not None and count.ts - before.ts <= SAME_PACKET_NS
        if before is None or not again or count.packets != before.packets:
            found.append(count)
    return found


def flow_of(figures: StreamFigures) -> list[Period]:
    """When packets of a stream came; as exactly as its buckets of five seconds tell,
    where its gaps were not noted.
    """
    whole = Period(figures.first_ts, figures.last_ts)
    if figures.gaps is not None:
        gaps = [Period(gap.start_ts, gap.end_ts) for gap in figures.gaps]
        return list(without([whole], gaps)) or [whole]
    full = [b for b in figures.buckets if b.packets]
    periods = [Period(b.ts, b.ts + BUCKET_NS) for b in full]
    return overlap([whole], united(periods)) or [whole]


def silences_of(figures: StreamFigures) -> list[Period]:
    """When its sender had nothing to say."""
    gaps = figures.gaps or []
    return [Period(gap.start_ts, gap.end_ts) for gap in gaps if gap.is_silence]


def flow_of_counts(counts: Sequence[SenderCount]) -> list[Period]:
    """When a sender's packet count rose. What the first report counts was sent before
    it, in packets of the usual length.
    """
    if not counts:
        return []
    first = counts[0]
    before = round(first.packets * USUAL_PACKET_MS * 1e6)
    periods = [Period(first.ts - before, first.ts)] if before else []
    periods += [
        Period(one.ts, other.ts)
        for one, other in pairwise(counts)
        if other.packets > one.packets
    ]
    return united(periods)
