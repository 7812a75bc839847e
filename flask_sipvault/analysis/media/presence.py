"""What captured RTP shows of the signalling: that early media came, that somebody
answered.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..sip.setup import CallSetup
from .model import MediaStream

#: So much of a stream is more than ringback or an announcement that starts.
_CONVERSATION_NS = 5_000_000_000

#: 250 packets are 5 s of 20 ms each.
_CONVERSATION_PACKETS = 250


def heard_early(setup: CallSetup, streams: Iterable[MediaStream]) -> bool | None:
    """Whether media came to the caller before the call was answered or refused; None
    where the signalling promised none, or nothing could show it.
    """
    seen = [stream for stream in streams if stream.rtp]
    if setup.early_media is None or not seen:
        return None
    until = setup.final.ts if setup.final is not None else None
    return any(
        stream.sender != "caller"
        and stream.first_ts is not None
        and (until is None or stream.first_ts < until)
        for stream in seen
    )


def talked(streams: Iterable[MediaStream]) -> bool:
    """Whether RTP went to and fro between two addresses for as long as only an answered
    call has it.
    """
    long_ones = {
        (seen.figures.src, seen.figures.dst)
        for stream in streams
        for seen in stream.rtp
        if seen.figures.packets >= _CONVERSATION_PACKETS
        and seen.figures.last_ts - seen.figures.first_ts >= _CONVERSATION_NS
        and seen.figures.src
        and seen.figures.dst
    }
    return any((dst, src) in long_ones for src, dst in long_ones)
