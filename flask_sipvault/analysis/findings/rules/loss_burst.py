"""Packets of speech that were lost, so many at once that it was heard (ITU-T G.107,
G.113, RFC 3611 section 4.7.2).
"""

from __future__ import annotations

from collections.abc import Iterator

from ....language import N_
from ...call import Call
from ...media.intervals import Interval
from ...media.rtcp_streams import USUAL_PACKET_MS
from ...sip.sides import other_side
from ..impairments import find_stretches
from ..impairments import reported_share
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

#: By the E-model, losses in bursts of 5 % bring G.711 with concealment (Ie 0, Bpl 25.1,
#: BurstR 2) below R = 80, where users begin to be dissatisfied (ITU-T G.109); other
#: codecs, and gear that conceals nothing, sooner.
_SHARE = 0.05

#: Less than this of speech, in ms, is a syllable at most.
_LEAST_MS = 250

#: Spread over a long call less is heard, too: by the E-model 3 % costs G.729 a whole
#: class, and G.711 without concealment two.
_SHARE_THROUGHOUT = 0.03
_LONG_NS = 20_000_000_000

#: A listener that reports less than this part of the loss got what the capture missed.
_REFUTED_SHARE = 0.25

#: More than this share of the time is no burst.
_MOST_OF_IT = 0.5


def _find(call: Call) -> Iterator[Finding]:
    for speaker in SIDES:
        found = find_stretches(call, speaker, _is_burst, refuted=_refuted)
        if found is None:
            found = find_stretches(call, speaker, _loses, refuted=_refuted)
            if found is None or not _throughout(found):
                continue
        yield _finding(call, found)


def _is_burst(interval: Interval) -> bool:
    packet_ms = interval.coding.packet_ms or USUAL_PACKET_MS
    return (
        interval.lost >= _SHARE * interval.expected
        and interval.lost * packet_ms >= _LEAST_MS
    )


def _loses(interval: Interval) -> bool:
    return interval.lost > 0


def _throughout(found: Stretches) -> bool:
    lost, expected = _sums(found.every)
    whole = sum(each.end - each.start for each in found.every)
    return whole >= _LONG_NS and lost >= _SHARE_THROUGHOUT * expected


def _sums(intervals: list[Interval]) -> tuple[float, float]:
    return (
        sum(each.lost for each in intervals),
        sum(each.expected for each in intervals),
    )


def _refuted(interval: Interval, told: list[Interval]) -> bool:
    share = reported_share(interval, told)
    return share is not None and share < (
        _REFUTED_SHARE * interval.lost / interval.expected
    )


def _finding(call: Call, found: Stretches) -> Finding:
    lost, expected = _sums(found.bad)
    worst = max(found.bad, key=lambda each: each.lost / each.expected)
    listener = other_side(found.speaker)
    way = call.media.sent_by(found.speaker)
    stream = way.streams[0] if way.streams else None
    length = sum(each.end - each.start for each in found.bad)
    often = found.share > _MOST_OF_IT and length >= _LONG_NS
    return Finding(
        "loss-burst",
        "warning",
        variant=listener
        + ("-reported" if found.reported else "")
        + ("-often" if often else ""),
        parameters={
            "sender": (stream.src if stream else None) or "",
            "receiver": (stream.dst if stream else None) or "",
            "percent": round(100 * lost / expected),
            "worst": round(100 * worst.lost / worst.expected),
            "lost": round(lost),
            "length_ms": length / 1e6,
        },
        evidence=(
            *(span(p, N_("packets are missing")) for p in found.periods[:10]),
            *(stream_reference(n, N_("{lost} packets missing")) for n in found.streams),
            *datagrams(found.datagrams, N_("the listener reports the loss")),
            *conversation(call),
        ),
        since_ts=found.bad[0].start,
    )


_WHY = N_(
    "Of the packets from {sender} to {receiver}, {lost} never came where they were "
    "captured, {worst} % at the worst within five seconds. They were lost between the "
    "speaker and the place of the capture; speech breaks up."
)
_WHY_REPORTED = N_(
    "The listener reports by RTCP that {lost} packets from {sender} never came, "
    "{worst} % at the worst between two reports. Where RTP was captured, it was still "
    "complete there, so that they were lost between there and the listener."
)
_NEXT = (
    N_(
        "Look for loss on the way of these packets at that time: Wi-Fi, a full uplink, "
        "errors of an interface."
    ),
    N_("Compare with other calls of that time and network: one phone, or all?"),
    N_("Check that voice has priority (DSCP EF) all the way."),
)
_CALLEE = N_(
    "The called side heard gaps: {percent} % of the packets lost in {length_ms}."
)
_CALLER = N_("The caller heard gaps: {percent} % of the packets lost in {length_ms}.")
_CALLEE_OFTEN = N_(
    "The called side heard gaps most of the time: {percent} % of the packets were lost."
)
_CALLER_OFTEN = N_(
    "The caller heard gaps most of the time: {percent} % of the packets were lost."
)

RULE = Rule(
    id="loss-burst",
    find=_find,
    rank=600,
    explains=frozenset({"jitter-burst"}),
    standard=("ITU-T G.107", "ITU-T G.113 I", "RFC 3550 6.4.1", "RFC 3611 4.7.2"),
    texts={
        "callee": Texts(_CALLEE, _WHY, _NEXT),
        "caller": Texts(_CALLER, _WHY, _NEXT),
        "callee-often": Texts(_CALLEE_OFTEN, _WHY, _NEXT),
        "caller-often": Texts(_CALLER_OFTEN, _WHY, _NEXT),
        "callee-reported": Texts(_CALLEE, _WHY_REPORTED, _NEXT),
        "caller-reported": Texts(_CALLER, _WHY_REPORTED, _NEXT),
        "callee-reported-often": Texts(_CALLEE_OFTEN, _WHY_REPORTED, _NEXT),
        "caller-reported-often": Texts(_CALLER_OFTEN, _WHY_REPORTED, _NEXT),
    },
    catalogue=CatalogueEntry(
        title=N_("Packet loss"),
        meaning=N_(
            "So many packets of speech were lost within seconds that the listener "
            "heard it: 5 % and more of five seconds, or 3 % of a long call. Packets "
            "that only came out of order or twice do not count."
        ),
        noticed=N_("The voice of one side breaks up, or words are missing."),
        causes=(
            N_("Weak Wi-Fi or mobile network of the speaker or the listener."),
            N_("A full uplink without priority for voice."),
            N_("A broken cable, duplex mismatch or overloaded router."),
            N_("An overloaded server or media relay."),
        ),
        confirm=(
            N_("The axis shows when and in which direction."),
            N_(
                "RTCP of the listener: does it report the same loss? If not, the "
                "capture itself lost packets."
            ),
            N_("Capture on both sides of a device: where do packets begin to lack?"),
        ),
        fix=(
            N_("Give voice priority, and more room to the uplink."),
            N_("Use a cable, or a better place for the access point."),
            N_("A codec that conceals loss (Opus with FEC) softens it."),
        ),
        settings={
            "Asterisk": N_(
                "Endpoint: tos_audio=ef, cos_audio=5; JITTERBUFFER(adaptive); codec "
                "opus with fec."
            ),
            "FreeSWITCH": N_("jitterbuffer_msec; for Opus useinbandfec=1."),
            "OpenSIPS": N_(
                "rtpengine: tos of the daemon sets the DSCP of what it relays."
            ),
            "Kamailio": N_(
                "rtpengine: tos of the daemon sets the DSCP of what it relays."
            ),
        },
    ),
)
