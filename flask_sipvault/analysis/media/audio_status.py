"""Whether audio went both ways, one way, or no way at all.

That nothing came is told only where it would have been seen: where the other direction
was captured, or where both sides' RTCP was.
"""

from __future__ import annotations

from ..call import Call
from ..sip.sides import other_side
from ..sip.sides import Side
from .continuity import notable_gaps
from .directions import Direction
from .model import length_of
from .model import SpokenWay
from .quality import Audio
from .quality import AudioReason
from .rtp_streams import is_silent

#: Less speech than this, in ns, is a stray packet and no conversation: what a relay
#: sends before it latches, what a phone sends as it hangs up.
_STRAY_NS = 1_000_000_000

_UP = ("answered", "in_progress")
_NAMES: dict[Side, Direction] = {"caller": "uac", "callee": "uas"}


def find_status(call: Call) -> Audio:
    """Whether audio went both ways, as far as it can be told."""
    ways = call.media.ways
    carried = [_was_carried(call, way) for way in ways]
    silent = [_was_silent(way) for way in ways]
    if carried == [True, True]:
        if all(silent):
            return Audio("silent", "both-silent")
        if any(silent):
            speaking = ways[0] if silent[1] else ways[1]
            return _one_way(call, speaking, "one-side-silent")
        if any(notable_gaps(way) for way in ways):
            return Audio("interrupted", "not-throughout")
        return Audio("normal", "both-sides")
    if call.outcome.status not in _UP:
        return without_media(call)
    if True in carried and False in carried:
        way, other = ways if carried[0] else ways[::-1]
        if _was_silent(way):
            return Audio("silent", "hardly-any-speech", _NAMES[way.sender])
        reason: AudioReason = "astray" if other.astray else "only-one-side"
        return _one_way(call, way, reason)
    if carried == [False, False]:
        return Audio("none", "neither-sent")
    if call.media.seen or call.media.reported.streams:
        return Audio(reason="one-direction-captured")
    if call.evidence.reports:
        return Audio(reason="agents-report-only")
    return without_media(call)


def without_media(call: Call) -> Audio:
    """The status of a call of whose audio nothing is known."""
    up = call.outcome.status in _UP
    return Audio(reason="not-captured" if up else "not-answered")


def _one_way(call: Call, heard: SpokenWay, reason: AudioReason) -> Audio:
    silent = _NAMES[other_side(heard.sender)]
    agreed = call.media.paths.keeps_silent(silent)
    return Audio("one-way", reason, _NAMES[heard.sender], agreed)


def _was_carried(call: Call, way: SpokenWay) -> bool | None:
    """Whether a direction carried speech; None where it is not known."""
    if length_of(way.carried) >= _STRAY_NS:
        return True
    if _NAMES[way.sender] in call.media.reported.hears and not way.astray:
        return True
    if way.carried and length_of(way.expected) < 2 * _STRAY_NS:
        return True  # a short call, or nobody knows how long it should have been
    if way.shown is None:
        return False if way.known else None
    return False


def _was_silent(way: SpokenWay) -> bool:
    """Whether all that came was comfort noise or pauses."""
    seen = [each.figures for stream in way.nearest for each in stream.rtp]
    return bool(seen) and all(map(is_silent, seen))
