"""Whether a direction was carried for as long as it should have been."""

from __future__ import annotations

from .model import length_of
from .model import SpokenWay
from .quality import Missing
from .quality import Verdict

#: What a listener notices: from the answer to the first packet, from the last packet to
#: the end, and in between, in ns. Phones open their ports after the answer, and close
#: them before they say that they hang up.
_LATE_NS = 2_000_000_000
_STOPPED_NS = 3_000_000_000
_BETWEEN_NS = 2_000_000_000

#: By sender reports the edges are known as exactly as reports come, every five seconds
#: (RFC 3550 section 6.2).
_REPORTED_NS = 6_000_000_000

_SECOND = 1_000_000_000


def notable_gaps(way: SpokenWay) -> list[Missing]:
    """When there should have been speech and none was carried, for so long that it was
    noticed; empty where that would not have been seen.
    """
    found: list[Missing] = []
    for period in way.missing:
        if period.start_ts == way.expected[0].start_ts:
            missing = Missing(*period, "beginning")
            least = _LATE_NS
        elif period.end_ts == way.expected[-1].end_ts:
            missing = Missing(*period, "end")
            least = _STOPPED_NS
        else:
            missing = Missing(*period, "between")
            least = _BETWEEN_NS
        if way.shown == "sender-reports":
            least = _REPORTED_NS
        if period.ns >= least:
            found.append(missing)
    return found


def verdict_on(missing: list[Missing], way: SpokenWay) -> Verdict:
    """What so much silence is worth at most: bad from 10 seconds or a quarter of the
    time on, poor from 5 seconds or a twentieth.
    """
    if not missing:
        return "unknown"
    seconds = sum(each.seconds for each in missing)
    share = seconds * _SECOND / length_of(way.expected)
    if seconds >= 10 or share >= 0.25:
        return "bad"
    return "poor" if seconds >= 5 or share >= 0.05 else "fair"
