"""Directions in which no audio arrived during the whole conversation, and what shows
that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..call import Call
from ..media.model import length_of
from ..media.model import overlap
from ..media.model import Period
from ..media.model import SpokenWay
from ..media.quality import Direction
from ..sip.sides import other_side
from ..sip.sides import Side

#: ``not-sent``: the speaker's own RTCP says that it sends nothing. ``lost``: it says
#: that it sends, and the listener's RTCP that nothing arrives. ``unheard``: the
#: listener's RTCP alone. ``not-seen``: no packet was captured, though it would have
#: been.
Proof = Literal["not-sent", "lost", "unheard", "not-seen"]

#: A conversation that is shorter tells nothing, in ns: media may need a second or two,
#: and a report comes every five.
_SHORTEST_NS = 5_000_000_000

#: Less than this share of the conversation are stray packets.
_STRAY_SHARE = 0.1

#: So many packets are a second of speech.
_ENOUGH_PACKETS = 50

_DIRECTIONS: dict[Side, Direction] = {"caller": "uac", "callee": "uas"}


@dataclass(frozen=True, slots=True)
class Absence:
    """A direction without audio.

    :param talk: from when to when there should have been some.
    :param datagrams: the RTCP that shows it, by places from 1.
    """

    way: SpokenWay
    proof: Proof
    talk: Period
    datagrams: tuple[int, ...] = ()


def absence_of(call: Call, speaker: Side) -> Absence | None:
    """Whether nothing of what a side says arrived; None where something did, or where
    that would not have been seen.
    """
    way = call.media.sent_by(speaker)
    if length_of(way.expected) < _SHORTEST_NS or _carried(call, way):
        return None
    talk = Period(way.expected[0].start_ts, way.expected[-1].end_ts)
    reported = call.media.reported
    own, listening = _DIRECTIONS[speaker], _DIRECTIONS[other_side(speaker)]
    by_speaker = _within(reported.speakers.get(own, []), talk)
    by_listener = _within(reported.speakers.get(listening, []), talk)
    deaf = _spread(by_listener) and own not in reported.hears
    if _sent(way, talk):
        proof: Proof | None = "lost" if deaf else None
        told = by_listener
    elif _spread(by_speaker):
        proof, told = "not-sent", by_speaker
    elif own in reported.hears:
        return None
    elif deaf:
        proof, told = "unheard", by_listener
    else:
        proof, told = None, []
    if proof is None and _would_be_seen(call, way):
        proof, told = "not-seen", []
    if proof is None:
        return None
    times = set(told)
    numbers = [n for n, d in enumerate(call.media.rtcp, 1) if d.ts in times]
    return Absence(way, proof, talk, tuple(numbers))


def carries(call: Call, speaker: Side) -> bool:
    """Whether a side's audio was sent during the conversation: by RTP or, where none
    was captured, by RTCP.
    """
    way = call.media.sent_by(speaker)
    if not way.expected:
        return False
    talk = Period(way.expected[0].start_ts, way.expected[-1].end_ts)
    heard = _DIRECTIONS[speaker] in call.media.reported.hears
    return _carried(call, way) or _sent(way, talk) or heard


def _carried(call: Call, way: SpokenWay) -> bool:
    """Whether more than stray packets were captured of a direction, wherever; or some
    of which nobody knows whose they are.
    """
    whole = length_of(way.expected)
    for stream in call.media.streams_of("audio"):
        if stream.rtp and stream.sender in (None, way.sender):
            there = length_of(overlap(way.expected, stream.flow))
            if there > _STRAY_SHARE * whole:
                return True
    return False


def _sent(way: SpokenWay, talk: Period) -> bool:
    """Whether the sender's reports count packets during the conversation."""
    for stream in way.streams:
        before = [c.packets for c in stream.counts if c.ts < talk.start_ts]
        within = [c.packets for c in stream.counts if talk.start_ts <= c.ts]
        if within and max(within) - max(before, default=0) >= _ENOUGH_PACKETS:
            return True
    return False


def _within(times: list[int], talk: Period) -> list[int]:
    return [ts for ts in times if talk.start_ts <= ts <= talk.end_ts]


def _spread(times: list[int]) -> bool:
    """Whether reports came for so long that one on audio would be among them."""
    return len(times) > 1 and max(times) - min(times) >= _SHORTEST_NS * 4 // 5


def _would_be_seen(call: Call, way: SpokenWay) -> bool:
    """Whether packets of a direction would have been captured. Those of the other one
    were; and so was SIP to the host that these come from, or from the host that they go
    to: both directions of that host's line were captured.
    """
    if call.visibility.has("one-direction"):
        return False
    for stream in call.media.heard_by(way.sender).streams:
        if length_of(overlap(way.expected, stream.flow)) < _SHORTEST_NS * 4 // 5:
            continue
        for seen in stream.rtp:
            listener, speaker = seen.figures.src, seen.figures.dst
            if any(
                (listener is not None and message.dst.ip == listener.ip)
                or (speaker is not None and message.src.ip == speaker.ip)
                for message in call.messages
            ):
                return True
    return False
