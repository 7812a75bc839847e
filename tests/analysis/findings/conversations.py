"""Conversations in RTP and RTCP, for tests of what is said of a call's media."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Any

from flask_sipvault.evidence import RtcpDatagram
from flask_sipvault.protocols.address import Endpoint
from flask_sipvault.protocols.rtp_stream import StreamMeter
from flask_sipvault.protocols.sdp import STATIC_CODECS

from ..conftest import NOON
from ..conftest import Story
from ..talks import ALICE
from ..talks import BOB
from ..talks import heard

SECOND = 1_000_000_000

#: Seconds between 1900, where NTP's time starts, and 1970.
_NTP_EPOCH = 2_208_988_800

#: The SSRCs of what the two say.
A, B = 1, 2


def both_speak(story: Story, *, at: float = 1, seconds: float = 30, **how: Any) -> None:
    heard(story, ALICE, BOB, A, at=at, seconds=seconds, **how)
    heard(story, BOB, ALICE, B, at=at, seconds=seconds, **how)


def pauses(story: Story, src: Endpoint, dst: Endpoint, ssrc: int) -> None:
    """Speech from second 1 to 31 that leaves out its silence from 11 to 19: no packet
    is missing, and the clock goes on (RFC 3551 section 4.1).
    """
    meter = StreamMeter(ssrc, src, dst, STATIC_CODECS)
    spoken = [tick for tick in range(1500) if not 500 <= tick < 900]
    meter.feed(
        (NOON + SECOND + tick * 20_000_000, 0, number, tick * 160, 160)
        for number, tick in enumerate(spoken)
    )
    figures = meter.take()
    assert figures is not None
    story.evidence.media.append(figures)


def block(
    ssrc: int,
    *,
    lost: int = 0,
    highest: int = 1000,
    jitter: int = 0,
    asked: float | None = None,
    waited: float = 0,
) -> bytes:
    """A report block (RFC 3550 section 6.4.1).

    :param asked: when the sender report was sent that it answers to, in seconds.
    :param waited: how long ago that was received, in seconds.
    """
    lsr = 0 if asked is None else _ntp(asked) >> 16 & 0xFFFF_FFFF
    return struct.pack(
        "!IIIIII",
        *(ssrc, lost & 0xFF_FFFF, highest, jitter, lsr, round(waited * 65_536)),
    )


def _ntp(at: float) -> int:
    ns = NOON + round(at * SECOND)
    return (ns // SECOND + _NTP_EPOCH << 32) + (ns % SECOND << 32) // SECOND


def sender_report(ssrc: int, at: float, packets: int, *blocks: bytes) -> bytes:
    words = 6 + 6 * len(blocks)
    head = struct.pack("!BBHI", 0x80 | len(blocks), 200, words, ssrc)
    counts = struct.pack("!QIII", _ntp(at), 0, packets, packets * 160)
    return head + counts + b"".join(blocks)


def receiver_report(ssrc: int, *blocks: bytes) -> bytes:
    words = 1 + 6 * len(blocks)
    head = struct.pack("!BBHI", 0x80 | len(blocks), 201, words, ssrc)
    return head + b"".join(blocks)


def reports(story: Story, at: float, src: Endpoint, dst: Endpoint, data: bytes) -> None:
    """One RTCP datagram, between the ports beside those of RTP."""
    ends = [end._replace(port=end.port + 1) for end in (src, dst)]
    ts = NOON + round(at * SECOND)
    story.evidence.rtcp.append(RtcpDatagram(ts, ends[0], ends[1], data))


def sent_by_alice(
    story: Story, times: Iterable[float], *, until: float = 1e9, hears: bool = True
) -> None:
    """Her sender reports: she sends 50 packets a second, since second 1.

    :param until: when she stops sending.
    :param hears: whether she reports on what Bob sends.
    """
    for at in times:
        count = round(50 * (min(at, until) - 1))
        blocks = [block(B, highest=round(50 * (at - 1)))] if hears else []
        reports(story, at, ALICE, BOB, sender_report(A, at, count, *blocks))


def sent_by_bob(
    story: Story, times: Iterable[float], *, until: float = 1e9, hears: bool = True
) -> None:
    """His."""
    for at in times:
        count = round(50 * (min(at, until) - 1))
        blocks = [block(A, highest=round(50 * (at - 1)))] if hears else []
        reports(story, at, BOB, ALICE, sender_report(B, at, count, *blocks))
