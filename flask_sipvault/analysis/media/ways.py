"""Each direction of speech: what carried it, and whether its absence would show."""

from __future__ import annotations

from itertools import pairwise
from statistics import median

from ...protocols.rtp_gaps import GAP_NS
from ..sip.sides import other_side
from ..sip.sides import Side
from .model import Media
from .model import MediaStream
from .model import Period
from .model import Shown
from .model import SpokenWay
from .model import united

#: A direction must have carried so much, for so long, before anything is said of the
#: absence of the other.
ENOUGH_PACKETS = 250
ENOUGH_NS = 5_000_000_000

#: After so many of its usual intervals a sender's next report is overdue: intervals
#: vary by half either way (RFC 3550 section 6.3.1), and a report may get lost.
_OVERDUE_INTERVALS = 2.5

#: The usual interval of reports, where only one was captured (RFC 3550 section 6.2).
_USUAL_INTERVAL_NS = 5_000_000_000


def follow(way: SpokenWay, media: Media, talk: Period | None) -> None:
    """Find what carried a direction, next to its listener.

    :param talk: from the answer to the end; None for a call that was not answered.
    """
    listener = other_side(way.sender)

    def distance(stream: MediaStream) -> int:
        ends = [(seen.figures.src, seen.figures.dst) for seen in stream.rtp]
        ends = ends or [(stream.rtcp_src, stream.rtcp_dst)]
        return min(media.paths.next_to(listener, *pair) for pair in ends)

    own = [s for s in media.streams_of("audio") if s.sender == way.sender]
    way.streams = sorted(own, key=lambda each: (not each.rtp, distance(each)))
    kinds: tuple[Shown, Shown] = ("rtp", "sender-reports")
    for shown in kinds:
        near = [each for each in way.streams if each.shown == shown]
        if near:
            least = min(map(distance, near))
            way.nearest = [each for each in near if distance(each) == least]
            way.shown, way.known = shown, True
            _add_up(way, talk)
            return
    way.known = would_show(way.sender, media)


def _add_up(way: SpokenWay, talk: Period | None) -> None:
    periods = [period for stream in way.nearest for period in stream.arriving]
    if way.shown == "sender-reports":
        periods += [_overdue(stream, talk) for stream in way.nearest]
    way.carried = united(periods, GAP_NS)
    last = max(
        (stream for stream in way.nearest if stream.last_ts is not None),
        key=lambda stream: stream.last_ts or 0,
        default=None,
    )
    if last is not None and last.may_be_silent:
        way.silent_since = last.last_ts


def _overdue(stream: MediaStream, talk: Period | None) -> Period:
    """The time after a sender's last rise in which its next report was not overdue."""
    times = [count.ts for count in stream.counts]
    usual = median([other - one for one, other in pairwise(times)] or [0])
    interval = usual or _USUAL_INTERVAL_NS
    start = stream.flow[-1].end_ts
    if start < times[-1]:
        return Period(start, start)  # the next report came, and said that nothing did
    end = start + round(_OVERDUE_INTERVALS * interval)
    return Period(start, max(start, min(end, talk.end_ts if talk else end)))


def would_show(sender: Side, media: Media) -> bool:
    """Whether speech of a side would have been captured, had it been sent: the other
    direction was captured, or RTCP of one that speaks or listens. Of a side that shows
    in no message at all, nothing may have been captured.
    """
    if media.sending and sender not in media.sending:
        return False
    audio = media.streams_of("audio")
    other = [s for s in audio if s.rtp and s.sender == other_side(sender)]
    enough = sum(s.packets for s in other) >= ENOUGH_PACKETS and any(
        s.flow[-1].end_ts - s.flow[0].start_ts >= ENOUGH_NS for s in other
    )
    if enough:
        return all(stream.sender is not None for stream in audio if stream.rtp)
    # A speaker that sends no sender report has sent nothing; a listener that reports on
    # nothing has heard nothing (RFC 3550 section 6.4).
    return any(
        times[-1] - times[0] >= ENOUGH_NS
        for times in media.reported.speakers.values()
        if times
    )
