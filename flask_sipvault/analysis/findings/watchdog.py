"""Calls that one side, or a server, hung up because it had received no RTP for a time:
by a watchdog, not by a person.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..call import Call
from ..media.expected import is_hold
from ..media.interruptions import carried_exactly
from ..media.interruptions import SHORTEST_NS
from ..media.model import Period
from ..media.model import SpokenWay
from ..media.negotiation import LineState
from ..media.pauses import has_paused
from ..media.pauses import may_pause
from ..sip.messages import Message
from ..sip.sides import other_side
from ..sip.sides import Side

#: What a BYE says of itself, in its Reason header or another.
_STATED = re.compile(
    r"(?:rtp|media|audio)[ _-]?(?:stream[ _-]?)?(?:time[ _-]?out|inactiv|lost\b)"
    r"|\bno[ _-](?:rtp|media|audio)\b",
    re.IGNORECASE,
)

#: Headers in which products say why they hang up.
_SAYING = ("Reason", "X-Asterisk-HangupCause", "X-Hangup-Reason", "Warning")

#: Times that watchdogs are set to, in s. With more of them, people would often hang up
#: at such a time by chance.
_USUAL_S = (10, 20, 30, 60, 90, 120, 180, 240, 300, 600, 900, 1200, 1800, 3600)

#: By so much a watchdog may be early (packets already on their way) or late (it looks
#: now and then), in ns.
_EARLY_NS, _LATE_NS = 100_000_000, 300_000_000

_SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class WatchdogHangUp:
    """A call that was hung up for want of RTP.

    :param by: None where a server between the two hung up.
    :param stated: where the BYE says so; "" where it came a usual time after the last
        packet, to a fraction of a second.
    :param silence: from the last packet to the BYE; None where no RTP was captured, or
        it was until the end.
    :param hold: the state of the audio line, where the call was on hold.
    :param way: what should have come; None with both directions.
    """

    bye: Message
    by: Side | None
    stated: str
    silence: Period | None
    hold: LineState | None
    way: SpokenWay | None


def find_hang_up(call: Call) -> WatchdogHangUp | None:
    """The hang-up of a watchdog; None where a person's is as likely."""
    ending, negotiation = call.ending, call.negotiation
    if ending is None or ending.message.method != "BYE" or call.setup is None:
        return None
    bye = ending.message
    state = negotiation.audio_at(bye.ts - 1) if negotiation is not None else None
    hold = state if state is not None and is_hold(state) else None
    way = call.media.heard_by(ending.by) if ending.by is not None else None
    silence = _silence(call, bye, way)
    stated = next((text for text in _texts(bye) if _STATED.search(text)), "")
    if not stated:
        reasons = any(bye.header(name) for name in _SAYING)
        if reasons or silence is None or way is None or not _is_usual(silence):
            return None
        if hold is None and not _may_be_suppressed(call, way, silence, state):
            return None
        if hold is not None and silence.start_ts < hold.since_ts - SHORTEST_NS:
            return None
    return WatchdogHangUp(bye, ending.by, stated, silence, hold, way)


def _texts(bye: Message) -> list[str]:
    if bye.sip is None:
        return []
    return [text for name in _SAYING for text in bye.sip.get_all(name)]


def _silence(call: Call, bye: Message, way: SpokenWay | None) -> Period | None:
    """From the last packet that came to the one who hung up, to the BYE."""
    ways = [way] if way is not None else list(call.media.ways)
    last = [
        period.end_ts if period.end_ts <= bye.ts else bye.ts
        for each in ways
        for period in carried_exactly(each)
        if period.start_ts < bye.ts
    ]
    if not last or bye.ts - max(last) < SHORTEST_NS:
        return None
    return Period(max(last), bye.ts)


def _is_usual(silence: Period) -> bool:
    return any(
        -_EARLY_NS <= silence.ns - seconds * _SECOND <= _LATE_NS for seconds in _USUAL_S
    )


def _may_be_suppressed(
    call: Call, way: SpokenWay, silence: Period, state: LineState | None
) -> bool:
    """Whether the sender may have had nothing to say, and the capture went on."""
    listener = other_side(way.sender)
    types = state.types_to(listener) if state is not None else {}
    noise = any(codec.name.lower() == "cn" for codec in types.values())
    if not (noise or has_paused(way) or may_pause(way, state)):
        return False
    other = carried_exactly(call.media.sent_by(listener))
    late = silence.end_ts - SHORTEST_NS
    return any(period.end_ts >= late for period in other) or any(
        silence.start_ts + SHORTEST_NS <= d.ts <= silence.end_ts
        for d in call.media.rtcp
    )
