"""The first audio comes long after the answer."""

from __future__ import annotations

from collections.abc import Iterator

from ....language import N_
from ...call import Call
from ...media.interruptions import carried_exactly
from ...media.model import overlap
from ...media.model import Period
from ...media.model import SpokenWay
from ...media.pauses import has_paused
from ...media.pauses import may_pause
from ..media_references import span
from ..media_references import streams
from ..model import Finding
from ..references import messages
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts

#: Who answers says "hello" within a second; two of silence, and people hang up, in ns.
_LATE_NS = 2_000_000_000

#: Expected speech begins with the answer; later, it begins after a hold, in ns.
_ANSWER_NS = 500_000_000


def _find(call: Call) -> Iterator[Finding]:
    if any(call.visibility.has(kind) for kind in ("clock-step", "clocks-differ")):
        return
    late = {way.sender: _silence(call, way) for way in call.media.ways}
    found = [(way, late[way.sender]) for way in call.media.ways]
    both = all(late.values())
    for way, silence in found:
        if silence is None:
            continue
        if both:
            # The sooner of the two ends the silence on the line.
            other = late["callee" if way.sender == "caller" else "caller"]
            if other is not None and (silence.end_ts, way.sender) > (
                other.end_ts,
                "caller" if way.sender == "callee" else "callee",
            ):
                continue
            yield _finding(call, way, silence, "both")
        elif _captured_before(call, way, silence):
            yield _finding(call, way, silence, way.sender)


def _silence(call: Call, way: SpokenWay) -> Period | None:
    """From the answer to the first packet, where that is too long."""
    dialog, negotiation = call.dialog, call.negotiation
    if way.shown != "rtp" or not way.expected or dialog is None or negotiation is None:
        return None
    answer = dialog.answer
    start = way.expected[0].start_ts
    if answer is None or abs(start - answer.ts) > _ANSWER_NS:
        return None
    carried = overlap(way.expected[:1], carried_exactly(way))
    if not carried or carried[0].start_ts - start <= _LATE_NS:
        return None
    if has_paused(way) or may_pause(way, negotiation.audio_at(start)):
        return None
    return Period(start, carried[0].start_ts)


def _captured_before(call: Call, way: SpokenWay, silence: Period) -> bool:
    """Whether media was captured before the first packet of the direction."""
    other = carried_exactly(call.media.heard_by(way.sender))
    own = carried_exactly(way)
    return (
        bool(overlap([silence], other))
        or any(period.start_ts < silence.start_ts for period in own)
        or any(d.ts < silence.end_ts for d in call.media.rtcp)
    )


def _finding(call: Call, way: SpokenWay, silence: Period, variant: str) -> Finding:
    answer = call.dialog.answer if call.dialog is not None else None
    stream = way.streams[0]
    shown = call.media.streams_of("audio") if variant == "both" else way.streams
    return Finding(
        "media-late",
        "warning",
        variant=variant,
        parameters={
            "speaker": stream.src or "",
            "listener": stream.dst or "",
            "late_ms": silence.ns / 1e6,
        },
        evidence=(
            *messages([answer] if answer is not None else [], N_("the answer")),
            span(silence, N_("no audio yet")),
            *streams(shown, N_("begins after {late_ms}")),
        ),
        since_ts=silence.start_ts,
    )


_NEXT = (
    N_(
        "Check what {speaker} waits for: the ACK, ICE, a DTLS handshake, the first "
        "packet of the other side, or an application that is slow to start."
    ),
    N_("Check whether a media relay or transcoder in between starts slowly."),
)
_WHY = N_(
    "The call was answered, and only {late_ms} later the first packet came from "
    "{speaker}. The other direction, or earlier media, was captured before, so that "
    "it would have been seen."
)

RULE = Rule(
    id="media-late",
    find=_find,
    rank=430,
    standard=("RFC 3264 6.1", "RFC 3261 13.2.2.4"),
    texts={
        "caller": Texts(
            N_("The first audio of the caller comes {late_ms} after the answer."),
            _WHY,
            _NEXT,
        ),
        "callee": Texts(
            N_("The first audio of the called side comes {late_ms} after the answer."),
            _WHY,
            _NEXT,
        ),
        "both": Texts(
            N_("The first audio of either side comes {late_ms} after the answer."),
            N_(
                "The call was answered, and for {late_ms} no packet came in either "
                "direction; then both sides talk. Their greetings are lost."
            ),
            _NEXT,
        ),
    },
    catalogue=CatalogueEntry(
        title=N_("Audio begins late"),
        meaning=N_("The first audio came more than two seconds after the answer."),
        noticed=N_("The greeting is cut off; people say hello several times."),
        causes=(
            N_("ICE or a DTLS handshake that takes long or fails at first."),
            N_("An ACK that comes late, where media waits for it."),
            N_("A gateway, IVR or transcoder that is slow to start."),
            N_("Two sides that wait for each other's first packet."),
        ),
        confirm=(
            N_("The time from the 200 to the first packet of each direction."),
            N_("STUN and DTLS packets between the answer and the first audio."),
        ),
        fix=(
            N_("Offer fewer ICE candidates; leave out networks that lead nowhere."),
            N_("Let media start with the answer, not with the ACK."),
        ),
        settings={
            "Asterisk": N_(
                "Endpoint: ice_support only where needed; rtp.conf: ice_deny, "
                "stunaddr; Answer() with a delay waits for media."
            ),
            "FreeSWITCH": N_("apply-candidate-acl keeps useless candidates out."),
            "OpenSIPS": N_("rtpengine: ICE=remove between sides without ICE."),
            "Kamailio": N_("rtpengine: ICE=remove between sides without ICE."),
        },
    ),
)
