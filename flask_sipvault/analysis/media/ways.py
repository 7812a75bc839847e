"""Each direction of speech: what carried it, and whether its absence would show."""

from __future__ import annotations

from ..sip.sides import other_side
from ..sip.sides import Side
from .model import Media
from .model import MediaStream
from .model import Shown
from .model import SpokenWay
from .model import united
from .streams import GAP_NS

#: A direction must have carried so much, for so long, before anything is said of the
#: absence of the other.
ENOUGH_PACKETS = 250
ENOUGH_NS = 5_000_000_000


def follow(way: SpokenWay, media: Media) -> None:
    """Find what carried a direction, next to its listener."""
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
            nearest = min(map(distance, near))
            periods = [p for s in near if distance(s) == nearest for p in s.flow]
            way.carried, way.shown, way.known = united(periods, GAP_NS), shown, True
            return
    way.known = would_show(way.sender, media)


def would_show(sender: Side, media: Media) -> bool:
    """Whether speech of a side would have been captured, had it been sent: the other
    direction was captured, or RTCP of one that speaks or listens.
    """
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
