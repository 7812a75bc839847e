"""Packets of speech that came at uneven times, more than listeners' buffers even out
(RFC 3550 section 6.4.1).
"""

from __future__ import annotations

from collections.abc import Iterator

from ....language import N_
from ...call import Call
from ...media.intervals import Interval
from ...sip.sides import other_side
from ...sip.sides import Side
from ..impairments import beside
from ..impairments import captured_intervals
from ..impairments import find_stretches
from ..impairments import SIDES
from ..impairments import Stretches
from ..media_references import conversation
from ..media_references import datagrams
from ..media_references import span
from ..media_references import stream as stream_reference
from ..model import Finding
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts

#: Interarrival jitter in ms. It is 2/√π of the deviation of the delay: at 30 ms a
#: buffer of 40 ms, which many phones have, gets 7 % of the packets too late.
_JITTER_MS = 30

#: No network is so uneven, in ms, without losing any packet; some listeners measure it
#: wrongly.
_MOST_WITHOUT_LOSS_MS = 500

#: A stretch that is shorter tells of one late packet, in ns.
_SHORTEST_NS = 2_000_000_000


def _find(call: Call) -> Iterator[Finding]:
    if call.visibility.has("clock-step"):
        return
    for speaker in SIDES:
        found = find_stretches(call, speaker, _is_bad, refuted=_refuted)
        if found is None or sum(p.ns for p in found.periods) < _SHORTEST_NS:
            continue
        if found.reported and _pauses(call, speaker):
            continue
        yield _finding(call, found)


def _pauses(call: Call, speaker: Side) -> bool:
    """Whether the sender pauses when nobody speaks, and came evenly where it was
    captured: some listeners take its pauses for jitter.
    """
    return any(each.measured.silences > 1 for each in captured_intervals(call, speaker))


def _is_bad(interval: Interval) -> bool:
    if interval.jitter is None or interval.jitter < _JITTER_MS:
        return False
    return interval.jitter <= _MOST_WITHOUT_LOSS_MS or interval.lost > 0


def _refuted(interval: Interval, told: list[Interval]) -> bool:
    """Whether the listener saw less than half of the jitter meanwhile: then the capture
    itself was uneven.
    """
    there = [e.jitter for e in beside(interval, told) if e.jitter is not None]
    assert interval.jitter is not None
    return bool(there) and max(there) < interval.jitter / 2


def _finding(call: Call, found: Stretches) -> Finding:
    listener = other_side(found.speaker)
    way = call.media.sent_by(found.speaker)
    stream = way.streams[0] if way.streams else None
    return Finding(
        "jitter-burst",
        "warning",
        variant=listener + ("-reported" if found.reported else ""),
        parameters={
            "sender": (stream.src if stream else None) or "",
            "receiver": (stream.dst if stream else None) or "",
            "jitter_ms": max(each.jitter or 0 for each in found.bad),
            "length_ms": sum(p.ns for p in found.periods) / 1e6,
        },
        evidence=(
            *(span(p, N_("packets come unevenly")) for p in found.periods[:10]),
            *(
                stream_reference(n, N_("jitter up to {jitter_ms}"))
                for n in found.streams
            ),
            *datagrams(found.datagrams, N_("the listener reports the jitter")),
            *conversation(call),
        ),
        since_ts=found.bad[0].start,
    )


_WHY = N_(
    "The packets from {sender} to {receiver} came at uneven times: interarrival jitter "
    "of {jitter_ms} where they were captured. A jitter buffer of 40 ms gets many of "
    "them too late, and a longer one adds delay."
)
_WHY_REPORTED = N_(
    "The listener reports by RTCP that the packets from {sender} came at uneven times: "
    "interarrival jitter of {jitter_ms}. A jitter buffer of 40 ms gets many of them "
    "too late, and a longer one adds delay."
)
_NEXT = (
    N_(
        "Look at the way of these packets at that time: a full uplink, Wi-Fi, a busy "
        "host or virtual machine."
    ),
    N_("Check that voice has priority (DSCP EF) all the way."),
    N_("Check that the listener's jitter buffer adapts, and how long it may get."),
)
_CALLEE = N_(
    "The audio came unevenly to the called side: jitter up to {jitter_ms}, for "
    "{length_ms}."
)
_CALLER = N_(
    "The audio came unevenly to the caller: jitter up to {jitter_ms}, for {length_ms}."
)

RULE = Rule(
    id="jitter-burst",
    find=_find,
    rank=610,
    standard=("RFC 3550 6.4.1", "RFC 3611 4.7.7", "ITU-T G.1020"),
    texts={
        "callee": Texts(_CALLEE, _WHY, _NEXT),
        "caller": Texts(_CALLER, _WHY, _NEXT),
        "callee-reported": Texts(_CALLEE, _WHY_REPORTED, _NEXT),
        "caller-reported": Texts(_CALLER, _WHY_REPORTED, _NEXT),
    },
    catalogue=CatalogueEntry(
        title=N_("Jitter"),
        meaning=N_(
            "The packets of speech came at so uneven times that the listener's jitter "
            "buffer is likely to have dropped some, or to have added delay."
        ),
        noticed=N_("Choppy or metallic speech, though no packet may be lost."),
        causes=(
            N_("A full uplink, where voice waits behind other packets."),
            N_("Wi-Fi or mobile networks."),
            N_("A busy host, or a virtual machine that gets its time in slices."),
        ),
        confirm=(
            N_("The axis shows when and in which direction."),
            N_("RTCP of the listener: does it report the same jitter?"),
        ),
        fix=(
            N_("Give voice priority on the uplink."),
            N_("Let the listener's jitter buffer adapt."),
        ),
        settings={
            "Asterisk": N_("JITTERBUFFER(adaptive)=default; tos_audio=ef."),
            "FreeSWITCH": N_("jitterbuffer_msec=60:200."),
            "OpenSIPS": N_("rtpengine: tos; its jitter-buffer of the daemon."),
            "Kamailio": N_("rtpengine: tos; its jitter-buffer of the daemon."),
        },
    ),
)
