"""Stretches of a direction in which packets were lost, or came at uneven times, by what
was captured of it and by what its listener reported.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import dataclass

from ..call import Call
from ..media.intervals import Interval
from ..media.model import during
from ..media.model import length_of
from ..media.model import Period
from ..media.model import united
from ..media.model import without
from ..media.quality import Direction
from ..media.rtcp_streams import ReportedStream
from ..media.rtp_streams import MeasuredStream
from ..sip.sides import Side

SIDES: tuple[Side, Side] = ("caller", "callee")
DIRECTIONS: dict[Side, Direction] = {"caller": "uac", "callee": "uas"}

#: Stretches that are no farther apart than one report are one, in ns.
_TOGETHER_NS = 5_100_000_000


#: Intervals are five seconds, and what is too short goes to the one beside it, in ns.
_LONGEST_NS = 10_000_000_000

#: What a hold may reach into an interval, in ns.
_HOLD_NS = 200_000_000


@dataclass(frozen=True, slots=True)
class Stretches:
    """Bad stretches of a direction.

    :param bad: those intervals that are, in order of time.
    :param every: all of the conversation.
    :param streams: that were captured, by their numbers; empty where reports tell.
    :param datagrams: the reports, by their places.
    """

    speaker: Side
    bad: list[Interval]
    every: list[Interval]
    streams: tuple[int, ...] = ()
    datagrams: tuple[int, ...] = ()

    @property
    def reported(self) -> bool:
        """Whether it is known by reports alone."""
        return not self.streams

    @property
    def periods(self) -> list[Period]:
        """When it was bad."""
        return united((Period(i.start, i.end) for i in self.bad), _TOGETHER_NS)

    @property
    def share(self) -> float:
        """How much of the time, 0 to 1."""
        whole = length_of(Period(i.start, i.end) for i in self.every)
        return length_of(Period(i.start, i.end) for i in self.bad) / max(whole, 1)


def captured_intervals(call: Call, speaker: Side) -> list[MeasuredStream]:
    """What was measured of a direction next to its listener."""
    way = call.media.sent_by(speaker)
    numbers = {
        seen.n for stream in way.nearest for seen in stream.rtp if not seen.astray
    }
    return [each for each in call.media.seen if each.n in numbers]


def reported_streams(call: Call, speaker: Side) -> list[ReportedStream]:
    """What the listener of a direction reported on it."""
    own = DIRECTIONS[speaker]
    return [each for each in call.media.reported.streams if each.direction == own]


def in_conversation(
    call: Call, speaker: Side, intervals: Iterable[Interval]
) -> list[Interval]:
    """The intervals in which speech was expected for the most part, and nobody was on
    hold: phones may leave out sequence numbers meanwhile. All, where nothing tells when
    that was.
    """
    expected = call.media.sent_by(speaker).expected
    ordered = sorted(intervals, key=lambda each: each.start)
    if not expected:
        return ordered
    last_ts = call.ending.message.ts if call.ending is not None else call.last_ts
    end = max(expected[-1].end_ts, last_ts or 0)
    holds = list(without([Period(expected[0].start_ts, end)], expected))
    found = []
    for each in ordered:
        period = Period(each.start, each.end)
        spoken = length_of(during(expected, period))
        held = length_of(during(holds, period))
        if 2 * spoken >= each.end - each.start and held <= _HOLD_NS:
            found.append(each)
    return found


def find_stretches(
    call: Call,
    speaker: Side,
    is_bad: Callable[[Interval], bool],
    *,
    refuted: Callable[[Interval, list[Interval]], bool],
) -> Stretches | None:
    """The bad stretches of a direction: by what was captured, or else by reports.

    :param refuted: whether what the listener reported contradicts an interval that was
        captured: then the capture itself had lost packets, or had them late.
    """
    reported = reported_streams(call, speaker)
    told = in_conversation(
        call, speaker, (i for each in reported for i in each.intervals)
    )
    captured = captured_intervals(call, speaker)
    every = in_conversation(call, speaker, (i for c in captured for i in c.intervals))
    bad = [each for each in every if is_bad(each) and not refuted(each, told)]
    if bad:
        streams = tuple(dict.fromkeys(each.n for each in captured))
        return Stretches(speaker, bad, every, streams)
    bad = [each for each in told if is_bad(each)]
    if bad:
        return Stretches(
            speaker, bad, told, datagrams=tuple(_reports_in(call, reported, bad))
        )
    return None


def _reports_in(
    call: Call, reported: Iterable[ReportedStream], bad: Iterable[Interval]
) -> Iterator[int]:
    """The datagrams whose reports speak of intervals: those at their ends."""
    times = {report.ts for each in reported for report in each.reports}
    spans = united(Period(each.start, each.end + _TOGETHER_NS) for each in bad)
    for n, datagram in enumerate(call.media.rtcp, 1):
        then = Period(datagram.ts, datagram.ts + 1)
        if datagram.ts in times and during(spans, then):
            yield n


def beside(interval: Interval, others: Sequence[Interval]) -> Iterator[Interval]:
    """Those of others that overlap an interval; all in order of their beginnings."""
    first = bisect_left(
        others, interval.start - _LONGEST_NS, key=lambda each: each.start
    )
    for at in range(first, len(others)):
        other = others[at]
        if other.start >= interval.end:
            break
        if other.end > interval.start:
            yield other


def reported_share(interval: Interval, told: Sequence[Interval]) -> float | None:
    """What share of the packets the listener reported lost during an interval, 0 to 1;
    None where it does not tell.
    """
    lost = expected = covered = 0.0
    for other in beside(interval, told):
        common = min(interval.end, other.end) - max(interval.start, other.start)
        part = common / max(other.end - other.start, 1)
        lost += other.lost * part
        expected += other.expected * part
        covered += common
    if expected <= 0 or covered < (interval.end - interval.start) / 2:
        return None
    return lost / expected
