"""Where a direction of speech breaks off though it should go on."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from ...protocols import rtcp
from ...protocols.rtp_figures import StreamFigures
from .model import during
from .model import length_of
from .model import Media
from .model import MediaStream
from .model import overlap
from .model import Period
from .model import SpokenWay
from .model import united
from .model import without
from .negotiation import Negotiation
from .pauses import has_paused
from .pauses import may_pause
from .streams import flow_of

#: A pause that is shorter is one for breath, or the last moments before somebody hangs
#: up, in ns.
SHORTEST_NS = 4_000_000_000

#: Sender reports come every 5 s or so (RFC 3550 section 6.2): two intervals, less what
#: these vary by.
_SHORTEST_BY_RTCP_NS = 8_000_000_000

#: Before something can break off it must have been there, in ns.
_BEFORE_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Interruption:
    """A stretch in which a direction should have carried speech and did not.

    :param to_the_end: whether it never came back.
    :param lost: whether the sender went on sending meanwhile, by its own reports or its
        sequence numbers.
    :param datagrams: the RTCP that tells, by places from 1; empty where RTP does.
    """

    way: SpokenWay
    period: Period
    to_the_end: bool
    lost: bool = False
    datagrams: tuple[int, ...] = ()


def interruptions(
    media: Media, way: SpokenWay, negotiation: Negotiation | None
) -> Iterator[Interruption]:
    """Where a direction breaks off. What the capture could not show, and what silence
    suppression explains, is none.

    :param negotiation: what was agreed on.
    """
    if way.shown == "rtp":
        yield from _by_rtp(media, way, negotiation)
    else:
        yield from _by_rtcp(media, way, negotiation)


def carried_exactly(way: SpokenWay) -> list[Period]:
    """When packets were carried next to the listener, without the gaps in streams; by
    RTP alone.
    """
    near = [stream for stream in way.streams if stream.rtp]
    periods: list[Period] = []
    for stream in near:
        if stream.place == near[0].place:
            for seen in stream.rtp:
                periods += _flow(seen.figures)
    return united(periods)


def _flow(figures: StreamFigures) -> Iterable[Period]:
    if figures.gaps is None:
        return flow_of(figures)
    whole = [Period(figures.first_ts, figures.last_ts)]
    return without(whole, (Period(g.start_ts, g.end_ts) for g in figures.gaps))


def _by_rtp(
    media: Media, way: SpokenWay, negotiation: Negotiation | None
) -> Iterator[Interruption]:
    carried = carried_exactly(way)
    first = next(iter(overlap(way.expected, carried)), None)
    if first is None or not way.expected:
        return
    other = carried_exactly(media.heard_by(way.sender))
    reports = [datagram.ts for datagram in media.rtcp]
    gaps = [
        gap
        for stream in way.streams
        for seen in stream.rtp
        for gap in seen.figures.gaps or ()
    ]
    silent = united(Period(g.start_ts, g.end_ts) for g in gaps if g.is_silence)
    missing = united(Period(g.start_ts, g.end_ts) for g in gaps if g.missing)
    sent = sorted(p for stream in way.streams for p in _rising(stream))
    paused = has_paused(way)
    last_ts = way.expected[-1].end_ts
    for period in without(way.expected, carried):
        if period.ns < SHORTEST_NS or period.start_ts < first.start_ts + _BEFORE_NS:
            continue
        late = Period(period.start_ts + SHORTEST_NS, period.end_ts + 1)
        enough = min(SHORTEST_NS, period.ns * 4 // 5)
        if length_of(during(other, period)) < enough and not _any_in(reports, late):
            continue  # the capture of media may have ended
        lost = bool(during(missing, period)) or _sent_within(sent, period)
        if not lost and (paused or during(silent, period)):
            continue
        state = negotiation.audio_at(period.start_ts) if negotiation else None
        if not lost and may_pause(way, state):
            continue
        yield Interruption(way, period, period.end_ts == last_ts, lost)


def _any_in(times: list[int], period: Period) -> bool:
    at = bisect_left(times, period.start_ts)
    return at < len(times) and times[at] < period.end_ts


def _sent_within(sent: list[Period], period: Period) -> bool:
    """Whether two reports, both within a period, count packets sent between them. One
    before it would count what came before the period, too.
    """
    for at in range(bisect_left(sent, period), len(sent)):
        if sent[at].start_ts >= period.end_ts:
            break
        if sent[at].end_ts <= period.end_ts:
            return True
    return False


def _rising(stream: MediaStream) -> Iterator[Period]:
    """When a sender sent by its own reports."""
    for one, other in pairwise(stream.counts):
        if other.packets > one.packets and other.ts > one.ts:
            yield Period(one.ts, other.ts)


def _by_rtcp(
    media: Media, way: SpokenWay, negotiation: Negotiation | None
) -> Iterator[Interruption]:
    """By sender reports whose packet count stands still, receiver reports of who had
    sent before, and a listener whose highest sequence number stands still.
    """
    if not way.expected:
        return
    index = _Reports(media)
    paused = has_paused(way)
    for stream in way.streams:
        if not stream.counts and not any(r.highest_sequence for r in stream.reports):
            continue
        stands = [*index.sender_stands(stream), *index.listener_stands(stream)]
        sent = list(_rising(stream))
        still = united(each.period for each in stands)
        for period in overlap(way.expected, still):
            if period.ns < _SHORTEST_BY_RTCP_NS:
                continue
            if period.start_ts < way.expected[0].start_ts + _BEFORE_NS:
                continue
            lost = _sent_within(sent, period)
            state = negotiation.audio_at(period.start_ts) if negotiation else None
            if not lost and (paused or may_pause(way, state)):
                continue
            numbers = {
                n
                for each in stands
                if during([each.period], period)
                for n in each.datagrams
            }
            yield Interruption(way, period, True, lost, tuple(sorted(numbers)))


class _Stand(NamedTuple):
    """Two reports between which nothing was counted, by their places."""

    period: Period
    datagrams: tuple[int, int]


class _Reports:
    """A call's RTCP by who sent it."""

    def __init__(self, media: Media) -> None:
        self._places: dict[int, int] = {}
        self._receivers: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for n, datagram in enumerate(media.rtcp, 1):
            for report in datagram.reports:
                self._places[id(report)] = n
            for packet in datagram.packets:
                if isinstance(packet, rtcp.ReceiverReport):
                    self._receivers[packet.ssrc].append((datagram.ts, n))

    def sender_stands(self, stream: MediaStream) -> Iterator[_Stand]:
        """When a sender sent nothing by its own reports. Who has sent nothing for two
        intervals sends receiver reports (RFC 3550 section 6.4).
        """
        for one, other in pairwise(stream.counts):
            if other.packets == one.packets and other.ts > one.ts:
                yield _Stand(Period(one.ts, other.ts), (one.n, other.n))
        if stream.counts:
            before = stream.counts[-1].ts, stream.counts[-1].n
            for now in self._receivers[stream.ssrc]:
                if now[0] > before[0]:
                    yield _Stand(Period(before[0], now[0]), (before[1], now[1]))
                    before = now

    def listener_stands(self, stream: MediaStream) -> Iterator[_Stand]:
        """When a listener received nothing by its reports."""
        for one, other in pairwise(stream.reports):
            places = (self._places.get(id(one)), self._places.get(id(other)))
            if (
                one.reporter == other.reporter
                and one.highest_sequence == other.highest_sequence
                and other.ts > one.ts
                and places[0] is not None
                and places[1] is not None
            ):
                yield _Stand(Period(one.ts, other.ts), (places[0], places[1]))
