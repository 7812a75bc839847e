"""How well a call was heard, out of everything that was measured of it.

Each direction is judged by its listener: what the called side heard is ``uac``, what
the caller heard is ``uas``. The best source counts: RTP that was seen in the capture,
on the leg that is next to the listener; but the listener's own reports (RTCP) where
these tell of more loss, since a capture does not see what is lost behind it. Where no
RTP was seen, the reports; then their VoIP metrics; then what an agent reported.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Sequence
from dataclasses import replace

from ..call import Call
from . import emodel
from .agent_reports import AgentFigures
from .agent_reports import AgentReport
from .agent_reports import weightiest
from .audio_status import find_status
from .audio_status import without_media
from .continuity import notable_gaps
from .continuity import verdict_on
from .directions import Direction
from .directions import opposite
from .intervals import Interval
from .intervals import into_buckets
from .intervals import SHORTEST_NS
from .model import SpokenWay
from .paths import Coding
from .paths import End
from .places import Place
from .quality import Bucket
from .quality import Figures
from .quality import Note
from .quality import Quality
from .quality import Scale
from .quality import Source
from .quality import Statistics
from .quality import StreamQuality
from .quality import worst_of
from .rating import Network
from .rating import Rater
from .rating import stretches
from .rating import Times
from .rtcp_streams import ReportedStream
from .rtp_streams import bucket_phase
from .rtp_streams import MeasuredStream
from .statistics import statistics_of

#: By so many percent more the listener's loss must differ from what the capture saw, to
#: count as lost between the two. Reports are not in step with buckets.
_BEHIND_THE_CAPTURE = 1.0

#: By so many percent the losses of two directions must differ to tell them apart.
_APART = 0.5

_LISTENER: dict[Direction, End] = {"uac": "callee", "uas": "caller"}
_BOTH: tuple[Direction, Direction] = ("uac", "uas")


def assess(call: Call, scale: Scale) -> Quality:
    """How well the call was heard, as far as anything tells. Never fails."""
    evidence = call.evidence
    if not (evidence.media or evidence.rtcp or evidence.reports):
        return Quality(audio=without_media(call))
    judge = _Judge(call, scale)
    quality = Quality(judge.direction("uac"), judge.direction("uas"))
    _ask_the_agent(quality, judge, weightiest(call.evidence.reports))
    quality.streams = judge.streams()
    figures = quality.measured or [each.figures for each in quality.streams]
    quality.verdict = worst_of(each.verdict for each in figures)
    quality.audio = find_status(call)
    return quality


class _Judge:
    """Works out the figures of directions and streams."""

    def __init__(self, call: Call, scale: Scale) -> None:
        self.scale = scale
        self.paths = call.media.paths
        self._media = call.media
        self._seen = call.media.seen
        self._reported = call.media.reported
        self._phase = bucket_phase(self._seen)
        self._counted: set[int] = set()

    def direction(self, direction: Direction) -> Figures | None:
        """What the listener of a direction heard; None where nothing tells."""
        way = self._media.sent_by("caller" if direction == "uac" else "callee")
        figures = self._heard(direction, way)
        if figures is not None:
            figures.missing = notable_gaps(way)
            lacking = verdict_on(figures.missing, way)
            figures.verdict = worst_of([figures.verdict, lacking])
        return figures

    def _heard(self, direction: Direction, way: SpokenWay) -> Figures | None:
        seen = self._nearest_seen(way)
        sources = {stream.measured.ssrc for stream in seen}
        heard = self._nearest(self._reported.streams, direction)
        # Some stacks report on more than there is.
        heard = [each for each in heard if each.ssrc in sources] or heard
        by_rtp = self._together(seen)
        by_rtcp = self._together(heard)
        network = self._network(direction, heard)
        if by_rtp:
            self._counted.update(map(id, seen))
            unheard = Note("no-mos-astray") if way.astray else None
            return self._figures_of_rtp(seen, by_rtp, heard, by_rtcp, network, unheard)
        self._counted.update(map(id, heard))
        if by_rtcp:
            return self._rated("rtcp", by_rtcp, network)
        return self._figures_of_metrics(heard, network)

    def _nearest_seen(self, way: SpokenWay) -> list[MeasuredStream]:
        """What was measured of a direction next to its listener, and arrived."""
        near = [seen for stream in way.nearest for seen in stream.rtp]
        arrived = [seen for seen in near if not seen.astray] or near
        numbers = {seen.n for seen in arrived}
        return [each for each in self._seen if each.n in numbers]

    def _together(
        self, streams: Iterable[MeasuredStream] | Iterable[ReportedStream]
    ) -> list[Interval]:
        every = [interval for stream in streams for interval in stream.intervals]
        return into_buckets(every, self._phase)

    def _nearest(
        self, streams: Iterable[ReportedStream], direction: Direction
    ) -> list[ReportedStream]:
        """Of the streams of a direction those that were reported on the leg that is
        nearest to the listener.
        """
        own = [each for each in streams if each.direction == direction]
        listener = _LISTENER[direction]
        near = [self.paths.next_to(listener, *each.addresses) for each in own]
        return [
            each
            for each, far in zip(own, near, strict=True)
            if far == min(near, default=0)
        ]

    def _network(
        self, direction: Direction | None, heard: Iterable[ReportedStream]
    ) -> Network:
        heard = list(heard)
        back = [
            each
            for each in self._reported.streams
            if direction is not None and each.direction == opposite(direction)
        ]
        metrics = [item for each in heard for item in each.metrics]
        last = max(metrics, key=lambda item: item[0], default=None)
        return Network(
            there=Times(trip for each in heard for trip in each.round_trips),
            back=Times(trip for each in back for trip in each.round_trips),
            whole=Times(trip for each in heard for trip in each.whole_trips),
            discarded=None if last is None else 100 * last[1].discard_rate,
        )

    def _figures_of_rtp(
        self,
        seen: Sequence[MeasuredStream],
        by_rtp: list[Interval],
        heard: Sequence[ReportedStream],
        by_rtcp: list[Interval],
        network: Network,
        unheard: Note | None,
    ) -> Figures:
        place = next((at for each in seen if (at := self._place(each))), "direct")
        seen_loss, heard_loss = _loss(by_rtp), _loss(by_rtcp)
        behind = (heard_loss or 0) - (seen_loss or 0)
        if heard_loss is not None and behind > _BEHIND_THE_CAPTURE:
            lossy = self._with_loss_of(by_rtp, by_rtcp)
            figures = self._rated("rtp", lossy, network, unheard)
            figures.sources["loss"] = "rtcp"
            more = Note.of("listener-lost-more", heard=heard_loss, seen=seen_loss or 0)
            figures.assumptions.insert(0, more)
            return figures
        figures = self._rated("rtp", by_rtp, network, unheard)
        if heard_loss is None:
            figures.assumptions.insert(0, Note(f"measured-only-at-{place}"))
        elif place != "direct":
            figures.assumptions.insert(0, Note(f"measured-at-{place}"))
        return figures

    def _with_loss_of(
        self, intervals: Sequence[Interval], others: Sequence[Interval]
    ) -> list[Interval]:
        """The intervals with the loss that the others tell of at their times."""
        told = {other.bucket(self._phase): other for other in others}
        changed = []
        for interval in intervals:
            other = told.get(interval.bucket(self._phase))
            if other is None:
                changed.append(interval)
            else:
                lost = interval.expected * other.lost / other.expected
                changed.append(replace(interval, lost=lost, burst_ratio=None))
        return changed

    def _figures_of_metrics(
        self, heard: Sequence[ReportedStream], network: Network
    ) -> Figures | None:
        """By VoIP metrics alone, which tell of the whole call at once."""
        metrics = [item for each in heard for item in each.metrics]
        if not metrics:
            return None
        ts, last = max(metrics, key=lambda item: item[0])
        loss = 100 * last.loss_rate
        rater = Rater(self.scale, network)
        coding = self.paths.coding_agreed(ts)
        r = rater.rate(coding, loss, None, network.round_trip(ts), None)
        figures = Figures(
            "rtcp-xr",
            {"loss": "rtcp-xr", "jitter": None, "rtt": None},
            coding.codec,
            loss=Statistics(round(loss, 3)),
            no_mos=rater.no_mos,
            assumptions=rater.assumptions,
        )
        trip = network.round_trip(ts)
        if trip is not None:
            figures.rtt = Statistics(round(trip, 3))
            figures.sources["rtt"] = "rtcp-xr"
        mos = None if r is None else emodel.mos(r)
        if mos is None and last.mos_cq is not None:
            mos, figures.no_mos = last.mos_cq, None
            figures.assumptions.append(Note("mos-reported"))
        elif r is not None:
            figures.r = Statistics(round(r, 3))
        if mos is not None:
            figures.mos = Statistics(round(mos, 3))
        figures.verdict = self.scale.verdict(mos)
        return figures

    def _rated(
        self,
        source: Source,
        intervals: Sequence[Interval],
        network: Network,
        unheard: Note | None = None,
    ) -> Figures:
        rater = Rater(self.scale, network, unheard)
        buckets = [rater.bucket(interval) for interval in intervals]
        codings = [(i.coding.codec, i.expected) for i in intervals if i.coding.codec]
        figures = Figures(
            source,
            {
                "loss": source,
                "jitter": source if _known(buckets, "jitter") else None,
                "rtt": network.source if _known(buckets, "rtt") else None,
            },
            max(codings, key=lambda item: item[1], default=(None, 0))[0],
            loss=statistics_of(_weighed(buckets, intervals, "loss")),
            jitter=statistics_of(_weighed(buckets, intervals, "jitter")),
            rtt=statistics_of([(bucket.rtt, 1) for bucket in buckets]),
            no_mos=rater.no_mos,
            buckets=buckets,
            stretches=stretches(buckets),
            assumptions=rater.assumptions,
        )
        if rater.no_mos is None:
            # A mean without the worst buckets would be better than the call was.
            figures.mos = statistics_of(
                [(bucket.mos, bucket.seconds) for bucket in buckets]
            )
            figures.r = statistics_of(
                [(bucket.r, bucket.seconds) for bucket in buckets]
            )
        figures.verdict = self.scale.verdict(figures.mos.avg)
        return figures

    def streams(self) -> list[StreamQuality]:
        """The figures of every stream on its own, by each source."""
        found = []
        for seen in self._seen:
            if seen.intervals:
                network = self._network(seen.direction, self._same(seen))
                figures = self._rated("rtp", seen.intervals, network)
                if seen.measured.last_ts - seen.measured.first_ts < SHORTEST_NS:
                    figures.verdict = "unknown"  # a stray packet is not good audio
                found.append(
                    StreamQuality(
                        seen.measured.ssrc,
                        seen.measured.src,
                        seen.measured.dst,
                        seen.direction,
                        self._place(seen),
                        id(seen) in self._counted,
                        figures,
                    )
                )
        for heard in self._reported.streams:
            network = self._network(heard.direction, [heard])
            rated = (
                self._rated("rtcp", heard.intervals, network)
                if heard.intervals
                else self._figures_of_metrics([heard], network)
            )
            if rated is not None:
                found.append(
                    StreamQuality(
                        heard.ssrc,
                        heard.src,
                        heard.dst,
                        heard.direction,
                        self.paths.place(*heard.addresses),
                        id(heard) in self._counted,
                        rated,
                    )
                )
        return found

    def _place(self, seen: MeasuredStream) -> Place | None:
        return self.paths.place(*seen.addresses)

    def _same(self, seen: MeasuredStream) -> list[ReportedStream]:
        """The reports on a stream that was seen."""
        return [
            each
            for each in self._reported.streams
            if each.ssrc == seen.measured.ssrc and each.direction == seen.direction
        ]

    def by_agent(self, report: AgentReport, side: AgentFigures) -> Figures:
        """One direction of an agent's report, rated by the codec that was spoken."""
        agreed = self.paths.coding_agreed(report.ts)
        coding = agreed
        if report.codec and report.codec.lower() != (agreed.codec or "").lower():
            coding = Coding(report.codec, "", agreed.packet_ms)
        nothing = Times()
        rater = Rater(self.scale, Network(nothing, nothing, nothing))
        trip = side.rtt.avg

        def rated(loss: float | None, jitter: float | None) -> float | None:
            if loss is None:
                return None
            r = rater.rate(coding, loss, jitter, trip, None)
            return None if r is None else round(emodel.mos(r), 3)

        # The worst MOS goes with the most loss.
        mos = Statistics(
            avg=rated(side.loss.avg, side.jitter.avg),
            min=rated(side.loss.max, side.jitter.max),
            max=rated(side.loss.min, side.jitter.min),
            p5=rated(side.loss.p95, side.jitter.p95),
            p95=rated(side.loss.p5, side.jitter.p5),
        )
        rests_on = Note.of(
            "agents-report", samples=report.samples, reports=report.others + 1
        )
        return Figures(
            "agent",
            {
                "loss": "agent",
                "jitter": None if side.jitter.avg is None else "agent",
                "rtt": None if trip is None else "agent",
            },
            coding.codec,
            mos=mos,
            loss=side.loss,
            jitter=side.jitter,
            rtt=side.rtt,
            verdict=self.scale.verdict(mos.avg),
            no_mos=rater.no_mos
            or (None if mos.avg is not None else Note("no-mos-agent-tells-no-loss")),
            assumptions=[rests_on, *rater.assumptions],
        )


def _weighed(
    buckets: Sequence[Bucket], intervals: Sequence[Interval], name: str
) -> list[tuple[float | None, float]]:
    """A figure of each bucket, with how many packets it rests on."""
    return [
        (getattr(bucket, name), interval.expected)
        for bucket, interval in zip(buckets, intervals, strict=True)
    ]


def _known(buckets: Sequence[Bucket], name: str) -> bool:
    return any(getattr(bucket, name) is not None for bucket in buckets)


def _loss(intervals: Sequence[Interval]) -> float | None:
    expected = sum(interval.expected for interval in intervals)
    if not expected:
        return None
    return 100 * sum(interval.lost for interval in intervals) / expected


def _ask_the_agent(quality: Quality, judge: _Judge, report: AgentReport | None) -> None:
    """Let an agent's report speak for what nobody else tells of."""
    missing = [name for name in _BOTH if quality.directions[name] is None]
    if report is None or not missing:
        return
    if len(missing) == 2:
        quality.labels_certain = False
        for side in report.sides:
            figures = judge.by_agent(report, side)
            figures.assumptions.insert(1, Note("agents-directions-unknown"))
            setattr(quality, side.label, figures)
        return
    [name] = missing
    matched = _other_side(quality.directions[opposite(name)], report)
    if matched is not None:
        figures = judge.by_agent(report, matched)
        figures.assumptions.insert(1, Note("agents-direction-by-loss"))
        setattr(quality, name, figures)


def _other_side(known: Figures | None, report: AgentReport) -> AgentFigures | None:
    """Of the two directions of a report the one that is not the known one, if losses
    tell them apart.
    """
    if known is None or known.loss.avg is None or len(report.sides) != 2:
        return None
    losses = [side.loss.avg for side in report.sides if side.loss.avg is not None]
    if len(losses) != 2 or abs(losses[0] - losses[1]) < _APART:
        return None
    one, other = (abs(loss - known.loss.avg) for loss in losses)
    return report.sides[1] if one < other else report.sides[0]
